"""Codes of street units: DOMAIN's forms, check characters, and the order in which units are numbered."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from stdnum.iso7064 import mod_37_36

from grids.unit_codes import block_codes, checked, duty_grid_code, is_checked, segment_codes, sequence_numbers


def squares(*corners: tuple[float, float]) -> np.ndarray:
    return np.array([shapely.box(x, y, x + 10, y + 10) for x, y in corners])


def test_blocks_of_a_community_with_a_12_digit_code_have_15_digits() -> None:
    codes = block_codes(np.array(["310101002003"], dtype=object), np.array([0, 0]), squares((100, 0), (0, 0)))
    assert codes.tolist() == ["310101002003002", "310101002003001"]


@pytest.mark.parametrize("area", ["KALLIO", "31010100200", "31010100200A"])
def test_other_areas_give_checked_codes(area: str) -> None:
    (code,) = block_codes(np.array([area], dtype=object), np.array([0]), squares((0, 0)))
    assert code.startswith(f"{area}-B-0001")
    assert is_checked(code)


def test_more_blocks_than_three_digits_hold_get_checked_codes() -> None:
    many = 1_000
    codes = block_codes(
        np.array(["310101002003"], dtype=object), np.zeros(many, dtype=np.int64), squares(*((10.0 * at, 0.0) for at in range(many)))
    )
    assert len(set(codes)) == many
    assert codes[0] == checked("310101002003-B-0001")


def test_segments_have_a_code_and_one_for_each_side() -> None:
    line = np.array([shapely.LineString([(0, 0), (10, 0)])])
    code, left, right = segment_codes(np.array(["310101002"], dtype=object), np.array([0]), line)
    assert code.tolist() == ["310101002-S-0001"]
    assert left[0][:-1] == "310101002-S-0001-L"
    assert right[0][:-1] == "310101002-S-0001-R"
    assert is_checked(left[0])
    assert is_checked(right[0])


def test_a_duty_grid_code_ends_in_its_check_character() -> None:
    code = duty_grid_code("310101002", 7)
    assert code.startswith("310101002-G-07-")
    assert mod_37_36.is_valid(code.replace("-", ""))


@given(st.from_regex(r"[0-9]{9}-S-[0-9]{4}-[LR]", fullmatch=True), st.data())
def test_a_slip_of_one_character_is_seen(stem: str, data: st.DataObject) -> None:
    code = checked(stem)
    at = data.draw(st.sampled_from([at for at, letter in enumerate(code) if letter.isdigit()]))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != code[at]]))
    assert is_checked(code)
    assert not is_checked(code[:at] + other + code[at + 1 :])


def test_numbers_run_west_to_east_in_rows_from_north_to_south() -> None:
    numbers = sequence_numbers(np.zeros(4, dtype=np.int64), squares((0, 0), (100, 2), (1, 100), (101, 98)))
    assert numbers.tolist() == [3, 4, 1, 2]


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0, 1e4), st.floats(0, 1e4)), max_size=40))
def test_each_group_is_numbered_from_one_without_holes(units: list[tuple[int, float, float]]) -> None:
    group = np.array([unit[0] for unit in units], dtype=np.int64)
    numbers = sequence_numbers(group, squares(*((x, y) for _, x, y in units)) if units else np.empty(0, dtype=object))
    for one in set(group.tolist()):
        assert sorted(numbers[group == one].tolist()) == list(range(1, int((group == one).sum()) + 1))
