"""A small hunt of the kind of `tests/bench/canaries.py`, in every run: some hundred requests that nobody thought of, as each role."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.bench.canaries import hunt, planted_city, served

EACH = 60


def test_no_request_shows_a_canary_from_outside_or_breaks_the_server(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    planted = planted_city(database, tmp_path)
    with served(database, tmp_path) as address:
        found = list(hunt(address, database, planted, each=EACH, chance=7))
    assert [said for one in found for said in (*one.from_outside, *one.failed)] == []
    assert all(one.asked >= EACH for one in found)
    assert sum(one.shown for one in found) > 100
    assert next(one.shown for one in found if one.role == "public") == 0
    with capsys.disabled():
        sys.stdout.write(f"\ncanaries: {sum(one.asked for one in found)} requests as {len(found)} roles, none shown from outside\n")
