"""Incidents: taken in by the thousand, each with the place, the grid and the owner it was assigned to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from gis import tables
from gis.db import Tx, copy, statement

COLUMNS = (
    "id",
    "city",
    "history",
    "source_id",
    "category_kind",
    "category_code",
    "reported_at",
    "address",
    "origin",
    "geom",
    "edition_id",
    "how",
    "cell",
    "block_id",
    "segment_id",
    "side",
    "offset_m",
    "duty_grid_id",
    "owner",
)
"""The columns of an incoming incident, in the order in which `add` takes them."""

_INCOMING = sa.Table("incoming_incident", sa.MetaData(), *(sa.Column(name, sa.Text) for name in COLUMNS))


def add(tx: Tx, rows: Iterable[Sequence[Any]]) -> int:
    """Take in incidents (columns of ``COLUMNS``, geometry as hexadecimal EWKB) and return how many were new."""
    tx.execute(sa.text("CREATE TEMPORARY TABLE IF NOT EXISTS incoming_incident (LIKE incident INCLUDING DEFAULTS) ON COMMIT DROP"))
    tx.execute(sa.text("TRUNCATE incoming_incident"))
    copy(tx, _INCOMING, COLUMNS, rows)
    return int(tx.execute(statement("incident_insert")).rowcount)


def counts(tx: Tx, city: str) -> dict[str, int]:
    """How many incidents of a city were found inside, on a border, outside, unplaced, and how many have an owner."""
    incident = tables.incident
    rows = tx.execute(
        sa.select(incident.c.how, sa.func.count(), sa.func.count(incident.c.owner)).where(incident.c.city == city).group_by(incident.c.how)
    ).all()
    found = {how or "waiting": total for how, total, _ in rows}
    return found | {"total": sum(total for _, total, _ in rows), "assigned": sum(owned for *_, owned in rows)}
