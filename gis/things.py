"""Rows as what an act is done to: the things of `grids/permissions.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grids.permissions import Place, Thing


def thing_of(row: Mapping[str, Any]) -> Thing:
    """An incident (columns of `gis/sql/incident_rows.sql`): the places above it, and the department that leads it where the one who asks
    has a grant for a department."""
    departments = frozenset() if row["department"] is None else frozenset({row["department"]})
    return Thing(row["city"], frozenset(Place(*place) for place in row["places"]), departments)
