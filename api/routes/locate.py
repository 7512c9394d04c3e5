"""Who answers here: cell, street unit, segment, duty grid, owner and ladder of a point."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from api.deps import Caller, Calling, Now
from api.schemas.locate import LocateOut
from gis import locating
from grids.permissions import Act

router = APIRouter(prefix="/api/v1", tags=["locate"])

Instant = Annotated[datetime, Query(examples=["2026-11-24T08:30:00+08:00"])]


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


class PointAsked(BaseModel):
    """One point and what is asked of it. One model: FastAPI takes as long for each single parameter as for all of it."""

    lon: float = Field(examples=[24.9414])
    lat: float = Field(examples=[60.1708])
    datum: str
    at: datetime | None = Field(None, examples=["2026-11-24T08:30:00+08:00"])
    category: str | None = Field(None, examples=["component:01001"])
    city: str | None = None


@router.get("/locate", operation_id="locate", response_model=LocateOut)
async def locate(caller: Calling, now: Now, asked: Annotated[PointAsked, Query()]) -> Response:
    """The answer for one point, in ``city`` when it is named, for a ``category`` (kind:code) when one is, as of ``at`` (ISO 8601
    with its offset; left out: now).

    ``datum`` is never guessed: wgs84, cgcs2000, gcj02 or bd09. About the past the answer is the one that was given then.
    """
    # A coroutine that goes into a thread once: for a plain function FastAPI enters a context of its own, which takes as long again.
    return await to_thread.run_sync(_answered, caller, asked, asked.at or now)


def _answered(caller: Caller, asked: PointAsked, at: datetime) -> Response:
    with caller.enter(Act.READ_PLAN) as (tx, _person):
        answer = locating.locate(
            tx, caller.held.indexes, lon=asked.lon, lat=asked.lat, datum=asked.datum, at=at, city=asked.city, category=asked.category
        )
    # Written here: handed over as a model it would be checked and copied once more, which takes longer than the look-up.
    return Response(LocateOut.of(answer).model_dump_json(), media_type="application/json")
