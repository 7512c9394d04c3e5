"""Deletions: what of people was deleted, when and why. The record names kinds and numbers, and never whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gis.db import Tx
from gis.subject_tables import deletion


@dataclass(frozen=True)
class Deletion:
    """So many rows of a kind were deleted: those from before an instant, or all of one person (``before`` is None)."""

    kind: str
    rows: int
    deleted_at: datetime
    before: datetime | None = None


def add(tx: Tx, said: Deletion) -> None:
    """Record a deletion."""
    tx.execute(sa.insert(deletion).values(vars(said)))


def newest(tx: Tx, *, many: int) -> list[Deletion]:
    """The last deletions, the newest first."""
    of = deletion.c
    chosen = sa.select(of.kind, of.rows, of.deleted_at, of.before).order_by(of.id.desc()).limit(many)
    return [Deletion(*row) for row in tx.execute(chosen)]
