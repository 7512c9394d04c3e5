"""Who answers here: cell, street unit, segment, duty grid, owner and ladder of a point."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import Held, Now, Tx
from api.schemas.locate import LocateOut
from gis import locating

router = APIRouter(prefix="/api/v1", tags=["locate"])

Degrees = Annotated[float, Query(examples=[24.9414])]


@router.get("/locate", operation_id="locate")
def locate(tx: Tx, held: Held, now: Now, *, lon: Degrees, lat: Degrees, datum: str, city: str | None = None) -> LocateOut:
    """The answer for one point, in ``city`` when it is named. ``datum`` is never guessed: wgs84, cgcs2000, gcj02 or bd09."""
    return LocateOut.of(locating.locate(tx, held.indexes, lon=lon, lat=lat, datum=datum, at=now, city=city))
