"""Which line is nearest to a point, out of many: a grid of their pieces, and GEOS wherever two lines are about as near.

Every straight piece of a line is listed in the cells it touches. The cells around a point are searched ring by ring until
nothing nearer can follow. Distances are reckoned as GEOS reckons them, in the same order, so that they are the same numbers; a
line that is nearer than every other by more than ``_SURE_M`` is the one GEOS finds. Ties and near ties, as at a junction, are
left to GEOS.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from grids.measure import Floats, Geometries
from grids.raster_index import read_only, touched

NONE = -1
DOUBT = -2
LEFT, RIGHT = 1, 2
_SURE_M = 1e-6
_FOOT_M = 0.06
"""A foot so far from both ends of its piece, more than the step ``grids.locate`` looks along the line, leaves no doubt of the side."""
_FEW = 256
_CELL_M = 50.0
_MOST_CELLS = 4_000_000


@dataclass(frozen=True)
class LineGrid:
    """Pieces of lines by cell, in a plane in metres.

    ``frame`` holds west, south, cell width, columns, rows, and how far is near. ``begins`` (cells + 1,) says where the list
    of a cell begins in ``pieces`` (4 n,: start and end of each) and ``lines`` (n,), the positions of their lines.
    """

    frame: Floats
    begins: NDArray[np.int64]
    pieces: Floats
    lines: NDArray[np.int32]

    def __reduce__(self) -> Any:
        # What is made on demand stays behind; made anew, the arrays are read-only again.
        return from_tables, (self.tables,)

    def nearest(self, xs: Floats, ys: Floats) -> tuple[NDArray[np.int64], NDArray[np.int8], Floats]:
        """The nearest line (n,) of each point, NONE beyond the limit, DOUBT where GEOS is to say; the side; the distance in metres.

        The side is LEFT, RIGHT, or 0, not certain; the distance has no meaning without a line. Points must be finite.
        """
        line, side, away = np.empty(len(xs), dtype=np.int64), np.empty(len(xs), dtype=np.int8), np.empty(len(xs))
        if len(xs) <= _FEW:
            for at, (x, y) in enumerate(zip(xs.tolist(), ys.tolist(), strict=True)):
                line[at], side[at], away[at] = _search_one(x, y, self._views)
        else:
            compiled(_search)((np.ascontiguousarray(xs), np.ascontiguousarray(ys)), self.tables, (line, side, away))
        return line, side, away

    def nearest_one(self, x: float, y: float) -> tuple[int, int, float]:
        """What ``nearest`` says of one point, in microseconds once the look-up is compiled."""
        found: tuple[int, int, float] = compiled(_search_one)(x, y, self.tables)
        return found

    @cached_property
    def _views(self) -> tuple[Any, ...]:
        # A memory view gives Python's own numbers, several times as fast as an array of numpy does.
        return tuple(table.data for table in self.tables)

    @cached_property
    def tables(self) -> tuple[Floats, NDArray[np.int64], Floats, NDArray[np.int32]]:
        """All that the search reads."""
        return self.frame, self.begins, self.pieces, self.lines


def build(lines: Geometries, *, within_m: float) -> LineGrid:
    """The grid of lines in metres; a line further away than ``within_m`` is not near."""
    at, of = shapely.get_coordinates(lines, return_index=True)
    same = of[1:] == of[:-1]
    starts, ends, owners = at[:-1][same], at[1:][same], of[:-1][same]
    if len(owners) == 0:
        return from_tables((np.zeros(6), np.zeros(1, dtype=np.int64), np.empty(0), np.empty(0, dtype=np.int32)))
    low, high = at.min(axis=0) - within_m - 1, at.max(axis=0) + within_m + 1
    width = max(_CELL_M, float(np.sqrt((high - low).prod() / _MOST_CELLS)))
    columns, rows = np.floor((high - low) / width) + 1
    cell, piece = touched(starts, ends, np.array([*low, *high, 1 / width, 1 / width, columns, rows]))
    order = np.argsort(cell, kind="stable")
    begins = np.append(0, np.cumsum(np.bincount(cell, minlength=int(columns * rows))))
    pieces = np.hstack([starts, ends])[piece[order]].ravel()
    return from_tables((np.array([*low, width, columns, rows, within_m]), begins, pieces, owners[piece[order]].astype(np.int32)))


def from_tables(tables: Iterable[NDArray[Any]]) -> LineGrid:
    """The grid of its own parts: ``tables`` as ``LineGrid.tables`` gives them. They are only read, and may lie in a mapped file."""
    return LineGrid(*map(read_only, tables))


def _search(points: tuple[Any, Any], tables: tuple[Any, ...], found: tuple[Any, Any, Any]) -> None:
    """Write line, side and distance of every point into ``found``."""
    (xs, ys), (line, side, away) = points, found
    for at in range(len(xs)):
        line[at], side[at], away[at] = _search_one(xs[at], ys[at], tables)


def _search_one(x: float, y: float, tables: tuple[Any, ...]) -> tuple[int, int, float]:
    """Line, side and distance of one point."""
    frame = tables[0]
    west, south, width, within = frame[0], frame[1], frame[2], frame[5]
    columns, rows = int(frame[3]), int(frame[4])
    if columns == 0 or not (west <= x <= west + width * columns and south <= y <= south + width * rows):
        return NONE, 0, np.inf
    column, row = int((x - west) / width), int((y - south) / width)
    across, up = x - west - column * width, y - south - row * width
    inset = min(across, width - across, up, width - up)
    # Nearest line so far, how near it is, its side, how near the next other line is.
    state = (NONE, np.inf, 0, np.inf)
    ring = 0
    # What the rings searched so far leave out is at least this far away.
    while ring == 0 or (ring - 1) * width + inset <= min(state[3], within) + _SURE_M:
        for r in range(max(row - ring, 0), min(row + ring, rows - 1) + 1):
            step = 1 if ring == 0 or abs(r - row) == ring else 2 * ring
            for c in range(column - ring, column + ring + 1, step):
                if 0 <= c < columns:
                    state = _in_cell(r * columns + c, (x, y), tables, state)
        ring += 1
    chosen, best, side, second = state
    if best > within + _SURE_M:
        return NONE, 0, best
    if second <= best + _SURE_M or best >= within - _SURE_M:
        return DOUBT, 0, best
    return chosen, side, best


def _in_cell(
    cell: int, point: tuple[float, float], tables: tuple[Any, ...], state: tuple[int, float, int, float]
) -> tuple[int, float, int, float]:
    """The state of the search after one cell more."""
    _, begins, pieces, lines = tables
    chosen, best, side, second = state
    for at in range(begins[cell], begins[cell + 1]):
        away, its_side = _measured(pieces, 4 * at, point)
        line = int(lines[at])
        if line != chosen:
            if away < best:
                chosen, best, side, second = line, away, its_side, best
            else:
                second = min(second, away)
        elif abs(away - best) <= _SURE_M:
            best = min(best, away)
            side = side if its_side == side else 0
        elif away < best:
            best, side = away, its_side
    return chosen, best, side, second


def _measured(pieces: Floats, at: int, point: tuple[float, float]) -> tuple[float, int]:
    """How far the point is from a piece, and its side when its foot is well within the piece and the point is off it.

    Reckoned as GEOS does (algorithm/Distance.cpp, pointToSegment), operation by operation.
    """
    x, y = point[0] - pieces[at], point[1] - pieces[at + 1]
    run, rise = pieces[at + 2] - pieces[at], pieces[at + 3] - pieces[at + 1]
    square = run * run + rise * rise
    along = (x * run + y * rise) / square if square > 0.0 else 0.0
    if along <= 0.0:
        return math.sqrt(x * x + y * y), 0
    if along >= 1.0:
        x, y = point[0] - pieces[at + 2], point[1] - pieces[at + 3]
        return math.sqrt(x * x + y * y), 0
    length = math.sqrt(square)
    aside = (-y * run - -x * rise) / square
    away = abs(aside) * length
    if along * length < _FOOT_M or (1.0 - along) * length < _FOOT_M or away < _SURE_M:
        return away, 0
    return away, LEFT if aside < 0 else RIGHT


@cache
def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """``_search`` or ``_search_one`` as machine code, kept on disk where its folder can be written."""
    from numba import njit
    from numba.extending import register_jitable

    for part in (_measured, _in_cell, _search_one):
        register_jitable(part)
    try:
        made: Callable[..., Any] = njit(nogil=True, cache=True)(function)
    except RuntimeError:  # no folder for it
        made = njit(nogil=True)(function)
    return made
