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
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np
import shapely

from gis import kept_parts
from gis.progress import Progress
from grids.measure import Geometries
from grids.parts import Drawn, Part, cuts_in, cuts_near, draw, placed

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
        """The parts, drawn and placed; those that an earlier call kept are read."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sizes = [_vertices(part) for part in parts]
        done = _Done(self.progress, 2 * sum(sizes))
        digests = [kept_parts.digest(part) for part in parts]
        with _pool(self.processes if sum(sizes) >= _WORTH_A_POOL else 1) as pool:
            cuts = self._cuts(parts, digests, sizes=sizes, done=done, pool=pool)
            near = [cuts_near(part, at, cuts) for at, part in enumerate(parts)]
            names = [kept_parts.digest_with_cuts(one, lines) for one, lines in zip(digests, near, strict=True)]
            missing = [at for at, name in enumerate(names) if not self._path(name).exists()]
            done.add(sum(sizes) - sum(sizes[at] for at in missing))
            work = {at: partial(_draw_into, parts[at], near[at], self._path(names[at])) for at in missing}
            _run(pool, work, sizes=sizes, done=done)
        self.parts, self.drawn = len(parts), len(missing)
        files = [self._path(name).name for name in (*names, *map(_cuts_name, digests))]
        kept_parts.forget_others(self.folder, files)
        return [self._read(part, lines, name) for part, lines, name in zip(parts, near, names, strict=True)]

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.npz"

    def _cuts(
        self, parts: Sequence[Part], digests: Sequence[str], *, sizes: Sequence[int], done: _Done, pool: Executor | None
    ) -> list[Geometries]:
        """The cuts of every part: the first round."""
        paths = [self._path(_cuts_name(one)) for one in digests]
        missing = [at for at, path in enumerate(paths) if not path.exists()]
        done.add(sum(sizes) - sum(sizes[at] for at in missing))
        _run(pool, {at: partial(_cut_into, parts[at], paths[at]) for at in missing}, sizes=sizes, done=done)
        kept = [kept_parts.read_cuts(path) for path in paths]
        # A file that was damaged after it was written is as good as none.
        return [cuts_in(part) if cuts is None else cuts for part, cuts in zip(parts, kept, strict=True)]

    def _read(self, part: Part, cuts: Geometries, name: str) -> Drawn:
        kept = kept_parts.read_drawn(self._path(name))
        return placed(part, draw(part, cuts) if kept is None else kept)


def _cuts_name(digest: str) -> str:
    return f"{digest}-cuts"


@dataclass
class _Done:
    """How much of the work is done, told as it grows."""

    progress: Progress
    total: int
    so_far: int = 0

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


def _run(pool: Executor | None, work: Mapping[int, Callable[[], None]], *, sizes: Sequence[int], done: _Done) -> None:
    """Do the work on each part, the largest first, so that no core waits long for another at the end."""
    order = sorted(work, key=lambda at: -sizes[at])
    if pool is None:
        for at in order:
            work[at]()
            done.add(sizes[at])
        return
    waiting = {pool.submit(work[at]): at for at in order}
    for future in as_completed(waiting):
        future.result()
        done.add(sizes[waiting[future]])


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
