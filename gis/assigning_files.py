"""A file of points in, the same file with its answers out: of any size, in bounded memory, on all cores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet

from gis.assigning import COLUMNS, HOW, Assigner, in_order
from gis.errors import AxesSwapped, ColumnsTaken, UnknownExportFormat
from gis.layer_files import FORMATS, Format, json_of, write_as
from gis.point_files import open_points
from gis.point_rows import Places, PointFile, places
from gis.progress import Progress
from gis.store.exports import Features
from gis.store.geometry import points_wkb
from grids.datum import DATUMS
from grids.errors import UnknownDatum


@dataclass
class Assigned:
    """What was written: the rows, in which format, and how many points were found how."""

    form: str
    rows: int = 0
    how: dict[str, int] = field(default_factory=lambda: dict.fromkeys(HOW, 0))


@dataclass(frozen=True)
class Declared:
    """What is declared of a file of points: the datum of its coordinates, the columns of longitude and latitude where it has no
    geometry, the layer where it has several, the encoding of its texts, and what the names of the added columns begin with."""

    datum: str
    lon: str = "lon"
    lat: str = "lat"
    layer: str | None = None
    encoding: str | None = None
    prefix: str = ""


def assign_file(
    path: Path, out: Path, asked: Assigner, declared: Declared, *, threads: int, overwrite: bool = False, progress: Progress
) -> Assigned:
    """Write every row of a file of points to ``out`` with the columns of ``gis.assigning.COLUMNS``.

    The ending of ``out`` says its format: .csv, .parquet (GeoParquet when the points came as geometry), .arrow, .json, .gpkg, .fgb,
    .geojson. Geometry is written as WGS84 points; columns come out as they came in. Raises ``NotFound``, ``BadPoints``,
    ``ColumnsTaken``, ``AxesSwapped``, ``UnknownDatum``, ``UnknownExportFormat``, ``ExportExists``, ``ExportNotWritten``; then
    nothing was written.
    """
    with open_points(path, lon=declared.lon, lat=declared.lat, layer=declared.layer, encoding=declared.encoding) as file:
        form = form_of(out, file)
        done = Assigned(form.ending.lstrip("."))

        progress("assigning points", 0, file.count)
        features = answered(file, asked, declared, threads=threads, geometry=form in FORMATS.values(), done=done)
        done.rows = write_as(form, features, out, overwrite=overwrite, progress=progress, step="assigning points")
    return done


def answered(file: PointFile, asked: Assigner, declared: Declared, *, threads: int, geometry: bool, done: Assigned) -> Features:
    """The rows of a file of points with their answers, on their way; with ``geometry`` the points as WKB in the last column.

    What was found how is added up in ``done``. Raises ``ColumnsTaken``, and while the rows are read what ``assign_file`` does.
    """
    if declared.datum not in DATUMS:
        raise UnknownDatum(declared.datum)
    kept = [name for name in file.columns.names if name != file.geometry]
    answers = [column.with_name(declared.prefix + column.name) for column in COLUMNS]
    ours = {column.name.lower() for column in answers} | ({"geometry"} if geometry else set())
    taken = sorted(name for name in kept if (name.lower() if geometry else name) in ours)
    if taken:
        raise ColumnsTaken(file.name, ", ".join(taken))
    columns = pa.schema(
        [*(file.columns.field(name) for name in kept), *answers, *([pa.field("geometry", pa.binary())] if geometry else [])]
    )

    def work(piece: tuple[int, pa.RecordBatch]) -> pa.RecordBatch:
        first_row, batch = piece
        at = places(file, batch, first_row=first_row, datum=declared.datum)
        found = asked.answers(at.lons, at.lats)
        require_axes(file, asked, at, found)
        arrays = [*(batch.column(name) for name in kept), *found.columns, *([points_wkb(at.lons, at.lats)] if geometry else [])]
        return pa.RecordBatch.from_arrays(arrays, schema=columns)

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in in_order(_numbered(file), work, threads=threads):
            for word in pc.value_counts(batch.column(f"{declared.prefix}how")).to_pylist():
                done.how[word["values"]] += word["counts"]
            yield batch

    return Features("points", columns, batches(), file.count, frozenset({"Point"}))


def _numbered(file: PointFile) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The batches, each with the number of its first row."""
    row = file.first_row
    for batch in file.batches:
        if batch.num_rows:
            yield row, batch
            row += batch.num_rows


def require_axes(file: PointFile, asked: Assigner, at: Places, found: pa.RecordBatch) -> None:
    """Refuse points of which none is in the city, when a tenth of them would be with lon and lat swapped."""
    if file.geometry or found.column("street_unit").null_count < len(at.lons):
        return
    placed = np.isfinite(at.lons) & (np.abs(at.lons) <= 90)
    swapped = asked.index.locate(at.lats[placed], at.lons[placed])
    if 10 * np.count_nonzero(swapped.block >= 0) > np.count_nonzero(np.isfinite(at.lons)):
        raise AxesSwapped(file.name, asked.labels.city)


def _write_csv(features: Features, path: Path) -> None:
    _write_batches(features, pyarrow.csv.CSVWriter(path, features.columns))


def _write_parquet(features: Features, path: Path) -> None:
    _write_batches(features, pyarrow.parquet.ParquetWriter(path, features.columns, compression="zstd"))


def _write_arrow(features: Features, path: Path) -> None:
    with path.open("wb") as file:
        _write_batches(features, pyarrow.ipc.new_stream(file, features.columns))


def _write_batches(features: Features, writer: Any) -> None:
    with writer:
        for batch in features.batches:
            writer.write_batch(batch)


def _write_json(features: Features, path: Path) -> None:
    """A document {"places": […]}, one place a line, what is not there left out."""
    with path.open("w", encoding="utf-8") as file:
        file.write('{"places": [')
        between = "\n"
        for batch in features.batches:
            for row in batch.drop_columns([name for name in ("lon", "lat") if name in batch.schema.names]).to_pylist():
                file.write(between + json_of({name: value for name, value in row.items() if value is not None}))
                between = ",\n"
        file.write("\n]}\n")


TABLES = {
    "csv": Format(".csv", _write_csv),
    "parquet": Format(".parquet", _write_parquet),
    "arrow": Format(".arrow", _write_arrow),
    "json": Format(".json", _write_json),
}
"""The formats of points without geometry."""


def form_of(out: Path, file: PointFile) -> Format:
    """The format that the ending says; points that came with geometry go to GeoParquet, others to plain Parquet."""
    ending = out.suffix.lower()
    geographic = {form.ending: form for form in FORMATS.values()}
    tables = {form.ending: form for form in TABLES.values()}
    found = (geographic | tables if file.geometry is None else tables | geographic).get(ending)
    if found is None:
        raise UnknownExportFormat(ending or out.name, ", ".join(sorted(geographic.keys() | tables.keys())))
    return found
