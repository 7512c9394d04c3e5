"""The tables of who answers: owners, their duties, shifts and leave, special units, departments. `gis/tables.py` holds the rest.

Two kinds of facts: a duty belongs to an edition and is fixed with it, except that it may end. Shifts, leave, departments' leads and
the rules of categories belong to the city and are only ever recorded and withdrawn, so that a question about an instant finds what
was known then: ``recorded_at <= at`` and not yet withdrawn.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
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
    Time,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSTZRANGE, ExcludeConstraint

from gis.table_columns import geometry, metadata, names, of_city, of_edition, origin


def recorded() -> list[Column[object]]:
    """Number and city of a recorded fact, who said it, and when it was recorded and withdrawn."""
    return [
        Column("id", Integer, Identity(always=True), primary_key=True),
        Column("city", Text, ForeignKey("city.code", ondelete="CASCADE"), nullable=False),
        Column("said_by", Text, CheckConstraint("said_by IN ('pack', 'command')", name="said_by"), nullable=False),
        Column("recorded_at", DateTime(timezone=True), nullable=False),
        Column("withdrawn_at", DateTime(timezone=True), CheckConstraint("withdrawn_at >= recorded_at", name="withdrawn_at")),
    ]


def during() -> Column[object]:
    """From when to when; open ends are infinite."""
    return Column("during", TSTZRANGE, CheckConstraint("NOT isempty(during)", name="during"), nullable=False)


owner = Table("owner", metadata, of_city(), Column("code", Text, primary_key=True), Column("name", Text, nullable=False), origin())

source_duty = Table(
    "source_duty",
    metadata,
    of_city(),
    Column("id", Integer, primary_key=True),
    Column("area_code", Text, nullable=False, comment="code of a special unit, side of a segment, block, duty grid or area"),
    Column("owner", Text, nullable=False),
    Column("post", Text, CheckConstraint("post IN ('owner', 'deputy')", name="post"), nullable=False),
    during(),
    ForeignKeyConstraint(["city", "owner"], ["owner.city", "owner.code"]),
)

special_unit = Table(
    "special_unit",
    metadata,
    of_edition(),
    Column("id", Integer, primary_key=True),
    Column("code", Text, nullable=False),
    names(),
    Column("area_m2", Float, nullable=False),
    geometry("GEOMETRY"),
    UniqueConstraint("edition_id", "code"),
    Index("special_unit_geom_index", "geom", postgresql_using="gist"),
)

duty = Table(
    "duty",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("edition_id", Integer, ForeignKey("edition.id", ondelete="CASCADE"), nullable=False),
    Column(
        "place_kind",
        Text,
        CheckConstraint(
            "place_kind IN ('special_unit', 'segment_left', 'segment_right', 'block', 'duty_grid', 'area')",
            name="place_kind",
        ),
        nullable=False,
    ),
    Column("place_id", Integer, nullable=False, comment="id in the edition's table of that kind; checked by a trigger on the statement"),
    Column("city", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("name", Text, nullable=False, comment="the owner's name when the duty was written: what was said then stays so"),
    origin(),
    Column("post", Text, CheckConstraint("post IN ('owner', 'deputy')", name="post"), nullable=False),
    during(),
    ForeignKeyConstraint(["city", "owner"], ["owner.city", "owner.code"]),
    Index(None, "edition_id", "place_kind", "place_id"),
    # Nobody shares first answerability: one owner of a place of whatever kind at any instant. Deputies may be several.
    ExcludeConstraint(
        ("edition_id", "="),
        ("place_kind", "="),
        ("place_id", "="),
        ("during", "&&"),
        name="duty_one_at_a_time",
        where=text("post = 'owner'"),
    ),
)

shift = Table(
    "shift",
    metadata,
    *recorded(),
    Column("owner", Text, nullable=False),
    Column(
        "weekdays",
        ARRAY(SmallInteger),
        CheckConstraint("cardinality(weekdays) > 0 AND weekdays <@ '{1,2,3,4,5,6,7}'", name="weekdays"),
        nullable=False,
        comment="days on which it begins, Monday is 1",
    ),
    Column("from_time", Time, nullable=False),
    Column("to_time", Time, nullable=False, comment="not after from_time: on the next day"),
    Column("time_zone", Text, nullable=False),
    ForeignKeyConstraint(["city", "owner"], ["owner.city", "owner.code"]),
    Index(None, "city", "owner"),
)

leave = Table(
    "leave",
    metadata,
    *recorded(),
    Column("owner", Text, nullable=False),
    during(),
    Column("time_zone", Text, nullable=False, comment="in which its end is told"),
    ForeignKeyConstraint(["city", "owner"], ["owner.city", "owner.code"]),
    Index(None, "city", "owner"),
)

department_lead = Table(
    "department_lead",
    metadata,
    *recorded(),
    Column("category", Text, nullable=False, comment="key of a category, or the beginning of keys and a *"),
    Column("area_code", Text, comment="NULL: in the whole city"),
    Column("department", Text, nullable=False),
    names(),
    during(),
    Index(None, "city"),
    # Two departments cannot lead the same at one instant.
    ExcludeConstraint(
        ("city", "="),
        ("category", "="),
        (text("coalesce(area_code, '')"), "="),
        ("during", "&&"),
        name="department_lead_one_at_a_time",
        where=text("withdrawn_at IS NULL"),
    ),
)

category_rule = Table(
    "category_rule",
    metadata,
    *recorded(),
    Column("kind", Text, nullable=False),
    Column("code", Text, nullable=False),
    names(),
    Column("answers_on", Text),
    Column("lowest_level", Text),
    Column("lead_kind", Text),
    ForeignKeyConstraint(["city", "kind", "code"], ["category.city", "category.kind", "category.code"]),
    ExcludeConstraint(
        ("city", "="),
        ("kind", "="),
        ("code", "="),
        (text("tstzrange(recorded_at, withdrawn_at)"), "&&"),
        name="category_rule_one_at_a_time",
    ),
)
