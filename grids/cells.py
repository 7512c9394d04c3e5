"""H3 cells as uint64 arrays: the index in which the city is aggregated, cached and searched for what is near.

A cell is never a legal unit: polygons decide who answers (DESIGN: H3 is an index). All coordinates are EPSG:4326.
"""

from __future__ import annotations

import h3.api.basic_int as h3
import h3ronpy
import h3ronpy.vector
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from grids.measure import Floats, Geometries, Plane, areas_m2, ring_areas_m2

Cells = NDArray[np.uint64]
_AT_ONCE = 100_000

_HEXAGON = np.dtype([("head", "u1", 13), ("ring", "<f8", (7, 2))])
"""The little-endian WKB of a polygon with one ring of six corners, the first one twice (OGC 06-103r4, 8.2)."""

_SURE = 1e-6
"""A share of a cell that is reckoned from the others is believed down to here; a smaller one might be nothing but rounding."""


def covering(polygons: Geometries, resolution: int) -> Cells:
    """The cells (m,) that share any point with the polygons, ascending, each once; empty for no polygons.

    Cover by overlap, not by centre: with centres a city's rim would have places without a cell.
    """
    shapes = [polygon for polygon in polygons if polygon is not None and not polygon.is_empty]
    if not shapes:
        return np.empty(0, dtype=np.uint64)
    covers = h3ronpy.vector.ContainmentMode.Covers
    found = h3ronpy.vector.wkb_to_cells(shapely.to_wkb(shapes).tolist(), resolution, containment_mode=covers, flatten=True)
    return np.unique(np.asarray(found, dtype=np.uint64))


def of_points(lons: Floats, lats: Floats, resolution: int) -> Cells:
    """The cell (n,) of each point; 0, which is no cell, where a coordinate is not finite."""
    finite = np.isfinite(lons) & np.isfinite(lats)
    cells = np.zeros(len(lons), dtype=np.uint64)
    if finite.any():
        cells[finite] = np.asarray(h3ronpy.vector.coordinates_to_cells(lats[finite], lons[finite], resolution))
    return cells


def of_point(lon: float, lat: float, resolution: int) -> int:
    """What ``of_points`` says of one point with finite coordinates, fifty times as fast as by an array of one."""
    cell: int = h3.latlng_to_cell(lat, lon, resolution)
    return cell


def outlines(cells: Cells) -> Geometries:
    """The outlines (n,) of the cells as polygons, lon first."""
    polygons: Geometries = shapely.from_wkb(outlines_wkb(cells))
    return polygons


def outlines_wkb(cells: Cells) -> NDArray[np.object_]:
    """The outlines (n,) of the cells as WKB: bytes in an object array, lon first."""
    if len(cells) == 0:
        return np.empty(0, dtype=object)
    return np.asarray(h3ronpy.vector.cells_to_wkb_polygons(cells), dtype=object)


def areas_m2_of(cells: Cells) -> Floats:
    """The geodesic area (n,) of each cell's outline."""
    return np.concatenate([_areas_m2_of(some) for some in np.array_split(cells, len(cells) // _AT_ONCE + 1)])


def _areas_m2_of(cells: Cells) -> Floats:
    """The same for some cells: nearly all are hexagons whose WKB has one length, so that all are measured at once."""
    wkb = outlines_wkb(cells)
    found = np.empty(len(cells))
    usual = np.array([len(one) == _HEXAGON.itemsize for one in wkb], dtype=np.bool_)
    found[usual] = ring_areas_m2(np.frombuffer(b"".join(wkb[usual]), dtype=_HEXAGON)["ring"])
    found[~usual] = areas_m2(np.asarray(shapely.from_wkb(wkb[~usual]), dtype=object))
    return found


def parents(cells: Cells, resolution: int) -> Cells:
    """The ancestor (n,) of each cell at a coarser ``resolution``. Ancestors do not contain their descendants' outlines: sum by index."""
    if len(cells) == 0:
        return np.empty(0, dtype=np.uint64)
    return np.asarray(h3ronpy.change_resolution(cells, resolution), dtype=np.uint64)


def texts(cells: Cells) -> pa.Array:
    """The cells (n,) as the hexadecimal texts that travel outside, null for 0."""
    # Sixteen digits each, of which the first is always 0: the highest bit of an H3 index is reserved, its mode is below 8.
    digits = np.frombuffer(cells.astype(">u8").tobytes().hex().encode("ascii"), dtype="u1").reshape(-1, 16)[:, 1:]
    offsets = np.arange(len(cells) + 1, dtype=np.int32) * 15
    written = pa.StringArray.from_buffers(len(cells), pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(digits)))
    return pc.if_else(pa.array(cells != 0), written, None)


def shares(cells: Cells, units: Geometries, plane: Plane, *, areas: Geometries) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Which share of each cell lies in each unit.

    ``units`` are polygons in metres in ``plane`` that do not overlap, ``areas`` unions of them that may be any.
    Returns the cell's position, the unit's position and the share in (0, 1], sorted by cell then unit; units that only touch a cell
    are left out. The shares of a cell that lies wholly inside the units add up to 1 but for rounding in the last places.
    """
    hexagons = plane.to_metres(outlines(cells))
    if len(hexagons) == 0 or len(units) == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0)
    cell_at, unit_at = shapely.STRtree(units).query(hexagons, predicate="intersects")
    share = np.full(len(cell_at), np.nan)
    share[shapely.contains_properly(units[unit_at], hexagons[cell_at])] = 1.0
    rest = _left_to_the_rest(hexagons, cell_at, units[unit_at], cut=np.isnan(share), areas=areas)

    def measure(some: NDArray[np.int64]) -> None:
        pieces = shapely.intersection(hexagons[cell_at[some]], units[unit_at[some]])
        share[some] = shapely.area(pieces) / shapely.area(hexagons[cell_at[some]])

    measure(np.setdiff1d(np.flatnonzero(np.isnan(share)), rest))
    share[rest] = 1.0 - np.bincount(cell_at, weights=np.nan_to_num(share), minlength=len(cells))[cell_at[rest]]
    measure(rest[share[rest] < _SURE])
    kept = np.flatnonzero(share > 0)
    order = kept[np.lexsort((unit_at[kept], cell_at[kept]))]
    return cell_at[order], unit_at[order], np.minimum(share[order], 1.0)


def _left_to_the_rest(
    hexagons: Geometries, cell_at: NDArray[np.int64], units: Geometries, *, cut: NDArray[np.bool_], areas: Geometries
) -> NDArray[np.int64]:
    """Of the pairs of a cell and a unit that cut each other, that with the most vertices of each cell that lies inside one of the
    areas: its share is what the others leave, so that the dearest intersection need not be made."""
    whole = np.zeros(len(hexagons), dtype=np.bool_)
    whole[shapely.STRtree(hexagons).query(areas, predicate="contains_properly")[1]] = True
    pairs = np.flatnonzero(cut & whole[cell_at])
    dearest_last = pairs[np.lexsort((shapely.get_num_coordinates(units[pairs]), cell_at[pairs]))]
    dearest: NDArray[np.int64] = dearest_last[np.diff(cell_at[dearest_last], append=-1) != 0]
    return dearest


def feature_ids(cells: Cells) -> NDArray[np.int64]:
    """A stable integer (n,) below 2^53 for each cell: its resolution, base cell and digits, packed.

    An H3 index has 64 bits, JavaScript's integers 53. The 45 digit bits with unused digits dropped, the base cell
    (7 bits) and the resolution (4 bits) need at most 11 + 3 * resolution bits: 53 for resolution 14.
    """
    resolution = (cells >> np.uint64(52)) & np.uint64(15)
    base_and_digits = cells & np.uint64((1 << 52) - 1)
    packed = base_and_digits >> (np.uint64(3) * (np.uint64(15) - resolution))
    return ((packed << np.uint64(4)) | resolution).astype(np.int64)
