"""Files of points, read piece by piece: every column as it is, and where each row is.

CSV and plain Parquet have their points in two columns; GeoParquet and what GDAL reads have a geometry, which has to be a point.
A row is numbered as people count: from 1, and in a CSV the header is row 1.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import geopandas
import ijson
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet as pq
import pyogrio
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from gis.csv_rows import separator_of
from gis.errors import BadPoints, Finding, NotFound
from gis.exchange import faulty_places, outside_datum, to_wgs84
from gis.pack_files import without_warnings
from grids.measure import Floats

ROWS_AT_ONCE = 100_000
MOST_ROWS_NAMED = 20

_BYTES_AT_ONCE = 8 << 20


@dataclass(frozen=True)
class PointFile:
    """A file of points that is open: its columns, how many rows it has (None: not known), and the rows, to be read once.

    ``geometry`` is the column of points as WKB, None when they are in ``lon`` and ``lat``. ``first_row`` is the number of the first
    row. ``to_lonlat`` takes coordinates of the geometry to degrees, None when they are degrees.
    """

    name: str
    columns: pa.Schema
    batches: Iterator[pa.RecordBatch]
    count: int | None
    first_row: int = 1
    lon: str = "lon"
    lat: str = "lat"
    geometry: str | None = None
    to_lonlat: Transformer | None = None


@dataclass(frozen=True)
class Places:
    """The points (n,) of some rows in EPSG:4326; NaN in both where a row has no coordinates."""

    lons: Floats
    lats: Floats


@contextmanager
def open_points(
    path: Path, *, lon: str = "lon", lat: str = "lat", layer: str | None = None, row_group: int | None = None
) -> Iterator[PointFile]:
    """Open a file of points: CSV, Parquet, GeoParquet, an Arrow stream, JSON, or what GDAL reads.

    ``lon`` and ``lat`` name the columns of files without geometry; of a Parquet file one ``row_group`` alone may be read. Raises ``NotFound``, and ``BadPoints`` for a file that cannot
    be read (also while its rows are read) or lacks these columns.
    """
    if not path.is_file():
        raise NotFound("file", str(path))
    kind = path.suffix.lower()
    open_kind = next((opener for endings, opener in _OPENERS if kind in endings), None)
    if open_kind is None:
        with _open_ogr(path, layer) as file:
            yield file
        return
    with path.open("rb") as raw:
        try:
            file = open_kind(path, raw, lon, lat) if row_group is None else _open_parquet(path, raw, lon, lat, row_group)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _unreadable(path.name, _said(error)) from error
        _require_columns(file)
        yield file


def _require_columns(file: PointFile) -> None:
    missing = [] if file.geometry else [name for name in (file.lon, file.lat) if name not in file.columns.names]
    if missing:
        finding = Finding(
            "missing-point-columns",
            "There is no column {missing}; the file has {columns}.",
            "Name the columns of longitude and latitude with --lon and --lat.",
            file=file.name,
            details={"missing": ", ".join(missing), "columns": ", ".join(file.columns.names)},
        )
        raise BadPoints(file.name, (finding,))


def _unreadable(name: str, reason: str) -> BadPoints:
    finding = Finding(
        "unreadable-points",
        "The file cannot be read: {reason}",
        "Check that it was copied completely and that its ending says what it is.",
        file=name,
        details={"reason": reason},
    )
    return BadPoints(name, (finding,))


def _said(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _guarded(name: str, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The batches; what breaks while they are read is told as a fault of the file."""
    try:
        yield from batches
    except (pa.ArrowException, ijson.JSONError, OSError, UnicodeDecodeError) as error:
        raise _unreadable(name, _said(error)) from error


def _open_csv(path: Path, raw: Any, lon: str, lat: str) -> PointFile:
    head = raw.readline(1 << 20)
    raw.seek(0)
    separator = separator_of(head.decode("utf-8-sig"))
    names = next(csv.reader([head.decode("utf-8-sig")], delimiter=separator), [])
    reader = pyarrow.csv.open_csv(
        raw,
        read_options=pyarrow.csv.ReadOptions(block_size=_BYTES_AT_ONCE),
        parse_options=pyarrow.csv.ParseOptions(delimiter=separator, newlines_in_values=True),
        # Every value as the text that it is: codes keep their zeros, and what is written out is what came in.
        convert_options=pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
    )
    return PointFile(path.name, reader.schema, _guarded(path.name, reader), None, 2, lon, lat)


def _open_parquet(path: Path, raw: Any, lon: str, lat: str, row_group: int | None = None) -> PointFile:
    file = pq.ParquetFile(raw)
    rows = [file.metadata.row_group(at).num_rows for at in range(file.num_row_groups)]
    groups = list(range(len(rows))) if row_group is None else [row_group]
    schema, batches = file.schema_arrow, file.iter_batches(batch_size=ROWS_AT_ONCE, row_groups=groups)
    told = (file.metadata.metadata or {}).get(b"geo")
    count, first_row = sum(rows[at] for at in groups), 1 + sum(rows[: row_group or 0])
    plain = PointFile(path.name, schema.remove_metadata(), _guarded(path.name, batches), count, first_row, lon, lat)
    if told is None:
        return plain
    about = json.loads(told)
    name = about["primary_column"]
    column = about["columns"][name]
    if column.get("encoding") != "WKB":
        raise _unreadable(path.name, "its geometry is not written as WKB")
    crs = column.get("crs", "OGC:CRS84")
    return _with_geometry(plain, name, None if crs is None else CRS.from_user_input(crs))


def _open_arrow(path: Path, raw: Any, lon: str, lat: str) -> PointFile:
    reader = pa.ipc.open_stream(raw)
    return PointFile(path.name, reader.schema.remove_metadata(), _guarded(path.name, iter(reader)), None, 1, lon, lat)


def _open_json(path: Path, raw: Any, lon: str, lat: str) -> PointFile:
    """A document {"points": [{"id": …, "lon": …, "lat": …}, …]}: numbers as they are, ids as texts."""
    columns = pa.schema([("id", pa.string()), (lon, pa.string()), (lat, pa.string())])

    def batches() -> Iterator[pa.RecordBatch]:
        points = ijson.items(raw, "points.item", use_float=True)
        while some := list(islice(points, ROWS_AT_ONCE)):
            rows = [point if isinstance(point, dict) else {} for point in some]
            fields = [[_text(row.get(name)) for row in rows] for name in columns.names]
            yield pa.RecordBatch.from_arrays([pa.array(values, pa.string()) for values in fields], schema=columns)

    return PointFile(path.name, columns, _guarded(path.name, batches()), None, 1, lon, lat)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else repr(value)


_OPENERS: tuple[tuple[tuple[str, ...], Callable[[Path, Any, str, str], PointFile]], ...] = (
    ((".csv", ".tsv", ".txt"), _open_csv),
    ((".parquet", ".geoparquet"), _open_parquet),
    ((".arrow", ".arrows"), _open_arrow),
    ((".json",), _open_json),
)
"""What opens a file by its ending; the rest is GDAL's."""


@contextmanager
def _open_ogr(path: Path, layer: str | None) -> Iterator[PointFile]:
    try:
        with without_warnings(), pyogrio.open_arrow(path, layer=layer, use_pyarrow=True, batch_size=ROWS_AT_ONCE) as (meta, reader):
            name = meta["geometry_name"] or "wkb_geometry"
            if name not in reader.schema.names:
                raise _unreadable(path.name, "it has no geometry")
            schema = pa.schema([field.remove_metadata() for field in reader.schema])
            count = pyogrio.read_info(path, layer=layer)["features"]
            file = PointFile(path.name, schema, _guarded(path.name, iter(reader)), count if count >= 0 else None)
            yield _with_geometry(file, name, None if meta["crs"] is None else CRS.from_user_input(meta["crs"]))
    except (DataSourceError, DataLayerError) as error:
        raise _unreadable(path.name, _said(error)) from error


def points_of_frame(frame: geopandas.GeoDataFrame) -> PointFile:
    """A GeoDataFrame as a file of points: its geometry alone, in the column ``geometry``; rows are numbered from 1."""
    columns = pa.schema([("geometry", pa.binary())])
    return _with_geometry(PointFile("GeoDataFrame", columns, iter(()), len(frame)), "geometry", frame.crs)


def _with_geometry(file: PointFile, geometry: str, crs: CRS | None) -> PointFile:
    if crs is None:
        finding = Finding(
            "points-without-crs",
            "The file does not say the CRS of its coordinates.",
            "Export it again with its CRS.",
            file=file.name,
        )
        raise BadPoints(file.name, (finding,))
    try:
        degrees = crs.equals(CRS.from_epsg(4326), ignore_axis_order=True) or crs.equals(
            CRS.from_authority("OGC", "CRS84"), ignore_axis_order=True
        )
        there = None if degrees else Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    except CRSError as error:
        raise _unreadable(file.name, _said(error)) from error
    return PointFile(
        file.name, file.columns, file.batches, file.count, file.first_row, file.lon, file.lat, geometry=geometry, to_lonlat=there
    )


def places(file: PointFile, batch: pa.RecordBatch, *, first_row: int, datum: str) -> Places:
    """Where the rows of a batch are, whose first has the number ``first_row``; their coordinates are in ``datum``.

    A row without coordinates (null, or an empty text) has no place. Raises ``BadPoints`` with the numbers of the rows whose
    coordinates are no numbers, not finite, off the globe, not in the datum, or whose geometry is no point; ``UnknownDatum``.
    """
    lons, lats, missing = _from_geometry(file, batch, first_row) if file.geometry else _from_columns(file, batch, first_row)

    for bad, fault in (
        (~(np.isfinite(lons) & np.isfinite(lats)), _not_finite),
        (faulty_places(lons, lats), _off_the_globe),
        (outside_datum(lons, lats, datum=datum), _outside_datum),
    ):
        _refuse(file, bad & ~missing, fault, first_row)
    placed = np.flatnonzero(~missing)
    found_lons, found_lats = np.full(len(lons), np.nan), np.full(len(lons), np.nan)
    found_lons[placed], found_lats[placed] = to_wgs84(lons[placed], lats[placed], datum=datum)
    return Places(found_lons, found_lats)


_Fault = Callable[[str, int, dict[str, str]], Finding]


def _refuse(file: PointFile, bad: NDArray[np.bool_], fault: _Fault, first_row: int) -> None:
    """Refuse the file when a row is ``bad`` (n,), naming the first of them."""
    rows = (np.flatnonzero(bad) + first_row).tolist()
    if rows:
        named = ", ".join(map(str, rows[:MOST_ROWS_NAMED])) + (
            f" … (+{len(rows) - MOST_ROWS_NAMED})" if len(rows) > MOST_ROWS_NAMED else ""
        )
        raise BadPoints(file.name, (fault(file.name, rows[0], {"rows": named}),))


def _not_finite(name: str, row: int, details: dict[str, str]) -> Finding:
    return Finding(
        "point-not-finite",
        "lon or lat is not a finite number. Rows: {rows}.",
        "Write numbers, or leave both fields empty: a row without coordinates is kept and has no place.",
        file=name,
        row=row,
        details=details,
    )


def _not_a_number(name: str, row: int, details: dict[str, str]) -> Finding:
    return Finding(
        "point-not-a-number",
        "lon or lat is not a number. Rows: {rows}.",
        "Write degrees with a decimal point, or leave both fields empty: a row without coordinates is kept and has no place.",
        file=name,
        row=row,
        details=details,
    )


def _half_a_point(name: str, row: int, details: dict[str, str]) -> Finding:
    return Finding(
        "half-a-point",
        "Only one of lon and lat is there. Rows: {rows}.",
        "Write both, or leave both fields empty: a row without coordinates is kept and has no place.",
        file=name,
        row=row,
        details=details,
    )


def _off_the_globe(name: str, row: int, details: dict[str, str]) -> Finding:
    return Finding(
        "point-off-the-globe",
        "The point is not on the globe. Rows: {rows}.",
        "Longitudes run from -180 to 180, latitudes from -90 to 90: look whether the two are swapped, or the numbers are metres.",
        file=name,
        row=row,
        details=details,
    )


def _outside_datum(name: str, row: int, details: dict[str, str]) -> Finding:
    return Finding(
        "point-outside-its-datum",
        "The declared datum exists only in mainland China, and the point is elsewhere. Rows: {rows}.",
        "Declare the datum that it was measured in, most likely wgs84.",
        file=name,
        row=row,
        details=details,
    )


def _no_point(name: str, row: int, details: dict[str, str]) -> Finding:
    return Finding(
        "geometry-no-point", "The geometry is no point. Rows: {rows}.", "Give points, one a row.", file=name, row=row, details=details
    )


def _from_geometry(file: PointFile, batch: pa.RecordBatch, first_row: int) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    wkb = batch.column(file.geometry).to_numpy(zero_copy_only=False)
    try:
        shapes = shapely.from_wkb(wkb)
    except shapely.errors.ShapelyError as error:
        raise _unreadable(file.name, _said(error)) from error
    missing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    _refuse(file, ~missing & (shapely.get_type_id(shapes) != 0), _no_point, first_row)
    lons, lats = shapely.get_x(shapes), shapely.get_y(shapes)
    if file.to_lonlat is not None:
        lons[~missing], lats[~missing] = file.to_lonlat.transform(lons[~missing], lats[~missing])
    return lons, lats, missing


def _from_columns(file: PointFile, batch: pa.RecordBatch, first_row: int) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    columns = [_numbers(file, batch.column(name), first_row) for name in (file.lon, file.lat)]
    empty = [column.is_null().to_numpy(zero_copy_only=False) for column in columns]
    _refuse(file, empty[0] != empty[1], _half_a_point, first_row)
    lons, lats = (np.array(column.fill_null(0.0)) for column in columns)
    return lons, lats, empty[0]


def _numbers(file: PointFile, column: pa.Array, first_row: int) -> pa.Array:
    """The column as float64; null where it is null or an empty text."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        trimmed = pc.utf8_trim_whitespace(column)
        column = pc.if_else(pc.equal(trimmed, ""), None, trimmed)
    try:
        return column.cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        _refuse(file, np.array([not _is_number(one) for one in column.to_pylist()]), _not_a_number, first_row)
        raise


def _is_number(value: Any) -> bool:
    try:
        return value is None or float(value) == float(value) or True
    except (TypeError, ValueError):
        return False
