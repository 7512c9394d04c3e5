"""The house: cities, editions and what they are made of, owners, incidents, and the job queue."""

from __future__ import annotations

from alembic import op
from procrastinate.schema import SchemaManager

from gis.db import psycopg_connection
from gis.migrations.statements import no_way_back, run

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make everything; the job queue's own schema comes from procrastinate."""
    run("0001_house")
    psycopg_connection(op.get_bind()).execute(SchemaManager.get_schema())


downgrade = no_way_back
