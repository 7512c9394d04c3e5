"""Who answers: the owner, else the deputy; who is at work and who is away; and no instant without one."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grids.owners import Absence, Away, OnDuty, Owner, Shift, away, unheld

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


HELSINKI, SHANGHAI = ZoneInfo("Europe/Helsinki"), ZoneInfo("Asia/Shanghai")
EVERY_DAY = frozenset(range(1, 8))
zones = st.sampled_from([HELSINKI, SHANGHAI, ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")])
instants = st.integers(0, 2 * 365 * 86_400).map(lambda seconds: DAY + timedelta(seconds=seconds))
clocks = st.times().map(lambda clock: clock.replace(microsecond=0))


@given(zones, instants, st.lists(clocks, min_size=1, max_size=5, unique=True))
def test_shifts_one_after_the_other_leave_no_instant_without_one_and_none_with_two(zone: ZoneInfo, at: datetime, turns: list[time]) -> None:
    """Also where clocks are changed, and whoever has the shift that passes midnight."""
    ordered = sorted(turns)
    rota = [Shift(EVERY_DAY, since, until, zone) for since, until in zip(ordered, [*ordered[1:], ordered[0]], strict=True)]
    assert sum(shift.covers(at) for shift in rota) == 1


@given(zones, instants, clocks, clocks, st.frozensets(st.integers(1, 7), min_size=1))
def test_a_shift_covers_what_the_wall_shows_from_its_first_day_on(
    zone: ZoneInfo, at: datetime, since: time, until: time, days: frozenset[int]
) -> None:
    shown = at.astimezone(zone).replace(tzinfo=None)
    passes = until <= since
    begun = [datetime.combine(day, since) for day in (shown.date(), shown.date() - timedelta(days=1)) if day.isoweekday() in days]
    ends = [(begin, datetime.combine(begin.date() + timedelta(days=passes), until)) for begin in begun]
    assert Shift(days, since, until, zone).covers(at) == any(begin <= shown < end for begin, end in ends)


def test_a_night_shift_belongs_to_the_day_on_which_it_begins() -> None:
    friday_night = Shift(frozenset({5}), time(22), time(6), SHANGHAI)
    assert not friday_night.covers(datetime(2026, 6, 5, 5, 59, tzinfo=SHANGHAI))  # the morning of that Friday
    assert friday_night.covers(datetime(2026, 6, 5, 22, 0, tzinfo=SHANGHAI))
    assert friday_night.covers(datetime(2026, 6, 6, 5, 59, tzinfo=SHANGHAI))
    assert not friday_night.covers(datetime(2026, 6, 6, 6, 0, tzinfo=SHANGHAI))
    assert not friday_night.covers(datetime(2026, 6, 6, 22, 0, tzinfo=SHANGHAI))


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2026-03-28", 7), ("2026-10-24", 9), ("2026-06-01", 8)],
    ids=["clocks go forward", "clocks go back", "any night"],
)
def test_a_night_shift_lasts_as_long_as_the_clock_takes(day: str, hours: int) -> None:
    night = Shift(EVERY_DAY, time(22), time(6), HELSINKI)
    begins = datetime.fromisoformat(f"{day} 22:00").replace(tzinfo=HELSINKI).astimezone(UTC)
    minutes = sum(night.covers(begins + timedelta(minutes=minute)) for minute in range(12 * 60))
    assert minutes == hours * 60


@given(st.lists(periods, max_size=4), st.integers(-5, 45))
def test_who_is_on_leave_is_away_until_the_last_leave_that_runs_has_ended(days: list[tuple[int | None, int | None]], at: int) -> None:
    leaves = [(day(since), day(until)) for since, until in days]
    now = DAY + timedelta(days=at)
    running = [leave for leave in leaves if runs(leave, now)]
    found = away(now, leaves=leaves, shifts=[])
    if not running:
        assert found is None
    else:
        ends = [until for _, until in running if until is not None]
        assert found == Away(Absence.ON_LEAVE, max(ends) if len(ends) == len(running) else None)


def test_without_shifts_one_is_always_at_work_and_leave_goes_before_shifts() -> None:
    noon = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
    mornings, nights = Shift(EVERY_DAY, time(8), time(13), SHANGHAI), Shift(EVERY_DAY, time(22), time(6), SHANGHAI)
    assert away(noon, leaves=[], shifts=[]) is None
    assert away(noon, leaves=[], shifts=[nights, mornings]) is None
    assert away(noon, leaves=[], shifts=[nights]) == Away(Absence.OUTSIDE_SHIFT)
    assert away(noon, leaves=[(None, None)], shifts=[mornings]) == Away(Absence.ON_LEAVE)


def test_the_deputy_answers_for_an_owner_who_is_away_and_nobody_when_both_are() -> None:
    owner, deputy, gone = Owner("1", "one", "given"), Owner("2", "two", "given"), Away(Absence.OUTSIDE_SHIFT)
    assert OnDuty(owner, deputy, owner_away=gone).answerable() == deputy
    assert OnDuty(owner, deputy, deputy_away=gone).answerable() == owner
    both = OnDuty(owner, deputy, gone, gone)
    assert both.answerable() is None
    assert both.absent() == ((owner, gone), (deputy, gone))
