"""Owners and their duties: who holds which post of which place, and when; and who of them is on duty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Range, insert

from gis import tables
from gis.db import Tx, statement
from gis.errors import NoAdoptedEdition, NotAnInstant, NotFound
from gis.holders import holders, owner_of, why_away
from gis.store import cities
from grids.owners import Away, OnDuty, Owner, PlaceKind, Post

Place = tuple[PlaceKind, int]
"""A place of an edition that a duty may be of: its kind and its id there."""


@dataclass(frozen=True)
class SourceDuty:
    """What a pack says: an owner holds a post from an instant to another (None: open), of a special unit, a side of a segment, a
    block, a duty grid, of all duty grids of a lowest area, or of an area above the lowest itself, by its code."""

    area_code: str
    owner: Owner
    post: Post
    from_at: datetime | None
    to_at: datetime | None


@dataclass(frozen=True)
class Duty:
    """One post of one place held by one owner from an instant to another; None leaves that end open."""

    place: Place
    owner: Owner
    post: Post
    from_at: datetime | None
    to_at: datetime | None


@dataclass(frozen=True)
class Holding:
    """One post of one place, by its code, held by an owner; ``away`` says why not on duty, None when he is."""

    owner: Owner
    post: Post
    kind: PlaceKind
    code: str
    away: Away | None


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

    The database refuses two first owners of one place at one instant (constraint ``duty_one_at_a_time``).
    """
    held = list(duties)
    _save_owners(tx, city, (duty.owner for duty in held))
    rows = [
        {
            "edition_id": edition_id,
            "place_kind": duty.place[0],
            "place_id": duty.place[1],
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


def find(tx: Tx, city: str, code: str) -> Owner:
    """One owner of a city by code, under the latest name; raises ``NotFound``."""
    owner = tables.owner
    row = tx.execute(sa.select(owner).where(owner.c.city == city, owner.c.code == code)).one_or_none()
    if row is None:
        raise NotFound("owner", code)
    return Owner(row.code, row.name, row.origin)


def places_of(tx: Tx, edition_id: int, codes: Iterable[str]) -> dict[str, list[Place]]:
    """The places of an edition over its ladder by code: special units, blocks, sides of segments; the code of a segment stands for
    both its sides. A code that none of them has is left out."""
    asked = sa.literal([*codes], sa.ARRAY(sa.Text))
    unit, block, segment = tables.special_unit, tables.block, tables.segment
    columns = [
        (unit, unit.c.code, PlaceKind.SPECIAL_UNIT),
        (block, block.c.code, PlaceKind.BLOCK),
        (segment, segment.c.code, PlaceKind.SEGMENT_LEFT),
        (segment, segment.c.code, PlaceKind.SEGMENT_RIGHT),
        (segment, segment.c.left_code, PlaceKind.SEGMENT_LEFT),
        (segment, segment.c.right_code, PlaceKind.SEGMENT_RIGHT),
    ]
    found: dict[str, list[Place]] = {}
    for table, code, kind in columns:
        for text, number in tx.execute(sa.select(code, table.c.id).where(table.c.edition_id == edition_id, code == sa.any_(asked))):
            found.setdefault(text, []).append((kind, number))
    return found


def codes_of(tx: Tx, edition_id: int, places: Iterable[Place]) -> dict[Place, str]:
    """The codes of places of an edition."""
    unit, segment, block, grid, area = tables.special_unit, tables.segment, tables.block, tables.duty_grid, tables.area
    columns = {
        PlaceKind.SPECIAL_UNIT: (unit, unit.c.code),
        PlaceKind.SEGMENT_LEFT: (segment, segment.c.left_code),
        PlaceKind.SEGMENT_RIGHT: (segment, segment.c.right_code),
        PlaceKind.BLOCK: (block, block.c.code),
        PlaceKind.DUTY_GRID: (grid, grid.c.code),
        PlaceKind.AREA: (area, area.c.code),
    }
    asked: dict[PlaceKind, list[int]] = {}
    for kind, number in places:
        asked.setdefault(kind, []).append(number)
    found: dict[Place, str] = {}
    for kind, numbers in asked.items():
        table, code = columns[kind]
        some = table.c.id == sa.any_(sa.literal(numbers, sa.ARRAY(sa.Integer)))
        found |= {
            (kind, number): text for number, text in tx.execute(sa.select(table.c.id, code).where(table.c.edition_id == edition_id, some))
        }
    return found


def roster(tx: Tx, city: str, at: datetime) -> list[Holding]:
    """Who holds which posts of a city at ``at``, in the edition that was in force then, as it was known then; in the order of owners.

    Raises ``NotAnInstant``, ``NotFound`` for the city, and ``NoAdoptedEdition`` when none was in force.
    """
    if at.tzinfo is None:
        raise NotAnInstant(at.isoformat())
    cities.find(tx, city)
    edition = tables.edition
    in_force = (edition.c.adopted_at <= at, sa.or_(edition.c.retired_at.is_(None), edition.c.retired_at > at))
    edition_id = tx.execute(sa.select(edition.c.id).where(edition.c.city == city, *in_force)).scalar_one_or_none()
    if edition_id is None:
        raise NoAdoptedEdition(city)
    rows = _duties_at(tx, edition_id, at)
    codes = codes_of(tx, edition_id, rows)
    found = [
        Holding(owner_of(held), held["post"], place[0], codes[place], why_away(held, at)) for place, posts in rows.items() for held in posts
    ]
    return sorted(found, key=lambda one: (one.owner.code, one.code, one.post, one.kind))


def on_duty_at(tx: Tx, edition_id: int, at: datetime) -> dict[int, OnDuty]:
    """For each duty grid of which anyone holds a post at ``at``: who, without regard to shifts and leave."""
    found = all_at(tx, edition_id, at)
    return {number: OnDuty(held.owner, held.deputy) for (kind, number), held in found.items() if kind is PlaceKind.DUTY_GRID}


def all_at(tx: Tx, edition_id: int, at: datetime) -> dict[Place, OnDuty]:
    """For each place of an edition of which anyone holds a post at ``at``: who, and why not on duty if so, as it was known then."""
    return {place: holders(posts, at) for place, posts in _duties_at(tx, edition_id, at).items()}


def _duties_at(tx: Tx, edition_id: int, at: datetime) -> dict[Place, list[Mapping[str, Any]]]:
    """The duties that run at ``at`` with their holders' leave and shifts, by place."""
    duties: dict[Place, list[Mapping[str, Any]]] = {}
    for row in tx.execute(statement("edition_duty_at"), {"edition_id": edition_id, "at": at}).mappings():
        duties.setdefault((PlaceKind(row["place_kind"]), row["place_id"]), []).append(dict(row))
    return duties
