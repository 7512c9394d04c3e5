"""Judging an incident history of a city pack: its rows, its mapping of categories, and whether it lies in the city."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.city_pack import CityPack, IncidentHistory
from gis.errors import BadPack, DatumOutsideItsCountry, Finding
from gis.exchange import Floats, from_wgs84, to_wgs84
from gis.pack_check_areas import City
from gis.pack_check_defaults import Points
from gis.pack_findings import Findings
from gis.pack_incidents import read_incidents
from grids.datum import DATUMS
from grids.errors import BadCoordinate, Refusal

# So many places are enough to tell one datum from another.
_SAMPLE = 20_000


def check_history(
    folder: Path, pack: CityPack, history: IncidentHistory, found: Findings, *, city: City, keys: frozenset[str] | None
) -> None:
    """Judge one history. ``keys`` are the pack's categories (kind:code), None when they could not be read."""
    if keys is None:
        return
    found.add(_mapping_faults(history, keys))
    total, outside, sample, points = 0, 0, list[NDArray[np.float64]](), Points()
    try:
        for frame, findings in read_incidents(folder, history, pack):
            found.add(findings)
            placed = frame.dropna(subset=["lon", "lat"])
            lons, lats = placed["lon"].to_numpy(dtype=float), placed["lat"].to_numpy(dtype=float)
            total, outside = total + len(frame), outside + _outside(city, lons, lats)
            points.add(placed)
            if sum(map(len, sample)) < _SAMPLE:
                sample.append(np.column_stack([lons, lats])[:_SAMPLE])
        found.add(points.findings(history, lambda: read_incidents(folder, history, pack)))
    except BadPack as refusal:
        found.add(refusal.findings)
        return
    except (BadCoordinate, DatumOutsideItsCountry) as refusal:
        found.add([_unfit_default_point(history, refusal)])
        return
    found.add(_outside_faults(history, city, total, outside, np.concatenate(sample)))


def _unfit_default_point(history: IncidentHistory, refusal: BadCoordinate | DatumOutsideItsCountry) -> Finding:
    return Finding(
        "bad-default-point",
        "History {history} lists the default point lon {lon}, lat {lat}, which cannot be in {datum}.",
        "List default points as [lon, lat] in the datum that the source declares.",
        file="city.toml",
        details={"history": history.key, "lon": refusal.lon, "lat": refusal.lat, "datum": history.source.datum},
    )


def _outside(city: City, lons: Floats, lats: Floats) -> int:
    return int((~city.inside(_points(lons, lats))).sum()) if city.whole else 0


def _mapping_faults(history: IncidentHistory, keys: frozenset[str]) -> Iterator[Finding]:
    for value, key in history.categories.items():
        if key not in keys:
            yield Finding(
                "unknown-category",
                "History {history} maps {value!r} to category {key!r}, which the pack does not list.",
                "Use a key of the pack's categories: kind:code.",
                file="city.toml",
                details={"history": history.key, "value": value, "key": key},
            )


def _outside_faults(history: IncidentHistory, city: City, total: int, outside: int, sample: NDArray[np.float64]) -> Iterator[Finding]:
    if outside == 0:
        return
    details = {"count": outside, "total": total, "percent": round(100 * outside / total, 2)}
    likely = _likely_datum(str(history.source.datum), city, sample[:, 0], sample[:, 1])
    if likely is None:
        yield Finding(
            "incidents-outside",
            "{count} of {total} incidents ({percent} %) lie outside the city.",
            "They are imported, but no area answers for them.",
            file=history.source.file,
            severity="warning",
            details=details,
        )
        return
    datum, share = likely
    yield Finding(
        "datum-looks-wrong",
        "{count} of {total} incidents ({percent} %) lie outside the city; read as {datum} instead of {declared}, only {instead} % would.",
        "Ask whoever made the file, and set datum of this history.",
        file=history.source.file,
        severity="warning",
        details={**details, "datum": datum, "declared": history.source.datum, "instead": round(100 * share, 2)},
    )


def _likely_datum(declared: str, city: City, lons: Floats, lats: Floats) -> tuple[str, float] | None:
    """The other datum in which far fewer places would lie outside the city, and that share; None when there is none."""
    try:
        raw_lons, raw_lats = from_wgs84(lons, lats, datum=declared)
    except Refusal:
        return None
    shares: dict[str, float] = {}
    for datum in DATUMS:
        try:
            points = _points(*to_wgs84(raw_lons, raw_lats, datum=datum))
        except Refusal:
            continue
        shares[datum] = float((~city.inside(points)).mean())
    best = min(shares, key=lambda datum: shares[datum])
    better = shares[best] <= shares[declared] / 2 and shares[declared] - shares[best] >= 0.01
    return (best, shares[best]) if better else None


def _points(lons: Floats, lats: Floats) -> NDArray[Any]:
    return np.asarray(shapely.points(lons, lats), dtype=object)
