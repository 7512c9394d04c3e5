"""What changed between two editions, as rows and as ground."""

from __future__ import annotations

from gis.migrations.statements import no_way_back, run

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Run the statements of the file beside this one."""
    run("0006_changes")


downgrade = no_way_back
