"""Rates that hold in every process and on every machine of one database: log-in attempts, by address and of everyone together.

One row a key, locked from its reading to its writing, so that attempts at the same instant are counted one by one. The caller's
transaction must be one of its own: what was taken or refused has to stay when the request itself fails. Keys are keyed digests.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from gis.db import Tx
from gis.limits import Limit

# The update that changes nothing locks the row and returns it, also when another transaction made it a moment ago.
_READ = sa.text(
    "INSERT INTO rate_limit (kind, key, full_us) VALUES (:kind, :key, 0)"
    " ON CONFLICT (kind, key) DO UPDATE SET full_us = rate_limit.full_us RETURNING full_us"
)
_WRITE = sa.text("UPDATE rate_limit SET full_us = :full_us WHERE kind = :kind AND key = :key")
_FORGET = sa.text("DELETE FROM rate_limit WHERE kind = :kind AND key = :key")
_COUNT = sa.text(
    "INSERT INTO rate_refusal (kind, day, refused) VALUES (:kind, :day, 1)"
    " ON CONFLICT (kind, day) DO UPDATE SET refused = rate_refusal.refused + 1"
)
_KNOWN = sa.text("SELECT full_us FROM rate_limit WHERE kind = :kind AND key = :key")
_KNOW = sa.text(
    "INSERT INTO rate_limit (kind, key, full_us) VALUES (:kind, :key, :full_us)"
    " ON CONFLICT (kind, key) DO UPDATE SET full_us = excluded.full_us"
)

# An attempt holds the row of its address while it waits for everyone's: to wait here for the first would be a deadlock.
_CLEAN = sa.text(
    "DELETE FROM rate_limit WHERE (kind, key) IN (SELECT kind, key FROM rate_limit WHERE full_us < :bound_us FOR UPDATE SKIP LOCKED)"
)


def take(tx: Tx, limit: Limit, key: bytes, *, now: datetime) -> float:
    """Take one for ``key`` and return 0, or return the seconds to wait; the row stays locked until the transaction ends."""
    # A lost second after a crash costs an attempt or two; waiting for the disk at every attempt would help who floods us.
    tx.execute(sa.text("SET LOCAL synchronous_commit = off"))
    full_us: int = tx.execute(_READ, {"kind": limit.kind, "key": key}).scalar_one()
    after_us, wait_s = limit.step(full_us, now)
    if not wait_s:
        tx.execute(_WRITE, {"kind": limit.kind, "key": key, "full_us": after_us})
    return wait_s


def forget(tx: Tx, limit: Limit, key: bytes) -> None:
    """Let ``key`` do everything at once again."""
    tx.execute(_FORGET, {"kind": limit.kind, "key": key})


def count_refusal(tx: Tx, kind: str, *, now: datetime) -> None:
    """Count one refusal of ``kind`` on the day (UTC) of ``now``."""
    tx.execute(_COUNT, {"kind": kind, "day": now.astimezone(UTC).date()})


def refused(tx: Tx, *, since: date) -> dict[str, int]:
    """How many of each kind were refused since the beginning of a day (UTC)."""
    rows = tx.execute(
        sa.text("SELECT kind, sum(refused)::bigint AS refusals FROM rate_refusal WHERE day >= :since GROUP BY kind ORDER BY kind"),
        {"since": since},
    )
    return {row.kind: row.refusals for row in rows}


def know(tx: Tx, kind: str, key: bytes, *, until: datetime) -> None:
    """Remember ``key`` as one of ``kind`` that is known, until an instant."""
    tx.execute(_KNOW, {"kind": kind, "key": key, "full_us": int(until.timestamp() * 1_000_000)})


def is_known(tx: Tx, kind: str, key: bytes, *, now: datetime) -> bool:
    """Whether ``key`` is known (see ``know``) at ``now``."""
    until_us = tx.execute(_KNOWN, {"kind": kind, "key": key}).scalar_one_or_none()
    return until_us is not None and int(until_us) > now.timestamp() * 1_000_000


def clean(tx: Tx, *, now: datetime) -> int:
    """Delete the rows that say no more than a missing one does, with an hour to spare; how many. Waits for nobody's lock."""
    bound_us = int((now - timedelta(hours=1)).timestamp() * 1_000_000)
    return tx.execute(_CLEAN, {"bound_us": bound_us}).rowcount
