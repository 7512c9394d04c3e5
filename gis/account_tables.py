"""The tables of who may: accounts, their logins and keys, what is granted to them, and the copies that the database decides by.

None of them is open to the role of the HTTP app (`wangge_app`): it learns who asks by the function ``enter`` alone. Accounts are
kept under `wangge_identity`, which reads nothing else.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSTZRANGE

from gis.table_columns import metadata

ROLES = ("worker", "lead", "intake", "dispatcher", "department", "checker", "analyst", "duty_chief", "administrator")
_ROLE_CHECK = f"role IN ({', '.join(repr(role) for role in ROLES)})"


def _instant(name: str, *, nullable: bool = True) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


account = Table(
    "account",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("login", Text, CheckConstraint("login ~ '^[a-z0-9][a-z0-9._-]{1,62}$'", name="login"), nullable=False, unique=True),
    Column("kind", Text, CheckConstraint("kind IN ('person', 'machine')", name="kind"), nullable=False),
    Column("name", Text, nullable=False, comment="what the person is called; erased with the person"),
    Column("origin", Text, CheckConstraint("origin IN ('given', 'generated')", name="origin"), nullable=False),
    Column("password_hash", Text, comment="argon2id; NULL: no log-in by password"),
    _instant("password_changed_at"),
    Column("issuer", Text, comment="OpenID Connect: who says who this is"),
    Column("subject", Text, comment="OpenID Connect: the issuer's own name of the person"),
    Column("failures", Integer, nullable=False, server_default=text("0"), comment="wrong passwords since the last right one"),
    _instant("locked_until"),
    _instant("created_at", nullable=False),
    _instant("ended_at"),
    _instant("erased_at"),
    Column("failed_at", DateTime(timezone=True), comment="when a password was last tried; a day after that the wrong ones are forgotten"),
    Column(
        "must_change",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="the password is good for one log-in, which takes another",
    ),
    Column(
        "password_set_by",
        Integer,
        ForeignKey("account.id", ondelete="SET NULL"),
        comment="who last set it for its person, whatever the person took since; NULL: nobody, or a command on the machine",
    ),
    UniqueConstraint("issuer", "subject"),
    CheckConstraint("(issuer IS NULL) = (subject IS NULL)", name="issuer"),
    CheckConstraint("login !~ '^erased-' OR erased_at IS NOT NULL", name="erased"),
)

login = Table(
    "login",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("account_id", Integer, ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True, comment="SHA-256 of the token that only the device has"),
    Column("device", Text, nullable=False),
    _instant("began_at", nullable=False),
    _instant("seen_at", nullable=False),
    _instant("expires_at", nullable=False),
    _instant("ended_at"),
    Index(None, "account_id"),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("account_id", Integer, ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True, comment="SHA-256 of the key, which is shown once"),
    Column("start", Text, nullable=False, comment="its first characters, to know it by"),
    Column("layers", ARRAY(Text), comment="NULL: every layer that the account may read"),
    Column("rate_per_minute", Integer, CheckConstraint("rate_per_minute > 0", name="rate_per_minute")),
    _instant("created_at", nullable=False),
    _instant("expires_at", nullable=False),
    _instant("revoked_at"),
    _instant("used_at"),
    Column("made_by", Integer, ForeignKey("account.id", ondelete="SET NULL"), comment="NULL: by a command on the machine"),
    Index(None, "account_id"),
)

role_grant = Table(
    "role_grant",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("account_id", Integer, ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("role", Text, CheckConstraint(_ROLE_CHECK, name="role"), nullable=False),
    Column("city", Text, ForeignKey("city.code", ondelete="CASCADE"), nullable=False),
    Column("level", Text, comment="key of the level of the place; NULL: the whole city"),
    Column("code", Text),
    Column("department", Text, comment="only what this department leads"),
    Column("during", TSTZRANGE, CheckConstraint("NOT isempty(during)", name="during"), nullable=False),
    Column("granted_by", Integer, ForeignKey("account.id", ondelete="SET NULL"), comment="NULL: by a command on the machine"),
    _instant("recorded_at", nullable=False),
    CheckConstraint("(level IS NULL) = (code IS NULL)", name="place"),
    CheckConstraint("role <> 'department' OR department IS NOT NULL", name="department"),
    Index(None, "account_id"),
)

permission = Table(
    "permission",
    metadata,
    Column("act", Text, primary_key=True),
    Column("role", Text, CheckConstraint(_ROLE_CHECK, name="role"), primary_key=True),
    comment="the table of grids/permissions.py, written by wangge migrate",
)

grid_within = Table(
    "grid_within",
    metadata,
    Column("city", Text, nullable=False, primary_key=True),
    Column("level", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("edition_id", Integer, primary_key=True),
    Column("duty_grid_id", Integer, primary_key=True),
    Column("grid", BigInteger, nullable=False, comment="edition_id * 2^32 + duty_grid_id"),
    Column("rank", SmallInteger, nullable=False, comment="of the level; 0 is the city"),
    ForeignKeyConstraint(["edition_id", "duty_grid_id"], ["duty_grid.edition_id", "duty_grid.id"], ondelete="CASCADE"),
    Index(None, "edition_id", "duty_grid_id"),
    comment="every duty grid, under its own code and that of each area above it; written with the duty grids",
)
