"""In which datum places were measured, judged by how they lie to a city's streets.

The same places are read in each datum that they could be in (a reading), and each reading is compared with chance: the same
places moved together by some hundred metres in many directions. Moved copies keep how the places lie to each other and how
dense the streets are, so a street nearby is evidence only as far as the moved copies have none; this is the shift test of
spatial statistics (Lotwick and Silverman, "Methods for analysing spatial processes of several types of points", Journal of
the Royal Statistical Society B 44, 1982). Shares are corrected for chance as Cohen's kappa is: 0 is what chance gives, 1 is
every place at a street.

A reading fits when, for one of the distances `WITHIN_M`, all three hold:

- at least `LEAST_BEYOND_CHANCE` of what chance leaves away from the streets lies at a street,
- the share is at least `LEAST_DEVIATIONS` standard deviations above that of chance, so that few places do not decide,
- at most `MOST_AS_GOOD` of the moved copies do as well, so that places along one street, or streets at even distances, do not.

It is the answer only when no other reading comes within `LEAST_LEAD` of it. Everything else is "cannot tell", with its reason.
Which datum is right is never derived from the numbers alone: places that follow no street say nothing, and it is said so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Reading = Literal["wgs84", "gcj02", "bd09"]
"""What can be told apart: CGCS2000 is read as WGS 84, from which it differs by less than a metre."""
READINGS: tuple[Reading, ...] = get_args(Reading)

Reason = Literal["too_few", "outside", "too_small", "off_the_streets", "ambiguous"]

WITHIN_M = (5.0, 10.0, 25.0)
"""Distances to a street that are counted: a survey's error, a good receiver's, and the kerb of a wide street."""
MIN_PLACES = 30
"""Fewer different places inside the city decide nothing."""
MOST_PLACES = 2_000
"""More different places are not looked at: a share is then known to a hundredth."""
LEAST_BEYOND_CHANCE = 0.6
LEAST_LEAD = 0.25
LEAST_DEVIATIONS = 4.0
MOST_AS_GOOD = 0.05

_SHIFTS = 36
# Far enough to leave the street and its junction, nearer than any datum's shift in a city (100 m to 1.2 km).
_NEAREST_SHIFT_M, _FURTHEST_SHIFT_M = 120.0, 400.0
_GOLDEN_ANGLE = np.pi * (3.0 - np.sqrt(5.0))
# A moved copy of which less than this share is still in the city is no copy of the same places.
_LEAST_STILL_INSIDE = 0.25
# With fewer moved copies than this, "as good as by chance" has no meaning.
_LEAST_SHIFTS = 18
# Places nearer to each other than this are one piece of evidence (about 25 m).
_SAME_PLACE_DEG = 0.00025


def distinct_places(lons: Floats, lats: Floats) -> NDArray[np.intp]:
    """Which places to look at: the first of each square of about 25 m, at most ``MOST_PLACES``, evenly over the file.

    Takes (n,) degrees in any datum, none of them NaN; gives increasing indices (k,).
    """
    squares = np.column_stack([np.floor(lons / _SAME_PLACE_DEG), np.floor(lats / _SAME_PLACE_DEG)])
    first = np.sort(np.unique(squares, axis=0, return_index=True)[1])
    if len(first) <= MOST_PLACES:
        return first
    return first[np.linspace(0, len(first) - 1, MOST_PLACES).astype(np.intp)]


def measured(reading: Reading, eastings: Floats, northings: Floats, ground: Ground, *, possible: bool = True) -> Evidence:
    """How the places of one reading lie to the streets.

    ``eastings`` and ``northings`` (n,) are metres of the plane of ``ground``; what is not finite lies nowhere. ``possible`` is
    False for a datum that does not exist where the places are. Places outside the city are counted and then left out.
    """
    inside = ground.inside(eastings, northings)
    kept = int(inside.sum())
    if not kept:
        nothing = (np.nan,) * len(WITHIN_M)
        return Evidence(reading, possible, len(inside), 0, nothing, np.nan, np.nan, nothing, nothing, 0)
    east, north = eastings[inside], northings[inside]
    away = ground.to_street(east, north)
    within = _shares(away)
    moved = _moved(east, north, ground)
    chance = moved.mean(axis=0) if len(moved) else np.full(len(WITHIN_M), np.nan)
    as_good = (moved >= within).mean(axis=0) if len(moved) else np.full(len(WITHIN_M), np.nan)
    middle, most = (float(at) for at in np.percentile(away, [50, 90], method="lower"))
    return Evidence(reading, possible, len(inside), kept, _tuple(within), middle, most, _tuple(chance), _tuple(as_good), len(moved))


def judged(evidence: Sequence[Evidence]) -> Verdict:
    """Which reading fits, or why that cannot be told; pure comparison of what ``measured`` found."""
    told = tuple(evidence)
    if not told or max(one.places for one in told) < MIN_PLACES:
        return Verdict(None, "too_few", told)
    held = [one for one in told if one.possible and one.inside >= MIN_PLACES and 2 * one.inside >= one.places]
    if not held:
        return Verdict(None, "outside", told)
    nearest = max(held, key=lambda one: one.beyond_chance)
    if all(one.shifts < _LEAST_SHIFTS for one in held):
        return Verdict(None, "too_small", told)
    fitting = [one for one in held if one.fits_at is not None]
    if not fitting:
        return Verdict(None, "off_the_streets", told, nearest)
    best = max(fitting, key=lambda one: one.beyond_chance)
    if any(best.beyond_chance - one.beyond_chance < LEAST_LEAD for one in held if one is not best):
        return Verdict(None, "ambiguous", told, best)
    return Verdict(best.reading, None, told, best)


def _moved(east: Floats, north: Floats, ground: Ground) -> Floats:
    """The shares (k, distances) of the moved copies of which enough is still in the city."""
    turns = np.arange(_SHIFTS)
    radii = np.linspace(_NEAREST_SHIFT_M, _FURTHEST_SHIFT_M, _SHIFTS)
    easts = (east[None, :] + (radii * np.cos(turns * _GOLDEN_ANGLE))[:, None]).ravel()
    norths = (north[None, :] + (radii * np.sin(turns * _GOLDEN_ANGLE))[:, None]).ravel()
    inside = ground.inside(easts, norths)
    away = np.full(len(easts), np.nan)
    away[inside] = ground.to_street(easts[inside], norths[inside])
    copies = zip(away.reshape(_SHIFTS, -1), inside.reshape(_SHIFTS, -1), strict=True)
    least = max(1.0, _LEAST_STILL_INSIDE * len(east))
    shares = [_shares(away_one[inside_one]) for away_one, inside_one in copies if inside_one.sum() >= least]
    return np.array(shares).reshape(-1, len(WITHIN_M))


def _shares(away: Floats) -> Floats:
    return np.array([(away <= limit).mean() for limit in WITHIN_M])


def _tuple(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


@dataclass(frozen=True)
class Ground:
    """Streets (linestrings) and the areas of the city (polygons, gaps and overlaps allowed), in metres of one plane."""

    streets: NDArray[Any]
    areas: NDArray[Any]

    @cached_property
    def _streets(self) -> shapely.STRtree:
        return shapely.STRtree(self.streets)

    @cached_property
    def _areas(self) -> NDArray[Any]:
        shapely.prepare(self.areas)
        return self.areas

    def inside(self, eastings: Floats, northings: Floats) -> NDArray[np.bool_]:
        """Which places (n,) lie in the city, borders included; what is not finite does not."""
        found = np.isfinite(eastings) & np.isfinite(northings)
        there = np.flatnonzero(found)
        points = shapely.STRtree(np.asarray(shapely.points(eastings[there], northings[there]), dtype=object))
        found[:] = False
        found[there[points.query(self._areas, predicate="intersects")[1]]] = True
        return found

    def to_street(self, eastings: Floats, northings: Floats) -> Floats:
        """Metres (n,) from each place to the nearest street; infinite in a city without streets."""
        away = np.full(len(eastings), np.inf)
        if len(self.streets) and len(eastings):
            points = shapely.points(eastings, northings)
            (at, _), metres = self._streets.query_nearest(points, return_distance=True, all_matches=False)
            away[at] = metres
        return away


@dataclass(frozen=True)
class Evidence:
    """How the places lie when they are read in one datum.

    ``places`` are looked at, ``inside`` of them lie in the city, and what follows is about those. ``within`` is the share within
    each distance of `WITHIN_M`, ``chance`` the mean share of the moved copies, ``as_good`` the share of ``shifts`` moved copies
    that have at least as many. ``median_m`` and ``p90_m`` are distances to the nearest street. NaN: nothing to measure.
    """

    reading: Reading
    possible: bool
    places: int
    inside: int
    within: tuple[float, ...]
    median_m: float
    p90_m: float
    chance: tuple[float, ...]
    as_good: tuple[float, ...]
    shifts: int

    @property
    def beyond_chance(self) -> float:
        """How far the share is above chance, 0 to 1 (below 0: under it), at the distance at which it is furthest; 0 with no evidence."""
        return max(map(self._beyond, range(len(WITHIN_M))))

    @property
    def fits_at(self) -> int | None:
        """The place in `WITHIN_M` of the distance at which all three conditions hold, the one with most above chance; None: none."""
        if self.shifts < _LEAST_SHIFTS:
            return None
        return max(filter(self._fits, range(len(WITHIN_M))), key=lambda at: self.within[at] - self.chance[at], default=None)

    def _beyond(self, at: int) -> float:
        chance = self.chance[at]
        return 0.0 if not chance < 1.0 else (self.within[at] - chance) / (1.0 - chance)

    def _fits(self, at: int) -> bool:
        # No chance at all would make one place by a street a certainty.
        chance = max(self.chance[at], 1.0 / self.inside)
        deviation = np.sqrt(chance * max(1.0 - chance, 0.0) / self.inside)
        above = self.within[at] - chance > LEAST_DEVIATIONS * deviation
        return bool(above and self._beyond(at) >= LEAST_BEYOND_CHANCE and self.as_good[at] <= MOST_AS_GOOD)


@dataclass(frozen=True)
class Verdict:
    """The reading that fits, or None and the reason; what was measured of every reading, and of the one that comes nearest.

    ``nearest`` is None when no reading has enough places in the city to be compared.
    """

    fits: Reading | None
    reason: Reason | None
    evidence: tuple[Evidence, ...]
    nearest: Evidence | None = None
