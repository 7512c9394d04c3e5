"""GET /api/v1/cities."""

from __future__ import annotations

from pathlib import Path

from fastapi.testclient import TestClient

from gis.actions.load_city import load_city
from gis.progress import silent
from tests.tiny_city import NOON, act
from tests.tiny_pack import write_tiny_pack


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


def test_a_city_that_is_loaded_and_not_yet_divided_disturbs_no_other(client: TestClient, database: str, tmp_path: Path) -> None:
    pack = write_tiny_pack(tmp_path / "second")
    (pack / "city.toml").write_text((pack / "city.toml").read_text().replace('code = "tiny"', 'code = "second"'))
    with act(database) as tx:
        load_city(tx, pack, now=NOON, progress=silent)
    cities = {city["code"]: city for city in client.get("/api/v1/cities").json()}
    assert (cities["second"]["edition"], cities["second"]["bounds"]) == (None, None)
    assert cities["tiny"]["bounds"] is not None
    assert client.get("/tiles/blocks.json").status_code == 200
    assert client.get("/styles/light.json").status_code == 200
    assert client.get("/styles/light.json", params={"city": "second"}).status_code == 404
