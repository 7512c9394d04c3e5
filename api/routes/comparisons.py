"""Editions compared: what changed from one to another."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.deps import Held
from api.schemas.comparisons import ComparisonOut
from gis.store import comparisons

router = APIRouter(prefix="/api/v1/cities", tags=["editions"])

Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("/{city}/editions/{old}/changes/{new}", operation_id="listChanges")
def list_changes(
    held: Held,
    city: str,
    old: Number,
    new: Number,
    *,
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="Only changes after this number.")] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000, description="So many changes at most.")] = 1_000,
) -> ComparisonOut:
    """What was kept when the two editions were compared last: when the newer was drawn, or by `wangge grids compare`."""
    with held.transaction() as tx:
        kept = comparisons.find(tx, city, old, new)
        changes = comparisons.changes_after(tx, kept.old_id, kept.new_id, number=after, limit=limit)
    return ComparisonOut.of(city, (old, new), kept, changes, limit=limit)
