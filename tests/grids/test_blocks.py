"""Blocks are a partition of their areas: for any streets, any areas, to the last vertex."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from grids.blocks import BlockRules, Blocks, Ground, cuts_of_large_blocks, draw_blocks, whole_ground
from grids.quality import gap_and_overlap_m2
from grids.seamless import seamless

SIDE_M = 900.0
NOTHING = np.empty(0, dtype=object)
# Errors of area come from snapping to the centimetre grid along the outer rim only: half a grid step on every metre.
RIM_M = 0.01


def lines(*coordinates: list[tuple[float, float]]) -> np.ndarray:
    made = np.empty(len(coordinates), dtype=object)
    made[:] = [shapely.LineString(one) for one in coordinates]
    return made


def drawn(ground: Ground, rules: BlockRules) -> Blocks:
    """The blocks of a whole ground: its large blocks are cut, and drawn with the cuts."""
    return draw_blocks(ground, rules, cuts_of_large_blocks(ground, rules))


@st.composite
def street_networks(draw: st.DrawFn) -> np.ndarray:
    """Streets of any kind: through, dead ends, crossing, doubled within centimetres, leaving the city."""
    inside = st.integers(-100, int(SIDE_M) + 100).map(float)
    point = st.tuples(inside, inside)
    drawn = draw(st.lists(st.lists(point, min_size=2, max_size=4, unique=True), min_size=0, max_size=14))
    doubled = draw(st.booleans())
    if doubled and drawn:
        shift = draw(st.sampled_from([0.004, 0.02, 3.0]))
        drawn.append([(x + shift, y + shift) for x, y in drawn[0]])
    return lines(*drawn) if drawn else NOTHING


@st.composite
def area_coverages(draw: st.DrawFn) -> np.ndarray:
    """Lowest areas that partition a square: a slanted grid of them, some joined, sometimes one with an island of another."""
    columns, rows = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    slants = draw(st.lists(st.integers(-60, 60), min_size=columns - 1, max_size=columns - 1))
    cuts = [
        shapely.LineString([(SIDE_M * (at + 1) / columns + slant, -1), (SIDE_M * (at + 1) / columns - slant, SIDE_M + 1)])
        for at, slant in enumerate(slants)
    ]
    cuts += [shapely.LineString([(-1, SIDE_M * (at + 1) / rows), (SIDE_M + 1, SIDE_M * (at + 1) / rows)]) for at in range(rows - 1)]
    square = shapely.box(0, 0, SIDE_M, SIDE_M)
    faces = list(shapely.polygonize([shapely.union_all([square.exterior, *cuts])]).geoms)
    areas = [face for face in faces if square.buffer(0.001).covers(face)]
    if draw(st.booleans()):
        island = shapely.point_on_surface(areas[0]).buffer(40, quad_segs=4)
        areas = [areas[0].difference(island), island & areas[0], *areas[1:]]
    made = np.empty(len(areas), dtype=object)
    made[:] = areas
    return made


def partition_faults(blocks: Blocks, areas: np.ndarray) -> list[str]:
    """Every way in which blocks fail to be an exact partition of the areas; empty when they are one."""
    polygons = blocks.polygons
    rules = {
        "a block is not a valid polygon": shapely.is_valid(polygons).all(),
        "a block has several parts": (shapely.get_type_id(polygons) == shapely.GeometryType.POLYGON).all(),
        "blocks do not share all vertices": shapely.coverage_is_valid(polygons),
        "two blocks overlap": shapely.STRtree(polygons).query(polygons, predicate="overlaps").size == 0,
        "an area has no block": set(blocks.areas.tolist()) == set(range(len(areas))),
    }
    return [fault for fault, kept in rules.items() if not kept] + [
        fault for at, area in enumerate(areas) for fault in union_faults(polygons[blocks.areas == at], area)
    ]


def union_faults(mine: np.ndarray, area: shapely.Polygon) -> list[str]:
    union = shapely.coverage_union_all(mine)
    off_m2 = shapely.symmetric_difference(union, area).area
    apart = bool(off_m2 > RIM_M * area.length + RIM_M)
    uneven = bool(abs(union.area - shapely.area(mine).sum()) > 1e-6)
    return [f"blocks and their area differ by {off_m2} m²"] * apart + ["blocks add up to another area than their union"] * uneven


@settings(max_examples=120, deadline=None)
@given(areas=area_coverages(), streets=street_networks())
def test_blocks_partition_every_area(areas: np.ndarray, streets: np.ndarray) -> None:
    blocks = drawn(whole_ground(areas, streets, NOTHING), BlockRules())
    assert partition_faults(blocks, areas) == []
    to_degrees = shapely.transform(blocks.polygons, lambda metres: metres / 111_320)
    assert gap_and_overlap_m2(to_degrees, NOTHING) == (0.0, 0.0)


@st.composite
def areas_digitised_apart(draw: st.DrawFn) -> np.ndarray:
    """The same areas, but each drawn on its own: borders apart or over each other by up to two metres, an enclave partly filled."""
    exact = draw(area_coverages())
    apart_m = draw(st.sampled_from([0.003, 0.05, 2.0]))
    dense = shapely.segmentize(exact, 40.0)
    moved = [
        shapely.transform(area, lambda xy, at=at: xy + apart_m * np.sin(xy[:, ::-1] * (1.3 + at) + at)) for at, area in enumerate(dense)
    ]
    if draw(st.booleans()):
        hole = shapely.point_on_surface(moved[0]).buffer(30, quad_segs=4)
        moved = [moved[0].difference(hole), hole.buffer(-apart_m) & moved[0], *moved[1:]]
    made = np.empty(len(moved), dtype=object)
    made[:] = [
        shapely.union_all([part for part in shapely.get_parts(shapely.make_valid(area)) if part.geom_type == "Polygon"]) for area in moved
    ]
    return made


@settings(max_examples=80, deadline=None)
@given(areas=areas_digitised_apart(), streets=street_networks(), barriers=street_networks(), built_up=area_coverages())
def test_blocks_leave_no_hole_however_the_areas_were_digitised(
    areas: np.ndarray, streets: np.ndarray, barriers: np.ndarray, built_up: np.ndarray
) -> None:
    blocks = drawn(whole_ground(areas, streets, barriers, built_up[:1]), BlockRules())
    assert shapely.coverage_is_valid(blocks.polygons)
    union = shapely.coverage_union_all(blocks.polygons)
    # Judged apart from the code under test: no hole in the union that is not a hole of one source area to itself.
    holes = [shapely.polygons(ring) for part in shapely.get_parts(union) for ring in shapely.get_rings(part)[1:]]
    meant = [shapely.polygons(ring) for area in areas for part in shapely.get_parts(area) for ring in shapely.get_rings(part)[1:]]
    for hole in holes:
        within = [ring for ring in meant if ring.buffer(0.1).covers(hole)]
        assert within
        assert all(shapely.intersection(ring, area).area < 1.0 for ring in within for area in areas)
    covered = shapely.difference(shapely.union_all(areas), union.buffer(0.02)).area
    assert covered < 0.1


@settings(max_examples=40, deadline=None)
@given(areas=area_coverages(), streets=street_networks())
def test_the_same_ground_gives_the_same_blocks(areas: np.ndarray, streets: np.ndarray) -> None:
    once, again = (drawn(whole_ground(areas, streets, streets[:1]), BlockRules()) for _ in range(2))
    assert shapely.to_wkb(once.polygons).tolist() == shapely.to_wkb(again.polygons).tolist()
    assert once.areas.tolist() == again.areas.tolist()


@settings(max_examples=60, deadline=None)
@given(areas=area_coverages(), streets=street_networks())
def test_no_block_is_larger_than_allowed_or_smaller_than_needed(areas: np.ndarray, streets: np.ndarray) -> None:
    rules = BlockRules(min_m2=2_000, max_m2=30_000)
    blocks = drawn(whole_ground(areas, streets, NOTHING), rules)
    sizes = shapely.area(blocks.polygons)
    # A small face joins a neighbour even where that goes over the limit, but never by more than a small face.
    assert sizes.max() <= rules.max_m2 + 2 * rules.min_m2
    alone = np.bincount(blocks.areas, minlength=len(areas))[blocks.areas] == 1
    assert (sizes[~alone] >= rules.min_m2).all()


def test_a_plain_grid_of_streets_gives_its_faces() -> None:
    streets = lines(
        *([(100.0 * at, 0.0), (100.0 * at, 300.0)] for at in (1, 2)), *([(0.0, 100.0 * at), (300.0, 100.0 * at)] for at in (1, 2))
    )
    blocks = drawn(whole_ground(np.array([shapely.box(0, 0, 300, 300)]), streets, NOTHING), BlockRules())
    assert len(blocks.polygons) == 9
    assert shapely.area(blocks.polygons) == pytest.approx([10_000.0] * 9)


def test_a_sliver_between_two_carriageways_joins_a_neighbour() -> None:
    streets = lines([(150.0, 0.0), (150.0, 300.0)], [(155.0, 0.0), (155.0, 300.0)])
    blocks = drawn(whole_ground(np.array([shapely.box(0, 0, 300, 100)]), streets, NOTHING), BlockRules(min_m2=100))
    assert len(blocks.polygons) == 2


def test_small_faces_do_not_join_across_a_barrier_while_they_need_not() -> None:
    river = lines([(0.0, 50.0), (300.0, 50.0)])
    streets = lines([(30.0, 50.0), (30.0, 100.0)])
    blocks = drawn(whole_ground(np.array([shapely.box(0, 0, 300, 100)]), streets, river), BlockRules(min_m2=2_000))
    south = shapely.box(0, 0, 300, 50)
    assert len(blocks.polygons) == 2
    assert any(block.equals(south) for block in blocks.polygons)


def test_an_oversized_block_is_cut_on_built_up_land_only() -> None:
    area = np.array([shapely.box(0, 0, 600, 300)])
    built_up = np.array([shapely.box(0, 0, 600, 300)])
    everywhere = drawn(whole_ground(area, NOTHING, NOTHING, built_up), BlockRules())
    nowhere = drawn(whole_ground(area, NOTHING, NOTHING, NOTHING), BlockRules())
    assert len(everywhere.polygons) == 6
    assert shapely.area(everywhere.polygons) == pytest.approx([30_000.0] * 6, rel=1e-3)
    assert len(nowhere.polygons) == 1


def test_a_hole_between_areas_goes_to_the_neighbour_with_the_longest_border() -> None:
    west, east = shapely.box(0, 0, 100, 100), shapely.box(120, 0, 220, 100)
    bridge_south, bridge_north = shapely.box(100, 0, 120, 20), shapely.box(100, 90, 120, 100)
    areas = np.array([west.union(bridge_south), east, bridge_north])
    blocks = drawn(whole_ground(areas, NOTHING, NOTHING), BlockRules(min_m2=10, max_m2=50_000))
    hole = shapely.Point(110, 50)
    holder = [int(blocks.areas[at]) for at, block in enumerate(blocks.polygons) if block.covers(hole)]
    assert holder == [0]
    assert shapely.area(blocks.polygons).sum() == pytest.approx(220 * 100)


def test_where_areas_overlap_the_earlier_has_the_place() -> None:
    areas = np.array([shapely.box(0, 0, 100, 100), shapely.box(60, 0, 200, 100)])
    blocks = drawn(whole_ground(areas, NOTHING, NOTHING), BlockRules(min_m2=10))
    assert shapely.area(blocks.polygons).sum() == pytest.approx(20_000)
    assert shapely.coverage_union_all(blocks.polygons[blocks.areas == 0]).equals(areas[0])
    assert shapely.coverage_union_all(blocks.polygons[blocks.areas == 1]).equals(shapely.box(100, 0, 200, 100))


def test_an_enclave_digitised_a_metre_off_leaves_nobody_out() -> None:
    ring = shapely.box(0, 0, 300, 300).difference(shapely.box(100, 100, 200, 200))
    areas = np.array([ring, shapely.box(101, 100, 200, 200)])
    blocks = drawn(whole_ground(areas, NOTHING, NOTHING), BlockRules(max_m2=100_000))
    assert shapely.area(blocks.polygons).sum() == pytest.approx(90_000)
    assert len(seamless(areas).left_out) == 0


def test_a_hole_that_one_area_leaves_out_stays_outside() -> None:
    ring = shapely.box(0, 0, 200, 200).difference(shapely.box(80, 80, 120, 120))
    blocks = drawn(whole_ground(np.array([ring]), NOTHING, NOTHING), BlockRules(max_m2=100_000))
    assert shapely.area(blocks.polygons).sum() == pytest.approx(ring.area)
    assert shapely.area(seamless(np.array([ring])).left_out).sum() == pytest.approx(40 * 40)
