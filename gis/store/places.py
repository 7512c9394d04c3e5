"""What is said about a place: read by the ids that the index found, never by spatial SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gis.db import Tx, statement
from grids.dispatch import Category, Rung
from grids.owners import OnDuty, Owner


@dataclass(frozen=True)
class Standing:
    """What one edition says about a block and the segment beside it. ``ladder`` is the lowest rung, the duty grid, first;
    ``category`` is None when none was asked for, or the city has none by that key."""

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

    @property
    def on_duty(self) -> OnDuty:
        """Who holds the posts of the duty grid."""
        return self.ladder[0].on_duty


def standing(
    tx: Tx, edition_id: int, *, block_id: int, segment_id: int | None, at: datetime, category: str | None = None
) -> Standing | None:
    """All that is said about the place with these ids, owners as of ``at``, and about a category (kind:code) of its
    city; None when the edition was not in force then."""
    parameters = {"edition_id": edition_id, "block_id": block_id, "segment_id": segment_id, "at": at, "category": category}
    row = tx.execute(statement("place_answer"), parameters).one_or_none()
    if row is None:
        return None
    levels = {level["rank"]: level for level in row.levels}
    lowest = levels[max(levels)]
    areas = (
        Rung(levels[rung["rank"]]["key"], levels[rung["rank"]]["names"], rung["code"], rung["names"], _on_duty(rung["posts"] or {}))
        for rung in row.rungs
    )
    grid = Rung(lowest["key"], lowest["names"], row.duty_grid_code, row.duty_grid_names, _on_duty(row.posts or {}))
    return Standing(
        city=row.city,
        edition_number=row.edition_number,
        adopted_at=row.adopted_at,
        block=row.code,
        block_m2=row.area_m2,
        built_up=row.built_up,
        segment=row.segment_code,
        segment_sides=(row.left_code, row.right_code) if row.segment_code else None,
        segment_names=row.segment_names or {},
        road_class=row.road_class,
        duty_grid=row.duty_grid_code,
        duty_grid_names=row.duty_grid_names,
        ladder=(grid, *areas),
        category=Category(category or "", **row.category) if row.category else None,
    )


def _on_duty(posts: dict[str, Any]) -> OnDuty:
    return OnDuty(*(Owner(**posts[post]) if post in posts else None for post in ("owner", "deputy")))
