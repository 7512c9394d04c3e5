"""Segments: the lengths of street between junctions, each with a left and a right side and the blocks these face.

A segment is what a patrol walks. It ends where three or more streets meet, where the street's name or class changes, and
where it passes from one lowest area into another, so that each lies in one area or runs along the border of two.
Geometry is in metres, on the vertices of the blocks' own arrangement.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from grids.arrangement import GRID_M, Positions
from grids.blocks import Blocks
from grids.edition import LEFT, RIGHT, Faces
from grids.measure import Floats, Geometries

_NEAR_M = 1.5 * GRID_M
"""Noding moves a line by at most the diagonal of the grid; what is further from a street does not run along it."""

BESIDE_M = 1.0
"""How far to the side of a street one looks to see which area lies there."""

SHORTEST_M = 10.0
"""A border alone does not make a segment shorter than this."""


@dataclass(frozen=True)
class Segments:
    """Segments (s,): their lines, the street each is part of, the faces of their sides, and which touch no other."""

    lines: Geometries
    street: Positions
    faces: Faces
    orphans: NDArray[np.bool_]


def draw_segments(streets: Geometries, kinds: Positions, blocks: Blocks) -> Segments:
    """The segments of streets (n,) inside the blocks of a city.

    ``kinds`` (n,) says which streets are alike: a segment never runs over two kinds. Lines run in the direction in which
    their first street was digitised. Streets outside the city give nothing.
    """
    edges, street = _street_edges(streets, blocks)
    if len(edges) == 0:
        nothing = np.empty(0, dtype=np.int64)
        return Segments(
            np.empty(0, dtype=object), nothing, Faces(nothing, nothing, nothing, np.empty(0), np.empty(0)), np.empty(0, dtype=np.bool_)
        )
    group = _chains(edges, kinds[street], _areas_beside(edges, blocks))
    order = np.argsort(group, kind="stable")
    lines = np.asarray(shapely.line_merge(shapely.multilinestrings(edges[order], indices=group[order])))
    lead = _lead_edges(street, group)
    lines = _directed(lines, edges[lead], streets[street[lead]])
    return Segments(lines, street[lead], _faces(lines, blocks), _orphans(lines))


def _street_edges(streets: Geometries, blocks: Blocks) -> tuple[Geometries, Positions]:
    """The arrangement's edges that run along a street inside the city or along its rim, and the street of each."""
    edges = blocks.arrangement.edges
    if len(edges) == 0 or len(streets) == 0:
        return np.empty(0, dtype=object), np.empty(0, dtype=np.int64)
    street = _street_along(edges, streets)
    edges, street = edges[street >= 0], street[street >= 0]
    edge, left, right = _blocks_along(edges, blocks)
    inside = np.zeros(len(edges), dtype=np.bool_)
    inside[edge[(left >= 0) | (right >= 0)]] = True
    return edges[inside], street[inside]


def _street_along(edges: Geometries, streets: Geometries) -> Positions:
    """The first street along which each edge runs, -1 for none: start, middle and end must lie on it but for rounding."""
    street = np.full(len(edges), len(streets), dtype=np.int64)
    middles = shapely.line_interpolate_point(edges, 0.5, normalized=True)
    edge_at, street_at = shapely.STRtree(streets).query(middles, predicate="dwithin", distance=_NEAR_M)
    for end in (0, -1):
        near = shapely.dwithin(shapely.get_point(edges[edge_at], end), streets[street_at], _NEAR_M)
        edge_at, street_at = edge_at[near], street_at[near]
    np.minimum.at(street, edge_at, street_at)
    return np.where(street == len(streets), -1, street)


def _blocks_along(lines: Geometries, blocks: Blocks) -> tuple[Positions, Positions, Positions]:
    """For each step of lines that run over edges: the line, and the block on the left and on the right, -1 outside the city.

    A step inside a face, which bounds nothing, has the face's block on both sides.
    """
    line, left, right, _ = blocks.arrangement.left_and_right(lines)
    inner = np.flatnonzero((left < 0) & (right < 0))
    if len(inner):
        at, face = shapely.STRtree(blocks.arrangement.faces).query(_step_middles(lines)[inner], predicate="within")
        left[inner[at]] = right[inner[at]] = face
    outside = np.append(blocks.block_of_face, -1)
    return line, outside[left], outside[right]


def _step_middles(lines: Geometries) -> Geometries:
    coordinates, owner = shapely.get_coordinates(lines, return_index=True)
    within = owner[1:] == owner[:-1]
    return np.asarray(shapely.points((coordinates[:-1] + coordinates[1:])[within] / 2))


def _areas_beside(edges: Geometries, blocks: Blocks) -> Positions:
    """A number for each edge, equal where the (unordered) lowest areas ``BESIDE_M`` to its left and right are equal.

    Where a street runs along a border the two lines cross every few metres, by centimetres; a few steps to the side it is
    plain which areas the street lies between.
    """
    middles = shapely.get_coordinates(shapely.line_interpolate_point(edges, 0.5, normalized=True))
    along = shapely.get_coordinates(shapely.line_interpolate_point(edges, 0.6, normalized=True)) - middles
    left = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.maximum(np.hypot(*along.T), GRID_M)[:, None]
    tree = shapely.STRtree(blocks.polygons)
    areas = np.full((len(edges), 2), -1, dtype=np.int64)
    for side, shift in enumerate((left, -left)):
        at, block = tree.query(shapely.points(middles + BESIDE_M * shift), predicate="intersects")
        areas[at, side] = blocks.areas[block]
    numbers: Positions = np.unique(np.sort(areas, axis=1), axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return numbers


def _nodes(lines: Geometries) -> tuple[Positions, Positions]:
    """The node numbers of each line's first and last vertex."""
    ends = np.concatenate([shapely.get_coordinates(shapely.get_point(lines, 0)), shapely.get_coordinates(shapely.get_point(lines, -1))])
    at = np.unique(ends, axis=0, return_inverse=True)[1].reshape(-1)
    return at[: len(lines)], at[len(lines) :]


def _chains(edges: Geometries, kinds: Positions, areas: Positions) -> Positions:
    """The chain (0, 1, …) of each edge: edges of one kind and area that follow each other where nothing else meets.

    A chain shorter than ``SHORTEST_M`` that only a border sets apart joins the longer chain next to it.
    """
    start, end = _nodes(edges)
    node, edge = np.concatenate([start, end]), np.tile(np.arange(len(edges)), 2)
    order = np.argsort(node, kind="stable")
    node, edge = node[order], edge[order]
    first = np.flatnonzero(np.bincount(node)[node] == 2)[::2]
    a, b = edge[first], edge[first + 1]
    follow = kinds[a] == kinds[b]
    a, b = a[follow], b[follow]
    alike = areas[a] == areas[b]
    links = coo_array((np.ones(int(alike.sum())), (a[alike], b[alike])), shape=(len(edges), len(edges)))
    chain: Positions = connected_components(links, directed=False)[1].astype(np.int64)
    return _absorb_short(chain, np.bincount(chain, weights=shapely.length(edges)).astype(np.float64), chain[a[~alike]], chain[b[~alike]])


def _absorb_short(chain: Positions, length_m: Floats, first: Positions, second: Positions) -> Positions:
    """Chains with the short ones joined to the longest of those that follow them; ``first`` and ``second`` follow each other."""
    total_m = length_m.tolist()
    following: dict[int, set[int]] = defaultdict(set)
    for a, b in zip(first.tolist(), second.tolist(), strict=True):
        if a != b:
            following[a].add(b)
            following[b].add(a)
    joined: list[tuple[int, int]] = []
    for short in sorted(following, key=lambda at: (length_m[at], at)):
        if total_m[short] >= SHORTEST_M or not following[short]:
            continue
        target = max(following[short], key=lambda at: (total_m[at], -at))
        joined.append((short, target))
        total_m[target] += total_m[short]
        for other in following.pop(short):
            following[other].discard(short)
            if other != target:
                following[other].add(target)
                following[target].add(other)
    shorts, targets = np.array(joined, dtype=np.int64).reshape(-1, 2).T
    links = coo_array((np.ones(len(shorts)), (shorts, targets)), shape=(len(total_m), len(total_m)))
    numbers: Positions = connected_components(links, directed=False)[1].astype(np.int64)[chain]
    return numbers


def _lead_edges(street: Positions, group: Positions) -> Positions:
    """For each group the edge of its lowest street, the first such edge."""
    order = np.lexsort((np.arange(len(street)), street, group))
    lead: Positions = order[np.unique(group[order], return_index=True)[1]]
    return lead


def _directed(lines: Geometries, leads: Geometries, streets: Geometries) -> Geometries:
    """The lines, turned where needed to run as the street runs on which their lead edge lies."""

    def runs_with(edges: Geometries, along: Geometries) -> NDArray[np.bool_]:
        early, late = (
            shapely.line_locate_point(along, shapely.line_interpolate_point(edges, at, normalized=True)) for at in (1 / 3, 2 / 3)
        )
        forward: NDArray[np.bool_] = late > early
        return forward

    against = runs_with(leads, lines) != runs_with(leads, streets)
    return np.where(against, shapely.reverse(lines), lines)


def _faces(lines: Geometries, blocks: Blocks) -> Faces:
    """The blocks along both sides of each line, neighbouring steps with the same block drawn together."""
    line, *sides = _blocks_along(lines, blocks)
    coordinates, owner = shapely.get_coordinates(lines, return_index=True)
    within = owner[1:] == owner[:-1]
    ends_m = np.cumsum(np.hypot(*(coordinates[1:] - coordinates[:-1])[within].T))
    starts_m = np.concatenate([[0.0], ends_m[:-1]])
    before_m = starts_m[np.searchsorted(line, line)]
    runs = []
    for side, block in zip((LEFT, RIGHT), sides, strict=True):
        first = np.flatnonzero(np.r_[True, (np.diff(line) != 0) | (np.diff(block) != 0)])
        last = np.r_[first[1:] - 1, len(line) - 1]
        runs.append((line[first], np.full(len(first), side), block[first], (starts_m - before_m)[first], (ends_m - before_m)[last]))
    columns = [np.concatenate(column) for column in zip(*runs, strict=True)]
    order = np.lexsort((columns[3], columns[1], columns[0]))
    return Faces(*(column[order] for column in columns))


def _orphans(lines: Geometries) -> NDArray[np.bool_]:
    """Which lines touch no other line at either end."""
    start, end = _nodes(lines)
    ends_at = np.bincount(np.concatenate([start, end]))
    own = np.where(start == end, 2, 1)
    alone: NDArray[np.bool_] = (ends_at[start] == own) & (ends_at[end] == own)
    return alone
