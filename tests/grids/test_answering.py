"""Many points at once are answered as each alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from grids.answering import Places, judged
from grids.dispatch import OVERLAY_LEVELS, Category, Rung, answering, dispatch
from grids.owners import Absence, Away, OnDuty, Owner, PlaceKind

LEVELS = ("duty_grid", "community", "district", "city")
BLOCKS, SEGMENTS, UNITS = 6, 4, 3


@st.composite
def on_duty(draw: st.DrawFn, code: str) -> OnDuty:
    away = Away(Absence.ON_LEAVE)
    held = [Owner(f"{code}-{post}", code, "real") if draw(st.booleans()) else None for post in "AB"]
    return OnDuty(*held, *(away if draw(st.booleans()) else None for _ in "AB"))


@st.composite
def some_places(draw: st.DrawFn) -> Places:
    def over(kind: PlaceKind, count: int) -> dict[int, Rung]:
        chosen = draw(st.sets(st.integers(0, count - 1)))
        return {at: Rung(OVERLAY_LEVELS[kind], {}, f"{kind}-{at}", {}, draw(on_duty(f"{kind}-{at}")), kind) for at in sorted(chosen)}

    city = Rung("city", {}, "city", {}, draw(on_duty("city")))
    ladders = [
        (*(Rung(level, {}, f"{level}-{at}", {}, draw(on_duty(f"{level}-{at}"))) for level in LEVELS[:-1]), city)
        for at in range(draw(st.integers(1, 3)))
    ]
    sides = over(PlaceKind.SEGMENT_LEFT, 2 * SEGMENTS)
    return Places(
        ladders,
        np.array([draw(st.integers(0, len(ladders) - 1)) for _ in range(BLOCKS)], dtype=np.int64),
        over(PlaceKind.BLOCK, BLOCKS),
        SEGMENTS,
        {divmod(at, 2): rung for at, rung in sides.items()},
        over(PlaceKind.SPECIAL_UNIT, UNITS),
        UNITS,
    )


@given(
    places=some_places(),
    lowest=st.sampled_from([None, *LEVELS, "parish"]),
    answers_on=st.sampled_from([None, "segment", "area"]),
    points=st.lists(
        st.tuples(
            st.integers(-1, BLOCKS - 1),
            st.integers(-1, SEGMENTS - 1),
            st.integers(0, 1),
            st.permutations(range(UNITS)),
            st.integers(0, UNITS),
        ),
        min_size=1,
        max_size=12,
    ),
)
def test_many_points_are_answered_as_each_alone(places: Places, lowest: str | None, answers_on: str | None, points) -> None:
    category = Category("matter:1", answers_on=answers_on, lowest_level=lowest)
    found = judged(places, category)
    able = found.special_units()
    units = [tuple(order[:count]) for *_, order, count in points]
    first = [next((unit for unit in held if able[unit]), -1) for held in units]
    block, segment, side = (np.array(column, dtype=np.int64) for column in list(zip(*points, strict=True))[:3])
    chosen = found.at(block=block, segment=segment, side=side, special_unit=np.array(first, dtype=np.int64))
    for at, held in enumerate(units):
        if block[at] < 0:
            assert chosen[at] == -1
            continue
        over = [places.special_units.get(unit) for unit in held] + [
            places.sides.get((int(segment[at]), int(side[at]))),
            places.blocks.get(int(block[at])),
        ]
        chain = [rung for rung in over if rung is not None] + [*places.ladders[places.ladder_of_block[block[at]]]]
        alone = answering(dispatch(chain, category))
        assert (chosen[at] == -1) == (alone is None)
        if alone is not None:
            bulk = found.answers[chosen[at]]
            assert (bulk.owner, bulk.level, bulk.code) == (alone.by, alone.rung.level, alone.rung.code)
