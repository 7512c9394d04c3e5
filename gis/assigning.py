"""Who answers, for many points at once: arrays of points in, columns of answers out.

What one question reads by id (`gis/locating.py`) is read here as a whole, once: the codes of an edition's places and who answers
for each of them at an instant. The same functions judge both (`grids/locate.py`, `grids/dispatch.py`), so the answers are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from numpy.typing import NDArray

from gis import tables
from gis.db import Tx
from gis.errors import Busy
from gis.locating import MOST_ASKED, Indexes, Plan
from gis.store import editions, places
from grids import cells
from grids.answering import Answering
from grids.locate import How, Index, Places
from grids.measure import Floats
from grids.special_units import SpecialUnits

COLUMNS = pa.schema(
    [
        ("cell", pa.string()),
        ("street_unit", pa.string()),
        ("segment", pa.string()),
        ("side", pa.string()),
        ("offset_m", pa.float64()),
        ("duty_grid", pa.string()),
        ("owner", pa.string()),
        ("level", pa.string()),
        ("how", pa.string()),
    ]
)
"""The columns of an answer: the cell (hexadecimal), the block, the nearest segment within 150 m with the side of it and the distance,
the duty grid, who answers and on which level, and how the point was found. Null where there is none."""

HOW = (*(how.name.lower() for how in How), "unplaced")
"""The words of ``grids.locate.How`` in its order, and that of a point without coordinates."""


@dataclass(frozen=True)
class Labels:
    """What is said of the places of an edition at one instant, for one category (or any): arrays in the order of positions.

    ``block_codes`` (b,), ``grid_of_block`` (b,) with ``grid_codes`` (g,), and ``segment_codes`` (s,).
    """

    city: str
    edition_id: int
    edition_number: int
    special_units: SpecialUnits
    answering: Answering
    block_codes: pa.Array
    grid_codes: pa.Array
    grid_of_block: NDArray[np.int64]
    segment_codes: pa.Array

    @cached_property
    def owners(self) -> pa.Array:
        """The codes of the owners of ``answering.answers``."""
        return pa.array([one.owner.code for one in self.answering.answers], pa.string())

    @cached_property
    def levels(self) -> pa.Array:
        """The levels of ``answering.answers``."""
        return pa.array([one.level for one in self.answering.answers], pa.string())


@dataclass(frozen=True)
class Assigner:
    """Where points are in an edition, and what is said of those places."""

    index: Index
    labels: Labels

    def found(self, lons: Floats, lats: Floats) -> tuple[Places, NDArray[np.int64]]:
        """Where each point (n,) is, by positions, and the position in ``answering.answers`` of who answers, -1 for nobody."""
        found, said = self.index.locate(lons, lats), self.labels.answering
        units = self.labels.special_units.first(lons, lats, among=said.special_units())
        return found, said.at(block=found.block, segment=found.segment, side=found.side, special_unit=units)

    def answers(self, lons: Floats, lats: Floats) -> pa.RecordBatch:
        """The answers (n,) for points in EPSG:4326, in ``COLUMNS``; NaN in either coordinate is a point without a place."""
        found, answer = self.found(lons, lats)
        said = self.labels
        inside, street, answered = found.block >= 0, found.segment >= 0, answer >= 0
        grids = said.grid_of_block[found.block] if len(said.grid_of_block) else found.block
        columns = {
            "cell": cells.texts(found.cell),
            "street_unit": _taken(said.block_codes, found.block, inside),
            "segment": _taken(said.segment_codes, found.segment, street),
            "side": _taken(pa.array(editions.SIDES), found.side, street),
            "offset_m": pa.array(found.offset_m, mask=~street),
            "duty_grid": _taken(said.grid_codes, grids, inside),
            "owner": _taken(said.owners, answer, answered),
            "level": _taken(said.levels, answer, answered),
            "how": how_words(found.how, lons, lats),
        }
        return pa.RecordBatch.from_arrays([columns[name] for name in COLUMNS.names], schema=COLUMNS)


def _taken(values: pa.Array, at: NDArray[Any], where: NDArray[np.bool_] | None = None) -> pa.Array:
    return values.take(pa.array(at, pa.int64(), mask=None if where is None else ~where))


def how_words(how: NDArray[np.int8], lons: Floats, lats: Floats) -> pa.Array:
    """The words of ``HOW`` (n,) for how points were found; "unplaced" where a coordinate is not finite."""
    return _taken(pa.array(HOW), np.where(np.isfinite(lons) & np.isfinite(lats), how, HOW.index("unplaced")))


def assigner(tx: Tx, indexes: Indexes, *, city: str, at: datetime, category: str | None = None, points: int | None = None) -> Assigner:
    """What answers for a city as of ``at``, for a category (kind:code) or whatever it is about, ready for so many points (None:
    nobody knows how many).

    Raises ``NotAnInstant``, ``NotFound``, ``NoAdoptedEdition``, ``BeforeFirstEdition`` and ``UnknownCategory``, and ``Busy`` when plans are
    adopted faster than they are read.
    """
    for _again in range(MOST_ASKED):
        plan = indexes.for_points(tx, city, at=at, points=points)
        made = Assigner(plan.index, _labels(tx, plan, city, at, category))
        # An edition may have been adopted while the index was prepared: then the answers would be by the plan before.
        if indexes.is_fresh(tx):
            return made
    raise Busy("the adoption of plans")


def _labels(tx: Tx, plan: Plan, city: str, at: datetime, category: str | None) -> Labels:
    edition = tables.edition
    return Labels(
        city=city,
        edition_id=plan.edition_id,
        edition_number=tx.execute(sa.select(edition.c.number).where(edition.c.id == plan.edition_id)).scalar_one(),
        special_units=plan.special_units,
        answering=places.answering(tx, plan.edition_id, at=at, category=category),
        block_codes=_codes(tx, tables.block, plan.edition_id),
        grid_codes=_codes(tx, tables.duty_grid, plan.edition_id),
        grid_of_block=editions.grid_of_block(tx, plan.edition_id),
        segment_codes=_codes(tx, tables.segment, plan.edition_id),
    )


def _codes(tx: Tx, table: sa.Table, edition_id: int) -> pa.Array:
    chosen = sa.select(table.c.code).where(table.c.edition_id == edition_id).order_by(table.c.id)
    return pa.array(tx.execute(chosen).scalars().all(), pa.string())
