"""Dividing a city: from its source areas, streets and barriers to a plan with every street unit, cell and duty grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import shapely

from grids import cells as cell_index
from grids import given_units, ladder, quality, unit_codes
from grids.arrangement import Positions
from grids.cells import Cells
from grids.edition import Areas, BlockUnits, CellUnits, City, DutyGrids, Faces, GivenUnits, Names, Plan, SegmentUnits, SourceAreas
from grids.errors import NoGroundLeft, NoLowestAreas, NotSeamless
from grids.measure import Geometries, Plane, areas_m2, lengths_m, with_short_edges
from grids.parts import Draw, Drawn, draw_here, parts_of
from grids.segments import draw_segments, joined_edges

COARSEST_RESOLUTION = 6


def divide(city: City, progress: Callable[[str], None], draw: Draw = draw_here) -> Plan:
    """The plan of a city; ``progress`` is told the name of each step as it begins, ``draw`` says how its parts are drawn.

    Raises ``NotAPartition`` when an area holds no ground, ``OutsideItsArea`` when the metric CRS does not cover the city.
    The same city gives the same plan.
    """
    plane = Plane(city.crs)
    lowest = city.levels[-1]
    polygons = lowest.polygons
    if polygons is None or len(polygons) == 0:
        raise NoLowestAreas(lowest.level.key)
    plane.require_inside(tuple(shapely.total_bounds(polygons)))
    progress("borders of the lowest areas")
    tree = ladder.climb(city.levels)
    drawn, left_out = _drawn(city, tree, progress, draw)
    progress("areas")
    blocks, block_number = _block_units(drawn, tree, city.given_blocks)
    _require_ground(lowest, blocks, tree)
    areas = ladder.united_areas(tree, city.levels, _united(drawn, tree), plane)
    progress("segments")
    segments = _segment_units(city, drawn, block_number=block_number, areas=areas, blocks=blocks, plane=plane)
    progress("cells")
    cells = cell_units(drawn, block_number, city.cell_resolution)
    progress("duty grids")
    grids = (
        one_grid_per_lowest_area(areas, blocks, plane) if city.given_grids is None else given_units.grids(city.given_grids, areas, blocks)
    )
    progress("quality")
    report = quality.report(
        city.levels, areas, blocks=blocks, segments=segments, cells=cells, grids=grids, left_out=plane.to_lonlat(left_out)
    )
    _require_seamless(report, city)
    return Plan(tuple(source.level for source in city.levels), areas, blocks, segments, cells, grids, report)


def _drawn(city: City, tree: ladder.Tree, progress: Callable[[str], None], draw: Draw) -> tuple[list[Drawn], Geometries]:
    if city.given_blocks is not None:
        progress("blocks")
        kept, left_out = given_units.keep(city, city.given_blocks)
        return [kept], left_out
    parents = tree.parent[tree.lowest_first :]
    parts, left_out = parts_of(city, parents - (tree.lowest_first - len(city.levels[-2].codes) if len(city.levels) > 1 else -1))
    progress("blocks")
    return draw(parts), left_out


def _require_seamless(report: dict[str, Any], city: City) -> None:
    if city.given_blocks is None and (report["gap_m2"] or report["overlap_m2"]):
        raise NotSeamless(city.levels[-1].level.key, round(report["gap_m2"], 3), round(report["overlap_m2"], 3))


def _require_ground(lowest: SourceAreas, blocks: BlockUnits, tree: ladder.Tree) -> None:
    empty = np.setdiff1d(np.arange(len(lowest.codes)), blocks.area - tree.lowest_first)
    if len(empty):
        raise NoGroundLeft(str(lowest.codes[empty[0]]), lowest.level.key)


def _block_units(drawn: Sequence[Drawn], tree: ladder.Tree, given: GivenUnits | None) -> tuple[BlockUnits, Positions]:
    """Blocks in the order of their codes, and the new number of each drawn block, part after part."""
    codes, area, polygons, built_up = (
        np.concatenate([getattr(part, name) for part in drawn]) for name in ("codes", "area", "polygons", "built_up")
    )
    order = np.argsort(codes, kind="stable")
    valid_from = given.valid_from[order] if given is not None else np.full(len(order), None, dtype=object)
    units = BlockUnits(
        codes[order],
        tree.lowest_first + area[order],
        polygons[order],
        areas_m2(polygons[order]),
        built_up[order],
        valid_from,
        given is not None,
    )
    return units, _inverse(order)


def _first_block(drawn: Sequence[Drawn]) -> Positions:
    """The number of the first block of each part, when the blocks of all parts are counted one after the other."""
    return np.concatenate([[0], np.cumsum([len(part.codes) for part in drawn])[:-1]]).astype(np.int64)


def _united(drawn: Sequence[Drawn], tree: ladder.Tree) -> Geometries:
    """The lowest areas as unions of their blocks, in the tree's order."""
    polygons = np.full(len(tree.codes) - tree.lowest_first, None, dtype=object)
    for part in drawn:
        polygons[part.united] = part.united_polygons
    return polygons


def _inverse(order: Positions) -> Positions:
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(len(order))
    return number


def _segment_units(
    city: City, drawn: Sequence[Drawn], *, block_number: Positions, areas: Areas, blocks: BlockUnits, plane: Plane
) -> SegmentUnits:
    described = [f"{sorted(names.items())}|{road_class}" for names, road_class in zip(city.street_names, city.street_classes, strict=True)]
    kinds = np.unique(np.array(described, dtype=object), return_inverse=True)[1].reshape(-1) if described else np.empty(0, dtype=np.int64)
    edges = joined_edges([part.edges for part in drawn], _first_block(drawn))
    found = draw_segments(edges, plane.to_metres(with_short_edges(city.streets)), kinds.astype(np.int64))
    faces = found.faces
    block = np.where(faces.block >= 0, block_number[faces.block], -1)
    area = np.full(len(found.lines), len(areas.codes), dtype=np.int64)
    np.minimum.at(area, faces.segment[block >= 0], blocks.area[block[block >= 0]])
    prefix = np.where(areas.parent[area] >= 0, areas.parent[area], area)
    codes, left, right = unit_codes.segment_codes(areas.codes, prefix, found.lines)
    order = np.argsort(codes, kind="stable")
    number = _inverse(order)
    lines = plane.to_lonlat(found.lines[order])
    length_m = lengths_m(lines)
    true_scale = np.divide(length_m, shapely.length(found.lines[order]))
    by_segment = np.lexsort((faces.from_m, faces.side, number[faces.segment]))
    segment = number[faces.segment][by_segment]
    scale = true_scale[segment]
    ordered = Faces(segment, faces.side[by_segment], block[by_segment], faces.from_m[by_segment] * scale, faces.to_m[by_segment] * scale)
    street = found.street[order]
    return SegmentUnits(
        codes[order],
        left[order],
        right[order],
        city.street_names[street],
        city.street_classes[street],
        area[order],
        lines,
        length_m,
        found.orphans[order],
        ordered,
    )


def cell_units(drawn: Sequence[Drawn], block_number: Positions, resolution: int) -> CellUnits:
    """The cells of a city whose parts are drawn, with all coarser ones, and the crosswalk to its blocks; ``block_number`` (b,) is
    the number of each drawn block, part after part."""
    shared, share = (np.concatenate([getattr(part, name) for part in drawn]) for name in ("shared_cell", "share"))
    block = np.concatenate([part.shared_block + first for part, first in zip(drawn, _first_block(drawn).tolist(), strict=True)])
    finest, cell = np.unique(shared, return_inverse=True)
    cell, block = cell.reshape(-1), block_number[block]
    order = np.lexsort((block, cell))
    cell, block, share = cell[order], block[order], share[order]
    inside = np.minimum(np.bincount(cell, weights=share, minlength=len(finest)), 1.0)
    layers: list[tuple[Cells, np.ndarray[Any, Any]]] = [(finest, inside)]
    for coarser in range(resolution - 1, COARSEST_RESOLUTION - 1, -1):
        children, child_share = layers[-1]
        parents, at = np.unique(cell_index.parents(children, coarser), return_inverse=True)
        layers.append((parents, np.bincount(at.reshape(-1), weights=child_share) / 7))
    all_cells = np.concatenate([cells for cells, _ in layers])
    resolutions = np.repeat(np.arange(resolution, resolution - len(layers), -1), [len(cells) for cells, _ in layers])
    return CellUnits(
        all_cells,
        resolutions,
        np.minimum(np.concatenate([s for _, s in layers]), 1.0),
        cell_index.areas_m2_of(all_cells),
        cell,
        block,
        share,
    )


def one_grid_per_lowest_area(areas: Areas, blocks: BlockUnits, plane: Plane) -> DutyGrids:
    """One duty grid (责任网格) for each lowest area, numbered within the area above it."""
    lowest = np.unique(blocks.area)
    parent = np.where(areas.parent[lowest] >= 0, areas.parent[lowest], lowest)
    numbers = unit_codes.sequence_numbers(parent, plane.to_metres(areas.polygons[lowest]))
    codes = np.array(
        [unit_codes.duty_grid_code(areas.codes[p], n) for p, n in zip(parent.tolist(), numbers.tolist(), strict=True)], dtype=object
    )
    order = np.argsort(codes, kind="stable")
    number = np.full(len(areas.codes), -1, dtype=np.int64)
    number[lowest[order]] = np.arange(len(order))
    names = np.empty(len(order), dtype=object)
    names[:] = [_grid_names(areas.names[at]) for at in lowest[order]]
    nothing = np.full(len(order), None, dtype=object)
    return DutyGrids(codes[order], names, lowest[order], areas.polygons[lowest[order]], number[blocks.area], nothing, given=False)


def _grid_names(area_names: Names) -> Names:
    said = {"en": "Duty grid {}", "zh": "{}责任网格"}
    return {language: said.get(language, "{}").format(name) for language, name in area_names.items()}
