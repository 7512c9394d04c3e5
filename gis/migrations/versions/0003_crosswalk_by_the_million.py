"""Cells and their shares by the million: what they refer to is checked by the statement; a draft is removed in seconds."""

from __future__ import annotations

from gis.migrations.statements import no_way_back, run

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Run the statements of the file beside this one."""
    run("0003_crosswalk_by_the_million")


downgrade = no_way_back
