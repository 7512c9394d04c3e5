"""Points assigned on the machines of a Dask cluster: every worker reads the kept index and its own pieces of the points.

A piece is a row group of a Parquet file. Only its name travels: the workers see the folders of the points, of the answers and of
the kept indexes under the same paths as whoever asks. Needs the extra ``dask``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import distributed
import pyarrow.parquet as pq

from gis.assigning import HOW, Assigner, Labels
from gis.assigning_files import Assigned, answered_into, form_of
from gis.errors import ExportExists, ExportNotWritten, IndexNotSeen, NoCluster, NotFound, NotOnCluster
from gis.kept_indexes import keep, read
from gis.layer_files import FORMATS, TABLES
from gis.point_files import Declared, open_points
from gis.progress import Progress
from grids.locate import Index

_ENDINGS = (".parquet", ".geoparquet")
_CONNECTS_S = 10


@dataclass(frozen=True)
class _Piece:
    """A row group of a file of points, and the file that its answers go to."""

    path: Path
    row_group: int
    out: Path


def assign_on_cluster(
    path: Path,
    out: Path,
    asked: Assigner,
    declared: Declared,
    *,
    index_file: Path,
    scheduler: str,
    overwrite: bool = False,
    progress: Progress,
) -> Assigned:
    """Write the rows of a Parquet file, or of all Parquet files of a folder, with their answers to files in the new folder ``out``.

    ``index_file`` is where the workers find the index of ``asked``; it is kept there when it is not yet. The files
    ``part-00000.parquet`` … hold the rows in their order, and are what ``assign_file`` would write. The folder is there whole or not
    at all. Raises what ``assign_file`` does, ``NotOnCluster`` for points that are not Parquet, ``NoCluster`` when the scheduler is not
    reached, and ``IndexNotSeen`` when a worker does not see the index.
    """
    out = out.resolve()
    _require_place(out, overwrite=overwrite)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.assigning-", dir=out.parent) as folder:
        unfinished = Path(folder) / "answers"
        unfinished.mkdir(mode=0o755)
        pieces = list(_pieces(path, unfinished, declared))
        how = dict.fromkeys(HOW, 0)
        progress("assigning points", 0, len(pieces))
        try:
            client: Any = distributed.Client(scheduler, timeout=_CONNECTS_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise NoCluster(scheduler, str(error)) from error
        with client:
            if read(index_file) is None:
                keep(asked.index, index_file)
                if read(index_file) is None:  # said before any piece is sent
                    raise IndexNotSeen(str(index_file))
            labels = client.scatter(asked.labels, broadcast=True)
            futures = client.map(_assign_piece, pieces, labels=labels, index_file=index_file, declared=declared, pure=False)
            for number, future in enumerate(distributed.as_completed(futures, loop=client.loop), 1):
                part: dict[str, int] = future.result()
                how = {word: count + part[word] for word, count in how.items()}
                progress("assigning points", number, len(pieces))
        if out.exists():
            out.replace(Path(folder) / "before")  # removed with the folder around it
        unfinished.replace(out)
    return Assigned("parquet", how)


def _require_place(out: Path, *, overwrite: bool) -> None:
    ours = out.is_dir() and all(one.name.startswith("part-") and one.suffix == ".parquet" for one in out.iterdir())
    if out.exists() and not (overwrite and ours):
        raise ExportExists(str(out))
    if not out.parent.is_dir():
        raise ExportNotWritten(str(out), "its folder is not there")


def _pieces(path: Path, out: Path, declared: Declared) -> Iterator[_Piece]:
    if not path.exists():
        raise NotFound("file", str(path))
    files = sorted(one for one in path.iterdir() if one.suffix.lower() in _ENDINGS) if path.is_dir() else [path.resolve()]
    if not files or any(one.suffix.lower() not in _ENDINGS for one in files):
        raise NotOnCluster(str(path))
    number = 0
    for file in files:
        with open_points(file, declared):
            groups = pq.ParquetFile(file).num_row_groups
        for row_group in range(groups):
            yield _Piece(file.resolve(), row_group, out / f"part-{number:05}.parquet")
            number += 1


def _assign_piece(piece: _Piece, *, labels: Labels, index_file: Path, declared: Declared) -> dict[str, int]:
    asked = Assigner(_mapped(index_file), labels)
    with open_points(piece.path, replace(declared, row_group=piece.row_group)) as file:
        form = form_of(piece.out, file)
        write = (FORMATS | TABLES)[form].write
        return answered_into(lambda features: write(features, piece.out), file, asked, declared, form=form, threads=1)


@lru_cache(maxsize=2)
def _mapped(path: Path) -> Index:
    index = read(path)
    if index is None:
        raise IndexNotSeen(str(path))
    return index
