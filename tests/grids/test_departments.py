"""The department that leads: the nearest rule about the category and the place."""

from __future__ import annotations

import pytest

from grids.departments import Department, Lead, leading

CITY = ("310101001001", "310101001", "310101", "310100")


def lead(code: str, category: str, area: str | None = None) -> Lead:
    return Lead(Department(code, {"en": code}), category, area)


@pytest.mark.parametrize(
    ("leads", "expected"),
    [
        ([], None),
        ([lead("A", "matter:06002")], None),
        ([lead("A", "matter:06001")], "A"),
        ([lead("A", "matter:*"), lead("B", "matter:06*")], "B"),
        ([lead("A", "matter:06*"), lead("B", "matter:06001")], "B"),
        ([lead("A", "component:06*")], None),
        ([lead("A", "matter:06001"), lead("B", "matter:06001", "310101")], "B"),
        ([lead("A", "matter:06001", "310101001"), lead("B", "matter:06001", "310101")], "A"),
        ([lead("A", "matter:06001", "310104")], None),
        ([lead("A", "matter:06*", "310101001001"), lead("B", "matter:06001")], "B"),
    ],
)
def test_the_nearest_rule_about_the_category_then_about_the_place_decides(leads: list[Lead], expected: str | None) -> None:
    for order in (leads, leads[::-1]):
        found = leading(order, "matter:06001", CITY)
        assert (found.code if found else None) == expected
