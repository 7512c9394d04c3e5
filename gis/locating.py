"""The answer to "who answers here": found in memory, read by id, as of any instant.

A process holds which edition was the plan of which city from when to when, and the indexes of those in force. Editions never
change, so an index never grows stale. What is held may be older than the last adoption: the one read that an answer needs says
so, and then everything is read again. So an answer about the past is the one that was given then, to the letter.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from gis.db import Tx, statement
from gis.errors import BeforeFirstEdition, NotAnInstant, UnknownCategory
from gis.exchange import to_wgs84
from gis.store import cities, editions, places, special_units
from gis.store.places import Standing
from grids import cells as cell_index
from grids.locate import How, Index
from grids.measure import Floats
from grids.special_units import SpecialUnits

_RESOLUTION = 10
"""The resolution of the cell of a place in no city."""

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

    _terms: tuple[_Term, ...] | None = None
    _held: dict[int, Plan] = field(default_factory=dict)
    _filling: threading.Lock = field(default_factory=threading.Lock)

    def refresh(self, tx: Tx) -> None:
        """Read the terms again and the indexes of all plans in force, and put them in place of those held, at once."""
        terms = _terms(tx)
        self._fill(tx, [term.edition_id for term in terms if term.to_at is None], terms)
        self._terms = terms

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
            self.refresh(tx)
        terms = tuple(term for term in self._terms or () if city in (None, term.city))
        if not terms and city is not None:
            cities.find(tx, city)
        first = min((term.from_at for term in terms), default=at)
        if first > at:
            raise BeforeFirstEdition(at.isoformat(), first.isoformat())
        for term in terms:
            if term.holds(at):
                held = self._held if term.edition_id in self._held else self._fill(tx, [term.edition_id], self._terms or ())
                yield held[term.edition_id]

    def _fill(self, tx: Tx, ids: list[int], terms: tuple[_Term, ...]) -> dict[int, Plan]:
        """Hold the indexes of ``ids`` too, and of the editions that are neither asked for nor in force only the last few."""
        with self._filling:
            needed = {term.edition_id for term in terms if term.to_at is None}.union(ids)
            past = [one for one in self._held if one not in needed][-_PAST_HELD:]
            kept = {one: plan for one, plan in self._held.items() if one in needed or one in past}
            self._held = kept | {one: Plan(one, editions.index(tx, one), special_units.find(tx, one)) for one in ids if one not in kept}
            return self._held


def _terms(tx: Tx) -> tuple[_Term, ...]:
    return tuple(_Term(*row) for row in tx.execute(statement("edition_terms")))


@dataclass(frozen=True)
class Answer:
    """What is known of one point: its cell, and inside a city how it was found, the street beside it and who answers.

    ``side`` is left or right of the segment in the direction of digitising, ``offset_m`` the distance to it.
    """

    lon: float
    lat: float
    how: str
    cell: str
    side: str | None = None
    offset_m: float | None = None
    standing: Standing | None = None


def locate(
    tx: Tx, indexes: Indexes, *, lon: float, lat: float, datum: str, at: datetime, city: str | None = None, category: str | None = None
) -> Answer:
    """Who answers at a point given in ``datum``, as of the instant ``at``, in the edition that was in force then.

    With ``city`` only that city is asked, else the one adopted last that holds the point. A point in no loaded city is an answer (``how`` is "outside"), not an error. Raises ``UnknownDatum`` and
    ``BadCoordinate``, what the datum boundary refuses, and what ``Indexes.in_force`` does.
    """
    lons, lats = to_wgs84(np.array([lon], dtype=np.float64), np.array([lat], dtype=np.float64), datum=datum)
    answer = _answer(tx, indexes, lons=lons, lats=lats, at=at, city=city, category=category)
    if answer is None:
        # An edition was adopted since the terms were read.
        indexes.refresh(tx)
        answer = _answer(tx, indexes, lons=lons, lats=lats, at=at, city=city, category=category)
    return answer or _outside(lons, lats, _RESOLUTION)


def _answer(tx: Tx, indexes: Indexes, *, lons: Floats, lats: Floats, at: datetime, city: str | None, category: str | None) -> Answer | None:
    """The answer by the terms that are held; None when they are out of date."""
    resolution = _RESOLUTION
    for plan in indexes.in_force(tx, at, city):
        resolution = plan.index.cell_resolution
        found = plan.index.locate(lons, lats)
        if found.block[0] < 0:
            continue
        segment_id = int(found.segment[0]) + 1 if found.segment[0] >= 0 else None
        said = places.standing(
            tx,
            plan.edition_id,
            block_id=int(found.block[0]) + 1,
            segment_id=segment_id,
            side=int(found.side[0]) if segment_id else None,
            special_unit_ids=[unit + 1 for unit in plan.special_units.holding(float(lons[0]), float(lats[0]))],
            at=at,
            category=category,
        )
        if said is None:
            return None
        if category is not None and said.category is None:
            raise UnknownCategory(category, said.city)
        return Answer(
            lon=float(lons[0]),
            lat=float(lats[0]),
            how="inside" if found.how[0] == How.INSIDE else "border",
            cell=cell_index.texts(found.cell)[0],
            side=editions.SIDES[int(found.side[0])] if segment_id else None,
            offset_m=float(found.offset_m[0]) if segment_id else None,
            standing=said,
        )
    return _outside(lons, lats, resolution) if indexes.is_fresh(tx) else None


def _outside(lons: Floats, lats: Floats, resolution: int) -> Answer:
    cell = cell_index.of_points(lons, lats, resolution)
    return Answer(lon=float(lons[0]), lat=float(lats[0]), how="outside", cell=cell_index.texts(cell)[0])
