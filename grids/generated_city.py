"""A made-up city of real size: areas that partition given outlines, as many and as deep as a list of real codes says.

Nothing here is a real border. A demo needs six thousand communities whose codes and names are public and whose polygons
are not; this draws polygons for them that are plausible: dense around the centre and in the middle of each outline, wide
elsewhere. Geometry is in metres in the city's plane, every vertex on the centimetre grid, and all levels share their
vertices. The same outlines and seed give the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.random import Generator, default_rng
from scipy.spatial import Voronoi, cKDTree

from grids.arrangement import Arrangement, Positions, arrange
from grids.measure import Floats, Geometries

RECIPE = 1
"""Raised by one whenever the same seed gives another city, so that a kept one is not taken for today's."""

_LARGEST_FRAGMENT_M2 = 5e6
"""Holes between outlines, and loose bits of one, go to a neighbour up to this size; a larger one is meant."""

_TRIES_PER_AREA = 200
_ROUNDS = 12


@dataclass(frozen=True)
class Density:
    """How densely built a place is, in (0, 2]: one in the middle of the city, a fiftieth five times ``core_m`` away, with a
    small centre of its own in every outline further out."""

    centre: tuple[float, float]
    core_m: float
    towns: Floats

    @classmethod
    def of(cls, centre: tuple[float, float], *, core_m: float, outlines: Geometries) -> Density:
        """The density of a city around ``centre`` (easting, northing) with small centres in the outlines that lie outside its core."""
        middles = shapely.get_coordinates(shapely.point_on_surface(outlines))
        away = np.hypot(*(middles - np.array(centre)).T) > 2 * core_m
        return cls(centre, core_m, middles[away])

    def at(self, places: Floats) -> Floats:
        """The density (n,) at places (n, 2)."""
        r = np.hypot(*(places - np.array(self.centre)).T) / self.core_m
        found = 1.0 / (1.0 + r * r) ** 1.2 + 0.004
        for town in self.towns:
            found = found + 0.2 * np.exp(-(((places - town) ** 2).sum(axis=1)) / (2 * 2_500.0**2))
        return np.asarray(found)


@dataclass(frozen=True)
class MadeAreas:
    """The lowest areas (n,) in metres, and the borders between them.

    ``borders`` are lines without a junction inside, ``sides`` (b, 2) the areas on both sides of each, lower number first; -1 outside.
    """

    polygons: Geometries
    borders: Geometries
    sides: Positions


@dataclass(frozen=True)
class Outlines:
    """Outlines (o,) that share the vertices of their borders and do not overlap, None for one without ground of its own; and the
    lines between and around them."""

    polygons: Geometries
    rims: Geometries


def areas(outlines: Outlines, paths: Positions, density: Density, *, seed: int) -> MadeAreas:
    """Lowest areas that partition the outlines.

    ``paths`` (n, k), in ascending order, says for each area to be made in which outline it lies (column 0) and then which
    area of each level below that; areas with an equal beginning are drawn next to each other. Every outline named has ground.
    """
    counts = np.bincount(paths[:, 0], minlength=len(outlines.polygons))
    sites = np.empty((len(paths), 2))
    cuts = [outlines.rims]
    for at in np.flatnonzero(counts).tolist():
        points = _sites(outlines.polygons[at], int(counts[at]), density, default_rng([seed, at]))
        inside = np.flatnonzero(paths[:, 0] == at)
        sites[inside] = points[_in_ladder_order(points, paths[inside, 1:], np.array(density.centre))]
        cuts.append(_voronoi_edges(points, outlines.polygons[at]))
    return _made(arrange(np.concatenate(cuts)), outlines.polygons, sites, paths)


def coverage(outlines: Geometries) -> Outlines:
    """The outlines (o,) without the small overlaps and gaps where they meet.

    An overlap goes to the first, a gap or loose bit to the neighbour with the longest shared border.
    """
    whole = shapely.make_valid(outlines)
    arrangement = arrange(shapely.boundary(outlines))
    owner = _holder(arrangement.faces, whole)
    neighbours = _Neighbours.of(arrangement)
    sizes_m2 = shapely.area(arrangement.faces)
    owner = neighbours.absorb(owner, np.flatnonzero((owner < 0) & (sizes_m2 < _LARGEST_FRAGMENT_M2)))
    for _ in range(3):
        loose = _loose_parts(arrangement.faces, owner)
        if len(loose) == 0:
            break
        owner = neighbours.absorb(owner, loose, elsewhere=True)
    clean = united(arrangement.faces, owner, len(outlines))
    left, right = _faces_beside(arrangement)
    ends = np.append(owner, -1)
    return Outlines(clean, arrangement.edges[ends[left] != ends[right]])


def _holder(faces: Geometries, polygons: Geometries) -> Positions:
    """The first polygon that holds each face, -1 for none."""
    face_at, polygon_at = shapely.STRtree(polygons).query(shapely.point_on_surface(faces), predicate="intersects")
    holder = np.full(len(faces), len(polygons), dtype=np.int64)
    np.minimum.at(holder, face_at, polygon_at)
    return np.where(holder == len(polygons), -1, holder)


def _loose_parts(faces: Geometries, owner: Positions) -> Positions:
    """Faces in small parts of an owner's ground that hang on nothing else of it."""
    loose: list[int] = []
    for at in range(int(owner.max(initial=-1)) + 1):
        mine = np.flatnonzero(owner == at)
        parts = shapely.get_parts(shapely.coverage_union_all(faces[mine]))
        small = parts[(shapely.area(parts) < _LARGEST_FRAGMENT_M2 / 10) & (shapely.area(parts) < shapely.area(parts).max())]
        if len(small):
            loose += mine[
                np.unique(shapely.STRtree(small).query(shapely.point_on_surface(faces[mine]), predicate="intersects")[0])
            ].tolist()
    return np.array(loose, dtype=np.int64)


def united(faces: Geometries, owner: Positions, count: int) -> Geometries:
    """The union (count,) of the faces of each owner, every vertex kept; None for an owner without any."""
    unions = np.full(count, None, dtype=object)
    order = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[order], np.arange(count + 1))
    for at in range(count):
        mine = faces[order[starts[at] : starts[at + 1]]]
        if len(mine):
            union = shapely.coverage_union_all(mine)
            parts = shapely.get_parts(union)
            unions[at] = parts[0] if len(parts) == 1 else union
    return unions


def _faces_beside(arrangement: Arrangement) -> tuple[Positions, Positions]:
    """The face on the left and on the right of each edge, -1 for none."""
    edge, left, right, _ = arrangement.left_and_right(arrangement.edges)
    first = np.unique(edge, return_index=True)[1]
    return left[first], right[first]


@dataclass(frozen=True)
class _Neighbours:
    """Faces that share a border, and how long it is; each pair in both directions, sorted by the first."""

    face: Positions
    other: Positions
    length_m: Floats

    @classmethod
    def of(cls, arrangement: Arrangement) -> _Neighbours:
        left, right = _faces_beside(arrangement)
        between = (left >= 0) & (right >= 0) & (left != right)
        length_m = shapely.length(arrangement.edges[between])
        face = np.concatenate([left[between], right[between]])
        other = np.concatenate([right[between], left[between]])
        order = np.lexsort((other, face))
        return cls(face[order], other[order], np.tile(length_m, 2)[order])

    def absorb(self, owner: Positions, faces: Positions, *, elsewhere: bool = False, within: Positions | None = None) -> Positions:
        """Owners after each of ``faces``, in turn, went to the owner with the longest border to it; the rest as they were.

        With ``elsewhere`` its own owner does not count; with ``within`` (f,) only faces of the same number there do.
        """
        owner = owner.copy()
        for face in faces.tolist():
            mine = slice(*np.searchsorted(self.face, [face, face + 1]))
            others, length_m = self.other[mine], self.length_m[mine]
            wanted = owner[others] >= 0
            if elsewhere:
                wanted &= owner[others] != owner[face]
            if within is not None:
                wanted &= within[others] == within[face]
            if wanted.any():
                total_m = np.bincount(owner[others][wanted], weights=length_m[wanted])
                owner[face] = int(np.argmax(total_m))
        return owner


def _sites(outline: shapely.Geometry, count: int, density: Density, rng: Generator) -> Floats:
    """The middles (count, 2) of the areas of an outline: spread evenly for their density, by Lloyd's iteration over sample points."""
    west, south, east, north = shapely.bounds(outline)
    fill = shapely.area(outline) / max((east - west) * (north - south), 1.0)
    tries = int(_TRIES_PER_AREA * max(count, 20) / fill)
    sample = np.stack([rng.uniform(west, east, tries), rng.uniform(south, north, tries)], axis=1)
    sample = sample[shapely.contains_xy(outline, sample)]
    thin = np.sqrt(density.at(sample))
    kept = rng.random(len(sample)) < thin / thin.max()
    sample, weight = sample[kept], thin[kept]
    sites = sample[np.sort(rng.choice(len(sample), count, replace=False, p=weight / weight.sum()))]
    for _ in range(_ROUNDS):
        nearest = cKDTree(sites).query(sample)[1]
        total = np.bincount(nearest, weights=weight, minlength=count)
        middle = np.stack([np.bincount(nearest, weights=weight * sample[:, axis], minlength=count) for axis in (0, 1)], axis=1)
        sites = np.where((total > 0)[:, None], middle / np.maximum(total, 1e-12)[:, None], sites)
    return np.asarray(sites)


def _in_ladder_order(points: Floats, paths: Positions, centre: Floats) -> Positions:
    """The point for each path: points are halved across their longest extent until each group of equal paths has its own.

    The first areas of a list get the ground nearest the city's centre: codes begin with the urban ones.
    """
    order = np.empty(len(points), dtype=np.int64)
    waiting = [(np.arange(len(points)), 0, len(points))]
    while waiting:
        mine, start, end = waiting.pop()
        if end - start <= 1:
            order[start:end] = mine
            continue
        cut = _cut_between_groups(paths, start, end)
        spread = points[mine] - points[mine].mean(axis=0)
        axis = np.linalg.svd(spread, full_matrices=False)[2][0]
        if (centre - points[mine].mean(axis=0)) @ axis > 0:
            axis = -axis
        along = mine[np.argsort(spread @ axis, kind="stable")]
        waiting += [(along[: cut - start], start, cut), (along[cut - start :], cut, end)]
    return order


def _cut_between_groups(paths: Positions, start: int, end: int) -> int:
    """The place nearest the middle of start..end where the path changes in its highest level that changes at all."""
    middle = (start + end) // 2
    for level in range(paths.shape[1]):
        changes = np.flatnonzero(np.diff(paths[start:end, level])) + start + 1
        if len(changes):
            return int(changes[np.argmin(np.abs(changes - middle))])
    return middle


def _voronoi_edges(points: Floats, outline: shapely.Geometry) -> Geometries:
    """The lines between the points' Voronoi cells inside the outline, a little beyond its rim so that noding meets it."""
    if len(points) < 2:
        return np.empty(0, dtype=object)
    west, south, east, north = shapely.bounds(outline)
    x, y, far = (west + east) / 2, (south + north) / 2, 10 * max(east - west, north - south)
    fence = np.array([[x - far, y], [x + far, y], [x, y - far], [x, y + far]])
    cells = Voronoi(np.concatenate([points, fence]))
    ridges = np.array([ridge for ridge in cells.ridge_vertices if min(ridge) >= 0], dtype=np.int64)
    lines = shapely.linestrings(cells.vertices[ridges])
    shapely.prepare(outline)
    near = lines[shapely.intersects(lines, outline)]
    kept = shapely.contains_properly(outline, near)
    near[~kept] = shapely.intersection(near[~kept], shapely.buffer(outline, 0.02))
    return np.asarray(near[~shapely.is_empty(near)])


def _made(arrangement: Arrangement, clean: Geometries, sites: Floats, paths: Positions) -> MadeAreas:
    faces = arrangement.faces
    outline = _holder(faces, clean)
    points = shapely.get_coordinates(shapely.point_on_surface(faces))
    owner = np.full(len(faces), -1, dtype=np.int64)
    for at in range(len(clean)):
        mine, members = np.flatnonzero(outline == at), np.flatnonzero(paths[:, 0] == at)
        if len(mine) and len(members):
            owner[mine] = members[cKDTree(sites[members]).query(points[mine])[1]]
    owner = _in_one_piece(arrangement, owner, outline, len(paths))
    polygons = united(faces, owner, len(paths))
    borders, sides = _borders(arrangement, owner)
    return MadeAreas(polygons, borders, sides)


def _in_one_piece(arrangement: Arrangement, owner: Positions, outline: Positions, count: int) -> Positions:
    """Owners after every face but the largest of each area went to a neighbour, where the rest of the area does not touch it."""
    sizes_m2 = shapely.area(arrangement.faces)
    order = np.lexsort((sizes_m2, owner))
    last = np.searchsorted(owner[order], np.arange(count), side="right") - 1
    main = np.zeros(len(owner), dtype=np.bool_)
    main[order[last]] = True
    spare = np.flatnonzero(~main & (owner >= 0))
    return _Neighbours.of(arrangement).absorb(owner, spare[np.argsort(-sizes_m2[spare], kind="stable")], within=outline)


def _borders(arrangement: Arrangement, owner: Positions) -> tuple[Geometries, Positions]:
    """The edges between two areas joined to lines, and the areas on both sides of each."""
    left, right = _faces_beside(arrangement)
    ends = np.append(owner, -1)
    one, other = ends[left], ends[right]
    between = np.flatnonzero(one != other)
    pairs, group = np.unique(np.sort(np.stack([one, other], axis=1)[between], axis=1), axis=0, return_inverse=True)
    return _joined_lines(arrangement.edges[between], group.reshape(-1), pairs)


def _joined_lines(edges: Geometries, group: Positions, pairs: Positions) -> tuple[Geometries, Positions]:
    """The edges of each group merged to lines, and the pair of the group of each line."""
    order = np.argsort(group, kind="stable")
    merged = shapely.line_merge(shapely.multilinestrings(edges[order], indices=group[order]))
    lines, of = shapely.get_parts(merged, return_index=True)
    return lines, pairs[of]
