"""Parts: what of a city can be divided on its own. A part is the ground of one area above the lowest, a street/town, or of a
piece of it.

Each part is drawn by itself, in any order and in any process; parts that know the same lines near their common border draw
that border alike, vertex by vertex (see ``draw_blocks``). Two rounds: every part says where its large blocks must be cut,
then every part is drawn with its own cuts and those of its neighbours, for a cut that ends on a border moves it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from grids import cells as cell_index
from grids import unit_codes
from grids.arrangement import Positions
from grids.blocks import BlockRules, Blocks, Ground, cuts_of_large_blocks, draw_blocks
from grids.cells import Cells
from grids.edition import City, GivenUnits
from grids.measure import Floats, Geometries, Plane, with_short_edges
from grids.seamless import seamless
from grids.segments import StreetEdges, street_edges
from grids.unit_codes import Codes

MOST_AREAS = 100
"""An area above the lowest with more lowest areas than this is several parts: each a piece of it, halved where it is longest."""

CONTEXT_M = 2.0
"""How far beyond its own ground a part knows the lines: more than a street's side, a stub or a cut ever reaches."""


@dataclass(frozen=True)
class Part:
    """All that the drawing of one part depends on: the same part always gives the same blocks.

    ``ground`` is in metres; ``areas`` (a,) and ``streets`` (s,) are the city's positions of its areas and streets,
    ``area_codes`` (a,) their codes; ``neighbours`` are the positions of the parts that share a border with it.
    """

    crs: str
    cell_resolution: int
    rules: BlockRules
    ground: Ground
    areas: Positions
    area_codes: Codes
    streets: Positions
    neighbours: Positions


@dataclass(frozen=True)
class Drawn:
    """A drawn part. Blocks (b,) with code, lowest area, polygon in EPSG:4326 and whether built up; areas (k,) as the unions of
    their blocks; the streets' edges in metres; which share of which cell lies in which block (x,).

    Blocks are counted within the part, and so are areas and streets until ``placed`` puts the city's positions there.
    """

    codes: Codes
    area: Positions
    polygons: Geometries
    built_up: NDArray[np.bool_]
    united: Positions
    united_polygons: Geometries
    edges: StreetEdges
    shared_cell: Cells
    shared_block: Positions
    share: Floats


Draw = Callable[[Sequence[Part]], list[Drawn]]
"""How the parts of a city are drawn and placed: ``draw_here`` one after the other, or on several processes."""


def draw_here(parts: Sequence[Part]) -> list[Drawn]:
    """Draw the parts one after the other in this process."""
    cuts = [cuts_in(part) for part in parts]
    return [placed(part, draw(part, cuts_near(part, at, cuts))) for at, part in enumerate(parts)]


def placed(part: Part, drawn: Drawn) -> Drawn:
    """The drawn part with the city's positions of its areas and streets instead of its own."""
    beside = np.sort(np.append(part.areas, -1)[drawn.edges.beside], axis=1)
    edges = replace(drawn.edges, street=part.streets[drawn.edges.street], beside=beside)
    return replace(drawn, area=part.areas[drawn.area], united=part.areas[drawn.united], edges=edges)


def cuts_in(part: Part) -> Geometries:
    """The lines in metres that cut what would be too large as a block of this part."""
    return cuts_of_large_blocks(part.ground, part.rules)


def cuts_near(part: Part, at: int, cuts: Sequence[Geometries]) -> Geometries:
    """The cuts that part number ``at`` is drawn with: its own, and those of its neighbours that reach its ground."""
    foreign = [cuts[other] for other in part.neighbours.tolist() if len(cuts[other])]
    if not foreign:
        return cuts[at]
    lines = np.concatenate(foreign)
    reached = np.unique(shapely.STRtree(lines).query(part.ground.areas[part.ground.own], predicate="dwithin", distance=CONTEXT_M)[1])
    return np.concatenate([cuts[at], lines[reached]])


def draw(part: Part, cuts: Geometries) -> Drawn:
    """Draw one part with all cuts that concern it."""
    return describe(part, draw_blocks(part.ground, part.rules, cuts))


def describe(part: Part, blocks: Blocks, given: GivenUnits | None = None) -> Drawn:
    """What the blocks of a part are, as everything later needs it; ``given`` ones keep code and polygon to the letter."""
    plane = Plane(part.crs)
    polygons = plane.to_lonlat(blocks.polygons) if given is None else given.polygons
    codes = unit_codes.block_codes(part.area_codes, blocks.areas, blocks.polygons) if given is None else given.codes
    united = np.unique(blocks.areas)
    unions = np.empty(len(united), dtype=object)
    unions[:] = [shapely.coverage_union_all(polygons[blocks.areas == one]) for one in united]
    edges = street_edges(part.ground.streets, blocks, part.ground.areas)
    cells = cell_index.covering(unions, part.cell_resolution)
    cell, block, share = cell_index.shares(cells, blocks.polygons, plane, areas=plane.to_metres(unions))
    return Drawn(
        codes,
        blocks.areas,
        polygons,
        blocks.built_up,
        united,
        unions,
        edges,
        cells[cell],
        block,
        share,
    )


def parts_of(city: City, parents: Positions) -> tuple[list[Part], Geometries]:
    """The parts of a city, one for each of the areas ``parents`` (a,) that stand above its lowest areas (a,) or several for one
    with many, and the ground in metres that an area leaves out on purpose."""
    raw = ground_of(city)
    joined = seamless(raw.areas)
    near = _Near.of(replace(raw, areas=joined.areas))
    number = _pieces(parents, raw.areas)
    parts = []
    for at in range(int(number.max(initial=-1)) + 1):
        own = np.flatnonzero(number == at)
        ground, areas, streets = near.part(own)
        neighbours = np.setdiff1d(number[areas], [at])
        parts.append(_part(city, ground=ground, areas=areas, streets=streets, neighbours=neighbours))
    return parts, joined.left_out


def _pieces(parents: Positions, areas: Geometries) -> Positions:
    """The number of the part of each lowest area (a,): by its parent, one with many areas halved by their centres again and again."""
    centres = shapely.get_coordinates(shapely.centroid(areas))
    waiting = [np.flatnonzero(parents == parent) for parent in np.unique(parents)][::-1]
    number = np.zeros(len(parents), dtype=np.int64)
    count = 0
    while waiting:
        some = waiting.pop()
        if len(some) > MOST_AREAS:
            axis = int(np.argmax(np.ptp(centres[some], axis=0)))
            along = some[np.lexsort((some, centres[some, axis]))]
            waiting += [np.sort(along[len(along) // 2 :]), np.sort(along[: len(along) // 2])]
        else:
            number[some] = count
            count += 1
    return number


def whole_part(city: City) -> Part:
    """The whole city as one part, its areas as they are given: for a city whose blocks are not drawn but kept."""
    ground = ground_of(city)
    areas, streets = np.arange(len(ground.areas)), np.arange(len(ground.streets))
    return _part(city, ground=ground, areas=areas, streets=streets, neighbours=areas[:0])


def _part(city: City, *, ground: Ground, areas: Positions, streets: Positions, neighbours: Positions) -> Part:
    codes = city.levels[-1].codes[areas]
    return Part(city.crs, city.cell_resolution, city.rules, ground, areas, codes, streets, neighbours)


def ground_of(city: City) -> Ground:
    """The ground of a city in metres, its areas as they were digitised."""
    plane = Plane(city.crs)

    def metres(geometries: Geometries) -> Geometries:
        moved: Geometries = plane.to_metres(with_short_edges(geometries))
        return moved

    lowest = city.levels[-1].polygons
    areas = metres(lowest) if lowest is not None else np.empty(0, dtype=object)
    return Ground(
        areas,
        np.ones(len(areas), dtype=np.bool_),
        shapely.boundary(areas),
        metres(city.streets),
        metres(city.barriers),
        None if city.built_up is None else metres(city.built_up),
        None if city.given_grids is None else metres(city.given_grids.polygons),
    )


@dataclass(frozen=True)
class _Near:
    """The whole ground with a tree over each kind of it, to find what is near some areas."""

    whole: Ground
    trees: dict[str, shapely.STRtree]

    @classmethod
    def of(cls, whole: Ground) -> _Near:
        kinds = ("areas", "borders", "streets", "barriers", "built_up", "duty_grids")
        return cls(whole, {kind: shapely.STRtree(of) for kind in kinds if (of := getattr(whole, kind)) is not None})

    def part(self, own: Positions) -> tuple[Ground, Positions, Positions]:
        """The ground of the areas ``own`` with all that is within ``CONTEXT_M``, and the positions of its areas and streets."""
        mine = self.whole.areas[own]

        def near(kind: str) -> Positions:
            return np.unique(self.trees[kind].query(mine, predicate="dwithin", distance=CONTEXT_M)[1])

        def chosen(kind: str) -> Geometries | None:
            held: Geometries | None = getattr(self.whole, kind)
            return None if held is None else held[near(kind)]

        areas, streets = near("areas"), near("streets")
        ground = Ground(
            self.whole.areas[areas],
            np.isin(areas, own),
            # Also those of areas that have no ground here: where areas overlap, one's border runs through another's ground.
            self.whole.borders[near("borders")],
            self.whole.streets[streets],
            self.whole.barriers[near("barriers")],
            chosen("built_up"),
            chosen("duty_grids"),
        )
        return ground, areas, streets
