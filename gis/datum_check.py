"""Which datum a file's places are in, judged by the streets of a loaded city. Nothing is written and nothing is decided.

The file is read without a city pack: its numbers as they stand, in degrees, whatever datum they are in. Each reading of them goes
through the datum boundary (`gis/exchange.py`); `grids/datum_evidence.py` judges.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pydantic import ValidationError

from gis.city_pack import Source
from gis.db import Tx, statement
from gis.errors import BadFile, BadPack, Finding, NotFound
from gis.exchange import Floats, faulty_places, outside_datum, to_wgs84
from gis.pack_files import file_of, format_of, refuse
from gis.pack_places import read_places
from gis.pack_tables import table_chunks
from gis.store import cities
from gis.store.geometry import geometries
from grids.datum_evidence import READINGS, Evidence, Ground, Reading, Verdict, distinct_places, judged, measured
from grids.measure import Plane, with_short_edges

# Streets and areas so far around the places are read, that places may be moved within them (about 1 km).
_AROUND_DEG = 0.01


def check(tx: Tx, city: str, file: Path, *, how: Reader | None = None) -> Checked:
    """Compare the places of a file with the streets of a loaded city, read in each datum that they could be in.

    A place is a point of the file, or a vertex of its lines and polygons. Raises ``NotFound`` for a city or file that is not
    there, and ``BadFile`` for a file that cannot be read or has no geometry.
    """
    plane = Plane(cities.find(tx, city).metric_crs)
    lons, lats, without = read_raw(file, how or Reader())
    looked_at = distinct_places(lons, lats)
    lons, lats = lons[looked_at], lats[looked_at]
    readings = {reading: _read_in(reading, lons, lats) for reading in READINGS}
    ground = _ground(tx, city, plane, list(readings.values()))
    evidence = [_measured(reading, *places, plane, ground) for reading, places in readings.items()]
    return Checked(city, len(looked_at), without, judged(evidence))


def read_raw(file: Path, how: Reader) -> tuple[Floats, Floats, int]:
    """Longitudes and latitudes (n,) of all places of a file as they stand in it, and how many rows have none.

    A file in metres is brought to the degrees of its own CRS; no datum is looked at. Raises ``NotFound`` and ``BadFile``.
    """
    try:
        path = file.resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:  # not there, not to be entered, a loop of links, no name at all
        raise NotFound("file", str(file)) from error
    said = {name: value for name, value in (("layer", how.layer), ("crs", how.crs), ("encoding", how.encoding)) if value is not None}
    try:
        # The datum under which the numbers of a file stay as they are.
        source = Source(file=path.name, datum="wgs84", **said)
    except ValidationError as error:
        finding = Finding(
            "file-name", "The name of this file has a sign that no source may have.", "Rename the file.", file=ascii(path.name)
        )
        raise BadFile(str(file), (finding,)) from error
    try:
        return _raw(path.parent, source, how)
    except BadPack as refusal:
        raise BadFile(str(file), refusal.findings) from refusal


def _raw(folder: Path, source: Source, how: Reader) -> tuple[Floats, Floats, int]:
    table = _from_columns(folder, source, how)
    if table is not None:
        return table
    places = read_places(folder, source, columns=()).geometry.to_numpy()
    nothing = int((shapely.is_missing(places) | shapely.is_empty(places)).sum())
    vertices = shapely.get_coordinates(places)
    return vertices[:, 0], vertices[:, 1], nothing


def _from_columns(folder: Path, source: Source, how: Reader) -> tuple[Floats, Floats, int] | None:
    """The places of a table with a column of longitudes and one of latitudes, piece by piece; None where it has no such columns.

    A row without a place is counted. A table of which no row has one is left to `read_places`, which says what is wrong with it.
    """
    named = (how.lon is not None) or (how.lat is not None)
    if not named and (format_of(file_of(folder, source)) != "csv" or source.crs is not None):
        return None
    lon, lat = how.lon or "lon", how.lat or "lat"
    asked = (lon, lat) if named else ()
    found: list[NDArray[np.float64]] = []
    without = 0
    for frame, findings in table_chunks(folder, source, columns=asked, optional=(lon, lat, "wkt")):
        if findings:
            raise refuse(folder, findings)
        if not named and ("wkt" in frame or lon not in frame or lat not in frame):
            return None
        lons, lats = (pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan) for name in (lon, lat))
        bad = faulty_places(lons, lats)
        without += int(bad.sum())
        found.append(np.column_stack([lons[~bad], lats[~bad]]))
    places = np.concatenate(found)
    if without and not len(places) and not named:
        return None
    return places[:, 0], places[:, 1], without


def _read_in(reading: Reading, lons: Floats, lats: Floats) -> tuple[Floats, Floats]:
    """WGS 84 degrees (n,) of places read in one datum; NaN where that datum does not exist."""
    there = ~outside_datum(lons, lats, datum=reading)
    read_lons, read_lats = np.full(len(lons), np.nan), np.full(len(lats), np.nan)
    read_lons[there], read_lats[there] = to_wgs84(lons[there], lats[there], datum=reading)
    return read_lons, read_lats


def _ground(tx: Tx, city: str, plane: Plane, readings: list[tuple[Floats, Floats]]) -> Ground:
    """Streets and areas of the city around all readings, in metres."""
    lons, lats = (np.concatenate([places[axis] for places in readings]) for axis in (0, 1))
    lons, lats = lons[np.isfinite(lons)], lats[np.isfinite(lats)]
    if not len(lons):
        return Ground(geometries([]), geometries([]))
    box = {"west": lons.min(), "south": lats.min(), "east": lons.max(), "north": lats.max()}
    around = {name: float(at) + (_AROUND_DEG if name in ("east", "north") else -_AROUND_DEG) for name, at in box.items()}
    streets, areas = (
        geometries(tx.execute(one, {"city": city, **around}).scalars().all())
        for one in (statement("street_near"), statement("street_ground"))
    )
    return Ground(plane.to_metres(with_short_edges(streets)), plane.to_metres(with_short_edges(areas)))


def _measured(reading: Reading, lons: Floats, lats: Floats, plane: Plane, ground: Ground) -> Evidence:
    eastings, northings = plane.points_to_metres(lons, lats)
    possible = bool(np.isfinite(lons).any()) or not len(lons)
    return measured(reading, eastings, northings, ground, possible=possible)


@dataclass(frozen=True)
class Reader:
    """What a file does not say of itself: which layer, its CRS, its encoding, the columns of a table with its places."""

    layer: str | None = None
    crs: str | None = None
    encoding: str | None = None
    lon: str | None = None
    lat: str | None = None


@dataclass(frozen=True)
class Checked:
    """What was found: ``places`` different ones were looked at, ``without_place`` rows had none."""

    city: str
    places: int
    without_place: int
    verdict: Verdict
