"""The wire shape of "who answers for this category here, and why": every rung judged, and the whole in one sentence."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from gis.language import LANGUAGES, Language, name_in, translator
from gis.store.places import Standing
from grids.dispatch import Category, Judged, Verdict, answering, dispatch
from grids.errors import sentences
from grids.owners import Absence, Away, Owner, PlaceKind

Names = dict[str, str]
_BETWEEN: dict[Language, str] = {"en": "; ", "zh": "；"}


class OwnerOut(BaseModel):
    """Someone who answers; ``generated`` marks names made up for a demo."""

    code: str
    name: str
    generated: bool

    @classmethod
    def of(cls, owner: Owner | None) -> OwnerOut | None:
        """The wire shape of an owner; None stays None."""
        return cls(code=owner.code, name=owner.name, generated=owner.origin == "generated") if owner else None


class CategoryOut(BaseModel):
    """What the list of categories says about who answers; null where it says nothing."""

    key: str
    names: Names
    answers_on: Literal["segment", "area"] | None
    lowest_level: str | None
    lead_kind: Literal["owner", "department"] | None


class DepartmentOut(BaseModel):
    """The department that leads (主管部门)."""

    code: str
    names: Names


class AbsentOut(BaseModel):
    """Someone who holds a post and is not on duty; ``until`` is the known end of a leave, in the city's time."""

    by: OwnerOut
    absence: Absence
    until: datetime | None


class JudgedOut(BaseModel):
    """One rung of the chain, in the order of precedence: what became of it, who is on duty there, who holds a post and is away, and
    the reason by language. ``kind`` says of which kind the place is; ``level`` is special_unit, segment or block over the ladder."""

    kind: PlaceKind
    level: str
    code: str
    names: Names
    verdict: Verdict
    by: OwnerOut | None
    absent: list[AbsentOut]
    reason: Names


class DispatchOut(BaseModel):
    """Who answers: the code of the rung and the owner, null when nobody does; the unit the category answers on; the department that
    leads it, null when the owner does or none is named; why."""

    level: str | None
    code: str | None
    by: OwnerOut | None
    unit: str
    category: CategoryOut | None
    department: DepartmentOut | None
    rungs: list[JudgedOut]
    sentence: Names

    @classmethod
    def of(cls, said: Standing, *, side: str | None) -> DispatchOut:
        """The answer for a place, whose point lies on ``side`` (left or right) of its segment."""
        judged = dispatch(said.chain, said.category)
        chosen = answering(judged)
        on_segment = said.category is not None and said.category.answers_on == "segment" and said.segment_sides is not None
        return cls(
            level=chosen.rung.level if chosen else None,
            code=chosen.rung.code if chosen else None,
            by=OwnerOut.of(chosen.by) if chosen else None,
            unit=said.segment_sides[side == "right"] if on_segment and said.segment_sides else said.block,
            category=_category(said.category),
            department=DepartmentOut(code=said.department.code, names=said.department.names) if said.department else None,
            rungs=[_judged(one, said.category) for one in judged],
            sentence={language: _sentence(chosen, said, language) for language in LANGUAGES},
        )


def _judged(one: Judged, category: Category | None) -> JudgedOut:
    absent = [
        AbsentOut(by=by, absence=away.absence, until=away.until_at)
        for owner, away in one.rung.on_duty.absent()
        if (by := OwnerOut.of(owner)) is not None
    ]
    return JudgedOut(
        kind=one.rung.kind,
        level=one.rung.level,
        code=one.rung.code,
        names=one.rung.names,
        verdict=one.verdict,
        by=OwnerOut.of(one.by),
        absent=absent,
        reason={language: _reason(one, category, language) for language in LANGUAGES},
    )


def _category(category: Category | None) -> CategoryOut | None:
    return CategoryOut.model_validate(vars(category)) if category else None


def _reason(judged: Judged, category: Category | None, language: Language) -> str:
    say = translator(language)
    reasons = {
        Verdict.NOT_COMPETENT: say("{category} is not handled on this level"),
        Verdict.NOT_ON_SEGMENTS: say("answers only for what happens in the street"),
        Verdict.NOBODY_ON_DUTY: say("nobody is on duty"),
        Verdict.ANSWERS: say("answers: the lowest level that may handle it and has someone on duty"),
        Verdict.BACKSTOP: say("stands behind"),
    }
    if judged.verdict is Verdict.ANSWERS and judged.rung.kind.is_overlay:
        reasons[Verdict.ANSWERS] = say("answers: a place with an owner of its own comes before the levels")
    absent = [absence(owner, away, language) for owner, away in judged.rung.on_duty.absent()]
    if judged.verdict in (Verdict.NOT_COMPETENT, Verdict.NOT_ON_SEGMENTS):
        absent = []
    return _BETWEEN[language].join([reasons[judged.verdict].format(category=_name(category, language)), *absent])


def absence(owner: Owner, away: Away, language: Language) -> str:
    """Why someone is not on duty, in words."""
    say = translator(language)
    if away.absence is Absence.OUTSIDE_SHIFT:
        template = say("{owner} is outside the shift")
    elif away.until_at is None:
        template = say("{owner} is on leave")
    else:
        template = say("{owner} is on leave until {until}")
    return template.format(owner=owner.name, until=f"{away.until_at:%Y-%m-%d %H:%M}" if away.until_at else "")


def level_name(level: str, level_names: Names, kind: PlaceKind, language: Language) -> str:
    """What a level is called, also that of a place over the ladder."""
    say = translator(language)
    if not kind.is_overlay:
        return name_in(level_names, language) or level
    return {"special_unit": say("special unit"), "segment": say("street segment")}.get(level, say("street unit"))


def _sentence(chosen: Judged | None, said: Standing, language: Language) -> str:
    say = translator(language)
    about = _name(said.category, language)
    leads = ""
    if said.department is not None:
        leads = say("{department} leads.").format(department=name_in(said.department.names, language) or said.department.code)
    if chosen is None:
        return sentences(say("Nobody on duty may handle {category} here; no level of the ladder has anyone.").format(category=about), leads)
    template = (
        say("{owner} answers for {category} here, on the level {level} ({place}).")
        if said.category
        else say("{owner} answers here, on the level {level} ({place}).")
    )
    answers = template.format(
        owner=chosen.by.name if chosen.by else "",
        category=about,
        level=level_name(chosen.rung.level, chosen.rung.level_names, chosen.rung.kind, language),
        place=f"{chosen.rung.code} {name_in(chosen.rung.names, language)}".strip(),
    )
    return sentences(answers, leads)


def _name(category: Category | None, language: Language) -> str:
    say = translator(language)
    return (name_in(category.names, language) or category.key) if category else say("an incident")
