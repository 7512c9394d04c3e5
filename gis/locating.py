"""The answer to "who answers here": found in memory, read by id.

A process keeps the index of each adopted edition. Editions never change, so an index never grows stale; which edition
is adopted is asked of the database each time, by one indexed read.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import sqlalchemy as sa

from gis import tables
from gis.db import Tx
from gis.exchange import to_wgs84
from gis.store import editions, places
from gis.store.places import Standing
from grids import cells as cell_index
from grids.locate import How, Index


@dataclass
class Indexes:
    """The indexes of the adopted editions, by edition; filled on demand, one reader at a time."""

    _held: dict[int, Index] = field(default_factory=dict)
    _filling: threading.Lock = field(default_factory=threading.Lock)

    def adopted(self, tx: Tx, city: str | None = None) -> list[tuple[int, Index]]:
        """Each adopted edition (of one city, when named) with its index, the last adopted first."""
        edition = tables.edition
        rows = tx.execute(
            sa.select(edition.c.id, edition.c.city).where(edition.c.status == "adopted").order_by(edition.c.adopted_at.desc())
        ).all()
        ids = [row.id for row in rows]
        if set(ids) <= self._held.keys():
            held = dict(self._held)
        else:
            with self._filling:
                # A fresh mapping replaces the old one: who still reads that one is not disturbed.
                held = {one: self._held.get(one) or editions.index(tx, one) for one in ids}
                self._held = held
        return [(row.id, held[row.id]) for row in rows if city in (None, row.city)]


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
    """Who answers at a point given in ``datum``, as of the instant ``at``, in the edition adopted now.

    With ``city`` only that city is asked, else the one adopted last that holds the point. A point in no loaded city is an answer (``how`` is "outside"), not an error. Raises ``UnknownDatum`` and
    ``BadCoordinate``, and what the datum boundary refuses.
    """
    lons, lats = to_wgs84(np.array([lon], dtype=np.float64), np.array([lat], dtype=np.float64), datum=datum)
    resolution = 10
    for edition_id, index in indexes.adopted(tx, city):
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
