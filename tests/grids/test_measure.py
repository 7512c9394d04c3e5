"""Areas and lengths are PROJ's geodesic ones; the plane refuses to be used outside its area."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from grids.errors import OutsideItsArea
from grids.measure import Plane, areas_m2, lengths_m

GEOD = Geod(ellps="WGS84")


@given(st.floats(-179, 178), st.floats(-80, 79), st.floats(0.0005, 0.01), st.floats(0.0005, 0.01))
def test_areas_and_lengths_are_geodesic(west: float, south: float, width: float, height: float) -> None:
    polygon = shapely.box(west, south, west + width, south + height)
    expected, _ = GEOD.geometry_area_perimeter(shapely.segmentize(polygon, 0.0001))
    assert areas_m2(np.array([polygon]))[0] == pytest.approx(abs(expected), rel=1e-5)
    line = shapely.LineString([(west, south), (west + width, south + height), (west, south + height)])
    assert lengths_m(np.array([line]))[0] == pytest.approx(GEOD.geometry_length(line), rel=1e-9)


def test_nothing_has_no_length_and_no_area() -> None:
    assert areas_m2(np.array([shapely.Polygon()])).tolist() == [0.0]
    assert np.isnan(areas_m2(np.array([None, shapely.box(0, 0, 1, 1)], dtype=object))[0])
    assert lengths_m(np.array([shapely.LineString(), None], dtype=object)).tolist() == [0.0, 0.0]


def test_the_plane_goes_there_and_back_lon_first() -> None:
    plane = Plane("EPSG:32651")
    point = shapely.Point(121.4737, 31.2304)
    there = plane.to_metres(point)
    expected = Transformer.from_crs(4326, 32651, always_xy=True).transform(121.4737, 31.2304)
    assert (there.x, there.y) == pytest.approx(expected)
    assert 166_000 < there.x < 834_000 < there.y
    assert plane.to_lonlat(there).equals_exact(point, 1e-9)
    assert plane.to_metres(None) is None


def test_a_plane_that_does_not_cover_the_city_is_refused() -> None:
    with pytest.raises(OutsideItsArea, match=r"EPSG:4549 may not be used here.*area of use"):
        Plane("EPSG:4549").require_inside((121.0, 30.7, 122.0, 31.5))
    Plane("EPSG:32651").require_inside((121.0, 30.7, 122.0, 31.5))
