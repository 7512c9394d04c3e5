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
from grids.measure import Floats, Geometries

LEFT, RIGHT = 0, 1
_NEAR_M = 3 * GRID_M

SHORTEST_M = 10.0
"""A border alone does not make a segment shorter than this."""


@dataclass(frozen=True)
class Faces:
    """Which block each part of a segment's side faces; sorted by segment, side and distance.

    ``side`` is 0 for left and 1 for right in the direction of digitising; ``from_m`` and ``to_m`` count along the
    segment in the plane; ``block`` is -1 outside the city.
    """

    segment: Positions
    side: Positions
    block: Positions
    from_m: Floats
    to_m: Floats


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
    edges, street, left, right = _street_edges(streets, blocks)
    if len(edges) == 0:
        nothing = np.empty(0, dtype=np.int64)
        return Segments(
            np.empty(0, dtype=object), nothing, Faces(nothing, nothing, nothing, np.empty(0), np.empty(0)), np.empty(0, dtype=np.bool_)
        )
    group = _chains(edges, kinds[street], _areas_beside(left, right, blocks))
    order = np.argsort(group, kind="stable")
    lines = np.asarray(shapely.line_merge(shapely.multilinestrings(edges[order], indices=group[order])))
    lead = _lead_edges(street, group)
    lines = _directed(lines, edges[lead], streets[street[lead]])
    return Segments(lines, street[lead], _faces(lines, blocks), _orphans(lines))


def _street_edges(streets: Geometries, blocks: Blocks) -> tuple[Geometries, Positions, Positions, Positions]:
    """The arrangement's edges that run along a street inside the city: edge, street, block on the left and on the right."""
    edges = blocks.arrangement.edges
    if len(edges) == 0 or len(streets) == 0:
        nothing = np.empty(0, dtype=np.int64)
        return np.empty(0, dtype=object), nothing, nothing, nothing
    street = _street_along(edges, streets)
    edges, street = edges[street >= 0], street[street >= 0]
    left, right = _blocks_beside(edges, blocks)
    inside = (left >= 0) | (right >= 0)
    return edges[inside], street[inside], left[inside], right[inside]


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


def _blocks_beside(edges: Geometries, blocks: Blocks) -> tuple[Positions, Positions]:
    """The block on each side of edges (m,), -1 outside the city; an edge inside a face has that face on both sides."""
    edge, left, right, _ = blocks.arrangement.left_and_right(edges)
    first = np.searchsorted(edge, np.arange(len(edges)))
    left, right = left[first], right[first]
    inner = np.flatnonzero((left < 0) & (right < 0))
    if len(inner):
        middles = shapely.line_interpolate_point(edges[inner], 0.5, normalized=True)
        at, face = shapely.STRtree(blocks.arrangement.faces).query(middles, predicate="within")
        left[inner[at]] = right[inner[at]] = face
    return _block_of(left, blocks), _block_of(right, blocks)


def _block_of(faces: Positions, blocks: Blocks) -> Positions:
    return np.where(faces >= 0, blocks.block_of_face[faces], -1) if len(blocks.block_of_face) else faces


def _areas_beside(left: Positions, right: Positions, blocks: Blocks) -> Positions:
    """A number for each edge, equal where the (unordered) lowest areas beside it are equal."""
    areas = np.stack([np.where(side >= 0, blocks.areas[side], -1) for side in (left, right)], axis=1)
    numbers: Positions = np.unique(np.sort(areas, axis=1), axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return numbers


def _nodes(lines: Geometries) -> tuple[Positions, Positions]:
    """The node numbers of each line's first and last vertex."""
    ends = np.concatenate([shapely.get_coordinates(shapely.get_point(lines, 0)), shapely.get_coordinates(shapely.get_point(lines, -1))])
    at = np.unique(ends, axis=0, return_inverse=True)[1].reshape(-1)
    return at[: len(lines)], at[len(lines) :]


def _chains(edges: Geometries, kinds: Positions, areas: Positions) -> Positions:
    """The chain (0, 1, …) of each edge: edges of one kind and area that follow each other where nothing else meets.

    A chain shorter than ``SHORTEST_M`` that only a border sets apart joins the longer chain next to it: where a street runs
    along a border, the two lines cross every few centimetres.
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
    line, *sides, length_m = blocks.arrangement.left_and_right(lines)
    inner = _inner_faces(lines, blocks)
    runs = []
    ends_m = np.cumsum(length_m)
    starts_m = ends_m - length_m
    offset_m = starts_m[np.searchsorted(line, line)]
    for side, faces in zip((LEFT, RIGHT), sides, strict=True):
        nowhere = (sides[0] < 0) & (sides[1] < 0)
        block = _block_of(np.where(nowhere, inner[line], faces), blocks)
        first = np.flatnonzero(np.r_[True, (np.diff(line) != 0) | (np.diff(block) != 0)])
        last = np.r_[first[1:] - 1, len(line) - 1]
        runs.append(
            (line[first], np.full(len(first), side, dtype=np.int64), block[first], (starts_m - offset_m)[first], (ends_m - offset_m)[last])
        )
    columns = [np.concatenate(column) for column in zip(*runs, strict=True)]
    order = np.lexsort((columns[3], columns[1], columns[0]))
    return Faces(*(column[order] for column in columns))


def _inner_faces(lines: Geometries, blocks: Blocks) -> Positions:
    """The face that holds each line's middle when the line runs inside one, else -1."""
    face_of_line = np.full(len(lines), -1, dtype=np.int64)
    middles = shapely.line_interpolate_point(lines, 0.5, normalized=True)
    at, face = shapely.STRtree(blocks.arrangement.faces).query(middles, predicate="within")
    face_of_line[at] = face
    return face_of_line


def _orphans(lines: Geometries) -> NDArray[np.bool_]:
    """Which lines touch no other line at either end."""
    start, end = _nodes(lines)
    ends_at = np.bincount(np.concatenate([start, end]))
    own = np.where(start == end, 2, 1)
    alone: NDArray[np.bool_] = (ends_at[start] == own) & (ends_at[end] == own)
    return alone
