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
    def _sides(self) -> Sides:
        return Sides.of_faces(self.faces)

    def left_and_right(self, lines: Geometries) -> tuple[Positions, Positions, Positions, Floats]:
        """The faces along lines that run over edges of the arrangement.

        For every step between two vertices of a line: the line's position, the face on the left, the face on the right
        and the step's length in metres. -1 where a step bounds no face on that side, as inside a face or outside all.
        """
        steps = Steps.of(lines)
        return steps.owner, self._sides.left_of(steps.starts, steps.ends), self._sides.left_of(steps.ends, steps.starts), steps.lengths_m


@dataclass(frozen=True)
class Steps:
    """The steps (k,) between the vertices of lines: coordinates (k, 2) of their ends, and the position of each one's line."""

    owner: Positions
    starts: Floats
    ends: Floats

    @classmethod
    def of(cls, lines: Geometries) -> Steps:
        """The steps of ``lines`` in their order; None and empty lines have none."""
        coordinates, owner = shapely.get_coordinates(lines, return_index=True)
        within = owner[1:] == owner[:-1]
        return cls(owner[:-1][within].astype(np.int64), coordinates[:-1][within], coordinates[1:][within])

    @property
    def lengths_m(self) -> Floats:
        """How long each step is in the plane of its coordinates."""
        lengths: Floats = np.hypot(*(self.ends - self.starts).T)
        return lengths

    def as_lines(self) -> Geometries:
        """Each step as a line of two vertices."""
        return np.asarray(shapely.linestrings(np.stack([self.starts, self.ends], axis=1)), dtype=object)


@dataclass(frozen=True)
class Sides:
    """Directed steps, sorted, each with what lies on its left."""

    vertices: NDArray[np.complex128]
    keys: Positions
    on_left: Positions

    @classmethod
    def of(cls, starts: Floats, ends: Floats, on_left: Positions) -> Sides:
        """The steps from ``starts`` (k, 2) to ``ends`` (k, 2) with what is on the left of each (k,)."""
        vertices, at = np.unique(_as_complex(np.concatenate([starts, ends])), return_inverse=True)
        at = at.reshape(-1).astype(np.int64)
        keys = at[: len(starts)] * len(vertices) + at[len(starts) :]
        order = np.argsort(keys, kind="stable")
        return cls(vertices, keys[order], on_left[order].astype(np.int64))

    @classmethod
    def of_faces(cls, faces: Geometries) -> Sides:
        """The steps of faces, whose outer rings are turned counter-clockwise and inner rings clockwise."""
        parts, face_of_part = shapely.get_parts(faces, return_index=True)
        rings, part_of_ring = shapely.get_rings(shapely.orient_polygons(parts), return_index=True)
        steps = Steps.of(rings)
        return cls.of(steps.starts, steps.ends, face_of_part[part_of_ring[steps.owner]])

    def left_of(self, starts: Floats, ends: Floats) -> Positions:
        """What lies on the left of the steps from ``starts`` (k, 2) to ``ends`` (k, 2); -1 for a step that is not known."""
        start_at, start_known = self._find_vertex(starts)
        end_at, end_known = self._find_vertex(ends)
        if len(self.keys) == 0:
            return np.full(len(starts), -1, dtype=np.int64)
        wanted = start_at * len(self.vertices) + end_at
        at = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(start_known & end_known & (self.keys[at] == wanted), self.on_left[at], -1)

    def _find_vertex(self, coordinates: Floats) -> tuple[Positions, NDArray[np.bool_]]:
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


def _as_complex(coordinates: Floats) -> NDArray[np.complex128]:
    # One sortable number a vertex; -0.0 and 0.0 must be the same vertex.
    return (coordinates[:, 0] + 0.0) + 1j * (coordinates[:, 1] + 0.0)
