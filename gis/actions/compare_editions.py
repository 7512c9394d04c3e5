"""Compare two editions of a city: what became of its units, how much work lies on what changed, and whose ground grows or shrinks.

The changes are kept as rows, so that the map shows them from the database alone (`gis/sql/tiles/changes.sql`) and the programming
interface gives them at once. They are made when an edition is drawn, against the one in force, for that is when they are looked at;
after adoption the same rows say what the new plan changed. `wangge grids compare` makes them again, with the owners and incidents of
that instant, and makes those of any other pair. They are derived, and go with either edition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import shapely
import sqlalchemy as sa

from gis.db import Tx, lock
from gis.progress import Progress
from gis.store import cities, comparisons
from gis.store.geometry import objects
from grids import raster_index
from grids.comparison import CHANGES, Comparison, Ground, Units, changed_m2, compare, ground_by_holder, of_pieces
from grids.edition import Texts
from grids.measure import Floats
from grids.owners import OnDuty, Owner, Post

POSTS: tuple[Post, ...] = ("owner", "deputy")


@dataclass(frozen=True)
class Compared:
    """What was kept: the two editions, their numbers, how many changes, and the summary that docs/exports.md describes."""

    old_id: int
    new_id: int
    old: int
    new: int
    changes: int
    summary: dict[str, Any]


@dataclass(frozen=True)
class _Side:
    """One edition's units of one kind, and who holds the posts of each (n,)."""

    units: Units
    held: list[OnDuty]

    def codes(self, post: Post) -> Texts:
        """The code of who holds a post of each unit, None for nobody."""
        return objects(owner.code if owner else None for owner in (_of(held, post) for held in self.held))


def compare_editions(tx: Tx, city: str, *, old: int | None = None, new: int | None = None, now: datetime, progress: Progress) -> Compared:
    """Compare edition ``old`` of a city with ``new`` by their numbers, keep what changed and say it in short.

    By default the adopted edition is compared with the draft, or where there is none the one before with the adopted one. Owners
    are those of the duty grids at ``now`` (of a retired edition at its last instant), incidents those that are imported then.
    Raises ``NotFound``, ``NothingToCompare``, and ``CityBusy`` while another process compares.
    """
    lock(tx, "the comparison", city)
    older, newer = comparisons.pair(tx, city, old, new)
    language = cities.find(tx, city).languages[0]
    holders = [comparisons.holders(tx, edition, now=now) for edition in (older, newer)]
    summary: dict[str, Any] = {}
    rows: list[tuple[Any, ...]] = []
    wkb: list[Any] = []
    for kind, name in (("block", "blocks"), ("duty_grid", "duty_grids")):
        progress("comparing the editions", len(summary), 3)
        before, after = (
            _Side(units, [held.get(grid, OnDuty(None, None)) for grid in grids])
            for held, (units, grids) in zip(holders, (_units(tx, kind, edition, language) for edition in (older, newer)), strict=True)
        )
        found = compare(before.units, after.units)
        incidents = _incidents(tx, city, found, before, after)
        summary[name] = _summary(before.units, after.units, found, incidents)
        rows += _rows(kind, before, after, found, incidents)
        wkb += found.ground.wkb[found.changed].tolist()
        if kind == "block":
            summary["people"] = _people(before, after, found.ground, incidents)
    progress("comparing the editions", len(summary), 3)
    count = comparisons.save(tx, older.id, newer.id, summary=summary, changes=rows, wkb=objects(wkb), now=now)
    return Compared(older.id, newer.id, older.number, newer.number, count, summary)


def _units(tx: Tx, kind: str, edition: sa.Row[Any], language: str) -> tuple[Units, list[int]]:
    return comparisons.blocks(tx, edition.id) if kind == "block" else comparisons.duty_grids(tx, edition.id, language)


def _of(held: OnDuty, post: Post) -> Owner | None:
    return held.owner if post == "owner" else held.deputy


def _incidents(tx: Tx, city: str, found: Comparison, before: _Side, after: _Side) -> Floats:
    """How many incidents lie on each piece (k,) that changed or whose owner or deputy did; 0 on the others, which nobody asks for."""
    ground = found.ground
    asked = np.zeros(len(ground.old), dtype=bool)
    asked[found.changed] = True
    for post in POSTS:
        asked |= of_pieces(before.codes(post), ground.old) != of_pieces(after.codes(post), ground.new)
    counts = np.zeros(len(ground.old))
    pieces = shapely.from_wkb(ground.wkb[asked])
    if len(pieces):
        lons, lats = comparisons.incidents_in(tx, city, shapely.total_bounds(pieces).tolist())
        piece, _how = raster_index.build(pieces).find(lons, lats)
        counts[asked] = np.bincount(piece[piece >= 0], minlength=len(pieces))
    return counts


def _summary(old: Units, new: Units, found: Comparison, incidents: Floats) -> dict[str, Any]:
    """How many units there are and each change befell, and how much ground and how many incidents lie on what it changed."""
    of_change = [(name, found.change == at) for at, name in enumerate(CHANGES)]
    return {
        "before": len(old.codes),
        "after": len(new.codes),
        "changed_m2": round(changed_m2(old, new, found.ground), 3),
        "changed_incidents": int(incidents[found.changed].sum()),
        "changes": {
            name: {
                "units": found.units[name],
                "area_m2": round(float(found.ground.area_m2[where].sum()), 3),
                "incidents": int(incidents[where].sum()),
            }
            for name, where in of_change
        },
    }


def _rows(kind: str, before: _Side, after: _Side, found: Comparison, incidents: Floats) -> Iterator[tuple[Any, ...]]:
    """The columns of ``comparisons.COLUMNS`` for each changed piece."""
    ground, at = found.ground, found.changed
    columns = (
        [CHANGES[change] for change in found.change[at].tolist()],
        of_pieces(before.units.codes, ground.old[at]).tolist(),
        of_pieces(after.units.codes, ground.new[at]).tolist(),
        ground.area_m2[at].tolist(),
        incidents[at].astype(np.int64).tolist(),
        of_pieces(before.codes("owner"), ground.old[at]).tolist(),
        of_pieces(after.codes("owner"), ground.new[at]).tolist(),
    )
    return ((kind, *row) for row in zip(*columns, strict=True))


def _people(before: _Side, after: _Side, ground: Ground, incidents: Floats) -> list[dict[str, Any]]:
    """Who loses or gains ground, post by post, with the incidents on it; those whom most of it concerns first."""
    people: list[dict[str, Any]] = []
    for post in POSTS:
        old, new = before.codes(post), after.codes(post)
        named = {owner.code: owner for side in (before, after) for owner in (_of(held, post) for held in side.held) if owner}
        by_area, by_incidents = (ground_by_holder(old, new, ground, weights) for weights in (ground.area_m2, incidents))
        for code, (lost, gained) in by_area.items():
            people.append(
                {
                    "code": code,
                    "name": named[code].name,
                    "post": post,
                    "lost_m2": round(lost, 3),
                    "gained_m2": round(gained, 3),
                    "lost_incidents": int(by_incidents[code][0]),
                    "gained_incidents": int(by_incidents[code][1]),
                }
            )
    return sorted(people, key=lambda one: (-(one["lost_m2"] + one["gained_m2"]), one["post"] != "owner", one["code"]))
