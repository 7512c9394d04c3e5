"""Accounts: who can be asked to prove who they are. Their logins, keys and grants are beside this in `logins`, `api_keys` and `grants`.

After five wrong passwords an account takes none for a minute, then after each further one for 2, 4, 8 … and at most 60 minutes; the
right one is refused too while that lasts, and afterwards sets the count to nought. So do a new password and a day without a try. Where the
account has logged in before, tries are counted beside this (`gis/actions/log_in.py`), or whoever knows a login could shut its person out.

A password that somebody else has set is good for one log-in, at which the person takes another (``must_change``). Who set it stays
written when that is done: whoever knew the first may have taken the second as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from gis.account_errors import AccountEnded, BadLogin, LoginTaken, SubjectTaken
from gis.account_tables import account
from gis.credentials import require_name
from gis.db import Tx
from gis.errors import NotFound

FREE_FAILURES = 4
"""Wrong passwords in a row that have no consequence yet."""
LONGEST_LOCK = timedelta(minutes=60)
FORGOTTEN_AFTER = timedelta(days=1)
"""So long after the last wrong password the first one counts as the first again."""

ERASED = "erased-"
"""How the logins begin that erasure gives; nobody else has one."""

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}")


@dataclass(frozen=True)
class Account:
    """An account. ``issuer`` and ``subject`` are who an OpenID Connect provider says it is, None without one."""

    id: int
    login: str
    kind: Literal["person", "machine"]
    name: str
    origin: Literal["given", "generated"]
    has_password: bool
    issuer: str | None
    subject: str | None
    failures: int
    locked_until_at: datetime | None
    created_at: datetime
    ended_at: datetime | None
    must_change: bool
    password_set_by: int | None


def create(
    tx: Tx,
    login: str,
    *,
    name: str,
    now: datetime,
    kind: Literal["person", "machine"] = "person",
    origin: Literal["given", "generated"] = "given",
    password_hash: str | None = None,
    provider: tuple[str, str] | None = None,
    password_set_by: int | None = None,
) -> int:
    """Make an account and return its id. ``provider`` is the issuer and subject of an OpenID Connect provider;
    ``password_set_by`` the account that has chosen the password, which is then for one log-in; None for a command on the machine.

    Raises ``BadLogin``, ``BadName``, ``LoginTaken`` and ``SubjectTaken``.
    """
    if not _LOGIN.fullmatch(login) or login.startswith(ERASED):
        raise BadLogin(login)
    require_name(name)
    issuer, subject = provider or (None, None)
    if issuer is not None and subject is not None and find_by_provider(tx, issuer, subject):
        raise SubjectTaken(issuer, subject)
    values = {
        "login": login,
        "kind": kind,
        "name": name,
        "origin": origin,
        "password_hash": password_hash,
        "password_changed_at": None if password_hash is None else now,
        "issuer": issuer,
        "subject": subject,
        "created_at": now,
        "must_change": password_hash is not None and password_set_by is not None,
        "password_set_by": None if password_hash is None else password_set_by,
    }
    made = tx.execute(insert(account).values(values).on_conflict_do_nothing().returning(account.c.id)).scalar_one_or_none()
    if made is None:
        raise LoginTaken(login)
    return int(made)


def find(tx: Tx, login: str) -> Account:
    """The account of a login, ended or not; raises ``NotFound``."""
    found = find_by_login(tx, login)
    if found is None:
        raise NotFound("account", login)
    return found


def find_by_login(tx: Tx, login: str) -> Account | None:
    """The account of a login, ended or not; None for what nobody has, or can have."""
    return _one(tx, account.c.login == login) if _LOGIN.fullmatch(login) else None


def find_standing(tx: Tx, login: str) -> Account:
    """The account of a login that has not ended; raises ``NotFound`` and ``AccountEnded``."""
    found = find(tx, login)
    if found.ended_at is not None:
        raise AccountEnded(login)
    return found


def find_by_id(tx: Tx, account_id: int) -> Account | None:
    """The account of an id, ended or not."""
    return _one(tx, account.c.id == account_id)


def find_by_provider(tx: Tx, issuer: str, subject: str) -> Account | None:
    """The account that stands for a person of an OpenID Connect provider, ended or not."""
    return _one(tx, sa.and_(account.c.issuer == issuer, account.c.subject == subject))


def listed(tx: Tx, *, ended: bool = False) -> list[Account]:
    """All accounts by login; those that have ended only when they are asked for."""
    chosen = _chosen().order_by(account.c.login)
    return [_account(row) for row in tx.execute(chosen if ended else chosen.where(account.c.ended_at.is_(None)))]


def generated_logins(tx: Tx) -> list[str]:
    """The logins of a demo that have not ended: their passwords were shown on a screen."""
    chosen = sa.select(account.c.login).where(account.c.origin == "generated", account.c.ended_at.is_(None)).order_by(account.c.login)
    return list(tx.execute(chosen).scalars())


def end(tx: Tx, account_id: int, *, now: datetime) -> bool:
    """End an account; False when it had ended already. Its login is never given again."""
    ending = sa.update(account).where(account.c.id == account_id, account.c.ended_at.is_(None)).values(ended_at=now)
    return tx.execute(ending).rowcount == 1


def take_password(tx: Tx, account_id: int, password_hash: str, *, instead_of: str, now: datetime) -> bool:
    """Keep the hash of a password that a person takes while ``instead_of`` is still the kept one, and forget wrong ones."""
    taking = sa.update(account).where(account.c.id == account_id, account.c.ended_at.is_(None), account.c.password_hash == instead_of)
    return tx.execute(taking.values(_password(password_hash, now) | {"must_change": False})).rowcount == 1


def set_password(tx: Tx, account_id: int, password_hash: str, *, by: int | None, now: datetime) -> bool:
    """Keep the hash of a password that the account ``by`` sets for another, which is then for one log-in, or a command (None)."""
    setting = sa.update(account).where(account.c.id == account_id, account.c.ended_at.is_(None))
    values = _password(password_hash, now) | {"must_change": by is not None, "password_set_by": by}
    return tx.execute(setting.values(values)).rowcount == 1


def count_attempt(tx: Tx, login: str, *, now: datetime) -> tuple[int, str, bool] | None:
    """Count a try to log in as a wrong one, before anybody knows whether it is, and return the account's id, the hash to try it on,
    and whether that is of a password for one log-in.

    None where there is nothing to try: no such account, one that has ended, has no password, or takes none at present. Counted first,
    many tries at once get no further than as many after each other; ``forget_failures`` takes the count back.
    """
    # An account that is there is written to and one that is not is not: waiting for the disk would tell the two apart. What a crash
    # takes is a wrong password or two.
    tx.execute(sa.text("SET LOCAL synchronous_commit = off"))
    if not _LOGIN.fullmatch(login):
        return None
    at = sa.literal(now, sa.DateTime(timezone=True))
    failures = sa.case((account.c.failed_at < at - FORGOTTEN_AFTER, 1), else_=account.c.failures + 1)
    # No power of more than 2^6 minutes: a year of wrong passwords must not overflow an interval.
    doubled = sa.func.make_interval(0, 0, 0, 0, 0, sa.cast(sa.func.power(2, sa.func.least(failures - FREE_FAILURES - 1, 6)), sa.Integer))
    lock_until = sa.case((failures > FREE_FAILURES, at + sa.func.least(doubled, LONGEST_LOCK)))
    counting = (
        sa.update(account)
        .where(
            account.c.login == login,
            account.c.ended_at.is_(None),
            account.c.password_hash.is_not(None),
            sa.or_(account.c.locked_until.is_(None), account.c.locked_until <= now),
        )
        .values(failures=failures, locked_until=lock_until, failed_at=at)
        .returning(account.c.id, account.c.password_hash, account.c.must_change)
    )
    row = tx.execute(counting).one_or_none()
    return None if row is None else (int(row.id), str(row.password_hash), bool(row.must_change))


def find_password(tx: Tx, login: str, account_ids: Iterable[int]) -> tuple[int, str, bool] | None:
    """The account of a login with its hash, as ``count_attempt`` returns it, counting nothing and whether it waits or not; None unless
    it is one of some accounts, stands and has a password."""
    chosen = sa.select(account.c.id, account.c.password_hash, account.c.must_change).where(
        account.c.login == login, account.c.id.in_(account_ids), account.c.ended_at.is_(None), account.c.password_hash.is_not(None)
    )
    row = tx.execute(chosen).one_or_none() if _LOGIN.fullmatch(login) else None
    return None if row is None else (int(row.id), str(row.password_hash), bool(row.must_change))


def has_password(tx: Tx, account_id: int, password_hash: str) -> bool:
    """Whether an account stands and this is still its hash."""
    chosen = sa.select(account.c.id).where(
        account.c.id == account_id, account.c.ended_at.is_(None), account.c.password_hash == password_hash
    )
    return tx.execute(chosen).one_or_none() is not None


def forget_failures(tx: Tx, account_id: int, password_hash: str) -> bool:
    """Take back all counted tries after a right password; False when the account has ended or has another password meanwhile."""
    forgetting = sa.update(account).where(
        account.c.id == account_id, account.c.ended_at.is_(None), account.c.password_hash == password_hash
    )
    return tx.execute(forgetting.values(failures=0, locked_until=None)).rowcount == 1


def _password(password_hash: str, now: datetime) -> dict[str, Any]:
    return {"password_hash": password_hash, "password_changed_at": now, "failures": 0, "locked_until": None}


def _chosen() -> sa.Select[Any]:
    columns = [column for column in account.c if column.name not in ("password_hash", "password_changed_at", "failed_at", "erased_at")]
    return sa.select(*columns, account.c.password_hash.is_not(None).label("has_password"))


def _one(tx: Tx, where: sa.ColumnElement[bool]) -> Account | None:
    row = tx.execute(_chosen().where(where)).one_or_none()
    return None if row is None else _account(row)


def _account(row: sa.Row[Any]) -> Account:
    return Account(
        id=row.id,
        login=row.login,
        kind=row.kind,
        name=row.name,
        origin=row.origin,
        has_password=row.has_password,
        issuer=row.issuer,
        subject=row.subject,
        failures=row.failures,
        locked_until_at=row.locked_until,
        created_at=row.created_at,
        ended_at=row.ended_at,
        must_change=row.must_change,
        password_set_by=row.password_set_by,
    )
