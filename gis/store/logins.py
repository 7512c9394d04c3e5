"""Logins: what a device holds to be known again. Kept is only the SHA-256 of its token, so that no copy of the database lets anybody in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from gis.account_tables import login
from gis.credentials import digest_of, new_token
from gis.db import Tx

LASTS = timedelta(days=7)
"""How long a login lasts; then the person proves again who they are."""

_LONGEST_DEVICE = 120


@dataclass(frozen=True)
class Begun:
    """A login that has just begun; the token is known to nobody else and is never seen again."""

    id: int
    token: str
    expires_at: datetime


@dataclass(frozen=True)
class Login:
    """A device that is logged in."""

    id: int
    device: str
    began_at: datetime
    seen_at: datetime
    expires_at: datetime


def add(tx: Tx, account_id: int, *, device: str, now: datetime) -> Begun:
    """Begin a login on a device, which is named by what it says of itself (shortened, and never relied on)."""
    token, expires_at = new_token(), now + LASTS
    said = "".join(letter for letter in device if letter.isprintable())[:_LONGEST_DEVICE]
    values = {
        "account_id": account_id,
        "digest": digest_of(token),
        "device": said,
        "began_at": now,
        "seen_at": now,
        "expires_at": expires_at,
    }
    made = tx.execute(sa.insert(login).values(values).returning(login.c.id)).scalar_one()
    return Begun(int(made), token, expires_at)


def listed(tx: Tx, account_id: int, *, now: datetime) -> list[Login]:
    """The devices on which an account is logged in, the last used first."""
    chosen = sa.select(login.c.id, login.c.device, login.c.began_at, login.c.seen_at, login.c.expires_at)
    rows = tx.execute(chosen.where(login.c.account_id == account_id, *_lasting(now)).order_by(login.c.seen_at.desc(), login.c.id.desc()))
    return [Login(row.id, row.device, row.began_at, row.seen_at, row.expires_at) for row in rows]


def end(tx: Tx, account_id: int, number: int, *, now: datetime) -> bool:
    """End one login of an account; False when it has none of this number that lasts."""
    ending = sa.update(login).where(login.c.account_id == account_id, login.c.id == number, *_lasting(now)).values(ended_at=now)
    return tx.execute(ending).rowcount == 1


def end_token(tx: Tx, digest: bytes, *, now: datetime) -> bool:
    """End the login whose token has this digest; False when there is none that lasts."""
    return tx.execute(sa.update(login).where(login.c.digest == digest, *_lasting(now)).values(ended_at=now)).rowcount == 1


def end_all(tx: Tx, account_id: int, *, now: datetime, but: int | None = None) -> int:
    """End all logins of an account, but for one of them when it is named; returns how many ended."""
    ending = sa.update(login).where(login.c.account_id == account_id, *_lasting(now)).values(ended_at=now)
    return tx.execute(ending if but is None else ending.where(login.c.id != but)).rowcount


def _lasting(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return login.c.ended_at.is_(None), login.c.expires_at > now
