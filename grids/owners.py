"""Who answers for a place: the first owner (网格负责人) while there is one on duty, else the deputy.

On duty at an instant is who holds a post then, is within a shift (without shifts: always), and is not on leave.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Literal

Post = Literal["owner", "deputy"]

Period = tuple[datetime | None, datetime | None]
"""From an instant to another; None leaves that end open."""


class PlaceKind(StrEnum):
    """What a duty may be of, in the order of precedence (DOMAIN.md §6)."""

    SPECIAL_UNIT = "special_unit"
    SEGMENT_LEFT = "segment_left"
    SEGMENT_RIGHT = "segment_right"
    BLOCK = "block"
    DUTY_GRID = "duty_grid"
    AREA = "area"

    @property
    def is_segment(self) -> bool:
        """Whether it is one side of a segment."""
        return self in (PlaceKind.SEGMENT_LEFT, PlaceKind.SEGMENT_RIGHT)

    @property
    def is_overlay(self) -> bool:
        """Whether it lies over the ladder of duty grid and areas and comes before all of it."""
        return self not in (PlaceKind.DUTY_GRID, PlaceKind.AREA)


class Absence(StrEnum):
    """Why someone who holds a post is not on duty."""

    ON_LEAVE = "on_leave"
    OUTSIDE_SHIFT = "outside_shift"


@dataclass(frozen=True)
class Owner:
    """A person or post that answers for places. ``origin`` says whether it is real, given or generated for a demo."""

    code: str
    name: str
    origin: str


@dataclass(frozen=True)
class Shift:
    """Working time that comes back every week: the clock on the wall in ``zone`` shows ``from_time`` or later and not yet
    ``to_time``. ``weekdays`` are the days on which it begins, Monday is 1; where ``to_time`` is not after ``from_time`` it ends
    on the next day.

    The clock decides, so a working day is an hour shorter when clocks go forward; in the hour that is shown twice when they go
    back, what is covered is covered both times. Shifts that cover the clock leave no instant uncovered.
    """

    weekdays: frozenset[int]
    from_time: time
    to_time: time
    zone: tzinfo

    def covers(self, at: datetime) -> bool:
        """Whether an aware instant lies in it."""
        shown = at.astimezone(self.zone)
        clock = shown.time()
        today = shown.isoweekday() in self.weekdays
        if self.from_time < self.to_time:
            return today and self.from_time <= clock < self.to_time
        # The day before by the calendar, whatever the clocks did in between.
        yesterday = (shown.date() - timedelta(days=1)).isoweekday() in self.weekdays
        return (today and self.from_time <= clock) or (yesterday and clock < self.to_time)


@dataclass(frozen=True)
class Away:
    """Why someone is not on duty, and for a leave until when; None where no end is known."""

    absence: Absence
    until_at: datetime | None = None


@dataclass(frozen=True)
class OnDuty:
    """Who holds the posts of one place at one instant, None where nobody does, and why they are not on duty if so."""

    owner: Owner | None = None
    deputy: Owner | None = None
    owner_away: Away | None = None
    deputy_away: Away | None = None

    def answerable(self) -> Owner | None:
        """The one who answers: the owner, in the owner's absence the deputy, None when the next level has to."""
        if self.owner is not None and self.owner_away is None:
            return self.owner
        return self.deputy if self.deputy_away is None else None

    def absent(self) -> tuple[tuple[Owner, Away], ...]:
        """Those who hold a post and are not on duty, the owner first."""
        held = ((self.owner, self.owner_away), (self.deputy, self.deputy_away))
        return tuple((owner, away) for owner, away in held if owner is not None and away is not None)


def away(at: datetime, *, leaves: Iterable[Period], shifts: Sequence[Shift]) -> Away | None:
    """Why a holder of a post is not on duty at an aware instant, None when he is: on leave until the last of the leaves that run
    then has ended, else outside every shift. Without shifts one is always at work."""
    ends = [until for since, until in leaves if (since is None or since <= at) and (until is None or at < until)]
    if ends:
        known = [end for end in ends if end is not None]
        return Away(Absence.ON_LEAVE, max(known) if len(known) == len(ends) else None)
    if shifts and not any(shift.covers(at) for shift in shifts):
        return Away(Absence.OUTSIDE_SHIFT)
    return None


def generated_owner(grid_code: str, post: Post) -> Owner:
    """An owner made up for a duty grid that a pack names nobody for; code and name say that it is generated."""
    letter = {"owner": "A", "deputy": "B"}[post]
    return Owner(f"{grid_code}-{letter}", f"{grid_code}-{letter} (generated · 生成)", "generated")


def unheld(held: Iterable[Period]) -> list[Period]:
    """The periods in which none of the given ones runs, in order; all of time when there are none."""
    free: list[Period] = []
    since: datetime | None = None
    for begin, end in sorted(held, key=lambda period: (period[0] is not None, period[0])):
        if begin is not None and (since is None or begin > since):
            free.append((since, begin))
        if end is None:
            return free
        since = end if since is None else max(since, end)
    return [*free, (since, None)]
