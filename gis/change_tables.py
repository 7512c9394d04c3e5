"""The tables of what changed between two editions: one row a comparison, one row for each piece of changed ground.

They are derived from the editions and may be made again at any time; they go with either edition.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, DateTime, Float, ForeignKey, ForeignKeyConstraint, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from gis.table_columns import geometry, metadata

comparison = Table(
    "comparison",
    metadata,
    Column("old_id", Integer, ForeignKey("edition.id", ondelete="CASCADE"), primary_key=True),
    Column("new_id", Integer, ForeignKey("edition.id", ondelete="CASCADE"), primary_key=True),
    Column("compared_at", DateTime(timezone=True), nullable=False, comment="the instant whose owners and incidents it tells"),
    Column("summary", JSONB, nullable=False),
    Index(None, "new_id"),
)

change = Table(
    "change",
    metadata,
    Column("old_id", Integer, primary_key=True),
    Column("new_id", Integer, primary_key=True),
    Column("id", Integer, primary_key=True),
    Column("kind", Text, CheckConstraint("kind IN ('block', 'duty_grid')", name="kind"), nullable=False),
    Column(
        "change",
        Text,
        CheckConstraint(
            "change IN ('created', 'removed', 'split', 'merged', 'moved', 'renamed', 'another_duty_grid', 'another_area')", name="change"
        ),
        nullable=False,
    ),
    Column("old_code", Text),
    Column("new_code", Text),
    Column("area_m2", Float, nullable=False),
    Column("incidents", Integer, nullable=False),
    Column("old_owner", Text),
    Column("new_owner", Text),
    geometry("GEOMETRY"),
    ForeignKeyConstraint(["old_id", "new_id"], ["comparison.old_id", "comparison.new_id"], ondelete="CASCADE"),
    CheckConstraint("num_nonnulls(old_code, new_code) > 0", name="code"),
    Index("change_geom_index", "geom", postgresql_using="gist"),
)
