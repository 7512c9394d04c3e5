"""The index says what GEOS says, with one rule for borders; sides are those of a plain computation."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from grids.edition import LEFT, RIGHT
from grids.locate import NEAREST_M, How, Index
from grids.measure import Plane

SHANGHAI = Plane("EPSG:32651")
WEST, SOUTH, STEP = 121.47, 31.23, 0.002
CELLS = np.array(
    [shapely.box(WEST + STEP * x, SOUTH + STEP * y, WEST + STEP * (x + 1), SOUTH + STEP * (y + 1)) for y in range(3) for x in range(3)]
)
STREETS = np.array(
    [
        shapely.LineString([(WEST, SOUTH + STEP), (WEST + 3 * STEP, SOUTH + STEP)]),
        shapely.LineString([(WEST + STEP, SOUTH + 3 * STEP), (WEST + STEP, SOUTH)]),
    ]
)
INDEX = Index(CELLS, STREETS, SHANGHAI, 10)

# A quarter of the coordinates lie on borders and corners.
on_grid = st.sampled_from([0.0, 1.0, 2.0, 3.0])
coordinate = st.one_of(st.floats(-0.5, 3.5), on_grid)


@settings(deadline=None)
@given(st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=60))
def test_blocks_are_those_of_geos_and_a_border_has_the_lowest(points: list[tuple[float, float]]) -> None:
    lons = np.array([WEST + STEP * x for x, _ in points])
    lats = np.array([SOUTH + STEP * y for _, y in points])
    found = INDEX.locate(lons, lats)
    for at, (lon, lat) in enumerate(zip(lons, lats, strict=True)):
        point = shapely.Point(lon, lat)
        touching = [unit for unit, polygon in enumerate(CELLS) if polygon.intersects(point)]
        assert found.block[at] == (touching[0] if touching else -1)
        inside = any(polygon.contains_properly(point) for polygon in CELLS)
        assert found.how[at] == (How.INSIDE if inside else How.BORDER if touching else How.OUTSIDE)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 2.99), st.floats(0.01, 2.99)), min_size=1, max_size=40))
def test_segments_are_the_nearest_and_sides_follow_the_direction_of_digitising(points: list[tuple[float, float]]) -> None:
    lons = np.array([WEST + STEP * x for x, _ in points])
    lats = np.array([SOUTH + STEP * y for _, y in points])
    found = INDEX.locate(lons, lats)
    lines, places = SHANGHAI.to_metres(STREETS), SHANGHAI.to_metres(shapely.points(lons, lats))
    for at, place in enumerate(places):
        away = shapely.distance(lines, place)
        if away.min() > NEAREST_M:
            assert found.segment[at] == -1
            assert np.isnan(found.offset_m[at])
            continue
        assert found.offset_m[at] == pytest.approx(away.min(), abs=1e-6)
        assert away[found.segment[at]] == pytest.approx(away.min(), abs=1e-6)
        if away.min() > 0.01:
            start, end = shapely.get_coordinates(lines[found.segment[at]])
            along, to = end - start, shapely.get_coordinates(place)[0] - start
            assert found.side[at] == (LEFT if along[0] * to[1] - along[1] * to[0] > 0 else RIGHT)


def test_a_point_that_is_no_point_is_outside() -> None:
    found = INDEX.locate(np.array([np.nan, np.inf, WEST]), np.array([SOUTH, SOUTH, np.nan]))
    assert found.block.tolist() == [-1, -1, -1]
    assert found.cell.tolist() == [0, 0, 0]
    assert found.segment.tolist() == [-1, -1, -1]
    assert len(INDEX.locate(np.empty(0), np.empty(0)).block) == 0


def test_an_edition_without_streets_or_blocks_answers_outside() -> None:
    nothing = Index(CELLS[:0], STREETS[:0], SHANGHAI, 10)
    found = nothing.locate(np.array([WEST]), np.array([SOUTH]))
    assert (found.block[0], found.segment[0], found.how[0]) == (-1, -1, How.OUTSIDE)
    assert found.cell[0] > 0
