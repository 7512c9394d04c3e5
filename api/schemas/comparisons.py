"""The wire shapes of what changed between two editions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel


class BefellOut(BaseModel):
    """How many units a change befell, and how much ground and how many incidents lie on what it changed."""

    units: int
    area_m2: float
    incidents: int


class UnitsOut(BaseModel):
    """What became of the blocks, or of the duty grids: how many there were and are, the ground under another code, and each change by its name."""

    before: int
    after: int
    changed_m2: float
    changed_incidents: int
    changes: dict[str, BefellOut]


class PersonOut(BaseModel):
    """Someone who loses or gains ground as owner or deputy of duty grids, and the incidents on it."""

    code: str
    name: str
    post: str
    lost_m2: float
    gained_m2: float
    lost_incidents: int
    gained_incidents: int


class ChangeOut(BaseModel):
    """One piece of changed ground. ``old_code`` or ``new_code`` is null where that edition has no unit; owners are those of the duty grids."""

    id: int
    kind: str
    change: str
    old_code: str | None
    new_code: str | None
    area_m2: float
    incidents: int
    old_owner: str | None
    new_owner: str | None


class ComparisonOut(BaseModel):
    """What changed from one edition of a city to another. ``next`` asks for more changes (``after``); null: these are the last."""

    city: str
    old: int
    new: int
    compared_at: datetime
    blocks: UnitsOut
    duty_grids: UnitsOut
    people: list[PersonOut]
    changes: list[ChangeOut]
    next: int | None

    @classmethod
    def of(
        cls, city: str, numbers: tuple[int, int], compared_at: datetime, summary: Any, changes: Sequence[dict[str, Any]], *, limit: int
    ) -> ComparisonOut:
        """The wire shape of a kept comparison (``gis.store.comparisons.told``) and some of its changes."""
        more = changes[-1]["id"] if len(changes) == limit else None
        old, new = numbers
        return cls(
            city=city,
            old=old,
            new=new,
            compared_at=compared_at,
            changes=[ChangeOut(**one) for one in changes],
            next=more,
            **summary,
        )
