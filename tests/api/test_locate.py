"""GET /api/v1/locate."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from gis.exchange import from_wgs84
from tests.tiny_pack import SOUTH, STEP_LAT, STEP_LON, WEST

HERE = {"lon": WEST + 0.4 * STEP_LON, "lat": SOUTH + 0.4 * STEP_LAT}


def test_a_place_in_the_city_has_everything(client: TestClient) -> None:
    answer = client.get("/api/v1/locate", params=HERE | {"datum": "wgs84"}).json()
    assert answer["how"] == "inside"
    assert answer["street_unit"]["kind"] == "block"
    assert answer["segment"]["side"] in ("left", "right")
    assert answer["segment"]["side_code"].startswith(f"{answer['segment']['code']}-{answer['segment']['side'][0].upper()}")
    assert answer["duty_grid"]["code"] == answer["ladder"][0]["code"]
    assert answer["owner"]["name"]
    assert answer["deputy"] is not None
    assert [rung["level"] for rung in answer["ladder"]] == ["duty_grid", "community", "district", "city"]
    assert answer["edition"] == {"city": "tiny", "number": 1}


def test_gcj02_is_converted_at_the_edge(client: TestClient) -> None:
    (lon,), (lat,) = from_wgs84([HERE["lon"]], [HERE["lat"]], datum="gcj02")
    plain = client.get("/api/v1/locate", params=HERE | {"datum": "wgs84"}).json()
    moved = client.get("/api/v1/locate", params={"lon": float(lon), "lat": float(lat), "datum": "gcj02"}).json()
    assert moved["street_unit"] == plain["street_unit"]
    assert moved["lon"] == pytest.approx(HERE["lon"], abs=1e-8)


def test_outside_is_an_answer(client: TestClient) -> None:
    reply = client.get("/api/v1/locate", params={"lon": 2.35, "lat": 48.85, "datum": "wgs84"})
    assert reply.status_code == 200
    assert reply.json()["how"] == "outside"
    assert reply.json()["owner"] is None


@pytest.mark.parametrize(
    ("changed", "slug", "said"),
    [
        ({"datum": "beijing54"}, "unknown-datum", "gcj02"),
        ({"datum": None}, "invalid-request", "datum"),
        ({"lon": "nan"}, "bad-coordinate", "Longitude"),
        ({"lon": "181"}, "bad-coordinate", "-180 to 180"),
        ({"lon": SOUTH, "lat": WEST}, "bad-coordinate", "comes first"),
        ({"lon": "east"}, "invalid-request", "query/lon"),
        ({"lon": 24.9, "lat": 60.2, "datum": "bd09"}, "datum-outside-its-country", "mainland China"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(client: TestClient, changed: dict[str, object], slug: str, said: str) -> None:
    asked = {name: value for name, value in (HERE | {"datum": "wgs84"} | changed).items() if value is not None}
    reply = client.get("/api/v1/locate", params=asked)
    assert reply.status_code == 422
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json()
    assert problem["type"] == f"/problems/{slug}"
    assert said in problem["detail"]
    assert problem["instance"] == "/api/v1/locate"
