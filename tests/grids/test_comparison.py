"""Two editions compared, on plans whose every change can be counted by hand: squares of a chessboard, coloured by unit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from grids.comparison import CHANGES, Comparison, Units, changed_m2, compare, ground_by_holder
from grids.measure import areas_m2

SIDE = 5
STEP = 0.002
"""About 200 m: every square is far above the least ground that counts."""
SWAPPED = {"created": "removed", "removed": "created", "split": "merged", "merged": "split"}
SQUARES = np.array(
    [[shapely.box(x, y, x + STEP, y + STEP) for x in STEP * np.arange(SIDE)] for y in 30 + STEP * np.arange(SIDE)], dtype=object
)
SQUARE_M2 = areas_m2(SQUARES.ravel()).reshape(SIDE, SIDE)

plans = st.lists(st.integers(0, 4), min_size=SIDE * SIDE, max_size=SIDE * SIDE).map(lambda held: np.array(held).reshape(SIDE, SIDE))


def units(plan: Any, *, codes: str = "-abcd", **given: dict[str, str]) -> Units:
    """The units of a plan: an array of numbers, 0 for no unit; ``given`` has names, duty grids and areas by code."""
    plan = np.asarray(plan)
    there = sorted({int(one) for one in plan.ravel()} - {0}, key=lambda one: codes[one])
    polygons = [shapely.union_all(SQUARES[: len(plan), : plan.shape[1]][plan == one]) for one in there]
    held = np.array([codes[one] for one in there], dtype=object)
    areas = np.array([SQUARE_M2[: len(plan), : plan.shape[1]][plan == one].sum() for one in there])
    wkb = np.empty(len(there), dtype=object)
    wkb[:] = shapely.to_wkb(polygons).tolist() if polygons else []
    values = [np.array([given.get(kind, {}).get(code) for code in held], dtype=object) for kind in ("names", "duty_grids", "areas")]
    return Units(held, wkb, areas, *values)


def told(compared: Comparison) -> dict[str, int]:
    """How many units each change befell, but for those that befell none."""
    return {change: count for change, count in compared.units.items() if count}


def pieces(old: Units, new: Units) -> set[tuple[str, str, str, int]]:
    """The changed pieces: what happened, old and new code (empty for none), and how many squares."""
    compared = compare(old, new)
    ground = compared.ground
    found = set()
    for at in compared.changed.tolist():
        before = old.codes[ground.old[at]] if ground.old[at] >= 0 else ""
        after = new.codes[ground.new[at]] if ground.new[at] >= 0 else ""
        found.add((CHANGES[compared.change[at]], before, after, round(ground.area_m2[at] / SQUARE_M2.mean())))
    return found


@given(plans)
def test_an_edition_does_not_differ_from_itself(plan: Any) -> None:
    one = units(plan)
    compared = compare(one, one)
    assert told(compared) == {}
    assert len(compared.changed) == 0
    assert changed_m2(one, one, compared.ground) == 0


@given(plans, plans)
def test_the_changed_ground_is_where_the_codes_differ(before: Any, after: Any) -> None:
    old, new = units(before), units(after)
    ground = compare(old, new).ground
    assert changed_m2(old, new, ground) == pytest.approx(SQUARE_M2[before != after].sum(), rel=1e-9)
    assert ground.area_m2.sum() == pytest.approx(SQUARE_M2[(before > 0) | (after > 0)].sum(), rel=1e-9)


@given(plans, plans)
def test_the_other_way_round_created_is_removed_and_split_is_merged(before: Any, after: Any) -> None:
    old, new = units(before), units(after)
    there, back = compare(old, new), compare(new, old)
    assert back.units == {SWAPPED.get(change, change): count for change, count in there.units.items()}
    assert changed_m2(new, old, back.ground) == pytest.approx(changed_m2(old, new, there.ground))
    assert {(SWAPPED.get(change, change), after, before, size) for change, before, after, size in pieces(old, new)} == pieces(new, old)


@given(plans, plans)
def test_what_some_lose_others_gain(before: Any, after: Any) -> None:
    old, new = units(before), units(after)
    ground = compare(old, new).ground
    found = ground_by_holder(old.codes, new.codes, ground, ground.area_m2)
    for code, (lost, gained) in found.items():
        number = "-abcd".index(code)
        assert lost == pytest.approx(SQUARE_M2[(before == number) & (after != number)].sum(), rel=1e-9)
        assert gained == pytest.approx(SQUARE_M2[(after == number) & (before != number)].sum(), rel=1e-9)
    assert set(found) == {"-abcd"[one] for one in set(np.concatenate([before[before != after], after[before != after]]).tolist()) - {0}}


ROW = [[1, 1, 2, 2, 3]]


@pytest.mark.parametrize(
    ("before", "after", "befell", "changed"),
    [
        (ROW, [[1, 1, 2, 2, 0]], {"removed": 1}, {("removed", "c", "", 1)}),
        ([[1, 1, 2, 2, 0]], ROW, {"created": 1}, {("created", "", "c", 1)}),
        ([[1, 1, 1, 1, 3]], ROW, {"split": 1}, {("split", "a", "b", 2)}),
        (ROW, [[1, 1, 1, 1, 3]], {"merged": 1}, {("merged", "b", "a", 2)}),
        (ROW, [[1, 1, 4, 4, 3]], {"renamed": 1}, {("renamed", "b", "d", 2)}),
        ([[1, 1, 1, 2, 2]], [[1, 1, 2, 2, 2]], {"moved": 2}, {("moved", "a", "b", 1)}),
        ([[1, 0, 0, 0, 2]], [[2, 0, 0, 0, 1]], {"renamed": 2}, {("renamed", "a", "b", 1), ("renamed", "b", "a", 1)}),
        ([[1, 2, 2, 0, 0]], [[0, 2, 2, 0, 1]], {"moved": 1}, {("moved", "a", "", 1), ("moved", "", "a", 1)}),
        ([[1, 1, 2, 2, 0]], [[0, 3, 3, 0, 0]], {"removed": 2, "created": 1}, {("removed", "a", "", 1), ("removed", "b", "", 1), ("moved", "a", "c", 1), ("moved", "b", "c", 1)}),
    ],
)  # fmt: skip
def test_what_became_of_the_units(before: Any, after: Any, befell: dict[str, int], changed: set[Any]) -> None:
    old, new = units(before), units(after)
    assert told(compare(old, new)) == befell
    assert pieces(old, new) == changed


def test_a_unit_in_another_grid_or_area_or_under_another_name_has_changed_where_it_is() -> None:
    before = units(ROW, duty_grids={"a": "g", "b": "g", "c": "h"}, areas={"a": "x", "b": "x", "c": "x"}, names={"a": "A"})
    after = units(ROW, duty_grids={"a": "g", "b": "h", "c": "h"}, areas={"a": "x", "b": "x", "c": "y"}, names={"a": "Alpha"})
    assert told(compare(before, after)) == {"renamed": 1, "another_duty_grid": 1, "another_area": 1}
    assert pieces(before, after) == {("renamed", "a", "a", 2), ("another_duty_grid", "b", "b", 2), ("another_area", "c", "c", 1)}


def test_the_same_line_drawn_with_another_vertex_changes_nothing() -> None:
    one = units(ROW)
    drawn = shapely.segmentize(shapely.from_wkb(one.wkb), STEP / 3)
    moved = shapely.transform(drawn, lambda places: places + 1e-10)
    other = Units(one.codes, np.array(shapely.to_wkb(moved), dtype=object), one.areas_m2, one.names, one.duty_grids, one.areas)
    assert told(compare(one, other)) == {}


def test_a_line_that_moved_by_a_centimetre_over_its_whole_length_moved_nothing() -> None:
    def halves(edge: float) -> Units:
        wkb = np.array(shapely.to_wkb([shapely.box(0, 30, edge, 30.01), shapely.box(edge, 30, 0.02, 30.01)]), dtype=object)
        nothing = np.array([None, None], dtype=object)
        return Units(np.array(["a", "b"], dtype=object), wkb, areas_m2(shapely.from_wkb(wkb)), nothing, nothing, nothing)

    metre = 1 / 96_486  # degrees of longitude at 30 north; the line is 1.1 km long
    assert told(compare(halves(0.01), halves(0.01 + 0.01 * metre))) == {}
    assert told(compare(halves(0.01), halves(0.01 + 0.1 * metre))) == {"moved": 2}


def test_units_that_no_edition_has_are_no_units() -> None:
    none = units([[0, 0]])
    assert told(compare(none, none)) == {}
    assert told(compare(none, units(ROW))) == {"created": 3}
    assert told(compare(units(ROW), none)) == {"removed": 3}
