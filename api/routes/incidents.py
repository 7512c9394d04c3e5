"""Incidents, to whom may read them: the newest of a city or a part of it, and one by its id."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from api.deps import Caller, Calling, require
from api.schemas.incidents import CURSOR, IncidentOut, IncidentsOut, ReporterOut, last_of
from gis.db import Tx
from gis.errors import NotAnInstant, NotFound
from gis.store import incidents, reporters
from gis.store.cities import the_city
from gis.store.incidents import Wanted
from gis.things import thing_of
from grids.permissions import Act, Ground, Person, Place, Verdict, may, reaching

router = APIRouter(prefix="/api/v1/incidents", tags=["incidents"])

Instant = Annotated[datetime | None, Query(examples=["2026-10-01T00:00:00+08:00"])]


@router.get("", operation_id="listIncidents")
def list_incidents(
    caller: Calling,
    *,
    city: Annotated[str | None, Query(description="Needed only when several are loaded.")] = None,
    category: Annotated[str | None, Query(examples=["component:01001"], description="kind:code")] = None,
    since: Instant = None,
    until: Instant = None,
    place: Annotated[str | None, Query(examples=["district:310101"], description="level:code, a rung of the city's ladder")] = None,
    after: Annotated[str | None, Query(pattern=CURSOR, description="``next`` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="So many at most.")] = 100,
) -> IncidentsOut:
    """The newest incidents, reported from ``since`` and before ``until``: those of ``place``, or of all that the one who asks may read."""
    for at in (since, until):
        if at is not None and at.tzinfo is None:
            raise NotAnInstant(at.isoformat())
    with caller.enter(Act.READ_INCIDENTS) as (tx, person):
        asked = None if place is None else Place(*_parts(place))
        wanted = Wanted(the_city(tx, city), limit + 1, category, asked, since, until, None if after is None else last_of(after))
        require(_verdict(tx, person, wanted))
        found = incidents.newest(tx, person, wanted)
    return IncidentsOut.of(found, limit=limit)


@router.get("/{incident_id}", operation_id="incident")
def one_incident(caller: Calling, incident_id: UUID) -> IncidentOut:
    """One incident by its id. One that the one who asks may not read is not found."""
    return IncidentOut.model_validate(_read(caller, incident_id))


@router.get("/{incident_id}/reporters", operation_id="incidentReporters")
def reporters_of(caller: Calling, incident_id: UUID) -> list[ReporterOut]:
    """Who reported an incident, unsealed, in the order of recording; without those that are erased. An incident whose reporters the one
    who asks may not see is not found."""
    with caller.enter(Act.READ_CONTACTS) as (tx, person):
        _readable(tx, person, Act.READ_CONTACTS, incident_id)
        found = reporters.contacts(tx, incident_id, seal=caller.held.seal)
    return [ReporterOut(name=one.name, contact=one.contact) for one in found]


def _read(caller: Caller, incident_id: UUID) -> dict[str, object]:
    with caller.enter(Act.READ_INCIDENTS) as (tx, person):
        return _readable(tx, person, Act.READ_INCIDENTS, incident_id)


def _readable(tx: Tx, person: Person, act: Act, incident_id: UUID) -> dict[str, object]:
    """An incident to which a person may do an act; raises ``NotFound`` for any other."""
    for row in incidents.rows(tx, [incident_id]):
        if may(person, act, thing_of(row)).allowed:
            return row
    raise NotFound("incident", str(incident_id))


def _parts(place: str) -> tuple[str, str]:
    level, _, code = place.partition(":")
    return level, code


def _verdict(tx: Tx, person: Person, wanted: Wanted) -> Verdict:
    """Whether a person may read incidents of the place that is asked for; without one, anywhere in the city. Of which categories, the
    rows say."""
    if wanted.place is None:
        reached = bool(reaching(person, Act.READ_INCIDENTS, wanted.city))
        return Verdict(reached, Ground.GRANTED if reached else Ground.ELSEWHERE)
    thing = incidents.place_of(tx, wanted.city, wanted.place)
    departments = frozenset(grant.department for grant in person.grants if grant.department is not None)
    return may(person, Act.READ_INCIDENTS, replace(thing, departments=departments))
