"""The grid of lines finds what GEOS finds: the same line, the same side, the same distance; ties and junctions included."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from grids import nearest_line
from grids.locate import NEAREST_M, Index
from grids.measure import Plane
from grids.nearest_line import DOUBT, LEFT, NONE, RIGHT, build

SHANGHAI = Plane("EPSG:32651")
ORIGIN_M = np.array([350_000.0, 3_450_000.0])


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 80), size_m=st.sampled_from([5.0, 300.0, 2000.0]), lattice=st.booleans())
def test_segments_sides_and_offsets_are_those_of_geos(seed: int, count: int, size_m: float, lattice: bool) -> None:
    chance = np.random.default_rng(seed)
    round_to = partial(np.round, decimals=-1) if lattice else np.asarray
    corners = round_to(chance.uniform(0, size_m, (count, 4, 2))) + ORIGIN_M
    # Junctions: lines that begin where another ends, and closed ones.
    corners[1::2, 0] = corners[: len(corners[1::2]), 3]
    corners[::5, 3] = corners[::5, 0]
    lines = np.array([shapely.LineString(at) for at in corners])
    at = shapely.get_coordinates(lines)
    places = np.concatenate(
        [chance.uniform(-200, size_m + 200, (150, 2)) + ORIGIN_M, at, (at[1:] + at[:-1]) / 2, at + np.array([0, NEAREST_M])]
    )
    lonlat = shapely.get_coordinates(SHANGHAI.to_lonlat(shapely.points(places)))
    lons, lats = lonlat[:, 0].copy(), lonlat[:, 1].copy()
    plain, made = (Index(np.empty(0, dtype=object), SHANGHAI.to_lonlat(lines), SHANGHAI, 10) for _ in range(2))
    made.prepare()
    said = plain.locate(lons, lats)
    metres = shapely.points(*SHANGHAI.points_to_metres(lons, lats))
    (point, line), away_m = shapely.STRtree(plain._lines).query_nearest(metres, max_distance=NEAREST_M, return_distance=True)
    for number in range(len(lons)):
        mine = point == number
        assert said.segment[number] == min(line[mine], default=-1)
        assert not mine.any() or said.offset_m[number] == away_m[mine][0]
    for times in (1, nearest_line._FEW // len(lons) + 2):
        found = made.locate(np.tile(lons, times), np.tile(lats, times))
        assert np.array_equal(found.segment, np.tile(said.segment, times))
        assert np.array_equal(found.side, np.tile(said.side, times))
        assert np.array_equal(found.offset_m, np.tile(said.offset_m, times), equal_nan=True)


@pytest.mark.parametrize(
    ("x", "y", "line", "side"),
    [
        (50.0, 10.0, 0, LEFT),
        (50.0, -10.0, 0, RIGHT),
        (50.0, 0.0, 0, 0),  # on it
        (100.02, 30.0, 1, RIGHT),
        (-20.0, 5.0, 0, 0),  # beyond its end
        (100.0, 0.0, DOUBT, 0),  # the junction of both
        (150.0, -20.0, DOUBT, 0),
        (50.0, -149.0, 0, RIGHT),
        (50.0, -151.0, NONE, 0),
        (1e9, 0.0, NONE, 0),
    ],
)
def test_one_line_alone_is_sure_and_ties_are_left_to_geos(x: float, y: float, line: int, side: int) -> None:
    grid = build(np.array([shapely.LineString([(0, 0), (100, 0)]), shapely.LineString([(100, 0), (100, 100)])]), within_m=NEAREST_M)
    found = grid.nearest(np.full(3, x), np.full(3, y))
    assert (set(found[0].tolist()), set(found[1].tolist())) == ({line}, {side})


def test_without_lines_nothing_is_near() -> None:
    assert build(np.empty(0, dtype=object), within_m=NEAREST_M).nearest(np.zeros(300), np.zeros(300))[0].tolist() == [NONE] * 300
