"""The tables, as SQLAlchemy Core knows them. `gis/migrations` makes them; a test compares the two.

Geometry is EPSG:4326, lon first. A row of an edition is numbered (`id`) by its place in the order of codes, so that
numbers are small, stable within the edition, and fit the feature ids of vector tiles.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from gis.account_tables import account, api_key, grid_within, login, permission, role_grant
from gis.change_tables import change, comparison
from gis.owner_tables import category_rule, department_lead, duty, leave, owner, shift, source_duty, special_unit
from gis.subject_tables import deletion, rate_limit, rate_refusal, reporter
from gis.table_columns import geometry, metadata, names, of_city, of_edition, of_edition_by_statement, origin

__all__ = [
    "EDITION_TABLES",
    "account",
    "api_key",
    "area",
    "barrier",
    "block",
    "built_up",
    "category",
    "category_rule",
    "cell",
    "cell_share",
    "change",
    "city",
    "comparison",
    "deletion",
    "department_lead",
    "duty",
    "duty_grid",
    "edition",
    "given_unit",
    "grid_within",
    "incident",
    "leave",
    "level",
    "login",
    "metadata",
    "owner",
    "permission",
    "rate_limit",
    "rate_refusal",
    "reporter",
    "role_grant",
    "segment",
    "segment_face",
    "shift",
    "source_area",
    "source_duty",
    "special_unit",
    "street",
]

city = Table(
    "city",
    metadata,
    Column("code", Text, primary_key=True),
    names(),
    Column("notice", JSONB, nullable=False, server_default=text("'{}'")),
    Column("attribution", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("languages", ARRAY(Text), nullable=False),
    Column("metric_crs", Text, nullable=False),
    Column("cell_resolution", SmallInteger, CheckConstraint("cell_resolution BETWEEN 7 AND 12", name="resolution"), nullable=False),
    Column("block_rules", JSONB, nullable=False),
    Column("has_built_up", Boolean, nullable=False),
    Column("pack", JSONB, nullable=False),
    Column("pack_folder", Text, nullable=False),
    Column("pack_digest", Text, nullable=False),
    Column("loaded_at", DateTime(timezone=True), nullable=False),
)

level = Table(
    "level",
    metadata,
    of_city(),
    Column("rank", SmallInteger, primary_key=True),
    Column("key", Text, nullable=False),
    Column("kind", Text, CheckConstraint("kind IN ('area', 'duty_grid')", name="kind"), nullable=False),
    names(),
    UniqueConstraint("city", "key"),
)

source_area = Table(
    "source_area",
    metadata,
    of_city(),
    Column("rank", SmallInteger, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("parent_code", Text),
    names(),
    origin(),
    geometry("MULTIPOLYGON", nullable=True),
    ForeignKeyConstraint(["city", "rank"], ["level.city", "level.rank"], ondelete="CASCADE"),
)

given_unit = Table(
    "given_unit",
    metadata,
    of_city(),
    Column("kind", Text, CheckConstraint("kind IN ('block', 'duty_grid', 'special_unit')", name="kind"), primary_key=True),
    Column("code", Text, primary_key=True),
    names(),
    Column("valid_from", Date),
    geometry("GEOMETRY"),
)

street = Table(
    "street",
    metadata,
    of_city(),
    Column("id", Integer, primary_key=True),
    names(),
    Column("road_class", Text, nullable=False),
    origin(),
    geometry("LINESTRING"),
)

barrier = Table(
    "barrier",
    metadata,
    of_city(),
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    geometry("LINESTRING"),
)

built_up = Table("built_up", metadata, of_city(), Column("id", Integer, primary_key=True), geometry("GEOMETRY"))

category = Table(
    "category",
    metadata,
    of_city(),
    Column("kind", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    names(),
    Column("answers_on", Text),
    Column("lowest_level", Text),
    Column("lead_kind", Text),
    Column("duplicate_radius_m", Float),
)

edition = Table(
    "edition",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("city", Text, ForeignKey("city.code", ondelete="RESTRICT"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("status", Text, CheckConstraint("status IN ('draft', 'adopted', 'retired')", name="status"), nullable=False),
    Column("pack_digest", Text, nullable=False),
    Column("metric_crs", Text, nullable=False),
    Column("cell_resolution", SmallInteger, nullable=False),
    Column("levels", JSONB, nullable=False),
    Column("quality", JSONB, nullable=False),
    Column("drawn_at", DateTime(timezone=True), nullable=False),
    Column("adopted_at", DateTime(timezone=True)),
    Column("retired_at", DateTime(timezone=True)),
    Column("drawn_by", Integer, ForeignKey("account.id", ondelete="SET NULL")),
    Column("adopted_by", Integer, ForeignKey("account.id", ondelete="SET NULL")),
    CheckConstraint("drawn_by <> adopted_by", name="two_persons"),
    UniqueConstraint("city", "number"),
    Index(None, "city", "adopted_at"),
    CheckConstraint("(status = 'draft') = (adopted_at IS NULL)", name="adopted_at"),
    CheckConstraint("(status = 'retired') = (retired_at IS NOT NULL)", name="retired_at"),
    Index("edition_one_adopted_index", "city", unique=True, postgresql_where=text("status = 'adopted'")),
)

area = Table(
    "area",
    metadata,
    of_edition(),
    Column("id", Integer, primary_key=True),
    Column("rank", SmallInteger, nullable=False),
    Column("code", Text, nullable=False),
    names(),
    Column("parent_id", Integer),
    Column("area_m2", Float, nullable=False),
    Column("source_difference_m2", Float),
    geometry("GEOMETRY"),
    UniqueConstraint("edition_id", "rank", "code"),
    ForeignKeyConstraint(["edition_id", "parent_id"], ["area.edition_id", "area.id"], deferrable=True, initially="DEFERRED"),
    Index(None, "edition_id", "parent_id"),
    Index("area_geom_index", "geom", postgresql_using="gist"),
)

duty_grid = Table(
    "duty_grid",
    metadata,
    of_edition(),
    Column("id", Integer, primary_key=True),
    Column("code", Text, nullable=False),
    names(),
    Column("area_id", Integer, nullable=False),
    origin(),
    Column("valid_from", Date, comment="first day of a given duty grid, as the city says"),
    geometry("GEOMETRY"),
    UniqueConstraint("edition_id", "code"),
    ForeignKeyConstraint(["edition_id", "area_id"], ["area.edition_id", "area.id"]),
    Index(None, "edition_id", "area_id"),
    Index("duty_grid_geom_index", "geom", postgresql_using="gist"),
)

block = Table(
    "block",
    metadata,
    of_edition(),
    Column("id", Integer, primary_key=True),
    Column("code", Text, nullable=False),
    Column("area_id", Integer, nullable=False),
    Column("duty_grid_id", Integer, nullable=False),
    Column("area_m2", Float, CheckConstraint("area_m2 > 0", name="area"), nullable=False),
    Column("built_up", Boolean, nullable=False),
    origin(),
    Column("valid_from", Date, comment="first day of a given block, as the city says"),
    geometry("GEOMETRY"),
    UniqueConstraint("edition_id", "code"),
    ForeignKeyConstraint(["edition_id", "area_id"], ["area.edition_id", "area.id"]),
    ForeignKeyConstraint(["edition_id", "duty_grid_id"], ["duty_grid.edition_id", "duty_grid.id"]),
    Index(None, "edition_id", "area_id"),
    Index(None, "edition_id", "duty_grid_id"),
    Index("block_geom_index", "geom", postgresql_using="gist"),
)

segment = Table(
    "segment",
    metadata,
    of_edition(),
    Column("id", Integer, primary_key=True),
    Column("code", Text, nullable=False),
    Column("left_code", Text, nullable=False),
    Column("right_code", Text, nullable=False),
    names(),
    Column("road_class", Text, nullable=False),
    Column("area_id", Integer, nullable=False),
    Column("length_m", Float, nullable=False),
    Column("orphan", Boolean, nullable=False),
    geometry("LINESTRING"),
    UniqueConstraint("edition_id", "code"),
    ForeignKeyConstraint(["edition_id", "area_id"], ["area.edition_id", "area.id"]),
    Index(None, "edition_id", "area_id"),
    Index("segment_geom_index", "geom", postgresql_using="gist"),
)

segment_face = Table(
    "segment_face",
    metadata,
    of_edition(),
    Column("segment_id", Integer, primary_key=True),
    Column("side", Text, CheckConstraint("side IN ('left', 'right')", name="side"), primary_key=True),
    Column("from_m", Float, primary_key=True),
    Column("to_m", Float, nullable=False),
    Column("block_id", Integer),
    ForeignKeyConstraint(["edition_id", "segment_id"], ["segment.edition_id", "segment.id"]),
    ForeignKeyConstraint(["edition_id", "block_id"], ["block.edition_id", "block.id"]),
    Index(None, "edition_id", "block_id"),
)

cell = Table(
    "cell",
    metadata,
    of_edition_by_statement(),
    Column("cell", BigInteger, primary_key=True),
    Column("resolution", SmallInteger, nullable=False),
    Column("feature_id", BigInteger, nullable=False),
    Column("parent", BigInteger, comment="the cell one resolution coarser, NULL at the coarsest kept"),
    Column("inside_share", Float, CheckConstraint("inside_share > 0 AND inside_share <= 1", name="inside_share"), nullable=False),
    Column("area_m2", Float, nullable=False),
    geometry("POLYGON"),
    Index("cell_geom_index", "geom", postgresql_using="gist"),
)

cell_share = Table(
    "cell_share",
    metadata,
    of_edition_by_statement(),
    Column("cell", BigInteger, primary_key=True),
    Column("block_id", Integer, primary_key=True),
    Column("share", Float, CheckConstraint("share > 0 AND share <= 1", name="share"), nullable=False),
    Index(None, "edition_id", "block_id"),
)

incident = Table(
    "incident",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("city", Text, nullable=False),
    Column("history", Text, nullable=False, comment="key of the incident history of the pack"),
    Column("source_id", Text, nullable=False),
    Column("category_kind", Text, nullable=False),
    Column("category_code", Text, nullable=False),
    Column("reported_at", DateTime(timezone=True), nullable=False),
    Column(
        "reported_precision",
        Text,
        CheckConstraint("reported_precision IN ('day', 'second')", name="reported_precision"),
        nullable=False,
        server_default=text("'second'"),
        comment="day: the source says no time of day, reported_at is the first instant of the day",
    ),
    Column("address", Text),
    origin(),
    geometry("POINT", nullable=True),
    Column("edition_id", Integer),
    Column("how", Text, CheckConstraint("how IN ('inside', 'border', 'outside', 'unplaced', 'default_geocode')", name="how")),
    Column("cell", BigInteger),
    Column("block_id", Integer),
    Column("segment_id", Integer),
    Column("side", Text, CheckConstraint("side IN ('left', 'right')", name="side")),
    Column("offset_m", Float),
    Column("duty_grid_id", Integer),
    Column(
        "grid",
        BigInteger,
        Computed("(edition_id::bigint << 32) | duty_grid_id", persisted=True),
        comment="edition_id * 2^32 + duty_grid_id",
    ),
    Column("owner", Text),
    Column("imported_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    UniqueConstraint("city", "history", "source_id"),
    ForeignKeyConstraint(["city", "category_kind", "category_code"], ["category.city", "category.kind", "category.code"]),
    # Edition, block, segment, duty grid and owner are checked by a trigger on the statement (revision 0002): checked row by
    # row they took more than half of the time of an import. They stay, because adopted editions and their duties never change.
    # A side without a segment, or an owner without a duty grid, would be an answer without a reason.
    CheckConstraint("(side IS NULL) = (segment_id IS NULL) AND (offset_m IS NULL) = (segment_id IS NULL)", name="segment"),
    CheckConstraint("owner IS NULL OR duty_grid_id IS NOT NULL", name="owner"),
    # On a default point nobody knows the place, so it counts nowhere and nobody is made to answer for it.
    CheckConstraint(
        "how <> 'default_geocode' OR (cell IS NULL AND block_id IS NULL AND segment_id IS NULL AND duty_grid_id IS NULL)",
        name="default_geocode",
    ),
    CheckConstraint("(how IS NULL) = (edition_id IS NULL)", name="assigned"),
    # Points only: a tree of quadrants takes in a million of them in half the time that a tree of boxes takes.
    Index("incident_geom_index", "geom", postgresql_using="spgist"),
    Index(None, "city", "cell"),
    Index(None, "grid", "reported_at", "id"),
    Index(None, "city", "reported_at", "id"),
    Index(None, "edition_id", "block_id"),
)

EDITION_TABLES = (area, duty_grid, block, segment, segment_face, cell, cell_share, special_unit)
"""The tables that an adopted edition fixes for ever, parents before children."""
