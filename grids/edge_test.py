"""Whose a point is, among the edges of one cell of a raster: exact where it answers, and it says where it is in doubt.

A cell lists every polygon that has an edge in it or covers it, in ascending order. Of each polygon it keeps the edges
that touch the cell, and whether the polygon holds one fixed place of the cell, its reference. On the straight way from a
point to the reference, which never leaves the cell, every edge that is crossed changes inside to outside or back: an odd
number of crossings means that the point's answer is the opposite of the reference's. Nothing is assumed of polygons
beside one another, so holes, parts, islands, gaps and overlaps need no rule of their own.

Each decision is the sign of a determinant of coordinates. In floating point its error is at most ``FILTER`` times the
sum of its two products (Shewchuk 1997, Adaptive Precision Floating-Point Arithmetic, the bound A of orient2d), so a value
beyond that has the true sign. What is closer is an exact hit that plain comparisons prove (a vertex, a place on an edge
along an axis), or it is left to GEOS: ``DOUBT``.

The functions are plain Python, for one point; ``compiled`` is the same source through numba, for arrays. numba takes
about a second to import, so nothing here imports it before an array comes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from grids.measure import Floats

OUTSIDE = -1
"""No polygon holds the point. Any other answer is twice the polygon's position, and one more on a border."""
DOUBT = -2
"""The point is so close to an edge, or to a vertex seen from the reference, that rounding may hide its side."""

FILTER = 4e-16
# Products of differences below 1e-154 underflow; nothing this small is certain.
TINY = 1e-290

BLOCK = 8
"""A coarse cell that edges touch is split into BLOCK x BLOCK fine cells."""
_BITS = 3
_MASK = BLOCK - 1
_BATCH = 1024

_Pair = tuple[Any, Any]


def in_cell(cell: Sequence[float] | Floats, at: int, x: float, y: float, disjoint: bool) -> int:
    """The lowest polygon that holds or touches (x, y), from the list of a cell that begins at position ``at`` of ``cell``.

    The list: x and y of the reference, the number of polygons (-1: always in doubt), then for each polygon its position, 1 if it
    holds the reference else 0, its number of edges, and four coordinates an edge, the reference strictly to its left.
    With ``disjoint`` no two polygons overlap, and the first that holds the point is the only one. Answers ``OUTSIDE``,
    ``DOUBT``, or twice the position, one more when the point is on its border or in a second polygon too.
    """
    way = cell[at] - x, cell[at + 1] - y
    polygons = int(cell[at + 2])
    if polygons < 0:
        return DOUBT
    at += 3
    answer = OUTSIDE
    for _ in range(polygons):
        held = _held(cell, at, (x, y), way)
        if held == DOUBT:
            return DOUBT
        if held > 0:
            if answer != OUTSIDE:
                return answer | 1
            answer = 2 * int(cell[at]) + held - 1
            if held == 2 or disjoint:
                return answer
        at += 3 + 4 * int(cell[at + 2])
    return answer


def _held(cell: Sequence[float] | Floats, at: int, point: tuple[float, float], way: tuple[float, float]) -> int:
    """Whether the polygon whose entry is at ``at`` holds the point: 0 no, 1 yes, 2 on its border, DOUBT."""
    held = int(cell[at + 1])
    end = at + 3 + 4 * int(cell[at + 2])
    at += 3
    while at < end:
        crossing = _crossing(cell, at, point, way)
        if crossing == 1:
            held = 1 - held
        elif crossing == 2:
            return 2 if _on_edge(cell, at, point) else DOUBT
        at += 4
    return held


def _crossing(cell: Sequence[float] | Floats, at: int, point: tuple[float, float], way: tuple[float, float]) -> int:
    """Whether the way from the point to the reference crosses the edge at ``at``: 0 no, 1 yes, 2 not certain."""
    (x, y), (to_x, to_y) = point, way
    a_x, a_y, b_x, b_y = cell[at], cell[at + 1], cell[at + 2], cell[at + 3]
    one, other = (b_x - a_x) * (y - a_y), (b_y - a_y) * (x - a_x)
    side = one - other
    sure = FILTER * (abs(one) + abs(other)) + TINY
    if side > sure:
        return 0
    one, other = to_x * (a_y - y), to_y * (a_x - x)
    start = one - other
    sure_start = FILTER * (abs(one) + abs(other)) + TINY
    one, other = to_x * (b_y - y), to_y * (b_x - x)
    end = one - other
    sure_end = FILTER * (abs(one) + abs(other)) + TINY
    if (start > sure_start and end > sure_end) or (start < -sure_start and end < -sure_end):
        return 0
    if side < -sure and abs(start) > sure_start and abs(end) > sure_end:
        return 1
    return 2


def _on_edge(cell: Sequence[float] | Floats, at: int, point: tuple[float, float]) -> bool:
    """Whether the point is on the edge for certain: one of its ends, or between them on a line along an axis."""
    x, y = point
    a_x, a_y, b_x, b_y = cell[at], cell[at + 1], cell[at + 2], cell[at + 3]
    if (x == a_x and y == a_y) or (x == b_x and y == b_y):
        return True
    if a_x == b_x == x:
        return min(a_y, b_y) <= y <= max(a_y, b_y)
    if a_y == b_y == y:
        return min(a_x, b_x) <= x <= max(a_x, b_x)
    return False


def _find(points: _Pair, tables: tuple[Any, ...], disjoint: bool, found: _Pair) -> int:
    """Write block and how of every point into ``found``, and return how many are in doubt (the block is DOUBT there).

    ``tables`` are frame, coarse, fine and edges of the index. Points go through them in batches, one table after another:
    the reads of a table do not wait for one another then.
    """
    (lons, lats), (block, how), (frame, coarse, fine, edges) = points, found, tables
    batch = min(len(lons), _BATCH)
    listed = np.empty(batch, dtype=np.int64), np.empty(batch, dtype=np.int64)
    some, target = listed
    ahead = np.empty(batch)
    doubts = 0
    for start in range(0, len(lons), _BATCH):
        end = min(start + _BATCH, len(lons))
        split = _from_coarse(points, (start, end), (frame, coarse), found, listed)
        edged = _from_fine(split, fine, found, listed)
        _read_ahead(edges, target, edged, ahead)
        for at in range(edged):
            point = some[at]
            answer = in_cell(edges, target[at], lons[point], lats[point], disjoint)
            block[point] = answer if answer < 0 else answer >> 1
            how[point] = 0 if answer < 0 else 1 + (answer & 1)
            doubts += answer == DOUBT
    return doubts


def _read_ahead(edges: Floats, target: Any, edged: int, ahead: Floats) -> None:
    """Read the first lines of memory of every list, so that they are on their way together before the first is needed."""
    last = len(edges) - 1
    for at in range(edged):
        place = target[at]
        ahead[at] = edges[place] + edges[min(place + 8, last)] + edges[min(place + 16, last)]


def _from_coarse(points: _Pair, span: tuple[int, int], tables: tuple[Any, ...], found: _Pair, listed: _Pair) -> int:
    """Answer the points of a batch that are in coarse cells without edges; list the others and their fine cells."""
    (lons, lats), (frame, coarse), (block, how), (some, target) = points, tables, found, listed
    west, south, east, north, x_scale, y_scale = frame[0], frame[1], frame[2], frame[3], frame[4], frame[5]
    columns, rows = int(frame[6]), int(frame[7])
    wide = columns // BLOCK
    split = 0
    for point in range(span[0], span[1]):
        x, y = lons[point], lats[point]
        label = -1
        place = 0
        if west <= x <= east and south <= y <= north:
            column = min(int((x - west) * x_scale), columns - 1)
            row = min(int((y - south) * y_scale), rows - 1)
            label = coarse[(row >> _BITS) * wide + (column >> _BITS)]
            place = ((row & _MASK) << _BITS) + (column & _MASK)
        block[point] = label
        how[point] = label >= 0
        some[split] = point
        target[split] = ((-label - 2) << (2 * _BITS)) + place
        split += label < -1
    return split


def _from_fine(split: int, fine: Any, found: _Pair, listed: _Pair) -> int:
    """Answer the points of the list that are in fine cells without edges; keep the others with the places of their lists."""
    (block, how), (some, target) = found, listed
    edged = 0
    for at in range(split):
        point = some[at]
        label = fine[target[at]]
        block[point] = label
        how[point] = label >= 0
        some[edged] = point
        target[edged] = -label - 2
        edged += label < -1
    return edged


@cache
def compiled() -> Callable[..., int]:
    """``_find`` as machine code that runs without the interpreter's lock; kept on disk where its folder can be written."""
    from numba import njit
    from numba.extending import register_jitable

    for part in (_on_edge, _crossing, _held, in_cell, _read_ahead, _from_coarse, _from_fine):
        register_jitable(part)
    try:
        find: Callable[..., int] = njit(nogil=True, cache=True)(_find)
    except RuntimeError:  # no folder for it
        find = njit(nogil=True)(_find)
    return find
