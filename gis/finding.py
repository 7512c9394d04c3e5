"""A finding: one problem of a city pack or of a file of points, told with its place and its mend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from grids.errors import sentences


@dataclass(frozen=True)
class Finding:
    """One problem of a city pack: where it is, what it is, and how to mend it.

    ``template`` and ``mend`` are messages over ``details``; ``row`` counts from 1 in the file's own order (the
    header of a CSV is row 1) and is None when the whole file is meant. ``given`` is what the row says, column by column, where
    the row is left out.
    """

    slug: str
    template: str
    mend: str = ""
    file: str | None = None
    row: int | None = None
    severity: Literal["error", "warning"] = "error"
    details: dict[str, Any] = field(default_factory=dict)
    given: dict[str, str | None] | None = None

    def text(self, translate: Callable[[str], str] = str) -> str:
        """The reason, then the mend, in the language of ``translate`` (the place is told apart)."""
        said = translate(self.template).format(**self.details)
        return sentences(said, translate(self.mend).format(**self.details) if self.mend else "")
