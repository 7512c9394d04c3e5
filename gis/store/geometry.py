"""Geometry and objects between rows and arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray


def objects(values: Iterable[Any]) -> NDArray[np.object_]:
    """The values as a one-dimensional object array, whatever they are (numpy would unpack lists and geometries)."""
    held = list(values)
    array = np.empty(len(held), dtype=object)
    array[:] = held
    return array


def geometries(wkb: Sequence[bytes | memoryview | None]) -> NDArray[np.object_]:
    """Geometries from WKB as the database gives it; None stays None."""
    return np.asarray(shapely.from_wkb(objects(None if one is None else bytes(one) for one in wkb)), dtype=object)


def ewkb_of(wkb: NDArray[np.object_]) -> NDArray[np.object_]:
    """WKB in EPSG:4326 (n,) as the hexadecimal EWKB that COPY takes, without making a geometry of any; None stays None.

    A little-endian WKB becomes EWKB by one bit of its type and four bytes of SRID (PostGIS manual, "OGC EWKB").
    """
    head = b"\xe6\x10\x00\x00"
    return objects(None if one is None else (one[:4] + b"\x20" + head + one[5:]).hex() for one in wkb.tolist())


def points_wkb(lons: NDArray[np.float64], lats: NDArray[np.float64], *, for_copy: bool = False) -> pa.Array:
    """Points in EPSG:4326 (n,) as WKB, or ``for_copy`` as the hexadecimal EWKB that COPY takes; null where a coordinate is NaN."""
    srid = [("srid", "<u4")] if for_copy else []
    points = np.zeros(len(lons), dtype=[("order", "u1"), ("kind", "<u4"), *srid, ("x", "<f8"), ("y", "<f8")])
    points["order"], points["kind"], points["x"], points["y"] = 1, 1, lons, lats
    if for_copy:
        points["kind"], points["srid"] = 0x20000001, 4326
    written, width = points.tobytes(), points.itemsize
    if for_copy:
        written, width = written.hex().encode("ascii"), 2 * width
    column = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(points), [None, pa.py_buffer(written)]).cast(pa.binary())
    return pc.if_else(pa.array(np.isnan(lons) | np.isnan(lats)), None, column.cast(pa.string()) if for_copy else column)
