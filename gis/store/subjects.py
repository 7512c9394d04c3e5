"""Subjects: all that is kept of one person, and its erasure. What a person did stays, under a key that names nobody any more."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gis.account_tables import account, api_key, login, role_grant
from gis.db import Tx
from gis.errors import NotFound
from gis.store.accounts import ERASED
from gis.tables import duty, edition, leave, owner, shift


def of_account(tx: Tx, account_id: int) -> dict[str, Any]:
    """Everything kept of an account's person, but the password's hash and the digests of tokens, which say nothing to anybody."""
    kept = [one for one in account.c if one.name not in ("id", "password_hash")]
    return {
        "account": _rows(tx, sa.select(*kept).where(account.c.id == account_id))[0],
        "logins": _rows(tx, _without(login, "id", "account_id", "digest").where(login.c.account_id == account_id).order_by(login.c.id)),
        "api_keys": _rows(
            tx, _without(api_key, "id", "account_id", "digest").where(api_key.c.account_id == account_id).order_by(api_key.c.id)
        ),
        "grants": _rows(tx, _grants().where(role_grant.c.account_id == account_id).order_by(role_grant.c.id)),
        "editions": _rows(
            tx,
            sa.select(edition.c.city, edition.c.number, (edition.c.drawn_by == account_id).label("drew"))
            .where(sa.or_(edition.c.drawn_by == account_id, edition.c.adopted_by == account_id))
            .order_by(edition.c.city, edition.c.number),
        ),
    }


def erase_account(tx: Tx, account_id: int, *, now: datetime) -> int:
    """Erase the person behind an account that has ended: its name, login, password, provider, devices and keys. The row and its id stay
    for what refers to them. Returns how many rows were changed or deleted."""
    gone = {
        "login": f"{ERASED}{account_id}",
        "name": "",
        "password_hash": None,
        "password_changed_at": None,
        "issuer": None,
        "subject": None,
    }
    rows = tx.execute(sa.update(account).where(account.c.id == account_id).values(gone | {"erased_at": now})).rowcount
    for table in (login, api_key):
        rows += tx.execute(sa.delete(table).where(table.c.account_id == account_id)).rowcount
    return rows


def of_owner(tx: Tx, city: str, code: str) -> dict[str, Any]:
    """Everything kept of who holds posts under a code: names, posts, shifts, leave. Raises ``NotFound``."""
    found = _rows(tx, sa.select(owner).where(owner.c.city == city, owner.c.code == code))
    if not found:
        raise NotFound("owner", code)
    posts = sa.select(edition.c.number, duty.c.place_kind, duty.c.place_id, duty.c.post, duty.c.name, *_ends(duty))
    held = posts.join(edition, edition.c.id == duty.c.edition_id).where(duty.c.city == city, duty.c.owner == code).order_by(duty.c.id)
    return {
        "owner": found[0],
        "posts": _rows(tx, held),
        "shifts": _rows(tx, _without(shift, "city", "owner").where(shift.c.city == city, shift.c.owner == code).order_by(shift.c.id)),
        "leaves": _rows(tx, _during(leave).where(leave.c.city == city, leave.c.owner == code).order_by(leave.c.id)),
    }


def erase_owner(tx: Tx, city: str, code: str) -> int:
    """Put the post's code in the place of its holder's name, in the list of owners and in the duties of every edition; returns how many
    rows. Raises ``NotFound``. Shifts and leave stay: they are of the code."""
    rows = tx.execute(sa.update(owner).where(owner.c.city == city, owner.c.code == code).values(name=code)).rowcount
    if rows == 0:
        raise NotFound("owner", code)
    named = sa.update(duty).where(duty.c.city == city, duty.c.owner == code, duty.c.name != code)
    return rows + tx.execute(named.values(name=code)).rowcount


def count_logins_before(tx: Tx, before: datetime) -> int:
    """How many logins were over before an instant."""
    return int(tx.execute(sa.select(sa.func.count()).select_from(login).where(_over_before(before))).scalar_one())


def delete_logins_before(tx: Tx, before: datetime) -> int:
    """Delete the logins that were over before an instant; how many."""
    return tx.execute(sa.delete(login).where(_over_before(before))).rowcount


def _over_before(before: datetime) -> sa.ColumnElement[bool]:
    return sa.func.least(sa.func.coalesce(login.c.ended_at, login.c.expires_at), login.c.expires_at) < before


def _without(table: sa.Table, *left_out: str) -> sa.Select[Any]:
    return sa.select(*(one for one in table.c if one.name not in left_out))


def _grants() -> sa.Select[Any]:
    of = role_grant.c
    return sa.select(of.role, of.city, of.level, of.code, of.department, *_ends(role_grant), of.recorded_at)


def _during(table: sa.Table) -> sa.Select[Any]:
    return sa.select(*(one for one in table.c if one.name not in ("city", "owner", "during")), *_ends(table))


def _ends(table: sa.Table) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
    return sa.func.lower(table.c.during).label("from_at"), sa.func.upper(table.c.during).label("to_at")


def _rows(tx: Tx, chosen: sa.Select[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in tx.execute(chosen).mappings()]
