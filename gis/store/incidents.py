"""Incidents: taken in by the hundred thousand, each with the place, the grid and the owner it was assigned to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from gis import tables
from gis.db import Tx, copy_arrow, statement
from grids.default_geocodes import Crowd, Whole, crowd_of, effective_kinds

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


def _of(city: str, history: str) -> dict[str, Any]:
    return {"city": city, "history": history}


def _at(point: Point) -> dict[str, Any]:
    return {"lon": point[0], "lat": point[1]}


def _sides(box: Box) -> dict[str, Any]:
    return dict(zip(("west", "south", "east", "north"), box, strict=True))
