"""Incidents: taken in by the hundred thousand, each with the place, the grid and the owner it was assigned to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import pyarrow as pa
import sqlalchemy as sa

from gis import tables
from gis.db import Tx, copy_arrow, statement
from gis.errors import NotFound, UnknownCategory
from grids.default_geocodes import Crowd, Whole, crowd_of, effective_kinds
from grids.permissions import Act, Grant, Person, Place, Thing, reaching

Point = tuple[float, float]
"""Longitude and latitude exactly as they are kept, in EPSG:4326."""
Box = tuple[float, float, float, float]
"""West, south, east and north in EPSG:4326."""


def add(tx: Tx, rows: pa.Table, *, city: str, history: str, origin: str, edition_id: int) -> int:
    """Take in incidents of one history (the columns of `gis/sql/incident_incoming.sql`, geometry as hexadecimal EWKB) and return how many were new."""
    tx.execute(statement("incident_incoming"))
    tx.execute(sa.text("TRUNCATE incoming_incident"))
    copy_arrow(tx, "incoming_incident", rows)
    told = {"city": city, "history": history, "origin": origin, "edition_id": edition_id}
    return int(tx.execute(statement("incident_insert"), told).rowcount)


def counts(tx: Tx, city: str) -> dict[str, int]:
    """How many incidents of a city were found in each way (`how`), and how many have an owner."""
    incident = tables.incident
    rows = tx.execute(
        sa.select(incident.c.how, sa.func.count(), sa.func.count(incident.c.owner)).where(incident.c.city == city).group_by(incident.c.how)
    ).all()
    found = {how or "waiting": total for how, total, _ in rows}
    return found | {"total": sum(total for _, total, _ in rows), "assigned": sum(owned for *_, owned in rows)}


def whole(tx: Tx, city: str, history: str) -> Whole:
    """What a history's incidents with coordinates are like, taken together."""
    rows = tx.execute(statement("incident_whole"), _of(city, history)).all()
    return Whole(sum(row.placed for row in rows), sum(row.with_address for row in rows), effective_kinds(row.placed for row in rows))


def crowded_points(tx: Tx, city: str, history: str, *, least: int) -> list[Point]:
    """The points on which at least ``least`` incidents of a history lie."""
    return [(row.lon, row.lat) for row in tx.execute(statement("incident_crowds"), _of(city, history) | {"least": least})]


def points_near(tx: Tx, city: str, history: str, box: Box) -> list[Point]:
    """The points in a box on which incidents of a history lie."""
    return [(row.lon, row.lat) for row in tx.execute(statement("incident_points_near"), _of(city, history) | _sides(box))]


def crowd(tx: Tx, city: str, history: str, point: Point, *, nearby: Box, least: int) -> Crowd:
    """What the incidents on one point say, beside the busiest point nearby with fewer than ``least``."""
    neighbour = tx.execute(statement("incident_neighbour"), _of(city, history) | _sides(nearby) | {"least": least}).scalar_one()
    rows = tx.execute(statement("incident_crowd"), _of(city, history) | _at(point))
    return crowd_of(((row.address, row.category, row.times) for row in rows), neighbour=int(neighbour))


def default_points(tx: Tx, city: str, history: str) -> dict[Point, int]:
    """The points of a history that are flagged as default geocodes, with the number of incidents on each, the fullest first."""
    rows = tx.execute(statement("incident_default_points"), _of(city, history))
    return {(row.lon, row.lat): row.incidents for row in rows}


def flag_default_points(tx: Tx, city: str, history: str, points: Sequence[Point], *, edition_id: int) -> None:
    """Flag the incidents on these points: their coordinates stay, and they count for no cell, block, grid or owner."""
    if points:
        tx.execute(statement("incident_flag"), [_of(city, history) | _at(point) | {"edition_id": edition_id} for point in points])


def release_points(tx: Tx, city: str, history: str, places: Mapping[Point, dict[str, Any]], *, edition_id: int) -> None:
    """Give the flagged incidents on these points the place that each point has (columns from ``how`` to ``owner``)."""
    if places:
        rows = [_of(city, history) | _at(point) | place | {"edition_id": edition_id} for point, place in places.items()]
        tx.execute(statement("incident_release"), rows)


def analyse(tx: Tx) -> None:
    """Tell the planner about many new incidents, so that the statements after them find their indexes."""
    tx.execute(sa.text("ANALYZE incident"))


@dataclass(frozen=True)
class Last:
    """The last incident of a page, after which the next begins."""

    reported_at: datetime
    id: UUID


@dataclass(frozen=True)
class Wanted:
    """Which incidents of a city are asked for: of a category (kind:code), of a place, reported from ``since`` and before ``until``;
    at most ``limit``, older than ``last``. None: whatever it is."""

    city: str
    limit: int
    category: str | None = None
    place: Place | None = None
    since: datetime | None = None
    until: datetime | None = None
    last: Last | None = None


def newest(tx: Tx, person: Person, wanted: Wanted) -> list[dict[str, Any]]:
    """The newest incidents that are wanted and that the person may read (columns of `gis/sql/incident_rows.sql`), the newest first.

    Raises ``UnknownCategory``.
    """
    kind, code = (None, None) if wanted.category is None else _category(tx, wanted.city, wanted.category)
    asked: dict[str, Any] = {"city": wanted.city, "kind": kind, "code": code, "since": wanted.since, "until": wanted.until}
    last = wanted.last
    asked |= {"before_at": last and last.reported_at, "before_id": last and last.id, "limit": wanted.limit}
    grants = reaching(person, Act.READ_INCIDENTS, wanted.city)
    if wanted.place is None and any(grant.place is None for grant in grants):
        found = tx.execute(statement("incident_newest"), asked)
    else:
        grids = _grids(tx, grants, wanted)
        found = tx.execute(statement("incident_newest_in_grids"), asked | {"grids": grids})
    return rows(tx, list(found.scalars()))


def rows(tx: Tx, ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """The incidents with these ids that the person of the transaction may read (columns of `gis/sql/incident_rows.sql`)."""
    return [dict(row) for row in tx.execute(statement("incident_rows"), {"ids": list(ids)}).mappings()] if ids else []


def place_of(tx: Tx, city: str, place: Place) -> Thing:
    """A place of a city as what an act is done to, in whichever edition it is; raises ``NotFound`` where none has it."""
    within = tables.grid_within
    held = sa.select(within.c.edition_id, within.c.duty_grid_id, within.c.rank).where(_is(within, city, [place])).subquery()
    same = (within.c.edition_id == held.c.edition_id) & (within.c.duty_grid_id == held.c.duty_grid_id) & (within.c.rank <= held.c.rank)
    over = tx.execute(sa.select(within.c.level, within.c.code).join(held, same).distinct()).all()
    if not over:
        raise NotFound("place", f"{place.level}:{place.code}")
    return Thing(city, frozenset(Place(*row) for row in over))


def _grids(tx: Tx, grants: Iterable[Grant], wanted: Wanted) -> list[int]:
    """The duty grids that some grant reaches and that lie in the place that is wanted, in every edition."""
    within = tables.grid_within
    chosen = sa.select(within.c.grid).distinct()
    places = [grant.place for grant in grants if grant.place is not None]
    if all(grant.place is not None for grant in grants):
        chosen = chosen.where(_is(within, wanted.city, places))
    if wanted.place is not None:
        chosen = chosen.where(within.c.grid.in_(sa.select(within.c.grid).where(_is(within, wanted.city, [wanted.place]))))
    return list(tx.execute(chosen).scalars())


def _is(within: sa.Table, city: str, places: Sequence[Place]) -> sa.ColumnElement[bool]:
    return sa.and_(within.c.city == city, sa.tuple_(within.c.level, within.c.code).in_([tuple(place) for place in places]))


def _category(tx: Tx, city: str, key: str) -> tuple[str, str]:
    kind, _, code = key.partition(":")
    category = tables.category
    known = sa.select(sa.true()).where(category.c.city == city, category.c.kind == kind, category.c.code == code)
    if tx.execute(known).scalar_one_or_none() is None:
        raise UnknownCategory(key, city)
    return kind, code


def _of(city: str, history: str) -> dict[str, Any]:
    return {"city": city, "history": history}


def _at(point: Point) -> dict[str, Any]:
    return {"lon": point[0], "lat": point[1]}


def _sides(box: Box) -> dict[str, Any]:
    return dict(zip(("west", "south", "east", "north"), box, strict=True))
