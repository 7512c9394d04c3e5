"""Default geocodes are told from busy addresses, whatever the size of the history."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from grids.default_geocodes import Crowd, Whole, crowd_of, crowded_from, effective_kinds, is_default, place_name

CITY = Whole(placed=100_000, with_address=95_000, kinds=12.0)
KINDS = [f"matter:{n:05d}" for n in range(20)]

counts = st.integers(0, 10_000)
rows = st.lists(st.tuples(st.none() | st.text(max_size=8), st.sampled_from(KINDS), st.integers(1, 500)), min_size=1, max_size=40)
wholes = st.builds(
    lambda placed, share, kinds: Whole(placed, int(placed * share), kinds), st.integers(1, 10**7), st.floats(0, 1), st.floats(1, 30)
)


def spread(streets: int, each: int) -> list[tuple[str | None, str, int]]:
    return [(f"{n} {chr(0x4E00 + n)}路", KINDS[n % 20], each) for n in range(streets)]


def test_eight_percent_of_a_city_on_one_point_is_found():
    assert is_default(crowd_of(spread(800, 10), neighbour=90), CITY)
    assert is_default(crowd_of([(None, kind, 400) for kind in KINDS], neighbour=90), CITY)


def test_a_busy_address_is_none_however_busy():
    flats = [(f"长寿路{n}弄{n % 7}号{n}室", KINDS[n % 20], 1) for n in range(9_000)]
    assert not is_default(crowd_of([("9757 N Reseda Blvd", kind, 500) for kind in KINDS], neighbour=3), CITY)
    assert not is_default(crowd_of(flats, neighbour=3), CITY)


def test_a_busy_quarter_explains_a_busy_point():
    found = crowd_of(spread(40, 10), neighbour=80)
    assert is_default(found, CITY)
    assert not is_default(replace(found, neighbour=81), CITY)


def test_without_addresses_the_mix_of_categories_must_be_the_citys():
    bare = Whole(100_000, 0, 12.0)
    assert is_default(crowd_of([(None, kind, 60) for kind in KINDS], neighbour=0), bare)
    assert not is_default(crowd_of([(None, kind, 600) for kind in KINDS[:3]], neighbour=0), bare)
    assert not is_default(crowd_of([(None, kind, 49) for kind in KINDS], neighbour=0), bare)
    assert not is_default(crowd_of([(None, KINDS[0], 5_000)], neighbour=0), replace(bare, kinds=1.0))


def test_names_have_no_numbers_and_signs():
    assert place_name("长寿路 120弄 3号，501室") == place_name("长寿路99弄１号-2室") == "长寿路弄号室"
    assert place_name("12/34 -") == ""


@given(rows, wholes, st.integers(0, 50))
def test_what_is_found_has_enough_rows_and_more_of_the_same_is_still_found(said, whole, neighbour):
    found = crowd_of(said, neighbour=neighbour)
    if is_default(found, whole):
        assert found.rows >= crowded_from(whole.placed) >= 50
        assert found.rows >= 0.001 * whole.placed
        assert found.rows >= 5 * neighbour
        twice = crowd_of([(address, kind, 2 * times) for address, kind, times in said], neighbour=neighbour)
        assert is_default(twice, whole)


@given(st.text(max_size=12), st.lists(st.tuples(st.sampled_from(KINDS), st.integers(1, 10**6)), min_size=1), wholes)
def test_one_address_is_never_a_default_geocode(address, kinds, whole):
    assert not is_default(crowd_of([(address, kind, times) for kind, times in kinds], neighbour=0), whole)


@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(said, chance):
    mixed = list(said)
    chance.shuffle(mixed)
    one, other = crowd_of(said, neighbour=1), crowd_of(mixed, neighbour=1)
    assert one == other


@given(st.lists(counts, max_size=30))
def test_effective_kinds_lie_between_one_and_how_many_there_are(found):
    there = sum(count > 0 for count in found)
    assert (there == 0 and effective_kinds(found) == 0) or 1 - 1e-9 <= effective_kinds(found) <= there + 1e-9


def test_a_crowd_counts_what_its_rows_say():
    assert crowd_of([("1 A", "k:1", 3), ("2 A", "k:2", 3), (None, "k:1", 2)], neighbour=4) == Crowd(8, 6, 1, 6, 64 / 34, 4)
