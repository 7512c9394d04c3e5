"""What is said about a place: read by the ids that the index found, never by spatial SQL; and about all places of an edition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa

from gis import tables
from gis.db import Tx, document
from gis.errors import NotFound, UnknownCategory
from gis.holders import holders
from gis.store import owners
from gis.store.owners import Place
from grids.answering import Answering, Places, judged
from grids.departments import Department, Lead, leading
from grids.dispatch import OVERLAY_LEVELS, Category, Rung
from grids.owners import OnDuty, PlaceKind

SIDES = (PlaceKind.SEGMENT_LEFT, PlaceKind.SEGMENT_RIGHT)
"""The sides of a segment in the order of ``grids.locate``: 0 left, 1 right."""


@dataclass(frozen=True)
class Standing:
    """What one edition says about a block and the segment beside it. ``ladder`` is the lowest rung, the duty grid, first;
    ``overlays`` are the places with a duty of their own that come before it, in the order of precedence: special units, also those
    that nobody holds a post of, the side of the segment, the block. ``category`` is None when none was asked for, or the city has
    none by that key; ``department`` is the one that leads it, None when the grid's owner does or none is named."""

    city: str
    edition_number: int
    adopted_at: datetime
    block: str
    block_m2: float
    built_up: bool
    segment: str | None
    segment_sides: tuple[str, str] | None
    segment_names: dict[str, str]
    road_class: str | None
    duty_grid: str
    duty_grid_names: dict[str, str]
    ladder: tuple[Rung, ...]
    category: Category | None
    overlays: tuple[Rung, ...] = ()
    department: Department | None = None

    @property
    def on_duty(self) -> OnDuty:
        """Who holds the posts of the duty grid."""
        return self.ladder[0].on_duty

    @property
    def chain(self) -> tuple[Rung, ...]:
        """Everything that may answer, in the order of precedence: what ``grids.dispatch.dispatch`` takes."""
        return (*self.overlays, *self.ladder)


def standing(
    tx: Tx,
    edition_id: int,
    *,
    block_id: int,
    segment_id: int | None,
    at: datetime,
    side: int | None = None,
    special_unit_ids: Iterable[int] = (),
    category: str | None = None,
) -> Standing | None:
    """All that is said about the place with these ids, owners as of ``at``, and about a category (kind:code) of its
    city; None when the edition was not in force then.

    ``side`` is 0 (left) or 1 (right) of the segment; ``special_unit_ids`` are those that hold the point, in the order of precedence.
    """
    units = [*special_unit_ids]
    parameters = {
        "edition": edition_id,
        "block_id": block_id,
        "segment_id": segment_id,
        "side": None if side is None else SIDES[side],
        "units": units,
        "at": at,
        "category": category,
    }
    row = document(tx, "place_answer", parameters)
    if row is None:
        return None
    said = {(PlaceKind(rung["kind"]), rung["id"]): rung for rung in row["rungs"]}
    levels = {level["rank"]: level for level in row["levels"]}
    grid = next(_rung(place, rung, levels, at) for place, rung in said.items() if place[0] is PlaceKind.DUTY_GRID)
    areas = sorted((rung for place, rung in said.items() if place[0] is PlaceKind.AREA), key=lambda rung: -rung["rank"])
    found = Category(category or "", **row["category"]) if row["category"] else None
    return Standing(
        city=row["city"],
        edition_number=row["edition_number"],
        adopted_at=datetime.fromisoformat(row["adopted_at"]),
        block=row["code"],
        block_m2=row["area_m2"],
        built_up=row["built_up"],
        segment=row["segment_code"],
        segment_sides=(row["left_code"], row["right_code"]) if row["segment_code"] else None,
        segment_names=row["segment_names"] or {},
        road_class=row["road_class"],
        duty_grid=grid.code,
        duty_grid_names=grid.names,
        ladder=(grid, *(_rung((PlaceKind.AREA, rung["id"]), rung, levels, at) for rung in areas)),
        category=found,
        overlays=tuple(_overlays(said, units, levels, at)),
        department=_department(found, row["leads"] or (), [rung["code"] for rung in areas]),
    )


@dataclass(frozen=True)
class Segment:
    """A segment and the codes of its sides."""

    code: str
    sides: tuple[str, str]
    names: dict[str, str]
    road_class: str


def segment(tx: Tx, edition_id: int, segment_id: int) -> Segment:
    """What one edition says about a segment, by its id."""
    of = tables.segment.c
    chosen = sa.select(of.code, of.left_code, of.right_code, of.names, of.road_class)
    row = tx.execute(chosen.where(of.edition_id == edition_id, of.id == segment_id)).one()
    return Segment(row.code, (row.left_code, row.right_code), row.names, row.road_class)


def _overlays(
    said: Mapping[Place, Mapping[str, Any]], units: Iterable[int], levels: Mapping[int, Mapping[str, Any]], at: datetime
) -> Iterable[Rung]:
    """The special units in their given order, then the side and the block where they have a duty of their own."""
    for number in units:
        place = (PlaceKind.SPECIAL_UNIT, number)
        yield _rung(place, said[place], levels, at)
    for place, rung in sorted(said.items(), key=lambda item: item[0][0] is PlaceKind.BLOCK):
        if (place[0].is_segment or place[0] is PlaceKind.BLOCK) and rung["posts"]:
            yield _rung(place, rung, levels, at)


def _rung(place: Place, said: Mapping[str, Any], levels: Mapping[int, Mapping[str, Any]], at: datetime) -> Rung:
    """A rung as `place_answer.sql` tells it; the duty grid is on the last of the levels (by rank)."""
    kind, on_duty = place[0], holders(said["posts"] or (), at)
    if kind.is_overlay:
        return Rung(OVERLAY_LEVELS[kind], {}, said["code"], said["names"], on_duty, kind)
    level = levels[max(levels) if kind is PlaceKind.DUTY_GRID else said["rank"]]
    return Rung(level["key"], level["names"], said["code"], said["names"], on_duty, kind)


def _department(category: Category | None, leads: Iterable[Mapping[str, Any]], areas: list[str]) -> Department | None:
    if category is None or category.lead_kind != "department":
        return None
    said = (Lead(Department(lead["code"], lead["names"]), lead["category"], lead["area"]) for lead in leads)
    return leading(said, category.key, areas)


def answering(tx: Tx, edition_id: int, *, at: datetime, category: str | None = None) -> Answering:
    """Who answers at ``at`` for every place of an edition, for a category (kind:code) or whatever it is about: the same as
    ``standing`` and ``grids.dispatch`` say of each place, in four reads whatever the number of places.

    Places are by position (ids less one), as the edition's index and its special units have them. Raises ``NotFound`` for the
    edition and ``UnknownCategory``.
    """
    edition = tx.execute(sa.select(tables.edition).where(tables.edition.c.id == edition_id)).one_or_none()
    if edition is None:
        raise NotFound("edition", str(edition_id))
    about = None if category is None else _category_at(tx, edition.city, category, at)
    held = owners.all_at(tx, edition_id, at)
    ladders, ladder_of_block = _ladders(tx, edition_id, {level["rank"]: level for level in edition.levels}, held)
    codes = owners.codes_of(tx, edition_id, [place for place in held if place[0].is_overlay])
    over = {place: Rung(OVERLAY_LEVELS[place[0]], {}, codes[place], {}, held[place], place[0]) for place in codes}
    places = Places(
        ladders,
        ladder_of_block,
        blocks={number - 1: rung for (kind, number), rung in over.items() if kind is PlaceKind.BLOCK},
        segments=_count(tx, tables.segment, edition_id),
        sides={(number - 1, SIDES.index(kind)): rung for (kind, number), rung in over.items() if kind.is_segment},
        special_units={number - 1: rung for (kind, number), rung in over.items() if kind is PlaceKind.SPECIAL_UNIT},
        special_unit_count=_count(tx, tables.special_unit, edition_id),
    )
    return judged(places, about)


def _category_at(tx: Tx, city: str, key: str, at: datetime) -> Category:
    kind, _, code = key.partition(":")
    rule = tables.category_rule
    chosen = sa.select(rule.c.names, rule.c.answers_on, rule.c.lowest_level, rule.c.lead_kind).where(
        rule.c.city == city,
        rule.c.kind == kind,
        rule.c.code == code,
        rule.c.recorded_at <= at,
        sa.or_(rule.c.withdrawn_at.is_(None), rule.c.withdrawn_at > at),
    )
    row = tx.execute(chosen).one_or_none()
    if row is None:
        raise UnknownCategory(key, city)
    return Category(key, *row)


def _ladders(
    tx: Tx, edition_id: int, levels: Mapping[int, Mapping[str, Any]], held: Mapping[Place, OnDuty]
) -> tuple[list[tuple[Rung, ...]], np.ndarray[Any, np.dtype[np.int64]]]:
    """The different ladders of an edition's blocks, and which of them each block has."""
    area, grid, block = tables.area, tables.duty_grid, tables.block
    areas = {
        row.id: row
        for row in tx.execute(sa.select(area.c.id, area.c.rank, area.c.code, area.c.parent_id).where(area.c.edition_id == edition_id))
    }
    grids = {row.id: row.code for row in tx.execute(sa.select(grid.c.id, grid.c.code).where(grid.c.edition_id == edition_id))}
    nobody, numbers, ladders = OnDuty(), dict[tuple[int, int], int](), list[tuple[Rung, ...]]()

    def rung(kind: PlaceKind, number: int, code: str, rank: int) -> Rung:
        return Rung(levels[rank]["key"], {}, code, {}, held.get((kind, number), nobody), kind)

    def ladder(grid_id: int, area_id: int | None) -> Iterable[Rung]:
        yield rung(PlaceKind.DUTY_GRID, grid_id, grids[grid_id], max(levels))
        while area_id is not None:
            row = areas[area_id]
            yield rung(PlaceKind.AREA, area_id, row.code, row.rank)
            area_id = row.parent_id

    of_block = []
    for one in tx.execute(sa.select(block.c.duty_grid_id, block.c.area_id).where(block.c.edition_id == edition_id).order_by(block.c.id)):
        place = (one.duty_grid_id, one.area_id)
        if place not in numbers:
            numbers[place] = len(ladders)
            ladders.append(tuple(ladder(*place)))
        of_block.append(numbers[place])
    return ladders, np.array(of_block, dtype=np.int64)


def _count(tx: Tx, table: sa.Table, edition_id: int) -> int:
    return int(tx.execute(sa.select(sa.func.count()).select_from(table).where(table.c.edition_id == edition_id)).scalar_one())
