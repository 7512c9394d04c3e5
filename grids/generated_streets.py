"""Streets and incidents of a made-up city: ring roads, an arterial grid, roads along the borders of areas, and local streets.

Nothing here is real. Geometry is in metres in the city's plane; the same input and seed give the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from grids.arrangement import Positions
from grids.generated_city import Density, MadeAreas
from grids.measure import Floats, Geometries

MOTORWAY, TRUNK, PRIMARY, SECONDARY, TERTIARY, RESIDENTIAL = range(6)
CLASSES = ("motorway", "trunk", "primary", "secondary", "tertiary", "residential")
"""The classes of streets, as OpenStreetMap calls them, by their numbers here."""

_RADIALS = 12
_ARTERIAL_STEP_M, _COUNTRY_STEP_M = 1_600.0, 5_000.0
_URBAN_M, _RURAL_M = (200.0, 128.0), (1_500.0, 1_200.0)
"""Distances of local streets along and across an area's long side: blocks of two to three hectares in town, of a square kilometre and more in the country."""

_SHORTEST_M = 30.0
_BESIDE_M = 9.0


@dataclass(frozen=True)
class Streets:
    """Streets (s,) as lines: the class of each (a position in ``CLASSES``), and a number that streets of one name share."""

    lines: Geometries
    classes: Positions
    names: Positions


def built_up(areas: MadeAreas, *, wanted_m2: float) -> NDArray[np.bool_]:
    """Which areas are built up: the smallest ones, which lie where the city is dense, up to ``wanted_m2`` in all."""
    sizes_m2 = shapely.area(areas.polygons)
    order = np.argsort(sizes_m2, kind="stable")
    dense = np.zeros(len(sizes_m2), dtype=np.bool_)
    dense[order[np.cumsum(sizes_m2[order]) <= wanted_m2]] = True
    return dense


def streets(
    areas: MadeAreas,
    upper: Positions,
    dense: NDArray[np.bool_],
    *,
    centre: tuple[float, float],
    rings_m: Floats,
    water: Geometries,
    seed: int,
) -> Streets:
    """The street network of made areas.

    ``upper`` (n, k) is the number of the area above each area at each level, the highest first; a border of a higher
    level carries a greater road. ``rings_m`` are the radii of the ring roads around ``centre``. Rings, radials and arterials
    bridge ``water`` (polygons), other streets end at it.
    """
    rng = default_rng([seed, 1])
    ground = shapely.coverage_union_all(areas.polygons)
    great = [_rings(centre, rings_m, rng), _radials(centre, rings_m, ground, rng), *_arterials(centre, rings_m, ground)]
    great_classes = (MOTORWAY, TRUNK, PRIMARY, SECONDARY)
    borders, border_classes = _border_streets(areas, upper)
    local = _local_streets(areas.polygons, dense, rng)
    parts = [_within(lines, ground) for lines in great] + [_clipped(lines, water) for lines in (borders, local)]
    lines = np.concatenate([part for part, _ in parts])
    kinds = [np.full(len(part), kind) for (part, _), kind in zip(parts[:4], great_classes, strict=True)]
    classes = np.concatenate([*kinds, border_classes[parts[4][1]], np.full(len(parts[5][0]), RESIDENTIAL)])
    first = np.cumsum([0, *(int(of.max(initial=-1)) + 1 for _, of in parts)])
    names = np.concatenate([start + of for start, (_, of) in zip(first, parts, strict=False)])
    kept = shapely.length(lines) >= _SHORTEST_M
    return Streets(lines[kept], classes[kept].astype(np.int64), names[kept].astype(np.int64))


def _rings(centre: tuple[float, float], rings_m: Floats, rng: Generator) -> Geometries:
    """A closed road around the centre for each radius, a little out of round."""
    lines = []
    for radius_m in rings_m:
        turn = np.linspace(0, 2 * np.pi, max(int(2 * np.pi * radius_m / 200), 24) + 1)
        two, three = rng.uniform(0, 2 * np.pi, 2)
        away_m = radius_m * (1 + 0.07 * np.sin(2 * turn + two) + 0.04 * np.sin(3 * turn + three))
        points = np.stack([centre[0] + away_m * np.cos(turn), centre[1] + away_m * np.sin(turn)], axis=1)
        points[-1] = points[0]
        lines.append(shapely.linestrings(points))
    return np.array(lines, dtype=object)


def _radials(centre: tuple[float, float], rings_m: Floats, ground: shapely.Geometry, rng: Generator) -> Geometries:
    """Roads from the inner ring to the rim, bending slowly."""
    west, south, east, north = shapely.bounds(ground)
    reach_m = float(np.hypot(max(east - centre[0], centre[0] - west), max(north - centre[1], centre[1] - south)))
    away_m = np.arange(0.8 * float(rings_m[0]), reach_m, 500.0)
    lines = []
    for at in range(_RADIALS):
        turn = 2 * np.pi * (at + rng.uniform(-0.2, 0.2)) / _RADIALS + 0.15 * np.sin(away_m / rng.uniform(9_000, 16_000))
        lines.append(shapely.linestrings(np.stack([centre[0] + away_m * np.cos(turn), centre[1] + away_m * np.sin(turn)], axis=1)))
    return np.array(lines, dtype=object)


def _arterials(centre: tuple[float, float], rings_m: Floats, ground: shapely.Geometry) -> tuple[Geometries, Geometries]:
    """The close grid of arterials inside the outer ring and the wide one of country roads over all the ground, both slightly turned."""
    west, south, east, north = shapely.bounds(ground)
    reach_m = float(np.hypot(east - west, north - south))
    return _grid(centre, float(rings_m[-1]), _ARTERIAL_STEP_M, turn=0.12), _grid(centre, reach_m, _COUNTRY_STEP_M, turn=0.05)


def _grid(centre: tuple[float, float], half_m: float, step_m: float, *, turn: float) -> Geometries:
    at = np.arange(-half_m + step_m / 2, half_m, step_m)
    ends = np.full(len(at), half_m)
    flat = np.stack([np.stack([-ends, at], axis=1), np.stack([ends, at], axis=1)], axis=1)
    points = np.concatenate([flat, flat[:, :, ::-1]])
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return np.asarray(shapely.linestrings(points @ spin + np.array(centre)))


def _border_streets(areas: MadeAreas, upper: Positions) -> tuple[Geometries, Positions]:
    """The borders between areas as streets, greater where an area of a higher level ends; none along the city's own rim."""
    inner = (areas.sides >= 0).all(axis=1)
    one, other = areas.sides[inner].T
    differ = upper[one] != upper[other]
    highest = np.where(differ.any(axis=1), differ.argmax(axis=1), upper.shape[1])
    by_level = np.array([*(PRIMARY, SECONDARY, TERTIARY)[: upper.shape[1]], TERTIARY])
    return areas.borders[inner], by_level[np.minimum(highest, len(by_level) - 1)]


def _local_streets(polygons: Geometries, dense: NDArray[np.bool_], rng: Generator) -> Geometries:
    """A grid of streets in every area along its own long side, close where it is dense, each line ending at the area's border."""
    corners = shapely.get_coordinates(shapely.oriented_envelope(polygons)).reshape(-1, 5, 2)[:, :4]
    sides = np.stack([corners[:, 1] - corners[:, 0], corners[:, 3] - corners[:, 0]], axis=1)
    lengths_m = np.hypot(sides[:, :, 0], sides[:, :, 1])
    longest = np.argmax(lengths_m, axis=1)
    lines: list[Geometries] = []
    of: list[Positions] = []
    for axis in (0, 1):
        step_m = np.where((longest == axis)[:, None], np.array([_RURAL_M[0], _URBAN_M[0]]), np.array([_RURAL_M[1], _URBAN_M[1]]))
        gaps = np.maximum(np.round(lengths_m[:, axis] / step_m[np.arange(len(polygons)), dense.astype(np.int64)]), 1).astype(np.int64)
        area = np.repeat(np.arange(len(polygons)), gaps - 1)
        number = np.arange(len(area)) - np.repeat(np.cumsum(gaps - 1) - (gaps - 1), gaps - 1) + 1
        share = (number + rng.uniform(-0.12, 0.12, len(area))) / gaps[area]
        start = corners[area, 0] + share[:, None] * sides[area, axis]
        lines.append(np.asarray(shapely.linestrings(np.stack([start, start + sides[area, 1 - axis]], axis=1))))
        of.append(area)
    area = np.concatenate(of)
    order = np.argsort(area, kind="stable")
    return np.asarray(shapely.intersection(np.concatenate(lines)[order], polygons[area[order]]))


def _within(lines: Geometries, ground: shapely.Geometry) -> tuple[Geometries, Positions]:
    """The parts of lines inside the ground, and the line each is part of."""
    shapely.prepare(ground)
    return _line_parts(shapely.intersection(lines, ground))


def _clipped(lines: Geometries, water: Geometries) -> tuple[Geometries, Positions]:
    """The parts of lines outside the water, and the line each is part of."""
    dry = lines.copy()
    if len(water):
        wet = np.unique(shapely.STRtree(water).query(lines, predicate="intersects")[0])
        dry[wet] = shapely.difference(lines[wet], shapely.union_all(water))
    return _line_parts(dry)


def _line_parts(lines: Geometries) -> tuple[Geometries, Positions]:
    parts, of = shapely.get_parts(lines, return_index=True)
    kept = shapely.get_type_id(parts) == shapely.GeometryType.LINESTRING
    return parts[kept], of[kept].astype(np.int64)


@dataclass(frozen=True)
class Happenings:
    """Incidents (n,) in time order: place in metres, seconds since the first midnight, category and street by their numbers."""

    places: Floats
    seconds: Positions
    category: Positions
    street: Positions


class Happening:
    """Where and when incidents happen along streets: more where the city is dense and the street long, few at night and at weekends."""

    def __init__(self, made: Streets, density: Density, *, days: int, first_weekday: int, categories: int, seed: int) -> None:
        """``first_weekday`` is that of the first of the ``days`` (0 is Monday); ``categories`` is how many there are."""
        self._lines, self._length_m, self._seed = made.lines, shapely.length(made.lines), seed
        middles = shapely.get_coordinates(shapely.line_interpolate_point(made.lines, 0.5, normalized=True))
        self._street_steps = _steps(self._length_m * density.at(middles))
        self._category_steps = _steps(default_rng([seed, 2]).permutation(1.0 / np.arange(1, categories + 1) ** 0.8))
        by_day = np.where((np.arange(days) + first_weekday) % 7 < 5, 1.0, 0.55)
        by_hour = np.array([1, 1, 1, 1, 1, 2, 4, 8, 12, 12, 11, 10, 9, 10, 10, 10, 9, 8, 7, 6, 5, 4, 3, 2], dtype=np.float64)
        by_now = np.concatenate([[0.0], np.cumsum(np.outer(by_day, by_hour))])
        self._share_by_hour = by_now / by_now[-1]

    def draw(self, count: int, *, part: int, parts: int) -> Happenings:
        """``count`` incidents of the ``part``-th of ``parts`` equal shares of the time, so that parts in turn are in time order."""
        rng = default_rng([self._seed, 3, part])
        share = (part + np.sort(rng.random(count))) / parts
        seconds = 3_600 * np.interp(share, self._share_by_hour, np.arange(len(self._share_by_hour)))
        street = np.searchsorted(self._street_steps, rng.random(count), side="right")
        along_m = rng.random(count) * self._length_m[street]
        places = shapely.get_coordinates(shapely.line_interpolate_point(self._lines[street], along_m)) + rng.normal(
            0, _BESIDE_M, (count, 2)
        )
        category = np.searchsorted(self._category_steps, rng.random(count), side="right")
        return Happenings(places, seconds.astype(np.int64), category.astype(np.int64), street.astype(np.int64))


def _steps(weights: Floats) -> Floats:
    """Where each weight ends when all are laid out between 0 and 1."""
    ends = np.cumsum(weights)
    return np.asarray(ends[:-1] / ends[-1])
