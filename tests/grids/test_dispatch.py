"""The lowest level that is competent and on duty answers, whatever the ladder looks like."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from grids.dispatch import Category, Rung, Verdict, answering, dispatch
from grids.owners import OnDuty, Owner

LEVELS = ("duty_grid", "community", "street_town", "district", "city")


def rung(level: str, *, owner: bool = True, deputy: bool = False) -> Rung:
    on_duty = OnDuty(Owner(f"{level}-A", "a", "real") if owner else None, Owner(f"{level}-B", "b", "real") if deputy else None)
    return Rung(level, {}, f"code of {level}", {}, on_duty)


@st.composite
def ladders(draw: st.DrawFn) -> list[Rung]:
    levels = draw(st.lists(st.sampled_from(LEVELS), min_size=1, unique=True).map(lambda some: sorted(some, key=LEVELS.index)))
    return [rung(level, owner=draw(st.booleans()), deputy=draw(st.booleans())) for level in levels]


@given(ladder=ladders(), lowest=st.one_of(st.none(), st.sampled_from((*LEVELS, "parish"))))
def test_the_first_competent_rung_with_someone_on_duty_answers(ladder: list[Rung], lowest: str | None) -> None:
    judged = dispatch(ladder, Category("matter:1", lowest_level=lowest))
    assert [one.rung for one in judged] == ladder
    levels = [one.level for one in ladder]
    competent = ladder[levels.index(lowest) :] if lowest in levels else ladder
    able = [one for one in competent if one.on_duty.owner or one.on_duty.deputy]
    chosen = answering(judged)
    assert (chosen.rung if chosen else None) == (able[0] if able else None)
    assert sum(one.verdict is Verdict.ANSWERS for one in judged) == bool(able)
    for one in judged:
        assert (one.verdict is Verdict.NOT_COMPETENT) == (one.rung not in competent)
        assert (one.verdict is Verdict.BACKSTOP) == (one.rung in able[1:])
        assert one.by == (one.rung.on_duty.owner or one.rung.on_duty.deputy)


def test_a_deputy_answers_before_the_next_level() -> None:
    judged = dispatch([rung("duty_grid", owner=False, deputy=True), rung("community")], None)
    chosen = answering(judged)
    assert chosen is not None
    assert chosen.by is not None
    assert chosen.by.code == "duty_grid-B"
    assert judged[1].verdict is Verdict.BACKSTOP
