"""Make the log-ins of a demo: one account a role, each for a part of the demo's city, with passwords that are shown once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from gis import passwords
from gis.actions.give_grant import give_grant
from gis.db import Tx
from gis.errors import NoAdoptedEdition
from gis.store import accounts, editions, grants, rosters
from grids.permissions import Grant, Place, Role

ROLES = tuple(role for role in Role if role is not Role.PUBLIC)


@dataclass(frozen=True)
class DemoAccount:
    """A log-in of the demo; ``password`` is None when it was made earlier, and then kept by nobody."""

    role: Role
    login: str
    password: str | None
    grant: Grant | None


def make_demo_accounts(tx: Tx, city: str, *, now: datetime) -> list[DemoAccount]:
    """Make, of the log-ins of a demo, those that there are not, and give each its role in a city where it has none.

    A login that somebody's own account has, or that has ended, is left alone. The account of the role department has no grant where
    no department leads. Raises ``NotFound`` for the city and ``NoAdoptedEdition``.
    """
    parts = _parts(tx, city)
    made = []
    for role in ROLES:
        login = role.replace("_", "-")
        known = accounts.find_by_login(tx, login)
        if known is not None and (known.origin != "generated" or known.ended_at is not None):
            continue
        password = None if known else secrets.token_urlsafe(12)
        if password is not None:
            accounts.create(tx, login, name=f"Demo {login}", origin="generated", password_hash=passwords.hashed(password), now=now)
        grant = parts.get(role)
        if grant is not None and not (known and _has_part(tx, known.id, city, now)):
            give_grant(tx, login, grant, now=now)
        made.append(DemoAccount(role, login, password, grant))
    return made


def _has_part(tx: Tx, account_id: int, city: str, now: datetime) -> bool:
    return any(given.grant.city == city and given.stands(now) for given in grants.listed(tx, [account_id])[account_id])


def _parts(tx: Tx, city: str) -> dict[Role, Grant]:
    """Which part of the city each role gets: the worker a duty grid, the lead the area above its lowest one, most others the area
    below the city; who answers for everything, and a department for what it leads, the city."""
    code = grants.busiest_grid(tx, city)
    plan = editions.current(tx, city)
    if plan is None:
        raise NoAdoptedEdition(city)
    levels = plan.levels
    [grid_level] = [level["key"] for level in levels if level["kind"] == "duty_grid"]
    grid = Place(grid_level, code)
    ladder = {place.level: place for place in grants.places_above(tx, city, grid)}
    areas = [ladder[level["key"]] for level in sorted(levels, key=lambda level: int(level["rank"])) if level["kind"] == "area"]
    district = areas[min(1, len(areas) - 1)]
    parts = {role: Grant(role, city, district) for role in (Role.INTAKE, Role.DISPATCHER, Role.CHECKER, Role.ANALYST)}
    parts |= {role: Grant(role, city) for role in (Role.DUTY_CHIEF, Role.ADMINISTRATOR)}
    parts |= {Role.WORKER: Grant(Role.WORKER, city, grid), Role.LEAD: Grant(Role.LEAD, city, areas[max(0, len(areas) - 2)])}
    if leading := rosters.departments(tx, city):
        parts[Role.DEPARTMENT] = Grant(Role.DEPARTMENT, city, department=leading[0])
    return parts
