"""What the tables of `gis/tables.py` share: the metadata with the names of constraints, and the columns that many have."""

from __future__ import annotations

from geoalchemy2 import Geometry
from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, MetaData, Text, text
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_index",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)


def geometry(kind: str, *, nullable: bool = False) -> Column[object]:
    """The column ``geom``; spatial indexes are named by the table."""
    return Column("geom", Geometry(kind, srid=4326, spatial_index=False), nullable=nullable)


def names() -> Column[object]:
    """Names by language."""
    return Column("names", JSONB, nullable=False, server_default=text("'{}'"))


def origin() -> Column[str]:
    """Whether a row is real, given by the city, or made up for a demo."""
    return Column("origin", Text, CheckConstraint("origin IN ('real', 'given', 'generated')", name="origin"), nullable=False)


def of_edition() -> Column[int]:
    """The edition of a row, first part of its key."""
    return Column("edition_id", Integer, ForeignKey("edition.id", ondelete="CASCADE"), primary_key=True)


def of_edition_by_statement() -> Column[int]:
    """The edition of rows that come by the million: checked by a trigger on the statement (revision 0003), not row by row."""
    return Column("edition_id", Integer, primary_key=True)


def of_city() -> Column[str]:
    """The city of a row, first part of its key."""
    return Column("city", Text, ForeignKey("city.code", ondelete="CASCADE"), primary_key=True)
