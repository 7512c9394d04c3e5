"""Who answers here: cell, street unit, segment, duty grid, owner and ladder of a point."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.deps import Held, Now, Tx
from api.schemas.locate import LocateOut
from gis import locating

router = APIRouter(prefix="/api/v1", tags=["locate"])

Instant = Annotated[datetime, Query(examples=["2026-11-24T08:30:00+08:00"])]
Degrees = Annotated[float, Query(examples=[24.9414])]


@dataclass(frozen=True)
class Question:
    """What is asked of a place beside where it is; taken from the query."""

    datum: str
    at: Instant | None = None
    category: Annotated[str | None, Query(examples=["component:01001"])] = None
    city: str | None = None


@router.get("/locate", operation_id="locate")
def locate(tx: Tx, held: Held, now: Now, *, lon: Degrees, lat: Degrees, asked: Annotated[Question, Depends()]) -> LocateOut:
    """The answer for one point, in ``city`` when it is named, for a ``category`` (kind:code) when one is, as of ``at`` (ISO 8601
    with its offset; left out: now).

    ``datum`` is never guessed: wgs84, cgcs2000, gcj02 or bd09. About the past the answer is the one that was given then.
    """
    answer = locating.locate(
        tx, held.indexes, lon=lon, lat=lat, datum=asked.datum, at=asked.at or now, city=asked.city, category=asked.category
    )
    return LocateOut.of(answer)
