"""A made-up city is an exact, nested partition of whatever outlines it is made from, and the same one every time."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from grids import generated_city, generated_streets
from grids.generated_city import Density, MadeAreas, Outlines

SIDE_M = 6_000.0
NOTHING = np.empty(0, dtype=object)
# Noding on the centimetre grid moves an outline's rim by half a step at most.
RIM_M = 0.01
CENTRE = (SIDE_M, SIDE_M / 2)


@st.composite
def sloppy_outlines(draw: st.DrawFn) -> np.ndarray:
    """Districts side by side whose common borders were digitised apart: they overlap and gape by some metres; some with an island."""
    count = draw(st.integers(1, 3))
    wobble = st.integers(-30, 30).map(float)
    made = []
    for at in range(count):
        west, east = at * SIDE_M, (at + 1) * SIDE_M
        left = [(west + draw(wobble) * (0 < y < SIDE_M), y) for y in np.linspace(SIDE_M, 0.0, 5)]
        right = [(east + draw(wobble) * (0 < y < SIDE_M), y) for y in np.linspace(0.0, SIDE_M, 5)]
        main = shapely.Polygon([*left, *right])
        island = shapely.box(west + 1_000, SIDE_M + 2_000, west + 4_000, SIDE_M + 4_000)
        made.append(shapely.MultiPolygon([main, island]) if draw(st.booleans()) else main)
    outlines = np.empty(count, dtype=object)
    outlines[:] = made
    return outlines


@st.composite
def ladders(draw: st.DrawFn, outlines: int) -> np.ndarray:
    """The path of every lowest area: its outline, its town, in order; every outline has a town, every town an area."""
    paths, town = [], 0
    for outline in range(outlines):
        for areas in draw(st.lists(st.integers(1, 9), min_size=1, max_size=4)):
            paths += [(outline, town)] * areas
            town += 1
    return np.array(paths)


def made(outlines: np.ndarray, paths: np.ndarray, seed: int) -> tuple[Outlines, MadeAreas, Density]:
    clean = generated_city.coverage(outlines)
    density = Density.of(CENTRE, core_m=2_000.0, outlines=clean.polygons)
    return clean, generated_city.areas(clean, paths, density, seed=seed), density


def three_districts() -> tuple[np.ndarray, np.ndarray]:
    outlines = np.array([shapely.box(at * SIDE_M, 0, (at + 1) * SIDE_M + 7, SIDE_M) for at in range(3)], dtype=object)
    paths = np.array([(at // 30, at // 10) for at in range(90)])
    return outlines, paths


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_areas_partition_their_outlines_and_every_level_shares_its_vertices(data: st.DataObject) -> None:
    outlines = data.draw(sloppy_outlines())
    paths = data.draw(ladders(len(outlines)))
    clean, areas, _ = made(outlines, paths, data.draw(st.integers(0, 5)))
    assert shapely.coverage_is_valid(clean.polygons)
    assert shapely.coverage_is_valid(areas.polygons)
    assert len(areas.polygons) == len(paths)
    assert shapely.is_valid(areas.polygons).all()
    assert (shapely.area(areas.polygons) > 1_000).all(), "no area is a sliver"
    for at, outline in enumerate(clean.polygons):
        union = shapely.coverage_union_all(areas.polygons[paths[:, 0] == at])
        assert shapely.symmetric_difference(union, outline).area <= RIM_M * outline.length
    levels = [generated_city.united(areas.polygons, paths[:, level], int(paths[:, level].max()) + 1) for level in (0, 1)]
    vertices = {tuple(point) for point in shapely.get_coordinates(areas.polygons).tolist()}
    for level in levels:
        assert shapely.coverage_is_valid(level)
        assert {tuple(point) for point in shapely.get_coordinates(level).tolist()} <= vertices
        assert shapely.area(level).sum() == pytest.approx(shapely.area(areas.polygons).sum(), abs=1e-6)


@given(sloppy_outlines())
@settings(max_examples=25, deadline=None)
def test_outlines_that_do_not_quite_meet_are_fitted_together(outlines: np.ndarray) -> None:
    clean = generated_city.coverage(outlines).polygons
    assert shapely.coverage_is_valid(clean)
    mains = shapely.union_all([max(shapely.get_parts(one), key=shapely.area) for one in clean])
    assert isinstance(mains, shapely.Polygon), "no gap is left between neighbours"
    assert len(mains.interiors) == 0
    assert (shapely.area(shapely.symmetric_difference(clean, outlines)) < 0.03 * shapely.area(outlines)).all()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_city() -> None:
    outlines, paths = three_districts()

    def city(seed: int) -> list[bytes]:
        _, areas, density = made(outlines, paths, seed)
        net = streets_of(areas, paths, seed)
        drawn = generated_streets.Happening(net, density, days=30, first_weekday=1, categories=9, seed=seed).draw(500, part=0, parts=2)
        return [
            *shapely.to_wkb(areas.polygons),
            *shapely.to_wkb(net.lines),
            drawn.places.tobytes(),
            drawn.seconds.tobytes(),
            drawn.category.tobytes(),
        ]

    once, other = city(4), city(5)
    assert once == city(4)
    assert not set(once[: len(paths)]) & set(other[: len(paths)])
    assert once[-3:] != other[-3:]


def streets_of(areas: MadeAreas, paths: np.ndarray, seed: int, water: np.ndarray = NOTHING) -> generated_streets.Streets:
    dense = generated_streets.built_up(areas, wanted_m2=0.3 * float(shapely.area(areas.polygons).sum()))
    return generated_streets.streets(areas, paths, dense, centre=CENTRE, rings_m=np.array([2_000.0, 4_000.0]), water=water, seed=seed)


def test_areas_are_small_where_the_city_is_dense_and_towns_hang_together() -> None:
    outlines, paths = three_districts()
    _, areas, _ = made(outlines, paths, 1)
    sizes_m2 = shapely.area(areas.polygons)
    away_m = shapely.distance(shapely.centroid(areas.polygons), shapely.Point(CENTRE))
    assert np.median(sizes_m2[away_m < 2_500]) < 0.6 * np.median(sizes_m2[away_m > 6_000])
    towns = generated_city.united(areas.polygons, paths[:, 1], 9)
    assert sum(town.geom_type == "Polygon" for town in towns) >= 8


def test_streets_stay_inside_keep_to_their_class_and_only_the_great_ones_bridge_the_water() -> None:
    outlines, paths = three_districts()
    _, areas, _ = made(outlines, paths, 1)
    river = np.array([shapely.box(-100, 2_000, 3 * SIDE_M + 100, 2_300)], dtype=object)
    net = streets_of(areas, paths, 1, river)
    ground = shapely.buffer(shapely.coverage_union_all(areas.polygons), 0.05)
    assert shapely.covers(ground, net.lines).all()
    assert set(net.classes.tolist()) == set(range(len(generated_streets.CLASSES)))
    wet = shapely.length(shapely.intersection(net.lines, shapely.buffer(river[0], -0.1))) > 0
    assert wet.any()
    assert (net.classes[wet] < generated_streets.TERTIARY).all()
    assert not wet[net.classes >= generated_streets.TERTIARY].any()


def test_built_up_land_is_the_dense_part_and_as_much_as_was_asked_for() -> None:
    outlines, paths = three_districts()
    _, areas, _ = made(outlines, paths, 1)
    dense = generated_streets.built_up(areas, wanted_m2=2e7)
    sizes_m2 = shapely.area(areas.polygons)
    assert 1e7 < sizes_m2[dense].sum() <= 2e7
    assert sizes_m2[dense].max() <= sizes_m2[~dense].min()


def test_incidents_come_in_time_order_beside_streets_and_more_of_them_where_it_is_dense() -> None:
    outlines, paths = three_districts()
    _, areas, density = made(outlines, paths, 1)
    net = streets_of(areas, paths, 1)
    source = generated_streets.Happening(net, density, days=28, first_weekday=0, categories=5, seed=1)
    parts = [source.draw(2_000, part=part, parts=4) for part in range(4)]
    seconds = np.concatenate([part.seconds for part in parts])
    assert (np.diff(seconds) >= 0).all()
    assert 0 <= seconds[0] < 86_400
    assert 27 * 86_400 < seconds[-1] < 28 * 86_400
    weekend = (seconds // 86_400) % 7 >= 5
    assert 0.10 < weekend.mean() < 0.25
    places, street = parts[0].places, parts[0].street
    assert (shapely.distance(shapely.points(places), net.lines[street]) < 60).all()
    assert set(np.concatenate([part.category for part in parts]).tolist()) == set(range(5))
    assert density.at(places).mean() > 1.5 * density.at(shapely.get_coordinates(shapely.centroid(areas.polygons))).mean()
