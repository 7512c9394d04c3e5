"""Duties of areas above the lowest: the backstop behind the duty grids."""

from __future__ import annotations

from gis.migrations.statements import no_way_back, run

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Run the statements of the file beside this one."""
    run("0005_backstop")


downgrade = no_way_back
