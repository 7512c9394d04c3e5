"""The files of a city pack: where they are, what format they have, and in which encoding. Nothing is read outside the folder.

The format follows from the ending, and the first bytes must agree with it before any reader sees the file: some readers
take a text file for a recipe that fetches other files, even from other hosts. Files of formats that can name others are
read through first (`gis/pack_markup.py`, `gis/pack_archives.py`), and GDAL is told to fetch nothing.
"""

from __future__ import annotations

import codecs
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pyogrio
import pyogrio.errors

from gis.city_pack import Source
from gis.encodings import first_bad_line, likely_encoding
from gis.errors import BadPack, Finding
from gis.pack_archives import fault_of_archive, has_code_page, shapefile_in
from gis.pack_markup import fault_of_markup

Format = Literal[
    "geopackage", "geojson", "shapefile", "archive", "flatgeobuf", "geodatabase", "mapinfo", "gml", "kml", "parquet", "osm", "csv"
]

_ENDINGS: dict[str, Format] = {
    ".gpkg": "geopackage",
    ".geojson": "geojson",
    ".json": "geojson",
    ".shp": "shapefile",
    ".zip": "archive",
    ".shz": "archive",
    ".fgb": "flatgeobuf",
    ".gdb": "geodatabase",
    ".tab": "mapinfo",
    ".mif": "mapinfo",
    ".gml": "gml",
    ".kml": "kml",
    ".parquet": "parquet",
    ".geoparquet": "parquet",
    ".pbf": "osm",
    ".osm": "osm",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
}
_SPREADSHEETS = (".xlsx", ".xls", ".ods")
_DRAWINGS = (".dwg", ".dxf")
_FIRST_BYTES: dict[Format, bytes] = {
    "geopackage": b"SQLite format 3\0",
    # The first table of a File Geodatabase, which lists the others.
    "geodatabase": b"\x03\x00\x00\x00",
    "shapefile": b"\x00\x00\x27\x0a",
    "archive": b"PK\x03\x04",
    "flatgeobuf": b"fgb\x03fgb",
    "parquet": b"PAR1",
}
_FIRST_WORDS = {
    ".geojson": b"{",
    ".json": b"{",
    ".tab": b"!table",
    ".mif": b"version",
    ".gml": b"<",
    ".kml": b"<",
    ".osm": b"<",
}
_FORMAT_NAMES: dict[Format, str] = {
    "geopackage": "GeoPackage",
    "geojson": "GeoJSON",
    "shapefile": "Shapefile",
    "archive": "ZIP",
    "flatgeobuf": "FlatGeobuf",
    "geodatabase": "File Geodatabase",
    "mapinfo": "MapInfo",
    "gml": "GML",
    "kml": "KML",
    "parquet": "Parquet",
    "osm": "OpenStreetMap PBF",
    "csv": "CSV",
}
# How a ZIP archive begins, which a renamed Excel workbook is.
_ZIP = b"PK\x03\x04"
_COMPANIONS: dict[str, tuple[str, ...]] = {".shp": (".shx", ".dbf"), ".tab": (".dat", ".map", ".id"), ".mif": (".mid",)}
_GEODATABASE_BEGINS_IN = "a00000001.gdbtable"
# Recipes of GDAL, by which it would open other files or ask other hosts; it looks for them at the beginning of any file.
_RECIPE = re.compile(rb"<OGR\w*DataSource|gdal_streamed_alg|<GDAL_WMS", re.IGNORECASE)
_RECIPE_WITHIN_BYTES = 1 << 16
# By these words a MapInfo table becomes a view of tables elsewhere.
_MAPINFO_VIEW = re.compile(rb"open\s+table|create\s+view|isseamless|^\s*file\s+\"|type\s+linked", re.IGNORECASE | re.MULTILINE)


# A GML file may name a service as the place of its schema; GDAL itself has a list of namespaces whose schemas it fetches, for
# which an empty one is put; and a guess at types would take leading zeros from codes.
_NO_SCHEMAS = Path(__file__).with_name("gml_registry.xml")
pyogrio.set_gdal_config_options({"GML_DOWNLOAD_WFS_SCHEMA": "NO", "GML_REGISTRY": str(_NO_SCHEMAS), "GML_FIELDTYPES": "ALWAYS_STRINGS"})


def refuse(folder: Path, findings: Iterable[Finding]) -> BadPack:
    """The refusal of the pack in ``folder`` for these findings, to be raised by the caller."""
    return BadPack(str(folder), tuple(findings))


def file_of(folder: Path, source: Source) -> Path:
    """The file that a source names, after its place, its size and its first bytes were found to be in order.

    Raises ``BadPack`` when the file is missing, leaves the folder through a symbolic link, is empty, cannot be
    opened, has an ending that no reader knows, or does not begin as its format begins.
    """
    path = folder / source.file
    finding = _fault_of_place(folder, path, source.file) or _fault_of_content(path, source.file)
    if finding:
        raise refuse(folder, [finding])
    return path


def format_of(path: Path) -> Format:
    """The format that a file's ending stands for; the ending is known when the path came from ``file_of``."""
    return _ENDINGS[path.suffix.lower()]


def layers_in(folder: Path, source: Source, path: Path) -> list[str]:
    """The layers of a file of geometry, at least one; ``path`` came from ``file_of``. Raises ``BadPack`` when it cannot be read."""
    try:
        with without_warnings():
            layers = [str(layer) for layer in pyogrio.list_layers(ogr_name(path))[:, 0]]
    except pyogrio.errors.DataSourceError as error:
        raise refuse(folder, [unreadable(source, error)]) from error
    if not layers:
        finding = Finding(
            "unreadable", "The file holds no layer.", "Export it again, or check that it was copied completely.", file=source.file
        )
        raise refuse(folder, [finding])
    return layers


def layer_of(folder: Path, source: Source) -> str:
    """The layer to read from a file of geometry: the one asked for, or the only one there is.

    Raises ``BadPack`` when the layer is not there, when there are several and none was asked for, and when the
    file cannot be read at all.
    """
    layers = layers_in(folder, source, file_of(folder, source))
    if source.layer is None and len(layers) == 1:
        return layers[0]
    there = ", ".join(layers)
    if source.layer is None:
        raise refuse(folder, [_several_layers(source, there)])
    if source.layer not in layers:
        finding = Finding(
            "missing-layer",
            "Layer {layer!r} is not in the file; it has: {there}.",
            "Name one of these as layer in city.toml.",
            file=source.file,
            details={"layer": source.layer, "there": there},
        )
        raise refuse(folder, [finding])
    return source.layer


@contextmanager
def without_warnings() -> Iterator[None]:
    """Keep GDAL's remarks about a file from the person at the terminal: what matters in them becomes a finding."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def ogr_name(path: Path) -> str:
    """What GDAL is asked to open, so that it opens this and nothing beside it that it need not.

    For GeoJSON the reader is forced, so that no other one takes a JSON file for its own. A GML file is given as a part of
    a file, namely all of it: else its reader would write what it learnt about the columns beside it.
    """
    kind = format_of(path)
    if kind == "geojson":
        return f"GeoJSON:{path}"
    if kind == "archive":
        return f"/vsizip/{{{path}}}/{shapefile_in(path)}"
    return f"/vsisubfile/0,{path}" if kind == "gml" else str(path)


def ogr_encoding(path: Path, source: Source) -> str | None:
    """The encoding to read text columns with; None leaves it to the file, which says it itself.

    A Shapefile with a .cpg file says it unless city.toml says otherwise; without one it is what city.toml says.
    """
    kind, said = format_of(path), "encoding" in source.model_fields_set
    if kind == "shapefile":
        return source.encoding if said or not path.with_suffix(".cpg").exists() else None
    if kind == "archive":
        return source.encoding if said or not has_code_page(path) else None
    if kind == "mapinfo":
        return source.encoding if said else None
    return source.encoding if kind == "geojson" and source.encoding.lower() not in ("utf-8", "utf8") else None


def unreadable(source: Source, error: BaseException) -> Finding:
    """The finding for a file that its own reader gives up on."""
    if isinstance(error, UnboundLocalError):  # what pyogrio comes to when it cannot spell a CRS
        return nameless_crs(source)
    return Finding(
        "unreadable",
        "The file cannot be read: {reason}",
        "Export it again, or check that it was copied completely.",
        file=source.file,
        details={"reason": re.sub(r"GeoJSON:|/vsizip/|/vsisubfile/[\d_]+,", "", str(error))},
    )


def nameless_crs(source: Source) -> Finding:
    """The finding for a file whose own CRS is nothing that PROJ can do with."""
    template, mend = "The CRS that the file says cannot be made out.", "Export it again with a CRS that has a name, such as EPSG:32651."
    return Finding("unknown-crs", template, mend, file=source.file)


def encoding_fault(path: Path, source: Source, *, encoding: str | None = None) -> Finding:
    """The finding for text that is not in its declared encoding: the first line that is not, and what the file looks like."""
    declared = encoding or source.encoding
    row = first_bad_line(path, declared) if format_of(path) == "csv" else None
    likely = likely_encoding(path if format_of(path) != "shapefile" else path.with_suffix(".dbf"), declared)
    details: dict[str, Any] = {"declared": declared, "likely": likely}
    if likely is None:
        return Finding(
            "wrong-encoding",
            "The text is not {declared}.",
            'Set encoding = "…" for this source to what the file was written in, for example gbk.',
            file=source.file,
            row=row,
            details=details,
        )
    return Finding(
        "wrong-encoding",
        "The text is not {declared}; it looks like {likely}.",
        'Set encoding = "{likely}" for this source.',
        file=source.file,
        row=row,
        details=details,
    )


def _fault_of_place(folder: Path, path: Path, name: str) -> Finding | None:
    if not path.resolve().is_relative_to(folder.resolve()):
        return Finding(
            "leaves-the-folder",
            "The file is a link to a place outside the pack's folder.",
            "Copy the file itself into the pack.",
            file=name,
        )
    if not path.exists():
        there = ", ".join(sorted(p.name for p in path.parent.iterdir())[:20]) if path.parent.is_dir() else ""
        return Finding(
            "missing-file",
            "The file is not there. Its folder holds: {there}.",
            "Copy the file into the pack, or name the right one in city.toml.",
            file=name,
            details={"there": there or "-"},
        )
    if path.suffix.lower() == ".gdb" and path.is_dir():
        inside = list(path.iterdir())
    elif path.is_file():
        inside = _beside(path)
    else:
        return Finding("not-a-file", "This is not a file.", "Name a file in city.toml.", file=name)
    for one in inside:
        if one.is_symlink() and not one.resolve().is_relative_to(folder.resolve()):
            template = "{beside}, which is read with it, is a link to a place outside the pack's folder."
            mend = "Copy the file itself into the pack."
            return Finding("leaves-the-folder", template, mend, file=name, details={"beside": one.name})
    return None


def _beside(path: Path) -> list[Path]:
    """Whatever a reader may open beside the file because of its name (roads.DBF, roads.shp.xml, roads.gpkg-wal), in any case."""
    begins = (f"{path.stem}.".lower(), f"{path.name}-".lower())
    return [one for one in path.parent.iterdir() if one.name.lower().startswith(begins)]


def _unknown_format(ending: str, name: str) -> Finding:
    mend = "Export the data in one of these formats."
    if ending.lower() in _SPREADSHEETS:
        mend = "Save the sheet as CSV."
    elif ending.lower() in _DRAWINGS:
        mend = "Export the layer with its attributes and its CRS, for example as GeoPackage."
    elif ending.lower() == ".kmz":
        mend = "Unpack it; the file in it that ends in .kml can be read."
    template, details = "No reader knows the ending {ending!r}. Known are: {known}.", {"ending": ending, "known": ", ".join(_ENDINGS)}
    return Finding("unknown-format", template, mend, file=name, details=details)


def _fault_of_content(path: Path, name: str) -> Finding | None:
    ending = path.suffix.lower()
    kind = _ENDINGS.get(ending)
    if kind is None:
        return _unknown_format(path.suffix, name)
    try:
        with (path / _GEODATABASE_BEGINS_IN if kind == "geodatabase" else path).open("rb") as file:
            head = file.read(_RECIPE_WITHIN_BYTES)
    except OSError as error:
        reason = error.strerror or str(error)
        return Finding("unreadable", "The file cannot be read: {reason}", "Check its permissions.", file=name, details={"reason": reason})
    if not head:
        return Finding("empty-file", "The file is empty (0 bytes).", "Export or copy it again.", file=name)
    if not _begins_as(kind, ending, head) or _RECIPE.search(head):
        return Finding(
            "wrong-format",
            "The file ends in {ending!r}, but its content is not {format}.",
            "Give the file the ending of what it is, or export it again.",
            file=name,
            details={"ending": path.suffix, "format": _FORMAT_NAMES[kind]},
        )
    return _fault_inside(path, name, kind)


def _fault_inside(path: Path, name: str, kind: Format) -> Finding | None:
    """What is wrong further in, for the formats that can name other files or consist of several."""
    if kind == "archive":
        return fault_of_archive(path, name)
    if kind in ("gml", "kml"):
        return fault_of_markup(path, name, "gml" if kind == "gml" else "kml")
    return _mapinfo_view(path, name) or _missing_companion(path, name)


def _begins_as(kind: Format, ending: str, head: bytes) -> bool:
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if kind in _FIRST_BYTES:
        begins = head.startswith(_FIRST_BYTES[kind])
    elif ending == ".pbf":
        begins = b"OSMHeader" in head[:64]
    elif kind == "csv":
        begins = not head.startswith(_ZIP) and (wide or b"\0" not in head[:64])
    else:
        text = head.removeprefix(codecs.BOM_UTF8).lstrip()
        begins = text.lower().startswith(_FIRST_WORDS[ending]) or (kind in ("gml", "kml") and wide)
    return begins


def _mapinfo_view(path: Path, name: str) -> Finding | None:
    view = _MAPINFO_VIEW.search(path.read_bytes()) if path.suffix.lower() == ".tab" else None
    if view is None:
        return None
    template, mend = (
        "The file refers to something outside itself ({what}); nothing is fetched.",
        "Export it again with everything in the file.",
    )
    return Finding("refers-elsewhere", template, mend, file=name, details={"what": view[0].decode("ascii", "replace").strip()})


def _missing_companion(path: Path, name: str) -> Finding | None:
    for ending in _COMPANIONS.get(path.suffix.lower(), ()):
        if not (path.with_suffix(ending).exists() or path.with_suffix(ending.upper()).exists()):
            return Finding(
                "missing-file",
                "A {format} is several files, and the one that ends in {ending} is not there.",
                "Copy all files of the {format} into the pack.",
                file=name,
                details={"format": _FORMAT_NAMES[_ENDINGS[path.suffix.lower()]], "ending": ending},
            )
    return None


def _several_layers(source: Source, there: str) -> Finding:
    return Finding(
        "missing-layer",
        "The file has several layers and city.toml names none: {there}.",
        "Name one of these as layer in city.toml.",
        file=source.file,
        details={"there": there},
    )
