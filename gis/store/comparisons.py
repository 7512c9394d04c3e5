"""What changed between two editions of a city: the units that are compared, and the changes as they are kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from gis import tables
from gis.db import Tx, copy, statement
from gis.errors import NotCompared, NothingToCompare
from gis.store import cities, editions, exports
from gis.store.geometry import ewkb_of, objects
from grids.comparison import Units
from grids.edition import Texts
from grids.measure import Floats
from grids.owners import OnDuty, Owner
from grids.permissions import told_count

COLUMNS = ("kind", "change", "old_code", "new_code", "area_m2", "incidents", "old_owner", "new_owner")
"""What is said of each piece of changed ground, in the table, in files and in the map's layer."""

_FILE = pa.schema(
    [
        *((name, pa.string()) for name in COLUMNS[:4]),
        ("area_m2", pa.float64()),
        ("incidents", pa.int32()),
        ("old_owner", pa.string()),
        ("new_owner", pa.string()),
        ("geometry", pa.binary()),
    ]
)


def pair(tx: Tx, city: str, old: int | None, new: int | None) -> tuple[sa.Row[Any], sa.Row[Any]]:
    """The rows of two editions of a city by their numbers.

    Without ``new`` the newest: the draft, or where there is none the adopted edition. Without ``old`` the one that was adopted last
    before ``new`` was drawn. Raises ``NotFound``, or ``NothingToCompare`` where the city has no edition before.
    """
    cities.find(tx, city)
    newer = editions.find(tx, city, new)
    if old is not None:
        return editions.find(tx, city, old), newer
    edition = tables.edition
    before = sa.select(edition).where(edition.c.city == city, edition.c.number < newer.number, edition.c.status != "draft")
    older = tx.execute(before.order_by(edition.c.number.desc()).limit(1)).one_or_none()
    if older is None:
        raise NothingToCompare(city)
    return older, newer


def blocks(tx: Tx, edition_id: int) -> tuple[Units, list[int]]:
    """The blocks of an edition, and the id of each one's duty grid."""
    return _units(tx.execute(statement("comparison_blocks"), {"edition_id": edition_id}).all())


def duty_grids(tx: Tx, edition_id: int, language: str) -> tuple[Units, list[int]]:
    """The duty grids of an edition, named in ``language`` where they have such a name, and their ids."""
    return _units(tx.execute(statement("comparison_duty_grids"), {"edition_id": edition_id, "language": language}).all())


def _units(rows: Sequence[sa.Row[Any]]) -> tuple[Units, list[int]]:
    codes, wkb, area_m2, names, grids, areas, ids = (list(column) for column in zip(*rows, strict=True)) if rows else ([],) * 7
    units = Units(objects(codes), objects(wkb), np.array(area_m2, dtype=np.float64), objects(names), objects(grids), objects(areas))
    return units, ids


def holders(tx: Tx, edition: sa.Row[Any], *, now: datetime) -> dict[int, OnDuty]:
    """Who holds the posts of each duty grid at ``now``; in a retired edition at the last instant before it retired.
    Of several deputies the first; leave and shifts do not matter."""
    at = now if edition.retired_at is None else min(now, edition.retired_at - timedelta(microseconds=1))
    posts: dict[int, dict[str, Owner]] = {}
    for row in tx.execute(statement("comparison_posts"), {"edition_id": edition.id, "at": at}):
        posts.setdefault(row.duty_grid_id, {})[row.post] = Owner(row.code, row.name, row.origin)
    return {grid: OnDuty(held.get("owner"), held.get("deputy")) for grid, held in posts.items()}


def incidents_in(tx: Tx, city: str, box: Sequence[float]) -> tuple[Floats, Floats]:
    """Longitudes and latitudes (n,) of the city's incidents with a known place in a box (west, south, east, north in degrees)."""
    asked = {"city": city, **dict(zip(("west", "south", "east", "north"), box, strict=True))}
    rows = tx.execute(statement("comparison_incidents"), asked).all()
    places = np.array([tuple(row) for row in rows], dtype=np.float64).reshape(-1, 2)
    return places[:, 0].copy(), places[:, 1].copy()


def save(tx: Tx, old_id: int, new_id: int, *, summary: dict[str, Any], changes: Iterable[Sequence[Any]], wkb: Texts, now: datetime) -> int:
    """Keep a comparison over what was kept of these two editions; ``changes`` has ``COLUMNS``, ``wkb`` (k,) their ground. Returns how many.

    People are kept by code alone: their names stand with their duties, under the policies, and go there when they are erased.
    """
    kept = tables.comparison
    people = [{name: value for name, value in one.items() if name != "name"} for one in summary["people"]]
    tx.execute(sa.delete(kept).where(kept.c.old_id == old_id, kept.c.new_id == new_id))
    tx.execute(sa.insert(kept).values(old_id=old_id, new_id=new_id, compared_at=now, summary=summary | {"people": people}))
    rows = ((old_id, new_id, at, *change, geom) for at, (change, geom) in enumerate(zip(changes, ewkb_of(wkb), strict=True), 1))
    return copy(tx, tables.change, ("old_id", "new_id", "id", *COLUMNS, "geom"), rows)


def find(tx: Tx, city: str, old: int, new: int) -> sa.Row[Any]:
    """The kept comparison of two editions by their numbers. Raises ``NotFound``, or ``NotCompared`` where none is kept."""
    older, newer = (editions.find(tx, city, number) for number in (old, new))
    kept = tables.comparison
    row = tx.execute(sa.select(kept).where(kept.c.old_id == older.id, kept.c.new_id == newer.id)).one_or_none()
    if row is None:
        raise NotCompared("comparison", f"{city} {old} {new}", city, old, new)
    return row


def told(tx: Tx, city: str, kept: sa.Row[Any]) -> dict[str, Any]:
    """The summary of a kept comparison as the one who asks may see it: numbers of incidents in steps where the exact ones are not for
    them, and people by the names that their duties had, or the post's code where the name is not."""
    summary: dict[str, Any] = kept.summary
    exact = tx.execute(sa.select(sa.func.may_count(city))).scalar_one()
    codes = sorted({one["code"] for one in summary["people"]})
    names = {
        row.code: row.name
        for row in tx.execute(statement("comparison_names"), {"old_id": kept.old_id, "new_id": kept.new_id, "codes": codes})
    }

    def units(one: dict[str, Any]) -> dict[str, Any]:
        befell = {name: of | {"incidents": told_count(of["incidents"], exact=exact)} for name, of in one["changes"].items()}
        return one | {"changed_incidents": told_count(one["changed_incidents"], exact=exact), "changes": befell}

    def person(one: dict[str, Any]) -> dict[str, Any]:
        counts = {name: told_count(one[name], exact=exact) for name in ("lost_incidents", "gained_incidents")}
        return one | counts | {"name": names.get(one["code"], one["code"])}

    kinds = {name: units(summary[name]) for name in ("blocks", "duty_grids")}
    return summary | kinds | {"people": [person(one) for one in summary["people"]]}


def changes_after(tx: Tx, city: str, old_id: int, new_id: int, *, number: int, limit: int) -> list[dict[str, Any]]:
    """Kept changes of a city by their number (`id` and ``COLUMNS``): at most ``limit`` of those after ``number``, their incidents
    counted as the one who asks may see it."""
    change = tables.change
    exact = sa.select(sa.func.may_count(city)).scalar_subquery()
    counted = {"incidents": sa.func.told_count(change.c.incidents, exact).label("incidents")}
    chosen = sa.select(change.c.id, *(counted.get(name, change.c[name]) for name in COLUMNS))
    wanted = chosen.where(change.c.old_id == old_id, change.c.new_id == new_id, change.c.id > number).order_by(change.c.id).limit(limit)
    return [dict(row) for row in tx.execute(wanted).mappings()]


def features(tx: Tx, old_id: int, new_id: int) -> exports.Features:
    """The kept changes as features for a file, to be read once."""
    asked = {"old_id": old_id, "new_id": new_id}
    count, kinds = exports.measured(tx, tables.change, (tables.change.c.old_id == old_id) & (tables.change.c.new_id == new_id))
    return exports.Features("changes", _FILE, exports.read(tx, statement("comparison_changes"), asked, _FILE), count, kinds)
