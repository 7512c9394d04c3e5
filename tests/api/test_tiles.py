"""Tiles, TileJSON, styles and basemaps over HTTP."""

from __future__ import annotations

from pathlib import Path

import mapbox_vector_tile
import pytest
from fastapi.testclient import TestClient

from gis.layers import LAYERS
from grids.permissions import Grant, Role
from tests import persons
from tests.tiny_city import redraw
from tests.tiny_pack import SOUTH, WEST
from tests.web_mercator import tile_of

X, Y = tile_of(WEST + 0.001, SOUTH + 0.001, 15)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_tile_is_reached_through_its_tilejson(client: TestClient, database: str, tiny_pack: Path, layer: str) -> None:
    if layer == "changes":
        redraw(database, tiny_pack)
    client.headers.update(persons.key(database, Grant(Role.CHECKER, "tiny")))
    described = client.get(f"/tiles/{layer}.json").json()
    assert described["tilejson"] == "3.0.0"
    west, south, east, north = described["bounds"]
    assert west <= WEST < east
    assert south <= SOUTH + 1e-6 < north
    reply = client.get(described["tiles"][0].replace("{z}", "15").replace("{x}", str(X)).replace("{y}", str(Y)))
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert mapbox_vector_tile.decode(reply.content)[layer]["features"]


def test_an_empty_tile_is_204_and_what_is_not_there_404(client: TestClient) -> None:
    assert client.get("/tiles/blocks/15/0/0.mvt").status_code == 204
    for path in ("/tiles/blocks/15/99999/0.mvt", "/tiles/roads/15/0/0.mvt", "/tiles/roads.json", "/nothing"):
        reply = client.get(path)
        assert reply.status_code == 404
        assert reply.headers["content-type"] == "application/problem+json"
    assert client.get("/tiles/blocks/15/x/0.mvt").status_code == 422


def test_the_style_names_only_this_server(client: TestClient) -> None:
    style = client.get("/styles/light.json", params={"lang": "zh", "city": "tiny"}).json()
    assert style["version"] == 8
    urls = [url for source in style["sources"].values() for url in ([source["url"]] if "url" in source else source["tiles"])]
    assert urls
    assert all(url.removeprefix("pmtiles://").startswith("http://127.0.0.1/") for url in urls)
    assert client.get("/styles/light.json", params={"city": "atlantis"}).status_code == 404
    assert client.get("/styles/sepia.json").status_code == 422


def test_a_basemap_is_read_in_ranges_and_no_path_leads_out(client: TestClient, tmp_path: Path) -> None:
    assert client.get("/basemaps/tiny.pmtiles").status_code == 404
    (tmp_path / "basemaps").mkdir()
    (tmp_path / "basemaps" / "tiny.pmtiles").write_bytes(bytes(range(200)))
    (tmp_path / "secret.pmtiles").write_bytes(b"secret")
    reply = client.get("/basemaps/tiny.pmtiles", headers={"Range": "bytes=10-19"})
    assert (reply.status_code, reply.content) == (206, bytes(range(10, 20)))
    for name in ("..%2Fsecret", "%2e%2e/secret", "../secret"):
        assert client.get(f"/basemaps/{name}.pmtiles").status_code == 404
