"""Files of points, read piece by piece: every column as it is, and where each row is.

CSV and plain Parquet have their points in two columns; GeoParquet and what GDAL reads have a geometry, which has to be a point.
A row is numbered as people count: from 1, and in a CSV the header is row 1.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import geopandas
import ijson
import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet as pq
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from gis import pack_files
from gis.city_pack import Source
from gis.csv_rows import separator_of
from gis.errors import BadFile, BadPack, BadPoints, Finding, NotFound
from gis.pack_files import file_of, format_of, layer_of, ogr_encoding, ogr_name, without_warnings
from gis.point_rows import NO_JSON_POINT, PointFile, unreadable

ROWS_AT_ONCE = 100_000

_BYTES_AT_ONCE = 8 << 20


@dataclass(frozen=True)
class Declared:
    """What is declared of a file of points: the datum of its coordinates, the columns of longitude and latitude where it has no
    geometry, the layer where it has several, the encoding of its texts (None: UTF-8, or what the file says), and what the names of
    added columns begin with. Of a Parquet file one ``row_group`` alone may be meant."""

    datum: str
    lon: str = "lon"
    lat: str = "lat"
    layer: str | None = None
    encoding: str | None = None
    prefix: str = ""
    row_group: int | None = None


@contextmanager
def open_points(path: Path, declared: Declared) -> Iterator[PointFile]:
    """Open a file of points: CSV, Parquet, GeoParquet, an Arrow stream, JSON, or what GDAL reads.

    What GDAL is asked to open is looked at first, so that no recipe makes it read or fetch anything else. Raises ``NotFound``, and
    ``BadPoints`` for a file that cannot be read (also while its rows are read) or lacks the declared columns.
    """
    if not path.is_file():
        raise NotFound("file", str(path))
    kind = path.suffix.lower()
    open_kind = next((opener for endings, opener in _OPENERS if kind in endings), None)
    if open_kind is None:
        with _open_ogr(path.resolve(), declared) as file:
            yield _checked(file)
        return
    with path.open("rb") as raw:
        try:
            file = open_kind(path, raw, declared)
        except (pa.ArrowException, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise unreadable(path.name, _said(error)) from error
        yield _checked(file)


def _checked(file: PointFile) -> PointFile:
    """The file, whose columns tell each row's coordinates and can be told apart."""
    names = file.columns.names
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        finding = Finding(
            "doubled-columns",
            "More than one column is called {columns}.",
            "Give every column a name of its own.",
            file=file.name,
            details={"columns": ", ".join(doubled)},
        )
        raise BadPoints(file.name, (finding,))
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
    if file.geometry and not _is_binary(file.columns.field(file.geometry).type):
        raise unreadable(file.name, "its geometry is not written as WKB")
    return file


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _said(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _guarded(name: str, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The batches, none of them large; what breaks while they are read is told as a fault of the file.

    Each is looked through first: what is not as its own head says would lead the program astray in memory.
    """
    try:
        for batch in batches:
            batch.validate(full=True)
            for first in range(0, batch.num_rows, ROWS_AT_ONCE):
                yield batch.slice(first, ROWS_AT_ONCE)
    except (pa.ArrowException, ijson.JSONError, OSError, UnicodeDecodeError) as error:
        raise unreadable(name, _said(error)) from error


def _open_csv(path: Path, raw: Any, declared: Declared) -> PointFile:
    if sum(chunk.count(b'"') for chunk in iter(lambda: raw.read(_BYTES_AT_ONCE), b"")) % 2:
        finding = Finding(
            "unclosed-quote-of-points",
            "A quotation mark is opened and never closed, so the rows after it cannot be told apart.",
            "Close it, or write a quotation mark inside a text twice.",
            file=path.name,
        )
        raise BadPoints(path.name, (finding,))
    raw.seek(0)
    text = declared.encoding or "utf-8"
    separator = separator_of(raw.readline(1 << 20).decode("utf-8-sig" if declared.encoding is None else text))

    def reader(types: dict[str, pa.DataType]) -> Any:
        raw.seek(0)
        return pyarrow.csv.open_csv(
            raw,
            read_options=pyarrow.csv.ReadOptions(block_size=_BYTES_AT_ONCE, encoding=text),
            parse_options=pyarrow.csv.ParseOptions(delimiter=separator, newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=False),
        )

    # Every value as the text that it is: codes keep their zeros, and what is written out is what came in.
    found = reader(dict.fromkeys(reader({}).schema.names, pa.string()))
    return PointFile(path.name, found.schema, _guarded(path.name, found), None, 2, declared.lon, declared.lat)


def _open_parquet(path: Path, raw: Any, declared: Declared) -> PointFile:
    file = pq.ParquetFile(raw)
    rows = [file.metadata.row_group(at).num_rows for at in range(file.num_row_groups)]
    groups = list(range(len(rows))) if declared.row_group is None else [declared.row_group]
    schema, batches = file.schema_arrow, file.iter_batches(batch_size=ROWS_AT_ONCE, row_groups=groups)
    told = (file.metadata.metadata or {}).get(b"geo")
    count, first_row = sum(rows[at] for at in groups), 1 + sum(rows[: declared.row_group or 0])
    plain = PointFile(path.name, schema.remove_metadata(), _guarded(path.name, batches), count, first_row, declared.lon, declared.lat)
    if told is None:
        return plain
    try:
        about = json.loads(told)
        name = str(about["primary_column"])
        column = about["columns"][name]
        crs = column.get("crs", "OGC:CRS84")
        known = None if crs is None else CRS.from_user_input(crs)
        encoding = column.get("encoding")
    except (KeyError, TypeError, AttributeError, ValueError, CRSError) as error:
        raise unreadable(path.name, "what it says about its geometry cannot be made out") from error
    if encoding != "WKB" or name not in schema.names:
        raise unreadable(path.name, "its geometry is not written as WKB")
    return _with_geometry(plain, name, known)


def _open_arrow(path: Path, raw: Any, declared: Declared) -> PointFile:
    """A stream, or a file, which begins with its name."""
    is_file = raw.read(6) == b"ARROW1"
    raw.seek(0)
    reader = pa.ipc.open_file(raw) if is_file else pa.ipc.open_stream(raw)
    batches = map(reader.get_batch, range(reader.num_record_batches)) if is_file else iter(reader)
    return PointFile(path.name, reader.schema.remove_metadata(), _guarded(path.name, batches), None, 1, declared.lon, declared.lat)


def _open_json(path: Path, raw: Any, declared: Declared) -> PointFile:
    """A document {"points": [{"id": …, "lon": …, "lat": …}, …]}: numbers as they are, ids as texts."""
    columns = pa.schema([("id", pa.string()), (declared.lon, pa.string()), (declared.lat, pa.string())])
    seen = False

    def events() -> Iterator[tuple[str, str, Any]]:
        nonlocal seen
        for event in ijson.parse(raw, use_float=True):
            seen = seen or event[:2] == ("points", "start_array")
            yield event

    def batches() -> Iterator[pa.RecordBatch]:
        points, row = ijson.items(events(), "points.item"), 1
        while some := list(islice(points, ROWS_AT_ONCE)):
            odd = [at for at, point in enumerate(some, row) if not isinstance(point, dict) or not {*point} <= {*columns.names}]
            if odd:
                raise NO_JSON_POINT.of(path.name, odd)
            fields = [[_text(point.get(name)) for point in some] for name in columns.names]
            yield pa.RecordBatch.from_arrays([pa.array(values, pa.string()) for values in fields], schema=columns)
            row += len(some)
        if not seen:
            finding = Finding(
                "no-list-of-points",
                'The document has no list "points".',
                'Write {{"points": [{{"id": "a", "lon": 121.47, "lat": 31.23}}]}}; GeoJSON is called so in its ending or its Content-Type.',
                file=path.name,
            )
            raise BadPoints(path.name, (finding,))

    return PointFile(path.name, columns, _guarded(path.name, batches()), None, 1, declared.lon, declared.lat)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else repr(value)


_OPENERS: tuple[tuple[tuple[str, ...], Callable[[Path, Any, Declared], PointFile]], ...] = (
    ((".csv", ".tsv", ".txt"), _open_csv),
    ((".parquet", ".geoparquet"), _open_parquet),
    ((".arrow", ".arrows"), _open_arrow),
    ((".json",), _open_json),
)
"""What opens a file by its ending; the rest is GDAL's."""


@contextmanager
def _open_ogr(path: Path, declared: Declared) -> Iterator[PointFile]:
    said = {"layer": declared.layer, "encoding": declared.encoding}
    source = Source(file=path.name, datum="wgs84", **{name: value for name, value in said.items() if value is not None})
    try:
        name, chosen = ogr_name(file_of(path.parent, source)), layer_of(path.parent, source)
    except BadPack as refusal:
        raise BadFile(path.name, refusal.findings) from refusal
    options = {"DATE_AS_STRING": "YES"} if format_of(path) == "geojson" else {}  # else dates are rewritten
    how = {"layer": chosen, "encoding": ogr_encoding(path, source), "use_pyarrow": True, "batch_size": ROWS_AT_ONCE}
    try:
        with without_warnings(), pyogrio.open_arrow(name, **how, **options) as (meta, reader):
            geometry = meta["geometry_name"] or "wkb_geometry"
            if geometry not in reader.schema.names:
                raise unreadable(path.name, "it has no geometry")
            schema = pa.schema([field.remove_metadata() for field in reader.schema])
            count = pyogrio.read_info(name, layer=chosen)["features"]
            file = PointFile(path.name, schema, _guarded(path.name, iter(reader)), count if count >= 0 else None)
            yield _with_geometry(file, geometry, None if meta["crs"] is None else CRS.from_user_input(meta["crs"]))
    except (DataSourceError, DataLayerError, CRSError) as error:
        raise BadFile(path.name, (pack_files.unreadable(source, error),)) from error


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
        raise unreadable(file.name, _said(error)) from error
    return PointFile(
        file.name, file.columns, file.batches, file.count, file.first_row, file.lon, file.lat, geometry=geometry, to_lonlat=there
    )
