"""Who answers for a category at a place: the lowest level that is competent and has someone on duty (属地兜底 above it).

A category names the lowest level that may handle it. From the lowest rung of the ladder upwards, a rung below that level is
passed over, a rung where nobody is on duty too, and the first other one answers; those above it stand behind it as backstop.
Which rung was passed over, and why, is part of the answer (DOMAIN.md §6: the whole chain is returned).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from grids.owners import OnDuty, Owner

Names = dict[str, str]


class Verdict(StrEnum):
    """What became of one rung."""

    NOT_COMPETENT = "not_competent"
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
    """One rung of the ladder over a place: the level's key and names, the area or duty grid there, and who is on duty."""

    level: str
    level_names: Names
    code: str
    names: Names
    on_duty: OnDuty


@dataclass(frozen=True)
class Judged:
    """A rung, what became of it, and who answers there or stands behind: the owner, in the owner's absence the deputy."""

    rung: Rung
    verdict: Verdict
    by: Owner | None


def dispatch(ladder: Sequence[Rung], category: Category | None) -> tuple[Judged, ...]:
    """Every rung of a ladder, the lowest first, judged for a category; None: any level may handle it.

    At most one rung answers; none does when nobody is on duty from the category's lowest level upwards. A lowest level that
    the ladder does not have is no bar.
    """
    keys = [rung.level for rung in ladder]
    lowest = category.lowest_level if category is not None else None
    from_rung = keys.index(lowest) if lowest in keys else 0
    judged: list[Judged] = []
    answered = False
    for at, rung in enumerate(ladder):
        by = rung.on_duty.answerable()
        if at < from_rung:
            verdict = Verdict.NOT_COMPETENT
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
