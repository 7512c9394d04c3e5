"""Special units (专属): buildings, parks, markets, schools with an owner of their own, laid over the partition; they may overlap.

Which of them holds a point is what GEOS says of the same polygons, and a point on a border counts as inside. Of several the smaller
comes first, then the one with the lower code (DOMAIN.md §6).

Several threads may ask the same units at once. GEOS builds the index of a prepared geometry when it is first asked, without a lock, so
no polygon here is prepared: of one with a hundred corners that costs a microsecond.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from grids import raster_index
from grids.arrangement import Positions
from grids.measure import Floats, Geometries
from grids.raster_index import RasterIndex

_MANY = 50_000
"""So many points at once are worth a raster of the units, which takes seconds to build for thousands of them."""


@dataclass(frozen=True)
class SpecialUnits:
    """The special units (u,) of one edition in the order of their codes; polygons in EPSG:4326, sizes in square metres.

    Polygons that come prepared are copied, so that their prepared indexes are not used here.
    """

    polygons: Geometries
    areas_m2: Floats
    _rasters: dict[bytes, RasterIndex] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if shapely.is_prepared(self.polygons).any():
            object.__setattr__(self, "polygons", np.asarray(shapely.from_wkb(shapely.to_wkb(self.polygons)), dtype=object))
        # GEOS notes the box of a polygon of several parts when it is first asked for it: now, before threads share it.
        shapely.bounds(self.polygons)

    def __reduce__(self) -> Any:
        # What is made on demand stays behind.
        return SpecialUnits, (self.polygons, self.areas_m2)

    @cached_property
    def order(self) -> Positions:
        """Positions (u,) in the order of precedence: the smaller first, of equal ones the lower code."""
        return np.argsort(self.areas_m2, kind="stable")

    @cached_property
    def _rank(self) -> Positions:
        rank = np.empty(len(self.order), dtype=np.int64)
        rank[self.order] = np.arange(len(self.order))
        return rank

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.polygons)

    def _raster_of(self, kept: Positions) -> RasterIndex:
        """The raster of some units; the last one stays for the next points."""
        key = kept.tobytes()
        raster = self._rasters.get(key)
        if raster is None:
            # Two threads may both build it: the same raster twice, the one of them stays.
            raster = raster_index.build(self.polygons[kept])
            self._rasters.clear()
            self._rasters[key] = raster
        return raster

    def holding(self, lon: float, lat: float) -> tuple[int, ...]:
        """The positions of all units that hold or touch a point in EPSG:4326, in the order of precedence."""
        if len(self.polygons) == 0:
            return ()
        near = self._tree.query(shapely.box(lon, lat, lon, lat))
        held = near[shapely.intersects_xy(self.polygons[near], lon, lat)] if len(near) else near
        return tuple(held[np.argsort(self._rank[held])].tolist())

    def first(self, lons: Floats, lats: Floats, *, among: NDArray[np.bool_] | None = None) -> Positions:
        """For each point (n,) the unit with precedence over all others that hold it, -1 for none. Only units marked in ``among``
        (u,) are looked at: those that answer. A point without finite coordinates is in none."""
        found = np.full(len(lons), -1, dtype=np.int64)
        kept = self.order if among is None else self.order[among[self.order]]
        placed = np.flatnonzero(np.isfinite(lons) & np.isfinite(lats))
        if len(kept) == 0 or len(placed) == 0:
            return found
        xs, ys = lons[placed], lats[placed]
        if kept.tobytes() in self._rasters or len(placed) >= _MANY:
            # The raster names the lowest position of those that hold a point: here the first in the order of precedence.
            held, _ = self._raster_of(kept).find(xs, ys)
            found[placed] = np.where(held >= 0, kept[np.maximum(held, 0)], -1)
            return found
        # The other way round than for one point: the tree holds the points, so that each polygon is asked once, prepared for that.
        points: Geometries = np.asarray(shapely.points(xs, ys))
        tree = shapely.STRtree(points)
        for unit in kept[::-1].tolist():
            found[placed[tree.query(self.polygons[unit], predicate="intersects")]] = unit
        return found
