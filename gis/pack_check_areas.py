"""Judging the areas of a city pack: codes, names, shapes, and whether each level covers the one above exactly once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis.city_pack import CityPack, GivenBlocks, Level
from gis.errors import Finding
from gis.pack_check_rows import file_of, on_area, row_faults, sound
from gis.pack_findings import Findings
from gis.pack_sources import read_areas
from grids.given_units import TOLERATED_M2
from grids.measure import areas_m2

ROUNDING_M2 = 1.0
"""Smaller differences come from rounding coordinates and are not worth a word."""

_GIVEN_BLOCKS = "block"

Geometries = NDArray[Any]


def check_areas(folder: Path, pack: CityPack, found: Findings) -> City:
    """Judge every level of areas and the duty grids, if drawn; gives the city that the readable part of them describes."""
    levels: dict[str, _Judged] = {}
    for level in pack.levels:
        frame = found.attempt(read_areas, folder, level) if level.source is not None else None
        if frame is None:
            continue
        found.add(row_faults(level, frame))
        levels[level.key] = _Judged(level, frame, sound(frame.geometry.to_numpy()))
        found.add(_overlaps(level, levels[level.key].drawn))
    found.add(_ladder_faults(pack, levels))
    lowest = levels.get(pack.area_levels[-1].key)
    if lowest is None:
        return City(codes=None, upper_codes=frozenset(), shapes=np.empty(0, dtype=object), whole=False)
    if lowest.sound.any():
        found.add(_outside_the_metric_crs(pack, lowest.drawn))
    if pack.blocks.given is not None:
        _check_given_blocks(folder, pack.blocks.given, found, lowest)
    codes = frozenset(str(code) for code in lowest.frame["code"].dropna())
    upper = [judged.frame["code"] for key, judged in levels.items() if key != lowest.level.key] + [
        judged.frame["parent"] for judged in levels.values()
    ]
    upper_codes = frozenset(str(code) for column in upper for code in column.dropna())
    return City(codes=codes, upper_codes=upper_codes, shapes=lowest.drawn.geometry.to_numpy(), whole=bool(lowest.sound.all()))


def _check_given_blocks(folder: Path, given: GivenBlocks, found: Findings, lowest: _Judged) -> None:
    """Blocks that a city has already are judged like a level below the lowest: nested, no gap, no overlap, sound codes."""
    level = Level(key=_GIVEN_BLOCKS, names={"en": "block", "zh": "街区单元"}, source=given.source, columns=given.columns)
    frame = found.attempt(read_areas, folder, level)
    if frame is None:
        return
    found.add(row_faults(level, frame))
    judged = _Judged(level, frame, sound(frame.geometry.to_numpy()))
    found.add(_overlaps(level, judged.drawn))
    found.add(_coverage_faults(judged, lowest, named=False))
    found.add(_malformed_codes(judged, lowest))


def _malformed_codes(blocks: _Judged, lowest: _Judged) -> Iterator[Finding]:
    """Codes of blocks that lie in an area with a 12-digit code: 15 digits that begin with it."""
    parents = _parents_of(blocks, lowest, by_name=False)
    for at, parent in enumerate(parents.tolist()):
        code, area = blocks.drawn["code"].iloc[at], lowest.drawn["code"].iloc[parent] if parent >= 0 else None
        if code and area and re.fullmatch(r"\d{12}", area) and not re.fullmatch(area + r"\d{3}", code):
            template = "Code {code} of level {level} is not a unit-grid code of area {area}: its 12 digits and three more."
            yield on_area(
                blocks.level, blocks.drawn, at=at, slug="malformed-code", template=template, mend="Mend the code, or the area's.", area=area
            )


def _overlaps(level: Level, frame: geopandas.GeoDataFrame) -> Iterator[Finding]:
    """Pairs of areas of one level that share ground, measured on their common part."""
    shapes = frame.geometry.to_numpy()
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    one, other = one[one < other], other[one < other]
    common = _polygons(shapely.intersection(shapes[one], shapes[other]))
    for at, (size_m2, lon, lat) in _measured(common):
        yield on_area(
            level,
            frame,
            at=int(other[at]),
            slug="overlap",
            template="Areas {first} and {code} of level {level} overlap by {m2} m² at lon {lon}, lat {lat}.",
            mend="The lower of the two codes keeps it." if _is_mended(level, size_m2) else "Draw one border for both.",
            severity="warning" if _is_mended(level, size_m2) else "error",
            first=frame["code"].iloc[one[at]] or "",
            m2=size_m2,
            lon=lon,
            lat=lat,
        )


def _is_mended(level: Level, size_m2: float) -> bool:
    """Whether so small a fault is mended by the dividing; given blocks are kept as they are, so nothing of theirs is.

    The first size is a strip of one metre along a street of a kilometre; a larger fault stops the load, because someone must
    say whose ground it is: by mending the polygons, or by the level's ``mend_m2`` where the rule is good enough.
    """
    return size_m2 <= (TOLERATED_M2 if level.key == _GIVEN_BLOCKS else level.mend_m2)


def _polygons(shapes: Geometries) -> Geometries:
    """The areal part of each shape: two areas that touch also share points and lines, which are no ground."""
    mixed = shapely.get_type_id(shapes) == shapely.GeometryType.GEOMETRYCOLLECTION
    for at in np.flatnonzero(mixed):
        shapes[at] = shapely.union_all([part for part in shapes[at].geoms if part.geom_type in ("Polygon", "MultiPolygon")])
    return shapes


def _measured(shapes: Geometries) -> Iterator[tuple[int, tuple[float, float, float]]]:
    """Position, square metres, and a place (lon, lat) of every shape that is larger than rounding."""
    sizes_m2 = areas_m2(shapes) if len(shapes) else np.empty(0)
    for at in np.flatnonzero(sizes_m2 > ROUNDING_M2):
        place = shapely.point_on_surface(shapes[at])
        yield int(at), (round(float(sizes_m2[at]), 1), round(place.x, 6), round(place.y, 6))


def _ladder_faults(pack: CityPack, levels: dict[str, _Judged]) -> Iterator[Finding]:
    """How each level fits the one above. A level that cannot be read is passed over: its own finding says enough."""
    city = levels.get(pack.levels[0].key)
    if city is not None and len(city.frame) > 1:
        template = "The highest level, {level}, is the city itself and must be one area; the file gives {count}."
        mend = 'Put a level for the city above it, with derived = "union_of_children".'
        yield on_area(city.level, city.frame, at=1, slug="several-cities", template=template, mend=mend, count=len(city.frame))
    below = levels.get(pack.levels[1].key)
    if pack.levels[0].source is None and below is not None:
        yield from _several_named_cities(pack.levels[0], below)
    for rank, level in enumerate(pack.levels[1:], start=1):
        lower = levels.get(level.key)
        if lower is None or lower.frame.empty:
            continue
        yield from _missing_parents(lower)
        # A duty grid may hold parts of several communities, but not of several streets/towns.
        top = max(rank - 1, 1) if level.kind == "duty_grid" else rank
        above = pack.levels[top - 1]
        direct = levels.get(above.key)
        if direct is not None:
            yield from _unknown_parents(lower, direct, _parents_named([levels[one.key] for one in pack.levels[rank:] if one.key in levels]))
        given = [upper for upper in pack.levels[:top] if upper.source is not None]
        if given and given[-1].key in levels:
            yield from _coverage_faults(lower, levels[given[-1].key], named=given[-1] is above)
        elif not given and lower.sound.all():
            yield from _inner_holes(lower)


def _several_named_cities(city: Level, below: _Judged) -> Iterator[Finding]:
    named = sorted(below.frame["parent"].dropna().unique())
    if len(named) > 1:
        yield Finding(
            "several-cities",
            "The highest level, {level}, is the city itself, but the areas of level {below} name several areas above them: {codes}.",
            "Give them all the same code, or put a level between.",
            file=file_of(below.level),
            details={"level": city.key, "below": below.level.key, "codes": ", ".join(named[:20])},
        )


def _missing_parents(lower: _Judged) -> Iterator[Finding]:
    if lower.level.columns.parent is None:
        return
    for at in np.flatnonzero(lower.frame["parent"].isna().to_numpy()).tolist():
        template, mend = "Area {code} of level {level} names no area above it.", "Fill in the code of the area above."
        yield on_area(lower.level, lower.frame, at=at, slug="no-parent", template=template, mend=mend)


def _parents_named(levels: list[_Judged]) -> dict[str, str]:
    """Code to the code of the area above, as the areas of some levels name it; a code of two levels counts for the higher."""
    named: dict[str, str] = {}
    for one in reversed(levels):
        named |= {code: parent for code, parent in zip(one.frame["code"], one.frame["parent"], strict=True) if code and parent}
    return named


def _unknown_parents(lower: _Judged, upper: _Judged, named: dict[str, str]) -> Iterator[Finding]:
    """Parents that the level above does not have; ``named`` are the parents of this level and those below, to tell a loop by."""
    known = set(upper.frame["code"].dropna())
    if lower.level.columns.parent is None or not upper.has_own_codes:
        return
    for at, (code, parent) in enumerate(zip(lower.frame["code"], lower.frame["parent"], strict=True)):
        if pd.isna(parent) or parent in known:
            continue
        details = {"parent": parent, "above": upper.level.key}
        if _leads_back(code, named):
            template = "Area {code} of level {level} names {parent} as the area above it, and from there it leads back to {code}: a loop."
            mend = "Name an area of level {above}."
            yield on_area(lower.level, lower.frame, at=at, slug="ladder-loop", template=template, mend=mend, **details)
        else:
            template = "Area {code} of level {level} names {parent} as the area above it, but level {above} has no such code."
            mend = "Mend the code, or add the area."
            yield on_area(lower.level, lower.frame, at=at, slug="unknown-parent", template=template, mend=mend, **details)


def _leads_back(code: str, named: dict[str, str]) -> bool:
    """Whether going from an area to the one it names, and so on, comes to it again."""
    step, seen = named.get(code), set[str]()
    while step is not None and step != code and step not in seen:
        seen.add(step)
        step = named.get(step)
    return step is not None and step == code


def _parents_of(lower: _Judged, upper: _Judged, *, by_name: bool) -> NDArray[np.int64]:
    """For each drawn area the drawn area above: the one it names, or the one that holds a point of it; -1 for none."""
    if by_name:
        position = {code: at for at, code in enumerate(upper.drawn["code"]) if code is not None}
        return np.array([position.get(parent, -1) for parent in lower.drawn["parent"]], dtype=np.int64)
    parents = np.full(len(lower.drawn), -1, dtype=np.int64)
    points = shapely.point_on_surface(lower.drawn.geometry.to_numpy())
    child, parent = shapely.STRtree(upper.drawn.geometry.to_numpy()).query(points, predicate="intersects")
    parents[child[::-1]] = parent[::-1]
    return parents


def _coverage_faults(lower: _Judged, upper: _Judged, *, named: bool) -> Iterator[Finding]:
    """Parts of areas outside the area above, and parts of the area above that no area of this level covers."""
    by_name = named and lower.level.columns.parent is not None and upper.has_own_codes
    frame, shapes, uppers = lower.drawn, lower.drawn.geometry.to_numpy(), upper.drawn.geometry.to_numpy()
    parents = _parents_of(lower, upper, by_name=by_name)
    if not by_name and upper.sound.all():
        for at in np.flatnonzero(parents < 0).tolist():
            template, mend = "Area {code} of level {level} lies in no area of the level above.", "Check its datum and its place."
            yield on_area(lower.level, frame, at=at, slug="no-parent", template=template, mend=mend)
    placed = np.flatnonzero(parents >= 0)
    whole_m2 = areas_m2(shapes[placed]) if len(placed) else np.empty(0)
    for at, (size_m2, lon, lat) in _measured(shapely.difference(shapes[placed], uppers[parents[placed]])):
        yield on_area(
            lower.level,
            frame,
            at=int(placed[at]),
            slug="outside-its-parent",
            template="Area {code} of level {level} lies outside {parent}, the area above it, by {m2} m² ({percent} % of it) at lon {lon}, lat {lat}.",
            mend="The lower area decides." if _is_mended(lower.level, size_m2) else "Mend the border, or the code of the area above.",
            severity="warning" if _is_mended(lower.level, size_m2) else "error",
            parent=upper.drawn["code"].iloc[parents[placed[at]]] or "",
            m2=size_m2,
            percent=round(100 * size_m2 / float(whole_m2[at]), 2),
            lon=lon,
            lat=lat,
        )
    yield from _gaps(lower, upper, parents)


def _gaps(lower: _Judged, upper: _Judged, parents: NDArray[np.int64]) -> Iterator[Finding]:
    """What the areas below leave uncovered of each area above; an area below that could not be judged may lie anywhere."""
    if not lower.sound.all():
        return
    shapes = lower.drawn.geometry.to_numpy()
    covers = np.array([shapely.union_all(shapes[parents == at]) for at in range(len(upper.drawn))], dtype=object)
    parts, owners = shapely.get_parts(shapely.difference(upper.drawn.geometry.to_numpy(), covers), return_index=True)
    for at, (size_m2, lon, lat) in _measured(parts):
        yield _gap(lower.level, size_m2, lon, lat, parent=upper.drawn["code"].iloc[owners[at]] or "")


def _inner_holes(lower: _Judged) -> Iterator[Finding]:
    """Holes of the union, for a level with nothing drawn above it to compare with."""
    united = shapely.get_parts(shapely.union_all(lower.drawn.geometry.to_numpy()))
    rings, owners = shapely.get_rings(united, return_index=True)
    inner = np.r_[False, owners[1:] == owners[:-1]]
    for _, (size_m2, lon, lat) in _measured(np.asarray(shapely.polygons(rings[inner]), dtype=object)):
        yield _gap(lower.level, size_m2, lon, lat, parent="")


def _gap(level: Level, size_m2: float, lon: float, lat: float, *, parent: str) -> Finding:
    details = {"level": level.key, "parent": parent, "m2": size_m2, "lon": lon, "lat": lat}
    mended = _is_mended(level, size_m2)
    mend = "A neighbour gets it when it is enclosed." if mended else "Draw the missing area, or move the border."
    template = "The areas of level {level} leave {m2} m² uncovered at lon {lon}, lat {lat} (in area {parent!r} of the level above)."
    if not parent:
        template = "The areas of level {level} leave a hole of {m2} m² at lon {lon}, lat {lat}."
    return Finding("gap", template, mend, file=file_of(level), severity="warning" if mended else "error", details=details)


def swapped(geometries: Geometries) -> Geometries:
    """The same geometries with their two coordinates changed round."""
    return np.asarray(shapely.transform(geometries, lambda places: places[:, ::-1]), dtype=object)


def _outside_the_metric_crs(pack: CityPack, lowest: geopandas.GeoDataFrame) -> Iterator[Finding]:
    area = CRS.from_user_input(pack.metric_crs).area_of_use
    west, south, east, north = (round(float(side), 4) for side in lowest.total_bounds)
    if area is None or (west >= area.west and south >= area.south and east <= area.east and north <= area.north):
        return
    if west >= area.south and east <= area.north and south >= area.west and north <= area.east:
        template = "The areas span {spans} (west, south, east, north); with longitude and latitude changed round they would lie where {crs} is used."
        mend = "Longitude comes first: export the file again in that order, or change the names of the columns lon and lat round."
        details = {"spans": f"{west}, {south}, {east}, {north}", "crs": pack.metric_crs}
        yield Finding("swapped-coordinates", template, mend, file=file_of(pack.area_levels[-1]), details=details)
        return
    yield Finding(
        "outside-the-metric-crs",
        "{crs} may be used from {allowed} (west, south, east, north; {name}); the city spans {spans}.",
        "Name a metric_crs whose area of use covers the whole city.",
        file="city.toml",
        details={
            "crs": pack.metric_crs,
            "allowed": f"{area.west}, {area.south}, {area.east}, {area.north}",
            "name": area.name,
            "spans": f"{west}, {south}, {east}, {north}",
        },
    )


@dataclass(frozen=True)
class _Judged:
    """A level's areas as the file has them, and which of them have a polygon that geometry can be done with."""

    level: Level
    frame: geopandas.GeoDataFrame
    sound: NDArray[np.bool_]

    @cached_property
    def drawn(self) -> geopandas.GeoDataFrame:
        return self.frame[self.sound]

    @cached_property
    def has_own_codes(self) -> bool:
        """Whether every area has a code of its own, so that a code names one area."""
        return bool(self.frame["code"].notna().all() and self.frame["code"].is_unique)


@dataclass(frozen=True)
class City:
    """The lowest areas, to judge other layers against: all codes (None when unknown), the codes above them, and the sound polygons.

    ``whole`` is False when polygons are missing, so that a place outside those that are there may still be in the city.
    """

    codes: frozenset[str] | None
    upper_codes: frozenset[str]
    shapes: Geometries
    whole: bool

    def inside(self, geometries: Geometries) -> NDArray[np.bool_]:
        """Which geometries touch the polygons that are there. ``(n,)`` in, ``(n,)`` out."""
        hit, _ = self._tree.query(geometries, predicate="intersects")
        touched = np.zeros(len(geometries), dtype=bool)
        touched[hit] = True
        return touched

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.shapes)

    def is_elsewhere(self, geometries: Geometries) -> bool:
        """Whether none of the geometries can be in the city. False when nothing is known of the city or of them."""
        if len(self.shapes) == 0 or len(geometries) == 0:
            return False
        if self.whole:
            return not self.inside(geometries).any()
        return not shapely.box(*self.bounds()).intersects(shapely.box(*shapely.total_bounds(geometries)))

    def is_meant_swapped(self, geometries: Geometries) -> bool:
        """Whether geometries that are elsewhere would be in the city with longitude and latitude changed round."""
        return not self.is_elsewhere(swapped(geometries))

    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in degrees; NaN when the city is not known."""
        west, south, east, north = (round(float(side), 4) for side in shapely.total_bounds(self.shapes))
        return west, south, east, north
