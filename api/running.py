"""Which processes of this data folder run: each holds a lock on its own file, and the file says its process id."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from api.errors import AlreadyRunning

PROCESSES = ("serve", "worker")
_PATIENCE_S = 20.0


@contextmanager
def holding(data_dir: Path, process: str) -> Iterator[None]:
    """Be the one ``serve`` or ``worker`` of this data folder while the block runs; refuse (``AlreadyRunning``) when there is one.

    The lock goes with the process, however that ends, so a file left behind by a killed one stops nobody. Being asked to
    end (SIGTERM, see ``stop``) ends the process in order, with exit code 0; to be called in the main thread.
    """
    folder = data_dir / "run"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / f"{process}.pid").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(process, str(data_dir)) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        # The libraries that serve and work end their loop at a SIGTERM and then hand it on to the handler they found.
        before = signal.signal(signal.SIGTERM, _end)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    raise SystemExit(0)


def running(data_dir: Path, process: str) -> int | None:
    """The process id of this data folder's ``serve`` or ``worker``; None when none runs."""
    try:
        with (data_dir / "run" / f"{process}.pid").open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read().strip() or 0) or None
    except FileNotFoundError:
        return None
    return None


def stop(data_dir: Path, process: str) -> bool:
    """Ask ``serve`` or ``worker`` to end and wait until it has; False when none ran. After 20 s it is killed."""
    pid = running(data_dir, process)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + _PATIENCE_S
    while running(data_dir, process) == pid:
        if time.monotonic() > until:
            os.kill(pid, signal.SIGKILL)
            until = float("inf")
        time.sleep(0.05)
    return True
