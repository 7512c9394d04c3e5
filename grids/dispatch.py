"""Who answers for a category at a place: the lowest level that is competent and has someone on duty (属地兜底 above it).

Over the ladder of duty grid and areas lie places with a duty of their own. They come first, in the order of precedence (DOMAIN.md
§6): special units (专属), the side of the segment, the block; of several the smaller, then the one with the lower code. A category
names the lowest level that may handle it. From the first rung onwards, a rung below that level is passed over, a segment where the
category does not answer on segments, a rung where nobody is on duty too, and the first other one answers; those after it stand
behind it as backstop. Which rung was passed over, and why, is part of the answer: the whole chain is returned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from grids.owners import OnDuty, Owner, PlaceKind

Names = dict[str, str]


class Verdict(StrEnum):
    """What became of one rung."""

    NOT_COMPETENT = "not_competent"
    NOT_ON_SEGMENTS = "not_on_segments"
    NOBODY_ON_DUTY = "nobody_on_duty"
    ANSWERS = "answers"
    BACKSTOP = "backstop"


@dataclass(frozen=True)
class Category:
    """What an incident is about, as far as it decides who answers; None where the list of categories says nothing.

    ``answers_on`` is segment or area, ``lowest_level`` the key of a level, ``lead_kind`` owner or department.
    """

    key: str
    names: Names = field(default_factory=dict)
    answers_on: str | None = None
    lowest_level: str | None = None
    lead_kind: str | None = None


@dataclass(frozen=True)
class Rung:
    """One rung of the chain over a place: the level's key and names, the unit, area or duty grid there, who is on duty, and of
    which kind the place is. A place over the ladder has its kind for a level, special_unit, segment or block, without names."""

    level: str
    level_names: Names
    code: str
    names: Names
    on_duty: OnDuty
    kind: PlaceKind = PlaceKind.AREA


@dataclass(frozen=True)
class Judged:
    """A rung, what became of it, and who answers there or stands behind: the owner, in the owner's absence the deputy."""

    rung: Rung
    verdict: Verdict
    by: Owner | None


OVERLAY_LEVELS = {
    PlaceKind.SPECIAL_UNIT: "special_unit",
    PlaceKind.SEGMENT_LEFT: "segment",
    PlaceKind.SEGMENT_RIGHT: "segment",
    PlaceKind.BLOCK: "block",
}
"""The level that a place over the ladder is said to be on; no level of a city may have one of these keys."""


def dispatch(chain: Sequence[Rung], category: Category | None) -> tuple[Judged, ...]:
    """Every rung of a chain (places over the ladder in their order, then the ladder, the lowest first), judged for a category; None:
    any level may handle it.

    At most one rung answers; none does when nobody is on duty from the category's lowest level upwards. A lowest level that
    the ladder does not have is no bar. Places over the ladder may handle what its lowest rung may.
    """
    over = sum(rung.kind.is_overlay for rung in chain)
    keys = [rung.level for rung in chain[over:]]
    lowest = category.lowest_level if category is not None else None
    bar = keys.index(lowest) if lowest in keys else 0
    from_rung = over + bar if bar else 0
    on_segments = category is not None and category.answers_on == "segment"
    judged: list[Judged] = []
    answered = False
    for at, rung in enumerate(chain):
        by = rung.on_duty.answerable()
        if at < from_rung:
            verdict = Verdict.NOT_COMPETENT
        elif rung.kind.is_segment and not on_segments:
            verdict = Verdict.NOT_ON_SEGMENTS
        elif by is None:
            verdict = Verdict.NOBODY_ON_DUTY
        else:
            verdict = Verdict.BACKSTOP if answered else Verdict.ANSWERS
            answered = True
        judged.append(Judged(rung, verdict, by))
    return tuple(judged)


def answering(judged: Sequence[Judged]) -> Judged | None:
    """The rung that answers, None when none does."""
    return next((one for one in judged if one.verdict is Verdict.ANSWERS), None)
