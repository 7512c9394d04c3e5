"""What every revision does: it runs the file of statements that bears its name, and never goes back."""

from __future__ import annotations

from importlib.resources import files

from alembic import op

from gis.db import psycopg_connection


def run(name: str) -> None:
    """Run the statements of `gis/migrations/versions/<name>.sql` on the connection of the migration."""
    psycopg_connection(op.get_bind()).execute((files("gis.migrations") / "versions" / f"{name}.sql").read_text("utf-8"))


def no_way_back() -> None:
    """The way back of every revision: there is none. `wangge restore` brings back a backup."""
    raise SystemExit("There is no way back from this schema; restore a backup instead.")
