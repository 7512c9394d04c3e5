"""Grants: a role for an account in a part of a city, from an instant to another. One that ends is kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Range

from gis.account_tables import role_grant
from gis.db import Tx, statement
from gis.errors import NoAdoptedEdition, NotFound
from gis.store import cities, editions
from grids.permissions import PERMISSIONS, Act, Grant, Place, Role

_BEHIND = sa.text("""
WITH RECURSIVE behind (id) AS (
    SELECT CAST(:account AS integer)
    UNION
    SELECT above.id
    FROM behind
    CROSS JOIN LATERAL (
        SELECT granted_by AS id FROM role_grant WHERE account_id = behind.id AND role = ANY(:roles)
        UNION ALL
        SELECT password_set_by FROM account WHERE id = behind.id
    ) AS above
    WHERE above.id IS NOT NULL
)
SELECT id FROM behind
""")


@dataclass(frozen=True)
class Given:
    """A grant as it was given: from an instant to another, None where that is open; by an account, None by a command."""

    id: int
    account_id: int
    grant: Grant
    from_at: datetime | None
    to_at: datetime | None
    granted_by: int | None

    def stands(self, now: datetime) -> bool:
        """Whether the grant is in force or to come."""
        return self.to_at is None or self.to_at > now

    def in_force(self, now: datetime) -> bool:
        """Whether the grant is in force."""
        return self.stands(now) and (self.from_at is None or self.from_at <= now)


def add(tx: Tx, account_id: int, grant: Grant, *, from_at: datetime, to_at: datetime | None, granted_by: int | None, now: datetime) -> int:
    """Write a grant and return its number; whether it makes sense is asked in `gis/actions/give_grant.py`."""
    values = {
        "account_id": account_id,
        "role": grant.role,
        "city": grant.city,
        "level": grant.place and grant.place.level,
        "code": grant.place and grant.place.code,
        "department": grant.department,
        "during": Range(from_at, to_at, bounds="[)"),
        "granted_by": granted_by,
        "recorded_at": now,
    }
    return int(tx.execute(sa.insert(role_grant).values(values).returning(role_grant.c.id)).scalar_one())


def end(tx: Tx, account_id: int, number: int, *, now: datetime) -> bool:
    """End a grant of an account; False when it has none of this number that is in force or to come.

    One that has not begun is kept as the instant at which it was recorded: a period must not be empty.
    """
    return tx.execute(_ending(account_id, now).where(role_grant.c.id == number)).rowcount == 1


def end_all(tx: Tx, account_id: int, *, now: datetime) -> int:
    """End every grant of an account that is in force or to come; returns how many."""
    return tx.execute(_ending(account_id, now)).rowcount


def listed(tx: Tx, account_ids: Iterable[int]) -> dict[int, list[Given]]:
    """All grants of some accounts in the order of their numbers, ended ones included; an account without one has an empty list."""
    found: dict[int, list[Given]] = {one: [] for one in account_ids}
    for row in tx.execute(sa.select(role_grant).where(role_grant.c.account_id.in_(found)).order_by(role_grant.c.id)):
        found[row.account_id].append(_given(row))
    return found


def require_place(tx: Tx, city: str, place: Place | None) -> frozenset[Place]:
    """A place of a city's plan with all those above it, up to the city's first level; none for None, the whole city.

    Raises ``NotFound`` for the city, the level and the place, and ``NoAdoptedEdition``.
    """
    cities.find(tx, city)
    if place is None:
        return frozenset()
    plan = editions.current(tx, city)
    if plan is None:
        raise NoAdoptedEdition(city)
    if place.level not in [level["key"] for level in plan.levels]:
        raise NotFound("level", place.level)
    found = places_above(tx, city, place)
    if not found:
        raise NotFound("place", place.code)
    return found


def places_above(tx: Tx, city: str, place: Place) -> frozenset[Place]:
    """A place of a city's plan with all those above it; empty when the plan has none such (any more)."""
    rows = tx.execute(statement("places_above"), {"city": city, "level": place.level, "code": place.code})
    return frozenset(Place(row.level, row.code) for row in rows)


def behind(tx: Tx, account_id: int) -> frozenset[int]:
    """Whose hand may be in what an account does as an administrator: itself, who ever made it one or set its password, who did so with
    them, and on to the first, whom a command on the machine made."""
    roles = [role.value for role in PERMISSIONS[Act.KEEP_ACCOUNTS]]
    return frozenset(tx.execute(_BEHIND, {"account": account_id, "roles": roles}).scalars())


def busiest_grid(tx: Tx, city: str) -> str:
    """The code of the duty grid of a city's plan with most incidents. Raises ``NoAdoptedEdition``."""
    code = tx.execute(statement("busiest_grid"), {"city": city}).scalar_one_or_none()
    if code is None:
        raise NoAdoptedEdition(city)
    return str(code)


def _ending(account_id: int, now: datetime) -> sa.Update:
    during = role_grant.c.during
    at = sa.literal(now, sa.DateTime(timezone=True))
    begun = sa.func.lower(during) < at
    recorded = role_grant.c.recorded_at
    ended = sa.case(
        (begun, sa.func.tstzrange(sa.func.lower(during), at)), else_=sa.func.tstzrange(recorded, recorded + timedelta(microseconds=1))
    )
    still = sa.or_(sa.func.upper(during).is_(None), sa.func.upper(during) > at)
    return sa.update(role_grant).where(role_grant.c.account_id == account_id, still).values(during=ended)


def _given(row: sa.Row[Any]) -> Given:
    place = None if row.level is None else Place(row.level, row.code)
    grant = Grant(Role(row.role), row.city, place, row.department)
    return Given(row.id, row.account_id, grant, row.during.lower, row.during.upper, row.granted_by)
