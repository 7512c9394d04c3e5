"""What a city's basemap is drawn from: the roads and the backdrop of its pack, read from the pack's own files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas

from gis import pack_sources
from gis.city_pack import CityPack
from gis.db import Tx
from gis.store import cities

_MARGIN_DEG = 0.002


@dataclass(frozen=True)
class BasemapGround:
    """Frames by layer (EPSG:4326), bounds in degrees (west, south, east, north), the map's name and its credit."""

    layers: dict[str, geopandas.GeoDataFrame]
    bounds: tuple[float, float, float, float]
    name: str
    attribution: str


def basemap_ground(tx: Tx, city: str) -> BasemapGround:
    """Read what the basemap of a loaded city is drawn from. Raises ``NotFound``, or ``BadPack`` when its files are gone."""
    row = cities.find(tx, city)
    pack, folder = CityPack.model_validate(row.pack), Path(row.pack_folder)
    west, south, east, north = pack_sources.read_areas(folder, next(level for level in pack.area_levels if level.source)).total_bounds
    bounds = (float(west) - _MARGIN_DEG, float(south) - _MARGIN_DEG, float(east) + _MARGIN_DEG, float(north) + _MARGIN_DEG)
    layers = {"roads": pack_sources.read_roads(folder, pack.roads), **pack_sources.read_backdrop(folder, pack.backdrop)}
    return BasemapGround(layers, bounds, pack.names.get("en", pack.code), pack.attribution)
