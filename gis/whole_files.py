"""Files that are in their place whole or not at all, whenever the process or the machine ends."""

from __future__ import annotations

import fcntl
import glob
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

UNFINISHED = ".new"
"""How the name of a file ends that is not whole yet."""


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which is at ``path`` when the block has ended well."""
    unfinished = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}{UNFINISHED}")
    try:
        with unfinished.open("wb") as file:
            yield file
        _to_disk(unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def made_whole(path: Path, ending: str, *, last: Callable[[], object]) -> Iterator[Path]:
    """A path to write to that has the ``ending``; what is there when the block has ended well is then at ``path``.

    ``last`` is called before it gets its place, and may refuse. The path lies in a folder of its own beside ``path``, because some
    programs make more than one file. The folder is locked while it is in use, so that what a killed process has left there is known,
    and removed by the next.
    """
    mark = f".{path.name}.exporting-"
    for left in path.parent.glob(f"{glob.escape(mark)}*"):
        with _locked(left) as free:
            if free:
                shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=mark, dir=path.parent))
    try:
        with _locked(folder):
            unfinished = folder / f"layer{ending}"
            yield unfinished
            _to_disk(unfinished)
            last()
            unfinished.replace(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _to_disk(file: Path) -> None:
    with file.open("rb+") as written:
        os.fsync(written.fileno())


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Hold a folder; False when another process does, or it is gone."""
    try:
        held = os.open(folder, os.O_RDONLY)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(held)
