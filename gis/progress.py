"""How a long act tells the door that started it how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told the step that is under way, how much of it is done, and how much there is (None: not known).

    ``step`` is an English message; the door translates it.
    """

    def __call__(self, step: str, done: int = 0, total: int | None = None) -> None: ...


def silent(step: str, done: int = 0, total: int | None = None) -> None:
    """A progress that tells nobody."""
    del step, done, total
