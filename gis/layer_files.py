"""A layer of features as a file that other programs read: GeoParquet, GeoPackage, FlatGeobuf, GeoJSON; without geometry CSV, Parquet,
Arrow, JSON.

Every coordinate is written as the number that it is: binary in the first three, in GeoJSON with as many digits as it takes to
read the same number again. GDAL's own GeoJSON driver rounds them, also when it is asked for 17 digits, so that one format
is written here. A file is there whole or not at all: it is made in a folder beside its place and renamed at the end.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet
import shapely
from pyogrio.raw import write_arrow
from pyproj import CRS

from gis.errors import ExportExists, ExportNotWritten, UnknownExportFormat
from gis.pack_files import without_warnings
from gis.progress import Progress
from gis.store.exports import Features
from gis.whole_files import made_whole

_CRS = "EPSG:4326"


def format_named(name: str | None, path: Path) -> str:
    """The format of that name, or for None the one that the file's ending says. Raises ``UnknownExportFormat``."""
    if name is None:
        name = next((known for known, one in FORMATS.items() if one.ending == path.suffix.lower()), path.suffix)
    if name not in FORMATS:
        raise UnknownExportFormat(name, ", ".join(FORMATS))
    return name


def write_layer(features: Features, path: Path, *, form: str, overwrite: bool, progress: Progress, step: str | None = None) -> int:
    """Write features to a file in one of ``FORMATS`` or ``TABLES`` and return how many; the file is there whole or not at all.

    In GeoPackage and FlatGeobuf, whose layers have one kind of geometry, polygons among multipolygons become multipolygons of
    one; FlatGeobuf orders features by their place. The progress is told ``step``, an English message. Raises
    ``ExportExists`` for a file that is there unless ``overwrite``, ``ExportNotWritten`` when the place does not take it. What the
    reading of the features raises goes through.
    """
    chosen, said = (FORMATS | TABLES)[form], step or "writing the layer"
    told = _Told(features, progress, said)
    progress(said, 0, features.count)
    try:
        path = _place(path, overwrite=overwrite)
        still_free = partial(_place, path, overwrite=overwrite)  # another process may have come first
        with made_whole(path, chosen.ending, last=still_free) as unfinished:
            chosen.write(replace(features, batches=iter(told)), unfinished)
    except (OSError, RuntimeError, pa.ArrowException) as error:
        if told.raised is not None:  # GDAL only says that the stream broke
            raise told.raised from None
        raise ExportNotWritten(str(path), (error.strerror if isinstance(error, OSError) else None) or str(error)) from error
    return told.rows


def _place(path: Path, *, overwrite: bool) -> Path:
    """Where a file of that name really goes; refuses a place that takes none before any work is done."""
    path = path.resolve()
    if path.is_dir():
        raise ExportNotWritten(str(path), "it is a folder")
    if path.exists() and not path.is_file():
        raise ExportNotWritten(str(path), "it is no ordinary file")
    if path.exists() and not overwrite:
        raise ExportExists(str(path))
    if not path.parent.is_dir():
        raise ExportNotWritten(str(path), "its folder is not there")
    return path


class _Told:
    """The batches of features on their way: counted, told to the progress, and what their reading raised kept."""

    def __init__(self, features: Features, progress: Progress, step: str) -> None:
        self.rows = 0
        self.raised: BaseException | None = None
        self._features, self._progress, self._step = features, progress, step

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        total = self._features.count
        try:
            self._progress(self._step, 0, total)
            for batch in self._features.batches:
                yield batch
                self.rows += batch.num_rows
                self._progress(self._step, self.rows, total)
        except GeneratorExit:
            raise
        except BaseException as error:
            self.raised = error
            raise


def _write_geoparquet(features: Features, path: Path) -> None:
    """GeoParquet 1.1 with ZSTD, one row group for each batch."""
    west, south, east, north = np.inf, np.inf, -np.inf, -np.inf
    with pyarrow.parquet.ParquetWriter(path, features.columns, compression="zstd") as writer:
        for batch in features.batches:
            writer.write_batch(batch)
            bounds = shapely.total_bounds(_geometry(batch))
            west, south = np.fmin((west, south), bounds[:2]).tolist()
            east, north = np.fmax((east, north), bounds[2:]).tolist()
        column: dict[str, Any] = {
            "encoding": "WKB",
            "geometry_types": sorted(features.kinds),
            "crs": CRS.from_user_input(_CRS).to_json_dict(),
            "edges": "planar",
        }
        if west <= east:
            column["bbox"] = [west, south, east, north]
        about = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
        writer.add_key_value_metadata({"geo": json.dumps(about)})


def _write_geojson(features: Features, path: Path) -> None:
    """GeoJSON (RFC 7946) in UTF-8, one feature a line; rings run as they are kept."""
    with path.open("w", encoding="utf-8") as file:
        file.write(f'{{"type": "FeatureCollection", "name": {json.dumps(features.layer)}, "features": [')
        between = "\n"
        for batch in features.batches:
            rows = batch.drop_columns(["geometry"]).to_pylist()
            for properties, geometry in zip(rows, shapely.to_geojson(_geometry(batch)), strict=True):
                said = f'"properties": {_json_of(properties)}, "geometry": {geometry or "null"}'
                file.write(f'{between}{{"type": "Feature", {said}}}')
                between = ",\n"
        file.write("\n]}\n")


def _json_of(row: dict[str, Any]) -> str:
    """A row as JSON; what JSON has no number for is null, what it has no word for is text."""
    plain = {name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in row.items()}
    return json.dumps(plain, ensure_ascii=False, allow_nan=False, default=str)


def _write_gpkg(features: Features, path: Path) -> None:
    _write_by_gdal(features, path, driver="GPKG", layer_options={"GEOMETRY_NAME": "geometry"})


def _write_fgb(features: Features, path: Path) -> None:
    _write_by_gdal(features, path, driver="FlatGeobuf", layer_options={})


def _write_by_gdal(features: Features, path: Path, *, driver: str, layer_options: dict[str, str]) -> None:
    mixed = len(features.kinds) > 1
    kind = "MultiPolygon" if mixed else next(iter(features.kinds), "Polygon")
    batches = map(_as_multipolygons, features.batches) if mixed else features.batches
    stream = pa.RecordBatchReader.from_batches(features.columns, batches)
    with without_warnings():
        write_arrow(
            stream,
            path,
            layer=features.layer,
            driver=driver,
            geometry_name="geometry",
            geometry_type=kind,
            crs=_CRS,
            layer_options=layer_options,
        )


def _geometry(batch: pa.RecordBatch) -> Any:
    return shapely.from_wkb(batch.column("geometry").to_numpy(zero_copy_only=False))


def _as_multipolygons(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with each polygon as a multipolygon of one: nine bytes before the same coordinates."""
    head, polygon = b"\x01\x06\x00\x00\x00\x01\x00\x00\x00", b"\x01\x03"
    wkb = [head + one if one[:2] == polygon else one for one in batch.column("geometry").to_pylist()]
    return batch.set_column(batch.schema.get_field_index("geometry"), "geometry", pa.array(wkb, pa.binary()))


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
                file.write(between + _json_of({name: value for name, value in row.items() if value is not None}))
                between = ",\n"
        file.write("\n]}\n")


@dataclass(frozen=True)
class Format:
    """One format: the ending by which it is recognised, and what writes it."""

    ending: str
    write: Callable[[Features, Path], None]


FORMATS = {
    "geoparquet": Format(".parquet", _write_geoparquet),
    "gpkg": Format(".gpkg", _write_gpkg),
    "fgb": Format(".fgb", _write_fgb),
    "geojson": Format(".geojson", _write_geojson),
}
"""The formats by the names that they have at every door."""

TABLES = {
    "csv": Format(".csv", _write_csv),
    "parquet": Format(".parquet", _write_parquet),
    "arrow": Format(".arrow", _write_arrow),
    "json": Format(".json", _write_json),
}
"""The formats of features without geometry, by other names than those."""
