"""Who may: accounts, logins, keys, grants, the table of permissions, the roles of the database and the policies under them."""

from __future__ import annotations

from gis.migrations.statements import no_way_back, run

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Run the statements of the file beside this one."""
    run("0008_who_may")


downgrade = no_way_back
