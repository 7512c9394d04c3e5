"""What is recorded of a city and may be withdrawn: shifts and leave of owners, departments that lead, rules of categories.

Nothing is ever rewritten, so a question about an instant finds what was known then (see `gis/owner_tables.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Literal
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Range

from gis import tables
from gis.db import Tx
from grids.departments import Lead

SaidBy = Literal["pack", "command"]


@dataclass(frozen=True)
class WeeklyShift:
    """A shift of an owner: days on which it begins (Monday is 1), from and to by the clock in the city's zone."""

    owner: str
    weekdays: tuple[int, ...]
    from_time: time
    to_time: time


@dataclass(frozen=True)
class Leave:
    """An owner is away from an instant to another; None leaves that end open."""

    owner: str
    from_at: datetime | None
    to_at: datetime | None


@dataclass(frozen=True)
class TimedLead:
    """A department leads from an instant to another; None leaves that end open."""

    lead: Lead
    from_at: datetime | None
    to_at: datetime | None


def say_shifts(tx: Tx, city: str, shifts: Iterable[WeeklyShift], *, time_zone: str, said_by: SaidBy, now: datetime) -> int:
    """Make these the shifts that ``said_by`` says; returns how many."""
    rows = [
        {
            "owner": one.owner,
            "weekdays": sorted(set(one.weekdays)),
            "from_time": one.from_time,
            "to_time": one.to_time,
            "time_zone": time_zone,
        }
        for one in shifts
    ]
    return _say(tx, tables.shift, city, rows, said_by=said_by, now=now)


def say_leaves(tx: Tx, city: str, leaves: Iterable[Leave], *, time_zone: str, said_by: SaidBy, now: datetime) -> int:
    """Make these the leaves that ``said_by`` says; returns how many."""
    return _say(tx, tables.leave, city, [_leave_row(one, time_zone) for one in leaves], said_by=said_by, now=now)


def add_leave(tx: Tx, city: str, leave: Leave, *, time_zone: str, said_by: SaidBy, now: datetime) -> int:
    """Record one more leave; returns its number."""
    row = _leave_row(leave, time_zone) | {"city": city, "said_by": said_by, "recorded_at": now}
    number: int = tx.execute(sa.insert(tables.leave).values(row).returning(tables.leave.c.id)).scalar_one()
    return number


def withdraw_leave(tx: Tx, city: str, owner: str, number: int, *, now: datetime) -> bool:
    """Withdraw a leave of an owner by its number; False when there is none that still stands."""
    leave = tables.leave
    chosen = sa.and_(leave.c.city == city, leave.c.owner == owner, leave.c.id == number, leave.c.withdrawn_at.is_(None))
    return bool(tx.execute(sa.update(leave).where(chosen).values(withdrawn_at=sa.func.greatest(now, leave.c.recorded_at))).rowcount)


def say_leads(tx: Tx, city: str, leads: Iterable[TimedLead], *, said_by: SaidBy, now: datetime) -> int:
    """Make these the departments that lead which categories; returns how many. A renamed department is said anew."""
    rows = [
        {
            "category": one.lead.category,
            "area_code": one.lead.area,
            "department": one.lead.department.code,
            "names": one.lead.department.names,
            "during": Range(one.from_at, one.to_at, bounds="[)"),
        }
        for one in leads
    ]
    return _say(tx, tables.department_lead, city, rows, said_by=said_by, now=now)


def say_category_rules(tx: Tx, city: str, rules: Iterable[dict[str, Any]], *, said_by: SaidBy, now: datetime) -> int:
    """Make these the rules of categories: kind, code, names, answers_on, lowest_level, lead_kind. Categories that are not among them
    keep theirs, because a pack may drop a category that incidents name."""
    return _say(tx, tables.category_rule, city, list(rules), said_by=said_by, now=now, key=("kind", "code"))


def departments(tx: Tx, city: str) -> list[str]:
    """The codes of the departments that lead anything in a city at present."""
    lead = tables.department_lead
    chosen = sa.select(lead.c.department).distinct().where(lead.c.city == city, lead.c.withdrawn_at.is_(None)).order_by(lead.c.department)
    return list(tx.execute(chosen).scalars())


def standing(tx: Tx, city: str, at: datetime) -> dict[str, list[dict[str, Any]]]:
    """What was known at ``at`` of the shifts of a city's owners, and of the leaves that had not ended then, in the order of owners.

    ``shifts``: number, owner, weekdays, from, to, time_zone, said_by, recorded_at. ``leaves``: the same without weekdays, from and
    to being instants in that zone, None where open.
    """
    found: dict[str, list[dict[str, Any]]] = {"shifts": [], "leaves": []}
    for name, table in (("shifts", tables.shift), ("leaves", tables.leave)):
        known = sa.and_(table.c.recorded_at <= at, sa.or_(table.c.withdrawn_at.is_(None), table.c.withdrawn_at > at))
        chosen = sa.select(table).where(table.c.city == city, known).order_by(table.c.owner, table.c.id)
        if table is tables.leave:
            chosen = chosen.where(sa.or_(sa.func.upper_inf(table.c.during), sa.func.upper(table.c.during) > at))
        found[name] = [_told_of(dict(row)) for row in tx.execute(chosen).mappings()]
    return found


def _told_of(row: dict[str, Any]) -> dict[str, Any]:
    zone = ZoneInfo(row["time_zone"])
    if "during" in row:
        ends = [end and end.astimezone(zone) for end in (row["during"].lower, row["during"].upper)]
        said = {"from": ends[0], "to": ends[1]}
    else:
        said = {"weekdays": row["weekdays"], "from": f"{row['from_time']:%H:%M}", "to": f"{row['to_time']:%H:%M}"}
    kept = {name: row[name] for name in ("time_zone", "said_by", "recorded_at")}
    return {"number": row["id"], "owner": row["owner"]} | said | kept


def _leave_row(leave: Leave, time_zone: str) -> dict[str, Any]:
    return {"owner": leave.owner, "during": Range(leave.from_at, leave.to_at, bounds="[)"), "time_zone": time_zone}


def _say(tx: Tx, table: sa.Table, city: str, rows: list[dict[str, Any]], *, said_by: SaidBy, now: datetime, key: Sequence[str] = ()) -> int:
    """Withdraw at ``now`` what ``said_by`` said before and does not say now, record what is new, leave the rest untouched; with
    ``key`` withdraw only what has the key of a row that is said now. Returns how many rows stand."""
    fields = [*rows[0]] if rows else []
    # Not recorded_at: of what was there before revision 0007 it is infinitely long ago, which Python has no word for.
    chosen = sa.select(table.c.id, *(table.c[field] for field in fields))
    stands = (table.c.city == city, table.c.said_by == said_by, table.c.withdrawn_at.is_(None))
    before = list(tx.execute(chosen.where(*stands).order_by(table.c.id)).mappings())
    wanted = {_told([row[field] for field in fields]): row for row in rows}
    kept = {told for row in before if (told := _told([row[field] for field in fields])) in wanted}
    keys = {_told([row[field] for field in key]) for row in rows}
    gone = [
        row["id"]
        for row in before
        if _told([row[field] for field in fields]) not in wanted and (not key or _told([row[field] for field in key]) in keys)
    ]
    if gone:
        # Not before it was recorded, whatever the clock says.
        tx.execute(sa.update(table).where(table.c.id.in_(gone)).values(withdrawn_at=sa.func.greatest(now, table.c.recorded_at)))
    new = [row | {"city": city, "said_by": said_by, "recorded_at": now} for told, row in wanted.items() if told not in kept]
    if new:
        tx.execute(sa.insert(table), new)
    return len(wanted)


def _told(values: Sequence[Any]) -> str:
    """Values in a form that is equal for equal facts."""
    return json.dumps(values, ensure_ascii=False, sort_keys=True, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Range):
        return [value.lower and value.lower.timestamp(), value.upper and value.upper.timestamp()]
    return str(value)
