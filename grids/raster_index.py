"""Which polygon of many holds a point: a raster for what is well inside, an exact edge test near borders, GEOS for doubt.

The box of all polygons is a raster in two levels. A coarse cell that no edge touches holds one answer; one that edges touch
is split into 8 x 8 fine cells. A fine cell without edges holds an answer too, the others refer to their list of edges
(``grids.edge_test``). "Touches" is judged with a guard band of ``_GUARD`` of a cell, far wider than the rounding of the
cell of a point, so a cell without edges is wholly inside the same polygons; cells that meet without an edge between them
share their answer, and GEOS is asked once for each such patch.

Answers are those of GEOS's ``intersects`` on the same polygons, point by point; of several the lowest position.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage

from grids.edge_test import BLOCK, DOUBT, FILTER, OUTSIDE, TINY, compiled, in_cell
from grids.measure import Floats, Geometries

Ints = NDArray[np.int64]
Labels = NDArray[np.int32]

_GUARD = 1e-5
_LEAST_CELL_ULPS = 2.0**24
"""A cell is at least so many steps of floating point wide: then the guard band is wider than what rounding can move."""

_FEW = 256
"""So many points are looked up one by one sooner than the compiled look-up is loaded."""

_AT_ONCE = 100_000
"""Lists of so many cells are made at a time: memory."""

_REFERENCE = (0.5137, 0.4719)
"""Where in its cell a reference lies: off the middle, which the lines of regular plans hit."""


@dataclass(frozen=True)
class RasterIndex:
    """Polygons (valid or not, overlapping or gaping, with holes and parts) made ready to be asked for points.

    ``frame`` holds west, south, east, north, columns and rows a degree, columns, rows (of fine cells). ``coarse`` and ``fine``
    hold for a cell the position of its polygon, -1 for none, or -2 - n: n is the cell's block in ``fine``, or where its list
    begins in ``edges``. ``disjoint`` says that no two polygons overlap. All arrays are read-only, and may lie in a mapped file.
    """

    polygons: Geometries
    frame: Floats
    coarse: Labels
    fine: Labels
    edges: Floats
    disjoint: bool

    def __reduce__(self) -> Any:
        # What is made on demand stays behind; made anew, the arrays are read-only again.
        return from_tables, (self.polygons, self.tables, self.disjoint)

    @property
    def tables(self) -> tuple[Floats, Labels, Labels, Floats]:
        """Frame, coarse, fine and edges: all that the look-up reads."""
        return self.frame, self.coarse, self.fine, self.edges

    def find(self, xs: Floats, ys: Floats) -> tuple[Ints, NDArray[np.int8]]:
        """The lowest polygon that holds or touches each point (n,), -1 for none, and 0 outside, 1 inside, 2 on a border.

        A border is the rim of a polygon or ground of several. Points without finite coordinates are outside.
        """
        block, how = np.empty(len(xs), dtype=np.int64), np.empty(len(xs), dtype=np.int8)
        if len(xs) <= _FEW:
            for at, (x, y) in enumerate(zip(xs.tolist(), ys.tolist(), strict=True)):
                block[at], how[at] = self.find_one(x, y)
        else:
            points = read_only(np.ascontiguousarray(xs)), read_only(np.ascontiguousarray(ys))
            if compiled()(points, self.tables, self.disjoint, (block, how)):
                doubt = np.flatnonzero(block == DOUBT)
                block[doubt], how[doubt] = ask_geos(self._tree, xs[doubt], ys[doubt])
        return block, how

    def prepare(self) -> None:
        """Build now what is built on demand for ``find_one``: what it reads, and the tree that GEOS is asked with in doubt."""
        _ = self._views, self._tree

    def find_one(self, x: float, y: float) -> tuple[int, int]:
        """What ``find`` says of one point, in microseconds."""
        answer = self._answer(x, y)
        if answer == DOUBT:
            block, how = ask_geos(self._tree, np.array([x]), np.array([y]))
            return int(block[0]), int(how[0])
        return (answer >> 1, 1 + (answer & 1)) if answer >= 0 else (-1, 0)

    @cached_property
    def _views(self) -> tuple[Any, ...]:
        # A memory view gives Python's own numbers, several times as fast as an array of numpy does.
        return (
            *self.frame[:6].tolist(),
            int(self.frame[6]),
            int(self.frame[7]),
            self.coarse.data,
            self.fine.data,
            self.edges.data,
        )

    def _answer(self, x: float, y: float) -> int:
        west, south, east, north, x_scale, y_scale, columns, rows, coarse, fine, edges = self._views
        if not (west <= x <= east and south <= y <= north):
            return OUTSIDE
        column = min(int((x - west) * x_scale), columns - 1)
        row = min(int((y - south) * y_scale), rows - 1)
        label: int = coarse[(row // BLOCK) * (columns // BLOCK) + column // BLOCK]
        if label < -1:
            label = fine[(-label - 2) * BLOCK * BLOCK + (row % BLOCK) * BLOCK + column % BLOCK]
            if label < -1:
                return in_cell(edges, -label - 2, x, y, self.disjoint)
        return 2 * label if label >= 0 else OUTSIDE

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.polygons)


def ask_geos(tree: shapely.STRtree, xs: Floats, ys: Floats) -> tuple[Ints, NDArray[np.int8]]:
    """What ``RasterIndex.find`` says, by GEOS alone: no index to build, a microsecond or two a point."""
    block, how = np.full(len(xs), -1, dtype=np.int64), np.zeros(len(xs), dtype=np.int8)
    known = np.flatnonzero(np.isfinite(xs) & np.isfinite(ys))
    if len(known) == 0 or len(tree.geometries) == 0:
        return block, how
    points = np.asarray(shapely.points(xs[known], ys[known]))
    at, unit = tree.query(points, predicate="intersects")
    order = np.lexsort((unit, at))
    at, unit = at[order], unit[order]
    found, first, times = np.unique(at, return_index=True, return_counts=True)
    block[known[found]] = unit[first]
    # One hit may still be a border: the city's own rim.
    rim = ~shapely.contains_properly(tree.geometries[unit[first]], points[found])
    how[known[found]] = np.where((times > 1) | rim, 2, 1)
    return block, how


def build(polygons: Geometries, *, coarse_cells: int | None = None) -> RasterIndex:
    """The index of polygons in any plane; with no polygon that has area every point is outside.

    ``coarse_cells`` is the number of coarse cells along each side of the box, chosen from the number of edges when not given.
    """
    polygons = np.asarray(polygons, dtype=object)
    starts, ends, owners = _edges_of(polygons)
    if len(owners) == 0:
        nothing = np.empty(0, dtype=np.int32)
        frame = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.0, BLOCK, BLOCK])
        return from_tables(polygons, (frame, nothing, nothing, np.empty(0)), True)
    wanted = coarse_cells or int(np.clip(np.sqrt(len(owners)) * 1.5, 16, 400))
    frame = _frame(shapely.total_bounds(polygons), wanted)
    columns, rows = int(frame[6]), int(frame[7])
    tree = shapely.STRtree(polygons)
    cell, edge = touched(starts, ends, frame)
    row, column = np.divmod(cell, columns)
    coarse_at = (row // BLOCK) * (columns // BLOCK) + column // BLOCK
    split, block = _ranked(coarse_at, columns * rows // (BLOCK * BLOCK))
    fine_at = block * BLOCK * BLOCK + (row % BLOCK) * BLOCK + column % BLOCK
    edged, listed = _ranked(fine_at, len(split) * BLOCK * BLOCK)
    lists = _Lists(tree)
    coarse, shared = _coarse(frame, split, lists)
    fine = _fine(frame, split, edged, lists)
    middle = _middles(frame, *_place_of(split, edged, columns), at=_REFERENCE)
    order = np.argsort(listed, kind="stable")
    ends_of = np.searchsorted(listed, np.arange(0, len(edged) + _AT_ONCE, _AT_ONCE), sorter=order).tolist()
    for number, (first, last) in enumerate(pairwise(ends_of)):
        some, cells = order[first:last], slice(number * _AT_ONCE, (number + 1) * _AT_ONCE)
        corners = np.hstack([starts[edge[some]], ends[edge[some]]])
        fine[edged[cells]] = lists.add_edged(middle[cells], listed[some] - cells.start, corners, owners[edge[some]])
    coarse[split] = -2 - np.arange(len(split), dtype=np.int32)
    fine = np.append(fine, np.repeat(shared, BLOCK * BLOCK))
    disjoint = bool(shapely.coverage_is_valid(polygons))
    return from_tables(polygons, (frame, coarse, fine, np.concatenate(lists.parts)), disjoint)


def from_tables(polygons: Geometries, tables: Iterable[NDArray[Any]], disjoint: bool) -> RasterIndex:
    """The index of its own parts: ``tables`` as ``RasterIndex.tables`` gives them."""
    frame, coarse, fine, edges = map(read_only, tables)
    return RasterIndex(polygons, frame, coarse, fine, edges, disjoint)


def read_only(array: Any) -> Any:
    """The same memory, not to be written; one kind of array also means that the look-up is compiled once."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


def _edges_of(polygons: Geometries) -> tuple[Floats, Floats, Ints]:
    """Start and end (n, 2) of every edge that has a length, and its polygon (n,)."""
    parts, of_part = shapely.get_parts(polygons, return_index=True)
    rings, of_ring = shapely.get_rings(parts, return_index=True)
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    starts, ends = coordinates[:-1], coordinates[1:]
    real = (ring[1:] == ring[:-1]) & (starts != ends).any(axis=1)
    return starts[real], ends[real], of_part[of_ring[ring[:-1][real]]]


def _frame(bounds: Floats, wanted: int) -> Floats:
    west, south, east, north = bounds.tolist()
    scales, counts = [], []
    for low, high in ((west, east), (south, north)):
        least = np.spacing(max(abs(low), abs(high))) * _LEAST_CELL_ULPS
        coarse = min(wanted, int((high - low) / (BLOCK * least)))
        # Without extent enough for one block of cells everything is in the first.
        scales.append(coarse * BLOCK / (high - low) if coarse else 0.0)
        counts.append(max(coarse, 1) * BLOCK)
    return np.array([west, south, east, north, *scales, *counts])


def touched(starts: Floats, ends: Floats, frame: Floats) -> tuple[Ints, Ints]:
    """Every fine cell (m,) that an edge touches or nearly touches, row by row of the edge, and the edge (m,)."""
    columns, rows = int(frame[6]), int(frame[7])
    a, b = (starts - frame[:2]) * frame[4:6], (ends - frame[:2]) * frame[4:6]
    # Along an axis without cells every edge is in all of them.
    guard_x, guard_y = np.where(frame[4:6] > 0, _GUARD, np.inf)
    upward = (a[:, 1] <= b[:, 1])[:, None]
    low, high = np.where(upward, a, b), np.where(upward, b, a)
    first = np.clip(np.floor(low[:, 1] - guard_y), 0, rows - 1).astype(np.int64)
    last = np.clip(np.floor(high[:, 1] + guard_y), 0, rows - 1).astype(np.int64)
    edge, row = _ranges(first, last)
    low, high = low[edge], high[edge]
    rise = high[:, 1] - low[:, 1]
    level = rise <= 0
    step = np.where(level, 1.0, rise)
    # The part of the edge within the row and its guard band; what rounding adds along a flat edge the band takes up.
    enters = np.where(level, 0.0, np.clip((row - guard_y - low[:, 1]) / step, 0, 1))
    leaves = np.where(level, 1.0, np.clip((row + 1 + guard_y - low[:, 1]) / step, 0, 1))
    run = high[:, 0] - low[:, 0]
    one, other = low[:, 0] + enters * run, low[:, 0] + leaves * run
    first = np.clip(np.floor(np.minimum(one, other) - guard_x), 0, columns - 1).astype(np.int64)
    last = np.clip(np.floor(np.maximum(one, other) + guard_x), 0, columns - 1).astype(np.int64)
    of, column = _ranges(first, last)
    return row[of] * columns + column, edge[of]


def _ranked(numbers: Ints, below: int) -> tuple[Ints, Ints]:
    """The numbers that occur (m,), ascending, and the place in them of each number (n,); all are less than ``below``."""
    occurs = np.zeros(below, dtype=bool)
    occurs[numbers] = True
    return np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[numbers]


def _ranges(first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """For each range the whole numbers from ``first`` to ``last``, both included: whose range (m,), and the number (m,)."""
    counts = last - first + 1
    of = np.repeat(np.arange(len(first)), counts)
    return of, np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts - first, counts)


def _place_of(split: Ints, fine_at: Ints, columns: int) -> tuple[Ints, Ints]:
    """Column and row, in the whole raster, of fine cells given by their places in the blocks of ``split``."""
    block, inside = np.divmod(fine_at, BLOCK * BLOCK)
    coarse_row, coarse_column = np.divmod(split[block], columns // BLOCK)
    return coarse_column * BLOCK + inside % BLOCK, coarse_row * BLOCK + inside // BLOCK


def _middles(frame: Floats, column: Any, row: Any, *, at: tuple[float, float] = (0.5, 0.5), size: int = 1) -> Floats:
    """A place (n, 2) in each cell, at a share of its width and height; cells are ``size`` fine cells wide."""
    places = []
    for axis, number in enumerate((column, row)):
        low, high, scale = frame[axis], frame[2 + axis], frame[4 + axis]
        places.append(low + (number + at[axis]) * size / scale if scale else np.full(len(number), low + (high - low) * at[axis]))
    return np.stack(places, axis=1)


def _coarse(frame: Floats, split: Ints, lists: _Lists) -> tuple[Labels, Labels]:
    """The labels of all coarse cells, and the lists of patches where several polygons overlap: blocks after those of ``split``."""
    columns, rows = int(frame[6]) // BLOCK, int(frame[7]) // BLOCK
    free = np.ones(columns * rows, dtype=bool)
    free[split] = False
    patch, count = ndimage.label(free.reshape(rows, columns))
    labels = _labelled(patch.ravel(), count, lambda cells: _middles(frame, cells % columns, cells // columns, size=BLOCK), lists)
    shared, of = np.unique(labels[labels < -1], return_inverse=True)
    labels[labels < -1] = -2 - len(split) - of
    return labels, shared


def _fine(frame: Floats, split: Ints, edged: Ints, lists: _Lists) -> Labels:
    free = np.ones(len(split) * BLOCK * BLOCK, dtype=bool)
    free[edged] = False
    within = np.zeros((3, 3, 3), dtype=bool)
    within[1] = ndimage.generate_binary_structure(2, 1)
    patch, count = ndimage.label(free.reshape(-1, BLOCK, BLOCK), structure=within)
    patch = patch.ravel()
    return _labelled(patch, count, lambda cells: _middles(frame, *_place_of(split, cells, int(frame[6]))), lists)


def _labelled(patch: NDArray[np.int32], count: int, middles: Any, lists: _Lists) -> Labels:
    """The label (n,) of every cell by that of its patch, 1 to ``count``, asked at one of the patch's cells."""
    cells = np.flatnonzero(patch)
    one_of = np.zeros(count + 1, dtype=np.int64)
    one_of[patch[cells]] = cells
    labels = np.full(count + 1, -1, dtype=np.int32)
    labels[1:] = lists.add_free(middles(one_of[1:]))
    return labels[patch]


class _Lists:
    """The lists of cells as they grow: ``parts`` one after another are the array ``edges`` of the index."""

    def __init__(self, tree: shapely.STRtree) -> None:
        self.parts: list[Floats] = []
        self._length = 0
        self._tree = tree

    def _holders(self, places: Floats) -> tuple[Ints, Ints]:
        """The polygons that hold each place: place (m,) and polygon (m,), in order."""
        at, polygon = self._tree.query(shapely.points(places), predicate="intersects")
        order = np.lexsort((polygon, at))
        return at[order], polygon[order]

    def add_free(self, places: Floats) -> Labels:
        """The label (n,) of patches without edges by a place in each: a polygon, none, or a list where several overlap."""
        at, polygon = self._holders(places)
        labels = np.full(len(places), -1, dtype=np.int32)
        holders = np.bincount(at, minlength=len(places))
        alone = holders[at] == 1
        labels[at[alone]] = polygon[alone]
        several = np.flatnonzero(holders > 1)
        if len(several):
            cell = np.searchsorted(several, at[~alone])
            none = np.empty(0, dtype=np.int64)
            edges = none, none, np.empty((0, 4))
            labels[several] = self._add(places[several], (cell, polygon[~alone]), edges, np.zeros(len(several), dtype=bool))
        return labels

    def add_edged(self, places: Floats, cell: Ints, corners: Floats, owner: Ints) -> Labels:
        """The label (n,) of cells with edges, by their references ``places`` (n, 2).

        ``cell`` (m,) is touched by an edge with ``corners`` (m, 4), from start to end, of the polygon ``owner`` (m,).
        """
        at, a, b = places[cell], corners[:, :2], corners[:, 2:]
        one, other = (b[:, 0] - a[:, 0]) * (at[:, 1] - a[:, 1]), (b[:, 1] - a[:, 1]) * (at[:, 0] - a[:, 0])
        side = one - other
        unsure = np.zeros(len(places), dtype=bool)
        unsure[cell[np.abs(side) <= FILTER * (np.abs(one) + np.abs(other)) + TINY]] = True
        turned = np.where((side > 0)[:, None], corners, np.hstack([b, a]))
        return self._add(places, self._holders(places), (cell, owner, turned), unsure)

    def _add(self, places: Floats, holders: tuple[Ints, Ints], edges: tuple[Ints, Ints, Floats], unsure: NDArray[np.bool_]) -> Labels:
        """Append one list a cell, of the polygons that hold its reference (``holders``) and of those with ``edges`` in it."""
        (held_cell, held), (cell, owner, corners) = holders, edges
        many = len(self._tree.geometries)
        edge_key, held_key = cell * many + owner, held_cell * many + held
        keys = np.sort(np.concatenate([edge_key, held_key]))
        keys = keys[np.append(True, keys[1:] != keys[:-1])]
        holds = np.zeros(len(keys))
        holds[np.searchsorted(keys, held_key)] = 1
        of_cell = keys // many
        entry_of = np.searchsorted(keys, edge_key)
        edges_of = np.bincount(entry_of, minlength=len(keys))
        sizes = 3 + np.bincount(of_cell, weights=3 + 4 * edges_of, minlength=len(places)).astype(np.int64)
        begin = np.cumsum(sizes) - sizes
        made = np.empty(int(sizes.sum()))
        made[begin], made[begin + 1] = places[:, 0], places[:, 1]
        polygons = np.bincount(of_cell, minlength=len(places))
        made[begin + 2] = np.where(unsure, -1, polygons)
        # Where a polygon's entry begins: after those before it, and after the heads of all lists up to its own.
        length = 3 + 4 * edges_of
        entry = np.cumsum(length) - length + 3 * (of_cell + 1)
        made[entry], made[entry + 1], made[entry + 2] = keys % many, holds, edges_of
        order = np.argsort(entry_of, kind="stable")
        polygon = entry_of[order]
        within = np.arange(len(order)) - (np.cumsum(edges_of) - edges_of)[polygon]
        target = entry[polygon] + 3 + 4 * within
        for corner in range(4):
            made[target + corner] = corners[order, corner]
        labels = -2 - self._length - begin
        self.parts.append(made)
        self._length += len(made)
        if self._length > np.iinfo(np.int32).max - 2:
            raise MemoryError
        return labels.astype(np.int32)
