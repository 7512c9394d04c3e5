"""Record that an owner is away, or withdraw it: from now on questions are answered accordingly, earlier answers stay as they were."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from gis.db import Tx
from gis.errors import NotALeave, NotAnInstant, NotFound
from gis.pack_times import utc_times
from gis.store import cities, owners, rosters


def record_leave(tx: Tx, city: str, owner: str, *, from_text: str, to_text: str | None, now: datetime) -> int:
    """Record a leave of an owner and return its number.

    Times are ISO 8601; one without an offset from UTC is by the city's clock, a day is its first instant, None leaves the end
    open. Raises ``NotFound`` for city and owner, ``NotAnInstant`` for a text that is no instant there, ``NotALeave`` when the end
    does not come after the beginning.
    """
    zone = str(cities.find(tx, city).time_zone)
    owners.find(tx, city, owner)
    from_at, to_at = _instant(from_text, zone), None if to_text is None else _instant(to_text, zone)
    if to_at is not None and to_at <= from_at:
        raise NotALeave
    return rosters.add_leave(tx, city, rosters.Leave(owner, from_at, to_at), time_zone=zone, said_by="command", now=now)


def withdraw_leave(tx: Tx, city: str, owner: str, number: int, *, now: datetime) -> None:
    """Withdraw a leave by its number. Raises ``NotFound`` for city and owner, and unless the leave is the owner's and still stands."""
    cities.find(tx, city)
    owners.find(tx, city, owner)
    if not rosters.withdraw_leave(tx, city, owner, number, now=now):
        raise NotFound("leave", str(number))


def _instant(said: str, zone: str) -> datetime:
    times = utc_times(pd.Series([said], dtype=object), time_zone=zone)
    if times.fault()[0] or pd.isna(times.at.iloc[0]):
        raise NotAnInstant(said)
    found: datetime = times.at.iloc[0].to_pydatetime()
    return found
