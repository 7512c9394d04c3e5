"""Street places name their datum whatever the street net; places that follow no street name none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from grids.datum_evidence import MIN_PLACES, MOST_PLACES, READINGS, Ground, distinct_places, judged, measured

SIDE_M = 6_000.0
CITY = np.array([shapely.box(0, 0, SIDE_M, SIDE_M)], dtype=object)
# Where a place comes to lie when it is read in the named datum and was measured in WGS 84: about what it is in Shanghai.
AWAY_M = {"wgs84": (0.0, 0.0), "gcj02": (-430.0, 215.0), "bd09": (-1_010.0, -420.0)}


def streets_of(chance: np.random.Generator, spacing_m: float, *, uneven: float, turned: float) -> np.ndarray:
    """A net of two families of straight streets over the city: ``uneven`` 0 gives equal distances, 0.4 a grown city."""
    lines = []
    for family in range(2):
        at = np.arange(-1.5 * SIDE_M, 1.5 * SIDE_M, spacing_m)
        at += chance.uniform(-uneven, uneven, len(at)) * spacing_m
        angle = turned + family * np.pi / 2
        along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        middle = np.array([SIDE_M / 2, SIDE_M / 2])
        lines += [shapely.LineString([middle + c * across - 2 * SIDE_M * along, middle + c * across + 2 * SIDE_M * along]) for c in at]
    return shapely.intersection(np.array(lines, dtype=object), CITY[0])


def street_places(chance: np.random.Generator, streets: np.ndarray, count: int, *, noise_m: float) -> np.ndarray:
    """Places along the streets of the middle of the city, each off by a normal error."""
    there = streets[shapely.length(streets) > 0]
    chosen = there[chance.choice(len(there), size=20 * count, p=shapely.length(there) / shapely.length(there).sum())]
    places = shapely.get_coordinates(shapely.line_interpolate_point(chosen, chance.uniform(0, 1, len(chosen)), normalized=True))
    middle = (np.abs(places - SIDE_M / 2) < 1_500).all(axis=1)
    return places[middle][:count] + chance.normal(0, noise_m, (min(count, int(middle.sum())), 2))


def judge(places: np.ndarray, ground: Ground, *, truth: str = "wgs84"):
    """The verdict on places given where they truly lie, when they were measured in ``truth``."""
    evidence = []
    for reading in READINGS:
        off = np.array(AWAY_M[reading]) - np.array(AWAY_M[truth])
        evidence.append(measured(reading, *(places + off).T, ground))
    return judged(evidence)


nets = {"seed": st.integers(0, 2**32 - 1), "spacing_m": st.floats(90, 400), "turned": st.floats(0, np.pi / 2)}


@settings(deadline=None, max_examples=25)
@given(**nets, truth=st.sampled_from(READINGS), noise_m=st.floats(0, 6), count=st.integers(80, 250))
def test_street_places_name_the_datum_they_were_measured_in(*, seed, spacing_m, turned, truth, noise_m, count):
    chance = np.random.default_rng(seed)
    ground = Ground(streets_of(chance, spacing_m, uneven=0.4, turned=turned), CITY)
    verdict = judge(street_places(chance, ground.streets, count, noise_m=noise_m), ground, truth=truth)
    assert verdict.fits == truth
    assert verdict.reason is None


@settings(deadline=None, max_examples=25)
@given(**nets, truth=st.sampled_from(READINGS), uneven=st.floats(0, 0.4), noise_m=st.floats(0, 30), count=st.integers(0, 200))
def test_street_places_never_name_another_datum(*, seed, spacing_m, turned, truth, uneven, noise_m, count):
    """With streets at equal distances, few places or much noise it may not be told, but it is not told wrongly."""
    chance = np.random.default_rng(seed)
    ground = Ground(streets_of(chance, spacing_m, uneven=uneven, turned=turned), CITY)
    verdict = judge(street_places(chance, ground.streets, count, noise_m=noise_m), ground, truth=truth)
    assert verdict.fits in (truth, None)
    assert (verdict.reason is None) == (verdict.fits is not None)


@settings(deadline=None, max_examples=25)
@given(**nets, uneven=st.floats(0, 0.4), count=st.integers(MIN_PLACES, 200))
def test_places_anywhere_in_the_city_name_no_datum(seed, spacing_m, turned, uneven, count):
    chance = np.random.default_rng(seed)
    ground = Ground(streets_of(chance, spacing_m, uneven=uneven, turned=turned), CITY)
    verdict = judge(chance.uniform(1_300, SIDE_M - 1_300, (count, 2)), ground)
    assert (verdict.fits, verdict.reason) == (None, "off_the_streets")


@settings(deadline=None, max_examples=25)
@given(**nets, count=st.integers(MIN_PLACES, 200))
def test_places_that_keep_away_from_streets_name_no_datum(seed, spacing_m, turned, count):
    chance = np.random.default_rng(seed)
    ground = Ground(streets_of(chance, spacing_m, uneven=0.3, turned=turned), CITY)
    places = chance.uniform(1_300, SIDE_M - 1_300, (30 * count, 2))
    backyards = places[ground.to_street(*places.T) > 25][:count]
    verdict = judge(backyards, ground)
    assert verdict.fits is None


def test_in_a_net_so_dense_that_every_place_is_by_a_street_nothing_can_be_told():
    chance = np.random.default_rng(1)
    ground = Ground(streets_of(chance, 12, uneven=0.2, turned=0.3), CITY)
    verdict = judge(street_places(chance, ground.streets, 300, noise_m=3), ground)
    assert (verdict.fits, verdict.reason) == (None, "off_the_streets")


def test_places_half_in_one_datum_and_half_in_another_name_none():
    chance = np.random.default_rng(2)
    ground = Ground(streets_of(chance, 200, uneven=0.4, turned=0.3), CITY)
    places = street_places(chance, ground.streets, 400, noise_m=3)
    places[::2] -= AWAY_M["gcj02"]
    verdict = judge(places, ground)
    assert verdict.fits is None
    beyond = {one.reading: one.beyond_chance for one in verdict.evidence}
    assert min(beyond["wgs84"], beyond["gcj02"]) > 0.3


def test_streets_at_equal_distances_that_fit_two_readings_alike_are_ambiguous():
    chance = np.random.default_rng(3)
    across = [shapely.LineString([(at, 0), (at, SIDE_M)]) for at in np.arange(0, SIDE_M, 215.0)]
    along = [shapely.LineString([(0, at), (SIDE_M, at)]) for at in np.arange(0, SIDE_M, 215.0)]
    ground = Ground(np.array(across + along, dtype=object), CITY)
    verdict = judge(street_places(chance, ground.streets, 400, noise_m=3), ground)
    assert (verdict.fits, verdict.reason) == (None, "ambiguous")


def test_too_few_places_name_no_datum_however_well_they_lie():
    chance = np.random.default_rng(4)
    ground = Ground(streets_of(chance, 200, uneven=0.4, turned=0.3), CITY)
    places = street_places(chance, ground.streets, MIN_PLACES, noise_m=0)
    assert judge(places[: MIN_PLACES - 1], ground).reason == "too_few"
    assert judge(places, ground).fits == "wgs84"
    assert judge(places[:0], ground).reason == "too_few"


def test_places_elsewhere_or_nowhere_are_outside():
    chance = np.random.default_rng(5)
    ground = Ground(streets_of(chance, 200, uneven=0.4, turned=0.3), CITY)
    places = street_places(chance, ground.streets, 100, noise_m=3)
    assert judge(places + 50_000, ground).reason == "outside"
    assert judge(np.full_like(places, np.inf), ground).reason == "outside"
    mostly = places.copy()
    mostly[: len(mostly) * 2 // 3] += 50_000
    assert judge(mostly, ground).reason == "outside"


def test_a_datum_that_is_not_possible_here_is_never_the_answer():
    chance = np.random.default_rng(6)
    ground = Ground(streets_of(chance, 200, uneven=0.4, turned=0.3), CITY)
    places = street_places(chance, ground.streets, 300, noise_m=3)
    found = judge(places, ground, truth="gcj02")
    assert found.fits == "gcj02"
    elsewhere = [replace(one, possible=one.reading == "wgs84") for one in found.evidence]
    assert judged(elsewhere).fits is None


def test_a_city_too_small_to_move_places_within_it_is_said_to_be():
    village = Ground(
        np.array([shapely.LineString([(0, at), (100, at)]) for at in (20, 50, 80)], dtype=object),
        np.array([shapely.box(0, 0, 100, 100)], dtype=object),
    )
    places = np.array([(at, y) for at in np.linspace(1, 99, 30) for y in (20.0, 50.0, 80.0)])
    assert judged([measured("wgs84", *places.T, village)]).reason == "too_small"


def test_distances_and_shares_are_those_of_a_plain_computation():
    ground = Ground(np.array([shapely.LineString([(0, 0), (SIDE_M, 0)])], dtype=object), CITY)
    away = np.arange(1.0, 51.0)
    found = measured("wgs84", np.full(50, 3_000.0), away, ground)
    assert found.within == (5 / 50, 10 / 50, 25 / 50)
    assert (found.median_m, found.p90_m) == (25.0, 45.0)
    assert (found.places, found.inside) == (50, 50)
    assert measured("wgs84", np.full(2, 3_000.0), np.array([-1.0, np.nan]), ground).inside == 0


def test_a_city_without_streets_fits_nothing():
    places = np.random.default_rng(8).uniform(1_300, 4_000, (100, 2))
    assert judge(places, Ground(np.array([], dtype=object), CITY)).reason == "off_the_streets"


@given(st.lists(st.tuples(st.floats(121.4, 121.5), st.floats(31.2, 31.3)), max_size=60), st.integers(1, 5))
def test_a_place_that_is_said_often_counts_once(places, times):
    lons, lats = np.array(places, dtype=float).reshape(-1, 2).T
    once = distinct_places(lons, lats)
    again = distinct_places(np.tile(lons, times), np.tile(lats, times))
    assert once.tolist() == again.tolist()
    assert len(once) == len({(np.floor(x / 0.00025), np.floor(y / 0.00025)) for x, y in zip(lons, lats, strict=True)})


def test_of_many_places_a_few_are_taken_from_the_whole_file():
    lons = np.linspace(121.0, 122.0, 3_900)
    taken = distinct_places(lons, np.full(3_900, 31.2))
    assert len(taken) == MOST_PLACES
    assert (taken[0], taken[-1]) == (0, 3_899)
    assert (np.diff(taken) > 0).all()


@pytest.mark.parametrize("noise_m", [2.0, 5.0])
def test_the_evidence_of_the_right_reading_is_far_above_chance_and_that_of_the_others_is_not(noise_m):
    chance = np.random.default_rng(9)
    ground = Ground(streets_of(chance, 150, uneven=0.4, turned=0.3), CITY)
    verdict = judge(street_places(chance, ground.streets, 500, noise_m=noise_m), ground, truth="gcj02")
    beyond = {one.reading: one.beyond_chance for one in verdict.evidence}
    assert beyond["gcj02"] > 0.7
    assert max(beyond["wgs84"], beyond["bd09"]) < 0.2
