"""Every route has its rule, and enters its person with exactly that act."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from api.deps import Caller
from api.rules import BY_LOGIN, RULES
from grids.permissions import Act, Grant, Role
from tests import persons
from tests.api.permissions_matrix import OURS, REQUESTS
from tests.tiny_city import act, redraw


def routes(client: TestClient) -> set[str]:
    """The operation id of every route of the app; one that takes HEAD too has the endpoint of its own GET."""
    app = client.app
    assert isinstance(app, FastAPI)
    others = {getattr(route, "path", None) for route in app.routes if not hasattr(route, "original_router")}
    assert others == {"/openapi.json", "/static"}, "something is served that is no route of a router"
    found = [route for included in app.routes for route in getattr(included, "original_router", APIRouter()).routes]
    assert all(isinstance(route, APIRoute) for route in found)
    named = {route.operation_id: route.endpoint for route in found if route.operation_id}
    assert {route.endpoint for route in found} == set(named.values()), "a route has no operation id"
    return set(named)


def test_every_route_has_a_rule_and_every_rule_a_route(client: TestClient) -> None:
    assert routes(client) == set(RULES)


def test_every_rule_is_asked_by_the_matrix() -> None:
    assert set(REQUESTS) == set(RULES)


def test_each_route_enters_with_exactly_its_act(
    client: TestClient, database: str, tiny_pack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    redraw(database, tiny_pack)
    with act(database) as tx:
        everything = persons.add_in(tx, *(Grant(role, "tiny") for role in Role if role not in (Role.PUBLIC, Role.DEPARTMENT)))
        by_key, by_login = persons.key_of(tx, everything), persons.login_of(tx, everything) | OURS
    entered: list[Act] = []

    def noting(real: Callable[..., AbstractContextManager[Any]]) -> Callable[..., AbstractContextManager[Any]]:
        @contextmanager
        def enter(self: Caller, act: Act, **more: Any) -> Iterator[Any]:
            entered.append(act)
            with real(self, act, **more) as given:
                yield given

        return enter

    monkeypatch.setattr(Caller, "enter", noting(Caller.enter))
    monkeypatch.setattr(Caller, "keep", noting(Caller.keep))
    for operation, rule in RULES.items():
        entered.clear()
        headers = by_login if operation in BY_LOGIN else by_key
        reply = client.request(**({"method": "GET"} | REQUESTS[operation][0]), headers=headers, follow_redirects=False)
        assert reply.status_code not in (401, 403, 500), (operation, reply.text)
        assert set(entered) == (set() if rule is None else {rule}), operation


def test_a_credential_that_is_not_good_is_refused_by_every_route_that_has_an_act_and_told_nothing(
    client: TestClient, database: str
) -> None:
    bad = [
        {"Authorization": "Bearer wgk_" + "x" * 40},
        {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."},
        {"Authorization": "Basic YTpi"},
        {"Authorization": ""},
        {"Cookie": "wangge_login=" + "y" * 43},
        {"Cookie": "wangge_login="},
        {"Authorization": next(iter(persons.key(database, Grant(Role.CHECKER, "tiny")).values()))[:-1]},
    ]
    for operation, rule in RULES.items():
        for headers in bad:
            asked = {"method": "GET"} | REQUESTS[operation][0]
            if "Cookie" in headers and asked["method"] != "GET":
                continue
            reply = client.request(**asked, headers=headers, follow_redirects=False)
            assert (reply.status_code == 401) == (rule is not None), (operation, headers)
            if rule is not None:
                assert reply.json()["type"] == "/problems/not-logged-in"
                assert reply.headers["WWW-Authenticate"] == "Bearer"
                assert {key for key in reply.json() if key not in ("type", "title", "status", "exit_code", "detail", "instance")} == set()


def test_a_key_for_some_layers_opens_these_alone(client: TestClient, database: str) -> None:
    headers = persons.key(database, Grant(Role.CHECKER, "tiny"), layers=["blocks"])
    assert client.get("/tiles/blocks.json", headers=headers).status_code == 200
    for url in ("/tiles/incidents.json", "/tiles/cells/13/0/0.mvt", "/api/v1/cities", "/api/v1/incidents"):
        reply = client.get(url, headers=headers)
        assert (reply.status_code, reply.json()["type"], reply.json()["ground"]) == (403, "/problems/not-allowed", "other_layer"), url


def test_a_refusal_says_its_ground_in_both_languages(client: TestClient, database: str) -> None:
    headers = persons.key(database, Grant(Role.ADMINISTRATOR, "tiny"))
    said = {lang: client.get("/api/v1/incidents", params={"lang": lang}, headers=headers).json() for lang in ("en", "zh")}
    assert said["en"]["ground"] == said["zh"]["ground"] == "no_role"
    assert "none of your roles" in said["en"]["detail"]
    assert "您的角色" in said["zh"]["detail"]
