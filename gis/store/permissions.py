"""The database's copy of the table of `grids/permissions.py`, by which its policies decide."""

from __future__ import annotations

import sqlalchemy as sa

from gis import tables
from gis.db import Tx
from grids.permissions import PERMISSIONS, Role


def write(tx: Tx) -> None:
    """Make the copy equal to the table; what is equal stays as it is."""
    wanted = {(act.value, role.value) for act, roles in PERMISSIONS.items() for role in roles if role is not Role.PUBLIC}
    permission = tables.permission
    if wanted == {(row.act, row.role) for row in tx.execute(sa.select(permission.c.act, permission.c.role))}:
        return
    tx.execute(sa.delete(permission))
    tx.execute(sa.insert(permission), [{"act": act, "role": role} for act, role in sorted(wanted)])
