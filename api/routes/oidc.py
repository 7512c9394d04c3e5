"""The two addresses of a log-in through the provider: there, and back."""

from __future__ import annotations

import secrets
from datetime import datetime
from functools import partial
from typing import Annotated

import structlog
from anyio import to_thread
from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse

from api import oidc
from api.deps import BaseUrl, Held, Now, Running
from api.limits import Limits, client_of
from api.oidc import Provider
from api.routes.account import device_of, end_earlier_login, keep_login
from gis.account_errors import LogInRefused
from gis.actions import log_in
from gis.errors import NotFound
from gis.store import logins
from grids.errors import Refusal

router = APIRouter(prefix="/login/oidc", include_in_schema=False)

COOKIE = "wangge_oidc"
_PATH = "/login/oidc"
_LONGEST_ONWARD = 2_000

Said = Annotated[str | None, Query(max_length=8_000)]


@router.get("", operation_id="logInByProvider")
async def there(request: Request, held: Held, now: Now, base_url: BaseUrl, *, onward: Said = None) -> RedirectResponse:
    """Send the browser to the provider; ``onward`` is the page here where it ends, the map when not said."""
    provider = _provider(request)
    began = partial(provider.begin, redirect_uri=_back(base_url), onward=_own(onward), now=now)
    try:
        address, begun = await to_thread.run_sync(began, limiter=provider.limiter)
    except Refusal as refusal:
        return _refused(refusal)
    response = RedirectResponse(address, status_code=303)
    response.set_cookie(
        COOKIE,
        oidc.sealed(held.settings, begun, now=now),
        max_age=int(oidc.RETURN_WITHIN.total_seconds()),
        path=_PATH,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return response


@router.get("/callback", operation_id="providerCallback")
async def back(
    request: Request,
    held: Held,
    now: Now,
    base_url: BaseUrl,
    *,
    code: Said = None,
    state: Said = None,
    iss: Said = None,
    error: Said = None,
) -> RedirectResponse:
    """Take the browser back from the provider and begin the login of the account that stands for its person."""
    provider = _provider(request)
    limits: Limits = request.app.state.limits
    address = client_of(request.scope)
    await to_thread.run_sync(partial(limits.log_in, held.identity_transaction, address=address, now=now))
    try:
        begun = oidc.unsealed(held.settings, request.cookies.get(COOKIE, ""), now=now)
        # RFC 9207: an answer that says whose it is must be this provider's.
        if error is not None or code is None or not _same(state, begun.state) or iss not in (None, held.settings.oidc_issuer):
            raise LogInRefused
        asked = partial(provider.subject, begun, code=code, redirect_uri=_back(base_url), now=now)
        subject = await to_thread.run_sync(asked, limiter=provider.limiter)
        login = await to_thread.run_sync(_admit, held, subject, request, now)
    except Refusal as refusal:
        return _refused(refusal)
    response = RedirectResponse(begun.onward, status_code=303)
    keep_login(response, request, login, now=now)
    response.delete_cookie(COOKIE, path=_PATH)
    await to_thread.run_sync(partial(limits.logged_in, held.identity_transaction, address=address, now=now))
    return response


def _provider(request: Request) -> Provider:
    provider: Provider | None = request.app.state.provider
    if provider is None:
        raise NotFound("provider", "OpenID Connect")
    return provider


def _back(base_url: str) -> str:
    return f"{base_url}{_PATH}/callback"


def _own(onward: str | None) -> str:
    """A page of this service, never of another host: ``//host`` and ``/\\host`` are such to a browser."""
    fit = onward is not None and len(onward) <= _LONGEST_ONWARD and onward.isascii() and onward.isprintable()
    if onward is None or not fit or not onward.startswith("/") or onward[1:2] in ("/", "\\") or "\\" in onward:
        return "/map"
    return onward


def _same(said: str | None, kept: str) -> bool:
    return said is not None and secrets.compare_digest(said.encode("utf-8", "replace"), kept.encode())


def _admit(held: Running, subject: str, request: Request, now: datetime) -> logins.Begun:
    with held.identity_transaction() as tx:
        begun = log_in.admit_by_provider(tx, held.settings.oidc_issuer, subject, device=device_of(request), now=now)
        end_earlier_login(tx, request, now=now)
        return begun


def _refused(refusal: Refusal) -> RedirectResponse:
    """Back to the log-in page, which tells the refusal in the person's language."""
    cause = refusal.__cause__
    structlog.get_logger().warning("log-in through the provider refused", problem=refusal.slug(), cause=cause and type(cause).__name__)
    response = RedirectResponse(f"/login?problem={refusal.slug()}", status_code=303)
    response.delete_cookie(COOKIE, path=_PATH)
    return response
