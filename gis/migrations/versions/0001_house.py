"""The house: cities, editions and what they are made of, owners, incidents, and the job queue."""

from __future__ import annotations

from pathlib import Path

from alembic import op
from procrastinate.schema import SchemaManager

from gis.db import psycopg_connection

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make everything; the job queue's own schema comes from procrastinate."""
    connection = psycopg_connection(op.get_bind())
    connection.execute(Path(__file__).with_suffix(".sql").read_text("utf-8"))
    connection.execute(SchemaManager.get_schema())


def downgrade() -> None:
    """Remove everything. There is no older release to go back to: `wangge restore` brings back a backup."""
    raise SystemExit("The first schema has nothing before it; restore a backup instead.")
