"""Work shared out to threads, its results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Piece = TypeVar("_Piece")
_Result = TypeVar("_Result")


def in_order(pieces: Iterable[_Piece], work: Callable[[_Piece], _Result], *, threads: int) -> Iterator[_Result]:
    """What ``work`` makes of each piece, in order, on so many threads; twice as many pieces as threads are on their way at once."""
    with ThreadPoolExecutor(threads, "in-order") as pool:
        under_way: deque[Future[_Result]] = deque()
        for piece in pieces:
            under_way.append(pool.submit(work, piece))
            if len(under_way) >= 2 * threads:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
