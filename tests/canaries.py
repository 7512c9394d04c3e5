"""A city with canaries: incidents in every area, whose category and address name the area that they lie in, and nobody else's.

What the one who asks is shown is then read off the words. Where each canary lies is known by how it was made, not by what the
database says of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from psycopg.types.range import TimestamptzRange

from gis import tables
from gis.sealing import Contact, seal_of
from gis.settings import Settings
from gis.store import reporters
from grids.permissions import Grant, Place, Role, Thing
from tests import tiny_pack
from tests.tiny_city import NOON, act, load, take_in

CITY = "tiny"
DEPARTMENTS = (None, "water", "works")
"""Who leads the categories of each area: the owner, one department, another."""

GRIDS = {
    "310101001001": "310101-G-01-X",
    "310101001002": "310101-G-02-V",
    "310104001001": "310104-G-01-M",
    "310104001002": "310104-G-02-K",
}
"""The one duty grid of each community."""
HOME, SIBLING, AWAY = "310101001001", "310101001002", "310104001002"
"""The community of most grants, one beside it, and one in the other district."""


@dataclass(frozen=True)
class Canary:
    """An incident that was planted: what it is to a permission, and the words that only it and its like have."""

    id: UUID
    thing: Thing
    category: str
    address: str


def categories(community: str) -> list[str]:
    """The codes of an area's own categories, one for each of ``DEPARTMENTS``."""
    return [f"9{list(tiny_pack.COMMUNITIES).index(community)}{at:02}" for at in range(len(DEPARTMENTS))]


def address(community: str, at: int, n: int) -> str:
    """The address of a canary, as it stands nowhere else."""
    return f"canary {community} {at} {n}"


def plant(url: str, folder: Path, *, each: int = 2, elsewhere: int = 2) -> list[Canary]:
    """Load the tiny city, whose owners are real people there, with ``each`` canaries of every category in every community, and some ``elsewhere`` in no area at all."""
    pack = tiny_pack.write_tiny_pack(folder / "canaries", incidents=0)
    listed = (pack / "categories.csv").read_text("utf-8")
    rows: list[list[Any]] = []
    for community, corner in tiny_pack.COMMUNITIES.items():
        for at, (code, department) in enumerate(zip(categories(community), DEPARTMENTS, strict=True)):
            kind = "owner" if department is None else "department"
            listed += f"component,{code},金丝雀{code},Canary {code},duty_grid,area,{kind},15\n"
            for n in range(each):
                # Apart from each other: many on one point would be taken for a default geocode.
                step = 0.15 + 1.7 * ((at * each + n) + 0.5) / (len(DEPARTMENTS) * each)
                rows.append(_row(f"{community}-{at}-{n}", code, corner[0] + step, corner[1] + 0.35, address(community, at, n)))
    tiny_pack.replace(pack / "city.toml", 'file = "owners.csv", origin = "generated"', 'file = "owners.csv", origin = "given"')
    rows += [_row(f"nowhere-0-{n}", categories("310101001001")[0], -3 - n, -3, f"canary nowhere 0 {n}") for n in range(elsewhere)]
    (pack / "categories.csv").write_text(listed, "utf-8")
    tiny_pack.write_rows(pack / "incidents.csv", ["id", "reported_at", "category", "lon", "lat", "address"], rows)
    load(url, pack)
    take_in(url, folder)
    _lead(url)
    planted = _planted(url)
    with act(url) as tx:
        for one in planted:
            reporters.add(tx, one.id, Contact(f"reporter of {one.address}", "021"), seal=seal_of(Settings()), now=NOON)
    return planted


def _row(number: str, code: str, east: float, north: float, words: str) -> list[Any]:
    lon, lat = tiny_pack.WEST + east * tiny_pack.STEP_LON, tiny_pack.SOUTH + north * tiny_pack.STEP_LAT
    return [number, "2026-10-05T10:30:00", f"component:{code}", round(lon, 7), round(lat, 7), words]


def _lead(url: str) -> None:
    """Each department leads its categories; a class of all categories is led by another, which leads none of them then."""
    with act(url) as tx:
        lead = tables.department_lead
        said = [(f"component:{categories(one)[at]}", name) for one in tiny_pack.COMMUNITIES for at, name in enumerate(DEPARTMENTS) if name]
        for category, department in [*said, ("component:*", "general")]:
            values = {"city": CITY, "said_by": "command", "category": category, "department": department, "names": {"en": department}}
            began = datetime(2026, 1, 1, tzinfo=UTC)
            tx.execute(sa.insert(lead).values(**values, during=TimestamptzRange(began, None), recorded_at=began))


def _planted(url: str) -> list[Canary]:
    with act(url) as tx:
        incident = tables.incident
        rows = tx.execute(sa.select(incident.c.id, incident.c.source_id, incident.c.category_code, incident.c.address)).all()
    return [Canary(row.id, thing_of(row.source_id), f"component:{row.category_code}", row.address) for row in rows]


def thing_of(number: str) -> Thing:
    """A canary, by the id of its source, as what an act is done to."""
    community, at, _ = number.split("-")
    department = DEPARTMENTS[int(at)]
    departments = frozenset() if department is None else frozenset({department})
    return Thing(CITY, frozenset() if community == "nowhere" else frozenset(ladder(community)), departments)


def ladder(community: str) -> tuple[Place, ...]:
    """A community's rungs, the city first, its one duty grid last."""
    return Place("city", "310100"), Place("district", community[:6]), Place("community", community), Place("duty_grid", GRIDS[community])


def persons() -> list[tuple[Grant, ...]]:
    """The grants of each kind of person: nobody's, every role on every rung above one community, on its sibling and in the other district,
    departments that lead something there and that lead nothing, and two roles at once."""
    places = [None, *ladder(HOME), ladder(SIBLING)[2], ladder(SIBLING)[3], ladder(AWAY)[1], ladder(AWAY)[3]]
    made: list[tuple[Grant, ...]] = [()]
    for role in Role:
        if role is not Role.PUBLIC:
            departments = ("water", "works", "general") if role is Role.DEPARTMENT else (None,)
            made += [(Grant(role, CITY, place, department),) for place in places for department in departments]
    made.append((Grant(Role.ANALYST, CITY), Grant(Role.WORKER, CITY, ladder(HOME)[3])))
    made.append((Grant(Role.DEPARTMENT, CITY, None, "water"), Grant(Role.CHECKER, CITY, ladder(AWAY)[1])))
    made.append((Grant(Role.DEPARTMENT, CITY, ladder(HOME)[2], "water"), Grant(Role.DEPARTMENT, CITY, ladder(AWAY)[2], "works")))
    made.append((Grant(Role.DEPARTMENT, CITY, ladder(HOME)[2], "water"), Grant(Role.DEPARTMENT, CITY, ladder(AWAY)[2], "water")))
    return made
