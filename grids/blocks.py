"""Blocks: the polygons bounded by streets, barriers and area borders that partition every lowest area.

The recipe: node all lines together, cut what is too large, give every face to exactly one lowest area, merge what is too
small into the neighbour with the longest shared border. Geometry is in metres throughout; the same input gives the same
blocks, vertex by vertex.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from grids.arrangement import Arrangement, Positions, arrange
from grids.borders import Borders, first_holding, unite
from grids.cuts import cut_lines
from grids.measure import Floats, Geometries
from grids.seamless import seamless

SLIVER_WIDTH_M = 8.0
"""A face narrower than this on average (twice its area over its perimeter) is a median strip, not a block."""


@dataclass(frozen=True)
class BlockRules:
    """How large a block should be, in square metres, and how much building makes land built up."""

    min_m2: float = 2_000
    max_m2: float = 30_000
    max_open_m2: float = 1_000_000
    built_up_share: float = 0.1


@dataclass(frozen=True)
class Ground:
    """What blocks are drawn from, all in metres: seamless lowest areas (a,), their boundaries (a,) as they were digitised,
    streets, barriers, built-up land (None: everywhere).

    ``own`` (a,) says which areas are to be divided; the others are neighbours, there so that a border is noded alike from
    both sides. ``duty_grids`` are those that a city has already: blocks are drawn inside them as inside areas.
    """

    areas: Geometries
    own: NDArray[np.bool_]
    borders: Geometries
    streets: Geometries
    barriers: Geometries
    built_up: Geometries | None = None
    duty_grids: Geometries | None = None


def whole_ground(
    areas: Geometries, streets: Geometries, barriers: Geometries, built_up: Geometries | None = None, duty_grids: Geometries | None = None
) -> Ground:
    """The ground of a whole city; ``areas`` (a,) as they were digitised, with overlaps and crevices."""
    return Ground(
        seamless(areas).areas, np.ones(len(areas), dtype=np.bool_), shapely.boundary(areas), streets, barriers, built_up, duty_grids
    )


@dataclass(frozen=True)
class Blocks:
    """Blocks (b,) in metres: the lowest area each lies in, whether it is built up, and the arrangement they come from.

    ``block_of_face`` gives the block of each face of the arrangement, -1 for faces outside the city.
    """

    polygons: Geometries
    areas: Positions
    built_up: NDArray[np.bool_]
    arrangement: Arrangement
    block_of_face: Positions


def cuts_of_large_blocks(ground: Ground, rules: BlockRules) -> Geometries:
    """The lines that cut what would be too large as a block, in the ground's own areas."""
    uncut = draw_blocks(ground, rules, np.empty(0, dtype=object))
    return cut_lines(uncut.polygons, np.where(uncut.built_up, rules.max_m2, rules.max_open_m2))


def draw_blocks(ground: Ground, rules: BlockRules, cuts: Geometries) -> Blocks:
    """Divide the ground's own areas into blocks; ``cuts`` are its own cuts of large blocks and those of its neighbours.

    The blocks of an area are a partition of it: no gap, no overlap, every vertex shared. Noding is local (a line moves only
    where another comes within a grid step), so two grounds that know the same lines near a common border draw it alike.
    """
    grids = ground.duty_grids if ground.duty_grids is not None else ground.areas[:0]
    arrangement = arrange(np.concatenate([ground.borders, shapely.boundary(grids), ground.streets, ground.barriers, cuts]))
    area_of_face = first_holding(ground.areas, arrangement.faces)
    inside = np.flatnonzero(np.append(ground.own, False)[area_of_face])
    faces, area = arrangement.faces[inside], area_of_face[inside]
    borders = Borders.of(arrangement, ground.barriers).among(inside)
    grid = first_holding(grids, faces) if len(grids) else np.zeros(len(inside), dtype=np.int64)
    group = _merge(faces, np.stack([area, grid], axis=1), borders, rules)
    block_of_face = np.full(len(arrangement.faces), -1, dtype=np.int64)
    block_of_face[inside] = group
    polygons = unite(faces, group)
    areas = np.zeros(len(polygons), dtype=np.int64)
    areas[group] = area
    return Blocks(polygons, areas, _is_built_up(polygons, ground, rules), arrangement, block_of_face)


def keep_blocks(polygons: Geometries, ground: Ground, rules: BlockRules) -> Blocks:
    """The blocks that a city has already, as they are, with the arrangement of their borders, the streets and the barriers.

    ``polygons`` (b,) in metres must not overlap. Each lies in the lowest area that holds a point of it, -1 where none does.
    """
    arrangement = arrange(np.concatenate([shapely.boundary(polygons), ground.streets, ground.barriers]))
    block_of_face = first_holding(polygons, arrangement.faces)
    areas = first_holding(ground.areas, polygons)
    return Blocks(polygons, areas, _is_built_up(polygons, ground, rules), arrangement, block_of_face)


def _merge(faces: Geometries, holders: Positions, borders: Borders, rules: BlockRules) -> Positions:
    """The block number of each face: small faces and slivers join a neighbour with the same holders, smallest first.

    ``holders`` (f, 2) are the lowest area and the duty grid of each face.
    """
    block = _Joined(shapely.area(faces), shapely.length(faces))
    same_area = (holders[borders.first] == holders[borders.second]).all(axis=1)
    columns = (borders.first, borders.second, borders.length_m, borders.open_m)
    for a, b, length_m, open_m in zip(*(column[same_area].tolist() for column in columns), strict=True):
        block.border(a, b, length_m=length_m, open_m=open_m)
    waiting = [(block.area_m2[face], face) for face in range(len(faces)) if block.is_small(face, rules)]
    heapq.heapify(waiting)
    while waiting:
        area_m2, face = heapq.heappop(waiting)
        if block.root(face) != face or block.area_m2[face] != area_m2 or not block.is_small(face, rules):
            continue
        joined = block.join_best_neighbour(face, rules)
        if joined is not None and block.is_small(joined, rules):
            heapq.heappush(waiting, (block.area_m2[joined], joined))
    roots = np.array([block.root(face) for face in range(len(faces))], dtype=np.int64)
    numbers: Positions = np.unique(roots, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return numbers


class _Joined:
    """Faces joined into blocks so far, with each block's area, perimeter and borders (length, open length)."""

    def __init__(self, areas_m2: Floats, perimeters_m: Floats) -> None:
        self.area_m2: list[float] = areas_m2.tolist()
        self.perimeter_m: list[float] = perimeters_m.tolist()
        self._parent = list(range(len(self.area_m2)))
        self._borders: list[dict[int, tuple[float, float]]] = [{} for _ in self.area_m2]

    def border(self, a: int, b: int, *, length_m: float, open_m: float) -> None:
        self._borders[a][b] = self._borders[b][a] = (length_m, open_m)

    def root(self, face: int) -> int:
        while self._parent[face] != face:
            self._parent[face] = face = self._parent[self._parent[face]]
        return face

    def is_small(self, block: int, rules: BlockRules) -> bool:
        narrow = 2 * self.area_m2[block] < SLIVER_WIDTH_M * self.perimeter_m[block]
        return self.area_m2[block] < rules.min_m2 or narrow

    def join_best_neighbour(self, block: int, rules: BlockRules) -> int | None:
        """Join ``block`` to a neighbour and return the block that results; None when it has no neighbour in its area.

        A border without a barrier goes before one along a barrier, a result within the largest size before one above
        it, then the longest border, then the lower number.
        """
        neighbours = self._borders[block]
        if not neighbours:
            return None

        def worth(other: int) -> tuple[bool, bool, float, int]:
            length_m, open_m = neighbours[other]
            return open_m > 0, self.area_m2[other] + self.area_m2[block] <= rules.max_m2, open_m or length_m, -other

        best = max(neighbours, key=worth)
        keep, gone = min(block, best), max(block, best)
        length_m = neighbours[best][0]
        self._parent[gone] = keep
        self.area_m2[keep] += self.area_m2[gone]
        self.perimeter_m[keep] += self.perimeter_m[gone] - 2 * length_m
        moved = self._borders[gone]
        self._borders[gone] = {}
        for other, (length_m, open_m) in moved.items():
            del self._borders[other][gone]
            if other != keep:
                already_m, already_open_m = self._borders[keep].get(other, (0.0, 0.0))
                self.border(keep, other, length_m=already_m + length_m, open_m=already_open_m + open_m)
        return keep


def _is_built_up(polygons: Geometries, ground: Ground, rules: BlockRules) -> NDArray[np.bool_]:
    """Which polygons are covered by built-up land in at least the share that the rules ask; all, when none is known."""
    if ground.built_up is None:
        return np.ones(len(polygons), dtype=np.bool_)
    polygon_at, land_at = shapely.STRtree(ground.built_up).query(polygons, predicate="intersects")
    covered_m2 = shapely.area(shapely.intersection(polygons[polygon_at], ground.built_up[land_at]))
    total_m2 = np.bincount(polygon_at, weights=covered_m2, minlength=len(polygons))
    built_up: NDArray[np.bool_] = total_m2 >= rules.built_up_share * shapely.area(polygons)
    return built_up
