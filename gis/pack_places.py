"""Rows of a city pack's files with their geometry, always in WGS84 longitude and latitude.

A source must say its datum in city.toml and its CRS in the file or in city.toml. Neither is ever guessed: a wrong
datum moves each place by some hundred metres and looks right.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError, ProjError
from shapely.errors import ShapelyError

from gis.city_pack import Source
from gis.errors import Finding
from gis.exchange import MAINLAND_CHINA, faulty_places, geometries_to_wgs84, outside_datum
from gis.osm_file import read_osm
from gis.pack_archives import fault_of_parquet
from gis.pack_files import file_of, format_of, layer_of, nameless_crs, refuse, unreadable
from gis.pack_tables import BROKEN_PARQUET, decode, missing_columns, ogr_columns, ogr_frame, osm_layer, read_table, satisfying

WGS84 = CRS.from_epsg(4326)
# Rows named one by one for a fault that a whole file may have; the rest is counted.
MOST_ROWS_NAMED = 20


def read_places(folder: Path, source: Source, *, columns: Iterable[str], optional: Iterable[str] = ()) -> geopandas.GeoDataFrame:
    """The asked columns and the geometry, in EPSG:4326 and two dimensions, of a source's rows; the index is the row.

    In a CSV or plain Parquet file the geometry is in the column ``wkt``, or in ``lon`` and ``lat``. Rows that do not
    satisfy the source's ``where`` are left out, null and empty geometries are kept, and a column of ``optional`` that is
    not there is left out. Raises ``BadPack`` for a fault of the file, a missing column, datum or CRS, and for
    coordinates that are not on the globe or not in the datum.
    """
    path = file_of(folder, source)
    if source.datum is None:
        raise refuse(folder, [missing_datum(source)])
    asked = [*dict.fromkeys([*columns, *source.where])]
    wanted = [*dict.fromkeys(optional)]
    kind = format_of(path)
    if kind == "parquet":
        _refuse_too_large(folder, source, path, [*asked, *wanted])
    if kind == "osm":
        found = read_osm(path, layer=osm_layer(folder, source), where=source.where, tags=[*asked, *wanted]).frame
        frame = found.set_index(pd.RangeIndex(1, len(found) + 1, name="row"))
    elif kind == "csv" or (kind == "parquet" and _geo_metadata(folder, source, path) is None):
        frame = _from_table(folder, source, asked, wanted)
    else:
        frame = _from_parquet(folder, source, path, asked, wanted) if kind == "parquet" else _from_ogr(folder, source, path, asked, wanted)
        frame = frame.set_index(pd.RangeIndex(1, len(frame) + 1, name="row"))
        frame = frame[satisfying(frame, source.where)]
    geometries = wgs84_geometries(folder, source, frame.geometry)
    kept = [name for name in dict.fromkeys([*asked, *wanted]) if name in frame]
    return geopandas.GeoDataFrame(frame[kept], geometry=geometries, crs=WGS84)


def missing_datum(source: Source) -> Finding:
    """The finding for a source of geometry that does not say what its coordinates are measured from."""
    return Finding(
        "missing-datum",
        "city.toml does not say in which datum this file's coordinates are.",
        'Set datum to one of "wgs84", "cgcs2000", "gcj02", "bd09" for this source; ask whoever made the file. It is never guessed, because'
        " a wrong one moves every place by some hundred metres.",
        file=source.file,
    )


def missing_crs(source: Source) -> Finding:
    """The finding for geometry of which nothing says whether its numbers are degrees, metres or feet."""
    return Finding(
        "missing-crs",
        "The file does not say in which CRS its coordinates are, and neither does city.toml.",
        'Set crs for this source, for example "EPSG:4326" for degrees, or the name of the grid the file was made in.',
        file=source.file,
    )


def wgs84_geometries(folder: Path, source: Source, places: geopandas.GeoSeries) -> NDArray[Any]:
    """The geometries of a source, from its CRS and datum to WGS84; raises ``BadPack`` with a finding for each bad row."""
    crs = _crs_of(folder, source, places.crs)
    rows = places.index.to_numpy()
    raw = np.asarray(shapely.force_2d(places.to_numpy()), dtype=object)
    try:
        degrees = raw if crs == WGS84 or crs.to_epsg() in (4326, 4490) else geopandas.GeoSeries(raw, crs=crs).to_crs(WGS84).to_numpy()
    except ProjError as error:
        raise refuse(folder, [nameless_crs(source)]) from error
    points, owners = shapely.get_coordinates(degrees, return_index=True)
    bad = faulty_places(points[:, 0], points[:, 1])
    if bad.any():
        raise refuse(folder, _off_the_globe(source, raw, rows, np.unique(owners[bad])))
    datum = source.datum or "wgs84"
    foreign = outside_datum(points[:, 0], points[:, 1], datum=datum)
    if foreign.any():
        raise refuse(folder, _outside_china(source, degrees, rows, np.unique(owners[foreign])))
    return geometries_to_wgs84(degrees, datum=datum)


def _crs_of(folder: Path, source: Source, own: Any) -> CRS:
    declared = declared_crs(folder, source)
    found = None if own is None else CRS.from_user_input(own)
    if found is None and declared is None:
        raise refuse(folder, [missing_crs(source)])
    if found is not None and declared is not None and not found.equals(declared, ignore_axis_order=True):
        finding = Finding(
            "crs-contradicted",
            "The file says its CRS is {found}, city.toml says {declared}.",
            "Remove crs from this source if the file is right; else export the file again with the right CRS.",
            file=source.file,
            details={"found": _crs_name(found), "declared": _crs_name(declared)},
        )
        raise refuse(folder, [finding])
    return found or declared or WGS84


def declared_crs(folder: Path, source: Source) -> CRS | None:
    """The CRS that city.toml names for a source, None where it names none; raises ``BadPack`` when PROJ does not know it."""
    if source.crs is None:
        return None
    try:
        return CRS.from_user_input(source.crs)
    except CRSError as error:
        finding = Finding(
            "unknown-crs",
            "{crs!r} is not a CRS that PROJ knows.",
            'Use a name like "EPSG:32651".',
            file=source.file,
            details={"crs": source.crs},
        )
        raise refuse(folder, [finding]) from error


def _crs_name(crs: CRS) -> str:
    authority = crs.to_authority()
    return ":".join(authority) if authority else str(crs.name)


def _from_ogr(folder: Path, source: Source, path: Path, asked: list[str], wanted: list[str]) -> geopandas.GeoDataFrame:
    layer = layer_of(folder, source)
    columns = ogr_columns(folder, source, layer=layer, asked=asked, wanted=wanted)
    frame = ogr_frame(folder, source, path, layer=layer, columns=columns, geometry=True)
    if not isinstance(frame, geopandas.GeoDataFrame):
        raise refuse(folder, [_no_geometry(source)])
    return frame


def _geo_metadata(folder: Path, source: Source, path: Path) -> dict[str, Any] | None:
    try:
        metadata = pq.read_schema(path).metadata or {}
        geometry = json.loads(metadata[b"geo"]) if b"geo" in metadata else None
    except BROKEN_PARQUET as error:
        raise refuse(folder, [unreadable(source, error)]) from error
    return geometry if isinstance(geometry, dict) else None


def _refuse_too_large(folder: Path, source: Source, path: Path, columns: list[str]) -> None:
    geometry = (_geo_metadata(folder, source, path) or {}).get("primary_column", "geometry")
    try:
        fault = fault_of_parquet(path, source.file, [*columns, geometry, "wkt", "lon", "lat"])
    except BROKEN_PARQUET as error:
        raise refuse(folder, [unreadable(source, error)]) from error
    if fault:
        raise refuse(folder, [fault])


def _from_parquet(folder: Path, source: Source, path: Path, asked: list[str], wanted: list[str]) -> geopandas.GeoDataFrame:
    geometry = (_geo_metadata(folder, source, path) or {}).get("primary_column", "geometry")
    there = [name for name in pq.read_schema(path).names if name != geometry]
    faults = missing_columns(source, asked, there)
    if faults:
        raise refuse(folder, faults)
    try:
        frame = geopandas.read_parquet(
            path,
            columns=[*asked, *(name for name in wanted if name in there and name not in asked), geometry],
            to_pandas_kwargs={"integer_object_nulls": True},
        )
        decode(frame)
    except (*BROKEN_PARQUET, ShapelyError) as error:
        raise refuse(folder, [unreadable(source, error)]) from error
    return frame if geometry == "geometry" else frame.rename_geometry("geometry")


def _from_table(folder: Path, source: Source, asked: list[str], wanted: list[str]) -> geopandas.GeoDataFrame:
    table = read_table(folder, source, columns=asked, optional=[*wanted, "wkt", "lon", "lat"])
    if "wkt" in table:
        geometries = shapely.from_wkt(table["wkt"].where(table["wkt"].notna(), None).to_numpy(dtype=object), on_invalid="ignore")
        crs = None
    elif "lon" in table and "lat" in table:
        lons, lats = (pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=float) for name in ("lon", "lat"))
        geometries = np.asarray(shapely.points(lons, lats), dtype=object)
        crs = None if source.crs else WGS84
    else:
        raise refuse(folder, [_no_geometry(source)])
    return geopandas.GeoDataFrame(table, geometry=geometries, crs=crs)


def _no_geometry(source: Source) -> Finding:
    return Finding(
        "no-geometry",
        "The file has no geometry.",
        "Use a file of geometry, or a table with a column wkt, or with columns lon and lat.",
        file=source.file,
    )


def _off_the_globe(source: Source, raw: NDArray[Any], rows: NDArray[Any], bad: NDArray[np.intp]) -> list[Finding]:
    findings = []
    for at in bad[:MOST_ROWS_NAMED]:
        points = shapely.get_coordinates(raw[at])
        x, y = (float(value) for value in points[np.argmax(faulty_places(points[:, 0], points[:, 1]))])
        findings.append(_bad_coordinate(source, x, y, row=int(rows[at])))
    return findings + _more(source, len(bad))


def _bad_coordinate(source: Source, x: float, y: float, *, row: int) -> Finding:
    details = {"x": x, "y": y}
    if abs(x) <= 90 < abs(y) <= 180:
        mend = "Longitude comes first; these two look swapped."
    elif np.isfinite([x, y]).all():
        mend = "These look like metres or feet of a grid: set crs for this source, or export the file in degrees."
    else:
        mend = "Remove or mend the row."
    return Finding(
        "bad-coordinate", "{x}, {y} is not a longitude and latitude on the globe.", mend, file=source.file, row=row, details=details
    )


def _outside_china(source: Source, degrees: NDArray[Any], rows: NDArray[Any], bad: NDArray[np.intp]) -> list[Finding]:
    findings = []
    for at in bad[:MOST_ROWS_NAMED]:
        points = shapely.get_coordinates(degrees[at])
        lon, lat = (float(value) for value in points[np.argmax(outside_datum(points[:, 0], points[:, 1], datum="gcj02"))])
        findings.append(
            Finding(
                "datum-outside-its-country",
                "lon {lon}, lat {lat} cannot be in {datum}: that datum only exists in mainland China ({west}–{east} east, {south}–{north} north).",
                "Declare the datum that was used to measure it, most likely wgs84.",
                file=source.file,
                row=int(rows[at]),
                details={
                    "lon": lon,
                    "lat": lat,
                    "datum": source.datum,
                    **dict(zip(("west", "south", "east", "north"), MAINLAND_CHINA, strict=True)),
                },
            )
        )
    return findings + _more(source, len(bad))


def _more(source: Source, count: int) -> list[Finding]:
    if count <= MOST_ROWS_NAMED:
        return []
    return [
        Finding(
            "more-rows",
            "{count} more rows have the same fault ({fault}).",
            file=source.file,
            details={"count": count - MOST_ROWS_NAMED, "fault": "bad-coordinate"},
        )
    ]
