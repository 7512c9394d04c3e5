"""Erase a person: what names them goes, what they did stays under a key that names nobody. The erasure itself is recorded, without whom."""

from __future__ import annotations

from datetime import datetime

from gis.account_errors import AccountNotEnded
from gis.db import Tx
from gis.personal_fields import ERASED_ACCOUNT, ERASED_OWNER, ERASED_REPORTER
from gis.sealing import Seal
from gis.store import accounts, deletions, reporters, subjects
from gis.store.deletions import Deletion


def erase_account(tx: Tx, login: str, *, seal: Seal, now: datetime) -> int:
    """Erase the person behind a login that has ended; returns how many rows were changed or deleted. Raises ``NotFound`` and
    ``AccountNotEnded``: who can still log in is not erased by mistake."""
    found = accounts.find(tx, login)
    if found.ended_at is None:
        raise AccountNotEnded(login)
    rows = subjects.erase_account(tx, found.id, now=now)
    return _recorded(tx, ERASED_ACCOUNT, rows, login, seal=seal, now=now)


def erase_owner(tx: Tx, city: str, code: str, *, seal: Seal, now: datetime) -> int:
    """Erase the name of who holds the posts under a code of a city, in every edition; returns how many rows. Raises ``NotFound``.

    The pack that names them must be mended too, or the next load brings the name back.
    """
    rows = subjects.erase_owner(tx, city, code)
    return _recorded(tx, ERASED_OWNER, rows, f"{city}/{code}", seal=seal, now=now)


def erase_reporter(tx: Tx, contact: str, *, seal: Seal, now: datetime) -> int:
    """Erase who reported with this telephone number or mail address; returns how many reports, 0 where nobody did."""
    rows = reporters.erase(tx, contact, seal=seal, now=now)
    return _recorded(tx, ERASED_REPORTER, rows, contact, seal=seal, now=now)


def _recorded(tx: Tx, kind: str, rows: int, subject: str, *, seal: Seal, now: datetime) -> int:
    deletions.add(tx, Deletion(kind, rows, now, subject=seal.digest(subject).hex()))
    return rows
