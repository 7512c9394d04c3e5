"""One's own account over HTTP: log in and out, devices, password; and everything that must not work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.hashing import AT_ONCE, WAITING
from gis import passwords
from gis.actions.end_account import end_account
from gis.actions.give_grant import give_grant
from gis.store import accounts, api_keys
from grids.permissions import Grant, Place, Role
from tests.api.conftest import served
from tests.tiny_city import act

PASSWORD, OTHER = "four words do very well", "another four words do"
HASH = passwords.hashed(PASSWORD)
OURS = {"Sec-Fetch-Site": "same-origin"}


def now() -> datetime:
    return datetime.now(UTC)


def make(url: str, login: str, *grants: Grant, **values: Any) -> int:
    """An account that logs in with ``PASSWORD``."""
    with act(url) as tx:
        number = accounts.create(tx, login, **({"name": login.title(), "password_hash": HASH} | values), now=now())
        for grant in grants:
            give_grant(tx, login, grant, now=now())
        return number


def log_in(client: TestClient, login: str = "mei", password: str = PASSWORD, **more: str) -> Any:
    return client.post("/api/v1/login", json={"login": login, "password": password} | more, headers=OURS)


@pytest.fixture
def plain(database: str, tmp_path: Path) -> Iterator[Callable[[], TestClient]]:
    """Opens browsers, each with its own cookies, on an app over a database without a city, with the account mei."""
    make(database, "mei")
    with served(database, tmp_path) as first:

        def browser() -> TestClient:
            opened = TestClient(first.app, base_url="http://127.0.0.1", raise_server_exceptions=False, client=("127.0.0.1", 50_000))
            opened.portal = first.portal  # one event loop for all, as a server has it
            return opened

        yield browser


def test_a_person_logs_in_is_known_and_logs_out(client: TestClient, database: str) -> None:
    make(database, "mei", Grant(Role.CHECKER, "tiny", Place("district", "310101")))
    assert client.get("/api/v1/me").json() == {"account": None, "grants": []}
    assert client.get("/api/v1/incidents").status_code == 401
    assert log_in(client).status_code == 204
    assert client.get("/api/v1/me").json() == {
        "account": {"login": "mei", "name": "Mei", "kind": "person"},
        "grants": [{"role": "checker", "city": "tiny", "level": "district", "code": "310101", "department": None}],
    }
    assert client.get("/api/v1/incidents").status_code == 200
    assert client.post("/api/v1/logout", headers=OURS).status_code == 204
    assert "wangge_login" not in client.cookies
    assert client.get("/api/v1/me").json()["account"] is None
    assert client.get("/api/v1/incidents").status_code == 401
    assert client.post("/api/v1/logout", headers=OURS).status_code == 204


@pytest.mark.parametrize(("scheme", "secure"), [("http", False), ("https", True)])
def test_the_cookie_of_a_login_is_closed_to_scripts_and_other_sites(plain: Callable[[], TestClient], scheme: str, secure: bool) -> None:
    browser = plain()
    browser.base_url = f"{scheme}://127.0.0.1"
    login, device = (SimpleCookie(said) for said in log_in(browser).headers.get_list("set-cookie"))
    assert [(one["httponly"], one["samesite"], one["path"], bool(one["secure"])) for one in device.values()] == [
        (True, "strict", "/api/v1", secure)
    ]
    cookie = login["wangge_login"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], bool(cookie["secure"])) == (True, "lax", "/", secure)
    assert cookie["domain"] == ""
    assert 6 * 86_400 < int(cookie["max-age"]) <= 7 * 86_400
    assert len(cookie.value) >= 43


def test_every_failed_log_in_gets_the_same_answer_after_the_same_time(plain: Callable[[], TestClient], database: str) -> None:
    make(database, "ended")
    make(database, "locked")
    make(database, "machine", kind="machine", password_hash=None)
    with act(database) as tx:
        end_account(tx, "ended", now=now())
    browser = plain()
    for _ in range(5):
        log_in(browser, "locked", OTHER)
    tries = [
        ("nobody", PASSWORD),
        ("mei", OTHER),
        ("ended", PASSWORD),
        ("locked", PASSWORD),
        ("machine", ""),
        ("ME\x00I", "x"),
        ("' OR 1=1", ""),
    ]
    answers, seconds = [], {}
    for login, password in tries:
        # The shortest of some: what else the machine does only makes one longer.
        shortest = float("inf")
        for _ in range(3):
            begun = time.perf_counter()
            reply = log_in(browser, login, password)
            shortest = min(shortest, time.perf_counter() - begun)
        seconds[login] = shortest
        answers.append((reply.status_code, reply.json(), reply.headers.get("set-cookie"), reply.headers["www-authenticate"]))
    assert answers[0][0] == 401
    assert answers[0][1]["type"] == "/problems/log-in-refused"
    assert all(answer == answers[0] for answer in answers)
    assert min(seconds.values()) > 0.25 * max(seconds.values()), seconds


def test_the_refusal_is_told_in_both_languages(plain: Callable[[], TestClient]) -> None:
    said = {
        lang: plain().post("/api/v1/login", params={"lang": lang}, json={"login": "x", "password": "y"}).json() for lang in ("en", "zh")
    }
    assert said["en"]["detail"].startswith("The log-in was refused.")
    assert said["zh"]["detail"].startswith("登录被拒绝。")


def test_wrong_passwords_lock_an_account_and_the_right_one_is_refused_then(plain: Callable[[], TestClient], database: str) -> None:
    browser = plain()
    for _ in range(4):
        assert log_in(browser, "mei", OTHER).status_code == 401
    assert log_in(browser).status_code == 204
    browser = plain()
    for _ in range(5):
        assert log_in(browser, "mei", OTHER).status_code == 401
    assert log_in(browser).status_code == 401
    with act(database) as tx:
        assert accounts.find(tx, "mei").failures == 5


def test_who_is_tried_at_by_others_still_gets_in_where_they_have_logged_in_before(plain: Callable[[], TestClient], database: str) -> None:
    make(database, "lin")
    mine, others = plain(), plain()
    for login in ("mei", "lin", "mei"):
        assert log_in(mine, login).status_code == 204
    mine.post("/api/v1/logout", headers=OURS)
    for login in ("mei", "lin"):
        for _ in range(5):
            assert log_in(others, login, OTHER).status_code == 401
        assert log_in(others, login).status_code == 401
        assert log_in(mine, login).status_code == 204
    forged = plain()
    forged.cookies.set("wangge_device", mine.cookies["wangge_device"][:-4] + "AAAA", path="/api/v1")
    assert log_in(forged).status_code == 401


def test_a_hundred_wrong_passwords_at_once_are_refused_and_no_more_than_five_are_tried(
    plain: Callable[[], TestClient], database: str
) -> None:
    browser = plain()
    with ThreadPoolExecutor(AT_ONCE + WAITING + 10) as threads:
        codes = list(threads.map(lambda _: log_in(browser, "mei", OTHER).status_code, range(100)))
    assert set(codes) <= {401, 429}
    with act(database) as tx:
        assert accounts.find(tx, "mei").failures == 5


BODIES = [
    "",
    "null",
    "[]",
    '{"login": "mei"}',
    '{"login": 1, "password": 2}',
    '{"login": null, "password": null}',
    '{"login": "mei", "password": "' + "x" * 5_000 + '"}',
    '{"login": "' + "m" * 5_000 + '", "password": "x"}',
    '{"login": "mei", "password": "\\ud800"}',
    '{"login": "\\udfff", "password": "x"}',
    '{"login": "mei", "password": {"$ne": null}}',
]


@pytest.mark.parametrize("body", BODIES)
def test_what_is_no_log_in_is_refused_without_repeating_what_was_sent(plain: Callable[[], TestClient], body: str) -> None:
    reply = plain().post("/api/v1/login", content=body, headers={"Content-Type": "application/json"} | OURS)
    assert reply.status_code in (401, 422)
    assert "x" * 50 not in reply.text


def test_a_log_in_from_a_browser_that_is_logged_in_ends_its_earlier_login(plain: Callable[[], TestClient]) -> None:
    browser, other = plain(), plain()
    log_in(other)
    for _ in range(3):
        assert log_in(browser).status_code == 204
    listed = browser.get("/api/v1/me/logins").json()
    assert [one["current"] for one in listed] == [True, False]


def test_devices_are_listed_and_logged_out(plain: Callable[[], TestClient], database: str) -> None:
    phone, desk, stranger = plain(), plain(), plain()
    make(database, "stranger")
    log_in(stranger, "stranger")
    phone.headers["User-Agent"], desk.headers["User-Agent"] = "A Phone", "A Desk"
    log_in(phone)
    log_in(desk)
    listed = {one["device"]: one for one in phone.get("/api/v1/me/logins").json()}
    assert {name: one["current"] for name, one in listed.items()} == {"A Phone": True, "A Desk": False}
    number = listed["A Desk"]["number"]
    assert stranger.delete(f"/api/v1/me/logins/{number}", headers=OURS).status_code == 404
    assert plain().delete(f"/api/v1/me/logins/{number}").status_code == 404
    assert desk.get("/api/v1/me/logins").status_code == 200
    assert phone.delete(f"/api/v1/me/logins/{number}", headers=OURS).status_code == 204
    assert phone.delete(f"/api/v1/me/logins/{number}", headers=OURS).status_code == 404
    assert desk.get("/api/v1/me/logins").status_code == 401
    log_in(desk)
    assert phone.delete("/api/v1/me/logins", headers=OURS).status_code == 204
    assert [one["device"] for one in phone.get("/api/v1/me/logins").json()] == ["A Phone"]
    assert desk.get("/api/v1/me").status_code == 401
    assert plain().get("/api/v1/me/logins").json() == []
    for number in (0, 2**31, "x"):
        assert phone.delete(f"/api/v1/me/logins/{number}", headers=OURS).status_code == 422


def test_a_new_password_logs_the_other_devices_out(plain: Callable[[], TestClient]) -> None:
    phone, desk = plain(), plain()
    log_in(phone)
    log_in(desk)

    def change(old: str, new: str) -> Any:
        return phone.post("/api/v1/me/password", json={"old": old, "new": new}, headers=OURS)

    assert change(PASSWORD, "short").json()["type"] == "/problems/weak-password"
    assert change(OTHER, OTHER).json()["type"] == "/problems/log-in-refused"
    assert change(PASSWORD, OTHER).status_code == 204
    assert phone.get("/api/v1/me").json()["account"]["login"] == "mei"
    assert desk.get("/api/v1/me").status_code == 401
    assert log_in(desk).status_code == 401
    assert log_in(desk, "mei", OTHER).status_code == 204
    assert plain().post("/api/v1/me/password", json={"old": PASSWORD, "new": OTHER}, headers=OURS).status_code == 401


def test_old_passwords_that_are_tried_on_a_stolen_device_count_as_in_a_log_in(plain: Callable[[], TestClient]) -> None:
    phone = plain()
    log_in(phone)
    for _ in range(5):
        assert phone.post("/api/v1/me/password", json={"old": OTHER, "new": OTHER}, headers=OURS).status_code == 401
    assert phone.post("/api/v1/me/password", json={"old": PASSWORD, "new": OTHER}, headers=OURS).status_code == 401
    assert log_in(phone).status_code == 401
    # What is tried on the stolen device shuts nobody out elsewhere.
    assert log_in(plain()).status_code == 204


def test_an_account_that_ends_between_two_requests_is_nobodys_at_the_second(client: TestClient, database: str) -> None:
    number = make(database, "mei", Grant(Role.CHECKER, "tiny"))
    with act(database) as tx:
        _, key = api_keys.create(tx, number, name="x", expires_at=now() + api_keys.LONGEST, now=now())
    log_in(client)
    by_key = {"Authorization": f"Bearer {key}"}
    assert client.get("/api/v1/incidents").status_code == client.get("/api/v1/me", headers=by_key).status_code == 200
    with act(database) as tx:
        end_account(tx, "mei", now=now())
    for url in ("/api/v1/incidents", "/api/v1/me", "/api/v1/cities", "/tiles/areas.json"):
        assert client.get(url).status_code == 401, url
        assert client.get(url, headers=by_key).status_code == 401, url
    assert client.post("/api/v1/logout", headers=OURS).status_code == 204
    assert client.get("/api/v1/cities").status_code == 200


def test_a_page_of_another_site_cannot_log_anybody_out_or_change_a_password(plain: Callable[[], TestClient]) -> None:
    browser = plain()
    log_in(browser)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
        assert browser.post("/api/v1/logout", headers=headers).status_code == 403
        assert browser.post("/api/v1/me/password", json={"old": PASSWORD, "new": OTHER}, headers=headers).status_code == 403
    assert browser.get("/api/v1/me").json()["account"]["login"] == "mei"


def test_a_person_makes_lists_and_revokes_keys_of_their_own_and_a_key_makes_no_other(
    plain: Callable[[], TestClient], database: str
) -> None:
    phone, program = plain(), plain()
    log_in(phone)
    asked = {"name": "script", "expires_at": (now() + timedelta(days=9)).isoformat()}
    made = phone.post("/api/v1/me/keys", json=asked, headers=OURS)
    assert made.status_code == 201, made.text
    by_key = {"Authorization": f"Bearer {made.json()['key']}"}
    assert program.get("/api/v1/me", headers=by_key).json()["account"]["login"] == "mei"
    again = program.post("/api/v1/me/keys", json=asked, headers=by_key)
    assert (again.status_code, again.json()["ground"]) == (403, "by_key")
    assert program.post("/api/v1/me/keys", json=asked, headers=OURS).status_code == 401
    [key] = phone.get("/api/v1/me/keys").json()
    assert (key["number"], key["name"], key["account"], key["own"]) == (made.json()["number"], "script", "mei", True)
    assert program.get("/api/v1/me/keys").json() == []
    make(database, "stranger")
    log_in(stranger := plain(), "stranger")
    assert stranger.delete(f"/api/v1/me/keys/{key['number']}", headers=OURS).status_code == 404
    assert phone.delete(f"/api/v1/me/keys/{key['number']}", headers=OURS).status_code == 204
    assert phone.delete(f"/api/v1/me/keys/{key['number']}", headers=OURS).status_code == 404
    assert program.get("/api/v1/me", headers=by_key).status_code == 401


def test_a_new_password_ends_the_keys_that_others_made_and_no_other(plain: Callable[[], TestClient], database: str) -> None:
    phone, program = plain(), plain()
    log_in(phone)
    other = make(database, "admin")
    with act(database) as tx:
        mei = accounts.find(tx, "mei").id
        keys = {
            maker: api_keys.create(tx, mei, name="x", expires_at=now() + timedelta(days=9), now=now(), made_by=maker)[1]
            for maker in (None, mei, other)
        }
    assert [one["own"] for one in phone.get("/api/v1/me/keys").json()] == [False, True, False]
    assert phone.post("/api/v1/me/password", json={"old": PASSWORD, "new": OTHER}, headers=OURS).status_code == 204
    codes = [program.get("/api/v1/me", headers={"Authorization": f"Bearer {key}"}).status_code for key in keys.values()]
    assert codes == [200, 200, 401]
