"""Judging what lies over the areas of a city pack: roads, barriers, built-up land, and the layers of the basemap."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import geopandas
import numpy as np
import pandas as pd
import shapely
from pyproj import Geod

from gis.city_pack import CityPack, Source
from gis.errors import Finding
from gis.pack_check_areas import City, Geometries
from gis.pack_check_rows import nul_bytes
from gis.pack_findings import Findings
from gis.pack_places import read_places
from gis.pack_sources import read_backdrop, read_roads
from grids.measure import lengths_m

ROADS_OUTSIDE_SHARE = 0.1
"""Roads may reach over the border; when more than this share of their length never touches the city, that is said."""

_LINES = ("LineString", "MultiLineString")
_POLYGONS = ("Polygon", "MultiPolygon")
_POINTS = ("Point", "MultiPoint")
_BACKDROP_KINDS = {
    "water": _POLYGONS + _LINES,
    "landuse": _POLYGONS,
    "buildings": _POLYGONS,
    "places": _POINTS + _POLYGONS,
    "pois": _POINTS + _POLYGONS,
}


def check_layers(folder: Path, pack: CityPack, found: Findings, *, city: City) -> None:
    """Judge every layer that is not areas: can it be read, is it of the right kind, and is it of this city."""
    roads = found.attempt(read_roads, folder, pack.roads)
    if roads is not None:
        found.add(nul_bytes(pack.roads.source.file, pd.DataFrame(roads.drop(columns="geometry")).drop_duplicates("row")))
        places = _check_layer(folder, pack.roads.source, found, layer="roads", kinds=_LINES, empty="error")
        if places is not None:
            found.add(_roads_elsewhere(pack.roads.source, places, city))
    for barrier in pack.barriers:
        places = _check_layer(folder, barrier.source, found, layer=barrier.kind, kinds=_LINES + _POLYGONS)
        found.add(_elsewhere(barrier.source, places, city, layer=barrier.kind))
    if pack.blocks.built_up is not None:
        places = _check_layer(folder, pack.blocks.built_up, found, layer="built_up", kinds=_POLYGONS)
        found.add(_elsewhere(pack.blocks.built_up, places, city, layer="built_up"))
    for part in pack.backdrop:
        if found.attempt(read_backdrop, folder, [part]) is not None:
            places = _check_layer(folder, part.source, found, layer=part.layer, kinds=_BACKDROP_KINDS[part.layer])
            found.add(_elsewhere(part.source, places, city, layer=part.layer))


def _check_layer(
    folder: Path, source: Source, found: Findings, *, layer: str, kinds: tuple[str, ...], empty: Literal["error", "warning"] = "warning"
) -> geopandas.GeoDataFrame | None:
    """The rows of a layer that can be used, after its faults were added to ``found``; None when it cannot be read."""
    places = found.attempt(read_places, folder, source, columns=[])
    if places is None:
        return None
    found.add(_layer_faults(source, places, layer=layer, kinds=kinds, empty=empty))
    return places[places.geometry.geom_type.isin(kinds)]


def _layer_faults(
    source: Source, places: geopandas.GeoDataFrame, *, layer: str, kinds: tuple[str, ...], empty: Literal["error", "warning"]
) -> Iterator[Finding]:
    if places.empty:
        yield Finding(
            "no-rows",
            "No row of the file belongs to {layer}.",
            "Check where of this source, or export the file again.",
            file=source.file,
            severity=empty,
            details={"layer": layer},
        )
    gone = (places.geometry.isna() | places.geometry.is_empty).to_numpy()
    for at in np.flatnonzero(gone).tolist():
        yield Finding(
            "empty-geometry",
            "A row of {layer} has no geometry; it is left out.",
            "Draw it, or remove the row.",
            file=source.file,
            row=int(places.index[at]),
            severity="warning",
            details={"layer": layer},
        )
    if empty == "error" and len(gone) and gone.all():
        template = "No row of the roads has a line, so there is nothing to divide the city by."
        mend = "Name the right file, layer, or where of this source."
        yield Finding("no-roads", template, mend, file=source.file)
    wrong = ~gone & ~places.geometry.geom_type.isin(kinds).to_numpy()
    for at in np.flatnonzero(wrong).tolist():
        yield Finding(
            "wrong-geometry",
            "A row of {layer} is a {kind}; it must be one of {kinds}.",
            "Name the right file, layer, or where of this source.",
            file=source.file,
            row=int(places.index[at]),
            details={"layer": layer, "kind": str(places.geometry.iloc[at].geom_type), "kinds": ", ".join(kinds)},
        )


def _roads_elsewhere(source: Source, places: geopandas.GeoDataFrame, city: City) -> Iterator[Finding]:
    lines, owners = shapely.get_parts(places.geometry.to_numpy(), return_index=True)
    if city.is_elsewhere(lines):
        if city.is_meant_swapped(lines):
            yield _swapped(source, lines, city, layer="roads")
            return
        yield Finding(
            "roads-elsewhere",
            "No road touches the city: the roads lie in {roads} (west, south, east, north), the city in {city}, {km} km away.",
            "Name the road file of this city, and check its datum and CRS.",
            file=source.file,
            details={"roads": _spelled(shapely.total_bounds(lines)), "city": _spelled(city.bounds()), "km": _distance_km(lines, city)},
        )
        return
    if not city.whole or len(lines) == 0:
        return
    touching, length_m = city.inside(lines), lengths_m(lines)
    share = float(length_m[~touching].sum() / max(length_m.sum(), 1e-9))
    if share > ROADS_OUTSIDE_SHARE:
        yield Finding(
            "roads-outside",
            "{percent} % of the roads' length never touches the city ({count} of {total} roads).",
            "Cut the file to the city, or check that the areas are complete.",
            file=source.file,
            severity="warning",
            details={"percent": round(100 * share, 1), "count": len(np.unique(owners[~touching])), "total": len(places)},
        )


def _elsewhere(source: Source, places: geopandas.GeoDataFrame | None, city: City, *, layer: str) -> Iterator[Finding]:
    if places is None:
        return
    shapes = places.geometry.to_numpy()
    if city.is_elsewhere(shapes):
        if city.is_meant_swapped(shapes):
            yield _swapped(source, shapes, city, layer=layer)
            return
        yield Finding(
            "layer-elsewhere",
            "Nothing of {layer} touches the city: it lies in {there} (west, south, east, north), the city in {city}.",
            "Name the file of this city, and check its datum and CRS.",
            file=source.file,
            severity="warning",
            details={"layer": layer, "there": _spelled(shapely.total_bounds(shapes)), "city": _spelled(city.bounds())},
        )


def _swapped(source: Source, shapes: Geometries, city: City, *, layer: str) -> Finding:
    return Finding(
        "swapped-coordinates",
        "{layer} lies in {there} (west, south, east, north); with longitude and latitude changed round it would lie in the city, in {city}.",
        "Longitude comes first: export the file again in that order, or change the names of the columns lon and lat round.",
        file=source.file,
        details={"layer": layer, "there": _spelled(shapely.total_bounds(shapes)), "city": _spelled(city.bounds())},
    )


def _spelled(bounds: object) -> str:
    return ", ".join(str(round(float(side), 4)) for side in np.asarray(bounds))


def _distance_km(lines: Geometries, city: City) -> float:
    """Between the nearest corners of the two boxes."""
    road = shapely.box(*shapely.total_bounds(lines))
    start, end = shapely.get_coordinates(shapely.shortest_line(road, shapely.box(*city.bounds())))
    return round(float(Geod(ellps="WGS84").inv(start[0], start[1], end[0], end[1])[2]) / 1000, 1)
