"""The layers of an edition as tables of Arrow, row after row in bounded memory: what other programs are given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from gis import tables
from gis.db import Tx, statement
from gis.errors import NoAdoptedEdition
from gis.store import cities, editions

_ROWS_AT_ONCE = 10_000
"""Rows held at once: some tens of megabytes, for a block may have thousands of vertices."""

_KINDS = {"LINESTRING": "LineString", "POLYGON": "Polygon", "MULTIPOLYGON": "MultiPolygon"}
_PATH = [("area_level", pa.string()), ("area", pa.string()), ("ladder", pa.string())]
_POSTS = [(name, pa.string()) for name in ("owner", "owner_name", "deputy", "deputy_name")]
_NAMES = [(name, pa.string()) for name in ("name", "name_zh", "name_en")]
_LAST = [("edition", pa.int32()), ("geometry", pa.binary())]


@dataclass(frozen=True)
class Features:
    """Features of one layer on their way to a file, to be read once.

    ``columns`` end with ``geometry``, WKB in EPSG:4326; ``count`` is how many there will be (None: not known), ``kinds`` the kinds of their
    geometry as GeoJSON names them.
    """

    layer: str
    columns: pa.Schema
    batches: Iterator[pa.RecordBatch]
    count: int | None
    kinds: frozenset[str]


@dataclass(frozen=True)
class ExportLayer:
    """A layer that can be exported: where its rows come from and its columns, the last of them ``geometry`` as WKB in EPSG:4326."""

    name: str
    table: sa.Table
    columns: pa.Schema
    select: Callable[[], sa.TextClause]


LAYERS = {
    layer.name: layer
    for layer in (
        ExportLayer(
            "street-units",
            tables.block,
            pa.schema(
                [
                    ("code", pa.string()),
                    *_PATH,
                    ("duty_grid", pa.string()),
                    ("duty_grid_name", pa.string()),
                    *_POSTS,
                    ("area_m2", pa.float64()),
                    ("built_up", pa.bool_()),
                    ("origin", pa.string()),
                    ("valid_from", pa.date32()),
                    *_LAST,
                ]
            ),
            lambda: statement("export_street_units"),
        ),
        ExportLayer(
            "duty-grids",
            tables.duty_grid,
            pa.schema(
                [
                    ("code", pa.string()),
                    *_NAMES,
                    ("level", pa.string()),
                    *_PATH,
                    *_POSTS,
                    ("street_units", pa.int32()),
                    ("area_m2", pa.float64()),
                    ("origin", pa.string()),
                    ("valid_from", pa.date32()),
                    *_LAST,
                ]
            ),
            lambda: statement("export_duty_grids"),
        ),
        ExportLayer(
            "cells",
            tables.cell,
            pa.schema(
                [
                    ("cell", pa.string()),
                    ("resolution", pa.int32()),
                    ("parent", pa.string()),
                    ("area_m2", pa.float64()),
                    ("inside_share", pa.float64()),
                    ("street_unit", pa.string()),
                    ("street_unit_share", pa.float64()),
                    ("duty_grid", pa.string()),
                    *_LAST,
                ]
            ),
            lambda: statement("export_cells"),
        ),
        ExportLayer(
            "segments",
            tables.segment,
            pa.schema(
                [
                    ("code", pa.string()),
                    *_NAMES,
                    ("road_class", pa.string()),
                    ("length_m", pa.float64()),
                    ("orphan", pa.bool_()),
                    ("left_code", pa.string()),
                    ("right_code", pa.string()),
                    ("left_street_units", pa.string()),
                    ("right_street_units", pa.string()),
                    *_PATH,
                    *_LAST,
                ]
            ),
            lambda: statement("export_segments"),
        ),
    )
}
"""The layers by the names that they have at every door."""


def layer_of(tx: Tx, city: str, layer: ExportLayer, *, number: int | None, now: datetime) -> tuple[int, Features]:
    """A layer of the city's adopted edition, or of edition ``number``: that edition's number, and the features in the order of codes.

    The posts are named as they are held at ``now``; in a retired edition as they were at the last instant before it retired.
    The features are read once, while the transaction is open. Raises ``NotFound`` for a city or edition that is not there,
    ``NoAdoptedEdition`` where none is in force.
    """
    language = cities.find(tx, city).languages[0]
    edition = editions.current(tx, city) if number is None else editions.find(tx, city, number)
    if edition is None:
        raise NoAdoptedEdition(city)
    # A duty ends just before its last instant: at that of retiring itself nobody of the old plan would be found.
    at = now if edition.retired_at is None else min(now, edition.retired_at - timedelta(microseconds=1))
    asked = {"edition_id": edition.id, "at": at, "language": language}
    count, kinds = _measure(tx, layer, edition)
    select = layer.select()
    needed = {name: asked[name] for name in select.compile().params}
    return edition.number, Features(layer.name, layer.columns, read(tx, select, needed, layer.columns), count, kinds)


def read(tx: Tx, select: sa.TextClause, parameters: dict[str, Any], columns: pa.Schema) -> Iterator[pa.RecordBatch]:
    """What a statement selects as batches of ``columns``, which it has in their order; asked when the first is wanted, and held by
    the database, some thousand rows at a time. An empty result is no batch."""
    with tx.execute(select, parameters, execution_options={"yield_per": _ROWS_AT_ONCE}) as rows:
        for some in rows.partitions(_ROWS_AT_ONCE):
            values = [pa.array(column, kind) for column, kind in zip(zip(*some, strict=True), columns.types, strict=True)]
            yield pa.record_batch(values, schema=columns)


def _measure(tx: Tx, layer: ExportLayer, edition: sa.Row[Any]) -> tuple[int, frozenset[str]]:
    wanted = layer.table.c.edition_id == edition.id
    if layer.table is tables.cell:
        wanted &= tables.cell.c.resolution == edition.cell_resolution
    return measured(tx, layer.table, wanted)


def measured(tx: Tx, table: sa.Table, wanted: sa.ColumnElement[bool]) -> tuple[int, frozenset[str]]:
    """How many rows of a table are wanted, and of which kinds their geometry is."""
    kind = sa.func.GeometryType(table.c.geom)
    found = tx.execute(sa.select(kind, sa.func.count()).where(wanted).group_by(kind)).all()
    return sum(int(count) for _kind, count in found), frozenset(_KINDS[kind] for kind, _count in found)
