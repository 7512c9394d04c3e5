"""Which street unit holds a point, and which segment is nearest: the one function every assignment goes through.

Exact means: what GEOS says about the same polygons, with one rule for a point on a border (the unit with the lowest
code) and one for a point outside (none).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from grids import cells as cell_index
from grids.arrangement import Positions
from grids.cells import Cells
from grids.edition import LEFT, RIGHT
from grids.measure import Floats, Geometries, Plane

NEAREST_M = 150.0
"""A segment further away than this is not the street of a place."""

_STEP_M = 0.05


class How(IntEnum):
    """How a place was found: inside a unit, on the border of several, or outside the city."""

    OUTSIDE = 0
    INSIDE = 1
    BORDER = 2


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


@dataclass(frozen=True)
class Index:
    """Blocks and segments of one edition, in the order of their codes; geometry in EPSG:4326, distances in ``plane``."""

    blocks: Geometries
    segments: Geometries
    plane: Plane
    cell_resolution: int

    @cached_property
    def _block_tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.blocks)

    @cached_property
    def _lines(self) -> Geometries:
        lines: Geometries = self.plane.to_metres(self.segments)
        return lines

    @cached_property
    def _line_tree(self) -> shapely.STRtree:
        return shapely.STRtree(self._lines)

    def locate(self, lons: Floats, lats: Floats) -> Places:
        """Find the places of points in EPSG:4326 (n,). A point without finite coordinates is outside, with cell 0."""
        cells = cell_index.of_points(lons, lats, self.cell_resolution)
        block, how = self._blocks_at(lons, lats)
        segment, side, offset_m = self._nearest_segments(lons, lats)
        return Places(cells, block, segment, side, offset_m, how)

    def _blocks_at(self, lons: Floats, lats: Floats) -> tuple[Positions, NDArray[np.int8]]:
        block = np.full(len(lons), -1, dtype=np.int64)
        how = np.full(len(lons), How.OUTSIDE, dtype=np.int8)
        known = np.flatnonzero(np.isfinite(lons) & np.isfinite(lats))
        if len(known) == 0 or len(self.blocks) == 0:
            return block, how
        points = np.asarray(shapely.points(lons[known], lats[known]))
        at, unit = self._block_tree.query(points, predicate="intersects")
        order = np.lexsort((unit, at))
        at, unit = at[order], unit[order]
        found, first, times = np.unique(at, return_index=True, return_counts=True)
        block[known[found]] = unit[first]
        # One hit may still be a border: the city's own rim.
        rim = ~shapely.contains_properly(self.blocks[unit[first]], points[found])
        how[known[found]] = np.where((times > 1) | rim, How.BORDER, How.INSIDE)
        return block, how

    def _nearest_segments(self, lons: Floats, lats: Floats) -> tuple[Positions, Positions, Floats]:
        segment = np.full(len(lons), -1, dtype=np.int64)
        side = np.full(len(lons), LEFT, dtype=np.int64)
        offset_m = np.full(len(lons), np.nan)
        eastings, northings = self.plane.points_to_metres(lons, lats)
        known = np.flatnonzero(np.isfinite(eastings) & np.isfinite(northings))
        if len(known) == 0 or len(self.segments) == 0:
            return segment, side, offset_m
        points = np.asarray(shapely.points(eastings[known], northings[known]))
        (at, line), distance_m = self._line_tree.query_nearest(points, max_distance=NEAREST_M, return_distance=True)
        order = np.lexsort((line, at))
        found, first = np.unique(at[order], return_index=True)
        chosen = order[first]
        segment[known[found]] = line[chosen]
        offset_m[known[found]] = distance_m[chosen]
        side[known[found]] = _sides(self._lines[line[chosen]], points[found])
        return segment, side, offset_m


def _sides(lines: Geometries, points: Geometries) -> Positions:
    """On which side of its line each point lies, seen along the line; a point on the line counts as left."""
    along_m = shapely.line_locate_point(lines, points)
    before = shapely.get_coordinates(shapely.line_interpolate_point(lines, np.maximum(along_m - _STEP_M, 0.0)))
    after = shapely.get_coordinates(shapely.line_interpolate_point(lines, along_m + _STEP_M))
    at = shapely.get_coordinates(points)
    cross = (after[:, 0] - before[:, 0]) * (at[:, 1] - before[:, 1]) - (after[:, 1] - before[:, 1]) * (at[:, 0] - before[:, 0])
    return np.where(cross < 0, RIGHT, LEFT)
