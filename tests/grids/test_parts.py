"""A city drawn part by part is one city: any streets, any areas, any grouping give borders that both sides draw alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from grids.blocks import BlockRules
from grids.dividing import divide
from grids.edition import City, Level, Plan, SourceAreas
from grids.measure import Plane
from grids.parts import cuts_in, draw, draw_here, parts_of
from tests.grids.test_blocks import area_coverages, areas_digitised_apart, street_networks

CRS = "EPSG:32651"
EAST_M, NORTH_M = 353_000.0, 3_456_000.0
"""Where the square of the strategies lies: in Shanghai, whole metres, so that a centimetre stays one."""


def here(geometries: np.ndarray) -> np.ndarray:
    """Geometry of the strategies (metres from a corner) in lon, lat."""
    return Plane(CRS).to_lonlat(shapely.transform(geometries, lambda xy: xy + np.array([EAST_M, NORTH_M])))


def objects(values: list[object]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def city(areas: np.ndarray, group: list[int], streets: np.ndarray, barriers: np.ndarray) -> City:
    """A city of three levels whose lowest areas belong to the street/town that ``group`` says."""
    towns = sorted(set(group))
    names = objects([{"en": "a"}] * len(areas))
    levels = (
        SourceAreas(Level("city", 0, "area"), objects(["31"]), objects([None]), names[:1], None),
        SourceAreas(
            Level("street_town", 1, "area"),
            objects([f"T{at}" for at in towns]),
            objects(["31"] * len(towns)),
            objects([{}] * len(towns)),
            None,
        ),
        SourceAreas(
            Level("community", 2, "area"),
            objects([f"C{at:02d}" for at in range(len(areas))]),
            objects([f"T{at}" for at in group]),
            names,
            here(areas),
        ),
    )
    kinds = objects(["road"] * len(streets))
    return City(CRS, 11, levels, here(streets), objects([{}] * len(streets)), kinds, here(barriers), None, BlockRules())


@st.composite
def grouped(draw: st.DrawFn, coverages: st.SearchStrategy[np.ndarray]) -> tuple[np.ndarray, list[int]]:
    areas = draw(coverages)
    return areas, draw(st.lists(st.integers(0, 3), min_size=len(areas), max_size=len(areas)))


def quietly(of: City) -> Plan:
    return divide(of, progress=lambda _: None)


@settings(max_examples=60, deadline=None)
@given(ground=grouped(st.one_of(area_coverages(), areas_digitised_apart())), streets=street_networks(), barriers=street_networks())
def test_parts_meet_in_every_vertex_and_leave_nothing_between_them(
    ground: tuple[np.ndarray, list[int]], streets: np.ndarray, barriers: np.ndarray
) -> None:
    plan = quietly(city(*ground, streets, barriers))
    assert shapely.coverage_is_valid(plan.blocks.polygons)
    assert shapely.is_valid(plan.blocks.polygons).all()
    assert (plan.quality["gap_m2"], plan.quality["overlap_m2"]) == (0.0, 0.0)
    for rank in range(3):
        assert shapely.coverage_is_valid(plan.areas.polygons[plan.areas.rank == rank])
    # Numbered in order: codes ascend, and every area's numbers run from 1 without a gap.
    assert plan.blocks.codes.tolist() == sorted(plan.blocks.codes)
    for at in np.unique(plan.blocks.area):
        numbers = [int(code.split("-")[2][:4]) for code in plan.blocks.codes[plan.blocks.area == at]]
        assert numbers == list(range(1, len(numbers) + 1))


@settings(max_examples=25, deadline=None)
@given(ground=grouped(area_coverages()), streets=street_networks())
def test_how_a_city_is_grouped_into_parts_does_not_show_in_its_blocks(ground: tuple[np.ndarray, list[int]], streets: np.ndarray) -> None:
    areas, group = ground
    apart = quietly(city(areas, group, streets, streets[:0]))
    whole = quietly(city(areas, [0] * len(areas), streets, streets[:0]))
    assert (
        shapely.to_wkb(shapely.normalize(apart.blocks.polygons)).tolist()
        == shapely.to_wkb(shapely.normalize(whole.blocks.polygons)).tolist()
    )
    assert apart.blocks.codes.tolist() == whole.blocks.codes.tolist()
    assert sorted(shapely.to_wkb(shapely.normalize(apart.segments.lines))) == sorted(
        shapely.to_wkb(shapely.normalize(whole.segments.lines))
    )


@st.composite
def areas_over_each_other(draw: st.DrawFn) -> np.ndarray:
    """Areas of which one lies across others by hundreds of metres: its border runs through ground that it does not keep."""
    areas = draw(area_coverages())
    corner, size = st.floats(0, 700), st.floats(80, 500)
    west, south, width, height = draw(corner), draw(corner), draw(size), draw(size)
    slant = draw(st.floats(-60, 60))
    across = shapely.Polygon([(west, south), (west + width, south + slant), (west + width, south + height + slant), (west, south + height)])
    kept = [area for area in areas if not across.covers(area)]
    return objects([*kept, across] if kept and not shapely.union_all(kept).covers(across) else list(areas))


@settings(max_examples=40, deadline=None)
@given(ground=grouped(areas_over_each_other()), streets=street_networks(), built_up=area_coverages())
def test_parts_meet_where_areas_lie_over_each_other(
    ground: tuple[np.ndarray, list[int]], streets: np.ndarray, built_up: np.ndarray
) -> None:
    apart = quietly(replace(city(*ground, streets, streets[:1]), built_up=here(built_up[:1])))
    assert shapely.coverage_is_valid(apart.blocks.polygons)
    assert (apart.quality["gap_m2"], apart.quality["overlap_m2"]) == (0.0, 0.0)
    whole = quietly(replace(city(ground[0], [0] * len(ground[0]), streets, streets[:1]), built_up=here(built_up[:1])))
    shapes = [shapely.to_wkb(shapely.normalize(plan.blocks.polygons)).tolist() for plan in (apart, whole)]
    assert shapes[0] == shapes[1]
    assert apart.blocks.built_up.tolist() == whole.blocks.built_up.tolist()


@settings(max_examples=15, deadline=None)
@given(ground=grouped(area_coverages()), streets=street_networks())
def test_a_part_is_drawn_the_same_whatever_else_is_far_away(ground: tuple[np.ndarray, list[int]], streets: np.ndarray) -> None:
    drawn_from = city(*ground, streets, streets[:0])
    parts, _ = parts_of(drawn_from, np.unique(ground[1], return_inverse=True)[1])
    cuts = [cuts_in(part) for part in parts]
    for at, (part, drawn) in enumerate(zip(parts, draw_here(parts), strict=True)):
        # All cuts of the city, its own first: those far away may not matter.
        every = np.concatenate([cuts[at], *(cuts[other] for other in range(len(parts)) if other != at)])
        again = draw(part, every)
        assert shapely.to_wkb(drawn.polygons).tolist() == shapely.to_wkb(again.polygons).tolist()
        assert drawn.codes.tolist() == again.codes.tolist()


def test_an_area_with_many_lowest_areas_is_several_parts() -> None:
    areas = objects([shapely.box(60.0 * (at % 20), 60.0 * (at // 20), 60.0 * (at % 20 + 1), 60.0 * (at // 20 + 1)) for at in range(240)])
    none = objects([])
    parts, _ = parts_of(city(areas, [0] * 240, none, none), np.zeros(240, dtype=np.int64))
    assert len(parts) == 4
    assert sorted(int(part.areas[at]) for part in parts for at in np.flatnonzero(part.ground.own)) == list(range(240))
    plan = quietly(city(areas, [0] * 240, none, none))
    assert (plan.quality["counts"]["blocks"], plan.quality["gap_m2"]) == (240, 0.0)
