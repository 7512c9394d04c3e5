"""The datum boundary: known shifts, exact ways back, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from gis.errors import DatumOutsideItsCountry
from gis.exchange import from_wgs84, geometries_to_wgs84, to_wgs84
from grids.datum import DATUMS
from grids.errors import BadCoordinate, UnknownDatum

GEOD = Geod(ellps="WGS84")
PEOPLES_SQUARE = (121.4737, 31.2304)
places_in_china = st.lists(st.tuples(st.floats(73.5, 134.5), st.floats(18.0, 53.5)), min_size=1, max_size=50)


def moved_m(lons, lats, other_lons, other_lats):
    return GEOD.inv(lons, lats, other_lons, other_lats)[2]


@pytest.mark.parametrize("datum", ["wgs84", "cgcs2000"])
def test_wgs84_and_cgcs2000_pass_unchanged(datum):
    lons, lats = to_wgs84([24.94, -179.9, 180.0], [60.17, -89.9, 90.0], datum=datum)
    assert lons.tolist() == [24.94, -179.9, 180.0]
    assert lats.tolist() == [60.17, -89.9, 90.0]
    assert lons.dtype == lats.dtype == np.float64


def test_gcj02_moves_peoples_square_by_about_480_m_to_the_south_east():
    lons, lats = from_wgs84([PEOPLES_SQUARE[0]], [PEOPLES_SQUARE[1]], datum="gcj02")
    assert 470 < moved_m(*PEOPLES_SQUARE, lons[0], lats[0]) < 490
    assert lons[0] > PEOPLES_SQUARE[0]
    assert lats[0] < PEOPLES_SQUARE[1]


@pytest.mark.parametrize(
    ("datum", "there"),
    [("gcj02", (116.41024449916938, 39.91640428150164)), ("bd09", (116.41662724378733, 39.922699552216216))],
)
def test_the_shift_is_the_one_that_the_public_implementations_print(datum, there):
    """The values for (116.404, 39.915) stand in the documentation of coordtransform and in the tests of others."""
    lons, lats = from_wgs84([116.404], [39.915], datum=datum)
    assert (lons[0], lats[0]) == pytest.approx(there, abs=1e-11)


def test_bd09_moves_further_than_gcj02():
    lons, lats = from_wgs84([PEOPLES_SQUARE[0]], [PEOPLES_SQUARE[1]], datum="bd09")
    assert 1_000 < moved_m(*PEOPLES_SQUARE, lons[0], lats[0]) < 1_400


@given(places_in_china, st.sampled_from(DATUMS))
def test_there_and_back_is_exact_to_a_micrometre(places, datum):
    lons, lats = np.array(places).T
    back_lons, back_lats = to_wgs84(*from_wgs84(lons, lats, datum=datum), datum=datum)
    assert np.max(moved_m(lons, lats, back_lons, back_lats)) < 1e-6


@given(places_in_china, st.sampled_from(["gcj02", "bd09"]))
def test_the_way_back_moves_by_hundreds_of_metres_and_never_kilometres(places, datum):
    lons, lats = np.array(places).T
    there_lons, there_lats = to_wgs84(lons, lats, datum=datum)
    metres = np.array(moved_m(lons, lats, there_lons, there_lats))
    assert (metres > 5).all()
    assert (metres < 2_500).all()


def test_the_input_is_not_changed():
    lons, lats = np.array([121.5]), np.array([31.2])
    to_wgs84(lons, lats, datum="gcj02")
    assert (lons[0], lats[0]) == (121.5, 31.2)


def test_nothing_in_nothing_out():
    lons, lats = to_wgs84([], [], datum="bd09")
    assert len(lons) == len(lats) == 0


@pytest.mark.parametrize("bad", [(np.nan, 31.0), (121.0, np.inf), (200.0, 31.0), (31.0, 121.0)])
def test_a_place_off_the_globe_is_refused_with_its_index(bad):
    with pytest.raises(BadCoordinate) as refused:
        to_wgs84([121.0, bad[0]], [31.0, bad[1]], datum="wgs84")
    assert refused.value.index == 1


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_a_chinese_datum_outside_china_is_refused(datum):
    with pytest.raises(DatumOutsideItsCountry) as refused:
        to_wgs84([121.5, 24.94], [31.2, 60.17], datum=datum)
    assert refused.value.index == 1
    assert "mainland China" in str(refused.value)


@pytest.mark.parametrize("datum", ["", "GCJ02", "nad83", "EPSG:4326"])
def test_a_datum_that_is_not_one_of_the_four_is_refused(datum):
    with pytest.raises(UnknownDatum):
        to_wgs84([121.5], [31.2], datum=datum)


def test_geometries_are_moved_vertex_by_vertex_and_lose_their_height():
    raised = shapely.from_wkt("LINESTRING Z (121.5 31.2 5, 121.6 31.3 6)")
    moved = geometries_to_wgs84([raised, None, shapely.Point()], datum="gcj02")
    lons, lats = to_wgs84([121.5, 121.6], [31.2, 31.3], datum="gcj02")
    assert shapely.get_coordinates(moved[0]).tolist() == np.column_stack([lons, lats]).tolist()
    assert not shapely.has_z(moved[0])
    assert moved[1] is None
    assert moved[2].is_empty


@given(places_in_china, st.sampled_from(["gcj02", "bd09"]))
def test_the_way_back_ends_where_the_public_formula_begins(places, datum):
    """A place given in the shifted datum, brought to WGS 84 and put into the public formula, comes out again: asked is 0.1 m."""
    lons, lats = np.array(places).T
    again_lons, again_lats = from_wgs84(*to_wgs84(lons, lats, datum=datum), datum=datum)
    assert np.max(moved_m(lons, lats, again_lons, again_lats)) < 1e-6


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
@pytest.mark.parametrize("outside", [(71.9, 30.0), (137.9, 45.0), (110.0, 0.8), (110.0, 55.9), (-121.5, 31.2)])
def test_a_chinese_datum_ends_at_the_box_of_its_formula_both_ways_and_for_geometry(datum, outside):
    for refuses in (
        lambda: to_wgs84([outside[0]], [outside[1]], datum=datum),
        lambda: from_wgs84([outside[0]], [outside[1]], datum=datum),
        lambda: geometries_to_wgs84([shapely.Point(outside)], datum=datum),
    ):
        with pytest.raises(DatumOutsideItsCountry):
            refuses()


@pytest.mark.parametrize("datum", ["", "GCJ02", "nad83"])
def test_no_door_of_the_boundary_takes_a_datum_that_it_does_not_know(datum):
    with pytest.raises(UnknownDatum):
        from_wgs84([121.5], [31.2], datum=datum)
    with pytest.raises(UnknownDatum):
        geometries_to_wgs84([shapely.Point(121.5, 31.2)], datum=datum)
