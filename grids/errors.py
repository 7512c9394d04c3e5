"""The domain's refusals: what the rules do not allow, said with data and not only with words.

Every refusal has a one-sentence docstring, typed fields, and a message template over those fields. A door (CLI,
HTTP) looks the template up in its language before it fills it in, so the same refusal reads the same everywhere.
Refusals know nothing of HTTP or exit codes: `api/problems.py` holds the one table for that.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar


@dataclass(eq=False)
class Refusal(Exception):
    """Something was asked for that the rules do not allow."""

    template: ClassVar[str] = "The request was refused."
    mend: ClassVar[str] = ""

    @classmethod
    def slug(cls) -> str:
        """The stable name of this refusal in kebab case, for example ``outside-the-city``."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    def details(self) -> dict[str, Any]:
        """The fields of this refusal as plain data, in declaration order."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def text(self, translate: Callable[[str], str] = str) -> str:
        """What went wrong and how to mend it, in the language of ``translate``."""
        said = translate(self.template).format(**self.details())
        return f"{said} {translate(self.mend).format(**self.details())}" if self.mend else said

    def __str__(self) -> str:
        return self.text()


@dataclass(eq=False)
class UnknownDatum(Refusal):
    """A coordinate came without a datum that the service knows."""

    datum: str
    template: ClassVar[str] = "The datum {datum!r} is not known."
    mend: ClassVar[str] = "Declare one of wgs84, cgcs2000, gcj02, bd09."


@dataclass(eq=False)
class BadCoordinate(Refusal):
    """A longitude or latitude is not a number on the globe."""

    lon: float
    lat: float
    index: int | None = None
    template: ClassVar[str] = "lon {lon}, lat {lat} is not a place on the globe."
    mend: ClassVar[str] = "Longitude runs from -180 to 180 and comes first; latitude runs from -90 to 90."


@dataclass(eq=False)
class OutsideItsArea(Refusal):
    """Geometry lies outside the area in which a projected CRS may be used."""

    crs: str
    detail: str
    template: ClassVar[str] = "{crs} may not be used here: {detail}"
    mend: ClassVar[str] = "Name a metric CRS in city.toml whose area of use covers the whole city."


@dataclass(eq=False)
class NotAPartition(Refusal):
    """Street units could not be made to cover an area exactly once."""

    area: str
    detail: str
    template: ClassVar[str] = "The street units of {area} are not a partition: {detail}"
