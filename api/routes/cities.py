"""Cities: what is loaded, and how much there is of everything."""

from __future__ import annotations

from fastapi import APIRouter

from api.deps import Held
from api.schemas.cities import CityOut
from gis.store import cities

router = APIRouter(prefix="/api/v1/cities", tags=["cities"])


@router.get("", operation_id="listCities")
def list_cities(held: Held) -> list[CityOut]:
    """Every loaded city, the last loaded first."""
    with held.transaction() as tx:
        return [CityOut.of(row) for row in cities.summaries(tx)]
