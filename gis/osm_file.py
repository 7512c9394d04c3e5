"""Reads OpenStreetMap files (.osm, .osm.pbf, .osm.bz2 …) into frames, and counts what an extract's edge has broken.

Extracts are cut out of larger files: ways name nodes that were left out, multipolygons name ways that were. Such
objects are mended where a part of them is known, skipped where not, and counted either way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import geopandas
import osmium
import pandas as pd
import shapely
from osmium import InvalidLocationError
from osmium.filter import EmptyTagFilter, KeyFilter
from osmium.geom import WKBFactory
from osmium.osm import NODE, RELATION, WAY

from gis.errors import BadPack, Finding

Layer = Literal["nodes", "ways", "areas"]
_AREA_RELATIONS = ("multipolygon", "boundary")


def read_osm(
    path: Path,
    *,
    layer: Layer,
    where: Mapping[str, str | list[str]],
    tags: Iterable[str],
) -> OsmRows:
    """The nodes, ways or areas of an OSM file whose tags satisfy every condition of ``where``.

    A condition names one value or a list of them; ``*`` stands for any value and ``!`` for the tag's absence, so
    ``{"tunnel": ["!", "no"]}`` keeps what is in no tunnel. Objects without any tag are never returned. Areas are
    closed ways (not those tagged ``area=no``) and relations of type multipolygon or boundary.

    Raises ``BadPack`` when the file is missing, empty, not OSM, or broken off in the middle.
    """
    path = Path(path)
    _refuse_missing(path)
    asked = list(dict.fromkeys(tags))
    collect = {"nodes": _collect_nodes, "ways": _collect_ways, "areas": _collect_areas}[layer]
    try:
        found = collect(path, where, asked)
    except (RuntimeError, ValueError, OSError) as error:
        raise _refusal(
            path,
            "not-osm",
            "The file cannot be read as OpenStreetMap data: {reason}",
            str(error),
        ) from error
    return OsmRows(_frame(found, asked), skipped=found.skipped, clipped=found.clipped)


def satisfies(where: Mapping[str, str | list[str]], value_of: Callable[[str], str | None]) -> bool:
    """Whether an object whose tags are told by ``value_of`` satisfies every condition of ``where``."""
    for key, wanted in where.items():
        values = (wanted,) if isinstance(wanted, str) else wanted
        value = value_of(key)
        if not ("!" in values if value is None else "*" in values or value in values):
            return False
    return True


def _refuse_missing(path: Path) -> None:
    if not path.is_file():
        raise _refusal(path, "no-such-file", "There is no such file.", "")
    if path.stat().st_size == 0:
        raise _refusal(path, "empty-file", "The file is empty (0 bytes).", "")


def _refusal(path: Path, slug: str, template: str, reason: str) -> BadPack:
    mend = "Give a whole OpenStreetMap file, for example an .osm.pbf; download or copy it again when it is broken off."
    return BadPack(
        str(path.parent),
        (Finding(slug, template, mend, file=path.name, details={"reason": reason}),),
    )


def _filtered(processor: osmium.FileProcessor, where: Mapping[str, str | list[str]]) -> osmium.FileProcessor:
    """The processor with the fast filters that drop most objects before Python sees them; `satisfies` decides."""
    processor.with_filter(EmptyTagFilter())
    for key, wanted in where.items():
        if "!" not in ((wanted,) if isinstance(wanted, str) else wanted):
            processor.with_filter(KeyFilter(key))
    return processor


def _collect_nodes(path: Path, where: Mapping[str, str | list[str]], asked: list[str]) -> _Found:
    found, factory = _Found(), WKBFactory()
    nodes: Iterable[Any] = _filtered(osmium.FileProcessor(path, NODE), where)
    for node in nodes:
        if satisfies(where, node.tags.get):
            found.add(f"node/{node.id}", node, asked, factory.create_point)
    return found


def _collect_ways(path: Path, where: Mapping[str, str | list[str]], asked: list[str]) -> _Found:
    found, factory = _Found(), WKBFactory()
    things: Iterable[Any] = _filtered(osmium.FileProcessor(path, NODE | WAY).with_locations(), where)
    for thing in things:
        if thing.is_way() and satisfies(where, thing.tags.get):
            # Asked here and not of osmium, which passes over an unknown first node without a word.
            if all(node.location.valid() for node in thing.nodes):
                found.add(f"way/{thing.id}", thing, asked, factory.create_linestring)
            else:
                found.add_clipped(f"way/{thing.id}", thing, asked, _known_parts(thing))
    return found


def _known_parts(way: Any) -> list[list[tuple[float, float]]]:
    """The runs of at least two different, consecutive nodes whose places the file knows."""
    runs: list[list[tuple[float, float]]] = [[]]
    for node in way.nodes:
        if not node.location.valid():
            runs.append([])
        elif not runs[-1] or runs[-1][-1] != (node.lon, node.lat):
            runs[-1].append((node.lon, node.lat))
    return [run for run in runs if len(run) >= 2]


def _collect_areas(path: Path, where: Mapping[str, str | list[str]], asked: list[str]) -> _Found:
    found, factory = _Found(), WKBFactory()
    expected: set[str] = set()
    things: Iterable[Any] = _filtered(osmium.FileProcessor(path, NODE | WAY | RELATION).with_areas(), where)
    for thing in things:
        if thing.is_node() or not satisfies(where, thing.tags.get):
            continue
        if thing.is_area():
            key = f"{'way' if thing.from_way() else 'relation'}/{thing.orig_id()}"
            found.add(key, thing, asked, factory.create_multipolygon)
        elif thing.is_way() and thing.is_closed() and thing.tags.get("area") != "no":
            expected.add(f"way/{thing.id}")
        elif thing.is_relation() and thing.tags.get("type") in _AREA_RELATIONS:
            expected.add(f"relation/{thing.id}")
    found.skipped += len(expected - found.tried)
    return found


def _frame(found: _Found, asked: list[str]) -> geopandas.GeoDataFrame:
    columns: dict[str, Any] = {"osm_id": pd.Series(found.ids, dtype=object)}
    for index, tag in enumerate(asked):
        columns[tag] = pd.Series([row[index] for row in found.rows], dtype=object)
    return geopandas.GeoDataFrame(columns, geometry=geopandas.GeoSeries(found.shapes, crs="EPSG:4326"))


@dataclass(frozen=True)
class OsmRows:
    """What was read.

    ``frame`` has ``osm_id`` (text such as ``way/4217``), one column of text or None for each tag asked for, and
    ``geometry`` (EPSG:4326, lon, lat; points, lines or polygons, a clipped way may be several lines); it has these
    columns also when it has no rows. ``skipped`` counts the objects that satisfied the conditions but whose geometry
    could not be built, ``clipped`` those of the frame that are only a part of what they were.
    """

    frame: geopandas.GeoDataFrame
    skipped: int
    clipped: int = 0


class _Found:
    """Rows while a file is read. Geometry must be taken while osmium's buffer still holds the object."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.rows: list[list[str | None]] = []
        self.shapes: list[Any] = []
        self.tried: set[str] = set()
        self.skipped = 0
        self.clipped = 0

    def add(self, key: str, thing: Any, asked: list[str], to_wkb: Callable[[Any], str]) -> None:
        """One row, or one skipped object when osmium cannot make a shape of it."""
        self.tried.add(key)
        try:
            shape: Any = shapely.from_wkb(to_wkb(thing))
        except (InvalidLocationError, RuntimeError, ValueError, shapely.GEOSException):
            self.skipped += 1
            return
        self._keep(key, thing, asked, shape.geoms[0] if shape.geom_type == "MultiPolygon" and len(shape.geoms) == 1 else shape)

    def add_clipped(self, key: str, thing: Any, asked: list[str], parts: list[list[tuple[float, float]]]) -> None:
        """One row of the parts that are known; skipped when there is none."""
        if not parts:
            self.skipped += 1
            return
        self.clipped += 1
        self._keep(key, thing, asked, shapely.LineString(parts[0]) if len(parts) == 1 else shapely.MultiLineString(parts))

    def _keep(self, key: str, thing: Any, asked: list[str], shape: Any) -> None:
        self.ids.append(key)
        self.rows.append([thing.tags.get(tag) for tag in asked])
        self.shapes.append(shape)
