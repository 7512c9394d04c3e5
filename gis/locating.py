"""The answer to "who answers here": found in memory, read by id, as of any instant.

A process holds which edition was the plan of which city from when to when, and the indexes of those in force. Editions never
change, so an index never grows stale. What is held may be older than the last adoption: the one read that an answer needs says
so, and then everything is read again. So an answer about the past is the one that was given then, to the letter.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from gis import kept_indexes
from gis.db import Tx, statement
from gis.errors import BeforeFirstEdition, Busy, NoAdoptedEdition, NotAnInstant, UnknownCategory
from gis.exchange import to_wgs84
from gis.store import cities, editions, places, special_units
from gis.store.places import Segment, Standing
from grids import cells as cell_index
from grids.locate import How, Index, Place
from grids.special_units import SpecialUnits

_RESOLUTION = 10
"""The resolution of the cell of a place in no city."""

MOST_ASKED = 5
"""So many times a question is asked again because a plan was adopted meanwhile; then it is refused, and never guessed at."""

_PAST_HELD = 2
"""So many indexes of editions that are no longer in force stay in memory for the next question about the past."""


@dataclass(frozen=True)
class _Term:
    """From when to when an edition was the plan of its city; ``to_at`` is None while it is."""

    edition_id: int
    city: str
    from_at: datetime
    to_at: datetime | None

    def holds(self, at: datetime) -> bool:
        return self.from_at <= at and (self.to_at is None or at < self.to_at)


@dataclass(frozen=True)
class Plan:
    """One edition, ready to be asked: its index, and the special units that lie over it; positions are ids less one."""

    edition_id: int
    index: Index
    special_units: SpecialUnits


@dataclass
class Indexes:
    """The terms of all editions that are or were a plan, the last adopted first, and the indexes asked for; one reader at a time
    fills them, and who still reads the earlier ones is not disturbed."""

    folder: Path | None = None
    """Where prepared indexes are kept; None: nowhere."""

    _terms: tuple[_Term, ...] | None = None
    _held: dict[int, Plan] = field(default_factory=dict)
    _filling: threading.Lock = field(default_factory=threading.Lock)

    def refresh(self, tx: Tx) -> None:
        """Read the terms again and the indexes of all plans in force, and put them in place of those held, at once."""
        with self._filling:
            # Read under the lock: terms read earlier by another thread never take the place of these.
            terms = _terms(tx)
            self._fill(tx, [term.edition_id for term in terms if term.to_at is None], terms)
            self._terms = terms

    def prepare(self, tx: Tx) -> None:
        """Make ready the indexes of all plans in force that are large or come from a file, and keep those that are in none yet:
        seconds for a megacity. Nobody has to wait for it."""
        held = self._held
        for term in self._terms or ():
            plan = held.get(term.edition_id)
            if term.to_at is None and plan is not None:
                ready = self.make_tables(tx, plan, points=None)
                if ready.index.has_tables:
                    ready.index.prepare()

    def make_tables(self, tx: Tx, plan: Plan, *, points: int | None) -> Plan:
        """Prepare the index of a plan and keep it, where so many points (None: nobody knows) are worth it, and return
        the plan to ask: the same one, or with the kept file, mapped, in the place of tables in memory, so that all processes share them.
        One that has its tables stays as it is."""
        if plan.index.has_tables or not kept_indexes.worth_preparing(blocks=len(plan.index.blocks), points=points):
            return plan
        plan.index.prepare()
        if self.folder is None:
            return plan
        path = kept_indexes.path_of(tx, plan.edition_id, self.folder)
        kept_indexes.keep(plan.index, path)
        mapped = kept_indexes.read(path)
        if mapped is None:
            return plan
        mapped.prepare()
        ready = replace(plan, index=mapped)
        with self._filling:
            if self._held.get(plan.edition_id) is plan:
                self._held = self._held | {plan.edition_id: ready}
        return ready

    def is_fresh(self, tx: Tx) -> bool:
        """Whether no edition was adopted since the terms were read."""
        return self._terms == _terms(tx)

    def in_force(self, tx: Tx, at: datetime, city: str | None = None) -> Iterator[Plan]:
        """Each edition in force at an instant (of one city, when named) ready to be asked, the last adopted first.

        Raises ``NotAnInstant``, ``NotFound`` for a city that is not loaded, and ``BeforeFirstEdition`` when editions were only
        adopted after the instant.
        """
        if at.tzinfo is None:
            raise NotAnInstant(at.isoformat())
        if self._terms is None:
            with self._filling:
                self._terms = _terms(tx)
        terms = tuple(term for term in self._terms or () if city in (None, term.city))
        if not terms and city is not None:
            cities.find(tx, city)
        first = min((term.from_at for term in terms), default=at)
        if first > at:
            raise BeforeFirstEdition(at.isoformat(), first.isoformat())
        for term in terms:
            if term.holds(at):
                yield self._plan(tx, term.edition_id)

    def for_points(self, tx: Tx, city: str, *, at: datetime, points: int | None) -> Plan:
        """The edition of a city in force at an instant, by the terms of now, ready for so many points (None: nobody knows).

        Raises what ``in_force`` does, and ``NoAdoptedEdition``.
        """
        if self._terms is not None and not self.is_fresh(tx):
            self.refresh(tx)
        for plan in self.in_force(tx, at, city):
            return self.make_tables(tx, plan, points=points)
        raise NoAdoptedEdition(city)

    def _plan(self, tx: Tx, edition_id: int) -> Plan:
        # One reading: another thread may put other plans in place of those held at any moment.
        plan = self._held.get(edition_id)
        if plan is None:
            with self._filling:
                plan = self._fill(tx, [edition_id], self._terms or ())[edition_id]
        return plan

    def _fill(self, tx: Tx, ids: list[int], terms: tuple[_Term, ...]) -> dict[int, Plan]:
        """Hold the indexes of ``ids`` too, and of the editions that are neither asked for nor in force only the last few; the caller
        has the lock."""
        needed = {term.edition_id for term in terms if term.to_at is None}.union(ids)
        past = [one for one in self._held if one not in needed][-_PAST_HELD:]
        kept = {one: plan for one, plan in self._held.items() if one in needed or one in past}
        self._held = kept | {one: Plan(one, self._index(tx, one), special_units.find(tx, one)) for one in ids if one not in kept}
        return self._held

    def _index(self, tx: Tx, edition_id: int) -> Index:
        return editions.index(tx, edition_id) if self.folder is None else kept_indexes.index(tx, edition_id, self.folder)


def _terms(tx: Tx) -> tuple[_Term, ...]:
    return tuple(_Term(*row) for row in tx.execute(statement("edition_terms")))


@dataclass(frozen=True)
class Answer:
    """What is known of one point: its cell, and inside a city how it was found, the street beside it and who answers.

    ``side`` is left or right of the segment in the direction of digitising, ``offset_m`` the distance to it. Outside every street
    unit (``how`` is "nearest") a street may still be near: ``beside``.
    """

    lon: float
    lat: float
    how: str
    cell: str
    side: str | None = None
    offset_m: float | None = None
    standing: Standing | None = None
    beside: Segment | None = None


def locate(
    tx: Tx, indexes: Indexes, *, lon: float, lat: float, datum: str, at: datetime, city: str | None = None, category: str | None = None
) -> Answer:
    """Who answers at a point given in ``datum``, as of the instant ``at``, in the edition that was in force then.

    With ``city`` only that city is asked, else the one adopted last that holds the point. A point in no loaded city is an answer
    (``how`` is "outside", or "nearest" with a street within 150 m), not an error. Raises ``UnknownDatum`` and ``BadCoordinate``,
    what the datum boundary refuses, what ``Indexes.in_force`` does, and ``Busy`` when plans are adopted faster than they are read.
    """
    lons, lats = to_wgs84(np.array([lon], dtype=np.float64), np.array([lat], dtype=np.float64), datum=datum)
    asked = _Asked(lons.item(), lats.item(), at, city, category)
    for _again in range(MOST_ASKED):
        answer = _answer(tx, indexes, asked)
        if answer is not None:
            return answer
        # An edition was adopted since the terms were read.
        indexes.refresh(tx)
    raise Busy("the adoption of plans")


@dataclass(frozen=True)
class _Asked:
    """A question, its point in EPSG:4326."""

    lon: float
    lat: float
    at: datetime
    city: str | None
    category: str | None

    def outside(self, resolution: int) -> Answer:
        """The answer for a point with nothing near it."""
        return Answer(self.lon, self.lat, how="outside", cell=_text(cell_index.of_point(self.lon, self.lat, resolution)))


def _answer(tx: Tx, indexes: Indexes, asked: _Asked) -> Answer | None:
    """The answer by the terms that are held; None when they are out of date."""
    near: Answer | None = None
    resolution = _RESOLUTION
    for plan in indexes.in_force(tx, asked.at, asked.city):
        resolution = plan.index.cell_resolution
        found = plan.index.locate_one(asked.lon, asked.lat)
        if found.block >= 0:
            return _within(tx, plan, found, asked)
        if found.segment >= 0 and near is None:
            beside = places.segment(tx, plan.edition_id, found.segment + 1)
            near = Answer(asked.lon, asked.lat, "nearest", _text(found.cell), editions.SIDES[found.side], found.offset_m, beside=beside)
    return (near or asked.outside(resolution)) if indexes.is_fresh(tx) else None


def _within(tx: Tx, plan: Plan, found: Place, asked: _Asked) -> Answer | None:
    """The answer for a point in a street unit of a plan; None when the plan was not in force at the instant."""
    on_street = found.segment >= 0
    said = places.standing(
        tx,
        plan.edition_id,
        block_id=found.block + 1,
        segment_id=found.segment + 1 if on_street else None,
        side=found.side if on_street else None,
        special_unit_ids=[unit + 1 for unit in plan.special_units.holding(asked.lon, asked.lat)],
        at=asked.at,
        category=asked.category,
    )
    if said is None:
        return None
    if asked.category is not None and said.category is None:
        raise UnknownCategory(asked.category, said.city)
    return Answer(
        asked.lon,
        asked.lat,
        how="inside" if found.how == How.INSIDE else "border",
        cell=_text(found.cell),
        side=editions.SIDES[found.side] if on_street else None,
        offset_m=found.offset_m if on_street else None,
        standing=said,
    )


def _text(cell: int) -> str:
    return f"{cell:x}"
