"""An edition: one dated plan of the city, from the ladder of areas down to street units, cells and duty grids.

This module holds the values. `grids/dividing.py` draws them from a city's ground; `gis/store/editions.py` keeps them.
Unless a name says otherwise geometry is EPSG:4326, lon first, and lengths and areas are geodesic.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from grids.arrangement import Positions
from grids.blocks import BlockRules
from grids.cells import Cells
from grids.measure import Floats, Geometries
from grids.unit_codes import Codes

LEFT, RIGHT = 0, 1
"""The sides of a segment, seen in the direction of digitising."""

Names = dict[str, str]
Texts = NDArray[np.object_]


@dataclass(frozen=True)
class Level:
    """One rung of the ladder; rank 0 is the city, the highest rank the lowest level."""

    key: str
    rank: int
    kind: Literal["area", "duty_grid"]
    names: Names = field(default_factory=dict)


@dataclass(frozen=True)
class SourceAreas:
    """The areas (n,) of one level as a city gives them; ``parents`` holds codes of the level above, None to find by place.

    ``polygons`` is None for a level that is derived as the union of the areas below; its codes are those the children name.
    """

    level: Level
    codes: Codes
    parents: Texts
    names: Texts
    polygons: Geometries | None


@dataclass(frozen=True)
class GivenUnits:
    """Blocks or duty grids (n,) that a city has already: kept with their codes, names, polygons and first day, as ISO text or None."""

    codes: Codes
    names: Texts
    polygons: Geometries
    valid_from: Texts


@dataclass(frozen=True)
class City:
    """What a city is divided from. Geometry is EPSG:4326; ``levels`` run from the city down to the lowest areas.

    ``given_blocks`` and ``given_grids`` are what the city has already; the program draws what is None.
    """

    crs: str
    cell_resolution: int
    levels: tuple[SourceAreas, ...]
    streets: Geometries
    street_names: Texts
    street_classes: Texts
    barriers: Geometries
    built_up: Geometries | None
    rules: BlockRules
    given_blocks: GivenUnits | None = None
    given_grids: GivenUnits | None = None


@dataclass(frozen=True)
class Faces:
    """Which block each part of a segment's side faces; sorted by segment, side and distance.

    ``side`` is 0 for left and 1 for right in the direction of digitising; ``from_m`` and ``to_m`` count along the
    segment in the plane; ``block`` is -1 outside the city.
    """

    segment: Positions
    side: Positions
    block: Positions
    from_m: Floats
    to_m: Floats


@dataclass(frozen=True)
class Areas:
    """All areas (n,) of an edition, the city first, each the union of its blocks.

    ``parent`` is the position of the area above, -1 for the city. ``source_difference_m2`` is how much ground the area and
    its source polygon do not share, NaN where there is no source polygon.
    """

    rank: Positions
    codes: Codes
    names: Texts
    parent: Positions
    polygons: Geometries
    areas_m2: Floats
    source_difference_m2: Floats


@dataclass(frozen=True)
class BlockUnits:
    """The blocks (b,) with their codes, ascending; ``area`` is the position of the lowest area each lies in.

    ``given`` says that the city has them already, then ``valid_from`` is the first day it says, as ISO text or None.
    """

    codes: Codes
    area: Positions
    polygons: Geometries
    areas_m2: Floats
    built_up: NDArray[np.bool_]
    valid_from: Texts
    given: bool


@dataclass(frozen=True)
class SegmentUnits:
    """The segments (s,) with their codes, ascending; ``faces`` says which block each part of a side faces."""

    codes: Codes
    left_codes: Codes
    right_codes: Codes
    names: Texts
    road_classes: Texts
    area: Positions
    lines: Geometries
    lengths_m: Floats
    orphans: NDArray[np.bool_]
    faces: Faces


@dataclass(frozen=True)
class CellUnits:
    """The cells of every resolution kept, and the crosswalk of the finest: which share of a cell lies in which block.

    ``inside_share`` is the part of the cell inside the city, for parents the mean over the children. ``shared_cell`` is a
    position among ``cells``. Outlines follow from the cells (`grids/cells.py`): a megacity's would fill half a gigabyte.
    """

    cells: Cells
    resolution: Positions
    inside_share: Floats
    areas_m2: Floats
    shared_cell: Positions
    shared_block: Positions
    share: Floats


@dataclass(frozen=True)
class DutyGrids:
    """The duty grids (g,), each a set of whole blocks; ``area`` is the lowest area that holds all of them.

    ``grid_of_block`` (b,) is the grid of each block; ``given`` and ``valid_from`` as for blocks.
    """

    codes: Codes
    names: Texts
    area: Positions
    polygons: Geometries
    grid_of_block: Positions
    valid_from: Texts
    given: bool


@dataclass(frozen=True)
class Plan:
    """Everything of one edition but its owners and dates."""

    levels: tuple[Level, ...]
    areas: Areas
    blocks: BlockUnits
    segments: SegmentUnits
    cells: CellUnits
    duty_grids: DutyGrids
    quality: dict[str, Any]
