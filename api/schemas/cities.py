"""The wire shapes of cities."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel

Names = dict[str, str]


class LevelOut(BaseModel):
    """One rung of a city's ladder; rank 0 is the city."""

    key: str
    rank: int
    kind: str
    names: Names


class EditionOut(BaseModel):
    """The adopted edition of a city."""

    id: int
    number: int
    status: str
    adopted_at: datetime


class CountsOut(BaseModel):
    """How much there is of everything in the adopted edition, and how many incidents."""

    areas: dict[str, int]
    cells: int
    blocks: int
    segments: int
    duty_grids: int
    owners: int
    incidents: int
    incidents_assigned: int


class CityOut(BaseModel):
    """A loaded city. ``edition``, ``bounds`` (west, south, east, north in degrees) and ``counts`` are null before the first adopted edition."""

    code: str
    names: Names
    notice: Names
    attribution: str
    bounds: list[float] | None
    edition: EditionOut | None
    levels: list[LevelOut]
    counts: CountsOut | None

    @classmethod
    def of(cls, row: dict[str, Any]) -> CityOut:
        """The wire shape of a row of ``gis.store.cities.summaries``."""
        known = row["edition_id"] is not None
        edition = (
            EditionOut(id=row["edition_id"], number=row["edition_number"], status=row["edition_status"], adopted_at=row["adopted_at"])
            if known
            else None
        )
        counted = {name: row[name] for name in ("owners", "incidents", "incidents_assigned")}
        return cls(
            code=row["code"],
            names=row["names"],
            notice=row["notice"],
            attribution=row["attribution"],
            bounds=row["bounds"],
            edition=edition,
            levels=row["levels"] or [],
            counts=CountsOut(**row["quality"]["counts"], **counted) if known else None,
        )
