"""A city drawn part by part is one city: any streets, any areas, any grouping give borders that both sides draw alike."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from grids.blocks import BlockRules
from grids.dividing import divide
from grids.edition import City, Level, Plan, SourceAreas
from grids.measure import Plane
from grids.parts import Part, cuts_in, draw, draw_here, parts_of
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


@settings(max_examples=15, deadline=None)
@given(ground=grouped(area_coverages()), streets=street_networks())
def test_a_part_is_drawn_the_same_in_any_order_and_company(ground: tuple[np.ndarray, list[int]], streets: np.ndarray) -> None:
    drawn_from = city(*ground, streets, streets[:0])
    parts, _ = parts_of(drawn_from, np.unique(ground[1], return_inverse=True)[1])
    forwards = draw_here(parts)
    again = [draw(part, cuts_of_all(parts, at)) for at, part in reversed(list(enumerate(parts)))][::-1]
    for one, other in zip(forwards, again, strict=True):
        assert shapely.to_wkb(one.polygons).tolist() == shapely.to_wkb(other.polygons).tolist()
        assert one.codes.tolist() == other.codes.tolist()


def cuts_of_all(parts: list[Part], at: int) -> np.ndarray:
    """The cuts of one part and of all others, near or far: those far away must not matter."""
    order = [at, *parts[at].neighbours.tolist()]
    near = [cuts_in(parts[one]) for one in order]
    reached = [
        lines if one == at else lines[shapely.dwithin(lines, shapely.union_all(parts[at].ground.areas[parts[at].ground.own]), 2.0)]
        for one, lines in zip(order, near, strict=True)
    ]
    return np.concatenate(reached)
