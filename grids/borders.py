"""Borders between the faces of an arrangement, which holder has a face, and faces united to polygons. Metres throughout."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from grids.arrangement import GRID_M, Arrangement, Positions, Steps
from grids.measure import Floats, Geometries


@dataclass(frozen=True)
class Borders:
    """Pairs of faces with a common border: how long it is, and how much of it is open (no barrier)."""

    first: Positions
    second: Positions
    length_m: Floats
    open_m: Floats

    @classmethod
    def of(cls, arrangement: Arrangement, barriers: Geometries) -> Borders:
        edge, left, right, length_m = arrangement.left_and_right(arrangement.edges)
        common = (left >= 0) & (right >= 0) & (left != right)
        is_open = ~along(arrangement.edges, barriers)[edge[common]]
        first, second = np.minimum(left, right)[common], np.maximum(left, right)[common]
        pairs, at = np.unique(np.stack([first, second], axis=1), axis=0, return_inverse=True)
        at = at.reshape(-1)
        total = np.bincount(at, weights=length_m[common], minlength=len(pairs)).astype(np.float64)
        total_open = np.bincount(at, weights=length_m[common] * is_open, minlength=len(pairs)).astype(np.float64)
        return cls(pairs[:, 0].copy(), pairs[:, 1].copy(), total, total_open)

    def among(self, faces: Positions) -> Borders:
        """The borders between the given faces, which are renumbered by their place in ``faces``."""
        number = np.full(int(max(faces.max(initial=-1), self.second.max(initial=-1))) + 1, -1, dtype=np.int64)
        number[faces] = np.arange(len(faces))
        first, second = number[self.first], number[self.second]
        kept = (first >= 0) & (second >= 0)
        return Borders(first[kept], second[kept], self.length_m[kept], self.open_m[kept])

    @cached_property
    def by_face(self) -> dict[int, dict[int, float]]:
        """For each face the faces it borders, and how long the border is."""
        index: dict[int, dict[int, float]] = defaultdict(dict)
        for a, b, length_m in zip(self.first.tolist(), self.second.tolist(), self.length_m.tolist(), strict=True):
            index[a][b] = index[b][a] = length_m
        return index


def along(edges: Geometries, lines: Geometries) -> NDArray[np.bool_]:
    """Which edges run along one of the lines, by their midpoints, within what noding may have moved them."""
    on = np.zeros(len(edges), dtype=np.bool_)
    steps = Steps.of(lines).as_lines()
    if len(steps) and len(edges):
        midpoints = shapely.line_interpolate_point(edges, 0.5, normalized=True)
        on[shapely.STRtree(steps).query(midpoints, predicate="dwithin", distance=3 * GRID_M)[0]] = True
    return on


def first_holding(holders: Geometries, polygons: Geometries) -> Positions:
    """For each polygon the first of the holders that has a point from its inside, -1 for none."""
    holder = np.full(len(polygons), -1, dtype=np.int64)
    if len(polygons):
        at, found = shapely.STRtree(holders).query(shapely.point_on_surface(polygons), predicate="intersects")
        order = np.lexsort((found, at))
        held, first = np.unique(at[order], return_index=True)
        holder[held] = found[order][first]
    return holder


def unite(faces: Geometries, group: Positions) -> Geometries:
    """One polygon for each group of edge-connected faces, in the order of the group numbers."""
    count = int(group.max(initial=-1)) + 1
    polygons = np.empty(count, dtype=object)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(count + 1))
    for number in range(count):
        members = faces[order[starts[number] : starts[number + 1]]]
        polygons[number] = members[0] if len(members) == 1 else shapely.coverage_union_all(members)
    return polygons
