"""The database fixtures themselves: what a test gets is its own, migrated or empty."""

from __future__ import annotations

import psycopg
import pytest


def tables(url: str) -> set[str]:
    with psycopg.connect(url.replace("+psycopg", "", 1)) as connection:
        found = connection.execute(
            "SELECT table_schema || '.' || table_name FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
        return {row[0] for row in found}


@pytest.mark.parametrize("turn", [1, 2])
def test_what_one_test_leaves_the_next_one_does_not_see(database: str, turn: int) -> None:
    assert "public.left_behind" not in tables(database)
    with psycopg.connect(database.replace("+psycopg", "", 1)) as connection:
        connection.execute("CREATE TABLE left_behind (turn int)")


def test_a_database_is_migrated_and_an_empty_one_is_not(database: str, empty_database: str) -> None:
    assert any(name.endswith(".alembic_version") for name in tables(database))
    assert not any(name.endswith(".alembic_version") for name in tables(empty_database))
    assert "public.spatial_ref_sys" in tables(empty_database)
