"""Of several deputies the first on duty answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gis.holders import holders
from grids.owners import Absence

NOON = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
GONE = [{"until": "2026-06-02T00:00:00+00:00", "zone": "Asia/Shanghai"}]


def duty(post: str, code: str, *, gone: bool) -> dict[str, Any]:
    return {"post": post, "code": code, "name": code, "origin": "given", "leaves": GONE if gone else None, "shifts": None}


@pytest.mark.parametrize(
    ("gone", "deputy", "answers"),
    [("", "B", "A"), ("A", "B", "B"), ("AB", "C", "C"), ("ABC", "B", None), ("B", "C", "A")],
)
def test_the_owner_then_the_first_deputy_on_duty(gone: str, deputy: str, answers: str | None) -> None:
    posts = [duty(post, code, gone=code in gone) for post, code in (("deputy", "C"), ("owner", "A"), ("deputy", "B"))]
    for order in (posts, posts[::-1]):
        found = holders(order, NOON)
        assert found.owner is not None
        assert found.deputy is not None
        assert (found.owner.code, found.deputy.code) == ("A", deputy)
        by = found.answerable()
        assert (by.code if by else None) == answers


def test_the_end_of_a_leave_is_told_by_the_clock_of_the_city() -> None:
    found = holders([duty("owner", "A", gone=True)], NOON)
    assert found.owner_away is not None
    assert found.owner_away.absence is Absence.ON_LEAVE
    assert f"{found.owner_away.until_at:%Y-%m-%d %H:%M}" == "2026-06-02 08:00"
    assert holders([], NOON).answerable() is None
