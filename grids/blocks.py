"""Blocks: the polygons bounded by streets, barriers and area borders that partition every lowest area.

The recipe: node all lines together, cut what is too large, give every face to exactly one lowest area, merge what is too
small into the neighbour with the longest shared border. Geometry is in metres throughout; the same input gives the same
blocks, vertex by vertex.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from grids.arrangement import GRID_M, Arrangement, Positions, arrange
from grids.measure import Floats, Geometries

SLIVER_WIDTH_M = 8.0
"""A face narrower than this on average (twice its area over its perimeter) is a median strip, not a block."""

_CUT_SLACK = 0.001
"""A part that the grid leaves a thousandth above the limit is not cut again."""


@dataclass(frozen=True)
class BlockRules:
    """How large a block should be, in square metres, and how much building makes land built up."""

    min_m2: float = 2_000
    max_m2: float = 30_000
    max_open_m2: float = 1_000_000
    built_up_share: float = 0.1


@dataclass(frozen=True)
class Ground:
    """What a city is divided by, all in metres: lowest areas (a,), streets, barriers, built-up land (None: everywhere).

    ``duty_grids`` are those that a city has already: blocks are drawn inside them as inside areas.
    """

    areas: Geometries
    streets: Geometries
    barriers: Geometries
    built_up: Geometries | None = None
    duty_grids: Geometries | None = None


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


def draw_blocks(ground: Ground, rules: BlockRules) -> Blocks:
    """Divide the lowest areas into blocks.

    Where source areas overlap, the earlier one has the place; a hole between areas goes to the neighbour with the longest
    shared border. The blocks of an area are a partition of it: no gap, no overlap, every vertex shared.
    """
    grids = ground.duty_grids if ground.duty_grids is not None else ground.areas[:0]
    lines = np.concatenate([shapely.boundary(ground.areas), shapely.boundary(grids), ground.streets, ground.barriers])
    uncut = _merged(arrange(lines), ground, rules)
    cuts = _cuts(uncut, rules)
    return _merged(arrange(np.concatenate([uncut.arrangement.edges, cuts])), ground, rules) if len(cuts) else uncut


def keep_blocks(polygons: Geometries, ground: Ground, rules: BlockRules) -> Blocks:
    """The blocks that a city has already, as they are, with the arrangement of their borders, the streets and the barriers.

    ``polygons`` (b,) in metres must not overlap. Each lies in the lowest area that holds a point of it, -1 where none does.
    """
    arrangement = arrange(np.concatenate([shapely.boundary(polygons), ground.streets, ground.barriers]))
    block_of_face = first_holding(polygons, arrangement.faces)
    areas = first_holding(ground.areas, polygons)
    return Blocks(polygons, areas, _is_built_up(polygons, ground, rules), arrangement, block_of_face)


def first_holding(holders: Geometries, polygons: Geometries) -> Positions:
    """For each polygon the first of the holders that has a point from its inside, -1 for none."""
    holder = np.full(len(polygons), -1, dtype=np.int64)
    if len(polygons):
        at, found = shapely.STRtree(holders).query(shapely.point_on_surface(polygons), predicate="intersects")
        order = np.lexsort((found, at))
        held, first = np.unique(at[order], return_index=True)
        holder[held] = found[order][first]
    return holder


def _merged(arrangement: Arrangement, ground: Ground, rules: BlockRules) -> Blocks:
    """The blocks that the faces of an arrangement make when small ones have joined their neighbours."""
    area_of_face = _area_of_faces(arrangement, ground)
    inside = np.flatnonzero(area_of_face >= 0)
    borders = _Borders.of(arrangement, ground.barriers).among(inside)
    grid_of_face = (
        first_holding(ground.duty_grids, arrangement.faces[inside])
        if ground.duty_grids is not None
        else np.zeros(len(inside), dtype=np.int64)
    )
    group = _merge(arrangement.faces[inside], np.stack([area_of_face[inside], grid_of_face], axis=1), borders, rules)
    block_of_face = np.full(len(arrangement.faces), -1, dtype=np.int64)
    block_of_face[inside] = group
    polygons = _unite(arrangement.faces[inside], group)
    areas = np.zeros(len(polygons), dtype=np.int64)
    areas[group] = area_of_face[inside]
    return Blocks(polygons, areas, _is_built_up(polygons, ground, rules), arrangement, block_of_face)


def _area_of_faces(arrangement: Arrangement, ground: Ground) -> Positions:
    """The lowest area of each face; -1 outside. Overlaps go to the first, enclosed holes to the longest neighbour."""
    faces = arrangement.faces
    if len(faces) == 0:
        return np.empty(0, dtype=np.int64)
    area = first_holding(ground.areas, faces)
    holes = [face for hole in _enclosed_holes(arrangement, area) if hole.bordering != 1 for face in hole.faces]
    return _fill_holes(area, np.array(holes, dtype=np.int64), _Borders.of(arrangement, np.empty(0, dtype=object)))


@dataclass(frozen=True)
class _Hole:
    """Connected faces that no holder has and holders surround, and how many holders border them."""

    faces: list[int]
    bordering: int


def _enclosed_holes(arrangement: Arrangement, holder: Positions) -> list[_Hole]:
    """The holes between holders of faces, found on the arrangement itself: what no edge joins to the outside.

    A hole that a single holder borders is left out on purpose (an enclave of another city); one between several is a
    crevice or a missing area.
    """
    edge, left, right, _ = arrangement.left_and_right(arrangement.edges)
    first = np.searchsorted(edge, np.arange(len(arrangement.edges)))
    left, right = left[first], right[first]
    free = np.flatnonzero(holder < 0)
    if len(free) == 0:
        return []
    held = np.append(holder, -2)  # -2: the unbounded face, which position -1 reaches
    joins = (left != right) & (held[left] < 0) & (held[right] < 0)
    count = len(holder) + 1
    links = coo_array((np.ones(int(joins.sum())), (left[joins] % count, right[joins] % count)), shape=(count, count))
    component = connected_components(links, directed=False)[1]
    outside = component[count - 1]
    borders: dict[int, set[int]] = defaultdict(set)
    for one, other in ((left, right), (right, left)):
        meets = (one >= 0) & (held[one] == -1) & (held[other] >= 0)
        for part, by in zip(component[one[meets]].tolist(), held[other[meets]].tolist(), strict=True):
            borders[part].add(by)
    faces_of: dict[int, list[int]] = defaultdict(list)
    for face in free.tolist():
        faces_of[int(component[face])].append(face)
    return [_Hole(faces, len(borders[part])) for part, faces in faces_of.items() if part != outside]


def left_out(blocks: Blocks) -> Geometries:
    """The ground in metres that one area surrounds and leaves out on purpose: no block, and no gap either."""
    area_of_face = (
        np.where(blocks.block_of_face >= 0, blocks.areas[blocks.block_of_face], -1) if len(blocks.areas) else blocks.block_of_face
    )
    holes = [face for hole in _enclosed_holes(blocks.arrangement, area_of_face) if hole.bordering == 1 for face in hole.faces]
    return blocks.arrangement.faces[np.array(holes, dtype=np.int64)]


def _fill_holes(area: Positions, holes: Positions, borders: _Borders) -> Positions:
    filled = area.copy()
    waiting = set(holes.tolist())
    while waiting:
        best = {face: _longest(borders.by_face.get(face, {}), filled) for face in sorted(waiting)}
        found = {face: to for face, to in best.items() if to >= 0}
        if not found:
            break
        for face, to in found.items():
            filled[face] = to
        waiting -= found.keys()
    return filled


def _longest(neighbours: dict[int, float], area: Positions) -> int:
    total: dict[int, float] = defaultdict(float)
    for face, length_m in neighbours.items():
        if area[face] >= 0:
            total[int(area[face])] += length_m
    return max(sorted(total), key=total.__getitem__) if total else -1


@dataclass(frozen=True)
class _Borders:
    """Pairs of faces with a common border: how long it is, and how much of it is open (no barrier)."""

    first: Positions
    second: Positions
    length_m: Floats
    open_m: Floats

    @classmethod
    def of(cls, arrangement: Arrangement, barriers: Geometries) -> _Borders:
        edge, left, right, length_m = arrangement.left_and_right(arrangement.edges)
        common = (left >= 0) & (right >= 0) & (left != right)
        is_open = ~_along(arrangement.edges, barriers)[edge[common]]
        first, second = np.minimum(left, right)[common], np.maximum(left, right)[common]
        pairs, at = np.unique(np.stack([first, second], axis=1), axis=0, return_inverse=True)
        at = at.reshape(-1)
        total = np.bincount(at, weights=length_m[common], minlength=len(pairs)).astype(np.float64)
        total_open = np.bincount(at, weights=length_m[common] * is_open, minlength=len(pairs)).astype(np.float64)
        return cls(pairs[:, 0].copy(), pairs[:, 1].copy(), total, total_open)

    def among(self, faces: Positions) -> _Borders:
        """The borders between the given faces, which are renumbered by their place in ``faces``."""
        number = np.full(int(max(faces.max(initial=-1), self.second.max(initial=-1))) + 1, -1, dtype=np.int64)
        number[faces] = np.arange(len(faces))
        first, second = number[self.first], number[self.second]
        kept = (first >= 0) & (second >= 0)
        return _Borders(first[kept], second[kept], self.length_m[kept], self.open_m[kept])

    @cached_property
    def by_face(self) -> dict[int, dict[int, float]]:
        """For each face the faces it borders, and how long the border is."""
        index: dict[int, dict[int, float]] = defaultdict(dict)
        for a, b, length_m in zip(self.first.tolist(), self.second.tolist(), self.length_m.tolist(), strict=True):
            index[a][b] = index[b][a] = length_m
        return index


def _along(edges: Geometries, lines: Geometries) -> NDArray[np.bool_]:
    """Which edges run along one of the lines, by their midpoints, within what noding may have moved them."""
    on = np.zeros(len(edges), dtype=np.bool_)
    if len(lines) and len(edges):
        midpoints = shapely.line_interpolate_point(edges, 0.5, normalized=True)
        on[shapely.STRtree(lines).query(midpoints, predicate="dwithin", distance=3 * GRID_M)[0]] = True
    return on


def _merge(faces: Geometries, holders: Positions, borders: _Borders, rules: BlockRules) -> Positions:
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


def _unite(faces: Geometries, group: Positions) -> Geometries:
    """One polygon for each group of edge-connected faces, in the order of the group numbers."""
    count = int(group.max(initial=-1)) + 1
    polygons = np.empty(count, dtype=object)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(count + 1))
    for number in range(count):
        members = faces[order[starts[number] : starts[number + 1]]]
        polygons[number] = members[0] if len(members) == 1 else shapely.coverage_union_all(members)
    return polygons


def _is_built_up(polygons: Geometries, ground: Ground, rules: BlockRules) -> NDArray[np.bool_]:
    """Which polygons are covered by built-up land in at least the share that the rules ask; all, when none is known."""
    if ground.built_up is None:
        return np.ones(len(polygons), dtype=np.bool_)
    polygon_at, land_at = shapely.STRtree(ground.built_up).query(polygons, predicate="intersects")
    covered_m2 = shapely.area(shapely.intersection(polygons[polygon_at], ground.built_up[land_at]))
    total_m2 = np.bincount(polygon_at, weights=covered_m2, minlength=len(polygons))
    built_up: NDArray[np.bool_] = total_m2 >= rules.built_up_share * shapely.area(polygons)
    return built_up


def _cuts(blocks: Blocks, rules: BlockRules) -> Geometries:
    """Lines that divide the blocks which are too large, each across the block's long side."""
    largest_m2 = np.where(blocks.built_up, rules.max_m2, rules.max_open_m2)
    large = np.flatnonzero(shapely.area(blocks.polygons) > largest_m2)
    return np.array([cut for at in large for cut in _halving_cuts(blocks.polygons[at], float(largest_m2[at]))], dtype=object)


def _halving_cuts(face: shapely.Polygon, largest_m2: float) -> Iterator[shapely.LineString]:
    """Cut a face in two near equal parts by whole multiples of the size, and the parts again until none is too large."""
    pieces = int(np.ceil(face.area / largest_m2 - _CUT_SLACK))
    if pieces < 2:
        return
    low, high, across = _cut_position(face, (pieces // 2) / pieces)
    yield from (part for part in shapely.get_parts(across) if part.length > GRID_M)
    for half in (low, high):
        for part in shapely.get_parts(half):
            if isinstance(part, shapely.Polygon):
                yield from _halving_cuts(part, largest_m2)


def _cut_position(face: shapely.Polygon, share: float) -> tuple[shapely.Geometry, shapely.Geometry, shapely.Geometry]:
    """The two sides of the line across the face's long axis that leaves ``share`` of its area behind it, and the line's part inside."""
    corners = shapely.get_coordinates(shapely.oriented_envelope(face))[:4]
    sides = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    long_side = int(np.argmax(sides[:2]))
    origin, along = corners[long_side], corners[long_side + 1] - corners[long_side]
    across = corners[(long_side + 3) % 4] - origin
    origin, across = origin - 0.5 * across, 2 * across

    def behind(at: float) -> shapely.Polygon:
        start = origin - 0.5 * along
        return shapely.Polygon([start, origin + at * along, origin + at * along + across, start + across])

    low, high = 0.0, 1.0
    for _ in range(20):
        middle = (low + high) / 2
        enough = shapely.intersection(face, behind(middle)).area >= share * face.area
        low, high = (low, middle) if enough else (middle, high)
    at = (low + high) / 2
    line = shapely.linestrings([origin + at * along, origin + at * along + across])
    return shapely.intersection(face, behind(at)), shapely.difference(face, behind(at)), shapely.intersection(face, line)
