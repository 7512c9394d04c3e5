"""The log-in page as people use it: with a password and through a provider, in both languages, on a phone."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Page, expect
from pydantic import SecretStr

from api.app import create_app
from api.worker import build_basemap
from gis import passwords
from gis.actions.change_password import set_password
from gis.actions.end_account import end_account
from gis.actions.give_grant import give_grant
from gis.language import LANGUAGES
from gis.progress import silent
from gis.settings import Settings
from gis.store import accounts
from grids.permissions import Grant, Role
from tests.oidc_provider import CLIENT, SECRET, SUBJECT, Provider, provided
from tests.tiny_city import act, load, take_in
from tests.tiny_pack import write_tiny_pack
from tests.web.conftest import Visit

PASSWORD = "four words do very well"  # noqa: S105 - of tests
NAMES = {"mei": "陈梅", "lin": "林晓"}
PHONE = {"width": 390, "height": 844}
SAYS = {
    "en": {
        "title": "Log in",
        "login": "Login",
        "password": "Password",
        "refused": "The log-in was refused.",
        "out": "Log out",
        "in": "Logged in as",
    },
    "zh": {"title": "登录", "login": "登录名", "password": "密码", "refused": "登录被拒绝", "out": "退出登录", "in": "已登录"},
}
LOCALES = {"zh": "zh-CN", "en": "en-GB"}
_IMAGES = Path(__file__).parents[2] / "docs" / "images"

Visits = Callable[..., Visit]


@dataclass
class Served:
    """A served tiny city with two persons, and the provider of one of them."""

    base: str
    database: str
    provider: Provider


def login_cookies(page: Page) -> list[Any]:
    """The logins that the browser holds; that it has been here before it may remember (`api/devices.py`)."""
    return [cookie for cookie in page.context.cookies() if cookie["name"] != "wangge_device"]


@pytest.fixture
def served(database: str, tmp_path: Path) -> Iterator[Served]:
    """The tiny city served: mei logs in with a password, lin through the provider."""
    load(database, write_tiny_pack(tmp_path / "tiny"))
    take_in(database, tmp_path)
    at = datetime.now(UTC)
    with provided() as provider, socket.create_server(("127.0.0.1", 0)) as listener:
        provider.asks = True
        with act(database) as tx:
            accounts.create(tx, "mei", name=NAMES["mei"], password_hash=passwords.hashed(PASSWORD), now=at)
            accounts.create(tx, "lin", name=NAMES["lin"], provider=(provider.issuer, SUBJECT), now=at)
            give_grant(tx, "mei", Grant(Role.CHECKER, "tiny"), now=at)
        settings = Settings(
            data_dir=tmp_path / "data",
            pool_size=4,
            oidc_issuer=provider.issuer,
            oidc_client_id=CLIENT,
            oidc_client_secret=SecretStr(SECRET),
            oidc_name="City ID",
        )
        (tmp_path / "data").mkdir()
        build_basemap(settings, database, "tiny", progress=silent)
        server = uvicorn.Server(uvicorn.Config(create_app(settings, database_url=database), log_config=None, lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        until = time.monotonic() + 60
        while not server.started:
            assert thread.is_alive()
            assert time.monotonic() < until
            time.sleep(0.05)
        yield Served(f"http://127.0.0.1:{listener.getsockname()[1]}", database, provider)
        server.should_exit = True
        thread.join(30)


def opened(visit: Visits, served: Served, path: str = "/login", *, language: str = "en", **size: int) -> Visit:
    seen = visit(locale=LOCALES[language], **size)
    seen.base = served.base
    seen.page.goto(f"{served.base}{path}")
    return seen


def fill(page: Any, language: str = "en", *, login: str = "mei", password: str = PASSWORD) -> None:
    page.get_by_label(SAYS[language]["login"], exact=True).fill(login)
    page.get_by_label(SAYS[language]["password"], exact=True).fill(password)
    page.get_by_role("button", name=SAYS[language]["title"], exact=True).click()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_on_a_phone_in_each_language(visit: Visits, served: Served, language: str, tmp_path: Path) -> None:
    seen = opened(visit, served, language=language, **PHONE)
    page, says = seen.page, SAYS[language]
    expect(page.get_by_role("heading", name=says["title"], exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="City ID")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == {"zh": "zh-CN", "en": "en"}[language]
    assert page.title() == f"{says['title']} · 网格 Wangge"
    assert page.locator("script:not([src])").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    small = page.evaluate(
        """() => [...document.querySelectorAll('button, input, a')].map(one => [one.textContent || one.name, one.getBoundingClientRect()])
            .filter(([, box]) => box.width < 44 || box.height < 44).map(([name]) => name)"""
    )
    assert small == []
    assert seen.violations() == []
    folder = _IMAGES if os.environ.get("WANGGE_UPDATE_SCREENSHOTS") == "1" else tmp_path
    page.screenshot(path=folder / f"login-{language}-390x844.png")
    assert seen.hosts == {"127.0.0.1"}
    assert seen.errors == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_person_logs_in_with_a_password_sees_more_and_logs_out(visit: Visits, served: Served, language: str) -> None:
    seen = opened(visit, served, "/map", language=language, **PHONE)
    page, says = seen.page, SAYS[language]
    seen.wait_until_drawn()
    assert seen.drawn("incidents-point") == 0
    before = page.evaluate("location.hash")
    page.get_by_role("link", name=says["title"], exact=True).click()
    fill(page, language)
    page.wait_for_url(re.compile("/map#"))
    seen.wait_until_drawn()
    assert page.evaluate("location.hash") == before
    seen.shows("incidents-point")
    assert seen.violations() == []
    page.get_by_role("link", name=re.compile(f"{says['in']}.*{NAMES['mei']}")).click()
    expect(page.get_by_role("heading", name=NAMES["mei"])).to_be_visible()
    page.get_by_role("button", name=says["out"]).click()
    expect(page.get_by_label(says["password"], exact=True)).to_be_visible()
    assert login_cookies(page) == []
    assert seen.errors == []


def test_a_wrong_password_is_told_and_the_right_one_taken_after_it(visit: Visits, served: Served) -> None:
    seen = opened(visit, served, **PHONE)
    fill(seen.page, password="not this one")
    expect(seen.page.get_by_role("alert")).to_contain_text(SAYS["en"]["refused"])
    assert seen.violations() == []
    fill(seen.page)
    seen.page.wait_for_url("**/map*")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_password_that_somebody_else_has_set_is_replaced_at_once(visit: Visits, served: Served, language: str) -> None:
    with act(served.database) as tx:
        keeper = accounts.create(tx, "keeper", name="Keeper", now=datetime.now(UTC))
        set_password(tx, "mei", passwords.hashed(PASSWORD), by=keeper, now=datetime.now(UTC))
    seen = opened(visit, served, language=language, **PHONE)
    fill(seen.page, language)
    new = seen.page.get_by_label({"en": "New password", "zh": "新密码"}[language])
    expect(seen.page.get_by_role("alert")).to_contain_text({"en": "Choose one of your own", "zh": "您自己的密码"}[language])
    assert seen.violations() == []
    new.fill("another four words do")
    seen.page.get_by_role("button", name=SAYS[language]["title"], exact=True).click()
    seen.page.wait_for_url("**/map*")
    expect(seen.page.get_by_role("link", name=re.compile(NAMES["mei"]))).to_be_visible()


def test_a_server_that_is_away_is_told(visit: Visits, served: Served) -> None:
    seen = opened(visit, served)
    seen.page.route("**/api/v1/login", lambda route: route.abort())
    fill(seen.page)
    expect(seen.page.get_by_role("alert")).to_contain_text("The server does not answer")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_person_logs_in_through_the_provider(visit: Visits, served: Served, language: str) -> None:
    seen = opened(visit, served, "/login?onward=/map%23map=15/31.23/121.47", language=language, **PHONE)
    page = seen.page
    page.get_by_role("link", name="City ID").click()
    assert page.url.startswith(served.provider.issuer)
    page.get_by_text("It is me").click()
    page.wait_for_url(re.compile(f"^{served.base}/map#"))
    expect(page.get_by_role("link", name=re.compile(NAMES["lin"]))).to_be_visible()
    [cookie] = login_cookies(page)
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("wangge_login", True, "Lax")
    assert "wangge_login" not in page.evaluate("document.cookie")
    assert seen.errors == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_whom_the_provider_knows_and_we_do_not_is_back_at_the_page_with_a_reason(visit: Visits, served: Served, language: str) -> None:
    served.provider.subject = "somebody else"
    seen = opened(visit, served, language=language)
    seen.page.get_by_role("link", name="City ID").click()
    seen.page.get_by_text("It is me").click()
    expect(seen.page.get_by_role("alert")).to_contain_text(SAYS[language]["refused"].rstrip("."))
    assert login_cookies(seen.page) == []


def test_a_login_that_is_over_is_given_up_and_the_map_goes_on(visit: Visits, served: Served) -> None:
    seen = opened(visit, served)
    fill(seen.page)
    seen.page.wait_for_url("**/map*")
    seen.wait_until_drawn()
    with act(served.database) as tx:
        end_account(tx, "mei", now=datetime.now(UTC))
    seen.page.reload()
    seen.wait_until_drawn()
    seen.shows("blocks-line")
    expect(seen.page.get_by_role("link", name="Log in", exact=True)).to_be_visible()
    assert login_cookies(seen.page) == []
