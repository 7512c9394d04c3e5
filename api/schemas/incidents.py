"""The wire shapes of incidents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from gis.store.incidents import Last

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

CURSOR = r"^-?[0-5]?[0-9]{1,16}-[0-9a-f]{32}$"
"""What ``next`` is: microseconds since 1970 and the id, of instants that Python knows."""


class IncidentOut(BaseModel):
    """An incident, and where it was found to be. ``address`` is null also to whom may not read it; ``reported_precision`` is "day" where
    the source says no time of day. ``owner`` is the code of who answered when it came in."""

    id: UUID
    city: str
    category: str
    reported_at: datetime
    reported_precision: Literal["day", "second"]
    address: str | None
    lon: float | None
    lat: float | None
    how: Literal["inside", "border", "outside", "unplaced", "default_geocode"] | None
    street_unit: str | None
    segment: str | None
    side: Literal["left", "right"] | None
    duty_grid: str | None
    owner: str | None


class ReporterOut(BaseModel):
    """Who reported an incident, and a telephone number, mail address or the like."""

    name: str
    contact: str


class IncidentsOut(BaseModel):
    """Incidents, the newest first. ``next`` asks for the ones after them (``after``); null: these are the last."""

    incidents: list[IncidentOut]
    next: str | None

    @classmethod
    def of(cls, rows: Sequence[dict[str, Any]], *, limit: int) -> IncidentsOut:
        """The wire shape of rows of ``gis.store.incidents.newest``, of which one more than ``limit`` was asked for."""
        shown = [IncidentOut.model_validate(row) for row in rows[:limit]]
        return cls(incidents=shown, next=cursor_of(shown[-1]) if len(rows) > limit else None)


def cursor_of(incident: IncidentOut) -> str:
    """Where a page ends, as a text that a URL takes."""
    return f"{(incident.reported_at - _EPOCH) // _MICROSECOND}-{incident.id.hex}"


def last_of(cursor: str) -> Last:
    """Where a page ended (a text of the form ``CURSOR``)."""
    at, _, number = cursor.rpartition("-")
    return Last(_EPOCH + int(at) * _MICROSECOND, UUID(number))
