"""Log in through an OpenID Connect provider: the whole way there and back, and a provider or a browser that lies in one way."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from pydantic import SecretStr, ValidationError

from api import oidc
from api.app import create_app
from gis.account_errors import LogInRefused
from gis.actions.end_account import end_account
from gis.settings import Settings
from gis.store import accounts
from tests.oidc_provider import CLIENT, SECRET, SUBJECT, Claims, Provider, provided
from tests.tiny_city import act

AT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider that answers as it should."""
    with provided() as one:
        yield one


@contextmanager
def app_with(database: str, tmp_path: Path, **settings: Any) -> Iterator[TestClient]:
    with TestClient(
        create_app(Settings(data_dir=tmp_path, pool_size=4, **settings), database_url=database),
        base_url="http://127.0.0.1",
        raise_server_exceptions=False,
        client=("127.0.0.1", 50_000),
        follow_redirects=False,
    ) as client:
        yield client


@pytest.fixture
def browser(database: str, tmp_path: Path, provider: Provider) -> Iterator[TestClient]:
    """A browser on an app with the provider, where an account stands for its person."""
    with act(database) as tx:
        accounts.create(tx, "mei", name="Mei", provider=(provider.issuer, SUBJECT), now=datetime.now(UTC))
    settings = {"oidc_issuer": provider.issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SecretStr(SECRET), "oidc_name": "City ID"}
    with app_with(database, tmp_path, **settings) as client:
        yield client


def leave(browser: TestClient, onward: str | None = None) -> str:
    """Go to the provider and agree; the address to which it sends the browser back."""
    sent = browser.get("/login/oidc", params={} if onward is None else {"onward": onward})
    assert sent.status_code == 303, sent.text
    agreed = requests.get(sent.headers["location"], allow_redirects=False, timeout=10)
    return agreed.headers["Location"]


def known_as(browser: TestClient) -> str | None:
    account = browser.get("/api/v1/me").json()["account"]
    return None if account is None else str(account["login"])


def is_refused(browser: TestClient, address: str, problem: str = "log-in-refused") -> None:
    reply = browser.get(address)
    assert (reply.status_code, reply.headers["location"]) == (303, f"/login?problem={problem}")
    assert "wangge_login" not in reply.headers.get("set-cookie", "")
    assert known_as(browser) is None


def test_a_person_goes_to_the_provider_and_comes_back_logged_in(browser: TestClient, provider: Provider) -> None:
    assert browser.get("/api/v1/login").json() == {"provider": "City ID"}
    assert provider.asked == []
    address = leave(browser, "/map#place=1/2")
    assert urlsplit(address).path == "/login/oidc/callback"
    back = browser.get(address)
    assert (back.status_code, back.headers["location"]) == (303, "/map#place=1/2")
    assert known_as(browser) == "mei"
    assert "wangge_oidc" not in browser.cookies
    assert set(provider.asked) == {"/.well-known/openid-configuration", "/authorize", "/token", "/jwks"}
    again = browser.get(address)
    assert again.headers["location"] == "/login?problem=log-in-refused"


def test_what_is_asked_of_the_provider_is_bound_to_this_browser(browser: TestClient) -> None:
    asked = [parse_qs(urlsplit(browser.get("/login/oidc").headers["location"]).query) for _ in range(2)]
    for one in asked:
        assert one["response_type"] == ["code"]
        assert one["code_challenge_method"] == ["S256"]
        assert one["redirect_uri"] == ["http://127.0.0.1/login/oidc/callback"]
        assert one["scope"] == ["openid"]
    assert all(asked[0][name] != asked[1][name] for name in ("state", "nonce", "code_challenge"))
    cookie = browser.get("/login/oidc").headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/login/oidc" in cookie


def by_another_key(provider: Provider, claims: Claims) -> str:
    return jwt.encode({"alg": "ES256", "kid": str(provider.key.kid)}, claims, ECKey.generate_key("P-256"))


def by_nobody(provider: Provider, claims: Claims) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none'})}.{part(claims)}."


def by_our_secret(provider: Provider, claims: Claims) -> str:
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET.encode()))


def by_the_public_key_as_secret(provider: Provider, claims: Claims) -> str:
    return jwt.encode(
        {"alg": "HS256", "kid": str(provider.key.kid)}, claims, OctKey.import_key(json.dumps(provider.key.as_dict(private=False)))
    )


def cut_off(provider: Provider, claims: Claims) -> str:
    return jwt.encode({"alg": "ES256", "kid": str(provider.key.kid)}, claims, provider.key)[:-6]


def not_said(_: Provider, __: Claims) -> Any:
    return None


SIGNED = [by_another_key, by_nobody, by_our_secret, by_the_public_key_as_secret, cut_off, not_said]


@pytest.mark.parametrize("signed", SIGNED, ids=lambda one: one.__name__)
def test_an_id_token_that_the_provider_has_not_signed_is_refused(
    browser: TestClient, provider: Provider, signed: Callable[[Provider, Claims], str]
) -> None:
    provider.signed = signed
    is_refused(browser, leave(browser))


CLAIMS: dict[str, Claims] = {
    "of another issuer": {"iss": "https://id.example"},
    "for another client": {"aud": "another"},
    "for several, by another": {"aud": [CLIENT, "another"], "azp": "another"},
    "of another log-in": {"nonce": "another"},
    "expired": {"exp": 1_700_000_000},
    "issued tomorrow": {"iat": 4_000_000_000},
    "of no end": {"exp": None},
    "of no log-in": {"nonce": None},
    "of nobody": {"sub": None},
    "of somebody unknown": {"sub": "another"},
    "of an empty name": {"sub": ""},
    "of a name without end": {"sub": "x" * 5_000},
    "of a name with NUL": {"sub": "\x00"},
    "of a number": {"sub": 248289761001},
}


@pytest.mark.parametrize("wrong", CLAIMS.values(), ids=CLAIMS)
def test_an_id_token_that_says_something_else_is_refused(browser: TestClient, provider: Provider, wrong: Claims) -> None:
    provider.claims = lambda claims: {name: value for name, value in (claims | wrong).items() if value is not None}
    is_refused(browser, leave(browser))


def test_the_provider_may_change_its_key(browser: TestClient, provider: Provider) -> None:
    assert browser.get(leave(browser)).headers["location"] == "/map"
    provider.key = ECKey.generate_key("P-256", auto_kid=True)
    held = browser.app.state.provider  # type: ignore[attr-defined]
    held._keys = (held._keys[0] - timedelta(minutes=2), held._keys[1])
    assert browser.get(leave(browser)).headers["location"] == "/map"


def test_a_provider_that_signs_with_rsa_is_understood(browser: TestClient, provider: Provider) -> None:
    provider.key = RSAKey.generate_key(2048, auto_kid=True)  # type: ignore[assignment]
    provider.signed = lambda one, claims: jwt.encode({"alg": "RS256", "kid": str(one.key.kid)}, claims, one.key)
    assert browser.get(leave(browser)).headers["location"] == "/map"
    assert known_as(browser) == "mei"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("state=", "state=x"),
        ("code=", "code=x"),
        ("code=", "cod="),
        ("state=", "stat="),
        ("iss=", "iss=https://id.example"),
        ("code=", "error=x&code="),
    ],
)
def test_a_way_back_that_is_not_the_one_that_was_begun_is_refused(browser: TestClient, old: str, new: str) -> None:
    is_refused(browser, leave(browser).replace(old, new, 1))


def test_a_way_back_in_another_browser_is_refused(browser: TestClient) -> None:
    address = leave(browser)
    browser.cookies.clear()
    is_refused(browser, address)
    for held in ("", "x", "a.b.c", "x" * 100_000):
        browser.cookies.clear()
        browser.cookies.set("wangge_oidc", held, domain="127.0.0.1", path="/login/oidc")
        is_refused(browser, address)


def test_who_changes_their_mind_at_the_provider_is_back_at_the_log_in_page(browser: TestClient, provider: Provider) -> None:
    provider.error = "access_denied"
    is_refused(browser, leave(browser))


def test_an_account_that_has_ended_is_refused(browser: TestClient, database: str) -> None:
    address = leave(browser)
    with act(database) as tx:
        end_account(tx, "mei", now=datetime.now(UTC))
    is_refused(browser, address)


@pytest.mark.parametrize(
    "onward",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\n/evil",
        "",
        "map",
        "/" * 3_000,
    ],
)
def test_nobody_is_sent_on_to_another_host(browser: TestClient, onward: str) -> None:
    assert browser.get(leave(browser, onward)).headers["location"] == "/map"


ABOUT: dict[str, Claims] = {
    "another issuer": {"issuer": "https://id.example"},
    "no endpoint": {"authorization_endpoint": None},
    "an endpoint that is a file": {"authorization_endpoint": "file:///etc/passwd"},
    "an endpoint that is none": {"authorization_endpoint": 7},
}


@pytest.mark.parametrize("about", ABOUT.values(), ids=ABOUT)
def test_a_provider_that_is_not_as_it_should_be_is_told_as_not_available(browser: TestClient, provider: Provider, about: Claims) -> None:
    provider.about = about
    is_refused(browser, "/login/oidc", "provider-failed")


def test_a_provider_that_is_away_is_told_as_not_available_and_not_asked_at_every_request(database: str, tmp_path: Path) -> None:
    with provided() as gone:
        pass
    with app_with(database, tmp_path, oidc_issuer=gone.issuer, oidc_client_id=CLIENT) as browser:
        assert browser.get("/api/v1/login").json() == {"provider": "127.0.0.1"}
        for _ in range(3):
            is_refused(browser, "/login/oidc", "provider-failed")


def test_without_a_provider_there_is_no_such_way(database: str, tmp_path: Path) -> None:
    with app_with(database, tmp_path) as browser:
        assert browser.get("/api/v1/login").json() == {"provider": None}
        assert browser.get("/login/oidc").status_code == 404
        assert browser.get("/login/oidc/callback", params={"code": "x", "state": "y"}).status_code == 404


def test_what_the_browser_holds_is_ours_and_lasts_ten_minutes() -> None:
    settings = Settings(secret_key=SecretStr("k" * 32))
    begun = oidc.Begun("state", "nonce", "verifier", "/map")
    held = oidc.sealed(settings, begun, now=AT)
    assert oidc.unsealed(settings, held, now=AT + timedelta(minutes=9)) == begun
    for wrong, at in ((held, AT + timedelta(minutes=10)), (held[:-1], AT), (oidc.sealed(Settings(), begun, now=AT), AT)):
        with pytest.raises(LogInRefused):
            oidc.unsealed(settings, wrong, now=at)


@pytest.mark.parametrize(
    "issuer",
    [
        "http://id.example",
        "https://",
        "ftp://id.example",
        "id.example",
        "https://id.example?x",
        "https://id.example#x",
        "https://a@id.example",
        "http://127.0.0.1.example",
    ],
)
def test_an_issuer_that_could_be_overheard_or_is_none_is_refused(issuer: str) -> None:
    with pytest.raises(ValidationError, match="WANGGE_OIDC_ISSUER"):
        Settings(oidc_issuer=issuer, oidc_client_id="x")


def test_an_issuer_needs_a_client_and_its_secret_may_come_from_a_file(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="WANGGE_OIDC_CLIENT_ID"):
        Settings(oidc_issuer="https://id.example")
    (tmp_path / "secret").write_text("of the client\n")
    settings = Settings(oidc_issuer="https://id.example/realm", oidc_client_id="x", oidc_client_secret_file=tmp_path / "secret")
    assert settings.oidc_client_secret.get_secret_value() == "of the client"
    assert "of the client" not in repr(settings)
