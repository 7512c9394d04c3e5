"""Duties of areas above the lowest: the backstop behind the duty grids."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from gis.db import psycopg_connection

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Run the statements of the file beside this one."""
    psycopg_connection(op.get_bind()).execute(Path(__file__).with_suffix(".sql").read_text("utf-8"))


def downgrade() -> None:
    """Nothing goes back: `wangge restore` brings back a backup."""
    raise SystemExit("There is no way back from this schema; restore a backup instead.")
