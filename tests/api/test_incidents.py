"""GET /api/v1/incidents, and one by its id: pages, filters, what nonsense is told, and who the connection of a request belongs to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.app import create_app
from gis.settings import Settings
from grids.permissions import Grant, Place, Role
from tests import canaries, persons
from tests.tiny_city import act

URL = "/api/v1/incidents"


@pytest.fixture
def reader(client: TestClient, database: str) -> TestClient:
    """The tiny city, asked by someone who may read all its incidents."""
    client.headers.update(persons.key(database, Grant(Role.DISPATCHER, "tiny")))
    return client


def pages(client: TestClient, **asked: Any) -> Iterator[dict[str, Any]]:
    """Every incident that is listed, page after page."""
    after = None
    while True:
        reply = client.get(URL, params=asked | ({"after": after} if after else {}))
        assert reply.status_code == 200, reply.text
        yield from reply.json()["incidents"]
        after = reply.json()["next"]
        if after is None:
            return


@pytest.mark.parametrize("place", [None, "city:310100"])
def test_pages_follow_each_other_newest_first_and_lose_nothing(reader: TestClient, database: str, place: str | None) -> None:
    with act(database) as tx:
        tx.execute(sa.text("UPDATE incident SET reported_at = date_trunc('day', reported_at)"))
        expected = [str(one) for one in tx.execute(sa.text("SELECT id FROM incident ORDER BY reported_at DESC, id DESC")).scalars()]
    asked = {"place": place} if place else {}
    assert [one["id"] for one in pages(reader, limit=7, **asked)] == expected
    assert reader.get(URL, params={"limit": 50} | asked).json()["next"] is None
    assert reader.get(URL, params={"limit": 49} | asked).json()["next"] is not None


def test_an_incident_is_told_in_full_and_is_the_same_by_its_id(reader: TestClient) -> None:
    newest = reader.get(URL, params={"limit": 1}).json()["incidents"][0]
    assert newest["address"].endswith("East Street")
    assert newest["how"] == "inside"
    assert newest["duty_grid"] == newest["street_unit"].rpartition("-B-")[0] or newest["duty_grid"]
    assert (newest["city"], newest["reported_precision"], newest["side"]) == ("tiny", "second", newest["side"])
    assert reader.get(f"{URL}/{newest['id']}").json() == newest


def test_filters_leave_out_what_is_not_asked_for(reader: TestClient) -> None:
    everything = list(pages(reader))
    assert len(everything) == 50
    of_holes = list(pages(reader, category="component:01001", limit=3))
    assert [one["id"] for one in of_holes] == [one["id"] for one in everything if one["category"] == "component:01001"]
    since, until = everything[30]["reported_at"], everything[10]["reported_at"]
    between = list(pages(reader, since=since, until=until))
    assert [one["id"] for one in between] == [one["id"] for one in everything if since <= one["reported_at"] < until]
    grids = {one["duty_grid"] for one in pages(reader, place="district:310101")}
    assert grids == {"310101-G-01-X", "310101-G-02-V"}
    assert list(pages(reader, since="2090-01-01T00:00:00Z")) == []


@pytest.mark.parametrize(
    ("asked", "status", "slug"),
    [
        ({"since": "2026-10-01T00:00:00"}, 422, "not-an-instant"),
        ({"since": "yesterday"}, 422, "invalid-request"),
        ({"place": "district:9"}, 404, "not-found"),
        ({"place": "310101"}, 404, "not-found"),
        ({"place": "duty_grid:310101"}, 404, "not-found"),
        ({"category": "component:99999"}, 404, "unknown-category"),
        ({"category": "holes"}, 404, "unknown-category"),
        ({"city": "atlantis"}, 404, "not-found"),
        ({"category": "component:\0"}, 422, "nul-character"),
        ({"after": "0"}, 422, "invalid-request"),
        ({"after": "9" * 30 + "-" + "0" * 32}, 422, "invalid-request"),
        ({"limit": 501}, 422, "invalid-request"),
        ({"limit": 0}, 422, "invalid-request"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(reader: TestClient, asked: dict[str, object], status: int, slug: str) -> None:
    reply = reader.get(URL, params=asked)
    assert (reply.status_code, reply.json()["type"]) == (status, f"/problems/{slug}"), reply.text


@pytest.mark.parametrize("after", ["59999999999999999-" + "f" * 32, "-59999999999999999-" + "0" * 32, "0-" + "0" * 32])
def test_a_cursor_that_nobody_gave_out_is_only_a_place_in_the_order(reader: TestClient, after: str) -> None:
    assert reader.get(URL, params={"after": after}).status_code == 200


def test_another_city_is_no_business_of_ones_own(reader: TestClient, database: str) -> None:
    headers = persons.key(database, Grant(Role.CHECKER, "tiny", Place("district", "310101")))
    with act(database) as tx:
        tx.execute(sa.text('INSERT INTO city SELECT (jsonb_populate_record(city, \'{"code": "other"}\')).* FROM city'))
    assert reader.get(URL, params={"city": "other"}, headers=headers).json()["ground"] == "elsewhere"
    assert reader.get(URL, headers=headers).json()["type"] == "/problems/several-cities"


def test_a_login_that_expires_or_is_ended_between_two_requests_opens_nothing_more(reader: TestClient, database: str) -> None:
    del reader.headers["Authorization"]
    headers = persons.login(database, Grant(Role.CHECKER, "tiny"))
    assert reader.get(URL, headers=headers).status_code == 200
    with act(database) as tx:
        seen, *_ = tx.execute(sa.text("SELECT seen_at FROM login")).one()
        tx.execute(
            sa.text(
                "UPDATE role_grant SET city = 'tiny', level = 'district', code = '310104' WHERE account_id = (SELECT account_id FROM login)"
            )
        )
    assert abs(seen - datetime.now(UTC)) < timedelta(minutes=1)
    assert {one["duty_grid"][:6] for one in reader.get(URL, headers=headers).json()["incidents"]} == {"310104"}
    with act(database) as tx:
        tx.execute(sa.text("UPDATE login SET ended_at = now()"))
    assert reader.get(URL, headers=headers).status_code == 401
    assert reader.get(URL, headers=persons.login(database, Grant(Role.CHECKER, "tiny"), lasts=timedelta(seconds=-1))).status_code == 401


def test_the_one_connection_of_a_pool_never_keeps_the_person_of_the_request_before(database: str, tmp_path: Path) -> None:
    planted = canaries.plant(database, tmp_path)
    by_person = [
        (
            persons.key(database, Grant(Role.CHECKER, "tiny", canaries.ladder(community)[2])),
            {one.address for one in planted if one.address.split()[1] == community},
        )
        for community in (canaries.HOME, canaries.AWAY)
    ]
    app = create_app(Settings(data_dir=tmp_path, pool_size=1), database_url=database)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False, client=("127.0.0.1", 50_000)) as client:

        def seen(headers: dict[str, str]) -> set[str]:
            return {one["address"] for one in client.get(URL, headers=headers, params={"limit": 500}).json()["incidents"]}

        def nobody_is_left() -> None:
            with app.state.running.transaction() as tx:
                assert tx.execute(sa.text("SELECT current_setting('wangge.account', true)")).scalar_one() in (None, "")
                assert tx.execute(sa.text("SELECT count(*) FROM incident")).scalar_one() == 0
            with app.state.running.reading() as tx:
                assert tx.execute(sa.text("SELECT count(*) FROM incident")).scalar_one() == 0

        for _again in range(3):
            for headers, expected in by_person:
                assert seen(headers) == expected
                assert client.get(URL).status_code == 401
                assert client.get(f"{URL}/00000000-0000-0000-0000-000000000000", headers=headers).status_code == 404
                nobody_is_left()
                # An error in the database itself, in the middle of the person's transaction.
                broken = client.get("/tiles/incidents/13/0/0.mvt", params={"token": "x"})
                assert broken.status_code == 401
                _end_in_the_middle(client, headers)
                nobody_is_left()
                _cancel(app, headers)
                nobody_is_left()


def _end_in_the_middle(client: TestClient, headers: dict[str, str]) -> None:
    """A request whose statement the database ends."""
    engine = client.app.state.running.engine  # type: ignore[attr-defined]

    def fail(connection: Any, cursor: Any, text: str, *_: Any) -> None:
        if "st_x(incident.geom)" in text:
            cursor.execute("SELECT 1 / 0")

    sa.event.listen(engine, "before_cursor_execute", fail)
    try:
        assert client.get(URL, headers=headers).status_code == 500
    finally:
        sa.event.remove(engine, "before_cursor_execute", fail)


def _cancel(app: FastAPI, headers: dict[str, str]) -> None:
    """A request that its client gives up while its statement runs."""
    engine = app.state.running.engine
    began, over = threading.Event(), threading.Event()

    def wait(connection: Any, cursor: Any, text: str, *_: Any) -> None:
        if "st_x(incident.geom)" in text:
            began.set()
            over.wait(10)

    async def give_up() -> None:
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": URL,
            "raw_path": URL.encode(),
            "query_string": b"",
            "headers": [(b"host", b"127.0.0.1"), *((name.lower().encode(), value.encode()) for name, value in headers.items())],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 80),
            "state": {},
        }

        async def receive() -> dict[str, object]:
            await anyio.sleep_forever()
            raise AssertionError

        async def send(_message: object) -> None:
            answered.append(_message)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(app, scope, receive, send)
            while not began.is_set():
                await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()
            over.set()

    answered: list[object] = []
    sa.event.listen(engine, "before_cursor_execute", wait)
    try:
        anyio.run(give_up)
        assert answered == []
    finally:
        over.set()
        sa.event.remove(engine, "before_cursor_execute", wait)
