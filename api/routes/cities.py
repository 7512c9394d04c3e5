"""Cities: what is loaded, and how much there is of everything."""

from __future__ import annotations

from fastapi import APIRouter

from api.deps import Calling
from api.schemas.cities import CityOut
from gis.store import cities
from grids.permissions import Act

router = APIRouter(prefix="/api/v1/cities", tags=["cities"])


@router.get("", operation_id="listCities")
def list_cities(caller: Calling) -> list[CityOut]:
    """Every loaded city, the last loaded first."""
    with caller.enter(Act.READ_COUNTS) as (tx, _person):
        return [CityOut.of(row) for row in cities.summaries(tx)]
