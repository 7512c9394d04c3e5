"""What is small on the disk and may be vast in memory: a Shapefile inside a ZIP archive, and a Parquet file.

An archive is judged by its own list of contents, and read where it lies, never unpacked.

Nothing of the archive is written to a disk, so an entry that names a place outside it could do no harm; it is refused
all the same, because no honest program makes one.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gis.errors import Finding

MOST_UNPACKED_BYTES = 4 << 30
"""An archive whose contents are larger than this together is refused; a Shapefile's own parts end at 2 GB each."""

MOST_RATIO = 200
"""How many times larger than the archive its contents may be; tables of padded text reach about 50."""

# Below this size a high ratio does no harm: a small table of blanks may have one.
_SMALL_BYTES = 32 << 20
_MOST_ENTRIES = 1000
_SMALL_TABLE_BYTES = 100 << 20
_ROWS_AT_ONCE = 1 << 14
# What a value takes in memory beside its text: a number or a place in a list.
_VALUE_BYTES = 8
_TEXTS = (pa.string(), pa.binary(), pa.large_string(), pa.large_binary())
_SHAPEFILE = b"\x00\x00\x27\x0a"


def fault_of_archive(path: Path, name: str) -> Finding | None:
    """What keeps the Shapefile in the archive ``path`` from being read, None when nothing does. ``name`` is what city.toml calls it."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            return _fault_of_entries(entries, path.stat().st_size, name) or _fault_of_shapefile(archive, name)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        return Finding(
            "unreadable",
            "The file cannot be read: {reason}",
            "Export it again, or check that it was copied completely.",
            file=name,
            details={"reason": str(error)},
        )


def shapefile_in(path: Path) -> str:
    """The name of the Shapefile's .shp inside an archive in which ``fault_of_archive`` finds nothing."""
    with zipfile.ZipFile(path) as archive:
        return _shapefiles(archive)[0]


def has_code_page(path: Path) -> bool:
    """Whether the Shapefile in the archive brings a .cpg, which says its encoding."""
    with zipfile.ZipFile(path) as archive:
        return _beside(archive, _shapefiles(archive)[0], ".cpg")


def fault_of_parquet(path: Path, name: str, columns: Iterable[str]) -> Finding | None:
    """What keeps the whole of these columns of a Parquet file from being read into memory; None when nothing does.

    A text that every row repeats is stored once and is multiplied by reading, which the sizes that the file says of itself
    do not show. So the columns are gone through first, with each text kept once. Columns that are not there are passed
    over. Raises ``pyarrow.ArrowException`` or ``OSError`` for a file that is broken.
    """
    packed_bytes = path.stat().st_size
    most_bytes = min(MOST_UNPACKED_BYTES, max(packed_bytes * MOST_RATIO, _SMALL_TABLE_BYTES))
    with pq.ParquetFile(path) as file:
        asked = [one for one in dict.fromkeys(columns) if one in file.schema_arrow.names]
        leaves = [file.schema.column(at) for at in range(file.metadata.num_columns)]
        unpacked_bytes = _declared_bytes(file.metadata, asked)
    if unpacked_bytes <= most_bytes:
        texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
        unpacked_bytes = 0
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            # geopandas reads the index that pandas kept as well.
            for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=asked, use_pandas_metadata=True):
                unpacked_bytes += sum(_decoded_bytes(column) for column in batch.columns)
                if unpacked_bytes > most_bytes:
                    break
    if unpacked_bytes <= most_bytes:
        return None
    template = "The file of {packed_mb} MB would take more than {unpacked_mb} MB in memory, which no table of places does."
    mend = "Ask where it comes from, and export only the rows and columns that the pack needs."
    details = {"packed_mb": _mb(packed_bytes), "unpacked_mb": _mb(most_bytes)}
    return Finding("archive-too-large", template, mend, file=name, details=details)


def _declared_bytes(metadata: Any, columns: list[str]) -> int:
    """The least that these columns take by what the file says of itself."""
    groups = [metadata.row_group(at) for at in range(metadata.num_row_groups)]
    chunks = [group.column(at) for group in groups for at in range(group.num_columns)]
    kept = [chunk for chunk in chunks if any(chunk.path_in_schema == one or chunk.path_in_schema.startswith(f"{one}.") for one in columns)]
    values = max(metadata.num_rows * len(columns), sum(chunk.num_values for chunk in kept))
    return int(max(values * _VALUE_BYTES, sum(chunk.total_uncompressed_size for chunk in kept)))


def _decoded_bytes(values: Any) -> int:
    """What values take when each has its own text; those read as a dictionary are counted without being spelt out."""
    if not pa.types.is_dictionary(values.type):
        parts = values.flatten() if pa.types.is_struct(values.type) else [values.flatten()] if pa.types.is_list(values.type) else []
        return len(values) * _VALUE_BYTES + sum(_decoded_bytes(part) for part in parts) if parts else int(values.nbytes)
    texts = values.dictionary
    if texts.type not in _TEXTS:
        return int(values.nbytes)
    lengths = pc.cast(pc.binary_length(texts), pa.int64())
    return len(values) * _VALUE_BYTES + int(pc.sum(lengths.take(values.indices)).as_py() or 0)


def _fault_of_entries(entries: list[zipfile.ZipInfo], packed_bytes: int, name: str) -> Finding | None:
    unpacked_bytes = sum(entry.file_size for entry in entries)
    too_much = unpacked_bytes > max(packed_bytes * MOST_RATIO, _SMALL_BYTES)
    if too_much or unpacked_bytes > MOST_UNPACKED_BYTES or len(entries) > _MOST_ENTRIES:
        details: dict[str, Any] = {"entries": len(entries), "packed_mb": _mb(packed_bytes), "unpacked_mb": _mb(unpacked_bytes)}
        template = "The archive of {packed_mb} MB would unpack to {unpacked_mb} MB in {entries} files, which no Shapefile does."
        return Finding(
            "archive-too-large", template, "Ask where it comes from; put the plain files into the pack.", file=name, details=details
        )
    for entry in entries:
        inside = PurePosixPath(entry.filename)
        if inside.is_absolute() or ".." in inside.parts or "\\" in entry.orig_filename or ":" in entry.filename:
            template = "The archive names a file outside itself: {entry!r}."
        elif stat.S_ISLNK(entry.external_attr >> 16):
            template = "The archive holds a symbolic link: {entry!r}."
        elif entry.flag_bits & 1:
            template = "The archive is locked with a password: {entry!r}."
        else:
            continue
        mend = "Make the archive again from the plain files of the Shapefile."
        return Finding("unsafe-archive", template, mend, file=name, details={"entry": entry.filename})
    return None


def _fault_of_shapefile(archive: zipfile.ZipFile, name: str) -> Finding | None:
    found = _shapefiles(archive)
    if len(found) != 1:
        template = "The archive must hold one Shapefile; it holds these: {there}."
        mend = "Make one archive for each Shapefile; put files of other formats into the pack as they are."
        return Finding("missing-layer", template, mend, file=name, details={"there": ", ".join(found[:20]) or "-"})
    with archive.open(found[0]) as file:
        if not file.read(len(_SHAPEFILE)).startswith(_SHAPEFILE):
            template = "The file ends in {ending!r}, but its content is not {format}."
            mend = "Give the file the ending of what it is, or export it again."
            return Finding("wrong-format", template, mend, file=name, details={"ending": ".shp", "format": "Shapefile"})
    for ending in (".shx", ".dbf"):
        if not _beside(archive, found[0], ending):
            template = "A {format} is several files, and the one that ends in {ending} is not there."
            mend = "Copy all files of the {format} into the pack."
            return Finding("missing-file", template, mend, file=name, details={"format": "Shapefile", "ending": ending})
    return None


def _shapefiles(archive: zipfile.ZipFile) -> list[str]:
    """The .shp of the archive, without the shadows that one operating system adds to its archives."""
    names = [PurePosixPath(name) for name in archive.namelist()]
    return [str(one) for one in names if one.suffix.lower() == ".shp" and "__MACOSX" not in one.parts and not one.name.startswith(".")]


def _beside(archive: zipfile.ZipFile, shapefile: str, ending: str) -> bool:
    stem = str(PurePosixPath(shapefile).with_suffix(""))
    return not {stem + ending, stem + ending.upper()}.isdisjoint(archive.namelist())


def _mb(size_bytes: int) -> float:
    return round(size_bytes / 1e6, 1)
