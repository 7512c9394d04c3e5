"""The files of a city pack: where they are, what format they have, and in which encoding. Nothing is read outside the folder.

The format follows from the ending, and the first bytes must agree with it before any reader sees the file: some readers
take a text file for a recipe that fetches other files, even from other hosts.
"""

from __future__ import annotations

import codecs
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pyogrio
import pyogrio.errors

from gis.city_pack import Source
from gis.errors import BadPack, Finding

Format = Literal["geopackage", "geojson", "shapefile", "flatgeobuf", "parquet", "osm", "csv"]

_ENDINGS: dict[str, Format] = {
    ".gpkg": "geopackage",
    ".geojson": "geojson",
    ".json": "geojson",
    ".shp": "shapefile",
    ".fgb": "flatgeobuf",
    ".parquet": "parquet",
    ".geoparquet": "parquet",
    ".pbf": "osm",
    ".csv": "csv",
}
_FIRST_BYTES: dict[Format, bytes] = {
    "geopackage": b"SQLite format 3\0",
    "shapefile": b"\x00\x00\x27\x0a",
    "flatgeobuf": b"fgb",
    "parquet": b"PAR1",
}
_FORMAT_NAMES: dict[Format, str] = {
    "geopackage": "GeoPackage",
    "geojson": "GeoJSON",
    "shapefile": "Shapefile",
    "flatgeobuf": "FlatGeobuf",
    "parquet": "Parquet",
    "osm": "OpenStreetMap PBF",
    "csv": "CSV",
}
# How a ZIP archive begins, which a renamed Excel workbook is.
_ZIP = b"PK\x03\x04"
_COMPANIONS = (".shx", ".dbf")
# What a text file is tried as when it does not hold what was declared; gb18030 contains gbk and gb2312.
_LIKELY_ENCODINGS = (("utf-8", "utf-8-sig"), ("gbk", "gb18030"))


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


def layer_of(folder: Path, source: Source) -> str:
    """The layer to read from a file of geometry: the one asked for, or the only one there is.

    Raises ``BadPack`` when the layer is not there, when there are several and none was asked for, and when the
    file cannot be read at all.
    """
    path = file_of(folder, source)
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
    """What GDAL is asked to open. For GeoJSON the reader is forced, so that no other one takes a JSON file for its own."""
    return f"GeoJSON:{path}" if format_of(path) == "geojson" else str(path)


def ogr_encoding(path: Path, source: Source) -> str | None:
    """The encoding to read text columns with; None leaves it to the file, which says it itself.

    A Shapefile with a .cpg file says it unless city.toml says otherwise; without one it is what city.toml says.
    """
    kind = format_of(path)
    if kind == "shapefile":
        declared = "encoding" in source.model_fields_set or not path.with_suffix(".cpg").exists()
        return source.encoding if declared else None
    return source.encoding if kind == "geojson" and source.encoding.lower() not in ("utf-8", "utf8") else None


def unreadable(source: Source, error: BaseException) -> Finding:
    """The finding for a file that its own reader gives up on."""
    return Finding(
        "unreadable",
        "The file cannot be read: {reason}",
        "Export it again, or check that it was copied completely.",
        file=source.file,
        details={"reason": str(error).replace("GeoJSON:", "")},
    )


def encoding_fault(path: Path, source: Source, *, encoding: str | None = None) -> Finding:
    """The finding for text that is not in its declared encoding: the first line that is not, and what the file looks like."""
    declared = encoding or source.encoding
    row = _first_bad_line(path, declared) if format_of(path) == "csv" else None
    likely = _likely_encoding(path if format_of(path) != "shapefile" else path.with_suffix(".dbf"), declared)
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
    if not path.is_file():
        return Finding("not-a-file", "This is not a file.", "Name a file in city.toml.", file=name)
    return None


def _fault_of_content(path: Path, name: str) -> Finding | None:
    kind = _ENDINGS.get(path.suffix.lower())
    if kind is None:
        return Finding(
            "unknown-format",
            "No reader knows the ending {ending!r}. Known are: {known}.",
            "Export the data in one of these formats.",
            file=name,
            details={"ending": path.suffix, "known": ", ".join(_ENDINGS)},
        )
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        reason = error.strerror or str(error)
        return Finding("unreadable", "The file cannot be read: {reason}", "Check its permissions.", file=name, details={"reason": reason})
    if not head:
        return Finding("empty-file", "The file is empty (0 bytes).", "Export or copy it again.", file=name)
    if not _begins_as(kind, head):
        return Finding(
            "wrong-format",
            "The file ends in {ending!r}, but its content is not {format}.",
            "Give the file the ending of what it is, or export it again.",
            file=name,
            details={"ending": path.suffix, "format": _FORMAT_NAMES[kind]},
        )
    return _missing_companion(path, name) if kind == "shapefile" else None


def _begins_as(kind: Format, head: bytes) -> bool:
    if kind in _FIRST_BYTES:
        return head.startswith(_FIRST_BYTES[kind])
    text = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if kind == "geojson":
        return text.startswith(b"{")
    if kind == "osm":
        return b"OSMHeader" in head
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return not head.startswith(_ZIP) and (wide or b"\0" not in head)


def _missing_companion(path: Path, name: str) -> Finding | None:
    for ending in _COMPANIONS:
        if not (path.with_suffix(ending).exists() or path.with_suffix(ending.upper()).exists()):
            return Finding(
                "missing-file",
                "A Shapefile is several files, and the one that ends in {ending} is not there.",
                "Copy all files of the Shapefile into the pack.",
                file=name,
                details={"ending": ending},
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


def _first_bad_line(path: Path, encoding: str) -> int | None:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError:
                return number
    return None


def _likely_encoding(path: Path, declared: str) -> str | None:
    for name, codec in _LIKELY_ENCODINGS:
        if name != declared.lower() and path.is_file() and _decodes(path, codec):
            return name
    return None


def _decodes(path: Path, codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        with path.open("rb") as file:
            if path.suffix.lower() == ".dbf":
                # A dBASE file begins with binary numbers, the ninth and tenth byte say how many bytes of them.
                file.seek(int.from_bytes(file.read(10)[8:], "little"))
            while block := file.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
