"""The datum boundary: everything inside is WGS84 longitude and latitude, whatever came in from outside.

Two Chinese datums shift each place by some hundred metres. GCJ-02 is demanded of web maps in mainland China, BD-09
is one provider's second shift on top of it. Neither has an official definition in the open; the formulas here are
the ones that the public re-implementations agree on (for example "eviltransform" and "coordtransform", checked against
each other; they reproduce the shift that map users measure). The forward direction is the formula, the way back is
found by iteration, because the short inverse in circulation is metres off. CGCS2000 and WGS84 are treated as the
same: they differ by less than a metre, which is below what a report's position or a boundary is known to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from gis.errors import DatumOutsideItsCountry
from grids.datum import DATUMS
from grids.errors import BadCoordinate, UnknownDatum

Floats = NDArray[np.float64]
_Shift = Callable[[Floats, Floats], tuple[Floats, Floats]]

# The coarse box in which the public formula shifts at all: west, south, east, north in degrees.
MAINLAND_CHINA = (72.004, 0.8293, 137.8347, 55.8271)
# A place just inside the box may be shifted just out of it, by at most this much (about 2 km, BD-09 included).
_BOX_MARGIN_DEG = 0.02
# The formula's ellipsoid (Krasovsky 1940) and its squared eccentricity.
_A_M = 6_378_245.0
_E2 = 0.00669342162296594323
_X_PI = np.pi * 3000.0 / 180.0
# Each round shrinks the error to a fiftieth or less; twelve reach the resolution of a double from any start.
_ROUNDS = 12


def to_wgs84(lons: ArrayLike, lats: ArrayLike, *, datum: str) -> tuple[Floats, Floats]:
    """WGS84 longitudes and latitudes of places measured in ``datum``.

    Takes and gives two ``(n,)`` float64 arrays in degrees, longitude first; empty in, empty out. WGS84 and CGCS2000
    pass unchanged (they agree to less than a metre). The inverse of GCJ-02 and BD-09 is exact against the public
    formula to about 1e-9 degrees.

    Raises ``UnknownDatum``, ``BadCoordinate`` for the first value that is NaN, infinite or off the globe (with its
    index), and ``DatumOutsideItsCountry`` when a GCJ-02 or BD-09 place lies outside mainland China's coarse box.
    """
    return _converted(lons, lats, datum, {"gcj02": _gcj02_to_wgs84, "bd09": _bd09_to_wgs84})


def from_wgs84(lons: ArrayLike, lats: ArrayLike, *, datum: str) -> tuple[Floats, Floats]:
    """Longitudes and latitudes in ``datum`` of WGS84 places: the way out, with the same shapes and refusals."""
    return _converted(lons, lats, datum, {"gcj02": _wgs84_to_gcj02, "bd09": _wgs84_to_bd09})


def geometries_to_wgs84(geometries: Any, *, datum: str) -> NDArray[Any]:
    """The same geometries, two-dimensional, with each vertex moved from ``datum`` to WGS84.

    Takes an ``(n,)`` array of shapely geometries in degrees, longitude first; None and empty geometries pass.
    Raises what ``to_wgs84`` raises, where the index counts vertices in the order of the geometries.
    """

    def moved(places: NDArray[Any]) -> NDArray[Any]:
        lons, lats = to_wgs84(places[:, 0], places[:, 1], datum=datum)
        return np.column_stack([lons, lats])

    return np.asarray(shapely.transform(np.asarray(geometries, dtype=object), moved), dtype=object)


def faulty_places(lons: Floats, lats: Floats) -> NDArray[np.bool_]:
    """Which places are not on the globe: NaN, infinite, or outside ±180 and ±90 degrees. ``(n,)`` in, ``(n,)`` out."""
    with np.errstate(invalid="ignore"):
        return ~(np.isfinite(lons) & np.isfinite(lats) & (np.abs(lons) <= 180.0) & (np.abs(lats) <= 90.0))


def outside_datum(lons: Floats, lats: Floats, *, datum: str) -> NDArray[np.bool_]:
    """Which places cannot be in ``datum``: for GCJ-02 and BD-09 those outside mainland China's coarse box, else none."""
    if datum not in ("gcj02", "bd09"):
        return np.zeros(len(lons), dtype=bool)
    west, south, east, north = MAINLAND_CHINA
    m = _BOX_MARGIN_DEG
    return ~((lons >= west - m) & (lons <= east + m) & (lats >= south - m) & (lats <= north + m))


def _converted(lons: ArrayLike, lats: ArrayLike, datum: str, shifts: dict[str, _Shift]) -> tuple[Floats, Floats]:
    if datum not in DATUMS:
        raise UnknownDatum(datum)
    lons, lats = np.array(lons, dtype=np.float64), np.array(lats, dtype=np.float64)
    bad = faulty_places(lons, lats)
    if bad.any():
        index = int(np.argmax(bad))
        raise BadCoordinate(lon=float(lons[index]), lat=float(lats[index]), index=index)
    outside = outside_datum(lons, lats, datum=datum)
    if outside.any():
        index = int(np.argmax(outside))
        raise DatumOutsideItsCountry(datum=datum, lon=float(lons[index]), lat=float(lats[index]), index=index)
    return shifts[datum](lons, lats) if datum in shifts else (lons, lats)


def _wgs84_to_gcj02(lons: Floats, lats: Floats) -> tuple[Floats, Floats]:
    x, y = lons - 105.0, lats - 35.0
    root = np.sqrt(np.abs(x))
    ripple = 20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north_m += (ripple + 20.0 * np.sin(np.pi * y) + 40.0 * np.sin(np.pi * y / 3.0)) * 2.0 / 3.0
    north_m += (160.0 * np.sin(np.pi * y / 12.0) + 320.0 * np.sin(np.pi * y / 30.0)) * 2.0 / 3.0
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east_m += (ripple + 20.0 * np.sin(np.pi * x) + 40.0 * np.sin(np.pi * x / 3.0)) * 2.0 / 3.0
    east_m += (150.0 * np.sin(np.pi * x / 12.0) + 300.0 * np.sin(np.pi * x / 30.0)) * 2.0 / 3.0
    radians = np.radians(lats)
    w = 1.0 - _E2 * np.sin(radians) ** 2
    meridian_m = _A_M * (1.0 - _E2) / (w * np.sqrt(w))
    parallel_m = _A_M / np.sqrt(w) * np.cos(radians)
    return lons + np.degrees(east_m / parallel_m), lats + np.degrees(north_m / meridian_m)


def _gcj02_to_bd09(lons: Floats, lats: Floats) -> tuple[Floats, Floats]:
    radius = np.hypot(lons, lats) + 0.00002 * np.sin(lats * _X_PI)
    angle = np.arctan2(lats, lons) + 0.000003 * np.cos(lons * _X_PI)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def _wgs84_to_bd09(lons: Floats, lats: Floats) -> tuple[Floats, Floats]:
    return _gcj02_to_bd09(*_wgs84_to_gcj02(lons, lats))


def _gcj02_to_wgs84(lons: Floats, lats: Floats) -> tuple[Floats, Floats]:
    return _inverted(_wgs84_to_gcj02, lons, lats)


def _bd09_to_wgs84(lons: Floats, lats: Floats) -> tuple[Floats, Floats]:
    return _gcj02_to_wgs84(*_inverted(_gcj02_to_bd09, lons, lats))


def _inverted(forward: _Shift, lons: Floats, lats: Floats) -> tuple[Floats, Floats]:
    """The places that ``forward`` moves to the given ones: take the shift at the last guess off the given place."""
    guess_lons, guess_lats = lons, lats
    for _ in range(_ROUNDS):
        there_lons, there_lats = forward(guess_lons, guess_lats)
        guess_lons, guess_lats = guess_lons + (lons - there_lons), guess_lats + (lats - there_lats)
    return guess_lons, guess_lats
