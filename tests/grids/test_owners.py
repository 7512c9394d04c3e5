"""Who answers: the owner, else the deputy; and no instant without one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from grids.owners import OnDuty, Owner, unheld

DAY = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: int | None) -> datetime | None:
    return None if number is None else DAY + timedelta(days=number)


def runs(period: tuple[datetime | None, datetime | None], at: datetime) -> bool:
    since, until = period
    return (since is None or since <= at) and (until is None or at < until)


periods = st.tuples(st.none() | st.integers(0, 20), st.none() | st.integers(21, 40)) | st.tuples(st.integers(0, 10), st.integers(11, 15))


@given(st.lists(periods, max_size=5), st.integers(-5, 45))
def test_each_instant_is_held_or_unheld_and_never_both(days: list[tuple[int | None, int | None]], at: int) -> None:
    held = [(day(since), day(until)) for since, until in days]
    free = unheld(held)
    now = DAY + timedelta(days=at)
    assert sum(runs(period, now) for period in free) + any(runs(period, now) for period in held) == 1


def test_the_deputy_answers_while_there_is_no_owner() -> None:
    owner, deputy = Owner("1", "one", "given"), Owner("2", "two", "given")
    assert OnDuty(owner, deputy).answerable() == owner
    assert OnDuty(None, deputy).answerable() == deputy
    assert OnDuty().answerable() is None
