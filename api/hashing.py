"""Passwords hashed beside the requests: a hash takes a tenth of a second and 64 MB, so only few are worked on at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from api.errors import TooManyRequests

AT_ONCE = 2
WAITING = 16
_RETRY_AFTER_S = 5

Result = TypeVar("Result")


class Hashing:
    """The place where a server hashes passwords. Made and used on one event loop."""

    def __init__(self, *, at_once: int = AT_ONCE, waiting: int = WAITING) -> None:
        self._limiter = CapacityLimiter(at_once)
        self._room = at_once + waiting
        self._inside = 0

    def require_room(self) -> None:
        """Refuse (``TooManyRequests``) what would wait behind too many others."""
        if self._inside >= self._room:
            raise TooManyRequests(_RETRY_AFTER_S)

    async def run(self, work: Callable[[], Result]) -> Result:
        """What ``work`` gives, in a thread of its own; refuses as ``require_room`` does."""
        self.require_room()
        self._inside += 1
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._inside -= 1
