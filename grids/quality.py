"""How good a division is: counts, sizes, gaps and overlaps, all measured on the edition itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from grids.blocks import SLIVER_WIDTH_M
from grids.edition import Areas, BlockUnits, CellUnits, DutyGrids, SegmentUnits, SourceAreas
from grids.measure import Floats, Geometries, areas_m2, lengths_m

_STATUTORY_M2 = (10_000.0, 30_000.0)


def report(
    levels: tuple[SourceAreas, ...],
    areas: Areas,
    *,
    blocks: BlockUnits,
    segments: SegmentUnits,
    cells: CellUnits,
    grids: DutyGrids,
    left_out: Geometries,
) -> dict[str, Any]:
    """The quality report of a plan, as plain data: what `wangge grids build` prints and keeps."""
    source = levels[-1].polygons
    polygons = source if source is not None else np.empty(0, dtype=object)
    gap_m2, overlap_m2 = gap_and_overlap_m2(blocks.polygons, left_out)
    largest = int(np.argmax(blocks.areas_m2))
    finest = cells.resolution == cells.resolution.max(initial=0)
    return {
        "counts": {
            "areas": {level.level.key: int((areas.rank == level.level.rank).sum()) for level in levels},
            "blocks": len(blocks.codes),
            "segments": len(segments.codes),
            "cells": int(finest.sum()),
            "duty_grids": len(grids.codes),
        },
        "gap_m2": gap_m2,
        "overlap_m2": overlap_m2,
        "source_overlap_m2": _source_overlap_m2(polygons),
        "source_difference_m2": {level.level.key: _total(areas.source_difference_m2[areas.rank == level.level.rank]) for level in levels},
        "block_m2": _distribution(blocks.areas_m2),
        "built_up_blocks": int(blocks.built_up.sum()),
        "statutory_share": _share_between(blocks.areas_m2[blocks.built_up], *_STATUTORY_M2),
        "slivers": int((2 * blocks.areas_m2 < SLIVER_WIDTH_M * lengths_m(shapely.boundary(blocks.polygons))).sum()),
        "largest_block": {"code": blocks.codes[largest], "area_m2": float(blocks.areas_m2[largest])},
        "segment_m": _distribution(segments.lengths_m),
        "orphan_segments": int(segments.orphans.sum()),
        "segments_inside_one_block": _inside_one_block(segments),
    }


def gap_and_overlap_m2(blocks: Geometries, left_out: Geometries) -> tuple[float, float]:
    """The ground that no block covers but blocks surround, and the ground that two blocks cover; EPSG:4326.

    ``left_out`` is ground that an area surrounds and leaves out on purpose: it is no gap. Both are 0.0 exactly when the
    blocks are a coverage: every edge inside the city bounds a block on either side.
    """
    union = shapely.coverage_union_all(blocks)
    rings = [ring for part in shapely.get_parts(union) for ring in shapely.get_rings(part)[1:]]
    holes = np.array([shapely.polygons(ring) for ring in rings], dtype=object)
    if len(holes) and len(left_out):
        at, _ = shapely.STRtree(left_out).query(shapely.point_on_surface(holes), predicate="intersects")
        holes = np.delete(holes, np.unique(at))
    gap_m2 = float(areas_m2(holes).sum()) if len(holes) else 0.0
    return gap_m2, _overlap_m2(blocks)


def _overlap_m2(polygons: Geometries) -> float:
    touched = np.flatnonzero(~shapely.is_empty(shapely.coverage_invalid_edges(polygons)))
    if len(touched) == 0:
        return 0.0
    return common_m2(polygons[touched])


def _source_overlap_m2(polygons: Geometries) -> float:
    return common_m2(shapely.make_valid(polygons)) if len(polygons) else 0.0


def common_m2(polygons: Geometries) -> float:
    """The ground in m² that two of the polygons (EPSG:4326) cover together, summed over all pairs."""
    a, b = shapely.STRtree(polygons).query(polygons, predicate="intersects")
    common = shapely.intersection(polygons[a[a < b]], polygons[b[a < b]])
    common = common[shapely.area(common) > 0]
    return float(areas_m2(common).sum()) if len(common) else 0.0


def _distribution(values: Floats) -> dict[str, float]:
    if len(values) == 0:
        return {}
    p5, median, p95 = np.percentile(values, [5, 50, 95])
    return {
        "min": float(values.min()),
        "p5": float(p5),
        "median": float(median),
        "mean": float(values.mean()),
        "p95": float(p95),
        "max": float(values.max()),
    }


def _share_between(values: Floats, low: float, high: float) -> float | None:
    return float(((values >= low) & (values <= high)).mean()) if len(values) else None


def _total(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.sum()) if len(known) else None


def _inside_one_block(segments: SegmentUnits) -> int:
    faces = segments.faces
    least = np.full(len(segments.codes), np.iinfo(np.int64).max)
    most = np.full(len(segments.codes), -1)
    np.minimum.at(least, faces.segment, faces.block)
    np.maximum.at(most, faces.segment, faces.block)
    return int((least == most).sum())
