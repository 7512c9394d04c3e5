"""Metres and square metres.

Lengths and areas of the world are geodesic, on the WGS 84 ellipsoid. Constructions that need a plane (noding,
offsets, nearest street) use the city's one metric CRS, and only inside its area of use.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Geod, Transformer

from grids.errors import OutsideItsArea

Geometries = NDArray[np.object_]
Floats = NDArray[np.float64]
_GEOD = Geod(ellps="WGS84")
_E = float(np.sqrt(_GEOD.es))


@dataclass(frozen=True)
class Plane:
    """A city's metric CRS: the plane in which its geometry is constructed.

    ``crs`` is a projected CRS in metres, by its EPSG name. Geometry outside is lon, lat in EPSG:4326; inside it is
    easting, northing in metres, whatever axis order the CRS's own definition has.
    """

    crs: str

    @cached_property
    def _there(self) -> Transformer:
        return _transformer("EPSG:4326", self.crs)

    @cached_property
    def _back(self) -> Transformer:
        return _transformer(self.crs, "EPSG:4326")

    def to_metres(self, geometries: Any) -> Any:
        """The geometry (or array of geometries) in metres; None stays None, empty stays empty."""
        return _transform(geometries, self._there)

    def to_lonlat(self, geometries: Any) -> Any:
        """The geometry (or array of geometries) in EPSG:4326, lon first."""
        return _transform(geometries, self._back)

    def points_to_metres(self, lons: Floats, lats: Floats) -> tuple[Floats, Floats]:
        """Coordinates (n,) in degrees to eastings and northings (n,) in metres; NaN gives inf."""
        eastings, northings = self._there.transform(lons, lats)
        return np.asarray(eastings), np.asarray(northings)

    def point_to_metres(self, lon: float, lat: float) -> tuple[float, float]:
        """What ``points_to_metres`` says of one point."""
        easting, northing = self._there.transform(lon, lat)
        return easting, northing

    def require_inside(self, bounds: tuple[float, float, float, float]) -> None:
        """Refuse (``OutsideItsArea``) when west, south, east, north leaves the CRS's area of use.

        A CRS without a stated area of use is taken at its word.
        """
        area = CRS.from_user_input(self.crs).area_of_use
        if area is None:
            return
        west, south, east, north = bounds
        if west < area.west or south < area.south or east > area.east or north > area.north:
            spans = f"{west:.3f}, {south:.3f}, {east:.3f}, {north:.3f}"
            allowed = f"{area.west}, {area.south}, {area.east}, {area.north}"
            raise OutsideItsArea(self.crs, spans, allowed, area.name)


@cache
def _transformer(source: str, target: str) -> Transformer:
    # Looking a CRS up takes PROJ ten milliseconds, and a city is drawn in hundreds of parts.
    return Transformer.from_crs(source, target, always_xy=True)


def with_short_edges(geometries: Geometries) -> Geometries:
    """Geometries in EPSG:4326 with edges of at most 0.001 degrees (about 100 m), along the same straight lines in lon, lat.

    An edge that is straight in degrees is bent in a plane; projected by its two ends alone it would cut corners.
    """
    dense = geometries.copy()
    long = shapely.length(geometries) > 0  # GEOS refuses to divide a line without length
    dense[long] = shapely.segmentize(geometries[long], 0.001)
    return dense


def areas_m2(polygons: Geometries) -> Floats:
    """Geodesic areas (n,) of polygons in EPSG:4326; 0 for empty ones, NaN for None.

    Measured in the cylindrical equal-area projection of the ellipsoid (Snyder, Map Projections: A Working Manual, eq. 3-12),
    which is exact up to the bend of each edge: below 1e-6 relative for edges under a kilometre, as tests compare with PROJ's
    geodesics.
    """
    return np.abs(shapely.area(shapely.transform(polygons, _equal_area)))


def ring_areas_m2(rings: Floats) -> Floats:
    """Geodesic areas (n,) of rings of m points (n, m, 2) in EPSG:4326, the first point again at the end; exact as ``areas_m2``."""
    plane = _equal_area(rings.reshape(-1, 2)).reshape(rings.shape)
    # From the first corner: far from the origin the products would lose what is measured.
    x, y = np.moveaxis(plane - plane[:, :1], 2, 0)
    areas: Floats = np.abs((x[:, :-1] * y[:, 1:] - x[:, 1:] * y[:, :-1]).sum(axis=1)) / 2
    return areas


def _equal_area(lonlat: Floats) -> Floats:
    sine = np.sin(np.radians(lonlat[:, 1]))
    flattened = (1 - _GEOD.es) * (sine / (1 - _GEOD.es * sine**2) + np.arctanh(_E * sine) / _E) / 2
    projected: Floats = _GEOD.a * np.stack([np.radians(lonlat[:, 0]), flattened], axis=1)
    return projected


def lengths_m(lines: Geometries) -> Floats:
    """Geodesic lengths (n,) of linestrings in EPSG:4326; 0 for empty ones and None."""
    coordinates, owners = shapely.get_coordinates(lines, return_index=True)
    same = owners[1:] == owners[:-1]
    starts, ends = coordinates[:-1][same], coordinates[1:][same]
    if len(starts) == 0:
        return np.zeros(len(lines))
    _, _, steps_m = _GEOD.inv(starts[:, 0], starts[:, 1], ends[:, 0], ends[:, 1])
    return np.bincount(owners[:-1][same], weights=np.asarray(steps_m), minlength=len(lines)).astype(np.float64)


def _transform(geometries: Any, transformer: Transformer) -> Any:
    def move(coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack(transformer.transform(coordinates[:, 0], coordinates[:, 1]), axis=1)

    return shapely.transform(geometries, move)
