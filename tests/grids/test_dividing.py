"""A whole division: nested to the top, seamless in lon, lat, every block with a grid, and the same every time."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from grids.blocks import BlockRules
from grids.cells import outlines
from grids.dividing import divide
from grids.edition import City, Level, Plan, SourceAreas
from grids.errors import NotAPartition, OutsideItsArea
from grids.measure import areas_m2

WEST, SOUTH, STEP = 121.47, 31.23, 0.004
NOTHING = np.empty(0, dtype=object)


def objects(*values: object) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def square(x: int, y: int) -> shapely.Polygon:
    return shapely.box(WEST + STEP * x, SOUTH + STEP * y, WEST + STEP * (x + 1), SOUTH + STEP * (y + 1))


def city(streets: np.ndarray = NOTHING, *, crs: str = "EPSG:32651", named_parents: bool = True) -> City:
    """Two districts of two communities each, side by side."""
    communities = objects(square(0, 0), square(0, 1), square(1, 0), square(1, 1))
    districts = objects(
        shapely.box(WEST, SOUTH, WEST + STEP, SOUTH + 2 * STEP), shapely.box(WEST + STEP, SOUTH, WEST + 2 * STEP, SOUTH + 2 * STEP)
    )
    whole = objects(shapely.box(WEST, SOUTH, WEST + 2 * STEP, SOUTH + 2 * STEP))
    names = [{"en": "a"}] * 4
    parents = objects("310101001", "310101001", "310101002", "310101002") if named_parents else objects(None, None, None, None)
    levels = (
        SourceAreas(Level("city", 0, "area"), objects("310000"), objects(None), objects(names[0]), whole),
        SourceAreas(
            Level("street_town", 1, "area"), objects("310101001", "310101002"), objects(None, None), objects(*names[:2]), districts
        ),
        SourceAreas(
            Level("community", 2, "area"),
            objects("310101001001", "310101001002", "310101002001", "310101002002"),
            parents,
            objects(*names),
            communities,
        ),
    )
    return City(
        crs,
        10,
        levels,
        streets,
        objects(*[{"zh": "人民路"}] * len(streets)),
        objects(*["road"] * len(streets)),
        NOTHING,
        None,
        BlockRules(),
    )


@st.composite
def streets(draw: st.DrawFn) -> np.ndarray:
    inside = st.floats(-0.2, 2.2, allow_nan=False)
    drawn = draw(st.lists(st.lists(st.tuples(inside, inside), min_size=2, max_size=3, unique=True), max_size=8))
    return objects(*(shapely.LineString([(WEST + STEP * x, SOUTH + STEP * y) for x, y in line]) for line in drawn))


def quietly(of: City) -> Plan:
    return divide(of, progress=lambda _: None)


@settings(max_examples=30, deadline=None)
@given(streets())
def test_a_division_is_seamless_nested_and_measured(drawn: np.ndarray) -> None:
    plan = quietly(city(drawn))
    blocks, areas = plan.blocks, plan.areas
    assert shapely.coverage_is_valid(blocks.polygons)
    assert shapely.is_valid(blocks.polygons).all()
    assert (plan.quality["gap_m2"], plan.quality["overlap_m2"]) == (0.0, 0.0)
    for rank in range(3):
        level = np.flatnonzero(areas.rank == rank)
        assert shapely.coverage_is_valid(areas.polygons[level])
        assert areas.areas_m2[level].sum() == pytest.approx(blocks.areas_m2.sum(), rel=1e-9)
        assert (areas.source_difference_m2[level] < 0.02 * 4 * 450).all()
    assert [areas.rank[areas.parent[at]] for at in blocks.area] == [1] * len(blocks.area)
    assert (plan.duty_grids.area[plan.duty_grids.grid_of_block] == blocks.area).all()
    assert len(set(blocks.codes)) == len(blocks.codes)
    assert all(code.startswith(areas.codes[at]) for code, at in zip(blocks.codes, blocks.area, strict=True))


@settings(max_examples=30, deadline=None)
@given(streets())
def test_cells_cover_the_city_and_their_shares_are_its_area(drawn: np.ndarray) -> None:
    plan = quietly(city(drawn))
    cells = plan.cells
    finest = cells.resolution == 10
    total = np.bincount(cells.shared_cell, weights=cells.share, minlength=len(cells.cells))
    within = shapely.contains_properly(plan.areas.polygons[0], outlines(cells.cells)) & finest
    assert total[within] == pytest.approx(1.0, abs=1e-6)
    assert total[finest] == pytest.approx(cells.inside_share[finest], abs=1e-9)
    assert (cells.inside_share[finest] * cells.areas_m2[finest]).sum() == pytest.approx(areas_m2(plan.areas.polygons[:1])[0], rel=1e-4)
    assert sorted(set(cells.resolution.tolist())) == [6, 7, 8, 9, 10]


@settings(max_examples=15, deadline=None)
@given(streets())
def test_the_same_city_gives_the_same_plan(drawn: np.ndarray) -> None:
    once, again = quietly(city(drawn)), quietly(city(drawn))
    assert shapely.to_wkb(once.blocks.polygons).tolist() == shapely.to_wkb(again.blocks.polygons).tolist()
    assert once.segments.left_codes.tolist() == again.segments.left_codes.tolist()
    assert once.quality == again.quality


def test_parents_are_found_by_place_when_they_are_not_named() -> None:
    assert quietly(city(named_parents=False)).areas.parent.tolist() == quietly(city()).areas.parent.tolist() == [-1, 0, 0, 1, 1, 2, 2]


def test_segments_are_numbered_in_the_street_town_and_know_both_names() -> None:
    middle = shapely.LineString([(WEST, SOUTH + STEP / 2), (WEST + 2 * STEP, SOUTH + STEP / 2)])
    plan = quietly(city(objects(middle)))
    assert sorted(plan.segments.codes) == ["310101001-S-0001", "310101002-S-0001"]
    assert plan.segments.names[0] == {"zh": "人民路"}
    assert set(plan.segments.faces.side.tolist()) == {0, 1}


def test_what_cannot_be_divided_is_refused() -> None:
    with pytest.raises(OutsideItsArea):
        quietly(city(crs="EPSG:3067"))
    whole = city()
    twin = whole.levels[2].polygons.copy()
    twin[1] = twin[0]
    levels = (
        *whole.levels[:2],
        SourceAreas(whole.levels[2].level, whole.levels[2].codes, whole.levels[2].parents, whole.levels[2].names, twin),
    )
    with pytest.raises(NotAPartition, match="310101001002"):
        quietly(
            City(
                whole.crs,
                10,
                levels,
                *(getattr(whole, name) for name in ("streets", "street_names", "street_classes", "barriers", "built_up", "rules")),
            )
        )


def test_a_long_straight_border_is_straight_in_degrees_too() -> None:
    """Four communities under one border of a tenth of a degree: projected by its ends alone it would cut off hectares."""
    wide = city()
    boxes = [shapely.box(WEST + 0.025 * at, SOUTH, WEST + 0.025 * (at + 1), SOUTH + 0.02) for at in range(4)]
    whole = shapely.box(WEST, SOUTH, WEST + 0.1, SOUTH + 0.02)
    districts = objects(shapely.union_all(boxes[:2]), shapely.union_all(boxes[2:]))
    polygons = (objects(whole), districts, objects(*boxes))
    levels = tuple(
        SourceAreas(one.level, one.codes, one.parents, one.names, drawn) for one, drawn in zip(wide.levels, polygons, strict=True)
    )
    plan = quietly(
        City(
            wide.crs,
            10,
            levels,
            *(getattr(wide, name) for name in ("streets", "street_names", "street_classes", "barriers", "built_up", "rules")),
        )
    )
    off_m2 = areas_m2(shapely.symmetric_difference(shapely.segmentize(objects(whole), 0.001), plan.areas.polygons[:1]))[0]
    assert off_m2 < 0.01 * 25_000
    assert plan.areas.source_difference_m2[0] == pytest.approx(off_m2, abs=30)
