"""Special units: which of them hold a point, and which comes first."""

from __future__ import annotations

from unittest import mock

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from grids import special_units
from grids.special_units import SpecialUnits

steps = st.integers(0, 12)


@st.composite
def some_units(draw: st.DrawFn) -> SpecialUnits:
    """Rectangles and triangles on a grid, so that points meet their borders and corners; some of equal size."""
    shapes = []
    for _ in range(draw(st.integers(0, 8))):
        east, north, width, height = draw(steps), draw(steps), draw(st.integers(1, 6)), draw(st.integers(1, 6))
        corners = [(east, north), (east + width, north), (east + width, north + height), (east, north + height)]
        shapes.append(shapely.Polygon(corners[: draw(st.sampled_from([3, 4]))]))
    polygons = np.empty(len(shapes), dtype=object)
    polygons[:] = shapes
    return SpecialUnits(polygons, shapely.area(polygons))


@given(units=some_units(), points=st.lists(st.tuples(steps.map(float), steps.map(float)), min_size=1, max_size=20), kept=st.randoms())
def test_what_geos_says_the_smaller_first_and_of_equal_ones_the_lower_code(units: SpecialUnits, points, kept) -> None:
    lons, lats = np.array(points).T
    among = np.array([kept.random() < 0.6 for _ in units.polygons], dtype=bool)
    few = [(None, units.first(lons, lats)), (among, units.first(lons, lats, among=among))]
    with mock.patch.object(special_units, "_MANY", 0):
        many = [(None, units.first(lons, lats)), (among, units.first(lons, lats, among=among))]
    for answering, found in [*few, *many]:
        for at, (lon, lat) in enumerate(points):
            held = [unit for unit, shape in enumerate(units.polygons) if shapely.intersects(shape, shapely.Point(lon, lat))]
            ordered = sorted(held, key=lambda unit: (units.areas_m2[unit], unit))
            assert units.holding(lon, lat) == tuple(ordered)
            able = [unit for unit in ordered if answering is None or answering[unit]]
            assert found[at] == (able[0] if able else -1)


def test_a_point_without_coordinates_is_in_none() -> None:
    units = SpecialUnits(np.array([shapely.box(0, 0, 1, 1)], dtype=object), np.ones(1))
    assert units.first(np.array([np.nan, 0.5, np.inf]), np.array([0.5, 0.5, 0.5])).tolist() == [-1, 0, -1]
    assert units.holding(float("nan"), 0.5) == ()


def test_a_city_without_special_units_has_none_anywhere() -> None:
    none = SpecialUnits(np.empty(0, dtype=object), np.empty(0))
    assert none.holding(0.5, 0.5) == ()
    assert none.first(np.array([0.5]), np.array([0.5])).tolist() == [-1]
