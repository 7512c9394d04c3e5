"""The tables of what is kept of people: who reported an incident, what was deleted and why; and the rates of who asks too often."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, DateTime, ForeignKey, Identity, Index, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from gis.table_columns import metadata

reporter = Table(
    "reporter",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("incident_id", UUID(as_uuid=True), ForeignKey("incident.id", ondelete="CASCADE"), nullable=False),
    Column("sealed", LargeBinary, comment="name and contact, sealed under WANGGE_SEALING_KEYS; NULL: erased"),
    Column("contact_digest", LargeBinary, comment="keyed digest of the contact, to find all that one person reported"),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("erased_at", DateTime(timezone=True)),
    CheckConstraint("(erased_at IS NULL) = (sealed IS NOT NULL) AND (sealed IS NULL) = (contact_digest IS NULL)", name="erased"),
    Index(None, "incident_id"),
    Index(None, "contact_digest"),
)

deletion = Table(
    "deletion",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False, comment="what was deleted; gis/personal_fields.py names the kinds"),
    Column("before", DateTime(timezone=True), comment="what was older than this went; NULL: all of one person"),
    Column("rows", Integer, CheckConstraint("rows >= 0", name="rows"), nullable=False),
    Column("deleted_at", DateTime(timezone=True), nullable=False),
)

rate_limit = Table(
    "rate_limit",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("full_us", BigInteger, nullable=False, comment="microseconds since 1970 UTC at which everything may be done at once again"),
)

rate_refusal = Table(
    "rate_refusal",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("day", Date, primary_key=True, comment="in UTC"),
    Column("refused", BigInteger, nullable=False),
)
