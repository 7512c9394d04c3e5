"""Editions: a plan written as a draft, adopted once, never changed again, and read back as an index."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa

from gis import tables
from gis.db import Tx, copy, ewkb
from gis.errors import EditionNotDraft, NotFound
from gis.store import cities
from gis.store.geometry import geometries
from grids import cells as cell_index
from grids.edition import LEFT, Areas, BlockUnits, CellUnits, DutyGrids, Plan, SegmentUnits
from grids.locate import Index
from grids.measure import Plane

SIDES = ("left", "right")
_CELLS_AT_ONCE = 50_000


def add_draft(tx: Tx, city: str, plan: Plan, *, now: datetime, progress: Callable[[str, int], None]) -> int:
    """Write a plan as the city's next draft edition and return its id. Earlier drafts of the city are removed."""
    row = cities.find(tx, city)
    tx.execute(sa.delete(tables.edition).where(tables.edition.c.city == city, tables.edition.c.status == "draft"))
    number = tx.execute(
        sa.select(sa.func.coalesce(sa.func.max(tables.edition.c.number), 0) + 1).where(tables.edition.c.city == city)
    ).scalar_one()
    values = {
        "city": city,
        "number": number,
        "status": "draft",
        "pack_digest": row.pack_digest,
        "metric_crs": row.metric_crs,
        "cell_resolution": row.cell_resolution,
        "levels": [asdict(level) for level in cities.ladder(tx, city)],
        "quality": plan.quality,
        "drawn_at": now,
    }
    edition_id: int = tx.execute(sa.insert(tables.edition).values(values).returning(tables.edition.c.id)).scalar_one()
    parts: list[tuple[sa.Table, Sequence[str], Iterable[Sequence[Any]]]] = [
        (tables.area, *_area_rows(plan.areas)),
        (tables.duty_grid, *_duty_grid_rows(plan.duty_grids)),
        (tables.block, *_block_rows(plan.blocks, plan.duty_grids)),
        (tables.segment, *_segment_rows(plan.segments)),
        (tables.segment_face, *_face_rows(plan.segments)),
        (tables.cell, *_cell_rows(plan.cells)),
        (tables.cell_share, *_share_rows(plan.cells)),
    ]
    for table, columns, rows in parts:
        progress(table.name, copy(tx, table, ("edition_id", *columns), ((edition_id, *row) for row in rows)))
    return edition_id


def _ids(count: int) -> range:
    return range(1, count + 1)


def _referred(positions: Any) -> list[int | None]:
    """Ids of positions; -1 refers to nothing."""
    return [at + 1 if at >= 0 else None for at in positions.tolist()]


def _json(values: Iterable[Any]) -> list[str]:
    return [json.dumps(value, ensure_ascii=False) for value in values]


def _area_rows(areas: Areas) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
    difference = [None if np.isnan(value) else value for value in areas.source_difference_m2.tolist()]
    columns = ("id", "rank", "code", "names", "parent_id", "area_m2", "source_difference_m2", "geom")
    ids = _ids(len(areas.codes))
    rows = zip(
        ids,
        areas.rank.tolist(),
        areas.codes,
        _json(areas.names),
        _referred(areas.parent),
        areas.areas_m2.tolist(),
        difference,
        ewkb(areas.polygons),
        strict=True,
    )
    return columns, rows


def _duty_grid_rows(grids: DutyGrids) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
    count = len(grids.codes)
    origins = [_origin(grids.given)] * count
    rows = zip(
        _ids(count), grids.codes, _json(grids.names), _referred(grids.area), origins, grids.valid_from, ewkb(grids.polygons), strict=True
    )
    return ("id", "code", "names", "area_id", "origin", "valid_from", "geom"), rows


def _origin(given: bool) -> str:
    return "given" if given else "generated"


def _block_rows(blocks: BlockUnits, grids: DutyGrids) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
    columns = ("id", "code", "area_id", "duty_grid_id", "area_m2", "built_up", "origin", "valid_from", "geom")
    count = len(blocks.codes)
    rows = zip(
        _ids(count),
        blocks.codes,
        _referred(blocks.area),
        _referred(grids.grid_of_block),
        blocks.areas_m2.tolist(),
        blocks.built_up.tolist(),
        [_origin(blocks.given)] * count,
        blocks.valid_from,
        ewkb(blocks.polygons),
        strict=True,
    )
    return columns, rows


def _segment_rows(segments: SegmentUnits) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
    columns = ("id", "code", "left_code", "right_code", "names", "road_class", "area_id", "length_m", "orphan", "geom")
    rows = zip(
        _ids(len(segments.codes)),
        segments.codes,
        segments.left_codes,
        segments.right_codes,
        _json(segments.names),
        segments.road_classes,
        _referred(segments.area),
        segments.lengths_m.tolist(),
        segments.orphans.tolist(),
        ewkb(segments.lines),
        strict=True,
    )
    return columns, rows


def _face_rows(segments: SegmentUnits) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
    faces = segments.faces
    sides = [SIDES[side != LEFT] for side in faces.side.tolist()]
    rows = zip(_referred(faces.segment), sides, faces.from_m.tolist(), faces.to_m.tolist(), _referred(faces.block), strict=True)
    return ("segment_id", "side", "from_m", "to_m", "block_id"), rows


def _cell_rows(cells: CellUnits) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
    columns = ("cell", "resolution", "feature_id", "parent", "inside_share", "area_m2", "geom")
    return columns, _rows_of_cells(cells)


def _rows_of_cells(cells: CellUnits) -> Iterator[tuple[Any, ...]]:
    coarsest = int(cells.resolution.min(initial=15))
    for at in np.array_split(np.arange(len(cells.cells)), len(cells.cells) // _CELLS_AT_ONCE + 1):
        some = cells.cells[at]
        parents = np.zeros(len(at), dtype=np.uint64)
        for resolution in np.unique(cells.resolution[at]).tolist():
            if resolution > coarsest:
                finer = cells.resolution[at] == resolution
                parents[finer] = cell_index.parents(some[finer], resolution - 1)
        yield from zip(
            some.tolist(),
            cells.resolution[at].tolist(),
            cell_index.feature_ids(some).tolist(),
            [parent or None for parent in parents.tolist()],
            cells.inside_share[at].tolist(),
            cells.areas_m2[at].tolist(),
            ewkb(cell_index.outlines(some)),
            strict=True,
        )


def _share_rows(cells: CellUnits) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
    return ("cell", "block_id", "share"), zip(
        cells.cells[cells.shared_cell].tolist(), _referred(cells.shared_block), cells.share.tolist(), strict=True
    )


def adopt(tx: Tx, edition_id: int, *, now: datetime) -> None:
    """Make a draft the city's plan from ``now`` on and retire the one before. Raises ``NotFound``, or ``Conflict`` unless it is a draft."""
    edition = tables.edition
    row = tx.execute(sa.select(edition).where(edition.c.id == edition_id).with_for_update()).one_or_none()
    if row is None:
        raise NotFound("edition", str(edition_id))
    if row.status != "draft":
        raise EditionNotDraft(row.city, row.number, row.status)
    tx.execute(sa.update(edition).where(edition.c.city == row.city, edition.c.status == "adopted").values(status="retired", retired_at=now))
    tx.execute(sa.update(edition).where(edition.c.id == edition_id).values(status="adopted", adopted_at=now))


def current(tx: Tx, city: str) -> sa.Row[Any] | None:
    """The adopted edition's row of a city, None before the first."""
    edition = tables.edition
    return tx.execute(sa.select(edition).where(edition.c.city == city, edition.c.status == "adopted")).one_or_none()


def find(tx: Tx, city: str, number: int | None = None) -> sa.Row[Any]:
    """One edition's row by its number in the city, or the newest one; raises ``NotFound``."""
    edition = tables.edition
    chosen = sa.select(edition).where(edition.c.city == city).order_by(edition.c.number.desc()).limit(1)
    row = tx.execute(chosen if number is None else chosen.where(edition.c.number == number)).one_or_none()
    if row is None:
        raise NotFound("edition", f"{city} {number or ''}".strip())
    return row


def index(tx: Tx, edition_id: int) -> Index:
    """The index that finds places in one edition; positions in it are ids less one."""
    row = tx.execute(sa.select(tables.edition).where(tables.edition.c.id == edition_id)).one_or_none()
    if row is None:
        raise NotFound("edition", str(edition_id))
    return Index(
        _geometry(tx, tables.block, edition_id), _geometry(tx, tables.segment, edition_id), Plane(row.metric_crs), row.cell_resolution
    )


def _geometry(tx: Tx, table: sa.Table, edition_id: int) -> Any:
    chosen = sa.select(sa.func.ST_AsBinary(table.c.geom)).where(table.c.edition_id == edition_id).order_by(table.c.id)
    return geometries(tx.execute(chosen).scalars().all())


def grid_of_block(tx: Tx, edition_id: int) -> Any:
    """The duty grid's position (b,) of each block, in the order of ids."""
    chosen = sa.select(tables.block.c.duty_grid_id).where(tables.block.c.edition_id == edition_id).order_by(tables.block.c.id)
    return np.array(tx.execute(chosen).scalars().all(), dtype=np.int64) - 1


def areas_of_codes(tx: Tx, edition_id: int) -> dict[str, list[int]]:
    """For each code of an area or duty grid the ids of the duty grids in it: how a pack's owners find their grids."""
    grid, area = tables.duty_grid, tables.area
    of_grid = sa.select(grid.c.code, grid.c.id).where(grid.c.edition_id == edition_id)
    of_area = sa.select(area.c.code, grid.c.id).join_from(
        grid, area, sa.and_(grid.c.edition_id == area.c.edition_id, grid.c.area_id == area.c.id)
    )
    found: dict[str, list[int]] = {}
    for code, grid_id in tx.execute(of_grid.union(of_area.where(grid.c.edition_id == edition_id))):
        found.setdefault(code, []).append(grid_id)
    return found


def grid_codes(tx: Tx, edition_id: int) -> list[str]:
    """The codes of the edition's duty grids in the order of their ids."""
    grid = tables.duty_grid
    return list(tx.execute(sa.select(grid.c.code).where(grid.c.edition_id == edition_id).order_by(grid.c.id)).scalars())
