"""Browsers on which somebody has logged in: known again by a cookie, so that wrong passwords of others do not shut their people out.

The cookie is OWASP's device cookie: a name of the browser's own and the accounts that have logged in on it, signed. It lets nobody in.
What it is good for is a count of its own for the passwords that are tried with it (`gis/actions/log_in.py`), beside that of the account.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from fastapi import Request, Response
from joserfc import jwt
from joserfc.errors import JoseError

from api.derived_keys import signing_key
from gis.actions.log_in import Device
from gis.settings import Settings

COOKIE = "wangge_device"
LASTS = timedelta(days=180)
"""How long a browser is known after the last log-in on it."""
MOST = 8
"""So many accounts are known on one browser: those that have logged in last."""

_PATH, _PURPOSE, _ALGORITHM, _LONGEST = "/api/v1", "device cookie", "HS256", 2_048


def signed(settings: Settings, device: Device, *, now: datetime) -> str:
    """What a browser holds to be known by."""
    claims = {"device": device.name, "accounts": list(device.accounts), "exp": int((now + LASTS).timestamp())}
    return jwt.encode({"alg": _ALGORITHM}, claims, signing_key(settings, _PURPOSE))


def read(settings: Settings, sent: str | None, *, now: datetime) -> Device | None:
    """The browser that a cookie is of; None for one that we have not signed, or too long ago."""
    if sent is None or len(sent) > _LONGEST:
        return None
    try:
        claims = jwt.decode(sent, signing_key(settings, _PURPOSE), algorithms=[_ALGORITHM]).claims
        jwt.JWTClaimsRegistry(now=int(now.timestamp()), exp={"essential": True}).validate(claims)
        return Device(str(claims["device"]), tuple(map(int, claims["accounts"])))
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def of(request: Request, settings: Settings, *, now: datetime) -> Device | None:
    """The browser that asks, when somebody has logged in on it."""
    return read(settings, request.cookies.get(COOKIE), now=now)


def keep(response: Response, request: Request, settings: Settings, account: int, *, now: datetime) -> None:
    """Let a browser be known as one on which this account has logged in, after those that have before."""
    known = of(request, settings, now=now) or Device(secrets.token_urlsafe(32), ())
    device = Device(known.name, (account, *(one for one in known.accounts if one != account))[:MOST])
    response.set_cookie(
        COOKIE,
        signed(settings, device, now=now),
        max_age=int(LASTS.total_seconds()),
        path=_PATH,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
