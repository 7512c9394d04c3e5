"""Accounts that an administrator keeps over HTTP: inside the own part of the city, never their own, never what reaches beyond."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from gis.store import accounts, api_keys, grants
from grids.permissions import Grant, Place, Role
from tests import persons
from tests.api.test_account import OTHER, OURS, PASSWORD, log_in, make, now
from tests.tiny_city import act

WEST, EAST = Place("district", "310101"), Place("district", "310104")
IN_WEST, IN_EAST = Place("community", "310101001001"), Place("community", "310104001001")


@pytest.fixture
def west(client: TestClient, database: str) -> dict[str, str]:
    """The header of the administrator of the western district; beside that there are a worker west, one east, one in both."""
    make(database, "worker-west", Grant(Role.WORKER, "tiny", IN_WEST))
    make(database, "worker-east", Grant(Role.WORKER, "tiny", IN_EAST))
    make(database, "worker-both", Grant(Role.WORKER, "tiny", IN_WEST), Grant(Role.WORKER, "tiny", IN_EAST))
    make(database, "chief", Grant(Role.DUTY_CHIEF, "tiny"))
    number = make(database, "admin-west", Grant(Role.ADMINISTRATOR, "tiny", WEST))
    with act(database) as tx:
        return persons.login_of(tx, number) | OURS


def grant(role: str, place: Place | None, **more: Any) -> dict[str, Any]:
    level, code = place or (None, None)
    return {"role": role, "city": "tiny", "level": level, "code": code} | more


def test_an_account_is_made_given_roles_and_ended(client: TestClient, west: dict[str, str], database: str) -> None:
    made = client.post(
        "/api/v1/accounts",
        json={"login": "mei", "name": "陈梅", "password": PASSWORD, "grant": grant("worker", IN_WEST)},
        headers=west,
    )
    assert made.status_code == 201, made.text
    listed = {one["login"]: one for one in client.get("/api/v1/accounts", headers=west).json()}
    assert set(listed) == {"mei", "worker-west"}
    assert listed["mei"]["name"] == "陈梅"
    assert "hash" not in str(listed)
    [given] = listed["mei"]["grants"]
    assert (given["number"], given["role"], given["code"]) == (made.json()["number"], "worker", IN_WEST.code)
    ends_at = (now() + timedelta(days=1)).isoformat()
    lead = client.post("/api/v1/accounts/mei/grants", json=grant("lead", WEST, ends_at=ends_at), headers=west)
    assert lead.status_code == 201
    with act(database) as tx:
        mei = accounts.find(tx, "mei").id
        assert {one.granted_by for one in grants.listed(tx, [mei])[mei]} == {accounts.find(tx, "admin-west").id}
    assert client.delete(f"/api/v1/accounts/mei/grants/{given['number']}", headers=west).status_code == 204
    assert client.delete(f"/api/v1/accounts/mei/grants/{given['number']}", headers=west).status_code == 404
    assert log_in(client, "mei", PASSWORD, new=OTHER).status_code == 204
    assert [one["role"] for one in client.get("/api/v1/me").json()["grants"]] == ["lead"]
    assert client.put("/api/v1/accounts/mei/password", json={"password": "short"}, headers=west).status_code == 422
    assert client.put("/api/v1/accounts/mei/password", json={"password": PASSWORD}, headers=west).status_code == 204
    assert client.get("/api/v1/me").status_code == 401
    assert log_in(client, "mei", PASSWORD, new=OTHER).status_code == 204
    assert client.delete("/api/v1/accounts/mei", headers=west).status_code == 204
    assert client.get("/api/v1/me").status_code == 401
    client.cookies.clear()
    assert client.delete("/api/v1/accounts/mei", headers=west).status_code == 409
    again = client.post("/api/v1/accounts", json={"login": "mei", "name": "M", "grant": grant("worker", IN_WEST)}, headers=west)
    assert again.json()["type"] == "/problems/login-taken"


REACHING = [
    grant("worker", None),
    grant("worker", EAST),
    grant("worker", IN_EAST),
    grant("worker", Place("city", "310100")),
    grant("administrator", None),
]


@pytest.mark.parametrize("reaching", REACHING)
def test_no_grant_reaches_beyond_the_own_part_of_the_city(
    client: TestClient, west: dict[str, str], database: str, reaching: dict[str, Any]
) -> None:
    given = client.post("/api/v1/accounts/worker-west/grants", json=reaching, headers=west)
    assert (given.status_code, given.json()["ground"]) == (403, "elsewhere")
    made = client.post("/api/v1/accounts", json={"login": "mei", "name": "Mei", "grant": reaching}, headers=west)
    assert (made.status_code, made.json()["ground"]) == (403, "elsewhere")
    with act(database) as tx:
        assert accounts.find_by_login(tx, "mei") is None


@pytest.mark.parametrize("login", ["worker-east", "worker-both", "chief", "nobody"])
def test_who_may_do_anything_elsewhere_is_not_kept_and_not_even_there(client: TestClient, west: dict[str, str], login: str) -> None:
    at = f"/api/v1/accounts/{login}"
    key = {"account": login, "name": "x", "expires_at": (now() + timedelta(days=1)).isoformat()}
    replies = [
        client.delete(at, headers=west),
        client.put(f"{at}/password", json={"password": OTHER}, headers=west),
        client.post(f"{at}/grants", json=grant("worker", IN_WEST), headers=west),
        client.delete(f"{at}/grants/1", headers=west),
        client.get("/api/v1/api-keys", params={"account": login}, headers=west),
        client.post("/api/v1/api-keys", json=key, headers=west),
    ]
    assert {(reply.status_code, reply.json()["type"]) for reply in replies} == {(404, "/problems/not-found")}
    assert log_in(client, login).status_code == (401 if login == "nobody" else 204)


def test_nobody_keeps_their_own_account(client: TestClient, west: dict[str, str]) -> None:
    key = {"account": "admin-west", "name": "x", "expires_at": (now() + timedelta(days=1)).isoformat()}
    replies = [
        client.delete("/api/v1/accounts/admin-west", headers=west),
        client.put("/api/v1/accounts/admin-west/password", json={"password": OTHER}, headers=west),
        client.post("/api/v1/accounts/admin-west/grants", json=grant("intake", WEST), headers=west),
        client.post("/api/v1/api-keys", json=key, headers=west),
    ]
    assert {(reply.status_code, reply.json()["ground"]) for reply in replies} == {(403, "own_work")}
    assert "admin-west" not in [one["login"] for one in client.get("/api/v1/accounts", headers=west).json()]


def test_an_account_whose_grants_have_ended_is_where_they_were(client: TestClient, west: dict[str, str], database: str) -> None:
    with act(database) as tx:
        for login in ("worker-west", "worker-east"):
            grants.end_all(tx, accounts.find(tx, login).id, now=now())
        accounts.create(tx, "nowhere", name="Nowhere", now=now())
    assert [one["login"] for one in client.get("/api/v1/accounts", headers=west).json()] == ["worker-west"]
    assert client.post("/api/v1/accounts/worker-west/grants", json=grant("lead", WEST), headers=west).status_code == 201


def test_an_administrator_of_the_city_keeps_all_in_it(client: TestClient, west: dict[str, str], database: str) -> None:
    whole = persons.login(database, Grant(Role.ADMINISTRATOR, "tiny")) | OURS
    listed = {one["login"] for one in client.get("/api/v1/accounts", headers=whole).json()}
    assert {"worker-west", "worker-east", "worker-both", "chief", "admin-west"} <= listed
    assert client.delete("/api/v1/accounts/admin-west", headers=whole).status_code == 204
    assert client.get("/api/v1/accounts", headers=west).status_code == 401


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.PUBLIC, Role.ADMINISTRATOR, Role.DEPARTMENT)])
def test_no_other_role_keeps_accounts(client: TestClient, database: str, role: Role) -> None:
    headers = persons.login(database, Grant(role, "tiny")) | OURS
    assert client.get("/api/v1/accounts", headers=headers).status_code == 403
    assert client.delete("/api/v1/accounts/x", headers=headers).status_code == 403
    assert client.get("/api/v1/accounts").status_code == 401


def test_a_password_that_an_administrator_sets_opens_nothing_but_the_choice_of_another(
    client: TestClient, west: dict[str, str], database: str
) -> None:
    made = {"login": "mei", "name": "Mei", "password": PASSWORD, "grant": grant("worker", IN_WEST)}
    assert client.post("/api/v1/accounts", json=made, headers=west).status_code == 201
    assert client.put("/api/v1/accounts/worker-west/password", json={"password": PASSWORD}, headers=west).status_code == 204
    for login in ("mei", "worker-west"):
        for new in ({}, {"new": PASSWORD}):
            refused = log_in(client, login, PASSWORD, **new)
            assert (refused.status_code, refused.json()["type"]) == (403, "/problems/one-time-password")
            assert "wangge_login" not in client.cookies
        weak = log_in(client, login, PASSWORD, new=login)
        assert (weak.status_code, weak.json()["type"]) == (422, "/problems/weak-password")
        assert log_in(client, login, OTHER, new=PASSWORD).status_code == 401
        assert log_in(client, login, PASSWORD, new=OTHER).status_code == 204
        assert client.get("/api/v1/me").json()["account"]["login"] == login
        client.cookies.clear()
        assert log_in(client, login, PASSWORD, new=OTHER).status_code == 401
        assert log_in(client, login, OTHER).status_code == 204
        client.cookies.clear()
    with act(database) as tx:
        assert {accounts.find(tx, login).password_set_by for login in ("mei", "worker-west")} == {accounts.find(tx, "admin-west").id}


def test_nobody_sets_a_password_for_who_logs_in_through_a_provider(client: TestClient, west: dict[str, str], database: str) -> None:
    make(database, "lin", Grant(Role.WORKER, "tiny", IN_WEST), password_hash=None, provider=("https://id.example", "77"))
    reply = client.put("/api/v1/accounts/lin/password", json={"password": OTHER}, headers=west)
    assert (reply.status_code, reply.json()["type"]) == (409, "/problems/password-of-provider")
    assert log_in(client, "lin", OTHER).status_code == 401
    assert log_in(client, "lin", OTHER, new=PASSWORD).status_code == 401


@pytest.mark.parametrize("by", ["grant", "password"])
def test_nobody_is_given_a_role_by_an_administrator_of_their_own_making(
    client: TestClient, west: dict[str, str], database: str, by: str
) -> None:
    if by == "grant":
        for login in ("sock", "sock-of-sock"):
            made = {"login": login, "name": "Sock", "password": PASSWORD, "grant": grant("administrator", WEST)}
            assert client.post("/api/v1/accounts", json=made, headers=west).status_code == 201
            assert log_in(client, login, PASSWORD, new=OTHER).status_code == 204
            west = {"Cookie": f"wangge_login={client.cookies['wangge_login']}"} | OURS
            client.cookies.clear()
    else:
        make(database, "other", Grant(Role.ADMINISTRATOR, "tiny", WEST))
        assert client.put("/api/v1/accounts/other/password", json={"password": PASSWORD}, headers=west).status_code == 204
        assert log_in(client, "other", PASSWORD, new=OTHER).status_code == 204
        west = {"Cookie": f"wangge_login={client.cookies['wangge_login']}"} | OURS
    given = client.post("/api/v1/accounts/admin-west/grants", json=grant("intake", WEST), headers=west)
    assert (given.status_code, given.json().get("ground")) == (403, "own_work")
    assert client.post("/api/v1/accounts/worker-west/grants", json=grant("intake", WEST), headers=west).status_code == 201
    independent = persons.login(database, Grant(Role.ADMINISTRATOR, "tiny")) | OURS
    assert client.post("/api/v1/accounts/admin-west/grants", json=grant("intake", WEST), headers=independent).status_code == 201


def key_for(client: TestClient, login: str, headers: dict[str, str], **more: Any) -> Any:
    asked = {"account": login, "name": "wall", "expires_at": (now() + timedelta(days=9)).isoformat()}
    return client.post("/api/v1/api-keys", json=asked | more, headers=headers)


def test_nobody_else_makes_a_key_for_a_person(client: TestClient, west: dict[str, str]) -> None:
    made = key_for(client, "worker-west", west)
    assert (made.status_code, made.json()["type"]) == (409, "/problems/key-of-a-person")
    assert log_in(client, "worker-west").status_code == 204
    assert client.get("/api/v1/me/keys").json() == []


def test_a_key_ends_when_its_account_is_given_more_than_its_maker_gave(client: TestClient, west: dict[str, str], database: str) -> None:
    number = make(database, "wall", Grant(Role.WORKER, "tiny", IN_WEST), kind="machine", password_hash=None)
    whole = persons.login(database, Grant(Role.ADMINISTRATOR, "tiny")) | OURS
    with act(database) as tx:
        by_command = persons.key_of(tx, number)
    by_west, by_whole = ({"Authorization": f"Bearer {key_for(client, 'wall', admin).json()['key']}"} for admin in (west, whole))
    assert client.post("/api/v1/accounts/wall/grants", json=grant("worker", WEST), headers=west).status_code == 201
    assert client.get("/api/v1/me", headers=by_west).status_code == 200
    assert client.get("/api/v1/me", headers=by_whole).status_code == 401
    by_whole = {"Authorization": f"Bearer {key_for(client, 'wall', whole).json()['key']}"}
    assert client.post("/api/v1/accounts/wall/grants", json=grant("intake", None), headers=whole).status_code == 201
    assert client.get("/api/v1/incidents", headers=by_west).status_code == 401
    assert client.get("/api/v1/incidents", headers=by_whole).status_code == 200
    assert client.get("/api/v1/incidents", headers=by_command).status_code == 200


def test_keys_are_made_listed_and_revoked(client: TestClient, west: dict[str, str], database: str) -> None:
    make(database, "screen", Grant(Role.WORKER, "tiny", IN_WEST), kind="machine", password_hash=None)
    asked = {"account": "screen", "name": "wall", "layers": ["blocks"], "rate_per_minute": 60}
    made = client.post("/api/v1/api-keys", json=asked | {"expires_at": (now() + timedelta(days=9)).isoformat()}, headers=west)
    assert made.status_code == 201, made.text
    by_key = {"Authorization": f"Bearer {made.json()['key']}"}
    assert client.get("/tiles/blocks.json", headers=by_key).status_code == 200
    assert client.get("/tiles/areas.json", headers=by_key).status_code == 403
    assert client.get("/api/v1/me", headers=by_key).json()["account"]["login"] == "screen"
    assert client.get("/api/v1/me/logins", headers=by_key).status_code == 403
    [key] = client.get("/api/v1/api-keys", headers=west).json()
    assert (key["account"], key["name"], key["layers"], key["rate_per_minute"]) == ("screen", "wall", ["blocks"], 60)
    assert key["used_at"] is not None
    assert made.json()["key"].startswith(key["start"])
    assert "digest" not in key
    number = made.json()["number"]
    elsewhere = persons.login(database, Grant(Role.ADMINISTRATOR, "tiny", EAST)) | OURS
    assert client.delete(f"/api/v1/api-keys/{number}", headers=elsewhere).status_code == 404
    assert client.get("/tiles/blocks.json", headers=by_key).status_code == 200
    assert client.delete(f"/api/v1/api-keys/{number}", headers=west).status_code == 204
    assert client.get("/tiles/blocks.json", headers=by_key).status_code == 401
    assert client.delete(f"/api/v1/api-keys/{number}", headers=west).status_code == 404


def test_one_revokes_ones_own_key(client: TestClient, west: dict[str, str], database: str) -> None:
    with act(database) as tx:
        admin = accounts.find(tx, "admin-west").id
        by_key = persons.key_of(tx, admin)
        [key] = api_keys.listed(tx, admin)
    assert client.get("/api/v1/me", headers=by_key).status_code == 200
    assert client.delete(f"/api/v1/api-keys/{key.id}", headers=west).status_code == 204
    assert client.get("/api/v1/me", headers=by_key).status_code == 401


def test_a_key_of_an_administrator_keeps_no_account(client: TestClient, west: dict[str, str], database: str) -> None:
    with act(database) as tx:
        by_key = persons.key_of(tx, accounts.find(tx, "admin-west").id)
    made = {"login": "mei", "name": "Mei", "password": PASSWORD, "grant": grant("worker", IN_WEST)}
    replies = [
        client.get("/api/v1/accounts", headers=by_key),
        client.post("/api/v1/accounts", json=made, headers=by_key),
        client.put("/api/v1/accounts/worker-west/password", json={"password": OTHER}, headers=by_key),
        client.post("/api/v1/accounts/worker-west/grants", json=grant("lead", WEST), headers=by_key),
        client.delete("/api/v1/accounts/worker-west", headers=by_key),
        client.post("/api/v1/me/password", json={"old": PASSWORD, "new": OTHER}, headers=by_key),
        client.delete("/api/v1/me/logins", headers=by_key),
    ]
    assert {(reply.status_code, reply.json().get("ground")) for reply in replies} == {(403, "by_key")}
    assert client.get("/api/v1/me/keys", headers=west).status_code == 200
    assert [one["login"] for one in client.get("/api/v1/accounts", headers=west).json()] == ["worker-west"]
    assert log_in(client, "admin-west").status_code == 204


WRONG = [
    ("POST", "/api/v1/accounts", {"login": "Mei", "name": "Mei", "grant": grant("worker", IN_WEST)}, 422),
    ("POST", "/api/v1/accounts", {"login": "mei", "name": "\n", "grant": grant("worker", IN_WEST)}, 422),
    ("POST", "/api/v1/accounts", {"login": "mei", "name": "Mei", "password": "mei", "grant": grant("worker", IN_WEST)}, 422),
    ("POST", "/api/v1/accounts", {"login": "mei", "name": "Mei", "oidc_subject": "1", "grant": grant("worker", IN_WEST)}, 404),
    ("POST", "/api/v1/accounts", {"login": "mei", "name": "Mei"}, 422),
    ("POST", "/api/v1/accounts/worker-west/grants", grant("public", IN_WEST), 422),
    ("POST", "/api/v1/accounts/worker-west/grants", grant("worker", Place("district", "310109")), 404),
    ("POST", "/api/v1/accounts/worker-west/grants", grant("worker", IN_WEST) | {"city": "atlantis"}, 404),
    ("POST", "/api/v1/accounts/worker-west/grants", grant("worker", IN_WEST) | {"code": None}, 422),
    ("POST", "/api/v1/accounts/worker-west/grants", grant("worker", IN_WEST) | {"code": "\x00"}, 422),
    ("POST", "/api/v1/accounts/worker-west/grants", grant("department", IN_WEST), 422),
    ("POST", "/api/v1/accounts/worker-west/grants", grant("worker", IN_WEST, ends_at="2020-01-01T00:00:00Z"), 422),
    ("POST", "/api/v1/accounts/worker-west/grants", grant("worker", IN_WEST, ends_at="2099-01-01T00:00:00"), 422),
    ("POST", "/api/v1/accounts/worker-west/grants", grant("worker", IN_WEST, begins_at="0001-01-01T00:00:00+14:00"), 422),
    ("POST", "/api/v1/accounts/worker-west/grants", grant("worker", IN_WEST, ends_at="9999-12-31T23:59:59-14:00"), 422),
    ("POST", "/api/v1/api-keys", {"account": "machine-west", "name": "x", "expires_at": "2020-01-01T00:00:00Z"}, 422),
    ("POST", "/api/v1/api-keys", {"account": "machine-west", "name": "x", "expires_at": "9999-12-31T23:59:59-14:00"}, 422),
    ("POST", "/api/v1/api-keys", {"account": "machine-west", "name": "x", "expires_at": "2099-01-01T00:00:00"}, 422),
    ("PUT", "/api/v1/accounts/worker-west/password", {"password": "x" * 12}, 422),
    ("DELETE", "/api/v1/accounts/%00", None, 422),
    ("DELETE", "/api/v1/api-keys/2147483648", None, 422),
]


def test_what_makes_no_sense_is_refused_and_changes_nothing(client: TestClient, west: dict[str, str], database: str) -> None:
    make(database, "machine-west", Grant(Role.WORKER, "tiny", IN_WEST), kind="machine", password_hash=None)
    for method, url, body, code in WRONG:
        reply = client.request(method, url, json=body, headers=west)
        assert reply.status_code == code, (url, body, reply.text)
        assert reply.json()["type"].startswith("/problems/"), (url, body)
    with act(database) as tx:
        worker = accounts.find(tx, "worker-west").id
        assert len(grants.listed(tx, [worker])[worker]) == 1
        assert accounts.find_by_login(tx, "mei") is None
