"""Who answers for the points of a GeoDataFrame: for notebooks, where the points are in memory already."""

from __future__ import annotations

from typing import Any

import geopandas
import numpy as np
import pyarrow as pa
import shapely

from gis.assigning import COLUMNS, Assigner
from gis.assigning_files import require_axes
from gis.errors import ColumnsTaken
from gis.point_files import ROWS_AT_ONCE, points_of_frame
from gis.point_rows import places
from gis.threads import in_order
from grids.datum import DATUMS
from grids.errors import UnknownDatum


def assign_frame(
    frame: geopandas.GeoDataFrame, asked: Assigner, *, datum: str, threads: int = 1, prefix: str = ""
) -> geopandas.GeoDataFrame:
    """The frame with the columns of ``gis.assigning.COLUMNS``, their names after ``prefix``; index, columns and geometry stay.

    The geometry is points in the frame's CRS, whose coordinates are measured from ``datum``; a missing or empty one has no place.
    Raises ``BadPoints`` with the positions (from 1) of rows that cannot be placed, ``ColumnsTaken``, ``UnknownDatum``, and
    ``AxesSwapped``.
    """
    if datum not in DATUMS:
        raise UnknownDatum(datum)
    names = [prefix + name for name in COLUMNS.names]
    taken = sorted({*names} & {*map(str, frame.columns)})
    if taken:
        raise ColumnsTaken("GeoDataFrame", ", ".join(taken))
    file = points_of_frame(frame)

    def work(first: int) -> pa.RecordBatch:
        wkb = shapely.to_wkb(np.asarray(frame.geometry.iloc[first : first + ROWS_AT_ONCE], dtype=object))
        batch = pa.RecordBatch.from_arrays([pa.array(wkb, pa.binary())], names=["geometry"])
        at = places(file, batch, first_row=first + 1, datum=datum)
        found = asked.answers(at.lons, at.lats)
        require_axes(file, asked, at, found)
        return found

    found = pa.Table.from_batches(in_order(range(0, len(frame), ROWS_AT_ONCE), work, threads=threads), schema=COLUMNS)
    answers: dict[str, Any] = {name: column.to_pandas().to_numpy() for name, column in zip(names, found.columns, strict=True)}
    return frame.assign(**answers)
