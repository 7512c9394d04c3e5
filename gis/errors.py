"""What the remembering room refuses: things that are not there, that clash, or that cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from grids.errors import Refusal


@dataclass(eq=False)
class NotFound(Refusal):
    """A thing was asked for by a key that nothing has."""

    kind: str
    key: str
    template: ClassVar[str] = "There is no {kind} {key!r}."


@dataclass(eq=False)
class Conflict(Refusal):
    """A change clashes with what is already there."""

    detail: str
    template: ClassVar[str] = "This clashes with what is already there: {detail}"


@dataclass(eq=False)
class Busy(Refusal):
    """Another process is doing the same work just now."""

    work: str
    template: ClassVar[str] = "Another process is busy with {work}."
    mend: ClassVar[str] = "Wait until it has finished, then try again."


@dataclass(eq=False)
class NoDatabase(Refusal):
    """No PostGIS could be reached or started."""

    detail: str
    template: ClassVar[str] = "No PostGIS is available: {detail}"
    mend: ClassVar[str] = "Run 'wangge doctor' to see what is missing."


@dataclass(eq=False)
class SchemaBehind(Refusal):
    """The database's schema is not the one this release needs."""

    found: str
    wanted: str
    template: ClassVar[str] = "The database is at schema {found}, this release needs {wanted}."
    mend: ClassVar[str] = "Run 'wangge migrate'."


@dataclass(eq=False)
class DatumOutsideItsCountry(Refusal):
    """A place was declared in a datum that is only defined for another part of the world."""

    datum: str
    lon: float
    lat: float
    index: int | None = None
    template: ClassVar[str] = "lon {lon}, lat {lat} cannot be in {datum}: that datum only exists in mainland China."
    mend: ClassVar[str] = "Declare the datum that was used to measure it, most likely wgs84."


@dataclass(frozen=True)
class Finding:
    """One problem of a city pack: where it is, what it is, and how to mend it.

    ``template`` and ``mend`` are messages over ``details``; ``row`` counts from 1 in the file's own order (the
    header of a CSV is row 1) and is None when the whole file is meant.
    """

    slug: str
    template: str
    mend: str = ""
    file: str | None = None
    row: int | None = None
    severity: Literal["error", "warning"] = "error"
    details: dict[str, Any] = field(default_factory=dict)

    def text(self, translate: Callable[[str], str] = str) -> str:
        """The reason, then the mend, in the language of ``translate`` (the place is told apart)."""
        said = translate(self.template).format(**self.details)
        return f"{said} {translate(self.mend).format(**self.details)}" if self.mend else said


@dataclass(eq=False)
class BadPack(Refusal):
    """A city pack has problems that stop it from being loaded."""

    pack: str
    findings: tuple[Finding, ...]
    template: ClassVar[str] = "The city pack {pack} cannot be loaded."
    mend: ClassVar[str] = "Mend what is listed and run 'wangge city check' again."
