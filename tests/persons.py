"""Persons for tests: accounts with grants, written as a command of the machine writes them, and what their requests bring along."""

from __future__ import annotations

import hashlib
import itertools
import secrets
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from psycopg.types.range import TimestamptzRange

from gis import db, tables
from grids.permissions import Grant
from tests.tiny_city import act

_numbers = itertools.count(1)
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
"""When every account and grant of these tests began; they are in force whatever the clock says."""
ENDS = datetime(2100, 1, 1, tzinfo=UTC)


def add(url: str, *grants: Grant) -> int:
    """A new account with these grants; returns its number."""
    with act(url) as tx:
        return add_in(tx, *grants)


def add_in(tx: db.Tx, *grants: Grant) -> int:
    """A new account with these grants, in a transaction of the owner."""
    account = tables.account
    values = {"login": f"person{next(_numbers)}-{secrets.token_hex(4)}", "kind": "person", "name": "Made Up", "origin": "generated"}
    number = tx.execute(sa.insert(account).values(**values, created_at=BEGAN).returning(account.c.id)).scalar_one()
    for grant in grants:
        level, code = grant.place or (None, None)
        tx.execute(
            sa.insert(tables.role_grant).values(
                account_id=number,
                role=grant.role.value,
                city=grant.city,
                level=level,
                code=code,
                department=grant.department,
                during=TimestamptzRange(BEGAN, None),
                recorded_at=BEGAN,
            )
        )
    return int(number)


def key(url: str, *grants: Grant, layers: list[str] | None = None, rate_per_minute: int | None = None) -> dict[str, str]:
    """The header of requests by a new account with these grants and an API key."""
    with act(url) as tx:
        return key_of(tx, add_in(tx, *grants), layers=layers, rate_per_minute=rate_per_minute)


def key_of(tx: db.Tx, account: int, *, layers: list[str] | None = None, rate_per_minute: int | None = None) -> dict[str, str]:
    """The header of requests with a new API key of an account."""
    token = f"wgk_{secrets.token_urlsafe(32)}"
    values = {"account_id": account, "name": "test", "digest": hashlib.sha256(token.encode()).digest(), "start": token[:10]}
    values |= {"rate_per_minute": rate_per_minute}
    tx.execute(sa.insert(tables.api_key).values(**values, layers=layers, created_at=BEGAN, expires_at=ENDS))
    return {"Authorization": f"Bearer {token}"}


def login(url: str, *grants: Grant, lasts: timedelta | None = None) -> dict[str, str]:
    """The header of requests by a new account with these grants on a device that is logged in; ``lasts``: so long from now."""
    with act(url) as tx:
        return login_of(tx, add_in(tx, *grants), lasts=lasts)


def login_of(tx: db.Tx, account: int, *, lasts: timedelta | None = None) -> dict[str, str]:
    """The header of requests by an account on another device that is logged in."""
    token = secrets.token_urlsafe(32)
    ends_at = ENDS if lasts is None else datetime.now(UTC) + lasts
    values = {"account_id": account, "digest": hashlib.sha256(token.encode()).digest(), "device": "test"}
    tx.execute(sa.insert(tables.login).values(**values, began_at=BEGAN, seen_at=BEGAN, expires_at=ends_at))
    return {"Cookie": f"wangge_login={token}"}
