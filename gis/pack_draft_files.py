"""Looks at the files of a folder that is to become a city pack: columns, shapes, encoding, CRS. Changes nothing.

A look reads coordinates as they stand in the file, in degrees. Which datum they are in is not looked at: numbers do not
tell it, and the person declares it.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import osmium
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyogrio.errors
import shapely
from numpy.typing import NDArray
from osmium.filter import EmptyTagFilter
from osmium.osm import NODE, RELATION, WAY
from pydantic import ValidationError
from pyproj import CRS

from gis.city_pack import Source
from gis.csv_rows import separator_of
from gis.errors import BadPack, Finding
from gis.pack_files import file_of, format_of, layers_in, ogr_encoding, ogr_name, refuse, unreadable, without_warnings
from gis.pack_places import read_places
from gis.pack_tables import table_chunks, text_encoding, texts

Shape = Literal["polygon", "line", "point", "table", "osm"]

# Files that belong to another file, or that a person wrote for persons.
_BESIDE = (
    ".shx",
    ".dbf",
    ".prj",
    ".cpg",
    ".sbn",
    ".sbx",
    ".qix",
    ".qmd",
    ".gpkg-wal",
    ".gpkg-shm",
    ".dat",
    ".map",
    ".id",
    ".ind",
    ".mid",
    ".xsd",
    ".gfs",
    ".md",
    ".txt",
    ".toml",
    ".pdf",
)
_ENCODINGS = ("utf-8", "gbk", "utf-16")
_LON = re.compile(r"lon|lng|long|longitude|经度|point_x|x", re.IGNORECASE)
_LAT = re.compile(r"lat|latitude|纬度|point_y|y", re.IGNORECASE)
_WKT = re.compile(r"\s*(MULTI)?(POINT|LINESTRING|POLYGON)\s*(Z\s*)?\(", re.IGNORECASE)
_KINDS: dict[int, Shape] = {0: "point", 4: "point", 1: "line", 5: "line", 2: "line", 3: "polygon", 6: "polygon"}
# Objects of an OSM file that are counted; more do not change the picture.
_MOST_OBJECTS = 300_000


def look(folder: Path) -> tuple[list[Looked], list[Finding]]:
    """What lies in ``folder`` and below it, one value for each layer, sorted by name; and a remark on each file that was left out.

    Hidden files, companions of a Shapefile and written pages are passed over in silence.
    """
    found: list[Looked] = []
    remarks: list[Finding] = []
    for path in sorted(p for p in folder.rglob("*") if _stands_alone(p, folder)):
        name = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in name.parts)
        if hidden or path.suffix.lower() in _BESIDE:
            continue
        try:
            name.as_posix().encode()
            source = Source(file=name.as_posix())
        except (ValidationError, UnicodeEncodeError):
            remarks.append(
                Finding("file-name", "The name of this file cannot be written into city.toml.", "Rename the file.", file=ascii(name))
            )
            continue
        try:
            found.extend(_looked_at(folder, source))
        except BadPack as refusal:
            remarks.extend(replace(finding, severity="warning") for finding in refusal.findings[:1])
    return found, remarks


def _stands_alone(path: Path, folder: Path) -> bool:
    """Whether this is one thing to read: a file, or the folder that a File Geodatabase is, but nothing inside of one."""
    inside = any(part.lower().endswith(".gdb") for part in path.relative_to(folder).parts[:-1])
    return not inside and (path.is_file() or path.is_symlink() or path.suffix.lower() == ".gdb")


def _looked_at(folder: Path, source: Source) -> Iterator[Looked]:
    path = file_of(folder, source)
    kind = format_of(path)
    if kind == "osm":
        yield _of_osm(folder, source, path)
    elif kind in ("csv", "parquet"):
        yield _in_any_encoding(folder, source)
    else:
        layers = layers_in(folder, source, path)
        for layer in layers:
            yield _in_any_encoding(folder, source if len(layers) == 1 else source.model_copy(update={"layer": layer}))


def _in_any_encoding(folder: Path, source: Source) -> Looked:
    """The look in the first encoding in which all of the text can be read."""
    for encoding in _ENCODINGS:
        tried = source if encoding == "utf-8" else Source(file=source.file, layer=source.layer, encoding=encoding)
        try:
            return _whole(folder, tried)
        except UnicodeError:
            continue
        except BadPack as refusal:
            if refusal.findings[0].slug != "wrong-encoding":
                raise
    raise refuse(
        folder,
        [
            Finding(
                "wrong-encoding",
                "The text is in none of the encodings {known}.",
                "Export it as UTF-8.",
                file=source.file,
                details={"known": ", ".join(_ENCODINGS)},
            )
        ],
    )


def _whole(folder: Path, source: Source) -> Looked:
    columns, shaped, rows, crs = _outline(folder, source)
    if shaped:
        for tried in (None, "EPSG:4326"):
            try:
                places = read_places(folder, source.model_copy(update={"datum": "wgs84", "crs": tried}), columns=columns)
            except BadPack as refusal:
                if refusal.findings[0].slug not in ("missing-crs", "bad-coordinate"):
                    raise
                continue
            shapes = np.asarray(places.geometry.to_numpy(), dtype=object)
            values = {name: texts(places[name]) for name in columns}
            shape = _shape_of(shapes)
            return Looked(source, shape, len(places), values, _times(places), places=shapes, crs=crs, lacks_crs=tried is not None)
    frame, _ = next(table_chunks(folder, source, columns=columns))
    values = {name: texts(frame[name]) for name in columns}
    looked = Looked(source, "table", max(rows, len(frame)), values, _times(frame), crs=crs, lacks_crs=shaped)
    if shaped:  # places that cannot be read as they are: what they are is told all the same
        return replace(looked, shape=_announced(folder, source))
    return _with_places(looked)


def _outline(folder: Path, source: Source) -> tuple[list[str], bool, int, CRS | None]:
    """Columns, whether there is geometry, number of rows (-1: unknown) and the file's own CRS."""
    path = folder / source.file
    kind = format_of(path)
    if kind == "csv":
        csv.field_size_limit(1 << 27)
        with path.open(encoding=text_encoding(source), newline="") as file:
            try:
                separator = separator_of(file.readline())
                file.seek(0)
                header = [name.strip() for name in next(csv.reader(file, delimiter=separator), [])]
            except csv.Error as error:
                raise refuse(folder, [unreadable(source, error)]) from error
        return [name for name in dict.fromkeys(header) if name and header.count(name) == 1], False, -1, None
    if kind == "parquet":
        try:
            with pq.ParquetFile(path) as file:
                schema, rows = file.schema_arrow, int(file.metadata.num_rows)
        except (pa.ArrowException, OSError) as error:
            raise refuse(folder, [unreadable(source, error)]) from error
        shaped = b"geo" in (schema.metadata or {})
        # An index that pandas kept is no column to its readers.
        index = (schema.pandas_metadata or {}).get("index_columns", [])
        kept = [name for name, kind in zip(schema.names, schema.types, strict=True) if name not in index and not pa.types.is_binary(kind)]
        return kept, shaped, rows, None
    try:
        with without_warnings():
            info = pyogrio.read_info(ogr_name(path), layer=source.layer, encoding=ogr_encoding(path, source))
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise refuse(folder, [unreadable(source, error)]) from error
    own = CRS.from_user_input(info["crs"]) if info["crs"] else None
    return [str(name) for name in info["fields"]], info["geometry_type"] is not None, int(info["features"]), own


def _announced(folder: Path, source: Source) -> Shape:
    with without_warnings():
        said = str(pyogrio.read_info(ogr_name(folder / source.file), layer=source.layer)["geometry_type"])
    return "polygon" if "Polygon" in said else "line" if "Line" in said else "point" if "Point" in said else "table"


def _times(frame: pd.DataFrame) -> frozenset[str]:
    return frozenset(str(name) for name in frame.columns if pd.api.types.is_datetime64_any_dtype(frame[name]))


def _shape_of(shapes: NDArray[Any]) -> Shape:
    """What most of the geometries are; a file of no geometry at all is a table."""
    kinds = Counter(_KINDS[int(kind)] for kind in shapely.get_type_id(shapes) if int(kind) in _KINDS)
    return kinds.most_common(1)[0][0] if kinds else "table"


def _with_places(looked: Looked) -> Looked:
    """A table with its places: WKT in a column, or longitude and latitude in two."""
    for name, values in looked.columns.items():
        if any(value and _WKT.match(value) for value in values[:20]):
            shapes = np.asarray(shapely.from_wkt(np.asarray(values, dtype=object), on_invalid="ignore"), dtype=object)
            return replace(looked, shape=_shape_of(shapes), places=shapes, wkt=name, lacks_crs=True)
    lon, lat = _degrees(looked, _LON, most=180), _degrees(looked, _LAT, most=90)
    if lon is None or lat is None:
        return looked
    x, y = (pd.to_numeric(pd.Series(looked.columns[name], dtype=object), errors="coerce").to_numpy(dtype=float) for name in (lon, lat))
    there = np.isfinite(x) & np.isfinite(y) & ((x != 0) | (y != 0))
    shapes = np.full(len(x), None, dtype=object)
    shapes[there] = shapely.points(x[there], y[there])
    return replace(looked, shape="point", places=shapes, lon=lon, lat=lat)


def _degrees(looked: Looked, pattern: re.Pattern[str], *, most: float) -> str | None:
    """The column of this name whose values are degrees."""
    for name, values in looked.columns.items():
        numbers = pd.to_numeric(pd.Series(values, dtype=object), errors="coerce").dropna()
        fits = pattern.fullmatch(name) or (len(name) > 3 and pattern.pattern[:3] in name.lower())
        if fits and len(numbers) and float((numbers.abs() <= most).mean()) > 0.95:
            return name
    return None


def _of_osm(folder: Path, source: Source, path: Path) -> Looked:
    """How often each tag occurs: ``way highway``, ``way highway=primary``, ``name=name:fi`` where the two say the same."""
    counts: Counter[str] = Counter()
    try:
        things: Any = osmium.FileProcessor(path, NODE | WAY | RELATION).with_filter(EmptyTagFilter())
        with osmium.io.Reader(str(path)) as reader:
            box = reader.header().box()
        for thing in islice(things, _MOST_OBJECTS):
            kind = "node" if thing.is_node() else "way" if thing.is_way() else "relation"
            tags = {tag.k: tag.v for tag in thing.tags}
            counts.update(f"{kind} {key}" for key in tags)
            counts.update(f"{kind} {key}={tags[key]}" for key in ("highway", "natural", "landuse", "leisure") if key in tags)
            same = [key for key in tags if key.startswith("name:") and tags[key] == tags.get("name")]
            counts.update(f"same {key}" for key in same)
            counts["han"] += bool(re.search("[\u4e00-\u9fff]", tags.get("name", "")))
    except (RuntimeError, ValueError, OSError) as error:
        raise refuse(folder, [unreadable(source, error)]) from error
    known = box.valid()
    low, high = box.bottom_left, box.top_right
    places = np.asarray([shapely.box(low.lon, low.lat, high.lon, high.lat)], dtype=object) if known else None
    return Looked(source, "osm", sum(n for key, n in counts.items() if key.endswith(" name")), {}, places=places, tags=counts)


@dataclass(frozen=True)
class Looked:
    """One layer of one file, as it was found.

    ``columns`` are its columns as text (None: nothing there), of at most the first 100,000 rows of a table; ``rows`` counts
    all that are known. ``places`` are shapely geometries (n,) in degrees of the file's own datum, or None when they could
    not be read; ``crs`` is the file's own. ``lon``, ``lat`` and ``wkt`` name columns of a table that hold its places.
    ``where`` is the part of the file that is meant; ``tags`` counts the tags of an OSM file.
    """

    source: Source
    shape: Shape
    rows: int
    columns: dict[str, list[str | None]]
    times: frozenset[str] = frozenset()
    places: NDArray[Any] | None = None
    crs: CRS | None = None
    lacks_crs: bool = False
    lon: str | None = None
    lat: str | None = None
    wkt: str | None = None
    where: dict[str, str] = field(default_factory=dict)
    tags: Counter[str] = field(default_factory=Counter)

    @property
    def words(self) -> str:
        """The names by which a person would know it: file, layer, and the value that picks it out."""
        stem = self.source.file.rsplit("/", 1)[-1].split(".", 1)[0]
        return " ".join([*self.where.values(), self.source.layer or "", stem] if not self.where else [*self.where.values()])

    @property
    def label(self) -> str:
        """File, layer and picked value, to be told."""
        parts = [self.source.file, self.source.layer or "", *self.where.values()]
        return " · ".join(part for part in parts if part)

    def filled(self, column: str) -> list[str]:
        """The values of a column that are there."""
        return [value for value in self.columns[column] if value is not None]

    def only(self, column: str, value: str) -> Looked:
        """The rows of which ``column`` has ``value``."""
        kept = [at for at, found in enumerate(self.columns[column]) if found == value]
        values = {name: [column_values[at] for at in kept] for name, column_values in self.columns.items()}
        places = None if self.places is None else self.places[kept]
        return replace(self, rows=len(kept), columns=values, places=places, where={column: value})
