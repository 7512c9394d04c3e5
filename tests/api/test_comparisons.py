"""Two editions compared, at both doors: the command with its table, its document and its map layer, and the HTTP route."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas
import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import Run
from tests.tiny_city import load, redraw, take_in

URL = "/api/v1/cities/tiny/editions/{}/changes/{}"


def test_the_changes_are_told_as_they_were_kept(client: TestClient, database: str, tiny_pack: Path) -> None:
    assert client.get(URL.format(1, 2)).status_code == 404
    redraw(database, tiny_pack)
    told = client.get(URL.format(1, 2)).json()
    assert (told["city"], told["old"], told["new"], told["next"]) == ("tiny", 1, 2, None)
    assert told["blocks"]["changed_m2"] == pytest.approx(
        sum(one["area_m2"] for one in told["changes"] if one["kind"] == "block" and one["old_code"] != one["new_code"]), abs=0.1
    )
    assert told["blocks"]["changes"]["merged"]["units"] > 0
    assert {(one["code"], one["post"]) for one in told["people"]} == {("O2", "owner"), ("O9", "owner")}
    numbers, after = [], 0
    while after is not None:
        page = client.get(URL.format(1, 2), params={"limit": 7, "after": after}).json()
        numbers += [one["id"] for one in page["changes"]]
        after = page["next"]
    assert numbers == [one["id"] for one in told["changes"]]


def test_what_was_not_compared_is_not_found_and_says_how(client: TestClient, database: str, tiny_pack: Path) -> None:
    reply = client.get(URL.format(1, 1))
    assert (reply.status_code, reply.json()["type"]) == (404, "/problems/not-compared")
    assert "wangge grids compare tiny 1 1" in reply.json()["detail"]
    for url in (URL.format(1, 9), "/api/v1/cities/atlantis/editions/1/changes/2"):
        assert client.get(url).json()["type"] == "/problems/not-found"
    for url in (URL.format(0, 1), URL.format(1, "x"), URL.format(1, 1) + "?limit=0", URL.format(1, 10**12)):
        assert client.get(url).status_code == 422


def test_the_command_says_what_changed_and_writes_it_as_a_map_layer(wangge: Run, database: str, tiny_pack: Path, tmp_path: Path) -> None:
    load(database, tiny_pack)
    take_in(database, tmp_path)
    redraw(database, tiny_pack)
    out = tmp_path / "changes.gpkg"
    done = wangge("grids", "compare", "tiny", "--out", str(out), "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["city"], told["old"], told["new"], told["file"]) == ("tiny", 1, 2, str(out))
    rows = geopandas.read_file(out)
    assert len(rows) == told["pieces"]
    assert list(rows.columns) == ["kind", "change", "old_code", "new_code", "area_m2", "incidents", "old_owner", "new_owner", "geometry"]
    assert rows["incidents"].sum() == told["blocks"]["changed_incidents"] + told["duty_grids"]["changed_incidents"]
    printed = wangge("grids", "compare", "tiny", "1", "2").stdout
    assert "Blocks of tiny: 36 in edition 1" in printed
    assert "O9 Owner 9" in printed


def test_what_cannot_be_compared_or_written_is_refused(wangge: Run, database: str, tiny_pack: Path, tmp_path: Path) -> None:
    load(database, tiny_pack)
    taken = tmp_path / "taken.gpkg"
    taken.write_text("mine")
    refused = {
        ("tiny",): (4, "grids build"),
        ("atlantis",): (3, "atlantis"),
        ("tiny", "1", "5"): (3, "tiny 5"),
        ("tiny", "0"): (2, "'old'"),
        ("tiny", "1", "1", "--out", str(taken)): (4, "--overwrite"),
        ("tiny", "1", "1", "--out", str(tmp_path / "x.shp")): (5, "geoparquet"),
    }
    for arguments, (code, said) in refused.items():
        done = wangge("grids", "compare", *arguments)
        assert (done.returncode, done.stdout) == (code, ""), arguments
        assert said in done.stderr
    assert taken.read_text() == "mine"
