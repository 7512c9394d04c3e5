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


def sentences(*parts: str) -> str:
    """Sentences after each other; a space stands between them, but not after a Chinese full stop."""
    return "".join(part if part.endswith("。") else f"{part} " for part in parts if part).rstrip()


@dataclass(eq=False)
class Refusal(Exception):
    """Something was asked for that the rules do not allow."""

    template: ClassVar[str] = "The request was refused."
    mend: ClassVar[str] = ""
    translated: ClassVar[tuple[str, ...]] = ()
    """Fields that hold a message themselves, in English."""

    @classmethod
    def slug(cls) -> str:
        """The stable name of this refusal in kebab case, for example ``outside-the-city``."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    def details(self) -> dict[str, Any]:
        """The fields of this refusal as plain data, in declaration order."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def text(self, translate: Callable[[str], str] = str) -> str:
        """What went wrong and how to mend it, in the language of ``translate``."""
        return sentences(*self.parts(translate))

    def parts(self, translate: Callable[[str], str] = str) -> tuple[str, str]:
        """The same as two sentences: what went wrong, and how to mend it (empty when there is nothing to say)."""
        details = self.details()
        details |= {name: translate(details[name]) for name in self.translated if details[name]}
        return translate(self.template).format(**details), translate(self.mend).format(**details) if self.mend else ""

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
    spans: str
    allowed: str
    name: str
    template: ClassVar[str] = (
        "{crs} may not be used here: the geometry spans {spans} (west, south, east, north), its area of use is {allowed} ({name})."
    )
    mend: ClassVar[str] = "Name a metric CRS in city.toml whose area of use covers the whole city."


@dataclass(eq=False)
class NotAPartition(Refusal):
    """Street units could not be made to cover an area exactly once."""

    area: str
    template: ClassVar[str] = "The street units of area {area} do not cover it exactly once."


@dataclass(eq=False)
class NoLowestAreas(NotAPartition):
    """There is nothing to divide: the lowest level of areas has no polygons."""

    template: ClassVar[str] = "The lowest level of areas, {area}, has no polygons."
    mend: ClassVar[str] = "Give it a source of polygons in city.toml and load the city pack again."


@dataclass(eq=False)
class NotSeamless(NotAPartition):
    """The drawn blocks leave ground between them or cover some twice."""

    gap_m2: float
    overlap_m2: float
    template: ClassVar[str] = (
        "The blocks of level {area} leave {gap_m2} m² between them and cover {overlap_m2} m² twice; such a plan is not kept."
    )
    mend: ClassVar[str] = "This is a fault of the program: please report it with the city pack."


@dataclass(eq=False)
class NoGroundLeft(NotAPartition):
    """An area holds no street unit, because areas that come before it cover it whole."""

    level: str
    template: ClassVar[str] = "No ground is left for area {area} of level {level}: other areas that come before it cover it whole."
    mend: ClassVar[str] = "Draw one border for both, or remove the area, and load the city pack again."


@dataclass(eq=False)
class AreaInNone(NotAPartition):
    """An area lies in no area of the level above."""

    level: str
    above: str
    template: ClassVar[str] = "Area {area} of level {level} lies in no area of level {above}."
    mend: ClassVar[str] = "Give it the code of the area above, and load the city pack again."


@dataclass(eq=False)
class AreaWithoutChildren(NotAPartition):
    """An area holds no area of the level below, so no street unit either."""

    template: ClassVar[str] = "Area {area} holds no lower area."
    mend: ClassVar[str] = "Add its lower areas, or remove it, and load the city pack again."


@dataclass(eq=False)
class UnfitGivenUnits(Refusal):
    """Blocks or duty grids that a city gives cannot be kept as they are."""


@dataclass(eq=False)
class GivenBlocksNoPartition(UnfitGivenUnits):
    """The blocks that a city gives leave gaps or overlap."""

    gap_m2: float
    overlap_m2: float
    template: ClassVar[str] = "The given blocks leave {gap_m2} m² of the lowest areas uncovered and cover {overlap_m2} m² twice."
    mend: ClassVar[str] = "Mend the file; 'wangge city check' shows where. Only one square metre of each is taken for rounding."


@dataclass(eq=False)
class BlockOutsideAreas(UnfitGivenUnits):
    """A given block lies in no area of the lowest level."""

    block: str
    template: ClassVar[str] = "The given block {block} lies in no area of the lowest level."
    mend: ClassVar[str] = "Mend its polygon, or the areas."


@dataclass(eq=False)
class BlockAcrossGrids(UnfitGivenUnits):
    """A block does not lie wholly in one given duty grid."""

    block: str
    outside_m2: float
    template: ClassVar[str] = "The block {block} lies in no one given duty grid: {outside_m2} m² of it are outside."
    mend: ClassVar[str] = "A duty grid is a set of whole blocks: mend the file of the duty grids."
