"""`wangge assign` and the door for notebooks."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas
import pandas as pd
import pytest
import shapely

from tests.api.conftest import Run
from tests.tiny_city import load
from tests.tiny_pack import SOUTH, STEP_LAT, STEP_LON, WEST

LON, LAT = WEST + 0.4 * STEP_LON, SOUTH + 0.4 * STEP_LAT


@pytest.fixture
def points(database: str, tiny_pack: Path, tmp_path: Path) -> Path:
    """A file of three points beside a loaded tiny city."""
    load(database, tiny_pack)
    path = tmp_path / "points.csv"
    path.write_text(f"id,lon,lat\n01,{LON},{LAT}\n02,2.35,48.85\n03,,\n")
    return path


def test_a_file_is_assigned_and_told(wangge: Run, points: Path, tmp_path: Path) -> None:
    done = wangge("assign", str(points), "--datum", "wgs84", "--out", str(tmp_path / "out.csv"), "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["rows"] == 3
    assert said["how"] == {"inside": 1, "border": 0, "nearest": 0, "outside": 1, "unplaced": 1}
    assert pd.read_csv(tmp_path / "out.csv", dtype=str)["id"].tolist() == ["01", "02", "03"]
    told = wangge("assign", str(points), "--datum", "wgs84", "--out", str(tmp_path / "out.parquet"), WANGGE_LANGUAGE="zh")
    assert told.returncode == 0
    assert "没有坐标" in told.stdout


@pytest.mark.parametrize(
    ("changed", "code", "said"),
    [
        (["--datum", "gcj02"], 5, "mainland China"),
        (["--datum", "beijing54"], 5, "gcj02"),
        (["--lon", "easting"], 5, "There is no column easting"),
        (["--out", "points.csv"], 4, "is there already"),
        (["--out", "nowhere/out.csv"], 1, "cannot be written"),
        (["--out", "out.xls"], 5, ".csv"),
        (["--city", "atlantis"], 3, "atlantis"),
        (["--at", "yesterday"], 5, "offset from UTC"),
        (["--category", "event:none"], 3, "event:none"),
        (["--scheduler", "tcp://127.0.0.1:9"], 5, "Parquet"),
    ],
)
def test_what_cannot_be_assigned_is_refused(wangge: Run, points: Path, changed: list[str], code: int, said: str) -> None:
    options = {"--datum": "wgs84", "--out": "out.csv"} | {changed[0]: changed[1]}
    options["--out"] = str(points.parent / options["--out"])
    before = sorted(one.name for one in points.parent.iterdir())
    done = wangge("assign", str(points), *(word for option in options.items() for word in option))
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert {*(one.name for one in points.parent.iterdir())} - {*before} <= {"data"}


def test_a_notebook_has_the_same_answers(wangge: Run, database: str, points: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from api.notebooks import assign, plan

    monkeypatch.setenv("WANGGE_DATABASE_URL", database)
    monkeypatch.setenv("WANGGE_DATA_DIR", str(tmp_path / "data"))
    frame = geopandas.GeoDataFrame({"id": ["01"]}, geometry=[shapely.Point(LON, LAT)], crs=4326)
    found = assign(frame, datum="wgs84")
    wangge("assign", str(points), "--datum", "wgs84", "--out", str(tmp_path / "out.csv"))
    filed = pd.read_csv(tmp_path / "out.csv", dtype=str)
    for name in ("cell", "street_unit", "segment", "side", "duty_grid", "owner", "level", "how"):
        assert found[name].tolist() == filed[name].tolist()[:1]
    assert assign(frame, datum="wgs84", asked=plan("tiny")).equals(found)
