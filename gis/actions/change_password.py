"""Give an account another password: all its devices but the one that asks are logged out, and keys that others made for it end."""

from __future__ import annotations

from datetime import datetime

from gis.account_errors import LogInRefused, PasswordOfProvider
from gis.db import Tx
from gis.errors import NotFound
from gis.store import accounts, api_keys, logins


def change_password(tx: Tx, account_id: int, password_hash: str, *, instead_of: str, login: int | None, now: datetime) -> int:
    """Change one's own password; returns how many other logins ended. ``login`` is the one that stays.

    Raises ``LogInRefused`` unless ``instead_of``, the hash that the old password fitted, is still the kept one.
    """
    if not accounts.take_password(tx, account_id, password_hash, instead_of=instead_of, now=now):
        raise LogInRefused
    api_keys.revoke_made_by_others(tx, account_id, now=now)
    return logins.end_all(tx, account_id, but=login, now=now)


def set_password(tx: Tx, login: str, password_hash: str, *, by: int | None = None, now: datetime) -> int:
    """Set the password of another's account; returns how many logins ended. That of an account ``by`` is for one log-in.

    Raises ``NotFound``, ``AccountEnded``, and ``PasswordOfProvider`` where a provider says who the person is, unless a command does it
    (``by`` is None).
    """
    found = accounts.find_standing(tx, login)
    if by is not None and found.issuer is not None:
        raise PasswordOfProvider(login)
    if not accounts.set_password(tx, found.id, password_hash, by=by, now=now):
        raise NotFound("account", login)
    api_keys.revoke_made_by_others(tx, found.id, now=now)
    return logins.end_all(tx, found.id, now=now)
