"""Special units: which of them hold a point, and which comes first."""

from __future__ import annotations

import pickle
import subprocess
import sys
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


_MANY_THREADS = """
import numpy as np, shapely
from concurrent.futures import ThreadPoolExecutor
from grids.special_units import SpecialUnits
turn = np.linspace(0, 2 * np.pi, 5000)
far = 1 + 0.3 * np.sin(20 * turn)
rng = np.random.default_rng(1)
for _ in range(4):
    polygons = np.array([shapely.Polygon(np.c_[far * np.cos(turn) + at * 0.1, far * np.sin(turn)]) for at in range(20)])
    plain = SpecialUnits(polygons.copy(), shapely.area(polygons))
    {prepare}
    units = SpecialUnits(polygons, shapely.area(polygons))
    asked = [rng.uniform(-2, 4, (150, 2)) for _ in range(2)]
    answers = lambda places: [units.holding(*place) for place in places.tolist()] + units.first(*places.T.copy()).tolist()
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(answers, asked))
    units = plain
    assert found == [answers(places) for places in asked]
print("the same")
"""


def test_threads_may_ask_the_same_large_units_at_once() -> None:
    # In a process of its own: what GEOS builds in two threads at once ends the process.
    for prepare in ("", "shapely.prepare(polygons)"):
        told = subprocess.run(
            [sys.executable, "-c", _MANY_THREADS.replace("{prepare}", prepare)], capture_output=True, text=True, check=False
        )
        assert (told.returncode, told.stdout) == (0, "the same\n"), told.stderr


def test_units_can_be_sent_to_another_process() -> None:
    units = SpecialUnits(np.array([shapely.box(0, 0, 1, 1), shapely.box(0, 0, 2, 2)], dtype=object), np.array([1.0, 4.0]))
    assert units.holding(0.5, 0.5) == (0, 1)
    assert pickle.loads(pickle.dumps(units)).holding(0.5, 0.5) == (0, 1)  # noqa: S301
