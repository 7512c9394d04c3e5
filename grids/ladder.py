"""The ladder of areas (层级): who is above whom, and each area as the union of the blocks below it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely

from grids.arrangement import Positions
from grids.edition import Areas, SourceAreas, Texts
from grids.errors import AreaInNone, AreaWithoutChildren
from grids.measure import Geometries, Plane, areas_m2, with_short_edges
from grids.unit_codes import Codes


@dataclass(frozen=True)
class Tree:
    """All areas (n,), the city first, each level by code; ``parent`` is the position of the area above, -1 for the city.

    ``lowest_first`` is the position of the first lowest area: the lowest areas are the last ones, in source order.
    """

    rank: Positions
    codes: Codes
    names: Texts
    parent: Positions
    lowest_first: int


def climb(levels: tuple[SourceAreas, ...]) -> Tree:
    """The tree of all areas. A parent that is not named is found by place: the area that holds a point of this one.

    Raises ``NotAPartition`` when a named parent does not exist or none holds the area.
    """
    first = 0
    parents = [np.full(len(levels[0].codes), -1, dtype=np.int64)]
    for above, level in pairwise(levels):
        parents.append(_parents(level, above) + first)
        first += len(above.codes)
    return Tree(
        rank=np.repeat([level.level.rank for level in levels], [len(level.codes) for level in levels]),
        codes=np.concatenate([level.codes for level in levels]),
        names=np.concatenate([level.names for level in levels]),
        parent=np.concatenate(parents),
        lowest_first=first,
    )


def _parents(level: SourceAreas, above: SourceAreas) -> Positions:
    position = {code: at for at, code in enumerate(above.codes)}
    named = [position.get(code, -1) if code is not None else -1 for code in level.parents]
    parent = np.array(named, dtype=np.int64)
    unnamed = np.flatnonzero([code is None for code in level.parents])
    if len(unnamed) and len(above.codes) == 1:
        parent[unnamed] = 0
    elif len(unnamed) and level.polygons is not None and above.polygons is not None:
        points = shapely.point_on_surface(level.polygons[unnamed])
        at, holder = shapely.STRtree(above.polygons).query(points, predicate="intersects")
        for child, into in sorted(zip(unnamed[at].tolist(), holder.tolist(), strict=True), reverse=True):
            parent[child] = into
    lost = np.flatnonzero(parent < 0)
    if len(lost):
        raise AreaInNone(str(level.codes[lost[0]]), level.level.key, above.level.key)
    return parent


def united_areas(tree: Tree, levels: tuple[SourceAreas, ...], lowest: Geometries, plane: Plane) -> Areas:
    """Every area as the union of those below it, down to ``lowest``, the unions of blocks: all share their vertices."""
    polygons = np.empty(len(tree.codes), dtype=object)
    polygons[tree.lowest_first :] = lowest
    position = tree.lowest_first
    for level in reversed(levels[:-1]):
        position -= len(level.codes)
        children = np.flatnonzero((tree.parent >= position) & (tree.parent < position + len(level.codes)))
        _unite_into(polygons, tree.parent[children], polygons[children])
    missing = np.flatnonzero([polygon is None for polygon in polygons])
    if len(missing):
        raise AreaWithoutChildren(str(tree.codes[missing[0]]))
    sources = [level.polygons if level.polygons is not None else np.full(len(level.codes), None, dtype=object) for level in levels]
    return Areas(
        tree.rank,
        tree.codes,
        tree.names,
        tree.parent,
        polygons,
        areas_m2(polygons),
        _difference_m2(np.concatenate(sources), polygons, plane),
    )


def _unite_into(polygons: Geometries, group: Positions, parts: Geometries) -> None:
    order = np.argsort(group, kind="stable")
    numbers, starts = np.unique(group[order], return_index=True)
    for number, members in zip(numbers.tolist(), np.split(parts[order], starts[1:]), strict=True):
        polygons[number] = members[0] if len(members) == 1 else shapely.coverage_union_all(members)


def _difference_m2(sources: Geometries, polygons: Geometries, plane: Plane) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    difference = np.full(len(polygons), np.nan)
    known = ~shapely.is_missing(sources)
    apart = shapely.symmetric_difference(
        plane.to_metres(with_short_edges(shapely.make_valid(sources[known]))), plane.to_metres(polygons[known])
    )
    difference[known] = areas_m2(plane.to_lonlat(apart)) if known.any() else 0.0
    return difference
