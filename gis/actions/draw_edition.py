"""Draw an edition: divide a city and keep the plan as a draft, with someone answerable in every duty grid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from gis.actions.compare_editions import compare_editions
from gis.db import Tx, lock
from gis.errors import TwoOwners, UnknownDutyArea
from gis.progress import Progress
from gis.store import cities, editions, owners, special_units
from gis.store.owners import Duty, Place, SourceDuty
from grids.dividing import divide
from grids.owners import PlaceKind, Post, generated_owner, unheld
from grids.parts import Draw, draw_here

POSTS: tuple[Post, ...] = ("owner", "deputy")


@dataclass(frozen=True)
class Drawn:
    """A draft edition: its id and number, its quality report, and how many posts a generated owner holds."""

    edition_id: int
    number: int
    quality: dict[str, Any]
    generated_posts: int


def draw_edition(tx: Tx, city: str, *, now: datetime, progress: Progress, draw: Draw = draw_here, by: int | None = None) -> Drawn:
    """Divide ``city`` as it is loaded and write the plan as its draft edition, replacing an earlier draft; ``draw`` says how its
    parts are drawn (`gis/drawing.py`: on all cores, and kept), ``by`` is the account that stands for it.

    A post that the pack names nobody for, at any time, gets a generated owner for that time, so that no place is ever
    without someone answerable. The pack's special units are copied into the edition. What changes from the plan in force is kept
    beside it (`gis/actions/compare_editions.py`).
    Raises ``UnknownDutyArea`` and ``TwoOwners`` for owners that do not fit the plan, ``NotFound`` for a city that is not loaded,
    ``NotAPartition`` or ``OutsideItsArea`` when it cannot be divided.
    """
    lock(tx, "the plan", city)
    progress("reading streets and areas")
    plan = divide(cities.ground(tx, city), progress=progress, draw=draw)
    edition_id = editions.add_draft(tx, city, plan, now=now, by=by, wrote=lambda _table, rows: progress("writing the edition", rows, rows))
    special_units.copy_into(tx, city, edition_id)
    duties = _duties(tx, city, edition_id)
    owners.save(tx, city, edition_id, duties)
    generated = sum(duty.owner.origin == "generated" for duty in duties)
    if editions.current(tx, city) is not None:
        compare_editions(tx, city, now=now, progress=progress)
    return Drawn(edition_id, editions.find(tx, city).number, plan.quality, generated)


def _duties(tx: Tx, city: str, edition_id: int) -> list[Duty]:
    said = owners.source(tx, city)
    places = _places(tx, edition_id, {one.area_code for one in said})
    held: dict[tuple[Place, Post], list[SourceDuty]] = defaultdict(list)
    duties: list[Duty] = []
    for one in said:
        if one.area_code not in places:
            raise UnknownDutyArea(one.owner.code, one.area_code)
        for place in places[one.area_code]:
            held[place, one.post].append(one)
            duties.append(Duty(place, one.owner, one.post, one.from_at, one.to_at))
    _refuse_two_owners(held)
    for grid_id, code in enumerate(editions.grid_codes(tx, edition_id), 1):
        place = (PlaceKind.DUTY_GRID, grid_id)
        for post in POSTS:
            free = unheld((one.from_at, one.to_at) for one in held[place, post])
            duties += [Duty(place, generated_owner(code, post), post, since, until) for since, until in free]
    return duties


def _places(tx: Tx, edition_id: int, codes: set[str]) -> dict[str, list[Place]]:
    """Which places of the edition each code means: duty grids (a lowest area stands for its own), areas above, and else what lies
    over the ladder. A code that the edition does not have is left out."""
    found: dict[str, list[Place]] = {}
    for code, grids in editions.areas_of_codes(tx, edition_id).items():
        found[code] = [(PlaceKind.DUTY_GRID, grid_id) for grid_id in grids]
    for code, area_id in editions.upper_areas(tx, edition_id).items():
        found.setdefault(code, [(PlaceKind.AREA, area_id)])
    missing = codes - found.keys()
    return found | (owners.places_of(tx, edition_id, missing) if missing else {})


def _refuse_two_owners(held: Mapping[tuple[Place, Post], list[SourceDuty]]) -> None:
    """Refuse (``TwoOwners``) what the database would refuse without a word of explanation: two first owners of a place at one time."""
    for (_, post), said in held.items():
        if post != "owner":
            continue
        said.sort(key=lambda one: (one.from_at is not None, one.from_at))
        for before, after in pairwise(said):
            if before.to_at is None or after.from_at is None or after.from_at < before.to_at:
                raise TwoOwners(before.owner.code, before.area_code, after.owner.code, after.area_code)
