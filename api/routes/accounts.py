"""The accounts that an administrator keeps (`api/keeping.py`): made, given roles, keys and passwords, ended."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

import structlog
from anyio import to_thread
from fastapi import APIRouter, Path, Query, Response

from api.deps import Caller, Calling, Held, Now
from api.keeping import Keeper, keeping
from api.routes.account import Number, aware
from api.schemas.account import AccountIn, AccountOut, GrantIn, KeyIn, KeyOut, NewGrantOut, NewKeyOut, PasswordIn
from gis import passwords
from gis.account_errors import KeyOfAPerson, NoGrant, PasswordOfProvider
from gis.actions.change_password import set_password
from gis.actions.end_account import end_account
from gis.actions.give_grant import give_grant
from gis.errors import NotFound
from gis.store import accounts, api_keys, grants

router = APIRouter(prefix="/api/v1", tags=["accounts"])

Login = Annotated[str, Path(max_length=63, pattern=r"^[^\x00]*$")]


@router.get("/accounts", operation_id="listAccounts")
def list_accounts(caller: Calling, now: Now) -> list[AccountOut]:
    """The accounts that one keeps, by login."""
    with keeping(caller, now) as keeper:
        return [AccountOut.of(one, given, now=now) for one, given in keeper.kept()]


@router.post("/accounts", operation_id="addAccount", status_code=201)
async def add_account(caller: Calling, held: Held, now: Now, said: AccountIn) -> NewGrantOut:
    """Make an account with its first grant, whose number is the answer. Its password is for one log-in, at which it takes another."""
    await to_thread.run_sync(_may_give, caller, said.grant, now)
    if said.oidc_subject is not None and not held.settings.oidc_issuer:
        raise NotFound("provider", "OpenID Connect")
    if said.oidc_subject is not None and said.password is not None:
        raise PasswordOfProvider(said.login)
    password_hash = None
    if said.password is not None:
        password = said.password.get_secret_value()
        passwords.require_fit(password, said.login)
        password_hash = await held.hashing.run(partial(passwords.hashed, password))
    return NewGrantOut(number=await to_thread.run_sync(_add, caller, said, password_hash, now))


@router.delete("/accounts/{login}", operation_id="endAccount", status_code=204, response_class=Response)
def end(caller: Calling, now: Now, login: Login) -> Response:
    """End an account for good, with its logins, keys and grants."""
    with keeping(caller, now) as keeper:
        end_account(keeper.tx, keeper.require_account(login).login, now=now)
        _note("account ended", keeper, login)
    return Response(status_code=204)


@router.put("/accounts/{login}/password", operation_id="setPassword", status_code=204, response_class=Response)
async def set_another_password(caller: Calling, held: Held, now: Now, *, login: Login, said: PasswordIn) -> Response:
    """Set an account's password for one log-in, at which it takes another; logs all its devices out."""
    await to_thread.run_sync(_require, caller, login, now)
    password = said.password.get_secret_value()
    passwords.require_fit(password, login)
    password_hash = await held.hashing.run(partial(passwords.hashed, password))
    await to_thread.run_sync(_set_password, caller, login, password_hash, now)
    return Response(status_code=204)


@router.post("/accounts/{login}/grants", operation_id="giveGrant", status_code=201)
def give(caller: Calling, now: Now, login: Login, said: GrantIn) -> NewGrantOut:
    """Give an account a role in one's own part of the city."""
    with keeping(caller, now) as keeper:
        keeper.require_account(login)
        return NewGrantOut(number=_give(keeper, login, said, now))


@router.delete("/accounts/{login}/grants/{number}", operation_id="endGrant", status_code=204, response_class=Response)
def end_grant(caller: Calling, now: Now, login: Login, number: Number) -> Response:
    """End a grant of an account."""
    with keeping(caller, now) as keeper:
        if not grants.end(keeper.tx, keeper.require_account(login).id, number, now=now):
            raise NotFound("grant", str(number))
        _note("grant ended", keeper, login, number=number)
    return Response(status_code=204)


@router.get("/api-keys", operation_id="listKeys")
def list_keys(caller: Calling, now: Now, account: Annotated[str | None, Query(max_length=63)] = None) -> list[KeyOut]:
    """The keys of an account, or of all that one keeps."""
    with keeping(caller, now) as keeper:
        kept = [keeper.require_account(account)] if account is not None else [one for one, _ in keeper.kept()]
        return [KeyOut.of(key, one.login) for one in kept for key in api_keys.listed(keeper.tx, one.id)]


@router.post("/api-keys", operation_id="addKey", status_code=201)
def add_key(caller: Calling, now: Now, said: KeyIn) -> NewKeyOut:
    """Make a key for the account of a program; it is in this answer and never again. A person makes their own (``addOwnKey``)."""
    with keeping(caller, now) as keeper:
        owner = keeper.require_account(said.account)
        if owner.kind != "machine":
            raise KeyOfAPerson(owner.login)
        number, key = api_keys.create(
            keeper.tx,
            owner.id,
            name=said.name,
            layers=said.layers,
            rate_per_minute=said.rate_per_minute,
            expires_at=aware(said.expires_at),
            made_by=keeper.person.account,
            now=now,
        )
        _note("key made", keeper, said.account, number=number)
    return NewKeyOut(number=number, key=key, expires_at=said.expires_at)


@router.delete("/api-keys/{number}", operation_id="revokeKey", status_code=204, response_class=Response)
def revoke_key(caller: Calling, now: Now, number: Number) -> Response:
    """Revoke a key, also one's own."""
    with keeping(caller, now) as keeper:
        key = api_keys.find(keeper.tx, number)
        owner = None if key is None else accounts.find_by_id(keeper.tx, key.account_id)
        if owner is not None and owner.id != keeper.person.account:
            owner = keeper.require_account(owner.login)
        if owner is None or not api_keys.revoke(keeper.tx, owner.id, number, now=now):
            raise NotFound("key", str(number))
        _note("key revoked", keeper, owner.login, number=number)
    return Response(status_code=204)


def _may_give(caller: Caller, said: GrantIn, now: datetime) -> None:
    with keeping(caller, now) as keeper:
        keeper.require_grant(said.grant(), doer=None)


def _require(caller: Caller, login: str, now: datetime) -> None:
    with keeping(caller, now) as keeper:
        keeper.require_account(login)


def _add(caller: Caller, said: AccountIn, password_hash: str | None, now: datetime) -> int:
    provider = None if said.oidc_subject is None else (caller.held.settings.oidc_issuer, said.oidc_subject)
    with keeping(caller, now) as keeper:
        accounts.create(
            keeper.tx,
            said.login,
            name=said.name,
            kind=said.kind,
            password_hash=password_hash,
            password_set_by=keeper.person.account,
            provider=provider,
            now=now,
        )
        _note("account made", keeper, said.login)
        return _give(keeper, said.login, said.grant, now)


def _set_password(caller: Caller, login: str, password_hash: str, now: datetime) -> None:
    with keeping(caller, now) as keeper:
        set_password(keeper.tx, keeper.require_account(login).login, password_hash, by=keeper.person.account, now=now)
        _note("password set", keeper, login)


def _give(keeper: Keeper, login: str, said: GrantIn, now: datetime) -> int:
    if (said.level is None) != (said.code is None):
        raise NoGrant("a place needs its level and its code.")
    grant = said.grant()
    keeper.require_grant(grant, doer=accounts.find(keeper.tx, login).id)
    number = give_grant(
        keeper.tx,
        login,
        grant,
        from_at=None if said.begins_at is None else aware(said.begins_at),
        to_at=None if said.ends_at is None else aware(said.ends_at),
        granted_by=keeper.person.account,
        now=now,
    )
    _note("grant given", keeper, login, number=number)
    return number


def _note(event: str, keeper: Keeper, login: str, **more: int) -> None:
    structlog.get_logger().info(event, by=keeper.person.account, account=login, **more)
