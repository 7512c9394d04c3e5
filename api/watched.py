"""How long a step took and how much memory it held, with the processes that worked for it."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

import psutil

_EVERY_S = 0.1


class Watched:
    """A stretch of time under watch: afterwards ``seconds`` and ``peak_mb`` say what it took.

    Memory is the sum of the resident sizes of this process and those it started, looked at ten times a second; the
    database, which serves others too, is not counted.
    """

    def __enter__(self) -> Self:
        self.seconds, self.peak_mb = 0.0, 0
        self._began = time.monotonic()
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.seconds = round(time.monotonic() - self._began, 2)
        self._over.set()
        self._watcher.join()

    def _watch(self) -> None:
        while True:
            self.peak_mb = max(self.peak_mb, round(_resident_bytes() / 1e6))
            if self._over.wait(_EVERY_S):
                return


def _resident_bytes() -> int:
    own = psutil.Process()
    total = 0
    for process in (own, *own.children(recursive=True)):
        try:
            if process.name() != "postgres":
                total += process.memory_info().rss
        except psutil.NoSuchProcess:  # it ended while it was looked at
            continue
    return total
