"""Who answers: duties of every kind of place, special units, shifts and leave, departments, rules of categories as they were."""

from __future__ import annotations

from gis.migrations.statements import no_way_back, run

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Run the statements of the file beside this one."""
    run("0007_who_answers")


downgrade = no_way_back
