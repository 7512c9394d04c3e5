"""Rows of a city pack's files as tables of text: CSV, Parquet, and the attributes of any file of geometry.

Row numbers are the index of each table. They count from 1 in the file's own order; in a CSV the header is row 1.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyogrio
import pyogrio.errors

from gis import csv_rows
from gis.city_pack import Source
from gis.errors import Finding
from gis.osm_file import read_osm
from gis.pack_files import encoding_fault, file_of, format_of, layer_of, ogr_encoding, ogr_name, refuse, unreadable, without_warnings

CHUNK_ROWS = 100_000
# Whole numbers up to here are the same as a float and as an integer.
_EXACT = 2.0**53
# A city border as WKT may be a field of several megabytes; Python's own limit is 128 kB.
_LONGEST_FIELD = 1 << 27
# What pyarrow and geopandas come to in a file whose own notes about its columns are damaged.
BROKEN_PARQUET = (pa.ArrowException, OSError, ValueError, LookupError, TypeError, AttributeError)
_READ_ERRORS = (
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    pyogrio.errors.FeatureError,
    pa.ArrowException,
    OSError,
    ValueError,
    UnboundLocalError,
)


def read_table(folder: Path, source: Source, *, columns: Iterable[str], optional: Iterable[str] = ()) -> pd.DataFrame:
    """The asked columns of a source, without geometry, of the rows that satisfy its ``where``; the index is the row.

    A column of ``optional`` that is not there is left out. Raises ``BadPack`` for a fault of the file, for each
    missing column, and for each row of a CSV that has more or fewer fields than its header.
    """
    frames: list[pd.DataFrame] = []
    faults: list[Finding] = []
    for frame, findings in table_chunks(folder, source, columns=columns, optional=optional):
        frames.append(frame)
        faults.extend(findings)
    if faults:
        raise refuse(folder, faults)
    return pd.concat(frames) if len(frames) > 1 else frames[0]


def table_chunks(
    folder: Path, source: Source, *, columns: Iterable[str], optional: Iterable[str] = ()
) -> Iterator[tuple[pd.DataFrame, list[Finding]]]:
    """The same rows in chunks of at most ``CHUNK_ROWS``, at least one chunk, each with the findings on rows it had to leave out."""
    asked = [*dict.fromkeys([*columns, *source.where])]
    wanted = [*dict.fromkeys(optional)]
    path = file_of(folder, source)
    kind = format_of(path)
    if kind == "csv":
        chunks = _csv_chunks(folder, source, path, asked, wanted)
    elif kind == "parquet":
        chunks = _parquet_chunks(folder, source, path, asked, wanted)
    elif kind == "osm":
        found = read_osm(path, layer=osm_layer(folder, source), where=source.where, tags=[*asked, *wanted]).frame
        frame = pd.DataFrame(found.drop(columns="geometry"))
        yield frame.set_index(_numbered(len(frame))), []
        return
    else:
        chunks = _ogr_chunks(folder, source, path, asked, wanted)
    for frame, findings in chunks:
        yield frame[satisfying(frame, source.where)], findings


def decode(frame: pd.DataFrame) -> None:
    """Look at all text of a frame now, because Arrow looks at none; raises ``UnicodeDecodeError`` where it is not UTF-8."""
    for column in (frame[name] for name in frame.columns if isinstance(frame[name].dtype, pd.StringDtype)):
        try:
            pa.array(column, from_pandas=True).validate(full=True)
        except pa.ArrowException as error:
            raise UnicodeDecodeError("utf-8", b"", 0, 0, str(error)) from error


def satisfying(frame: pd.DataFrame, where: Mapping[str, str | list[str]]) -> pd.Series[bool]:
    """Which rows satisfy every condition: a value, one of several, ``*`` for any value, ``!`` for none."""
    kept = pd.Series(True, index=frame.index)
    for column, wanted in where.items():
        values = [wanted] if isinstance(wanted, str) else wanted
        found = pd.Series(texts(frame[column]), index=frame.index, dtype=object)
        there = found.notna()
        kept &= found.isin(values) | (there if "*" in values else False) | (~there if "!" in values else False)
    return kept


def texts(column: pd.Series[Any]) -> list[str | None]:
    """The values of a column as trimmed text, None where there is nothing; a whole number has no decimal point."""
    told: list[str | None] = text_array(column).to_numpy(zero_copy_only=False).tolist()
    return told


def text_array(column: pd.Series[Any]) -> pa.LargeStringArray:
    """The same as one Arrow array of large_string (n,), null where there is nothing."""
    trimmed = pc.utf8_trim_whitespace(_as_text(column))
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.large_string()), trimmed)


def _as_text(column: pd.Series[Any]) -> pa.LargeStringArray:
    if pd.api.types.is_integer_dtype(column) and not column.hasnans:
        return pa.array(column.to_numpy()).cast(pa.large_string())
    if pd.api.types.is_float_dtype(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        gone = np.isnan(values)
        if (gone | ((values == np.trunc(values)) & (np.abs(values) < _EXACT))).all():
            return pa.array(np.where(gone, 0, values).astype(np.int64), mask=gone).cast(pa.large_string())
    elif isinstance(column.dtype, pd.StringDtype) or column.dtype == object:
        try:
            return _whole(pa.array(column, type=pa.large_string(), from_pandas=True))
        except (pa.ArrowException, TypeError, UnicodeError):
            pass  # not all of it is text
    whole = pd.api.types.is_float_dtype(column)
    told = [None if gone else _text(value, whole=whole) for value, gone in zip(column, column.isna(), strict=True)]
    return pa.array(told, type=pa.large_string())


def _whole(found: pa.Array | pa.ChunkedArray) -> pa.LargeStringArray:
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _text(value: Any, *, whole: bool) -> str:
    return str(int(value)) if whole and np.isfinite(value) and value == int(value) else str(value).strip()


def names_of(frame: pd.DataFrame, names: Mapping[str, str]) -> list[dict[str, str]]:
    """For each row its names by language, without the languages in which it has none."""
    by_language = {language: texts(frame[column]) for language, column in names.items() if column in frame}
    if not by_language:
        return [{} for _ in range(len(frame))]
    return [
        {language: name for language, name in zip(by_language, row, strict=True) if name} for row in zip(*by_language.values(), strict=True)
    ]


def text_encoding(source: Source) -> str:
    """The encoding to open a text file with; UTF-8 may begin with a byte order mark."""
    return "utf-8-sig" if source.encoding.lower() in ("utf-8", "utf8") else source.encoding


def missing_columns(source: Source, asked: Iterable[str], there: Sequence[str]) -> list[Finding]:
    """One finding for each asked column that is not among those that are there."""
    return [
        Finding(
            "missing-column",
            "Column {column!r} is not in the file; it has: {there}.",
            "Name the right column in city.toml, or add it to the file.",
            file=source.file,
            details={"column": column, "there": ", ".join(there) or "-"},
        )
        for column in asked
        if column not in there
    ]


def osm_layer(folder: Path, source: Source) -> Any:
    """The layer of an OSM file to read; raises ``BadPack`` unless it is one of the three that there are."""
    if source.layer in ("nodes", "ways", "areas"):
        return source.layer
    finding = Finding(
        "missing-layer",
        "An OSM file has the layers nodes, ways and areas; city.toml names {layer!r}.",
        "Name one of these as layer in city.toml.",
        file=source.file,
        details={"layer": source.layer or ""},
    )
    raise refuse(folder, [finding])


def _numbered(count: int, *, first: int = 1) -> pd.Index[int]:
    return pd.RangeIndex(first, first + count, name="row")


def _csv_chunks(
    folder: Path, source: Source, path: Path, asked: list[str], wanted: list[str]
) -> Iterator[tuple[pd.DataFrame, list[Finding]]]:
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        with path.open(encoding=text_encoding(source), newline="") as file:
            yield from _csv_rows(folder, source, file, asked, wanted)
    except UnicodeError as error:
        raise refuse(folder, [encoding_fault(path, source)]) from error


def _csv_rows(
    folder: Path, source: Source, file: TextIO, asked: list[str], wanted: list[str]
) -> Iterator[tuple[pd.DataFrame, list[Finding]]]:
    reader = csv_rows.records(file)
    try:
        header = [name.strip() for name in next(reader, [])]
        faults = missing_columns(source, asked, header) + _twice(source, [*asked, *wanted], header)
        if faults:
            raise refuse(folder, faults)
        kept = [*asked, *(name for name in wanted if name in header and name not in asked)]
        places = [header.index(name) for name in kept]
        first, numbered = 2, enumerate(reader, start=2)
        while batch := list(islice(numbered, CHUNK_ROWS)):
            yield _csv_frame(source, batch, header, kept, places)
            first += len(batch)
        if first == 2:
            yield pd.DataFrame({name: pd.Series(dtype=object) for name in kept}, index=_numbered(0, first=2)), []
    except csv.Error as error:
        raise refuse(folder, [csv_rows.fault_of(source, error)]) from error


def _csv_frame(
    source: Source, batch: list[tuple[int, list[str]]], header: list[str], kept: list[str], places: list[int]
) -> tuple[pd.DataFrame, list[Finding]]:
    """The rows of one batch that have as many fields as the header, and a finding for each other; blank lines are no rows."""
    width = len(header)
    whole = [(row, fields) for row, fields in batch if len(fields) == width]
    findings = [
        Finding(
            "ragged-row",
            "The row has {found} fields, the header has {wanted}.",
            "Put text that contains commas in quotes.",
            file=source.file,
            row=row,
            details={"found": len(fields), "wanted": width},
        )
        for row, fields in batch
        if len(fields) != width and any(field.strip() for field in fields)
    ]
    index = pd.Index([row for row, _ in whole], dtype="int64", name="row")
    data = {
        name: pd.Series([fields[place] for _, fields in whole], index=index, dtype=object) for name, place in zip(kept, places, strict=True)
    }
    return pd.DataFrame(data, index=index), findings


def _twice(source: Source, asked: list[str], header: list[str]) -> list[Finding]:
    return [
        Finding(
            "column-twice",
            "The header has column {column!r} more than once.",
            "Rename or remove all but one of them.",
            file=source.file,
            row=1,
            details={"column": name},
        )
        for name in dict.fromkeys(asked)
        if header.count(name) > 1
    ]


def _parquet_chunks(
    folder: Path, source: Source, path: Path, asked: list[str], wanted: list[str]
) -> Iterator[tuple[pd.DataFrame, list[Finding]]]:
    try:
        with pq.ParquetFile(path) as file:
            there = file.schema_arrow.names
            faults = missing_columns(source, asked, there)
            if faults:
                raise refuse(folder, faults)
            kept = [*asked, *(name for name in wanted if name in there and name not in asked)]
            first = 1
            for batch in file.iter_batches(batch_size=CHUNK_ROWS, columns=kept):
                frame = batch.to_pandas(integer_object_nulls=True)[kept]
                decode(frame)
                yield frame.set_index(_numbered(len(frame), first=first)), []
                first += len(frame)
            if first == 1:
                yield pd.DataFrame({name: pd.Series(dtype=object) for name in kept}, index=_numbered(0)), []
    except BROKEN_PARQUET as error:
        raise refuse(folder, [unreadable(source, error)]) from error


def _ogr_chunks(
    folder: Path, source: Source, path: Path, asked: list[str], wanted: list[str]
) -> Iterator[tuple[pd.DataFrame, list[Finding]]]:
    layer = layer_of(folder, source)
    kept = ogr_columns(folder, source, layer=layer, asked=asked, wanted=wanted)
    done = 0
    while True:
        frame = pd.DataFrame(ogr_frame(folder, source, path, layer=layer, columns=kept, geometry=False, skip=done))
        if len(frame) or done == 0:
            yield frame.set_index(_numbered(len(frame), first=done + 1)), []
        done += len(frame)
        if len(frame) < CHUNK_ROWS:
            return


def ogr_columns(folder: Path, source: Source, *, layer: str, asked: list[str], wanted: list[str]) -> list[str]:
    """The columns to read from a layer: all asked ones and those of the wanted ones that are there; raises ``BadPack``."""
    path = folder / source.file
    try:
        with without_warnings():
            info = pyogrio.read_info(ogr_name(path), layer=layer, encoding=ogr_encoding(path, source))
    except UnicodeDecodeError as error:
        raise refuse(folder, [encoding_fault(path, source, encoding=ogr_encoding(path, source))]) from error
    except _READ_ERRORS as error:
        raise refuse(folder, [unreadable(source, error)]) from error
    there = [str(name) for name in info["fields"]]
    faults = missing_columns(source, asked, there)
    if faults and info["features"] == 0:  # in some formats columns are only known from features
        mend = "Export it again, or name the right file or layer."
        faults = [Finding("no-features", "The file has no features.", mend, file=source.file)]
    if faults:
        raise refuse(folder, faults)
    return [*asked, *(name for name in wanted if name in there and name not in asked)]


def ogr_frame(
    folder: Path, source: Source, path: Path, *, layer: str, columns: list[str], geometry: bool, skip: int | None = None
) -> pd.DataFrame:
    """Columns of a layer as GDAL reads them, all of it or ``CHUNK_ROWS`` after ``skip``; a broken geometry becomes None."""
    encoding = ogr_encoding(path, source)
    chunk = {} if skip is None else {"skip_features": skip, "max_features": CHUNK_ROWS}
    arrow: dict[str, Any] = (
        {"use_arrow": True, "arrow_to_pandas_kwargs": {"integer_object_nulls": True}} if encoding is None and skip is None else {}
    )
    try:
        with without_warnings():
            frame: pd.DataFrame = pyogrio.read_dataframe(
                ogr_name(path),
                layer=layer,
                columns=columns,
                encoding=encoding,
                read_geometry=geometry,
                on_invalid="ignore",
                **chunk,
                **arrow,
            )
            decode(frame)
    except UnicodeDecodeError as error:
        raise refuse(folder, [encoding_fault(path, source, encoding=encoding)]) from error
    except _READ_ERRORS as error:
        raise refuse(folder, [unreadable(source, error)]) from error
    return frame[[*columns, "geometry"]] if geometry else frame[columns]
