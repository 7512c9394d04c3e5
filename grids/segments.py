"""Segments: the lengths of street between junctions, each with a left and a right side and the blocks these face.

A segment is what a patrol walks. It ends where three or more streets meet, where the street's name or class changes, and
where it passes from one lowest area into another, so that each lies in one area or runs along the border of two.
Geometry is in metres, on the vertices of the blocks' own arrangement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from grids.arrangement import GRID_M, Positions, Sides, Steps
from grids.blocks import Blocks
from grids.edition import LEFT, RIGHT, Faces
from grids.measure import Floats, Geometries

_NEAR_M = 1.5 * GRID_M
"""Noding moves a line by at most the diagonal of the grid; what is further from a street does not run along it."""

BESIDE_M = 1.0
"""How far to the side of a street one looks to see which area lies there."""

SHORTEST_M = 10.0
"""A border alone does not make a segment shorter than this."""


STUB_M = 0.5
"""A stretch shorter than this is a street digitised a hair beyond its junction, or two junctions that are one: nothing to walk."""


@dataclass(frozen=True)
class StreetEdges:
    """Stretches of street (e,) between two nodes of an arrangement, in metres, inside a city or along its rim.

    Each runs from the lesser of its ends, so that the same stretch is the same line wherever it was drawn.

    ``street`` is the position of the street; ``left`` and ``right`` the block on either side, -1 for none that is known;
    ``beside`` (e, 2) the areas ``BESIDE_M`` to the sides, ascending.
    """

    lines: Geometries
    street: Positions
    left: Positions
    right: Positions
    beside: Positions


@dataclass(frozen=True)
class Segments:
    """Segments (s,): their lines, the street each is part of, the faces of their sides, and which touch no other."""

    lines: Geometries
    street: Positions
    faces: Faces
    orphans: NDArray[np.bool_]


def street_edges(streets: Geometries, blocks: Blocks, areas: Geometries) -> StreetEdges:
    """The edges of the blocks' arrangement that run along one of the streets (n,) and have a block on a side at least.

    ``areas`` (a,) are the seamless lowest areas that ``beside`` counts, with those beyond the border.
    """
    edges = blocks.arrangement.edges
    street = _street_along(edges, streets)
    edges, street = edges[street >= 0], street[street >= 0]
    stubs = _stubs(edges)
    edges, street = edges[~stubs], street[~stubs]
    edge, left, right = _blocks_along(edges, blocks)
    first = np.searchsorted(edge, np.arange(len(edges)))
    left, right = left[first], right[first]
    inside = (left >= 0) | (right >= 0)
    edges, street, left, right = edges[inside], street[inside], left[inside], right[inside]
    turned = _runs_down(edges)
    lines = np.where(turned, shapely.reverse(edges), edges)
    return StreetEdges(lines, street, np.where(turned, right, left), np.where(turned, left, right), _areas_beside(lines, areas))


def _stubs(edges: Geometries) -> NDArray[np.bool_]:
    """Which edges of streets are shorter than ``STUB_M``, reach no other at one end, and some other at the other end."""
    start, end = _nodes(edges)
    met = np.bincount(np.concatenate([start, end])) > 1
    stubs: NDArray[np.bool_] = (shapely.length(edges) < STUB_M) & (met[start] != met[end])
    return stubs


def _runs_down(lines: Geometries) -> NDArray[np.bool_]:
    """Which lines begin at the greater of their ends (a ring: of the neighbours of its end), by easting, then northing."""
    count = shapely.get_num_coordinates(lines)
    first, last = (shapely.get_coordinates(shapely.get_point(lines, at)) for at in (0, -1))
    ring = (first == last).all(axis=1)
    second, before_last = (
        shapely.get_coordinates(shapely.get_point(lines, at)) for at in (np.minimum(1, count - 1), np.maximum(count - 2, 0))
    )
    begin, end = np.where(ring[:, None], second, first), np.where(ring[:, None], before_last, last)
    down: NDArray[np.bool_] = (begin[:, 0] > end[:, 0]) | ((begin[:, 0] == end[:, 0]) & (begin[:, 1] > end[:, 1]))
    return down


def joined_edges(edges: Sequence[StreetEdges], first_block: Positions) -> StreetEdges:
    """The edges of several arrangements as those of one: a stretch that two of them hold is one stretch, with a block from either.

    ``first_block`` says for each of ``edges`` at which number its blocks begin.
    """
    lines = np.concatenate([one.lines for one in edges])
    drawn, first, at = np.unique(shapely.to_wkb(lines), return_index=True, return_inverse=True)

    def merged(side: str) -> Positions:
        numbered = [
            np.where((block := getattr(one, side)) >= 0, block + start, -1) for one, start in zip(edges, first_block.tolist(), strict=True)
        ]
        found = np.full(len(drawn), -1, dtype=np.int64)
        np.maximum.at(found, at.reshape(-1), np.concatenate(numbered))
        return found

    street, beside = (np.concatenate([getattr(one, name) for one in edges])[first] for name in ("street", "beside"))
    return StreetEdges(lines[first], street, merged("left"), merged("right"), beside)


def draw_segments(edges: StreetEdges, streets: Geometries, kinds: Positions) -> Segments:
    """The segments that the edges of streets (n,) make.

    ``kinds`` (n,) says which streets are alike: a segment never runs over two kinds. Lines run in the direction in which
    their first street was digitised.
    """
    if len(edges.lines) == 0:
        nothing = np.empty(0, dtype=np.int64)
        return Segments(
            np.empty(0, dtype=object), nothing, Faces(nothing, nothing, nothing, np.empty(0), np.empty(0)), np.empty(0, dtype=np.bool_)
        )
    alike = np.unique(edges.beside, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    group = _chains(edges.lines, kinds[edges.street], alike)
    order = np.argsort(group, kind="stable")
    lines = np.asarray(shapely.line_merge(shapely.multilinestrings(edges.lines[order], indices=group[order])))
    lead = _lead_edges(edges.street, group)
    lines = _directed(lines, edges.lines[lead], streets[edges.street[lead]])
    return Segments(lines, edges.street[lead], _faces(lines, _sides_of(edges)), _orphans(lines))


def _sides_of(edges: StreetEdges) -> Sides:
    """What lies on the left of every step of the edges, in both directions."""
    steps = Steps.of(edges.lines)
    starts, ends = np.concatenate([steps.starts, steps.ends]), np.concatenate([steps.ends, steps.starts])
    return Sides.of(starts, ends, np.concatenate([edges.left[steps.owner], edges.right[steps.owner]]))


def _street_along(edges: Geometries, streets: Geometries) -> Positions:
    """The first street along which each edge runs, -1 for none: start, middle and end must lie on it but for rounding."""
    steps = Steps.of(streets)
    if len(edges) == 0 or len(steps.owner) == 0:
        return np.full(len(edges), -1, dtype=np.int64)
    tree = shapely.STRtree(steps.as_lines())

    def on(points: Geometries) -> Positions:
        """Edge and street of every point that lies on a street, as one number."""
        edge, step = tree.query(points, predicate="dwithin", distance=_NEAR_M)
        return np.unique(edge * np.int64(len(streets)) + steps.owner[step])

    runs_along = on(shapely.line_interpolate_point(edges, 0.5, normalized=True))
    for end in (0, -1):
        runs_along = np.intersect1d(runs_along, on(shapely.get_point(edges, end)), assume_unique=True)
    edge, first = np.unique(runs_along // len(streets), return_index=True)
    street = np.full(len(edges), -1, dtype=np.int64)
    street[edge] = runs_along[first] % len(streets)
    return street


def _blocks_along(lines: Geometries, blocks: Blocks) -> tuple[Positions, Positions, Positions]:
    """For each step of lines that run over edges: the line, and the block on the left and on the right, -1 outside the city.

    A step inside a face, which bounds nothing, has the face's block on both sides.
    """
    line, left, right, _ = blocks.arrangement.left_and_right(lines)
    inner = np.flatnonzero((left < 0) & (right < 0))
    if len(inner):
        at, face = shapely.STRtree(blocks.arrangement.faces).query(_middles(lines)[inner], predicate="within")
        left[inner[at]] = right[inner[at]] = face
    outside = np.append(blocks.block_of_face, -1)
    return line, outside[left], outside[right]


def _middles(lines: Geometries) -> Geometries:
    """The middle of every step of the lines."""
    steps = Steps.of(lines)
    return np.asarray(shapely.points((steps.starts + steps.ends) / 2))


def _areas_beside(edges: Geometries, areas: Geometries) -> Positions:
    """The lowest areas ``BESIDE_M`` to the left and right of the middle of each edge (e, 2), in ascending order; -1 for none.

    Where a street runs along a border the two lines cross every few metres, by centimetres; a few steps to the side it is
    plain which areas the street lies between.
    """
    middles = shapely.get_coordinates(shapely.line_interpolate_point(edges, 0.5, normalized=True))
    along = shapely.get_coordinates(shapely.line_interpolate_point(edges, 0.6, normalized=True)) - middles
    left = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.maximum(np.hypot(*along.T), GRID_M)[:, None]
    tree = shapely.STRtree(areas)
    beside = np.full((len(edges), 2), -1, dtype=np.int64)
    for side, shift in enumerate((left, -left)):
        at, area = tree.query(shapely.points(middles + BESIDE_M * shift), predicate="intersects")
        beside[at, side] = area
    return np.sort(beside, axis=1)


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
    one, other = _stub_links(shapely.length(edges), np.stack([start, end], axis=1), node, edge)
    plain = _linked(len(edges), a[alike], b[alike])
    chain = _linked(len(edges), np.concatenate([a[alike], one]), np.concatenate([b[alike], other]))
    total_m = np.bincount(chain, weights=shapely.length(edges)).astype(np.float64)
    chain = _absorb_short(chain, total_m, chain[a[~alike]], chain[b[~alike]])
    # Where three ends of a chain would meet at one node, it is none: its edges stay as they follow each other.
    fork = _forks(chain, node, edge)
    numbers: Positions = np.unique(np.where(fork, plain, chain + len(edges)), return_inverse=True)[1].reshape(-1).astype(np.int64)
    return numbers


def _linked(count: int, first: Positions, second: Positions) -> Positions:
    """The number of the group of each of ``count`` edges when ``first`` and ``second`` are joined."""
    links = coo_array((np.ones(len(first)), (first, second)), shape=(count, count))
    groups: Positions = connected_components(links, directed=False)[1].astype(np.int64)
    return groups


def _forks(chain: Positions, node: Positions, edge: Positions) -> NDArray[np.bool_]:
    """Which edges belong to a chain of which more than two ends meet at one node."""
    meeting, count = np.unique(np.stack([chain[edge], node], axis=1), axis=0, return_counts=True)
    forked: NDArray[np.bool_] = np.isin(chain, meeting[count > 2, 0])
    return forked


def _stub_links(length_m: Floats, ends: Positions, node: Positions, edge: Positions) -> tuple[Positions, Positions]:
    """Each edge shorter than ``STUB_M`` with the longest edge it meets, over a junction too, one at each end of an edge.

    ``ends`` (e, 2) are the nodes of each edge; ``node`` (ascending) and ``edge`` say the same node by node.
    """
    taken: set[tuple[int, int]] = set()
    links = []
    for stub in np.flatnonzero(length_m < STUB_M).tolist():
        meets = [
            (-length_m[other], other, at)
            for at in sorted(set(ends[stub].tolist()))
            for other in edge[np.searchsorted(node, at) : np.searchsorted(node, at, side="right")].tolist()
            if length_m[other] >= STUB_M and (other, at) not in taken
        ]
        if meets:
            _, longest, at = min(meets)
            taken.add((longest, at))
            links.append((stub, longest))
    stubs, longest_met = np.array(links, dtype=np.int64).reshape(-1, 2).T
    return stubs, longest_met


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
    return _linked(len(total_m), shorts, targets)[chain]


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


def _faces(lines: Geometries, blocks: Sides) -> Faces:
    """The blocks along both sides of each line, neighbouring steps with the same block drawn together."""
    steps = Steps.of(lines)
    line, lengths_m = steps.owner, steps.lengths_m
    ends_m = np.cumsum(lengths_m)
    starts_m = np.concatenate([[0.0], ends_m[:-1]])
    before_m = starts_m[np.searchsorted(line, line)]
    runs = []
    for side, block in ((LEFT, blocks.left_of(steps.starts, steps.ends)), (RIGHT, blocks.left_of(steps.ends, steps.starts))):
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
