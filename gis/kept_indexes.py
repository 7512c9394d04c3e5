"""Prepared indexes as files, one for each edition: made once, then mapped into memory and shared by all who ask.

A file is named by its edition and by the code that made it. One that cannot be read is as good as none: the index is made again.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import shapely
import sqlalchemy as sa
import structlog

from gis import tables
from gis.code_digest import code_digest
from gis.db import Tx
from gis.errors import NotFound
from gis.store import editions
from gis.whole_files import UNFINISHED, written_whole
from grids.locate import Index

_log = structlog.get_logger(__name__)

_ENDING = ".index"

_ABANDONED_AFTER_S = 3_600
"""An unfinished file so much older than one just finished is of a process that was killed while it wrote."""

_MANY_BLOCKS = 1_000
"""Of fewer GEOS finds a point's in less time than the rest of an answer takes, and for many points the tables are made again sooner than
a file of them is read and checked."""

_MANY_POINTS = 50_000
"""Fewer are found by GEOS sooner than tens of thousands of blocks are prepared."""

_MOST_KEPT = 8
"""So many files stay: those used last. An index of a megacity takes some hundred megabytes."""


def folder_of(data_dir: Path) -> Path:
    """Where the indexes of an installation are kept."""
    return data_dir / "indexes"


def worth_preparing(*, blocks: int, points: int | None) -> bool:
    """Whether the index of so many blocks is worth the time to prepare and keep it, for so many points (None: nobody knows)."""
    return blocks >= _MANY_BLOCKS and (points is None or points >= _MANY_POINTS)


def index(tx: Tx, edition_id: int, folder: Path) -> Index:
    """The index of an edition: from its file when it is kept, else not prepared, for a few points. Raises ``NotFound``."""
    kept = read(path_of(tx, edition_id, folder))
    return editions.index(tx, edition_id) if kept is None else kept


def path_of(tx: Tx, edition_id: int, folder: Path) -> Path:
    """The file of an edition's index, whether it is there or not. Raises ``NotFound``."""
    edition = tables.edition
    chosen = sa.select(edition.c.city, edition.c.number, edition.c.pack_digest, edition.c.drawn_at).where(edition.c.id == edition_id)
    row = tx.execute(chosen).one_or_none()
    if row is None:
        raise NotFound("edition", str(edition_id))
    told = f"{row.city}\0{edition_id}\0{row.number}\0{row.pack_digest}\0{row.drawn_at.isoformat()}".encode()
    return folder / f"{hashlib.sha256(code_digest(__file__) + told).hexdigest()[:40]}{_ENDING}"


def read(path: Path) -> Index | None:
    """The index kept at ``path``, its tables mapped; None when there is none, or (as the log says) none that can be read."""
    try:
        index = Index.unpacked(np.memmap(path, dtype=np.uint8, mode="r"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, shapely.errors.ShapelyError) as error:  # the file is damaged or closed to us: as good as none
        _log.warning("kept index not read", file=str(path), error=str(error))
        return None
    with suppress(OSError):  # a folder that may only be read
        path.touch()  # the files used last stay
    return index


def keep(index: Index, path: Path) -> None:
    """Keep a prepared index, and of those kept before only the ones used last; where the folder cannot be written, nothing is."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with written_whole(path) as file:
            file.write(index.packed().data)
        found = sorted(path.parent.glob(f"*{_ENDING}"), key=lambda one: one.stat().st_mtime)
        for old in found[:-_MOST_KEPT]:
            old.unlink(missing_ok=True)
        last_s = path.stat().st_mtime
        for left in path.parent.glob(f"*{UNFINISHED}"):
            if left.stat().st_mtime < last_s - _ABANDONED_AFTER_S:
                left.unlink(missing_ok=True)
    except OSError:  # a folder that cannot be written costs time, nothing else
        return
