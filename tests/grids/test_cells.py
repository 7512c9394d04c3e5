"""Cells cover the city by overlap, their shares add up, and their ids fit JavaScript."""

from __future__ import annotations

from itertools import pairwise

import h3
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from grids import cells
from grids.measure import Plane, areas_m2

HELSINKI = shapely.box(24.935, 60.164, 24.953, 60.179)
TM35 = Plane("EPSG:3067")
places = st.tuples(st.floats(24.93, 24.96), st.floats(60.16, 60.18))


@given(places)
def test_a_point_of_the_area_is_in_a_cell_of_the_cover(place: tuple[float, float]) -> None:
    cover = cells.covering(np.array([HELSINKI]), 10)
    cell = cells.of_points(np.array([place[0]]), np.array([place[1]]), 10)[0]
    if HELSINKI.covers(shapely.Point(place)):
        assert cell in cover


def test_a_cover_by_overlap_has_the_rim_that_a_cover_by_centre_loses() -> None:
    by_centre = h3.h3shape_to_cells(h3.geo_to_h3shape(HELSINKI), 10)
    assert len(cells.covering(np.array([HELSINKI]), 10)) > len(by_centre)
    assert len(cells.covering(np.array([None, shapely.Polygon()], dtype=object), 10)) == 0


@given(st.lists(st.tuples(st.floats(-180, 180), st.floats(-89.9, 89.9)), min_size=1, max_size=50), st.integers(0, 15))
def test_cells_are_those_of_the_h3_library(points: list[tuple[float, float]], resolution: int) -> None:
    lons, lats = (np.array(side) for side in zip(*points, strict=True))
    expected = [h3.str_to_int(h3.latlng_to_cell(lat, lon, resolution)) for lon, lat in points]
    assert cells.of_points(lons, lats, resolution).tolist() == expected


def test_a_point_without_coordinates_has_cell_0() -> None:
    assert cells.of_points(np.array([np.nan, np.inf]), np.array([60.0, 60.0]), 10).tolist() == [0, 0]


def test_cells_are_written_as_h3_writes_them() -> None:
    chance = np.random.default_rng(11)
    lons, lats = chance.uniform(-180, 180, 400), chance.uniform(-90, 90, 400)
    some = [h3.latlng_to_cell(lat, lon, at % 16) for at, (lon, lat) in enumerate(zip(lons.tolist(), lats.tolist(), strict=True))]
    numbers = np.array([*map(h3.str_to_int, some), 0], dtype=np.uint64)
    assert cells.texts(numbers).to_pylist() == [*some, None]
    assert cells.texts(numbers[:0]).to_pylist() == []
    assert len(cells.texts(np.full(1_200_000, numbers[0]))) == 1_200_000


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.05, 0.95), min_size=0, max_size=5, unique=True))
def test_shares_of_cells_inside_the_city_add_up_to_one(cuts: list[float]) -> None:
    west, south, east, north = HELSINKI.bounds
    at = sorted({0.0, 1.0, *cuts})
    strips = np.array([shapely.box(west + (east - west) * a, south, west + (east - west) * b, north) for a, b in pairwise(at)])
    cover = cells.covering(strips, 10)
    metres = TM35.to_metres(strips)
    cell, unit, share = cells.shares(cover, metres, TM35, areas=TM35.to_metres(np.array([HELSINKI])))
    plain_cell, plain_unit, plain_share = cells.shares(cover, metres, TM35, areas=strips[:0])
    assert (cell.tolist(), unit.tolist()) == (plain_cell.tolist(), plain_unit.tolist())
    assert share == pytest.approx(plain_share, abs=1e-9)
    total = np.bincount(cell, weights=share, minlength=len(cover))
    inside = shapely.contains_properly(HELSINKI, cells.outlines(cover))
    assert inside.any()
    assert total[inside] == pytest.approx(1.0, abs=1e-6)
    assert (total <= 1 + 1e-6).all()
    pieces_m2 = np.bincount(unit, weights=share * areas_m2(cells.outlines(cover))[cell], minlength=len(strips))
    assert pieces_m2 == pytest.approx(areas_m2(strips), rel=1e-4)


@given(st.lists(places, min_size=1, max_size=30), st.integers(1, 14))
def test_feature_ids_are_unique_and_below_2_to_the_53(points: list[tuple[float, float]], resolution: int) -> None:
    lons, lats = (np.array(side) for side in zip(*points, strict=True))
    found = np.unique(np.concatenate([cells.of_points(lons, lats, resolution), cells.of_points(lons, lats, resolution - 1)]))
    ids = cells.feature_ids(found)
    assert len(set(ids.tolist())) == len(found)
    assert ids.max() < 2**53
    assert ids.min() >= 0


def test_parents_are_the_librarys() -> None:
    cover = cells.covering(np.array([HELSINKI]), 10)
    assert cells.parents(cover, 7).tolist() == [h3.str_to_int(h3.cell_to_parent(h3.int_to_str(int(cell)), 7)) for cell in cover]
    assert cells.parents(cover[:0], 7).tolist() == []
