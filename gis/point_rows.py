"""Rows of points: where each is, and what keeps it from being anywhere.

A row is numbered as people count: from 1, and in a CSV the header is row 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from gis.errors import BadPoints, Finding
from gis.exchange import faulty_places, outside_datum, to_wgs84
from grids.measure import Floats

_MOST_ROWS_NAMED = 20
_POINT, _MULTIPOINT = 0, 4


@dataclass(frozen=True)
class PointFile:
    """A file of points that is open: its columns, how many rows it has (None: not known), and the rows, to be read once.

    ``geometry`` is the column of points as WKB, None when they are in ``lon`` and ``lat``. ``first_row`` is the number of the first
    row. ``to_lonlat`` takes coordinates of the geometry to degrees, None when they are degrees.
    """

    name: str
    columns: pa.Schema
    batches: Iterator[pa.RecordBatch]
    count: int | None
    first_row: int = 1
    lon: str = "lon"
    lat: str = "lat"
    geometry: str | None = None
    to_lonlat: Transformer | None = None


@dataclass(frozen=True)
class Places:
    """The points (n,) of some rows in EPSG:4326; NaN in both where a row has no coordinates."""

    lons: Floats
    lats: Floats


@dataclass(frozen=True)
class Fault:
    """What is wrong with rows of points, in words."""

    slug: str
    template: str
    mend: str

    def of(self, name: str, rows: list[int]) -> BadPoints:
        """The refusal of the file ``name``, of which these rows (at least one) have the fault."""
        return BadPoints(name, (Finding(self.slug, self.template, self.mend, file=name, row=rows[0], details={"rows": _named(rows)}),))


def _named(rows: list[int]) -> str:
    """Numbers of rows as a person is told them: the first, and how many more."""
    more = f" … (+{len(rows) - _MOST_ROWS_NAMED})" if len(rows) > _MOST_ROWS_NAMED else ""
    return ", ".join(map(str, rows[:_MOST_ROWS_NAMED])) + more


NO_JSON_POINT = Fault(
    "entry-no-point",
    template="An entry is no point. Rows: {rows}.",
    mend='Write each as {{"id": "a", "lon": 121.47, "lat": 31.23}}, with nothing else in it.',
)
"""An entry of a JSON document that is something else."""

_NOT_FINITE = Fault(
    "point-not-finite",
    template="lon or lat is not a finite number. Rows: {rows}.",
    mend="Write numbers, or leave both fields empty: a row without coordinates is kept and has no place.",
)
_NOT_A_NUMBER = Fault(
    "point-not-a-number",
    template="lon or lat is not a number. Rows: {rows}.",
    mend="Write degrees with a decimal point, or leave both fields empty: a row without coordinates is kept and has no place.",
)
_HALF_A_POINT = Fault(
    "half-a-point",
    template="Only one of lon and lat is there. Rows: {rows}.",
    mend="Write both, or leave both fields empty: a row without coordinates is kept and has no place.",
)
_OFF_THE_GLOBE = Fault(
    "point-off-the-globe",
    template="The point is not on the globe. Rows: {rows}.",
    mend="Longitudes run from -180 to 180, latitudes from -90 to 90: look whether the two are swapped, or the numbers are metres.",
)
_OUTSIDE_DATUM = Fault(
    "point-outside-its-datum",
    template="The declared datum exists only in mainland China, and the point is elsewhere. Rows: {rows}.",
    mend="Declare the datum that it was measured in, most likely wgs84.",
)
_NO_POINT = Fault("geometry-no-point", template="The geometry is no point. Rows: {rows}.", mend="Give points, one a row.")


def places(file: PointFile, batch: pa.RecordBatch, *, first_row: int, datum: str) -> Places:
    """Where the rows of a batch are, whose first has the number ``first_row``; their coordinates are in ``datum``.

    A row without coordinates (null, or an empty text) has no place. Raises ``BadPoints`` with the numbers of the rows whose
    coordinates are no numbers, not finite, off the globe, not in the datum, or whose geometry is no point; ``UnknownDatum``.
    """
    lons, lats, missing = _from_geometry(file, batch, first_row) if file.geometry else _from_columns(file, batch, first_row)

    for bad, fault in (
        (~(np.isfinite(lons) & np.isfinite(lats)), _NOT_FINITE),
        (faulty_places(lons, lats), _OFF_THE_GLOBE),
        (outside_datum(lons, lats, datum=datum), _OUTSIDE_DATUM),
    ):
        _refuse(file, bad & ~missing, fault, first_row)
    placed = np.flatnonzero(~missing)
    found_lons, found_lats = np.full(len(lons), np.nan), np.full(len(lons), np.nan)
    found_lons[placed], found_lats[placed] = to_wgs84(lons[placed], lats[placed], datum=datum)
    return Places(found_lons, found_lats)


def _refuse(file: PointFile, bad: NDArray[np.bool_], fault: Fault, first_row: int) -> None:
    """Refuse the file when a row is ``bad`` (n,), naming the first of them."""
    rows = (np.flatnonzero(bad) + first_row).tolist()
    if rows:
        raise fault.of(file.name, rows)


def unreadable(name: str, reason: str) -> BadPoints:
    """The refusal of a file that cannot be read."""
    finding = Finding(
        "unreadable-points",
        "The file cannot be read: {reason}",
        "Check that it was copied completely and that its ending says what it is.",
        file=name,
        details={"reason": reason},
    )
    return BadPoints(name, (finding,))


def _from_geometry(file: PointFile, batch: pa.RecordBatch, first_row: int) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    wkb = batch.column(file.geometry).to_numpy(zero_copy_only=False)
    try:
        shapes = shapely.from_wkb(wkb)
    except shapely.errors.ShapelyError as error:
        raise unreadable(file.name, str(error)) from error
    missing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    # Some programs write a point as a multipoint of one.
    alone = (shapely.get_type_id(shapes) == _MULTIPOINT) & (shapely.get_num_geometries(shapes) == 1)
    shapes[alone] = shapely.get_geometry(shapes[alone], 0)
    _refuse(file, ~missing & (shapely.get_type_id(shapes) != _POINT), _NO_POINT, first_row)
    lons, lats = np.full(len(shapes), np.nan), np.full(len(shapes), np.nan)
    lons[~missing], lats[~missing] = shapely.get_x(shapes[~missing]), shapely.get_y(shapes[~missing])
    if file.to_lonlat is not None:
        lons[~missing], lats[~missing] = file.to_lonlat.transform(lons[~missing], lats[~missing])
    return lons, lats, missing


def _from_columns(file: PointFile, batch: pa.RecordBatch, first_row: int) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    columns = [_numbers(file, batch.column(name), first_row) for name in (file.lon, file.lat)]
    empty = [column.is_null().to_numpy(zero_copy_only=False) for column in columns]
    _refuse(file, empty[0] != empty[1], _HALF_A_POINT, first_row)
    lons, lats = (np.array(column.fill_null(0.0)) for column in columns)
    return lons, lats, empty[0]


def _numbers(file: PointFile, column: pa.Array, first_row: int) -> pa.Array:
    """The column as float64; null where it is null or an empty text."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        trimmed = pc.utf8_trim_whitespace(column)
        column = pc.if_else(pc.equal(trimmed, ""), None, trimmed)
    if pa.types.is_boolean(column.type):
        _refuse(file, np.array(column.is_valid()), _NOT_A_NUMBER, first_row)
    try:
        return column.cast(pa.float64(), safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        _refuse(file, np.array([not _is_number(one) for one in column]), _NOT_A_NUMBER, first_row)
        raise


def _is_number(value: pa.Scalar) -> bool:
    try:
        value.cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    return True
