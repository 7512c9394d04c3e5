"""Tile tokens: what opens a tile for ten minutes, and everything that only looks like it."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey
from pydantic import SecretStr

from api import tile_tokens
from api.derived_keys import signing_key
from api.errors import NotLoggedIn
from api.tile_tokens import LASTS, TileToken
from gis.actions.end_account import end_account
from gis.settings import Settings
from grids.permissions import Grant, Role
from tests import persons
from tests.api.test_account import OURS, log_in, make, now
from tests.tiny_city import act

SETTINGS = Settings(secret_key=SecretStr("k" * 32))
AT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
GOOD, UNTIL = tile_tokens.signed(SETTINGS, TileToken(7), now=AT)
CLAIMS = {"aud": "wangge tiles", "sub": "7", "iat": int(AT.timestamp()), "exp": int(UNTIL.timestamp())}
KEY = signing_key(SETTINGS, "tile token")


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def by_us(claims: dict[str, Any], **header: Any) -> str:
    return jwt.encode({"alg": "HS256"} | header, claims, KEY)


@pytest.mark.parametrize("layers", [None, frozenset(), frozenset({"blocks", "areas"})])
def test_a_token_is_read_as_it_was_signed(layers: frozenset[str] | None) -> None:
    sent, until = tile_tokens.signed(SETTINGS, TileToken(7, layers), now=AT)
    assert until == AT + LASTS
    assert tile_tokens.read(SETTINGS, sent, now=AT) == TileToken(7, layers)


@pytest.mark.parametrize("after", [timedelta(0), -timedelta(seconds=60), LASTS, LASTS + timedelta(seconds=59)])
def test_a_token_is_good_for_ten_minutes_give_or_take_a_minute_of_clocks(after: timedelta) -> None:
    assert tile_tokens.read(SETTINGS, GOOD, now=AT + after) == TileToken(7)


@pytest.mark.parametrize("after", [LASTS + timedelta(seconds=61), timedelta(days=365), -timedelta(seconds=61), -timedelta(days=1)])
def test_a_token_that_has_expired_or_was_signed_by_a_clock_ahead_is_refused(after: timedelta) -> None:
    with pytest.raises(NotLoggedIn):
        tile_tokens.read(SETTINGS, GOOD, now=AT + after)


HEAD, BODY, SIGNATURE = GOOD.split(".")
BAD = {
    "empty": "",
    "no token": "wgk_something",
    "two parts": f"{HEAD}.{BODY}",
    "no signature": f"{HEAD}.{BODY}.",
    "alg none": f"{part({'alg': 'none'})}.{BODY}.",
    "alg None, signed": f"{part({'alg': 'None'})}.{BODY}.{SIGNATURE}",
    "no alg": f"{part({'typ': 'JWT'})}.{BODY}.{SIGNATURE}",
    "alg a number": f"{part({'alg': 256})}.{BODY}.{SIGNATURE}",
    "another alg in the head": f"{part({'alg': 'HS512'})}.{BODY}.{SIGNATURE}",
    "another algorithm": jwt.encode({"alg": "HS512"}, CLAIMS, OctKey.import_key(b"x" * 64), algorithms=["HS512"]),
    "another key": jwt.encode({"alg": "HS256"}, CLAIMS, OctKey.import_key(b"x" * 32)),
    "the secret itself as key": jwt.encode({"alg": "HS256"}, CLAIMS, OctKey.import_key(b"k" * 32)),
    "a key of another purpose": jwt.encode({"alg": "HS256"}, CLAIMS, signing_key(SETTINGS, "oidc")),
    "another account": f"{HEAD}.{part(CLAIMS | {'sub': '8'})}.{SIGNATURE}",
    "a list as claims": f"{HEAD}.{part([1, 2])}.{SIGNATURE}",
    "no account": by_us({key: value for key, value in CLAIMS.items() if key != "sub"}),
    "no end": by_us({key: value for key, value in CLAIMS.items() if key != "exp"}),
    "no beginning": by_us({key: value for key, value in CLAIMS.items() if key != "iat"}),
    "for something else": by_us(CLAIMS | {"aud": "others"}),
    "an account that is no number": by_us(CLAIMS | {"sub": "root"}),
    "an account in a list": by_us(CLAIMS | {"sub": ["7"]}),
    "layers that are no list": by_us(CLAIMS | {"layers": 5}),
    "an end that is no number": by_us(CLAIMS | {"exp": "never"}),
    "a critical header that nobody knows": f"{part({'alg': 'HS256', 'crit': ['x'], 'x': 1})}.{BODY}.{SIGNATURE}",
    "endless": GOOD + "A" * 100_000,
    "no ASCII": GOOD[:-3] + "密钥号",
    "half a character": "\ud800" + GOOD,
}


@pytest.mark.parametrize("sent", BAD.values(), ids=BAD)
def test_what_only_looks_like_a_token_is_refused(sent: str) -> None:
    with pytest.raises(NotLoggedIn):
        tile_tokens.read(SETTINGS, sent, now=AT)


@given(st.integers(0, len(GOOD) - 1), st.sampled_from("AB-_.=z0 \x00"))
def test_a_token_with_a_letter_changed_or_cut_off_is_refused(at: int, letter: str) -> None:
    changed = GOOD[:at] + letter + GOOD[at + 1 :]
    # The last letter of a part may hold bits that say nothing.
    if changed != GOOD and at not in (len(HEAD) - 1, len(HEAD) + len(BODY), len(GOOD) - 1):
        with pytest.raises(NotLoggedIn):
            tile_tokens.read(SETTINGS, changed, now=AT)
    with pytest.raises(NotLoggedIn):
        tile_tokens.read(SETTINGS, GOOD[:at], now=AT)


def test_a_token_opens_tiles_as_its_account_sees_them_and_nothing_else(client: TestClient, database: str) -> None:
    make(database, "mei", Grant(Role.CHECKER, "tiny"))
    assert client.get("/api/v1/tile-token").json() == {"token": None, "expires_at": None}
    log_in(client, "mei")
    said = client.get("/api/v1/tile-token").json()
    assert client.post("/api/v1/logout", headers=OURS).status_code == 204
    token = {"token": said["token"]}
    assert timedelta(minutes=9) < datetime.fromisoformat(said["expires_at"]) - now() <= LASTS
    assert client.get("/tiles/incidents.json", params=token).status_code == 200
    assert client.get("/api/v1/incidents", params=token).status_code == 401
    assert client.get("/api/v1/me", params=token).json()["account"] is None
    for wrong in (said["token"][:-1], "", "x", said["token"] + "."):
        reply = client.get("/tiles/incidents.json", params={"token": wrong})
        assert (reply.status_code, reply.json()["type"]) == (401, "/problems/not-logged-in")
    with act(database) as tx:
        end_account(tx, "mei", now=now())
    assert client.get("/tiles/incidents.json", params=token).status_code == 401


def test_a_token_that_a_key_for_some_layers_got_opens_these_alone(client: TestClient, database: str) -> None:
    headers = persons.key(database, Grant(Role.CHECKER, "tiny"), layers=["blocks"])
    token = {"token": client.get("/api/v1/tile-token", headers=headers).json()["token"]}
    assert client.get("/tiles/blocks.json", params=token).status_code == 200
    assert client.get("/tiles/areas.json", params=token).status_code == 403
