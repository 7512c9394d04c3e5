"""What every request and answer passes: security headers, the same-site check, bounded bodies, request rates.

Plain ASGI, because each of some hundred requests a second passes here: the headers are ready as bytes, and of a request only the
headers that matter are looked at, once.

**Why the same-site check is sound.** A forged request (CSRF) needs the browser to add the login cookie to a request that a page of
another site makes. Browsers say with every request to a trustworthy origin (https, loopback) where it comes from, in Sec-Fetch-Site,
which no page can set or leave out (W3C, Fetch Metadata Request Headers; a forbidden request header of the Fetch standard); towards
other origins they leave it out but send Origin with every method that is not safe, which no page can set either. A request with
the cookie that changes something is therefore taken only from a page of our own, from the person itself (``none``: typed, a
bookmark), or from an origin that the operator has listed. With neither header it is refused: then it comes from no browser of
today, and programs have keys. A bearer key is no concern: a browser never adds one by itself, and a page of another origin cannot
add it without the CORS preflight that only listed origins pass. Both are the OWASP Cross-Site Request Forgery Prevention Cheat
Sheet's "Fetch Metadata headers" with the fallback to "verifying origin". Safe methods (RFC 9110, section 9.2.1) must change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import responses
from api.deps import LOGIN_COOKIE
from api.errors import BodyTooLarge, CrossSiteRequest, SmallBodyTooLarge, TooManyRequests
from api.limits import Limits, client_of
from gis.settings import Settings, names_in
from grids.errors import Refusal

_COOKIE = LOGIN_COOKIE.encode("ascii") + b"="
SMALL_BODY_MB = 1
_LARGE_BODIES = frozenset({("POST", "/api/v1/locate")})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_LOOKED_AT = frozenset(
    {b"host", b"cookie", b"authorization", b"origin", b"sec-fetch-site", b"content-length", b"transfer-encoding"},
)

# MapLibre styles its elements through the CSSOM, which needs no 'unsafe-inline'; icons in its and Swagger UI's sheets are data: URLs.
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
    "permissions-policy": "camera=(), geolocation=(self), microphone=(), payment=(), usb=(), browsing-topics=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_ONLY_HTTPS = {"strict-transport-security": "max-age=31536000"}

CORS: dict[str, Any] = {
    "allow_methods": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    "allow_headers": ["Authorization", "Content-Type", "If-Match", "If-None-Match", "Range"],
    "expose_headers": ["Content-Range", "ETag", "Location", "Retry-After"],
    "max_age": 600,
}
"""What pages of a listed origin may send and read, beside what every page may (for Starlette's middleware)."""

_Headers = tuple[tuple[bytes, bytes], ...]

_PRIVATE = (b"cache-control", b"private, no-store")
_ASKED_AGAIN = (b"cache-control", b"no-cache")
_KEPT_ANYWHERE = ("/static/", "/basemaps/")


def _ready(policy: str, *, https: bool) -> _Headers:
    headers = {"content-security-policy": policy, **_HEADERS, **(_ONLY_HTTPS if https else {})}
    return tuple((name.encode("ascii"), value.encode("ascii")) for name, value in headers.items())


_PAGE = {https: _ready(_PAGE_POLICY, https=https) for https in (False, True)}
_DATA = {https: _ready(_DATA_POLICY, https=https) for https in (False, True)}


def security_headers(scope: Scope, headers: Iterable[tuple[bytes, bytes]]) -> _Headers:
    """The headers to add to an answer that has ``headers``. A page may load what the server itself has; a script gets the same
    policy, because a worker lives by the one that its script came with. Anything else loads nothing."""
    https = scope.get("scheme") == "https"
    for name, value in headers:
        if name == b"content-type":
            return (_PAGE if value.startswith((b"text/html", b"text/javascript", b"application/javascript")) else _DATA)[https]
    return _DATA[https]


def caching(path: str, headers: Iterable[tuple[bytes, bytes]]) -> _Headers:
    """The header to add that says who may keep an answer, where it does not say so itself: what the interface answers depends on who
    asks and is nobody else's, in no cache on the way and on no disk; a page is asked for again; files are the same for everyone."""
    if path.startswith(_KEPT_ANYWHERE) or any(name == b"cache-control" for name, _ in headers):
        return ()
    return (_PRIVATE if path.startswith("/api/") else _ASKED_AGAIN,)


def unexpected_response(request: Request, error: Exception) -> Response:
    """The answer to a fault of the program, which is given outside every middleware and so secured here."""
    response = responses.unexpected_response(request, error)
    response.raw_headers.extend((*security_headers(request.scope, response.raw_headers), _PRIVATE))
    return response


def too_many_response(request: Request, refusal: Exception) -> Response:
    """The answer to too many requests, with Retry-After (RFC 6585, section 4)."""
    response = responses.refusal_response(request, refusal)
    if isinstance(refusal, TooManyRequests):
        response.headers["Retry-After"] = str(refusal.retry_after_s)
    return response


class Edges:
    """The middleware. Of what it refuses the app behind it hears nothing."""

    def __init__(self, app: ASGIApp, *, settings: Settings, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._origins = frozenset(origin.encode("ascii") for origin in names_in(settings.cors_origins))
        self._large_mb = settings.body_limit_mb

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here with its refusal."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def secure_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.get("headers", ())
                message["headers"] = [*headers, *security_headers(scope, headers), *caching(scope["path"], headers)]
            await send(message)

        try:
            counted = self._admit(scope)
        except Refusal as refusal:
            await too_many_response(Request(scope), refusal)(scope, receive, secure_send)
        else:
            if counted is None:
                await self._app(scope, receive, secure_send)
            else:
                await _bounded(self._app, scope, receive, secure_send, too_large=counted)

    def _admit(self, scope: Scope) -> BodyTooLarge | None:
        """Refuse what must not go on; the refusal of its body if that turns out too large, when it does not say how large it is."""
        said: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in _LOOKED_AT:
                said[name] = said[name] + b"; " + value if name in said else value
        key = said.get(b"authorization", b"")
        bearer = key[:7].lower() == b"bearer "  # a password of HTTP's own (Basic) the browser does add by itself
        cookie = said.get(b"cookie", b"")
        login = _login_of(cookie)
        credential = key[7:].strip() if bearer else login
        self._limits.request(client_of(scope), credential, now=datetime.now(UTC))
        # A log-in and a log-out carry no cookie yet, or none any more that a page elsewhere may send: what a browser says counts then too.
        by_browser = login is not None or b"sec-fetch-site" in said or b"origin" in said
        if by_browser and not bearer and scope["method"] not in _SAFE and not self._same_site(said):
            raise CrossSiteRequest
        return self._body(scope, said)

    def _same_site(self, said: dict[bytes, bytes]) -> bool:
        origin = said.get(b"origin", b"")
        if origin in self._origins:
            return True
        site = said.get(b"sec-fetch-site")
        if site is not None:
            return site in (b"same-origin", b"none")
        return bool(origin) and urlsplit(origin).netloc.lower() == said.get(b"host", b"").lower()

    def _body(self, scope: Scope, said: dict[bytes, bytes]) -> BodyTooLarge | None:
        length, chunked = said.get(b"content-length"), b"transfer-encoding" in said
        if length is None and not chunked:
            return None
        large = (scope["method"], scope["path"]) in _LARGE_BODIES
        limit_mb = self._large_mb if large else SMALL_BODY_MB
        too_large = BodyTooLarge(limit_mb) if large else SmallBodyTooLarge(limit_mb)
        if length is None or chunked or not length.isdigit():
            return too_large
        if int(length[:20]) > limit_mb * 1_000_000:
            raise too_large
        return None  # the server itself holds a body to its Content-Length


def _login_of(cookie: bytes) -> bytes | None:
    """The token of the login that a request brings: of several the last, as the app behind reads them."""
    said = [one.strip() for one in cookie.split(b";")]
    return next((one[len(_COOKIE) :].strip() for one in reversed(said) if one.startswith(_COOKIE)), None)


async def _bounded(app: ASGIApp, scope: Scope, receive: Receive, send: Send, *, too_large: BodyTooLarge) -> None:
    """Run the app and end it with ``too_large`` once more of the body has come than that allows.

    The app may take that for anything (FastAPI answers 400 to a body that breaks off), so what it says then is not sent. When its
    answer has begun already, nothing can be said any more, and the connection breaks off.
    """
    size, over, begun = 0, False, False

    async def counting() -> Message:
        nonlocal size, over
        message = await receive()
        size += len(message.get("body", b""))
        if size > too_large.limit_mb * 1_000_000:
            over = True
            raise too_large
        return message

    async def sending(message: Message) -> None:
        nonlocal begun
        if over and not begun:
            return
        begun = True
        await send(message)

    try:
        await app(scope, counting, sending)
    except Refusal:
        if not over or begun:
            raise
    if over and not begun:
        await responses.refusal_response(Request(scope), too_large)(scope, receive, send)
