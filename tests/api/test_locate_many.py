"""POST /api/v1/locate: bodies of points in every kind, answers in kind, and refusals before the first byte."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from gis.settings import Settings
from tests.tiny_city import load
from tests.tiny_pack import SOUTH, STEP_LAT, STEP_LON, WEST

INSIDE = {"lon": WEST + 0.4 * STEP_LON, "lat": SOUTH + 0.4 * STEP_LAT}
FAR = {"lon": 2.35, "lat": 48.85}
PATH = "/api/v1/locate?datum=wgs84"
JSON, GEOJSON, ARROW = "application/json", "application/geo+json", "application/vnd.apache.arrow.stream"


def post(client: TestClient, body: bytes | str, kind: str, *, path: str = PATH) -> tuple[int, bytes, str]:
    reply = client.post(path, content=body, headers={"Content-Type": kind})
    return reply.status_code, reply.content, reply.headers["content-type"].partition(";")[0]


def of_points(*points: dict[str, object]) -> str:
    return json.dumps({"points": points})


def arrow(rows: dict[str, list[object]]) -> bytes:
    table, sink = pa.table(rows), io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)
    return sink.getvalue()


def test_json_is_answered_in_its_order_as_the_single_question_is(client: TestClient) -> None:
    status, content, kind = post(client, of_points(INSIDE | {"id": "a"}, FAR | {"id": 7}, {"id": "nowhere"}), JSON)
    assert (status, kind) == (200, JSON)
    inside, far, nowhere = json.loads(content)["places"]
    one = client.get("/api/v1/locate", params=INSIDE | {"datum": "wgs84"}).json()
    assert inside["id"] == "a"
    assert (inside["cell"], inside["street_unit"]) == (one["cell"], one["street_unit"]["code"])
    assert (inside["segment"], inside["side"]) == (one["segment"]["code"], one["segment"]["side"])
    assert (inside["owner"], inside["level"]) == (one["dispatch"]["by"]["code"], one["dispatch"]["level"])
    assert {name for name in far if name != "id"} == {"cell", "how"}
    assert (far["id"], far["how"]) == ("7", "outside")
    assert nowhere == {"id": "nowhere", "how": "unplaced"}


def test_geojson_arrow_and_csv_are_answered_in_kind(client: TestClient) -> None:
    point = {"type": "Feature", "properties": {"no": 1}, "geometry": {"type": "Point", "coordinates": [INSIDE["lon"], INSIDE["lat"]]}}
    status, content, kind = post(client, json.dumps({"type": "FeatureCollection", "features": [point]}), GEOJSON)
    assert (status, kind) == (200, GEOJSON)
    (feature,) = json.loads(content)["features"]
    assert feature["properties"]["no"] == 1
    assert feature["properties"]["how"] == "inside"
    assert feature["geometry"] == point["geometry"]
    status, content, kind = post(client, arrow({"lon": [INSIDE["lon"]] * 5, "lat": [INSIDE["lat"]] * 5, "n": [*range(5)]}), ARROW)
    assert (status, kind) == (200, ARROW)
    table = pa.ipc.open_stream(content).read_all()
    assert table["n"].to_pylist() == [*range(5)]
    assert set(table["street_unit"].to_pylist()) == {feature["properties"]["street_unit"]}
    status, content, kind = post(client, f"lon,lat\n{INSIDE['lon']},{INSIDE['lat']}\n", "text/csv; charset=utf-8")
    assert (status, kind) == (200, "text/csv")
    assert [row["how"] for row in csv.DictReader(io.StringIO(content.decode()))] == ["inside"]


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ((of_points(INSIDE, {"lon": 500, "lat": 1}), JSON), (422, "bad-points", "Rows: 2.")),
        (('{"points": [{"lon": NaN, "lat": 1}]}', JSON), (422, "bad-points", "cannot be read")),
        (('{"points": [', JSON), (422, "bad-points", "cannot be read")),
        ((arrow({"lon": [1.0] * 9, "lat": [2.0] * 9})[:-30], ARROW), (422, "bad-points", "cannot be read")),
        ((arrow({"x": [1.0], "lat": [2.0]}), ARROW), (422, "bad-points", "There is no column lon")),
        (
            (
                '<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>CSV:/etc/passwd</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>',
                GEOJSON,
            ),
            (422, "bad-file", "cannot be used"),
        ),
        (
            ('{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read /etc/passwd"}', GEOJSON),
            (422, "bad-file", "cannot be used"),
        ),
        (("{}", JSON), (422, "bad-points", "has no list")),
        (("lat,x\n1,2\n", "text/csv"), (422, "bad-points", "There is no column lon")),
        (("points", "text/plain"), (415, "unknown-media-type", "text/plain")),
        (("points", ""), (415, "unknown-media-type", "application/json")),
        ((of_points(INSIDE) + " " * 1_100_000, JSON), (413, "body-too-large", "1 MB")),
    ],
)
def test_a_bad_body_is_refused_and_the_next_is_answered(
    database: str, tiny_pack: Path, tmp_path: Path, body: tuple[bytes | str, str], refusal: tuple[int, str, str]
) -> None:
    status, slug, said = refusal
    load(database, tiny_pack)
    settings = Settings(data_dir=tmp_path, pool_size=2, body_limit_mb=1)
    app = create_app(settings, database_url=database)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        found, content, media = post(client, *body)
        assert (found, media) == (status, "application/problem+json"), content
        problem = json.loads(content)
        assert problem["type"] == f"/problems/{slug}"
        assert said in json.dumps(problem)
        assert post(client, of_points(INSIDE), JSON)[0] == 200


@pytest.mark.parametrize(
    ("query", "status", "slug"),
    [
        ("datum=beijing54", 422, "unknown-datum"),
        ("", 422, "invalid-request"),
        ("datum=wgs84&city=atlantis", 404, "not-found"),
        ("datum=wgs84&category=event:none", 404, "unknown-category"),
        ("datum=wgs84&at=2020-01-01T00:00:00Z", 404, "before-first-edition"),
        ("datum=wgs84&at=2026-12-01T00:00:00", 422, "not-an-instant"),
    ],
)
def test_a_bad_question_is_refused(client: TestClient, query: str, status: int, slug: str) -> None:
    found, content, _ = post(client, of_points(INSIDE), JSON, path=f"/api/v1/locate?{query}")
    assert (found, json.loads(content)["type"]) == (status, f"/problems/{slug}")


def test_a_street_beside_a_point_outside_is_named(client: TestClient) -> None:
    beside = {"lon": WEST - 0.05 * STEP_LON, "lat": SOUTH + 0.5 * STEP_LAT}
    one = client.get("/api/v1/locate", params=beside | {"datum": "wgs84"}).json()
    (many,) = json.loads(post(client, of_points(beside), JSON)[1])["places"]
    assert one["how"] == many["how"] == "nearest"
    assert one["segment"]["code"] == many["segment"]
    assert one["owner"] is one["street_unit"] is None


def test_as_many_bodies_come_in_at_once_as_there_are_places(client: TestClient) -> None:
    places = client.app.state.running.uploads_of_nobody  # type: ignore[attr-defined]
    body = {"points": [{"id": 1, "lon": 121.4724, "lat": 31.2338}]}
    held = [object() for _ in range(int(places.total_tokens))]
    for one in held:
        places.acquire_on_behalf_of_nowait(one)
    refused = client.post("/api/v1/locate?datum=wgs84", json=body)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
    places.release_on_behalf_of(held.pop())
    assert [client.post("/api/v1/locate?datum=wgs84", json=body).status_code for _ in range(3)] == [200, 200, 200]
