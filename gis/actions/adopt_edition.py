"""Adopt an edition: from now on the draft is the city's plan, and it never changes again."""

from __future__ import annotations

from datetime import datetime

from gis.db import Tx, lock
from gis.store import editions


def adopt_edition(tx: Tx, city: str, *, now: datetime, number: int | None = None) -> int:
    """Adopt edition ``number`` of ``city`` (the newest one when None) and return its number; the one before is retired.

    Raises ``NotFound``, or ``Conflict`` when it is no draft.
    """
    lock(tx, "the plan", city)
    edition = editions.find(tx, city, number)
    editions.adopt(tx, edition.id, now=now)
    return int(edition.number)
