"""The raster index says what GEOS says, point by point: on any polygons, at vertices, beside edges, after being kept."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from grids import edge_test, raster_index
from grids.edge_test import DOUBT, in_cell
from grids.measure import Floats, Geometries
from grids.raster_index import RasterIndex, build


def by_geos(polygons: Geometries, xs: Floats, ys: Floats) -> tuple[list[int], list[int]]:
    """The rule, said plainly: the lowest polygon that intersects; inside when it alone does, and properly."""
    points = shapely.points(xs, ys)
    hits = shapely.intersects(polygons[:, None], points[None, :])
    proper = shapely.contains_properly(polygons[:, None], points[None, :])
    lowest = np.where(hits.any(axis=0), hits.argmax(axis=0), -1)
    alone = (hits.sum(axis=0) == 1) & proper.any(axis=0)
    return lowest.tolist(), np.where(lowest < 0, 0, np.where(alone, 1, 2)).tolist()


def assert_same(index: RasterIndex, polygons: Geometries, xs: Floats, ys: Floats) -> None:
    """One by one, by array and by two threads at once, all as by GEOS."""
    block, how = by_geos(polygons, xs, ys)
    one_by_one = [index.find_one(x, y) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)]
    assert one_by_one == list(zip(block, how, strict=True))
    times = raster_index._FEW // max(len(xs), 1) + 1
    many_xs, many_ys = np.tile(xs, times), np.tile(ys, times)
    with ThreadPoolExecutor(2) as pool:
        for many in pool.map(lambda _: index.find(many_xs, many_ys), range(2)):
            assert many[0].tolist() == block * times
            assert many[1].tolist() == how * times


def hard_points(polygons: Geometries, chance: np.random.Generator, many: int) -> tuple[Floats, Floats]:
    """Vertices, middles and other places of edges, heights and lengths of vertices, a step of floating point beside all of them."""
    at = shapely.get_coordinates(polygons)
    a, b = at[:-1], at[1:]
    share = chance.random((len(a), 1))
    crossed = np.stack([chance.choice(at[:, 0], len(at)), chance.choice(at[:, 1], len(at))], axis=1)
    level = np.stack([chance.uniform(at[:, 0].min() - 0.1, at[:, 0].max() + 0.1, len(at)), at[:, 1]], axis=1)
    places = np.concatenate([at, (a + b) / 2, a + share * (b - a), crossed, level])
    places = places[chance.permutation(len(places))[:many]]
    beside = np.nextafter(places, np.where(chance.random(places.shape) < 0.5, -np.inf, np.inf))
    # A step beside 0 is 5e-324, where products vanish and GEOS's own predicates differ from one another.
    beside[np.abs(beside) < 1e-300] = 0.0
    places = np.concatenate([places, np.where(chance.random(places.shape) < 0.5, places, beside), beside])
    return places[:, 0], places[:, 1]


def partition(chance: np.random.Generator, *, many: int, lattice: int, bend: float) -> Geometries:
    """Cells around random places, by Voronoi, their corners rounded to a lattice when that is not 0, their edges bent."""
    places = chance.random((many, 2)) if lattice == 0 else chance.integers(0, lattice, (many, 2)) / lattice
    edges = shapely.voronoi_polygons(shapely.multipoints(places), extend_to=shapely.box(0, 0, 1, 1), only_edges=True)
    lines = [shapely.box(0, 0, 1, 1).exterior]
    for part in shapely.get_parts(edges):
        for a, b in pairwise(shapely.get_coordinates(part)):
            turned = np.array([a[1] - b[1], b[0] - a[0]])
            lines.append(shapely.LineString([a, (a + b) / 2 + bend * chance.uniform(-1, 1) * turned, b]))
    net = shapely.intersection(shapely.union_all(lines, grid_size=1 / lattice if lattice else None), shapely.box(0, 0, 1, 1))
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(shapely.union_all([net, lines[0]]))))
    return faces[np.argsort(chance.random(len(faces)))]


def spoiled(faces: Geometries, chance: np.random.Generator, *, drop: int, join: int, islands: int, overlaps: int) -> Geometries:
    """The faces with gaps, units of several parts, islands in holes of others, and units that lie over others."""
    units = list(faces[: max(len(faces) - drop, 1)])
    for _ in range(min(join, len(units) - 1)):
        units.append(shapely.union(units.pop(int(chance.integers(len(units)))), units.pop(int(chance.integers(len(units))))))
    for _ in range(islands):
        at = int(chance.integers(len(units)))
        island = shapely.buffer(shapely.point_on_surface(units[at]), chance.uniform(0.001, 0.05), quad_segs=2)
        holed = shapely.difference(units[at], island)
        if holed.geom_type in ("Polygon", "MultiPolygon") and not holed.is_empty:
            units[at] = holed
            if chance.random() < 0.7:
                units.append(shapely.intersection(island, faces[0]) if chance.random() < 0.1 else island)
    for _ in range(overlaps):
        x, y = chance.random(2)
        units.append(
            units[int(chance.integers(len(units)))] if chance.random() < 0.3 else shapely.box(x, y, x + chance.random() / 2, y + 0.25)
        )
    made = np.empty(len(units), dtype=object)
    made[:] = units
    return made[chance.permutation(len(made))]


@settings(deadline=None, max_examples=120)
@given(
    seed=st.integers(0, 2**32 - 1),
    many=st.integers(1, 40),
    lattice=st.sampled_from([0, 0, 8, 64]),
    bend=st.sampled_from([0.0, 0.1, 0.3]),
    spoil=st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4), st.integers(0, 3)),
    place=st.sampled_from(
        [(0.0, 0.0, 1.0), (121.47, 31.23, 0.3), (-0.5, -0.5, 1.0), (179.0, 89.0, 1.0), (121.5, 31.2, 1e-6), (121.5, 31.2, 1e-9)]
    ),
    coarse=st.sampled_from([None, 1, 3, 64]),
)
def test_any_polygons_and_any_points_are_as_geos_says(  # noqa: PLR0917
    seed: int,
    many: int,
    lattice: int,
    bend: float,
    spoil: tuple[int, int, int, int],
    place: tuple[float, float, float],
    coarse: int | None,
) -> None:
    chance = np.random.default_rng(seed)
    drop, join, islands, overlaps = spoil
    units = spoiled(
        partition(chance, many=many, lattice=lattice, bend=bend), chance, drop=drop, join=join, islands=islands, overlaps=overlaps
    )
    x, y, size = place
    units = shapely.make_valid(shapely.transform(units, lambda at: at * size + (x, y)))
    units = units[np.isin(shapely.get_type_id(units), (3, 6))]
    index = build(units, coarse_cells=coarse)
    if len(units) == 0 or shapely.area(units).sum() == 0:
        return
    xs, ys = hard_points(units, chance, 150)
    more = chance.uniform(-0.1, 1.1, (100, 2)) * size + (x, y)
    assert_same(index, units, np.append(xs, more[:, 0]), np.append(ys, more[:, 1]))


HOLED = np.array(
    [
        shapely.MultiPolygon([shapely.box(0, 0, 2, 2), shapely.box(3, 0, 4, 1)]),
        shapely.Polygon([(2, 0), (3, 0), (3, 2), (2, 2)], [[(2.25, 0.5), (2.75, 0.5), (2.75, 1.5), (2.25, 1.5)]]),
        shapely.box(2.4, 0.9, 2.6, 1.1),
    ]
)


@pytest.mark.parametrize(
    ("x", "y", "block", "how"),
    [
        (1.0, 1.0, 0, 1),
        (3.5, 0.5, 0, 1),
        (2.0, 1.0, 0, 2),  # of the two at a border the lower
        (3.0, 1.5, 1, 2),  # the outer rim
        (2.25, 1.0, 1, 2),  # the rim of a hole
        (2.3, 1.0, -1, 0),  # in the hole
        (2.5, 1.0, 2, 1),  # an island in it
        (4.0, 1.0, 0, 2),
        (4.0, np.nextafter(1.0, 2.0), -1, 0),
        (np.nan, 1.0, -1, 0),
        (1.0, -np.inf, -1, 0),
        (1e308, 1e308, -1, 0),
    ],
)
def test_holes_parts_islands_rims_and_points_that_are_none(x: float, y: float, block: int, how: int) -> None:
    index = build(HOLED)
    assert index.find_one(x, y) == (block, how)
    many = raster_index._FEW + 1
    found = index.find(np.full(many, x), np.full(many, y))
    assert (set(found[0].tolist()), set(found[1].tolist())) == ({block}, {how})


def test_without_ground_everything_is_outside() -> None:
    for nothing in (HOLED[:0], np.array([None, shapely.Polygon()], dtype=object)):
        index = build(nothing)
        assert index.find_one(1.0, 1.0) == (-1, 0)
        assert set(index.find(np.ones(5000), np.ones(5000))[0].tolist()) == {-1}
    assert len(build(HOLED).find(np.empty(0), np.empty(0))[0]) == 0


def test_units_at_the_antimeridian_and_the_poles() -> None:
    across = shapely.MultiPolygon([shapely.box(179.5, -17, 180, -16), shapely.box(-180, -17, -179.5, -16)])
    units = np.array([across, shapely.box(-180, 89, 180, 90), shapely.box(-180, -90, 180, -89.9999)])
    xs = np.array([180.0, -180.0, 179.75, -179.75, 0.0, 180.0, -180.0, 0.0, 0.0, 12.0])
    ys = np.array([-16.5, -16.5, -16.5, -17.0, -16.5, 90.0, 89.5, -90.0, 89.0, 89.5])
    assert_same(build(units), units, xs, ys)


def test_a_million_points_on_one_border() -> None:
    slanting = np.array([shapely.Polygon([(0, 0), (0.75, 0.25), (0, 1)]), shapely.Polygon([(0, 0), (1, 0), (0.75, 0.25)])])
    upright = np.array([shapely.box(1, 0, 2, 1), shapely.box(0, 0, 1, 1)])
    share = np.arange(1_000_000) / 2**20
    for units, xs, ys in ((slanting, share * 0.75, share * 0.25), (upright, np.ones(len(share)), share)):
        block, how = build(units).find(xs, ys)
        assert set(block.tolist()) == {0}
        assert set(how.tolist()) == {2}


def test_only_points_within_rounding_of_an_edge_are_in_doubt_and_geos_settles_them() -> None:
    units = partition(np.random.default_rng(5), many=30, lattice=0, bend=0.3)
    units = shapely.transform(units, lambda at: at * 0.3 + (121.47, 31.23))
    index = build(units)
    xs, ys = hard_points(units, np.random.default_rng(6), 10_000)
    doubt = [index._answer(x, y) == DOUBT for x, y in zip(xs.tolist(), ys.tolist(), strict=True)]
    assert 0 < sum(doubt) < len(xs) / 10
    assert_same(index, units, xs, ys)


def test_the_edge_test_in_one_cell_by_hand() -> None:
    # One polygon, the half plane right of x = 0.5, seen from a reference at (0.25, 0.5) outside it.
    cell = np.array([0.25, 0.5, 1, 7, 0, 1, 0.5, 0.0, 0.5, 1.0])
    assert in_cell(cell, 0, 0.4, 0.9, True) == edge_test.OUTSIDE
    assert in_cell(cell, 0, 0.6, 0.9, True) == 14
    assert in_cell(cell, 0, 0.5, 0.9, True) == 15
    # On the line of the edge but beyond its end: the way to the reference passes by.
    assert in_cell(cell, 0, 0.5, 1.5, True) == edge_test.OUTSIDE


def test_an_index_can_be_pickled() -> None:
    index = build(HOLED)
    assert index.find_one(1.0, 1.0) == (0, 1)
    again = pickle.loads(pickle.dumps(index))  # noqa: S301
    assert_same(again, HOLED, *hard_points(HOLED, np.random.default_rng(1), 100))


def test_where_no_compiled_code_can_be_kept_it_is_compiled_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    real = numba.njit

    def no_folder(*_: object, cache: bool = False, **more: object) -> object:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return real(**more)

    monkeypatch.setattr(numba, "njit", no_folder)
    find = edge_test.compiled.__wrapped__()
    index = build(HOLED)
    xs, ys = np.array([1.0, 2.3]), np.array([1.0, 1.0])
    block, how = np.empty(2, dtype=np.int64), np.empty(2, dtype=np.int8)
    assert find((raster_index.read_only(xs), raster_index.read_only(ys)), index.tables, True, (block, how)) == 0
    assert block.tolist() == [0, -1]


def test_a_million_points_on_one_border_are_all_the_lowest_units() -> None:
    index = build(np.array([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), shapely.Polygon([(0, 1), (2, 1), (1, 3)])]))
    along = np.random.default_rng(4).uniform(0.01, 0.99, 1_000_000)
    for xs, ys, lowest in ((np.ones_like(along), along, 0), (1 + along, np.ones_like(along), 1)):
        block, how = index.find(xs, ys)
        assert set(block.tolist()) == {lowest}
        assert set(how.tolist()) == {2}
