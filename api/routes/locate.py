"""Who answers here: cell, street unit, segment, duty grid, owner and ladder of a point."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from api.deps import Held, Now
from api.schemas.locate import LocateOut
from gis import locating

router = APIRouter(prefix="/api/v1", tags=["locate"])

Instant = Annotated[datetime, Query(examples=["2026-11-24T08:30:00+08:00"])]
Degrees = Annotated[float, Query(examples=[24.9414])]


@dataclass(frozen=True)
class Question:
    """What is asked of a place beside where it is."""

    datum: str
    at: datetime | None
    category: str | None
    city: str | None


async def question(
    datum: str,
    at: Instant | None = None,
    category: Annotated[str | None, Query(examples=["component:01001"])] = None,
    city: str | None = None,
) -> Question:
    """The question in the query of a request."""
    return Question(datum, at, category, city)


Asked = Annotated[Question, Depends(question)]


@router.get("/locate", operation_id="locate", response_model=LocateOut)
def locate(held: Held, now: Now, *, lon: Degrees, lat: Degrees, asked: Asked) -> Response:
    """The answer for one point, in ``city`` when it is named, for a ``category`` (kind:code) when one is, as of ``at`` (ISO 8601
    with its offset; left out: now).

    ``datum`` is never guessed: wgs84, cgcs2000, gcj02 or bd09. About the past the answer is the one that was given then.
    """
    with held.transaction() as tx:
        answer = locating.locate(
            tx, held.indexes, lon=lon, lat=lat, datum=asked.datum, at=asked.at or now, city=asked.city, category=asked.category
        )
    # Written here: handed over as a model it would be checked and copied once more, which takes longer than the look-up.
    return Response(LocateOut.of(answer).model_dump_json(), media_type="application/json")
