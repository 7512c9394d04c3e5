"""What an operator's tools see, and what a reader of a fresh service sees."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import served
from tests.tiny_pack import SOUTH, WEST
from tests.web_mercator import tile_of

X, Y = tile_of(WEST + 0.001, SOUTH + 0.001, 15)


def test_a_service_that_can_serve_says_so(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json()["status"] == "ready"
    assert client.get("/version").json() == {"name": "wangge", "version": version("wangge")}
    assert client.get("/", follow_redirects=False).headers["location"] == "/map"


def test_a_service_without_schema_or_database_lives_but_is_not_ready(empty_database: str, tmp_path: Path) -> None:
    for url, reason in ((empty_database, "schema-behind"), ("postgresql+psycopg://nobody@127.0.0.1:1/none", "no-database")):
        with served(url, tmp_path) as client:
            assert client.get("/healthz").status_code == 200
            reply = client.get("/readyz")
            assert (reply.status_code, reply.json()["reason"]) == (503, reason)


def test_a_database_that_is_gone_is_a_problem_and_not_a_traceback(tmp_path: Path) -> None:
    with served("postgresql+psycopg://nobody@127.0.0.1:1/none", tmp_path) as client:
        reply = client.get("/api/v1/cities")
        assert reply.status_code == 503
        assert reply.json()["type"] == "/problems/no-database"
        assert "doctor" in reply.json()["detail"]


def test_a_service_without_a_city_answers_with_none(database: str, tmp_path: Path) -> None:
    with served(database, tmp_path) as client:
        assert client.get("/api/v1/cities").json() == []
        assert client.get("/styles/light.json").status_code == 404
        assert client.get("/tiles/blocks.json").json()["vector_layers"][0]["id"] == "blocks"
        assert client.get("/api/v1/locate", params={"lon": 0, "lat": 0, "datum": "wgs84"}).json()["how"] == "outside"


def test_problems_speak_the_readers_language(client: TestClient) -> None:
    asked = {"lon": 0, "lat": 0, "datum": "x"}
    for headers, lang in (({"Accept-Language": "zh-CN,zh;q=0.9"}, None), ({}, "zh")):
        reply = client.get("/api/v1/locate", params=asked | ({"lang": lang} if lang else {}), headers=headers)
        assert any("一" <= letter <= "鿿" for letter in reply.json()["detail"])
    assert "not known" in client.get("/api/v1/locate", params=asked).json()["detail"]


def test_the_openapi_document_is_whole(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations) >= 8
    assert all(operation.get("summary") for operation in operations)


def test_only_a_name_of_our_own_is_answered(client: TestClient) -> None:
    for host, status in (("evil.example", 400), ("localhost:8600", 200), ("127.0.0.1", 200), ("[::1]:8600", 200)):
        assert client.get("/healthz", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/healthz",
        "/readyz",
        "/openapi.json",
        "/api/v1/cities",
        f"/api/v1/locate?lon={WEST + 0.001}&lat={SOUTH + 0.001}&datum=wgs84",
        "/tiles/blocks.json",
        f"/tiles/blocks/15/{X}/{Y}.mvt",
        "/tiles/blocks/15/0/0.mvt",
        "/styles/light.json",
        "/basemaps/tiny.pmtiles",
        "/nothing",
    ],
)
def test_head_is_answered_as_get_is_without_the_body(client: TestClient, tmp_path: Path, path: str) -> None:
    (tmp_path / "basemaps").mkdir(exist_ok=True)
    (tmp_path / "basemaps" / "tiny.pmtiles").write_bytes(bytes(200))
    got, head = (client.request(method, path, follow_redirects=False) for method in ("GET", "HEAD"))
    assert head.status_code == got.status_code
    assert dict(head.headers) == dict(got.headers)
    assert head.content == b""


def test_a_method_that_is_not_taken_is_told_the_ones_that_are(client: TestClient) -> None:
    refused = client.post("/healthz")
    assert refused.status_code == 405
    assert set(refused.headers["allow"].split(", ")) == {"GET", "HEAD"}
