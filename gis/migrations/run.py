"""Bring a database's schema to what this release needs."""

from __future__ import annotations

from pathlib import Path

import alembic.command
import alembic.config
import sqlalchemy as sa
from alembic.migration import MigrationContext

from gis.db import engine, transaction
from gis.schema import SCHEMA
from gis.store import permissions


def migrate(url: str) -> tuple[str | None, str]:
    """Run the revisions that are missing; returns the revision before and after. Safe to run from several processes."""
    to = engine(url, pool_size=1)
    try:
        with transaction(to) as tx:
            tx.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended('wangge migrate', 0))"))
            before = MigrationContext.configure(tx).get_current_revision()
            config = alembic.config.Config()
            config.set_main_option("script_location", str(Path(__file__).parent))
            config.attributes["connection"] = tx
            alembic.command.upgrade(config, "head")
            permissions.write(tx)
    finally:
        to.dispose()
    return before, SCHEMA
