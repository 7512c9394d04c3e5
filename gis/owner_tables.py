"""The tables of who answers: owners and their duties. `gis/tables.py` holds the rest, and all together."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, ForeignKeyConstraint, Identity, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint

from gis.table_columns import metadata, of_city, origin

owner = Table("owner", metadata, of_city(), Column("code", Text, primary_key=True), Column("name", Text, nullable=False), origin())

source_duty = Table(
    "source_duty",
    metadata,
    of_city(),
    Column("id", Integer, primary_key=True),
    Column("area_code", Text, nullable=False, comment="code of a duty grid, or of an area of the lowest level"),
    Column("owner", Text, nullable=False),
    Column("post", Text, CheckConstraint("post IN ('owner', 'deputy')", name="post"), nullable=False),
    Column("during", TSTZRANGE, CheckConstraint("NOT isempty(during)", name="during"), nullable=False),
    ForeignKeyConstraint(["city", "owner"], ["owner.city", "owner.code"]),
)

duty = Table(
    "duty",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("edition_id", Integer, ForeignKey("edition.id", ondelete="CASCADE"), nullable=False),
    Column("duty_grid_id", Integer),
    Column("area_id", Integer, comment="an area above the lowest: whoever answers for it stands behind its duty grids"),
    Column("city", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("name", Text, nullable=False, comment="the owner's name when the duty was written: what was said then stays so"),
    origin(),
    Column("post", Text, CheckConstraint("post IN ('owner', 'deputy')", name="post"), nullable=False),
    Column("during", TSTZRANGE, CheckConstraint("NOT isempty(during)", name="during"), nullable=False),
    ForeignKeyConstraint(["edition_id", "duty_grid_id"], ["duty_grid.edition_id", "duty_grid.id"], ondelete="CASCADE"),
    ForeignKeyConstraint(["edition_id", "area_id"], ["area.edition_id", "area.id"], ondelete="CASCADE"),
    ForeignKeyConstraint(["city", "owner"], ["owner.city", "owner.code"]),
    CheckConstraint("num_nonnulls(duty_grid_id, area_id) = 1", name="place"),
    Index(None, "edition_id", "duty_grid_id"),
    Index(None, "edition_id", "area_id"),
    # Nobody shares first answerability: one owner (and one deputy) of a duty grid at any instant.
    ExcludeConstraint(("edition_id", "="), ("duty_grid_id", "="), ("post", "="), ("during", "&&"), name="duty_one_at_a_time"),
    ExcludeConstraint(("edition_id", "="), ("area_id", "="), ("post", "="), ("during", "&&"), name="area_duty_one_at_a_time"),
)
