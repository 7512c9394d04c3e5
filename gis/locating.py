"""The answer to "who answers here": found in memory, read by id, as of any instant.

A process keeps the indexes of editions. Editions never change, so an index never grows stale; which edition was in force at
an instant is asked of the database each time, by one indexed read. So an answer about the past is the one that was given then.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from gis.db import Tx, statement
from gis.errors import BeforeFirstEdition, NotAnInstant
from gis.exchange import to_wgs84
from gis.store import cities, editions, places
from gis.store.places import Standing
from grids import cells as cell_index
from grids.locate import How, Index

_PAST_HELD = 2
"""So many indexes of editions that are no longer in force stay in memory for the next question about the past."""


@dataclass
class Indexes:
    """The indexes of editions, by edition; filled on demand, one reader at a time."""

    _held: dict[int, Index] = field(default_factory=dict)
    _filling: threading.Lock = field(default_factory=threading.Lock)

    def in_force(self, tx: Tx, at: datetime, city: str | None = None) -> list[tuple[int, Index]]:
        """Each edition in force at an instant (of one city, when named) with its index, the last adopted first.

        Raises ``NotAnInstant``, ``NotFound`` for a city that is not loaded, and ``BeforeFirstEdition`` when editions were only
        adopted after the instant.
        """
        if at.tzinfo is None:
            raise NotAnInstant(at.isoformat())
        if city is not None:
            cities.find(tx, city)
        rows = tx.execute(statement("editions_in_force"), {"at": at, "city": city}).all()
        ids = [row.id for row in rows if row.in_force]
        if not ids and rows:
            raise BeforeFirstEdition(at.isoformat(), min(row.adopted_at for row in rows).isoformat())
        held = dict(self._held)
        if not set(ids) <= held.keys():
            held = self._filled(tx, ids, adopted=[row.id for row in rows if row.status == "adopted"])
        return [(one, held[one]) for one in ids]

    def _filled(self, tx: Tx, ids: list[int], *, adopted: list[int]) -> dict[int, Index]:
        """The held indexes with those of ``ids``; of the editions neither asked for nor adopted only the last few stay."""
        with self._filling:
            past = [one for one in self._held if one not in ids and one not in adopted][-_PAST_HELD:]
            kept = {one: self._held[one] for one in self._held if one in past or one in ids or one in adopted}
            # A fresh mapping replaces the old one: who still reads that one is not disturbed.
            held = kept | {one: editions.index(tx, one) for one in ids if one not in kept}
            self._held = held
        return held


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


def locate(tx: Tx, indexes: Indexes, *, lon: float, lat: float, datum: str, at: datetime, city: str | None = None) -> Answer:
    """Who answers at a point given in ``datum``, as of the instant ``at``, in the edition that was in force then.

    With ``city`` only that city is asked, else the one adopted last that holds the point. A point in no loaded city is an answer (``how`` is "outside"), not an error. Raises ``UnknownDatum`` and
    ``BadCoordinate``, what the datum boundary refuses, and what ``Indexes.in_force`` does.
    """
    lons, lats = to_wgs84(np.array([lon], dtype=np.float64), np.array([lat], dtype=np.float64), datum=datum)
    resolution = 10
    for edition_id, index in indexes.in_force(tx, at, city):
        resolution = index.cell_resolution
        found = index.locate(lons, lats)
        if found.block[0] < 0:
            continue
        segment_id = int(found.segment[0]) + 1 if found.segment[0] >= 0 else None
        said = places.standing(tx, edition_id, block_id=int(found.block[0]) + 1, segment_id=segment_id, at=at)
        return Answer(
            lon=float(lons[0]),
            lat=float(lats[0]),
            how="inside" if found.how[0] == How.INSIDE else "border",
            cell=cell_index.texts(found.cell)[0],
            side=editions.SIDES[int(found.side[0])] if segment_id else None,
            offset_m=float(found.offset_m[0]) if segment_id else None,
            standing=said,
        )
    cell = cell_index.of_points(lons, lats, resolution)
    return Answer(lon=float(lons[0]), lat=float(lats[0]), how="outside", cell=cell_index.texts(cell)[0])
