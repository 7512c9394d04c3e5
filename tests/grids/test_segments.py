"""Segments: junction to junction, on the right side of the right block."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
import shapely.ops
from hypothesis import given, settings

from grids.blocks import BlockRules, Blocks, whole_ground
from grids.edition import LEFT, RIGHT
from grids.segments import Segments, draw_segments, street_edges
from tests.grids import test_blocks
from tests.grids.test_blocks import NOTHING, area_coverages, lines, street_networks


def drawn(areas: np.ndarray, streets: np.ndarray, kinds: list[int] | None = None, *, rules: BlockRules | None = None) -> Segments:
    return drawn_with_blocks(areas, streets, kinds, rules=rules)[0]


def drawn_with_blocks(
    areas: np.ndarray, streets: np.ndarray, kinds: list[int] | None = None, *, rules: BlockRules | None = None
) -> tuple[Segments, Blocks]:
    ground = whole_ground(areas, streets, NOTHING)
    blocks = test_blocks.drawn(ground, rules or BlockRules())
    edges = street_edges(streets, blocks, ground.areas)
    return draw_segments(edges, streets, np.array(kinds or [0] * len(streets), dtype=np.int64)), blocks


SQUARE = np.array([shapely.box(0, 0, 300, 300)])


def test_a_crossing_makes_four_segments_that_run_as_their_street_runs() -> None:
    segments = drawn(SQUARE, lines([(0, 150), (300, 150)], [(150, 300), (150, 0)]))
    ends = sorted((line.coords[0], line.coords[-1]) for line in segments.lines)
    assert ends == [((0, 150), (150, 150)), ((150, 150), (150, 0)), ((150, 150), (300, 150)), ((150, 300), (150, 150))]
    assert segments.street.tolist().count(0) == 2
    assert not segments.orphans.any()


def test_a_bend_is_no_junction_and_a_change_of_kind_is_one() -> None:
    streets = lines([(0, 150), (100, 150)], [(100, 150), (200, 150)], [(200, 150), (300, 150)])
    segments = drawn(SQUARE, streets, [7, 7, 8])
    assert sorted(round(length) for length in shapely.length(segments.lines)) == [100, 200]


def test_left_and_right_face_the_blocks_that_lie_there() -> None:
    streets = lines([(0, 150), (300, 150)])
    segments, blocks = drawn_with_blocks(SQUARE, streets, rules=BlockRules(max_m2=50_000))
    faced = {int(side): blocks.polygons[block] for side, block in zip(segments.faces.side, segments.faces.block, strict=True)}
    assert faced[LEFT].equals(shapely.box(0, 150, 300, 300))
    assert faced[RIGHT].equals(shapely.box(0, 0, 300, 150))


def test_a_dead_end_inside_a_block_faces_it_on_both_sides() -> None:
    segments = drawn(SQUARE, lines([(0, 150), (100, 150)]), rules=BlockRules(max_m2=100_000))
    assert segments.faces.block.tolist() == [0, 0]
    assert segments.orphans.tolist() == [True]


def test_a_segment_ends_where_the_lowest_area_ends() -> None:
    areas = np.array([shapely.box(0, 0, 150, 300), shapely.box(150, 0, 300, 300)])
    segments = drawn(areas, lines([(0, 100), (300, 100)]))
    assert sorted(round(length) for length in shapely.length(segments.lines)) == [150, 150]


def test_a_street_along_a_border_is_one_segment_though_the_two_lines_cross_now_and_then() -> None:
    wavy = [(150 + (0.02 if at % 2 else -0.02), 20.0 * at) for at in range(16)]
    areas = np.array([shapely.box(0, 0, 150, 300), shapely.box(150, 0, 300, 300)])
    segments = drawn(areas, lines(wavy))
    assert len(segments.lines) <= 2
    assert shapely.length(segments.lines).sum() == pytest.approx(300, abs=0.5)


def test_a_street_outside_the_city_or_without_length_gives_nothing() -> None:
    assert len(drawn(SQUARE, lines([(50, 50), (50, 50)])).lines) == 0
    assert len(drawn(SQUARE, lines([(400, 0), (400, 300)])).lines) == 0
    assert len(drawn(SQUARE, NOTHING).lines) == 0


@settings(max_examples=80, deadline=None)
@given(areas=area_coverages(), streets=street_networks())
def test_faces_cover_each_side_once_and_hold_the_ground_beside_it(areas: np.ndarray, streets: np.ndarray) -> None:
    segments, blocks = drawn_with_blocks(areas, streets)
    faces, lengths = segments.faces, shapely.length(segments.lines)
    for side in (LEFT, RIGHT):
        mine = faces.side == side
        covered = np.bincount(faces.segment[mine], weights=(faces.to_m - faces.from_m)[mine], minlength=len(lengths))
        assert covered == pytest.approx(lengths, abs=1e-6)
    long = (faces.to_m - faces.from_m > 1.0) & (faces.block >= 0)
    if long.any():
        beside = _beside(segments, long)
        inside = shapely.dwithin(beside, blocks.polygons[faces.block[long]], 0.02)
        assert inside.all()


def _beside(segments: Segments, chosen: np.ndarray) -> np.ndarray:
    """Points a centimetre beside the middle of the longest straight step of each chosen face."""
    faces = segments.faces
    found = []
    for at in np.flatnonzero(chosen):
        part = shapely.ops.substring(segments.lines[faces.segment[at]], faces.from_m[at], faces.to_m[at])
        steps = np.diff(shapely.get_coordinates(part), axis=0)
        longest = int(np.argmax(np.hypot(*steps.T)))
        middle = shapely.get_coordinates(part)[longest] + steps[longest] / 2
        left = np.array([-steps[longest][1], steps[longest][0]]) / np.hypot(*steps[longest])
        found.append(middle + left * (0.01 if faces.side[at] == LEFT else -0.01))
    return np.asarray(shapely.points(found))
