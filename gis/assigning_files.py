"""A file of points in, the same file with its answers out: of any size, in bounded memory, on all cores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet

from gis.assigning import COLUMNS, HOW, Assigner
from gis.errors import AxesSwapped, ColumnsTaken, UnknownExportFormat
from gis.layer_files import FORMATS, TABLES, write_layer
from gis.point_files import Declared, open_points
from gis.point_rows import Places, PointFile, places
from gis.progress import Progress
from gis.store.exports import Features
from gis.store.geometry import points_wkb
from gis.threads import in_order
from grids.datum import DATUMS
from grids.errors import UnknownDatum


@dataclass(frozen=True)
class Assigned:
    """What was written: in which format, and how many points were found how, by each word of ``HOW``."""

    form: str
    how: dict[str, int]

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(self.how.values())


def assign_file(
    path: Path, out: Path, asked: Assigner, declared: Declared, *, threads: int, overwrite: bool = False, progress: Progress
) -> Assigned:
    """Write every row of a file of points to ``out`` with the columns of ``gis.assigning.COLUMNS``.

    The ending of ``out`` says its format: .csv, .parquet (GeoParquet when the points came as geometry), .arrow, .json, .gpkg, .fgb,
    .geojson. Geometry is written as WGS84 points; columns come out as they came in. Raises ``NotFound``, ``BadPoints``,
    ``ColumnsTaken``, ``AxesSwapped``, ``UnknownDatum``, ``UnknownExportFormat``, ``ExportExists``, ``ExportNotWritten``; then
    nothing was written.
    """
    with open_points(path, declared) as file:
        form = form_of(out, file)

        def write(features: Features) -> None:
            write_layer(features, out, form=form, overwrite=overwrite, progress=progress, step="assigning points")

        return Assigned(out.suffix.lower().lstrip("."), answered_into(write, file, asked, declared, form=form, threads=threads))


def answered_into(
    write: Callable[[Features], object], file: PointFile, asked: Assigner, declared: Declared, *, form: str, threads: int
) -> dict[str, int]:
    """Have ``write`` read the rows of a file of points with their answers; how many points were found how.

    Where the format ``form`` has geometry, the points come as WKB in the last column. Raises what ``assign_file`` does.
    """
    how = dict.fromkeys(HOW, 0)
    features = _answered(file, asked, declared, threads=threads, geometry=form in FORMATS)

    def counted() -> Iterator[pa.RecordBatch]:
        for batch in features.batches:
            for word in pc.value_counts(batch.column(f"{declared.prefix}how")).to_pylist():
                how[word["values"]] += word["counts"]
            yield batch

    write(replace(features, batches=counted()))
    return how


def _answered(file: PointFile, asked: Assigner, declared: Declared, *, threads: int, geometry: bool) -> Features:
    """The rows of a file of points with their answers, on their way; with ``geometry`` the points as WKB in the last column."""
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

    batches = in_order(_numbered(file), work, threads=threads)
    return Features("points", columns, batches, file.count, frozenset({"Point"}))


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


def form_of(out: Path, file: PointFile) -> str:
    """The format that the ending says; points that came with geometry go to GeoParquet, others to plain Parquet."""
    first, then = (TABLES, FORMATS) if file.geometry is None else (FORMATS, TABLES)
    endings = {form.ending: name for name, form in [*then.items(), *first.items()]}
    found = endings.get(out.suffix.lower())
    if found is None:
        raise UnknownExportFormat(out.suffix.lower() or out.name, ", ".join(sorted(endings)))
    return found
