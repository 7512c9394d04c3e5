"""Incidents by the million: default geocodes, days told from instants, and their places checked by the statement."""

from __future__ import annotations

from gis.migrations.statements import no_way_back, run

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Run the statements of the file beside this one."""
    run("0002_incidents_by_the_million")


downgrade = no_way_back
