"""Special units (专属): buildings, parks, markets, schools with an owner of their own, laid over the partition; they may overlap.

Which of them holds a point is what GEOS says of the same polygons, and a point on a border counts as inside. Of several the smaller
comes first, then the one with the lower code (DOMAIN.md §6).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from grids.arrangement import Positions
from grids.measure import Floats, Geometries


@dataclass(frozen=True)
class SpecialUnits:
    """The special units (u,) of one edition in the order of their codes; polygons in EPSG:4326, sizes in square metres."""

    polygons: Geometries
    areas_m2: Floats

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
        shapely.prepare(self.polygons)
        return shapely.STRtree(self.polygons)

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
        kept = np.arange(len(self.polygons)) if among is None else np.flatnonzero(among)
        placed = np.flatnonzero(np.isfinite(lons) & np.isfinite(lats))
        if len(kept) == 0 or len(placed) == 0:
            return found
        # The other way round than for one point: the tree holds the points, so that each polygon is asked once, prepared.
        points: Geometries = np.asarray(shapely.points(lons[placed], lats[placed]))
        tree = shapely.STRtree(points)
        for unit in kept[np.argsort(-self._rank[kept])].tolist():
            found[placed[tree.query(self.polygons[unit], predicate="intersects")]] = unit
        return found
