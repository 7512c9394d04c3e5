"""The lowest level that is competent and on duty answers, whatever the ladder looks like."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from grids.dispatch import OVERLAY_LEVELS, Category, Rung, Verdict, answering, dispatch
from grids.owners import OnDuty, Owner, PlaceKind

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


OVER = (PlaceKind.SPECIAL_UNIT, PlaceKind.SPECIAL_UNIT, PlaceKind.SEGMENT_LEFT, PlaceKind.BLOCK)


def over(kind: PlaceKind, *, owner: bool = True) -> Rung:
    held = OnDuty(Owner(f"{kind}-A", "a", "real") if owner else None)
    return Rung(OVERLAY_LEVELS[kind], {}, f"code of {kind}", {}, held, kind)


@st.composite
def overlays(draw: st.DrawFn) -> list[Rung]:
    kept = draw(st.lists(st.booleans(), min_size=len(OVER), max_size=len(OVER)))
    return [over(kind, owner=draw(st.booleans())) for kind, is_there in zip(OVER, kept, strict=True) if is_there]


@given(
    overlays=overlays(),
    ladder=ladders(),
    lowest=st.one_of(st.none(), st.sampled_from((*LEVELS, "parish"))),
    answers_on=st.sampled_from([None, "segment", "area"]),
)
def test_what_lies_over_the_ladder_comes_first_where_its_lowest_level_may_handle_it(
    overlays: list[Rung], ladder: list[Rung], lowest: str | None, answers_on: str | None
) -> None:
    judged = dispatch([*overlays, *ladder], Category("matter:1", lowest_level=lowest, answers_on=answers_on))
    assert [one.rung for one in judged] == [*overlays, *ladder]
    levels = [one.level for one in ladder]
    competent = lowest not in levels or levels.index(lowest) == 0
    able = [
        rung
        for rung in overlays
        if competent and rung.on_duty.owner and (answers_on == "segment" or rung.kind is not PlaceKind.SEGMENT_LEFT)
    ]
    chosen, alone = answering(judged), answering(dispatch(ladder, Category("matter:1", lowest_level=lowest)))
    assert (chosen.rung if chosen else None) == (able[0] if able else alone.rung if alone else None)
    for one in judged[: len(overlays)]:
        assert (one.verdict is Verdict.NOT_COMPETENT) == (not competent)
        on_the_street = one.rung.kind is PlaceKind.SEGMENT_LEFT and answers_on != "segment"
        assert (one.verdict is Verdict.NOT_ON_SEGMENTS) == (competent and on_the_street)
