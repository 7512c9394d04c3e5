"""Editions: a plan written as a draft, adopted once, never changed again, and read back as an index."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from gis import tables
from gis.db import Tx, copy, copy_arrow, ewkb
from gis.errors import EditionNotDraft, NotFound
from gis.store import cities
from gis.store.geometry import ewkb_of, geometries
from grids import cells as cell_index
from grids.edition import LEFT, Areas, BlockUnits, CellUnits, DutyGrids, Plan, SegmentUnits
from grids.locate import Index
from grids.measure import Plane

SIDES = ("left", "right")

ADOPTIONS = "wangge_adoptions"
"""The channel on which the database tells that an edition was adopted (`gis/adoptions.py` listens)."""

_CELLS_AT_ONCE = 50_000


def add_draft(tx: Tx, city: str, plan: Plan, *, now: datetime, wrote: Callable[[str, int], None], by: int | None = None) -> int:
    """Write a plan as the city's next draft edition and return its id. Earlier drafts of the city are removed. ``by`` is the account
    that stands for it, None for the machine's operator."""
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
        "drawn_by": by,
    }
    edition_id: int = tx.execute(sa.insert(tables.edition).values(values).returning(tables.edition.c.id)).scalar_one()
    units: list[tuple[sa.Table, Sequence[str], Iterable[Sequence[Any]]]] = [
        (tables.area, *_area_rows(plan.areas)),
        (tables.duty_grid, *_duty_grid_rows(plan.duty_grids)),
        (tables.block, *_block_rows(plan.blocks, plan.duty_grids)),
        (tables.segment, *_segment_rows(plan.segments)),
    ]
    for table, columns, rows in units:
        wrote(table.name, copy(tx, table, ("edition_id", *columns), ((edition_id, *row) for row in rows)))
    wrote("segment_face", copy_arrow(tx, "segment_face", _of_edition(edition_id, _faces(plan.segments))))
    wrote("cell", add_cells(tx, edition_id, plan.cells))
    return edition_id


def add_cells(tx: Tx, edition_id: int, cells: CellUnits) -> int:
    """Write the cells of a draft edition whose blocks are written, and how they are shared out; returns how many cells."""
    count = sum(copy_arrow(tx, "cell", _of_edition(edition_id, some)) for some in _cells(cells))
    copy_arrow(tx, "cell_share", _of_edition(edition_id, _shares(cells)))
    return count


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


def _of_edition(edition_id: int, columns: dict[str, Any]) -> pa.Table:
    """The columns as a table, with the edition's id before them."""
    made = pa.table(columns)
    return made.add_column(0, "edition_id", pa.array(np.full(made.num_rows, edition_id)))


def _id_or_null(positions: Any) -> pa.Array:
    """Ids of positions; -1 refers to nothing."""
    return pa.array(positions + 1, mask=positions < 0)


def _faces(segments: SegmentUnits) -> dict[str, Any]:
    faces = segments.faces
    sides = pa.array(SIDES).take(pa.array((faces.side != LEFT).astype(np.int64)))
    return {
        "segment_id": faces.segment + 1,
        "side": sides,
        "from_m": faces.from_m,
        "to_m": faces.to_m,
        "block_id": _id_or_null(faces.block),
    }


def _cells(cells: CellUnits) -> Iterator[dict[str, Any]]:
    coarsest = int(cells.resolution.min(initial=15))
    for at in np.array_split(np.arange(len(cells.cells)), len(cells.cells) // _CELLS_AT_ONCE + 1):
        some = cells.cells[at]
        parents = np.zeros(len(at), dtype=np.uint64)
        for resolution in np.unique(cells.resolution[at]).tolist():
            if resolution > coarsest:
                finer = cells.resolution[at] == resolution
                parents[finer] = cell_index.parents(some[finer], resolution - 1)
        yield {
            "cell": some.astype(np.int64),
            "resolution": cells.resolution[at],
            "feature_id": cell_index.feature_ids(some),
            "parent": pa.array(parents.astype(np.int64), mask=parents == 0),
            "inside_share": cells.inside_share[at],
            "area_m2": cells.areas_m2[at],
            "geom": pa.array(ewkb_of(cell_index.outlines_wkb(some))),
        }


def _shares(cells: CellUnits) -> dict[str, Any]:
    return {"cell": cells.cells[cells.shared_cell].astype(np.int64), "block_id": cells.shared_block + 1, "share": cells.share}


def adopt(tx: Tx, edition_id: int, *, now: datetime, by: int | None = None) -> None:
    """Make a draft the city's plan from ``now`` on and retire the one before. Raises ``NotFound``, or ``Conflict`` unless it is a draft."""
    edition = tables.edition
    row = tx.execute(sa.select(edition).where(edition.c.id == edition_id).with_for_update()).one_or_none()
    if row is None:
        raise NotFound("edition", str(edition_id))
    if row.status != "draft":
        raise EditionNotDraft(row.city, row.number, row.status)
    tx.execute(sa.update(edition).where(edition.c.city == row.city, edition.c.status == "adopted").values(status="retired", retired_at=now))
    tx.execute(sa.update(edition).where(edition.c.id == edition_id).values(status="adopted", adopted_at=now, adopted_by=by))
    tx.execute(sa.select(sa.func.pg_notify(ADOPTIONS, row.city)))


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


def upper_areas(tx: Tx, edition_id: int) -> dict[str, int]:
    """The ids of the areas above the lowest, by code; where a code stands on several levels, the lowest of them."""
    area = tables.area
    lowest = sa.select(sa.func.max(area.c.rank)).where(area.c.edition_id == edition_id).scalar_subquery()
    chosen = sa.select(area.c.code, area.c.id).where(area.c.edition_id == edition_id, area.c.rank < lowest).order_by(area.c.rank)
    return {row.code: row.id for row in tx.execute(chosen)}


def grid_codes(tx: Tx, edition_id: int) -> list[str]:
    """The codes of the edition's duty grids in the order of their ids."""
    grid = tables.duty_grid
    return list(tx.execute(sa.select(grid.c.code).where(grid.c.edition_id == edition_id).order_by(grid.c.id)).scalars())
