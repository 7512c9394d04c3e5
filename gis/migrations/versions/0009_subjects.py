"""What is kept of people and for how long: who reported, what was deleted, and the rates that hold on every machine."""

from __future__ import annotations

from gis.migrations.statements import no_way_back, run

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Run the statements of the file beside this one."""
    run("0009_subjects")


downgrade = no_way_back
