"""API keys: what a program holds to act for an account. The key is shown once; its SHA-256 and first characters are kept.

A key that somebody else has made for an account opens what the account might do then: it ends when the account is given more by
another, and when it takes another password.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from gis.account_errors import NoExpiry
from gis.account_tables import api_key
from gis.credentials import KEY_PREFIX, digest_of, new_key, require_name
from gis.db import Tx
from gis.layers import layer_named

LONGEST = timedelta(days=365)
_SHOWN = len(KEY_PREFIX) + 6


@dataclass(frozen=True)
class Key:
    """What is known of a key. ``layers`` None: every layer that its account may read; ``rate_per_minute`` None: no limit of its own;
    ``made_by`` None: a command on the machine."""

    id: int
    account_id: int
    name: str
    start: str
    layers: tuple[str, ...] | None
    rate_per_minute: int | None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    used_at: datetime | None
    made_by: int | None


def create(
    tx: Tx,
    account_id: int,
    *,
    name: str,
    expires_at: datetime,
    now: datetime,
    layers: Sequence[str] | None = None,
    rate_per_minute: int | None = None,
    made_by: int | None = None,
) -> tuple[int, str]:
    """Make a key for an account; its number and the key itself, which is never seen again. ``made_by`` is the account that asks for it.

    Raises ``BadName``, ``NoExpiry`` (past, or more than a year ahead) and ``NotFound`` for a layer.
    """
    require_name(name)
    if not now < expires_at <= now + LONGEST:
        raise NoExpiry(expires_at.isoformat(), LONGEST.days)
    chosen = None if layers is None else [layer_named(one).name for one in dict.fromkeys(layers)]
    key = new_key()
    values = {
        "account_id": account_id,
        "name": name,
        "digest": digest_of(key),
        "start": key[:_SHOWN],
        "layers": chosen,
        "rate_per_minute": rate_per_minute,
        "created_at": now,
        "expires_at": expires_at,
        "made_by": made_by,
    }
    made = tx.execute(sa.insert(api_key).values(values).returning(api_key.c.id)).scalar_one()
    return int(made), key


def listed(tx: Tx, account_id: int) -> list[Key]:
    """All keys of an account, the newest first, those that no longer open anything included."""
    rows = tx.execute(sa.select(api_key).where(api_key.c.account_id == account_id).order_by(api_key.c.id.desc()))
    return [_key(row) for row in rows]


def find(tx: Tx, number: int) -> Key | None:
    """The key of a number."""
    row = tx.execute(sa.select(api_key).where(api_key.c.id == number)).one_or_none()
    return None if row is None else _key(row)


def revoke(tx: Tx, account_id: int, number: int, *, now: datetime) -> bool:
    """Revoke a key of an account; False when it has none of this number that stands."""
    return tx.execute(_revoking(account_id, now).where(api_key.c.id == number)).rowcount == 1


def revoke_all(tx: Tx, account_id: int, *, now: datetime) -> int:
    """Revoke every key of an account that stands; returns how many."""
    return tx.execute(_revoking(account_id, now)).rowcount


def revoke_made_by_others(tx: Tx, account_id: int, *, now: datetime, but: int | None = None) -> int:
    """Revoke the keys of an account that another account than it and ``but`` has made; returns how many. Those of commands stay."""
    others = api_key.c.made_by.not_in([account_id] if but is None else [account_id, but])
    return tx.execute(_revoking(account_id, now).where(others)).rowcount


def _revoking(account_id: int, now: datetime) -> sa.Update:
    standing = (api_key.c.account_id == account_id, api_key.c.revoked_at.is_(None), api_key.c.expires_at > now)
    return sa.update(api_key).where(*standing).values(revoked_at=now)


def _key(row: sa.Row[tuple[object, ...]]) -> Key:
    return Key(
        id=row.id,
        account_id=row.account_id,
        name=row.name,
        start=row.start,
        layers=None if row.layers is None else tuple(row.layers),
        rate_per_minute=row.rate_per_minute,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        used_at=row.used_at,
        made_by=row.made_by,
    )
