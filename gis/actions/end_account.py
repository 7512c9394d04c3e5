"""End an account: with it all its logins, keys and grants. Its row stays, because what it did names it."""

from __future__ import annotations

from datetime import datetime

from gis.db import Tx
from gis.store import accounts, api_keys, grants, logins


def end_account(tx: Tx, login: str, *, now: datetime) -> None:
    """End the account of a login. Raises ``NotFound`` and ``AccountEnded``."""
    found = accounts.find_standing(tx, login)
    accounts.end(tx, found.id, now=now)
    logins.end_all(tx, found.id, now=now)
    api_keys.revoke_all(tx, found.id, now=now)
    grants.end_all(tx, found.id, now=now)
