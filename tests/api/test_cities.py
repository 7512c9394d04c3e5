"""GET /api/v1/cities."""

from __future__ import annotations

from fastapi.testclient import TestClient


def test_a_loaded_city_is_told_with_its_counts(client: TestClient) -> None:
    (city,) = client.get("/api/v1/cities").json()
    assert (city["code"], city["names"]["zh"], city["notice"]["zh"]) == ("tiny", "小城", "全部数据均为虚构。")
    assert [level["key"] for level in city["levels"]] == ["city", "district", "community", "duty_grid"]
    assert city["counts"]["areas"] == {"city": 1, "district": 2, "community": 4}
    assert city["counts"]["incidents"] == city["counts"]["incidents_assigned"] == 50
    assert city["counts"]["duty_grids"] == 4
    west, south, east, north = city["bounds"]
    assert west < east
    assert south < north
    assert city["edition"]["status"] == "adopted"
