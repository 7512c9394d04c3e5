"""Of which kind every table is: what is kept in it decides who may read it (docs/how-to/new-table.md)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class TableKind(StrEnum):
    """What a table keeps. Tests hold each kind's rule against the database."""

    PLAN = "plan"
    """The city, its plan and its lists: open to everybody. The role of the app may read it."""
    PERSONAL = "personal"
    """Who people are and when they are away: under row-level security."""
    CASE = "case"
    """What happened, and what becomes of it: under row-level security, by the place and the category."""
    ACCOUNT = "account"
    """Who can log in, and as what: the role of the app sees none of it."""
    MACHINERY = "machinery"
    """What the program keeps for itself: the role of the app sees only what is named in ``READ_MACHINERY``."""


_OF: Mapping[TableKind, str] = {
    TableKind.PLAN: """
        city level source_area given_unit street barrier built_up category category_rule edition area duty_grid block segment segment_face
        cell cell_share special_unit comparison change department_lead grid_within
    """,
    TableKind.PERSONAL: "owner source_duty duty shift leave",
    TableKind.CASE: "incident reporter",
    TableKind.ACCOUNT: "account login api_key role_grant",
    TableKind.MACHINERY: "permission deletion rate_limit rate_refusal alembic_version spatial_ref_sys",
}

KINDS: Mapping[str, TableKind] = MappingProxyType({table: kind for kind, tables in _OF.items() for table in tables.split()})
"""The kind of each table by its name; those of procrastinate, which owns them itself, are machinery."""

READ_MACHINERY = frozenset({"alembic_version", "spatial_ref_sys"})
"""The machinery that the role of the app reads: whether the schema is its own, and PostGIS's list of reference systems."""

LIBRARY = "procrastinate_"
"""What the names of the tables of the job queue begin with."""


def kind_of(table: str) -> TableKind | None:
    """The kind of a table, None of one that nobody has classified."""
    return TableKind.MACHINERY if table.startswith(LIBRARY) else KINDS.get(table)
