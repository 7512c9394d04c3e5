"""A small OpenID Connect provider for tests: discovery, keys, authorization with PKCE, tokens; on loopback, signing with joserfc.

Whatever a test sets on it (`claims`, `signed`, `about`) is what it says, so that a test makes it lie in one way.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

CLIENT, SECRET = "wangge-tests", "a secret of tests & nobody else's"
SUBJECT = "248289761001"
Claims = dict[str, Any]


def _sign(provider: Provider, claims: Claims) -> str:
    return jwt.encode({"alg": "ES256", "kid": str(provider.key.kid)}, claims, provider.key)


@dataclass
class Provider:
    """The provider: who is at its keyboard, what it has been asked, and how it answers."""

    issuer: str
    subject: str = SUBJECT
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", auto_kid=True))
    claims: Callable[[Claims], Claims] = lambda claims: claims
    signed: Callable[[Provider, Claims], str] = _sign
    about: Claims = field(default_factory=dict)
    asks: bool = False
    """Whether a person must press a button, as in a browser."""
    error: str | None = None
    asked: list[str] = field(default_factory=list)
    _codes: dict[str, Claims] = field(default_factory=dict)

    def discovery(self) -> Claims:
        """What it says of itself."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        } | self.about

    def authorize(self, said: Claims) -> str:
        """The address back to who asks, with a code."""
        good = said["client_id"] == CLIENT and said["response_type"] == "code" and "openid" in said["scope"].split()
        if not good or said["code_challenge_method"] != "S256":
            return f"{said['redirect_uri']}?{urlencode({'error': 'invalid_request', 'state': said['state']})}"
        if self.error is not None:
            return f"{said['redirect_uri']}?{urlencode({'error': self.error, 'state': said['state']})}"
        code = secrets.token_urlsafe(16)
        self._codes[code] = said
        return f"{said['redirect_uri']}?{urlencode({'code': code, 'state': said['state'], 'iss': self.issuer})}"

    def token(self, said: Claims, authorization: str) -> tuple[int, Claims]:
        """The answer to a code; it is good once, for who has the secret and the verifier."""
        begun = self._codes.pop(said.get("code", ""), None)
        client = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(said.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        if client not in (f"{CLIENT}:{SECRET}", f"{CLIENT}:{urlencode({'': SECRET})[1:]}"):
            return 401, {"error": "invalid_client"}
        if begun is None or begun["code_challenge"] != challenge or begun["redirect_uri"] != said.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        at = int(time.time())
        claims = {"iss": self.issuer, "sub": self.subject, "aud": CLIENT, "iat": at, "exp": at + 300, "nonce": begun["nonce"]}
        token = self.signed(self, self.claims(claims))
        return 200, {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "expires_in": 300, "id_token": token}


class _Server(ThreadingHTTPServer):
    provider: Provider


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        provider, url = self.server.provider, urlsplit(self.path)
        provider.asked.append(url.path)
        documents = {
            "/.well-known/openid-configuration": provider.discovery,
            "/jwks": lambda: KeySet([provider.key]).as_dict(private=False),
        }
        if url.path in documents:
            self._json(200, documents[url.path]())
        elif url.path == "/authorize" and provider.asks:
            page = f'<!doctype html><title>Provider</title><link rel="icon" href="data:,"><a id="yes" href="/agreed?{url.query.replace("&", "&amp;")}">It is me</a>'
            self._send(200, page.encode(), "text/html; charset=utf-8")
        elif url.path not in ("/authorize", "/agreed"):
            self._json(404, {})
        else:
            self._send(302, b"", "text/plain", Location=provider.authorize({name: one[0] for name, one in parse_qs(url.query).items()}))

    def do_POST(self) -> None:
        self.server.provider.asked.append(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        said = {name: one[0] for name, one in parse_qs(body).items()}
        self._json(*self.server.provider.token(said, self.headers.get("Authorization", "")))

    def log_message(self, format: str, *args: object) -> None:
        del format, args

    def _json(self, status: int, document: object) -> None:
        self._send(status, json.dumps(document).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def provided() -> Iterator[Provider]:
    """A provider that answers until the block ends."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.provider = Provider(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
