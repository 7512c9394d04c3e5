"""The nouns of a city pack read from its files: areas, roads, barriers, built-up land, backdrop, owners, categories.

Geometry is always EPSG:4326 longitude and latitude on WGS84. ``row`` counts from 1 in the file's own order (the header
of a CSV is row 1). Each reader raises ``BadPack`` when the file as a whole cannot be used and gives rows as they are;
faults of single rows are found by `gis/pack_check.py`. Incident histories are read by `gis/pack_incidents.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import shapely

from gis.city_pack import AreaColumns, Backdrop, Barrier, Blocks, Categories, Level, Owners, Roads, Source
from gis.pack_incidents import read_incidents
from gis.pack_places import WGS84, read_places
from gis.pack_tables import names_of, read_table, texts
from gis.pack_times import utc_times

__all__ = [
    "read_areas",
    "read_backdrop",
    "read_barriers",
    "read_built_up",
    "read_categories",
    "read_given_units",
    "read_incidents",
    "read_owners",
    "read_roads",
]


def read_areas(folder: Path, level: Level) -> geopandas.GeoDataFrame:
    """The polygons of a level: code, parent, names (language to name), geometry, row. Empty for a derived level.

    Code and parent are text or None; geometries are as the file has them, faulty ones too.
    """
    if level.source is None:
        return _frame({"code": [], "parent": [], "names": []}, geometry=[], row=[])
    columns = level.columns
    asked = [columns.code, *([columns.parent] if columns.parent else []), *columns.names.values()]
    found = read_places(folder, level.source, columns=asked)
    parents = texts(found[columns.parent]) if columns.parent else [None] * len(found)
    data = {"code": texts(found[columns.code]), "parent": parents, "names": names_of(found, columns.names)}
    return _frame(data, geometry=found.geometry, row=found.index)


def read_given_units(folder: Path, source: Source, columns: AreaColumns) -> geopandas.GeoDataFrame:
    """Blocks or duty grids that a city has already: code, names, valid_from (ISO text or None), geometry, row."""
    dated = [columns.valid_from] if columns.valid_from else []
    found = read_places(folder, source, columns=[columns.code, *columns.names.values(), *dated])
    days = [None if text is None else text[:10] for text in texts(found[columns.valid_from])] if columns.valid_from else [None] * len(found)
    data = {
        "code": texts(found[columns.code]),
        "names": names_of(found, columns.names),
        "valid_from": pd.Series(days, dtype=object),
    }
    return _frame(data, geometry=found.geometry, row=found.index)


def read_roads(folder: Path, roads: Roads) -> geopandas.GeoDataFrame:
    """The lines of the street network: names, road_class (empty when unknown), geometry (LineString), row.

    A multi-line gives one row a part, all with the row of the file; rows without a line are left out. Names that
    city.toml does not ask for (the column ``name``) are read where the file has them.
    """
    columns = roads.columns
    names = [*columns.names.values()]
    asked = [*(names if "names" in columns.model_fields_set else []), *([columns.road_class] if columns.road_class else [])]
    found = read_places(folder, roads.source, columns=asked, optional=names)
    classes = [text or "" for text in texts(found[columns.road_class])] if columns.road_class else [""] * len(found)
    data = {"names": names_of(found, columns.names), "road_class": classes}
    return _lines(_frame(data, geometry=found.geometry, row=found.index))


def read_barriers(folder: Path, barriers: Iterable[Barrier]) -> geopandas.GeoDataFrame:
    """The lines that bound blocks without being streets: kind, geometry (LineString), row. Polygons give their rings."""
    parts = []
    for barrier in barriers:
        found = read_places(folder, barrier.source, columns=[])
        parts.append(_lines(_frame({"kind": [barrier.kind] * len(found)}, geometry=found.geometry, row=found.index)))
    return _joined(parts) if parts else _frame({"kind": []}, geometry=[], row=[])


def read_built_up(folder: Path, blocks: Blocks) -> geopandas.GeoSeries | None:
    """The polygons of built-up land, one part each; None when the pack names none, and everything counts as built up."""
    if blocks.built_up is None:
        return None
    found = read_places(folder, blocks.built_up, columns=[])
    parts = shapely.get_parts(found.geometry.to_numpy())
    polygons = parts[(shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(parts)]
    return geopandas.GeoSeries(polygons, crs=WGS84)


def read_backdrop(folder: Path, backdrop: Iterable[Backdrop]) -> dict[str, geopandas.GeoDataFrame]:
    """For each layer of the basemap its features: kind, names, geometry. Features without geometry are left out."""
    layers: dict[str, list[geopandas.GeoDataFrame]] = {}
    for part in backdrop:
        names = [*part.names.values()]
        asked = [*(names if "names" in part.model_fields_set else []), *([part.kind_column] if part.kind_column else [])]
        found = read_places(folder, part.source, columns=asked, optional=names)
        found = found[~(found.geometry.isna() | found.geometry.is_empty)]
        kinds = [text or part.layer for text in texts(found[part.kind_column])] if part.kind_column else [part.layer] * len(found)
        frame = _frame({"kind": kinds, "names": names_of(found, part.names)}, geometry=found.geometry, row=found.index)
        layers.setdefault(part.layer, []).append(frame.drop(columns="row"))
    return {layer: _joined(frames) for layer, frames in layers.items()}


def read_owners(folder: Path, owners: Owners, *, time_zone: str) -> pd.DataFrame:
    """Who answers: code, name, area, post, from_at, to_at, row.

    Text or None; ``post`` is "owner" where the file has no such column or value. ``from_at`` and ``to_at`` are UTC
    instants, NaT where open; times without a zone are in ``time_zone``. A time that cannot be read is NaT here and a
    finding of the check.
    """
    column = owner_columns(owners)
    required = [column[field] for field in ("code", "name", "area")]
    given = [column[field] for field in owners.columns if field in ("post", "from", "to")]
    found = read_table(folder, owners.source, columns=[*required, *given], optional=[column[field] for field in ("post", "from", "to")])
    nothing: list[str | None] = [None] * len(found)
    told = {field: texts(found[name]) if name in found else nothing for field, name in column.items()}
    data: dict[str, Any] = {field: pd.Series(told[field], dtype=object) for field in ("code", "name", "area")}
    data["post"] = pd.Series([post or "owner" for post in told["post"]], dtype=object)
    for field in ("from", "to"):
        data[f"{field}_at"] = utc_times(pd.Series(told[field], dtype=object), time_zone=time_zone).at
    return pd.DataFrame({**data, "row": found.index.to_numpy()})


def owner_columns(owners: Owners) -> dict[str, str]:
    """The column of each field of the owners' file; a field that the pack does not mention has the column of its own name."""
    return {field: owners.columns.get(field, field) for field in ("code", "name", "area", "post", "from", "to")}


def read_categories(folder: Path, categories: Categories) -> pd.DataFrame:
    """What an incident can be about: kind, code, names, lowest_level, answers_on, lead_kind, duplicate_radius_m, row.

    Text or None where the file has no such column or value; the radius is NaN where unknown or not a number.
    """
    fields = ("lowest_level", "answers_on", "lead_kind", "duplicate_radius_m")
    found = read_table(folder, categories.source, columns=["kind", "code", *categories.names.values()], optional=fields)
    data: dict[str, Any] = {field: pd.Series(texts(found[field]), dtype=object) for field in ("kind", "code")}
    data["names"] = pd.Series(names_of(found, categories.names), dtype=object)
    for field in fields:
        values = texts(found[field]) if field in found else [None] * len(found)
        data[field] = pd.Series(values, dtype=object)
    data["duplicate_radius_m"] = pd.to_numeric(data["duplicate_radius_m"], errors="coerce").astype(float)
    return pd.DataFrame({**data, "row": found.index.to_numpy()})


def _frame(data: dict[str, Any], *, geometry: Any, row: Any) -> geopandas.GeoDataFrame:
    columns = {name: pd.Series(values, dtype=object) for name, values in data.items()}
    shapes = np.asarray(geometry, dtype=object)
    return geopandas.GeoDataFrame({**columns, "row": np.asarray(row, dtype=np.int64)}, geometry=shapes, crs=WGS84)


def _lines(frame: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    """The same rows as single lines: parts of multi-lines, rings of polygons; what has no line or no length is left out."""
    shapes = frame.geometry.to_numpy().copy()
    parts, owners = shapely.get_parts(shapes, return_index=True)
    areal = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    rings, ring_owners = shapely.get_rings(parts[areal], return_index=True)
    points, ring_of = shapely.get_coordinates(rings, return_index=True)
    lines = np.concatenate([parts[~areal], shapely.linestrings(points, indices=ring_of)]) if len(rings) else parts[~areal]
    owners = np.concatenate([owners[~areal], owners[areal][ring_owners]])
    order = np.argsort(owners, kind="stable")
    lines, owners = lines[order], owners[order]
    kept = (shapely.get_type_id(lines) == shapely.GeometryType.LINESTRING) & (shapely.length(lines) > 0)
    exploded: geopandas.GeoDataFrame = frame.iloc[owners[kept]].reset_index(drop=True)
    exploded["geometry"] = geopandas.GeoSeries(lines[kept], crs=WGS84)
    return exploded


def _joined(frames: list[geopandas.GeoDataFrame]) -> geopandas.GeoDataFrame:
    return geopandas.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=WGS84)
