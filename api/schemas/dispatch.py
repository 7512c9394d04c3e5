"""The wire shape of "who answers for this category here, and why": every rung judged, and the whole in one sentence."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from gis.language import LANGUAGES, Language, name_in, translator
from gis.store.places import Standing
from grids.dispatch import Category, Judged, Verdict, answering, dispatch
from grids.owners import Owner

Names = dict[str, str]


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


class JudgedOut(BaseModel):
    """One rung of the ladder, the lowest first: what became of it, who is on duty there, and the reason by language."""

    level: str
    code: str
    verdict: Verdict
    by: OwnerOut | None
    reason: Names


class DispatchOut(BaseModel):
    """Who answers: the code of the rung and the owner, null when nobody does; the unit the category answers on; why."""

    level: str | None
    code: str | None
    by: OwnerOut | None
    unit: str
    category: CategoryOut | None
    rungs: list[JudgedOut]
    sentence: Names

    @classmethod
    def of(cls, said: Standing, *, side: str | None) -> DispatchOut:
        """The answer for a place, whose point lies on ``side`` (left or right) of its segment."""
        judged = dispatch(said.ladder, said.category)
        chosen = answering(judged)
        on_segment = said.category is not None and said.category.answers_on == "segment" and said.segment_sides is not None
        return cls(
            level=chosen.rung.level if chosen else None,
            code=chosen.rung.code if chosen else None,
            by=OwnerOut.of(chosen.by) if chosen else None,
            unit=said.segment_sides[side == "right"] if on_segment and said.segment_sides else said.block,
            category=_category(said.category),
            rungs=[
                JudgedOut(
                    level=one.rung.level,
                    code=one.rung.code,
                    verdict=one.verdict,
                    by=OwnerOut.of(one.by),
                    reason={language: _reason(one, said.category, language) for language in LANGUAGES},
                )
                for one in judged
            ],
            sentence={language: _sentence(chosen, said.category, language) for language in LANGUAGES},
        )


def _category(category: Category | None) -> CategoryOut | None:
    return CategoryOut.model_validate(vars(category)) if category else None


def _reason(judged: Judged, category: Category | None, language: Language) -> str:
    say = translator(language)
    reasons = {
        Verdict.NOT_COMPETENT: say("{category} is not handled on this level"),
        Verdict.NOBODY_ON_DUTY: say("nobody is on duty"),
        Verdict.ANSWERS: say("answers: the lowest level that may handle it and has someone on duty"),
        Verdict.BACKSTOP: say("stands behind"),
    }
    return reasons[judged.verdict].format(category=_name(category, language))


def _sentence(chosen: Judged | None, category: Category | None, language: Language) -> str:
    say = translator(language)
    if chosen is None:
        return say("Nobody on duty may handle {category} here; no level of the ladder has anyone.").format(
            category=_name(category, language)
        )
    template = (
        say("{owner} answers for {category} here, on the level {level} ({place}).")
        if category
        else say("{owner} answers here, on the level {level} ({place}).")
    )
    return template.format(
        owner=chosen.by.name if chosen.by else "",
        category=_name(category, language),
        level=name_in(chosen.rung.level_names, language),
        place=f"{chosen.rung.code} {name_in(chosen.rung.names, language)}".strip(),
    )


def _name(category: Category | None, language: Language) -> str:
    say = translator(language)
    return (name_in(category.names, language) or category.key) if category else say("an incident")
