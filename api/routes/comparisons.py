"""Editions compared: what changed from one to another."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.deps import Calling
from api.schemas.comparisons import ComparisonOut
from gis.store import comparisons
from grids.permissions import Act

router = APIRouter(prefix="/api/v1/cities", tags=["editions"])

Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("/{city}/editions/{old}/changes/{new}", operation_id="listChanges")
def list_changes(
    caller: Calling,
    city: str,
    old: Number,
    new: Number,
    *,
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="Only changes after this number.")] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000, description="So many changes at most.")] = 1_000,
) -> ComparisonOut:
    """What was kept when the two editions were compared last: when the newer was drawn, or by `wangge grids compare`."""
    with caller.enter(Act.READ_COUNTS) as (tx, _person):
        kept = comparisons.find(tx, city, old, new)
        changes = comparisons.changes_after(tx, city, kept.old_id, kept.new_id, number=after, limit=limit)
        summary = comparisons.told(tx, city, kept)
    return ComparisonOut.of(city, (old, new), kept.compared_at, summary, changes, limit=limit)
