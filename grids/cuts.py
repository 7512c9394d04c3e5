"""Lines that cut a block which is too large, each across the long side of what it cuts. Metres throughout."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import shapely

from grids.arrangement import GRID_M, Steps
from grids.measure import Floats, Geometries

_SLACK = 0.001
"""A part that the grid leaves a thousandth above the limit is not cut again."""

_OVER_M = 2 * GRID_M
"""A cut reaches this far over the border at both ends: noding may move the border by a grid step, and the cut must meet it."""


def cut_lines(polygons: Geometries, largest_m2: Floats) -> Geometries:
    """Lines (c,) that divide those polygons (n,) which are larger than ``largest_m2`` (n,) allows; none for none."""
    large = np.flatnonzero(shapely.area(polygons) > largest_m2)
    cuts = [cut for at in large for cut in _halving_cuts(polygons[at], float(largest_m2[at]))]
    made = np.empty(len(cuts), dtype=object)
    made[:] = cuts
    return made


def _halving_cuts(face: shapely.Polygon, largest_m2: float) -> Iterator[shapely.LineString]:
    """Cut a face in two near equal parts by whole multiples of the size, and the parts again until none is too large."""
    pieces = int(np.ceil(face.area / largest_m2 - _SLACK))
    if pieces < 2:
        return
    low, high, across = _cut_position(face, (pieces // 2) / pieces)
    yield from (_reaching_over(part) for part in shapely.get_parts(across) if part.length > GRID_M)
    for half in (low, high):
        for part in shapely.get_parts(half):
            if isinstance(part, shapely.Polygon):
                yield from _halving_cuts(part, largest_m2)


def _reaching_over(line: shapely.LineString) -> shapely.LineString:
    start, end = shapely.get_coordinates(line)[[0, -1]]
    over = (end - start) * (_OVER_M / line.length)
    return shapely.LineString([start - over, end + over])


def _cut_position(face: shapely.Polygon, share: float) -> tuple[shapely.Geometry, shapely.Geometry, shapely.Geometry]:
    """The two sides of the line across the face's long axis that leaves ``share`` of its area behind it, and the line's part inside."""
    from scipy.optimize import brentq  # half a second to import, and only who draws needs it

    corners = shapely.get_coordinates(shapely.oriented_envelope(face))[:4]
    sides_m = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    long_side = int(np.argmax(sides_m[:2]))
    length_m, width_m = float(sides_m[long_side]), float(sides_m[1 - long_side])
    origin = corners[long_side]
    along = (corners[long_side + 1] - origin) / length_m
    across = (corners[(long_side + 3) % 4] - origin) / width_m
    steps = Steps.of(shapely.get_rings(shapely.orient_polygons(face)))
    from_m, to_m = (steps.starts - origin) @ along, (steps.ends - origin) @ along
    # To the left of the long axis, whichever way the envelope's corners run.
    rise_m = (steps.ends - steps.starts) @ np.array([-along[1], along[0]])

    def missing_m2(at_m: float) -> float:
        return float(rise_m @ _mean_of_lesser(from_m, to_m, at_m)) - share * face.area

    at_m = float(brentq(missing_m2, -1.0, length_m + 1.0, xtol=GRID_M / 10))
    south, north = origin - width_m * across, origin + 2 * width_m * across
    back, at = -length_m * along, at_m * along
    behind = shapely.Polygon([south + back, south + at, north + at, north + back])
    line = shapely.linestrings([south + at, north + at])
    return shapely.intersection(face, behind), shapely.difference(face, behind), shapely.intersection(face, line)


def _mean_of_lesser(from_m: Floats, to_m: Floats, at_m: float) -> Floats:
    """The mean over each step (k,) of the lesser of its position and ``at_m``.

    Times the step's rise and summed over the rings it is the area behind ``at_m`` (Green's theorem): no polygon is made.
    """
    low, high = np.minimum(from_m, to_m), np.maximum(from_m, to_m)
    before = np.clip(at_m - low, 0.0, high - low)
    share = np.divide(before, high - low, out=np.ones_like(before), where=high > low)
    lesser: Floats = share * (low + before / 2) + (1 - share) * at_m
    return np.where(low >= at_m, at_m, lesser)
