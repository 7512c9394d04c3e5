"""One's own account: log in and out, who one is, one's devices and keys, another password."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

import structlog
from anyio import to_thread
from fastapi import APIRouter, Path, Request, Response

from api import devices, tile_tokens
from api.deps import LOGIN_COOKIE, Caller, Calling, Held, Now, Running
from api.errors import NotLoggedIn
from api.limits import Limits, client_of
from api.oidc import provider_name
from api.schemas.account import (
    GrantOut,
    KeyOut,
    LogInIn,
    LoginOut,
    MeOut,
    NewKeyOut,
    NewPasswordIn,
    OwnKeyIn,
    TileTokenOut,
    WaysOut,
    WhoOut,
)
from gis import passwords
from gis.account_errors import LogInRefused
from gis.actions import log_in
from gis.actions.change_password import change_password
from gis.credentials import digest_of
from gis.db import Tx
from gis.errors import NotAnInstant, NotFound
from gis.store import api_keys, logins
from gis.store.logins import Begun
from grids.permissions import Act

router = APIRouter(prefix="/api/v1", tags=["account"])

Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("/login", operation_id="waysToLogIn")
async def ways(held: Held) -> WaysOut:
    """How one can log in here."""
    return WaysOut(provider=provider_name(held.settings))


@router.post("/login", operation_id="logIn", status_code=204, response_class=Response)
async def log_in_by_password(request: Request, held: Held, now: Now, said: LogInIn) -> Response:
    """Log in with a password; the answer sets the cookie of the login. Whatever is wrong, the refusal is the same.

    A password that somebody else has set lets in only together with a new one (``OneTimePassword``).
    """
    limits: Limits = request.app.state.limits
    old, new = said.password.get_secret_value(), None if said.new is None else said.new.get_secret_value()
    if new is not None:
        passwords.require_fit(new, said.login)
    address = client_of(request.scope)
    held.hashing.require_room()
    await to_thread.run_sync(partial(limits.log_in, held.identity_transaction, address=address, now=now))
    tried = await to_thread.run_sync(_attempt, held, said.login, devices.of(request, held.settings, now=now), now)
    fits = await held.hashing.run(partial(passwords.fits, tried.password_hash, old))
    if not fits:
        # Not what was typed as the login: it may be a password.
        structlog.get_logger().info("log-in refused", account=tried.account_id, address=address)
        raise LogInRefused
    new_hash = None
    if new is not None and not passwords.same(old, new):
        new_hash = await held.hashing.run(partial(passwords.hashed, new))
    begun = await to_thread.run_sync(_admit, held, tried, new_hash, request, now)
    await to_thread.run_sync(partial(limits.logged_in, held.identity_transaction, address=address, now=now))
    response = Response(status_code=204)
    keep_login(response, request, begun, now=now)
    if tried.account_id is not None:
        devices.keep(response, request, held.settings, tried.account_id, now=now)
    return response


@router.post("/logout", operation_id="logOut", status_code=204, response_class=Response)
def log_out(request: Request, held: Held, now: Now) -> Response:
    """Log this device out; one that is not logged in, or no longer, stays so."""
    token = request.cookies.get(LOGIN_COOKIE)
    if token:
        with held.identity_transaction() as tx:
            logins.end_token(tx, digest_of(token), now=now)
    response = Response(status_code=204)
    response.delete_cookie(LOGIN_COOKIE, path="/", secure=request.url.scheme == "https", httponly=True, samesite="lax")
    return response


@router.get("/me", operation_id="me")
def me(caller: Calling) -> MeOut:
    """Who asks, and with which grants."""
    with caller.keep(Act.KEEP_OWN_ACCOUNT, any_layers=True) as (_, entered):
        if entered is None:
            return MeOut(account=None, grants=[])
        who = WhoOut(login=entered.login, name=entered.name, kind=entered.kind)
        return MeOut(account=who, grants=[GrantOut.of(grant) for grant in entered.person.grants])


@router.get("/me/logins", operation_id="listLogins")
def list_logins(caller: Calling, now: Now) -> list[LoginOut]:
    """The devices on which one is logged in, the last used first."""
    with caller.keep(Act.KEEP_OWN_ACCOUNT) as (tx, entered):
        if entered is None or entered.person.account is None:
            return []
        current = entered.credential if caller.has_login else None
        return [
            LoginOut(
                number=one.id,
                device=one.device,
                began_at=one.began_at,
                seen_at=one.seen_at,
                expires_at=one.expires_at,
                current=one.id == current,
            )
            for one in logins.listed(tx, entered.person.account, now=now)
        ]


@router.delete("/me/logins/{number}", operation_id="endLogin", status_code=204, response_class=Response)
def end_login(caller: Calling, now: Now, number: Number) -> Response:
    """Log one of one's devices out."""
    with caller.keep(Act.KEEP_OWN_ACCOUNT) as (tx, entered):
        account = None if entered is None else entered.person.account
        if account is None or not logins.end(tx, account, number, now=now):
            raise NotFound("device", str(number))
    return Response(status_code=204)


@router.delete("/me/logins", operation_id="endOtherLogins", status_code=204, response_class=Response)
def end_other_logins(caller: Calling, now: Now) -> Response:
    """Log all of one's devices out but the one that asks. Takes a log-in."""
    with caller.keep(Act.KEEP_OWN_ACCOUNT) as (tx, entered):
        if entered is not None and entered.person.account is not None:
            caller.require_login()
            logins.end_all(tx, entered.person.account, but=entered.credential, now=now)
    return Response(status_code=204)


@router.post("/me/password", operation_id="changePassword", status_code=204, response_class=Response)
async def change_own_password(request: Request, caller: Calling, held: Held, now: Now, said: NewPasswordIn) -> Response:
    """Take another password, which logs all other devices out. A wrong old one counts as in a log-in. Takes a log-in."""
    held.hashing.require_room()
    old, new = said.old.get_secret_value(), said.new.get_secret_value()
    tried, kept = await to_thread.run_sync(_own_attempt, caller, new, devices.of(request, held.settings, now=now), now)
    if not await held.hashing.run(partial(passwords.fits, tried.password_hash, old)):
        raise LogInRefused
    password_hash = await held.hashing.run(partial(passwords.hashed, new))
    await to_thread.run_sync(_change, held, tried, password_hash, kept, now)
    return Response(status_code=204)


@router.get("/me/keys", operation_id="listOwnKeys")
def list_own_keys(caller: Calling) -> list[KeyOut]:
    """The keys of one's own account, whoever made them, the newest first."""
    with caller.keep(Act.KEEP_OWN_ACCOUNT) as (tx, entered):
        if entered is None or entered.person.account is None:
            return []
        return [KeyOut.of(key, entered.login) for key in api_keys.listed(tx, entered.person.account)]


@router.post("/me/keys", operation_id="addOwnKey", status_code=201)
def add_own_key(caller: Calling, now: Now, said: OwnKeyIn) -> NewKeyOut:
    """Make a key that acts for oneself; it is in this answer and never again. Takes a log-in."""
    with caller.keep(Act.KEEP_OWN_ACCOUNT) as (tx, entered):
        if entered is None or entered.person.account is None:
            raise NotLoggedIn
        caller.require_login()
        number, key = api_keys.create(
            tx,
            entered.person.account,
            name=said.name,
            layers=said.layers,
            rate_per_minute=said.rate_per_minute,
            expires_at=aware(said.expires_at),
            made_by=entered.person.account,
            now=now,
        )
        structlog.get_logger().info("key made", by=entered.person.account, account=entered.login, number=number)
    return NewKeyOut(number=number, key=key, expires_at=said.expires_at)


@router.delete("/me/keys/{number}", operation_id="revokeOwnKey", status_code=204, response_class=Response)
def revoke_own_key(caller: Calling, now: Now, number: Number) -> Response:
    """Revoke a key of one's own account, whoever made it."""
    with caller.keep(Act.KEEP_OWN_ACCOUNT) as (tx, entered):
        account = None if entered is None else entered.person.account
        if account is None or not api_keys.revoke(tx, account, number, now=now):
            raise NotFound("key", str(number))
    return Response(status_code=204)


@router.get("/tile-token", operation_id="tileToken")
def tile_token(caller: Calling, now: Now) -> TileTokenOut:
    """A token with which a map reads tiles as one's account for ten minutes, as ``?token=`` of their addresses."""
    with caller.keep(Act.KEEP_OWN_ACCOUNT, any_layers=True) as (_, entered):
        if entered is None or entered.person.account is None:
            return TileTokenOut(token=None, expires_at=None)
        vouched = tile_tokens.TileToken(entered.person.account, entered.layers)
    token, expires_at = tile_tokens.signed(caller.held.settings, vouched, now=now)
    return TileTokenOut(token=token, expires_at=expires_at)


def keep_login(response: Response, request: Request, begun: Begun, *, now: datetime) -> None:
    """Set the cookie of a login that has begun. Other sites' pages may link here with it (Lax), and no script reads it."""
    response.set_cookie(
        LOGIN_COOKIE,
        begun.token,
        max_age=int((begun.expires_at - now).total_seconds()),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )


def aware(instant: datetime) -> datetime:
    """An instant that was sent. Raises ``NotAnInstant`` for one without its offset from UTC."""
    if instant.tzinfo is None:
        raise NotAnInstant(instant.isoformat())
    return instant


def device_of(request: Request) -> str:
    """What the device that asks says of itself."""
    return request.headers.get("user-agent", "")


def end_earlier_login(tx: Tx, request: Request, *, now: datetime) -> None:
    """End the login that a browser still holds when it logs in once more."""
    token = request.cookies.get(LOGIN_COOKIE)
    if token:
        logins.end_token(tx, digest_of(token), now=now)


def _attempt(held: Running, login: str, device: log_in.Device | None, now: datetime) -> log_in.Attempt:
    with held.identity_transaction() as tx:
        return log_in.attempt(tx, login, now=now, device=device)


def _admit(held: Running, tried: log_in.Attempt, new_hash: str | None, request: Request, now: datetime) -> Begun:
    with held.identity_transaction() as tx:
        begun = log_in.admit(tx, tried, device=device_of(request), now=now, new=new_hash)
        end_earlier_login(tx, request, now=now)
        return begun


def _own_attempt(caller: Caller, new: str, device: log_in.Device | None, now: datetime) -> tuple[log_in.Attempt, int | None]:
    with caller.keep(Act.KEEP_OWN_ACCOUNT) as (tx, entered):
        if entered is None:
            raise NotLoggedIn
        caller.require_login()
        passwords.require_fit(new, entered.login)
        return log_in.attempt(tx, entered.login, now=now, device=device), entered.credential


def _change(held: Running, tried: log_in.Attempt, password_hash: str, kept: int | None, now: datetime) -> None:
    if tried.account_id is None or tried.password_hash is None:
        raise LogInRefused
    with held.identity_transaction() as tx:
        change_password(tx, tried.account_id, password_hash, instead_of=tried.password_hash, login=kept, now=now)
