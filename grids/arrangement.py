"""A planar arrangement: lines noded on a fixed grid, the faces they bound, and which face lies on each side of an edge.

Noding everything at once is what makes a partition exact: two faces that meet share every vertex of their common
border, so nothing can lie between them and nothing twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from grids.measure import Floats, Geometries

Positions = NDArray[np.int64]
GRID_M = 0.01
"""Vertices are kept on a grid of one centimetre: far below any survey of streets, far above rounding errors."""

LONGEST_EDGE_M = 100.0
"""Longer edges are divided before noding, so that an edge straight in the plane is straight within 1 mm in lon, lat too."""


@dataclass(frozen=True)
class Arrangement:
    """Edges (m,) and faces (f,) in metres, all vertices on the grid; faces are valid polygons that tile without overlap."""

    edges: Geometries
    faces: Geometries

    @cached_property
    def _sides(self) -> _Sides:
        return _Sides.of(self.faces)

    def left_and_right(self, lines: Geometries) -> tuple[Positions, Positions, Positions, Floats]:
        """The faces along lines that run over edges of the arrangement.

        For every step between two vertices of a line: the line's position, the face on the left, the face on the right
        and the step's length in metres. -1 where a step bounds no face on that side, as inside a face or outside all.
        """
        coordinates, owner = shapely.get_coordinates(lines, return_index=True)
        within = owner[1:] == owner[:-1]
        starts, ends = coordinates[:-1][within], coordinates[1:][within]
        lengths_m = np.hypot(*(ends - starts).T)
        return owner[:-1][within], self._sides.face_left_of(starts, ends), self._sides.face_left_of(ends, starts), lengths_m


@dataclass(frozen=True)
class _Sides:
    """Directed steps of all face rings, sorted, each with the face that lies on its left."""

    vertices: NDArray[np.complex128]
    keys: Positions
    faces: Positions

    @classmethod
    def of(cls, faces: Geometries) -> _Sides:
        """The steps of ``faces``, whose outer rings are turned counter-clockwise and inner rings clockwise."""
        parts, face_of_part = shapely.get_parts(faces, return_index=True)
        rings, part_of_ring = shapely.get_rings(shapely.orient_polygons(parts), return_index=True)
        coordinates, ring = shapely.get_coordinates(rings, return_index=True)
        points = _as_complex(coordinates)
        vertices, at = np.unique(points, return_inverse=True)
        within = ring[1:] == ring[:-1]
        keys = at[:-1][within].astype(np.int64) * len(vertices) + at[1:][within]
        order = np.argsort(keys)
        return cls(vertices, keys[order], face_of_part[part_of_ring[ring[:-1][within]]][order].astype(np.int64))

    def face_left_of(self, starts: NDArray[np.float64], ends: NDArray[np.float64]) -> Positions:
        start_at, start_known = self._find_vertex(starts)
        end_at, end_known = self._find_vertex(ends)
        wanted = start_at * len(self.vertices) + end_at
        at = np.minimum(np.searchsorted(self.keys, wanted), max(len(self.keys) - 1, 0))
        known = start_known & end_known & (len(self.keys) > 0)
        if len(self.keys):
            known &= self.keys[at] == wanted
        return np.where(known, self.faces[at] if len(self.keys) else -1, -1)

    def _find_vertex(self, coordinates: NDArray[np.float64]) -> tuple[Positions, NDArray[np.bool_]]:
        points = _as_complex(coordinates)
        if len(self.vertices) == 0:
            return np.zeros(len(points), dtype=np.int64), np.zeros(len(points), dtype=np.bool_)
        at = np.minimum(np.searchsorted(self.vertices, points), len(self.vertices) - 1)
        return at.astype(np.int64), self.vertices[at] == points


def arrange(lines: Geometries) -> Arrangement:
    """The arrangement of lines given in metres. Lines without length and None are passed over; no lines give no faces."""
    present = lines[shapely.length(lines) > 0]
    if len(present) == 0:
        return Arrangement(np.empty(0, dtype=object), np.empty(0, dtype=object))
    noded = shapely.union_all(shapely.segmentize(present, LONGEST_EDGE_M), grid_size=GRID_M)
    edges = shapely.get_parts(noded)
    return Arrangement(edges, shapely.get_parts(shapely.polygonize(edges)))


def _as_complex(coordinates: NDArray[np.float64]) -> NDArray[np.complex128]:
    # One sortable number a vertex; -0.0 and 0.0 must be the same vertex.
    return (coordinates[:, 0] + 0.0) + 1j * (coordinates[:, 1] + 0.0)
