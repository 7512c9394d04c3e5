"""Log in through an OpenID Connect provider that the settings name. Without one nothing of this is done and no outside host is asked.

The authorization code flow with PKCE (RFC 7636), state and nonce (OpenID Connect Core 1.0, section 3.1). What is needed when the browser
comes back is kept with the browser, signed, for ten minutes. The provider says who somebody is; which account that is, and what it may
do, is decided here.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from anyio import CapacityLimiter
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from api.derived_keys import signing_key
from api.errors import ProviderFailed
from gis.account_errors import LogInRefused
from gis.settings import Settings

RETURN_WITHIN = timedelta(minutes=10)
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
"""How an ID token may be signed: with a key that only the provider has. None of them is a secret that is shared, none is none."""

_KNOWN_FOR, _KEYS_KNOWN_AT_LEAST = timedelta(hours=1), timedelta(minutes=1)
_TIMEOUT_S, _AT_ONCE, _FAILED_FOR = 5.0, 2, timedelta(seconds=5)
_SKEW_S = 60
_LONGEST = 16_384
_PURPOSE = "oidc log-in"

Result = TypeVar("Result")


def provider_name(settings: Settings) -> str | None:
    """What the provider is called on the log-in page, None when the settings name none."""
    return (settings.oidc_name or urlsplit(settings.oidc_issuer).hostname) if settings.oidc_issuer else None


@dataclass(frozen=True)
class Begun:
    """A log-in that has been sent to the provider: what the browser holds meanwhile."""

    state: str
    nonce: str
    verifier: str
    onward: str
    """Where the person wanted to go."""


def sealed(settings: Settings, begun: Begun, *, now: datetime) -> str:
    """What the browser holds, signed."""
    claims = {"state": begun.state, "nonce": begun.nonce, "verifier": begun.verifier, "onward": begun.onward}
    ends = {"exp": int((now + RETURN_WITHIN).timestamp())}
    return jwt.encode({"alg": "HS256"}, claims | ends, signing_key(settings, _PURPOSE))


def unsealed(settings: Settings, held: str, *, now: datetime) -> Begun:
    """What the browser holds, read again. Raises ``LogInRefused`` for what we have not signed, or longer ago than ten minutes."""
    if len(held) > _LONGEST:
        raise LogInRefused
    try:
        claims = jwt.decode(held, signing_key(settings, _PURPOSE), algorithms=["HS256"]).claims
        jwt.JWTClaimsRegistry(now=int(now.timestamp()), exp={"essential": True}).validate(claims)
        return Begun(*(str(claims[name]) for name in ("state", "nonce", "verifier", "onward")))
    except (JoseError, ValueError, KeyError, TypeError):
        raise LogInRefused from None


@dataclass
class Provider:
    """The provider of the settings: what it says of itself, asked for when it is needed and kept for an hour."""

    settings: Settings
    _about: tuple[datetime, dict[str, Any]] | None = None
    _keys: tuple[datetime, KeySet] | None = None
    _failed_at: datetime | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    limiter: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_AT_ONCE))
    """Threads that may wait for the provider: one that hangs must not hold those of the map."""

    def begin(self, *, redirect_uri: str, onward: str, now: datetime) -> tuple[str, Begun]:
        """The address at the provider to which the browser is sent, and what it holds meanwhile. Raises ``ProviderFailed``."""
        begun = Begun(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), onward)
        endpoint = self._endpoint("authorization_endpoint", now)
        with self._session(redirect_uri) as session:
            address, _ = session.create_authorization_url(endpoint, state=begun.state, nonce=begun.nonce, code_verifier=begun.verifier)
        return str(address), begun

    def subject(self, begun: Begun, *, code: str, redirect_uri: str, now: datetime) -> str:
        """Whom the provider says the code is for (claim ``sub``). Raises ``ProviderFailed`` when it cannot be asked, ``LogInRefused``
        for a code that it does not take, and an ID token that is not its own, not for us, or not of this log-in."""
        endpoint = self._endpoint("token_endpoint", now)
        with self._session(redirect_uri) as session:
            said = _asked(
                lambda: session.fetch_token(
                    endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=begun.verifier,
                    redirect_uri=redirect_uri,
                    allow_redirects=False,
                )
            )
        token = said.get("id_token")
        if not isinstance(token, str) or len(token) > _LONGEST:
            raise LogInRefused
        try:
            return self._verified(token, begun.nonce, now)
        except (JoseError, ValueError, TypeError, KeyError):
            raise LogInRefused from None

    def _verified(self, token: str, nonce: str, now: datetime) -> str:
        try:
            decoded = jwt.decode(token, self._key_set(now, _KNOWN_FOR), algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            # The provider may have another key since.
            decoded = jwt.decode(token, self._key_set(now, _KEYS_KNOWN_AT_LEAST), algorithms=ALGORITHMS)
        options = {
            "iss": {"essential": True, "value": self.settings.oidc_issuer},
            "aud": {"essential": True, "value": self.settings.oidc_client_id},
        }
        params = {"nonce": nonce, "client_id": self.settings.oidc_client_id}
        claims = CodeIDToken(decoded.claims, decoded.header, options, params)
        claims.validate(int(now.timestamp()), leeway=_SKEW_S)
        subject = claims["sub"]
        if not (isinstance(subject, str) and 0 < len(subject) <= 255 and subject.isascii() and subject.isprintable()):
            raise LogInRefused
        return subject

    def _session(self, redirect_uri: str) -> Any:
        secret = self.settings.oidc_client_secret.get_secret_value()
        supported = (self._about[1] if self._about else {}).get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        method = "none" if not secret else "client_secret_basic" if "client_secret_basic" in supported else "client_secret_post"
        return OAuth2Session(
            self.settings.oidc_client_id,
            secret or None,
            token_endpoint_auth_method=method,
            scope="openid",
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            default_timeout=_TIMEOUT_S,
        )

    def _endpoint(self, name: str, now: datetime) -> str:
        with self._lock:
            if self._about is None or not timedelta(0) <= now - self._about[0] < _KNOWN_FOR:
                self._about = (now, self._ask_about(now))
            address = self._about[1].get(name)
        # As safe as the issuer itself: nothing is sent in the clear where that is asked by https.
        schemes = ("https",) if self.settings.oidc_issuer.startswith("https:") else ("https", "http")
        if not isinstance(address, str) or urlsplit(address).scheme not in schemes:
            raise ProviderFailed("what it says of itself is not as it should be")
        return address

    def _ask_about(self, now: datetime) -> dict[str, Any]:
        if self._failed_at is not None and timedelta(0) <= now - self._failed_at < _FAILED_FOR:
            raise ProviderFailed("it cannot be reached, or does not answer as it should")
        self._failed_at = now
        about = self._document(f"{self.settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration")
        if about.get("issuer") != self.settings.oidc_issuer:
            raise ProviderFailed("it names itself otherwise than WANGGE_OIDC_ISSUER")
        self._failed_at = None
        return about

    def _key_set(self, now: datetime, known_for: timedelta) -> KeySet:
        address = self._endpoint("jwks_uri", now)
        with self._lock:
            if self._keys is None or not timedelta(0) <= now - self._keys[0] < known_for:
                document: Any = self._document(address)
                self._keys = (now, KeySet.import_key_set(document))
            return self._keys[1]

    def _document(self, address: str) -> dict[str, Any]:
        def ask() -> Any:
            reply = requests.get(address, timeout=_TIMEOUT_S, allow_redirects=False)
            reply.raise_for_status()
            return reply.json()

        document = _asked(ask)
        if not isinstance(document, dict):
            raise ProviderFailed("what it says of itself is not as it should be")
        return document


def provider_of(settings: Settings) -> Provider | None:
    """The provider of the settings, None when they name none. Asks nothing yet."""
    return Provider(settings) if settings.oidc_issuer else None


def _asked(question: Callable[[], Result]) -> Result:
    try:
        return question()
    except AuthlibBaseError:
        raise LogInRefused from None
    except (requests.RequestException, ValueError) as error:
        raise ProviderFailed("it cannot be reached, or does not answer as it should") from error
