"""The cookie by which a browser is known: signed by us, for a time, for some accounts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from joserfc import jwt
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from api import devices, tile_tokens
from api.derived_keys import signing_key
from gis.actions.log_in import Device
from gis.settings import Settings

SETTINGS = Settings(secret_key=SecretStr("k" * 32))
AT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
DEVICE = Device("some browser", (7, 9))
GOOD = devices.signed(SETTINGS, DEVICE, now=AT)
CLAIMS = {"device": "x", "accounts": [7], "exp": int((AT + devices.LASTS).timestamp())}
KEY = signing_key(SETTINGS, "device cookie")


def test_a_browser_is_known_for_half_a_year() -> None:
    assert devices.read(SETTINGS, GOOD, now=AT) == DEVICE
    assert devices.read(SETTINGS, GOOD, now=AT + timedelta(days=179)) == DEVICE
    assert devices.read(SETTINGS, GOOD, now=AT + timedelta(days=181)) is None


BAD = [
    None,
    "",
    "x" * 10_000,
    GOOD[:-4] + "AAAA",
    GOOD.rsplit(".", 1)[0] + ".",
    devices.signed(Settings(secret_key=SecretStr("j" * 32)), DEVICE, now=AT),
    tile_tokens.signed(SETTINGS, tile_tokens.TileToken(7), now=AT)[0],
    jwt.encode({"alg": "HS512"}, CLAIMS, KEY, algorithms=["HS512"]),
    *(jwt.encode({"alg": "HS256"}, {key: value for key, value in CLAIMS.items() if key != left}, KEY) for left in CLAIMS),
    jwt.encode({"alg": "HS256"}, CLAIMS | {"accounts": "mei"}, KEY),
    jwt.encode({"alg": "HS256"}, CLAIMS | {"accounts": 7}, KEY),
]


@pytest.mark.parametrize("sent", BAD)
def test_what_we_have_not_signed_as_a_device_makes_none_known(sent: str | None) -> None:
    assert devices.read(SETTINGS, sent, now=AT) is None


def test_the_accounts_that_logged_in_last_are_known_under_one_name() -> None:
    sent, names, order = "", set(), tuple[int, ...]()
    for account in [*range(20), 15]:
        request = Request({"type": "http", "scheme": "https", "server": ("x", 443), "path": "/", "headers": [(b"cookie", sent.encode())]})
        response = Response()
        devices.keep(response, request, SETTINGS, account, now=AT)
        sent = response.headers["set-cookie"].partition(";")[0]
        known = devices.read(SETTINGS, sent.partition("=")[2], now=AT)
        assert known is not None
        names.add(known.name)
        order = known.accounts
    assert order == (15, 19, 18, 17, 16, 14, 13, 12)
    assert len(names) == 1
