"""The one table of who may do what: what no grants, however many, ever allow."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grids.permissions import (
    IN_THE_WHOLE_CITY,
    LEAST_COUNT,
    NOT_OF_OWN,
    PERMISSIONS,
    PUBLIC,
    Act,
    Grant,
    Ground,
    Person,
    Place,
    Role,
    Thing,
    may,
    told_count,
)

CITIES = ("here", "there")
LEVELS = ("city", "district", "community", "duty_grid")
"""A ladder of four rungs, two areas below each but the first; a code names its path, so ``1/2`` lies in ``1``."""

granted = st.sampled_from([role for role in Role if role is not Role.PUBLIC])
acts = st.sampled_from(Act)
closed = st.sampled_from([act for act, roles in PERMISSIONS.items() if Role.PUBLIC not in roles and act not in IN_THE_WHOLE_CITY])
departments = st.sampled_from(["water", "works"])
paths = st.lists(st.sampled_from("12"), max_size=3)


def ladder(path: list[str]) -> tuple[Place, ...]:
    """The place at the end of a path, after all that are above it."""
    return tuple(Place(LEVELS[depth], "/".join(path[:depth])) for depth in range(len(path) + 1))


places = paths.map(lambda path: ladder(path)[-1])
grants = st.builds(Grant, granted, st.sampled_from(CITIES), st.none() | places, st.none() | departments)
persons = st.builds(Person, st.integers(1, 9), st.lists(grants, max_size=6).map(tuple))
things = st.builds(
    Thing,
    st.sampled_from(CITIES),
    paths.map(lambda path: frozenset(ladder(path))),
    st.frozensets(departments),
    st.none() | st.integers(1, 9),
)


@given(persons, closed, things)
def test_nothing_above_or_beside_every_grant_is_ever_allowed(person: Person, act: Act, thing: Thing) -> None:
    verdict = may(person, act, thing)
    reached = [one for one in person.grants if one.city == thing.city and (one.place is None or one.place in thing.places)]
    if not reached:
        assert not verdict.allowed
    if verdict.allowed:
        assert verdict.grant in reached
        assert verdict.grant.role in PERMISSIONS[act]


@given(persons, closed, st.sampled_from(CITIES), paths.map(lambda path: path[:2]))
def test_a_place_above_all_ones_own_is_refused_and_all_below_is_not_more_than_it(
    person: Person, act: Act, city: str, path: list[str]
) -> None:
    above, below = Thing(city, frozenset(ladder(path))), Thing(city, frozenset(ladder([*path, "1"])))
    if may(person, act, above).allowed:
        assert may(person, act, below).allowed
    partial = Person(person.account, tuple(one for one in person.grants if one.place is not None and one.place not in above.places))
    assert not may(partial, act, above).allowed


@given(persons, st.lists(grants, max_size=3), acts, st.none() | things)
def test_more_grants_never_allow_less(person: Person, more: list[Grant], act: Act, thing: Thing | None) -> None:
    for richer in (Person(person.account, (*person.grants, *more)), Person(person.account, (*more, *person.grants))):
        assert may(richer, act, thing).allowed >= may(person, act, thing).allowed


@given(persons, closed, things)
def test_a_department_never_reaches_what_another_leads(person: Person, act: Act, thing: Thing) -> None:
    for department in ("water", "works"):
        only = Person(person.account, tuple(dataclasses.replace(one, department=department) for one in person.grants))
        verdict = may(only, act, thing)
        assert not (verdict.allowed and department not in thing.departments)


@given(persons, st.sampled_from(sorted(IN_THE_WHOLE_CITY)), things)
def test_some_acts_are_open_in_a_whole_city_to_whoever_has_a_fitting_part_of_it(person: Person, act: Act, thing: Thing) -> None:
    part = any(one.city == thing.city and one.role in PERMISSIONS[act] for one in person.grants)
    assert may(person, act, thing).allowed == part


@given(persons, st.sampled_from(sorted(NOT_OF_OWN)), things)
def test_nobody_does_to_their_own_work_what_others_must(person: Person, act: Act, thing: Thing) -> None:
    own = dataclasses.replace(thing, doer=person.account)
    assert not may(person, act, own).allowed
    others = dataclasses.replace(thing, doer=(person.account or 0) + 1)
    if may(person, act, others).allowed:
        assert may(person, act, own).ground is Ground.OWN_WORK


@given(acts, st.none() | things)
def test_nobody_in_particular_may_only_what_is_open_to_all(act: Act, thing: Thing | None) -> None:
    verdict = may(PUBLIC, act, thing)
    assert verdict.allowed == (Role.PUBLIC in PERMISSIONS[act])
    assert verdict.ground is (Ground.OPEN_TO_ALL if verdict.allowed else Ground.NOT_LOGGED_IN)


@given(persons, acts, things)
def test_what_may_be_done_to_a_thing_may_be_done_somewhere(person: Person, act: Act, thing: Thing) -> None:
    if may(person, act, thing).allowed:
        assert may(person, act).allowed


@pytest.mark.parametrize("act", [Act.READ_INCIDENTS, Act.READ_ADDRESSES, Act.READ_CONTACTS, Act.CHECK_WORK, Act.ADOPT_EDITION])
def test_whoever_keeps_the_accounts_keeps_no_record(act: Act) -> None:
    verdict = may(Person(1, (Grant(Role.ADMINISTRATOR, "here"),)), act, Thing("here"))
    assert (verdict.allowed, verdict.ground) == (False, Ground.NO_ROLE)


def test_every_act_has_its_roles_and_the_public_is_never_granted_one() -> None:
    assert set(PERMISSIONS) == set(Act)
    assert {act for act, roles in PERMISSIONS.items() if Role.PUBLIC in roles} == {Act.READ_PLAN, Act.READ_COUNTS, Act.KEEP_OWN_ACCOUNT}


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_no_number_and_no_difference_of_numbers_tells_of_fewer_than_the_least(one: int, other: int) -> None:
    assert told_count(one, exact=True) == one
    told = told_count(one, exact=False)
    assert told <= one < told + LEAST_COUNT
    assert abs(told - told_count(other, exact=False)) % LEAST_COUNT == 0
