"""Erase a person: what names them goes, what they did stays under a key that names nobody. The erasure itself is recorded, without whom."""

from __future__ import annotations

from datetime import datetime

from gis.account_errors import AccountNotEnded
from gis.db import Tx
from gis.errors import NotFound
from gis.personal_fields import ERASED_ACCOUNT, ERASED_OWNER, ERASED_REPORTER
from gis.sealing import Seal
from gis.store import accounts, deletions, reporters, subjects
from gis.store.deletions import Deletion


def erase_account(tx: Tx, login: str, *, now: datetime) -> int:
    """Erase the person behind a login that has ended; returns how many rows were changed or deleted. Raises ``NotFound`` and
    ``AccountNotEnded``: who can still log in is not erased by mistake."""
    found = accounts.find(tx, login)
    if found.ended_at is None:
        raise AccountNotEnded(login)
    rows = subjects.erase_account(tx, found.id, now=now)
    return _recorded(tx, ERASED_ACCOUNT, rows, now=now)


def erase_owner(tx: Tx, city: str, code: str, *, now: datetime) -> int:
    """Erase the name of who holds the posts under a code of a city, in every edition; returns how many rows. Raises ``NotFound``.

    The pack that names them must be mended too, or the next load brings the name back.
    """
    rows = subjects.erase_owner(tx, city, code)
    return _recorded(tx, ERASED_OWNER, rows, now=now)


def erase_reporter(tx: Tx, contact: str, *, seal: Seal, now: datetime) -> int:
    """Erase who reported with this telephone number or mail address, and the addresses in what they reported, which may be their home;
    returns how many reports. Raises ``NotFound`` where nobody did: an erasure that finds nobody is not recorded as one."""
    rows = reporters.erase(tx, contact, seal=seal, now=now)
    if rows == 0:
        raise NotFound("reporter", contact)
    return _recorded(tx, ERASED_REPORTER, rows, now=now)


def _recorded(tx: Tx, kind: str, rows: int, *, now: datetime) -> int:
    deletions.add(tx, Deletion(kind, rows, now))
    return rows
