"""All that is kept of one person, for that person: an account's, a post holder's, a reporter's."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gis.db import Tx
from gis.sealing import Seal
from gis.store import accounts, reporters, subjects


def export_account(tx: Tx, login: str, *, now: datetime) -> dict[str, Any]:
    """What is kept of the person behind a login. Raises ``NotFound``."""
    return {"as_of": now} | subjects.of_account(tx, accounts.find(tx, login).id)


def export_owner(tx: Tx, city: str, code: str, *, now: datetime) -> dict[str, Any]:
    """What is kept of who holds the posts under a code of a city. Raises ``NotFound``."""
    return {"as_of": now} | subjects.of_owner(tx, city, code)


def export_reporter(tx: Tx, contact: str, *, seal: Seal, now: datetime) -> dict[str, Any]:
    """What somebody with this telephone number or mail address has reported; an empty list where nobody has."""
    reported = reporters.reported_by(tx, contact, seal=seal)
    return {
        "as_of": now,
        "contact": contact,
        "reports": [
            {"incident": one.incident_id, "city": one.city, "category": one.category, "recorded_at": one.recorded_at} for one in reported
        ],
    }
