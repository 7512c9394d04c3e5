"""Which street unit holds a point, and which segment is nearest: the one function every assignment goes through.

Exact means: what GEOS says about the same polygons, with one rule for a point on a border (the unit with the lowest
code) and one for a point outside (none). ``grids.raster_index`` says the same some fifty times as fast, and
``grids.nearest_line`` finds the same segments several times as fast, but they take seconds to build for a large city:
they are built for many points or by ``prepare``, and a process that asks once asks GEOS.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from grids import cells as cell_index
from grids import nearest_line, packing, raster_index
from grids.arrangement import Positions
from grids.cells import Cells
from grids.edition import LEFT, RIGHT
from grids.measure import Floats, Geometries, Plane
from grids.nearest_line import LineGrid
from grids.raster_index import RasterIndex

NEAREST_M = 150.0
"""A segment further away than this is not the street of a place."""

_STEP_M = 0.05

_MANY = 50_000
"""So many points at once are worth building the raster; fewer are asked of GEOS unless it is there."""


class How(IntEnum):
    """How a place was found: inside a unit, on the border of several, in none but with a street near, or outside the city."""

    OUTSIDE = 0
    INSIDE = 1
    BORDER = 2
    NEAREST = 3


_HOWS = tuple(How)


@dataclass(frozen=True)
class Places:
    """For each point (n,): its cell (0: no coordinate), block and segment by position (-1: none), the segment's side
    (0 left, 1 right), the distance to it in metres (NaN: none), and how the block was found."""

    cell: Cells
    block: Positions
    segment: Positions
    side: Positions
    offset_m: Floats
    how: NDArray[np.int8]


class Place(NamedTuple):
    """What ``Places`` says, of one point."""

    cell: int
    block: int
    segment: int
    side: int
    offset_m: float
    how: How


@dataclass(frozen=True)
class Index:
    """Blocks and segments of one edition, in the order of their codes; geometry in EPSG:4326, distances in ``plane``."""

    blocks: Geometries
    segments: Geometries
    plane: Plane
    cell_resolution: int

    @cached_property
    def _raster(self) -> RasterIndex:
        return raster_index.build(self.blocks)

    @cached_property
    def _block_tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.blocks)

    @cached_property
    def _lines(self) -> Geometries:
        lines: Geometries = self.plane.to_metres(self.segments)
        return lines

    @cached_property
    def _line_grid(self) -> LineGrid:
        return nearest_line.build(self._lines, within_m=NEAREST_M)

    @cached_property
    def _line_tree(self) -> shapely.STRtree:
        return shapely.STRtree(self._lines)

    def prepare(self) -> None:
        """Build and compile now what a question may need, so that none waits for it; the second time nothing is left to do.

        Seconds for tens of thousands of blocks; less for an index from a file, which brings its tables and nothing else.
        """
        if self.is_prepared:
            return
        _ = self._line_tree, self._line_grid
        self._raster.prepare()
        self.locate(np.array([math.nan]), np.array([math.nan]))
        if len(self.segments):
            self._found(*shapely.get_coordinates(self.segments[0])[0].tolist())
        self.__dict__["_prepared"] = True

    @property
    def is_prepared(self) -> bool:
        """Whether ``prepare`` was done, in this process."""
        return "_prepared" in self.__dict__

    @property
    def has_tables(self) -> bool:
        """Whether the tables that ``packed`` writes are there: built, or read from a file."""
        return "_raster" in self.__dict__ and "_line_grid" in self.__dict__

    def __getstate__(self) -> dict[str, Any]:
        # Machine code and some trees stay behind.
        return {name: value for name, value in self.__dict__.items() if name != "_prepared"}

    def locate(self, lons: Floats, lats: Floats) -> Places:
        """Find the places of points in EPSG:4326 (n,). A point without finite coordinates is outside, with cell 0."""
        cells = cell_index.of_points(lons, lats, self.cell_resolution)
        block, how = self._blocks_at(lons, lats)
        segment, side, offset_m = self._nearest_segments(lons, lats)
        how[(block < 0) & (segment >= 0)] = How.NEAREST
        return Places(cells, block, segment, side, offset_m, how)

    def locate_one(self, lon: float, lat: float) -> Place:
        """What ``locate`` says of one point, to the last bit; in microseconds once the index is prepared."""
        if not (self.is_prepared and math.isfinite(lon) and math.isfinite(lat)):
            found = self.locate(np.array([lon]), np.array([lat]))
            cell, block, segment, side, offset_m, how = (getattr(found, name)[0].item() for name in Place._fields)
            return Place(cell, block, segment, side, offset_m, _HOWS[how])
        return self._found(lon, lat)

    def _found(self, lon: float, lat: float) -> Place:
        segment, side, offset_m = self._nearest_segment(lon, lat)
        block, how = self._raster.find_one(lon, lat)
        if block < 0 <= segment:
            how = How.NEAREST
        return Place(cell_index.of_point(lon, lat, self.cell_resolution), block, segment, side, offset_m, _HOWS[how])

    def packed(self) -> NDArray[np.uint8]:
        """The prepared index as one array of bytes (n,): to be written as a file, mapped, and shared by processes."""
        raster, lines = self._raster, self._line_grid
        texts = [np.frombuffer(text.encode(), dtype=np.uint8) for text in (self.plane.crs, str(self.cell_resolution))]
        shapes: list[NDArray[Any]] = [part for geometries in (self.blocks, self.segments) for part in _as_bytes(geometries)]
        return packing.packed([*texts, *shapes, *lines.tables, *raster.tables, np.array([raster.disjoint])])

    @classmethod
    def unpacked(cls, kept: NDArray[np.uint8]) -> Index:
        """The index of what ``packed`` gave; its tables stay where they are, in a mapped file for instance, and ``prepare`` is quick.

        Raises ``ValueError`` for bytes that are no index or are cut off.
        """
        crs, resolution, blocks, block_ends, segments, segment_ends, *tables, disjoint = packing.unpacked(kept)
        index = cls(_from_bytes(blocks, block_ends), _from_bytes(segments, segment_ends), Plane(_text(crs)), int(_text(resolution)))
        index.__dict__["_line_grid"] = nearest_line.from_tables(tables[:4])
        index.__dict__["_raster"] = raster_index.from_tables(index.blocks, tables[4:], bool(disjoint[0]))
        return index

    def _blocks_at(self, lons: Floats, lats: Floats) -> tuple[Positions, NDArray[np.int8]]:
        if "_raster" in self.__dict__ or len(lons) >= _MANY:
            return self._raster.find(lons, lats)
        return raster_index.ask_geos(self._block_tree, lons, lats)

    def _nearest_segments(self, lons: Floats, lats: Floats) -> tuple[Positions, Positions, Floats]:
        segment = np.full(len(lons), -1, dtype=np.int64)
        side = np.full(len(lons), LEFT, dtype=np.int64)
        offset_m = np.full(len(lons), np.nan)
        eastings, northings = self.plane.points_to_metres(lons, lats)
        known = np.flatnonzero(np.isfinite(eastings) & np.isfinite(northings))
        if len(known) == 0 or len(self.segments) == 0:
            return segment, side, offset_m
        xs, ys = eastings[known], northings[known]
        if "_line_grid" in self.__dict__ or len(lons) >= _MANY:
            line, sides, away_m = self._line_grid.nearest(xs, ys)
        else:
            line, sides, away_m = np.full(len(known), nearest_line.DOUBT), np.zeros(len(known), dtype=np.int8), np.empty(len(known))
        doubt = np.flatnonzero(line == nearest_line.DOUBT)
        line[doubt], away_m[doubt] = self._ask_geos(np.asarray(shapely.points(xs[doubt], ys[doubt])))
        near = np.flatnonzero(line >= 0)
        segment[known[near]] = line[near]
        offset_m[known[near]] = away_m[near]
        side[known] = np.where(sides == nearest_line.RIGHT, RIGHT, LEFT)
        unsure = near[sides[near] == 0]
        side[known[unsure]] = _sides(self._lines[line[unsure]], np.asarray(shapely.points(xs[unsure], ys[unsure])))
        return segment, side, offset_m

    def _nearest_segment(self, lon: float, lat: float) -> tuple[int, int, float]:
        """What ``_nearest_segments`` says of one point."""
        x, y = self.plane.point_to_metres(lon, lat)
        segment, side, offset_m = self._line_grid.nearest_one(x, y)
        if segment == nearest_line.NONE:
            return -1, LEFT, math.nan
        if segment == nearest_line.DOUBT or not side:
            point = np.array([shapely.Point(x, y)])
            if segment == nearest_line.DOUBT:
                lines, away_m = self._ask_geos(point)
                segment, offset_m = int(lines[0]), float(away_m[0])
            return segment, int(_sides(self._lines[[segment]], point)[0]) if segment >= 0 else LEFT, offset_m
        return segment, RIGHT if side == nearest_line.RIGHT else LEFT, offset_m

    def _ask_geos(self, points: Geometries) -> tuple[Positions, Floats]:
        """The nearest line of each point in metres, the lowest of several, -1 beyond ``NEAREST_M``; and how far away it is."""
        nearest, away_m = np.full(len(points), -1, dtype=np.int64), np.full(len(points), np.nan)
        (at, line), away = self._line_tree.query_nearest(points, max_distance=NEAREST_M, return_distance=True)
        order = np.lexsort((line, at))
        found, first = np.unique(at[order], return_index=True)
        nearest[found], away_m[found] = line[order[first]], away[order[first]]
        return nearest, away_m


def _as_bytes(geometries: Geometries) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Geometries as WKB one after another, and where each ends."""
    texts = shapely.to_wkb(geometries).tolist()
    return np.frombuffer(b"".join(texts), dtype=np.uint8), np.cumsum([len(text) for text in texts], dtype=np.int64)


def _from_bytes(wkb: NDArray[np.uint8], ends: NDArray[np.int64]) -> Geometries:
    whole, stops = wkb.tobytes(), ends.tolist()
    if (stops[-1] if stops else 0) != len(whole):
        raise ValueError("the packed arrays do not fit each other")
    found = np.empty(len(stops), dtype=object)
    found[:] = [whole[start:stop] for start, stop in zip([0, *stops][:-1], stops, strict=True)]
    geometries: Geometries = shapely.from_wkb(found)
    return geometries


def _text(array: NDArray[np.uint8]) -> str:
    return array.tobytes().decode()


def _sides(lines: Geometries, points: Geometries) -> Positions:
    """On which side of its line each point lies, seen along the line; a point on the line counts as left."""
    along_m = shapely.line_locate_point(lines, points)
    before = shapely.get_coordinates(shapely.line_interpolate_point(lines, np.maximum(along_m - _STEP_M, 0.0)))
    after = shapely.get_coordinates(shapely.line_interpolate_point(lines, along_m + _STEP_M))
    at = shapely.get_coordinates(points)
    cross = (after[:, 0] - before[:, 0]) * (at[:, 1] - before[:, 1]) - (after[:, 1] - before[:, 1]) * (at[:, 0] - before[:, 0])
    return np.where(cross < 0, RIGHT, LEFT)
