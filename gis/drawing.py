"""Drawing the parts of a city on all cores, and keeping every drawn part: what was drawn once is not drawn again.

A part is kept under the digest of all that it depends on, its own ground and the code that draws it. So an interrupted
build goes on where it was, and a change in one street/town draws that one again and those it touches.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import shapely

from gis import kept_parts
from gis.errors import WorkerLost
from gis.progress import Progress
from grids.measure import Geometries
from grids.parts import Drawn, Part, cuts_in, cuts_near, draw, placed

Works = Mapping[int, Callable[[], None]]
"""What has to be done, by the number of the part."""

_Kept = TypeVar("_Kept")

_WORTH_A_POOL = 20_000
"""A city with fewer vertices than this is drawn before other processes would have started."""


@dataclass
class Kept:
    """Draws the parts of a city into ``folder`` with ``processes`` processes; afterwards ``drawn`` of ``parts`` were drawn anew.

    Called as ``grids.parts.Draw``. A killed process loses the part it was drawing, and no other.
    """

    folder: Path
    processes: int
    progress: Progress
    parts: int = 0
    drawn: int = 0

    def __call__(self, parts: Sequence[Part]) -> list[Drawn]:
        """The parts, drawn and placed; those that an earlier call kept are read.

        Raises ``CityBusy`` while another process draws into the folder, ``WorkerLost`` when a worker was ended from outside.
        """
        sizes = [_vertices(part) for part in parts]
        done = _Done(self.progress, 2 * sum(sizes))
        digests = [kept_parts.digest(part) for part in parts]
        with kept_parts.held(self.folder), _pool(self.processes if sum(sizes) >= _WORTH_A_POOL else 1) as pool:
            run = partial(_run, pool, sizes=sizes, done=done)
            paths = [self._path(f"{one}-cuts") for one in digests]
            works = [partial(_cut_into, part, path) for part, path in zip(parts, paths, strict=True)]
            cuts, _ = _kept_or_made(paths, works, kept_parts.read_cuts, run)
            near = [cuts_near(part, at, cuts) for at, part in enumerate(parts)]
            drawn_paths = [self._path(kept_parts.digest_with_cuts(one, lines)) for one, lines in zip(digests, near, strict=True)]
            works = [partial(_draw_into, part, lines, path) for part, lines, path in zip(parts, near, drawn_paths, strict=True)]
            drawn, self.drawn = _kept_or_made(drawn_paths, works, kept_parts.read_drawn, run)
            kept_parts.forget_others(self.folder, [path.name for path in (*paths, *drawn_paths)])
        self.parts = len(parts)
        return [placed(part, one) for part, one in zip(parts, drawn, strict=True)]

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.npz"


def _kept_or_made(
    paths: Sequence[Path], works: Sequence[Callable[[], None]], read: Callable[[Path], _Kept | None], run: Callable[[Works], None]
) -> tuple[list[_Kept], int]:
    """What is kept at the paths; what is not there, or was damaged after it was written, is made first. And how many were made."""
    found = [read(path) for path in paths]
    missing = {at: works[at] for at, one in enumerate(found) if one is None}
    run(missing)
    whole = [one if one is not None else read(path) for one, path in zip(found, paths, strict=True)]
    return [one for one in whole if one is not None], len(missing)


@dataclass
class _Done:
    """How much of the work is done, told as it grows."""

    progress: Progress
    total: int
    so_far: int = 0

    def only(self, size: int, *, of: int) -> None:
        """Of a round that was counted with ``of`` only ``size`` has to be done: what is kept is no work."""
        self.total -= of - size

    def add(self, size: int) -> None:
        self.so_far += size
        self.progress("blocks", self.so_far, self.total)


def _vertices(part: Part) -> int:
    """How large a part is: the vertices of all its lines, and one."""
    held = (getattr(part.ground, field.name) for field in fields(part.ground))
    return 1 + sum(int(shapely.get_num_coordinates(one).sum()) for one in held if one is not None and one.dtype != np.bool_)


def _cut_into(part: Part, path: Path) -> None:
    kept_parts.write_cuts(path, cuts_in(part))


def _draw_into(part: Part, cuts: Geometries, path: Path) -> None:
    kept_parts.write_drawn(path, draw(part, cuts))


def _run(pool: Executor | None, works: Works, *, sizes: Sequence[int], done: _Done) -> None:
    """Do the work on each part, the largest first, so that no core waits long for another at the end."""
    done.only(sum(sizes[at] for at in works), of=sum(sizes))
    order = sorted(works, key=lambda at: -sizes[at])
    if pool is None:
        for at in order:
            works[at]()
            done.add(sizes[at])
        return
    waiting = {pool.submit(works[at]): at for at in order}
    try:
        for future in as_completed(waiting):
            future.result()
            done.add(sizes[waiting[future]])
    except BrokenProcessPool as error:
        raise WorkerLost from error


@contextmanager
def _pool(processes: int) -> Iterator[Executor | None]:
    """A pool of processes, None for a single one; work that has not begun is dropped when the block is left by an error."""
    if processes < 2:
        yield None
        return
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["gis.drawing"])
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_serve_parent)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _serve_parent() -> None:
    """Leave Ctrl-C to the parent, and end with it however it ends: nobody draws for a process that was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)
