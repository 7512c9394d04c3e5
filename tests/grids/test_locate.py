"""The index says what GEOS says, with one rule for borders; sides are those of a plain computation."""

from __future__ import annotations

import pickle
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from grids.edition import LEFT, RIGHT
from grids.locate import NEAREST_M, How, Index, Place
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
        beside = How.NEAREST if found.segment[at] >= 0 else How.OUTSIDE
        assert found.how[at] == (How.INSIDE if inside else How.BORDER if touching else beside)


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
    for index in (INDEX, Index.unpacked(INDEX.packed())):
        assert index.locate_one(np.nan, SOUTH)[:3] == (0, -1, -1)
    assert len(INDEX.locate(np.empty(0), np.empty(0)).block) == 0


def test_an_edition_without_streets_or_blocks_answers_outside() -> None:
    nothing = Index(CELLS[:0], STREETS[:0], SHANGHAI, 10)
    found = nothing.locate(np.array([WEST]), np.array([SOUTH]))
    assert (found.block[0], found.segment[0], found.how[0]) == (-1, -1, How.OUTSIDE)
    assert found.cell[0] > 0


def test_a_prepared_index_says_what_geos_said_for_one_and_for_many() -> None:
    prepared = Index(CELLS, STREETS, SHANGHAI, 10)
    prepared.prepare()
    places = np.random.default_rng(3).uniform(-0.5, 3.5, (400, 2))
    places[:100] = np.round(places[:100])
    lons, lats = WEST + STEP * places[:, 0], SOUTH + STEP * places[:, 1]
    one, other = INDEX.locate(lons, lats), prepared.locate(lons, lats)
    assert set(one.how.tolist()) == set(How)
    for name in ("cell", "block", "segment", "side", "offset_m", "how"):
        assert np.array_equal(getattr(one, name), getattr(other, name), equal_nan=name == "offset_m"), name
    for index in (INDEX, prepared):
        alone = [index.locate_one(*place) for place in zip(lons.tolist(), lats.tolist(), strict=True)]
        for name in Place._fields:
            assert np.array_equal([getattr(place, name) for place in alone], getattr(one, name), equal_nan=True), name


def test_many_points_at_once_build_the_raster() -> None:
    index = Index(CELLS, STREETS, SHANGHAI, 10)
    index.locate(np.full(100, WEST + STEP / 2), np.full(100, SOUTH + STEP / 2))
    assert "_raster" not in index.__dict__
    assert set(index._blocks_at(np.full(60_000, WEST + STEP / 2), np.full(60_000, SOUTH + STEP / 2))[0].tolist()) == {0}
    assert "_raster" in index.__dict__


def test_an_index_is_kept_in_a_file_and_mapped(tmp_path: Path) -> None:
    lons, lats = WEST + STEP * np.linspace(-0.5, 3.5, 50), SOUTH + STEP * np.linspace(3.5, -0.5, 50)
    said = INDEX.locate(lons, lats)
    np.save(tmp_path / "index.npy", INDEX.packed())
    mapped = Index.unpacked(np.load(tmp_path / "index.npy", mmap_mode="r"))
    assert not mapped._raster.edges.flags.owndata
    assert not mapped._line_grid.pieces.flags.owndata
    assert mapped.has_tables
    assert not mapped.is_prepared
    again = pickle.loads(pickle.dumps(mapped))  # noqa: S301
    for index in (mapped, again):
        found = index.locate(lons, lats)
        assert np.array_equal(found.block, said.block)
        assert np.array_equal(found.segment, said.segment)
        assert np.array_equal(found.offset_m, said.offset_m, equal_nan=True)
        assert (index.plane, index.cell_resolution) == (SHANGHAI, 10)


def test_a_prepared_index_has_nothing_left_to_build_also_when_it_comes_from_a_file() -> None:
    made, read = Index(CELLS, STREETS, SHANGHAI, 10), Index.unpacked(INDEX.packed())
    junction = WEST + STEP, SOUTH + STEP
    for index in (made, read):
        index.prepare()
        assert index.is_prepared
        with mock.patch("shapely.STRtree", side_effect=AssertionError("a tree was built")):
            index.prepare()
            found = index.locate_one(*junction)
            assert index.locate_one(WEST + STEP / 2, SOUTH + STEP / 2).how == How.INSIDE
            # What GEOS is asked with in doubt is there.
            assert (len(index._raster._tree), len(index._line_tree)) == (len(CELLS), len(STREETS))
        assert found == INDEX.locate_one(*junction)
        sent = pickle.loads(pickle.dumps(index))  # noqa: S301
        assert not sent.is_prepared
        sent.prepare()
        assert sent.locate_one(*junction) == index.locate_one(*junction)


def test_an_index_without_streets_or_blocks_is_kept_too() -> None:
    nothing = Index.unpacked(Index(CELLS[:0], STREETS[:0], SHANGHAI, 10).packed())
    assert nothing.locate_one(WEST, SOUTH)[1:3] == (-1, -1)
    assert nothing.locate(np.array([WEST]), np.array([SOUTH])).segment.tolist() == [-1]


def test_bytes_that_are_no_index_are_refused() -> None:
    whole = INDEX.packed()
    for bad in (whole[:-1], whole[:50], whole[:5], np.zeros(100, dtype=np.uint8), np.append(whole, whole)):
        with pytest.raises(ValueError, match="packed arrays"):
            Index.unpacked(bad)
