"""Questions about the past: a duty keeps the name its owner had, and editions are found by their time."""

from __future__ import annotations

from gis.migrations.statements import no_way_back, run

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Run the statements of the file beside this one."""
    run("0004_replay")


downgrade = no_way_back
