"""Special units: given by a pack, copied into an edition when it is drawn, read back to find points in."""

from __future__ import annotations

import json

import numpy as np
import sqlalchemy as sa

from gis import tables
from gis.db import Tx, copy, ewkb
from gis.store.geometry import geometries
from grids.measure import areas_m2
from grids.special_units import SpecialUnits

KIND = "special_unit"
"""What they are called among the units that a city gives (`cities.save_given_units`)."""


def copy_into(tx: Tx, city: str, edition_id: int) -> int:
    """Write the special units of a city's pack into its draft edition, numbered in the order of codes; returns how many."""
    unit = tables.given_unit
    chosen = sa.select(unit.c.code, unit.c.names, sa.func.ST_AsBinary(unit.c.geom)).where(unit.c.city == city, unit.c.kind == KIND)
    rows = sorted(tx.execute(chosen).all(), key=lambda row: str(row.code))
    polygons = geometries([row[2] for row in rows])
    sizes_m2 = areas_m2(polygons).tolist() if rows else []
    columns = ("edition_id", "id", "code", "names", "area_m2", "geom")
    written = zip(rows, sizes_m2, ewkb(polygons), strict=True)
    return copy(
        tx,
        tables.special_unit,
        columns,
        (
            (edition_id, at, row.code, json.dumps(row.names, ensure_ascii=False), size_m2, geom)
            for at, (row, size_m2, geom) in enumerate(written, 1)
        ),
    )


def ids(tx: Tx, edition_id: int) -> dict[str, int]:
    """The ids of an edition's special units by code."""
    unit = tables.special_unit
    return {row.code: row.id for row in tx.execute(sa.select(unit.c.code, unit.c.id).where(unit.c.edition_id == edition_id))}


def find(tx: Tx, edition_id: int) -> SpecialUnits:
    """The special units of an edition, to find points in; positions in it are ids less one."""
    unit = tables.special_unit
    chosen = sa.select(unit.c.area_m2, sa.func.ST_AsBinary(unit.c.geom)).where(unit.c.edition_id == edition_id).order_by(unit.c.id)
    rows = tx.execute(chosen).all()
    if not rows:
        return SpecialUnits(np.empty(0, dtype=object), np.empty(0))
    polygons = np.array(geometries([row[1] for row in rows]))
    return SpecialUnits(polygons, np.array([row.area_m2 for row in rows], dtype=np.float64))
