"""The tables of the code are the tables that the migrations make, to the last constraint."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from gis import tables
from gis.errors import SchemaBehind
from gis.migrations import run
from gis.migrations.env_filter import is_ours
from gis.schema import SCHEMA, require_schema
from tests.tiny_city import act

_CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE 'procrastinate%' AND conrelid::regclass::text NOT IN ('spatial_ref_sys', 'alembic_version')
"""
_INDEXES = (
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT SIMILAR TO 'procrastinate%|alembic_version'"
)


def described(url: str, query: str) -> set[tuple[str, ...]]:
    with act(url) as tx:
        return {tuple(row) for row in tx.execute(sa.text(query))}


def test_migrations_make_what_the_code_expects(database: str) -> None:
    with act(database) as tx:
        context = MigrationContext.configure(tx, opts={"include_object": is_ours})
        assert compare_metadata(context, tables.metadata) == []


def test_every_constraint_and_index_is_the_same_as_the_tables_say(database: str, empty_database: str) -> None:
    with act(empty_database) as tx:
        tables.metadata.create_all(tx)
    for query in (_CONSTRAINTS, _INDEXES):
        assert described(database, query) == described(empty_database, query)


def test_migrating_twice_changes_nothing(database: str) -> None:
    before, after = run.migrate(database)
    assert before == after


def test_an_empty_database_is_told_from_a_migrated_one(database: str, empty_database: str) -> None:
    with act(database) as tx:
        require_schema(tx)
    with act(empty_database) as tx, pytest.raises(SchemaBehind, match=r"schema none.*migrate"):
        require_schema(tx)


def test_the_release_names_its_newest_migration() -> None:
    assert ScriptDirectory(str(Path(run.__file__).parent)).get_heads() == [SCHEMA]
