"""Draw an edition: divide a city and keep the plan as a draft, with someone answerable in every duty grid."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gis.db import Tx, lock
from gis.errors import UnknownDutyArea
from gis.progress import Progress
from gis.store import cities, editions, owners
from gis.store.owners import Duty
from grids.dividing import divide
from grids.owners import Post, generated_owner, unheld
from grids.parts import Draw, draw_here

POSTS: tuple[Post, ...] = ("owner", "deputy")


@dataclass(frozen=True)
class Drawn:
    """A draft edition: its id and number, its quality report, and how many posts a generated owner holds."""

    edition_id: int
    number: int
    quality: dict[str, Any]
    generated_posts: int


def draw_edition(tx: Tx, city: str, *, now: datetime, progress: Progress, draw: Draw = draw_here) -> Drawn:
    """Divide ``city`` as it is loaded and write the plan as its draft edition, replacing an earlier draft; ``draw`` says how its
    parts are drawn (`gis/drawing.py`: on all cores, and kept).

    A post that the pack names nobody for, at any time, gets a generated owner for that time, so that no place is ever
    without someone answerable.
    Raises ``NotFound`` for a city that is not loaded, ``NotAPartition`` or ``OutsideItsArea`` when it cannot be divided.
    """
    lock(tx, "the plan", city)
    progress("reading streets and areas")
    plan = divide(cities.ground(tx, city), progress=progress, draw=draw)
    edition_id = editions.add_draft(tx, city, plan, now=now, wrote=lambda _table, rows: progress("writing the edition", rows, rows))
    duties = _duties(tx, city, edition_id)
    owners.save(tx, city, edition_id, duties)
    generated = sum(duty.owner.origin == "generated" for duty in duties)
    return Drawn(edition_id, editions.find(tx, city).number, plan.quality, generated)


def _duties(tx: Tx, city: str, edition_id: int) -> list[Duty]:
    grids_of, area_of = editions.areas_of_codes(tx, edition_id), editions.upper_areas(tx, edition_id)
    duties: list[Duty] = []
    for said in owners.source(tx, city):
        if said.area_code in grids_of:
            duties += [Duty(grid, said.owner, said.post, said.from_at, said.to_at) for grid in grids_of[said.area_code]]
        elif said.area_code in area_of:
            duties.append(Duty(None, said.owner, said.post, said.from_at, said.to_at, area_of[said.area_code]))
        else:
            raise UnknownDutyArea(said.owner.code, said.area_code)
    named: dict[tuple[int | None, Post], list[tuple[datetime | None, datetime | None]]] = defaultdict(list)
    for duty in duties:
        named[duty.duty_grid_id, duty.post].append((duty.from_at, duty.to_at))
    for grid_id, code in enumerate(editions.grid_codes(tx, edition_id), 1):
        for post in POSTS:
            free = unheld(named[grid_id, post])
            duties += [Duty(grid_id, generated_owner(code, post), post, since, until) for since, until in free]
    return duties
