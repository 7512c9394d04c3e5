"""Lowest areas as a city gives them, made seamless: noded once, so that neighbours share every vertex and no crevice is left.

Where areas overlap the earlier one has the ground; a hole between areas goes to the neighbour with the longest shared
border. These areas say whose a place is; the lines of a division are still those that were digitised, noded once with the
streets, so that a street along a border stays one line. Geometry is in metres.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from grids.arrangement import Arrangement, Positions, arrange
from grids.borders import Borders, first_holding, unite
from grids.measure import Geometries


@dataclass(frozen=True)
class Seamless:
    """Areas (a,) that partition the city, empty where others have all their ground, and the ground that one area surrounds
    and leaves out on purpose."""

    areas: Geometries
    left_out: Geometries


def seamless(areas: Geometries) -> Seamless:
    """The areas (a,) in metres without overlap and crevice; their vertices lie on the arrangement's grid."""
    arrangement = arrange(shapely.boundary(areas))
    area = _filled(arrangement, first_holding(areas, arrangement.faces))
    held = area >= 0
    polygons = np.full(len(areas), shapely.Polygon(), dtype=object)
    numbers, group = np.unique(area[held], return_inverse=True)
    polygons[numbers] = unite(arrangement.faces[held], group.reshape(-1))
    return Seamless(polygons, left_out(arrangement, area))


def left_out(arrangement: Arrangement, holder: Positions) -> Geometries:
    """The faces that one holder surrounds and leaves out on purpose: no block, and no gap either."""
    holes = [face for hole in _enclosed_holes(arrangement, holder) if hole.bordering == 1 for face in hole.faces]
    return arrangement.faces[np.array(holes, dtype=np.int64)]


def _filled(arrangement: Arrangement, area: Positions) -> Positions:
    holes = [face for hole in _enclosed_holes(arrangement, area) if hole.bordering != 1 for face in hole.faces]
    if not holes:
        return area
    return _fill_holes(area, np.array(holes, dtype=np.int64), Borders.of(arrangement, np.empty(0, dtype=object)))


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


def _fill_holes(area: Positions, holes: Positions, borders: Borders) -> Positions:
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
