"""Owners and their duties: who holds which post of a duty grid, and when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Range, insert

from gis import tables
from gis.db import Tx, statement
from grids.owners import OnDuty, Owner, Post


@dataclass(frozen=True)
class SourceDuty:
    """What a pack says: an owner holds a post from an instant to another (None: open), of a duty grid, of all duty grids of a
    lowest area, or of an area above the lowest itself, by its code."""

    area_code: str
    owner: Owner
    post: Post
    from_at: datetime | None
    to_at: datetime | None


@dataclass(frozen=True)
class Duty:
    """One post held by one owner from an instant to another; None leaves that end open. The post is one of a duty grid, or of an
    area above the lowest when ``area_id`` is given."""

    duty_grid_id: int | None
    owner: Owner
    post: Post
    from_at: datetime | None
    to_at: datetime | None
    area_id: int | None = None


def save_source(tx: Tx, city: str, duties: Iterable[SourceDuty]) -> int:
    """Write what a pack says about its owners, over what was there; returns how many lines."""
    held = list(duties)
    tx.execute(sa.delete(tables.source_duty).where(tables.source_duty.c.city == city))
    _save_owners(tx, city, (duty.owner for duty in held))
    rows = [
        {"city": city, "id": at, "area_code": duty.area_code, "owner": duty.owner.code, "post": duty.post, "during": _during(duty)}
        for at, duty in enumerate(held, 1)
    ]
    if rows:
        tx.execute(sa.insert(tables.source_duty), rows)
    return len(rows)


def source(tx: Tx, city: str) -> list[SourceDuty]:
    """What the city's pack says about its owners."""
    duty, owner = tables.source_duty, tables.owner
    joined = sa.join(duty, owner, sa.and_(owner.c.city == duty.c.city, owner.c.code == duty.c.owner))
    chosen = sa.select(duty.c.area_code, duty.c.post, duty.c.during, owner.c.code, owner.c.name, owner.c.origin).select_from(joined)
    rows = tx.execute(chosen.where(duty.c.city == city).order_by(duty.c.id))
    return [SourceDuty(row.area_code, Owner(row.code, row.name, row.origin), row.post, row.during.lower, row.during.upper) for row in rows]


def save(tx: Tx, city: str, edition_id: int, duties: Iterable[Duty]) -> int:
    """Write owners (new or renewed) and their duties in an edition; returns how many duties.

    The database refuses two holders of one post at one instant (constraints ``duty_one_at_a_time``, ``area_duty_one_at_a_time``).
    """
    held = list(duties)
    _save_owners(tx, city, (duty.owner for duty in held))
    rows = [
        {
            "edition_id": edition_id,
            "duty_grid_id": duty.duty_grid_id,
            "area_id": duty.area_id,
            "city": city,
            "owner": duty.owner.code,
            "name": duty.owner.name,
            "origin": duty.owner.origin,
            "post": duty.post,
            "during": _during(duty),
        }
        for duty in held
    ]
    if rows:
        tx.execute(sa.insert(tables.duty), rows)
    return len(rows)


def _save_owners(tx: Tx, city: str, owners: Iterable[Owner]) -> None:
    rows = [
        {"city": city, "code": owner.code, "name": owner.name, "origin": owner.origin}
        for owner in {owner.code: owner for owner in owners}.values()
    ]
    if rows:
        adding = insert(tables.owner)
        renewed = {"name": adding.excluded.name, "origin": adding.excluded.origin}
        tx.execute(adding.on_conflict_do_update(index_elements=["city", "code"], set_=renewed), rows)


def _during(duty: Duty | SourceDuty) -> Range[datetime]:
    return Range(duty.from_at, duty.to_at, bounds="[)")


def on_duty_at(tx: Tx, edition_id: int, at: datetime) -> dict[int, OnDuty]:
    """For each duty grid with anyone on duty at ``at``: who."""
    posts: dict[int, dict[str, Owner]] = {}
    for row in tx.execute(statement("edition_duty_at"), {"edition_id": edition_id, "at": at}):
        posts.setdefault(row.duty_grid_id, {})[row.post] = Owner(row.code, row.name, row.origin)
    return {grid: OnDuty(held.get("owner"), held.get("deputy")) for grid, held in posts.items()}
