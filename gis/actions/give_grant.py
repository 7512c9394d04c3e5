"""Give an account a role in a part of a city, after asking whether there are such a city, place and role to give.

Keys of the account that others have made end with it: whoever made one might not have given this role.
"""

from __future__ import annotations

from datetime import datetime

from gis.account_errors import NoGrant, NotAPeriod
from gis.db import Tx
from gis.errors import NotAnInstant
from gis.store import accounts, api_keys, grants
from grids.permissions import Grant, Role

_FIRST_YEAR, _LAST_YEAR = 1900, 9000


def give_grant(
    tx: Tx,
    login: str,
    grant: Grant,
    *,
    now: datetime,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    granted_by: int | None = None,
) -> int:
    """Give a grant, from now on unless another beginning is named, and return its number. Of the account's keys those of its own, of
    ``granted_by`` and of commands on the machine stay.

    Raises ``NotFound`` for account, city, level and place, ``AccountEnded``, ``NoAdoptedEdition`` for a place of a city that has no
    plan, ``NotAPeriod``, ``NotAnInstant`` for one in no year of ours, and ``NoGrant`` for what no grant can be.
    """
    found = accounts.find_standing(tx, login)
    begins_at = now if from_at is None else from_at
    for instant in (begins_at, to_at):
        # What PostgreSQL keeps and Python has no word for would be found out by whoever reads it.
        if instant is not None and not _FIRST_YEAR <= instant.year <= _LAST_YEAR:
            raise NotAnInstant(instant.isoformat())
    if to_at is not None and to_at <= begins_at:
        raise NotAPeriod
    if grant.role is Role.PUBLIC:
        raise NoGrant("everybody is the public already.")
    if grant.role is Role.DEPARTMENT and grant.department is None:
        raise NoGrant("the role department needs the code of a department.")
    grants.require_place(tx, grant.city, grant.place)
    api_keys.revoke_made_by_others(tx, found.id, but=granted_by, now=now)
    return grants.add(tx, found.id, grant, from_at=begins_at, to_at=to_at, granted_by=granted_by, now=now)
