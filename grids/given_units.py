"""Blocks and duty grids that a city has already: judged, and kept to the letter."""

from __future__ import annotations

import numpy as np
import shapely

from grids.arrangement import Positions
from grids.blocks import keep_blocks
from grids.borders import first_holding
from grids.edition import Areas, BlockUnits, City, DutyGrids, GivenUnits
from grids.errors import BlockAcrossGrids, BlockOutsideAreas, GivenBlocksNoPartition
from grids.measure import Geometries, Plane, areas_m2
from grids.parts import Drawn, describe, whole_part
from grids.quality import common_m2
from grids.seamless import left_out

TOLERATED_M2 = 1.0
"""Gaps and overlaps of given units up to this much, each over the whole city, are how files round; more is refused."""


def keep(city: City, given: GivenUnits) -> tuple[Drawn, Geometries]:
    """The city with its given blocks, drawn as one part, and the ground in metres that an area leaves out on purpose.

    Raises ``GivenBlocksNoPartition`` with the measured gap and overlap when they do not cover the lowest areas exactly once,
    and ``BlockOutsideAreas`` for a block that lies in none.
    """
    plane, part = Plane(city.crs), whole_part(city)
    polygons = plane.to_metres(given.polygons)
    kept = keep_blocks(polygons, part.ground, city.rules)
    lost = np.flatnonzero(kept.areas < 0)
    if len(lost):
        raise BlockOutsideAreas(str(given.codes[lost[0]]))
    gap = shapely.difference(shapely.union_all(part.ground.areas), shapely.union_all(polygons))
    gap_m2 = float(areas_m2(np.array([plane.to_lonlat(gap)]))[0])
    overlap_m2 = common_m2(given.polygons)
    if gap_m2 > TOLERATED_M2 or overlap_m2 > TOLERATED_M2:
        raise GivenBlocksNoPartition(round(gap_m2, 1), round(overlap_m2, 1))
    area_of_face = np.append(kept.areas, -1)[kept.block_of_face]
    return describe(part, kept, given), left_out(kept.arrangement, area_of_face)


def grids(given: GivenUnits, areas: Areas, blocks: BlockUnits) -> DutyGrids:
    """The given duty grids as sets of whole blocks, in the order of their codes; a grid's polygon is the union of its blocks.

    Raises ``BlockAcrossGrids`` for a block that lies in no grid, or not wholly in one.
    """
    order = np.argsort(given.codes, kind="stable")
    polygons = given.polygons[order]
    grid = first_holding(polygons, blocks.polygons)
    outside_m2 = np.where(grid >= 0, areas_m2(shapely.difference(blocks.polygons, polygons[grid])), blocks.areas_m2)
    astray = int(np.argmax(outside_m2))
    if outside_m2[astray] > TOLERATED_M2:
        raise BlockAcrossGrids(str(blocks.codes[astray]), round(float(outside_m2[astray]), 1))
    used = np.unique(grid)
    numbers = np.full(len(order), -1, dtype=np.int64)
    numbers[used] = np.arange(len(used))
    united = np.array([_union(blocks.polygons[grid == one]) for one in used], dtype=object)
    area = np.array([_common_area(np.unique(blocks.area[grid == one]), areas.parent) for one in used], dtype=np.int64)
    chosen = order[used]
    return DutyGrids(given.codes[chosen], given.names[chosen], area, united, numbers[grid], given.valid_from[chosen], given=True)


def _union(polygons: Geometries) -> shapely.Geometry:
    return polygons[0] if len(polygons) == 1 else shapely.coverage_union_all(polygons)


def _common_area(members: Positions, parent: Positions) -> int:
    """The lowest area that is one of the members or above all of them; they lie on one level."""
    while len(members) > 1:
        members = np.unique(parent[members])
    return int(members[0])
