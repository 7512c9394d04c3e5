"""The megacity pack: what is committed is real and complete, what is generated nests exactly, says so, and is made once."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely
from pyproj import Geod

from gis.city_pack import read_city_toml
from gis.errors import BadPack
from gis.pack_check import check
from gis.pack_generation import materialise
from gis.pack_places import read_places
from gis.progress import silent
from tests.demo_pack import PACKS
from tests.tiny_pack import write_tiny_pack

FOLDER = PACKS / "shanghai"
COUNTS = {"city": 1, "district": 16, "street_town": 234, "community": 6_509}
CENTRE = ["310101", "310106", "310109"]


@pytest.fixture(scope="module")
def divisions() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "divisions.csv", dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, divisions: pd.DataFrame) -> Path:
    """The pack with three districts of the centre, two towns each, and few incidents: made of the same parts in a moment."""
    folder = tmp_path_factory.mktemp("pack") / "small"
    shutil.copytree(FOLDER, folder)
    towns = divisions[(divisions["level"] == "street_town") & divisions["parent"].isin(CENTRE)].groupby("parent").head(2)
    kept = (
        (divisions["level"] == "city")
        | ((divisions["level"] == "district") & divisions["code"].isin(CENTRE))
        | divisions["code"].isin(towns["code"])
        | divisions["parent"].isin(towns["code"])
    )
    divisions[kept].to_csv(folder / "divisions.csv", index=False)
    districts = json.loads((folder / "districts.geojson").read_text("utf-8"))
    districts["features"] = [one for one in districts["features"] if one["properties"]["code"] in CENTRE]
    (folder / "districts.geojson").write_text(json.dumps(districts), "utf-8")
    edit(folder, r"incidents = 1000000", "incidents = 2500")
    edit(folder, r"built_up_km2 = 700", "built_up_km2 = 60")
    return folder


@pytest.fixture(scope="module")
def made(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return materialise(small, tmp_path_factory.mktemp("data"), silent)


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "city.toml"
    text, count = re.subn(old, new, path.read_text("utf-8"))
    assert count == 1
    path.write_text(text, "utf-8")


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


# --- what is committed ---------------------------------------------------------------------------------------------


def test_all_codes_and_names_are_there_and_each_area_names_the_one_above(divisions: pd.DataFrame) -> None:
    assert divisions.groupby("level").size().to_dict() == COUNTS
    assert not divisions["code"].duplicated().any()
    assert (divisions["name_zh"] != "").all()
    for lower, upper, digits in (("district", "city", 6), ("street_town", "district", 9), ("community", "street_town", 12)):
        rows, above = divisions[divisions["level"] == lower], divisions[divisions["level"] == upper]
        assert set(rows["parent"]) == set(above["code"])
        assert rows["code"].str.fullmatch(rf"310\d{{{digits - 3}}}").all()
        assert lower == "district" or (rows["code"].str[: digits - 3] == rows["parent"]).all()


def test_districts_declare_gcj02_and_those_of_the_centre_move_by_about_475_metres(divisions: pd.DataFrame) -> None:
    source = read_city_toml(FOLDER).generated.outlines  # type: ignore[union-attr]
    assert source.datum == "gcj02"
    raw = geopandas.read_file(FOLDER / source.file)
    assert sorted(raw["code"]) == sorted(divisions[divisions["level"] == "district"]["code"])
    moved = read_places(FOLDER, source, columns=["code"])

    def distances_m(rows: pd.Series[bool]) -> np.ndarray:
        before, after = (shapely.get_coordinates(frame.geometry[rows].to_numpy()) for frame in (raw, moved.reset_index()))
        return np.array(Geod(ellps="WGS84").inv(*before.T, *after.T)[2])

    central = distances_m(raw["code"] < "310112")
    assert central.min() > 465
    assert central.max() < 490
    everywhere = distances_m(raw["code"].notna())
    assert everywhere.min() > 455, "the islands in the north-east move least"
    assert everywhere.max() < 502, "the coast in the south-west moves most"


def test_the_published_outlines_are_kept_with_their_faults() -> None:
    raw = geopandas.read_file(FOLDER / "districts.geojson")
    assert not raw.geometry.is_valid.all()
    assert (raw["origin"] == "real").all()


def test_whatever_is_generated_says_so() -> None:
    pack = tomllib.loads((FOLDER / "city.toml").read_text("utf-8"))
    del pack["generated"]

    def sources(part: object) -> list[dict[str, str]]:
        if isinstance(part, list):
            return [found for one in part for found in sources(one)]
        if not isinstance(part, dict):
            return []
        return [part] if "file" in part else [found for one in part.values() for found in sources(one)]

    real = {"city.parquet", "district.parquet", "categories.csv"}
    assert {one["file"] for one in sources(pack) if one.get("origin") != "generated"} == real
    assert "生成" in pack["notice"]["zh"]
    assert "generated" in pack["notice"]["en"]


# --- what is made of it --------------------------------------------------------------------------------------------


def test_the_made_pack_is_an_ordinary_one_without_fault(made: Path) -> None:
    pack = read_city_toml(made)
    assert pack.generated is None
    assert {finding.slug for finding in check(made)} <= {"incidents-outside"}


def test_levels_nest_to_the_last_vertex(made: Path, small: Path) -> None:
    listed = pd.read_csv(small / "divisions.csv", dtype=str, keep_default_na=False)
    pack = read_city_toml(made)
    levels = {level.key: read_places(made, level.source, columns=["code"]) for level in pack.area_levels if level.source}
    for key, frame in levels.items():
        assert frame["code"].tolist() == listed[listed["level"] == key]["code"].tolist()
        assert shapely.coverage_is_valid(frame.geometry.to_numpy(), gap_width=0.0) or key in ("city", "district")
    parents = dict(zip(listed["code"], listed["parent"], strict=True))
    for lower, upper in (("community", "street_town"), ("street_town", "district"), ("district", "city")):
        below = levels[lower].geometry.to_numpy()
        above = np.array([parents[code] for code in levels[lower]["code"]])
        for code, shape in zip(levels[upper]["code"], levels[upper].geometry, strict=True):
            union = shapely.union_all(below[above == code])
            # Districts were written in GCJ-02 and came back: a millionth of a square degree would be 10,000 m².
            assert shapely.symmetric_difference(union, shape).area < 1e-15


def test_incidents_are_written_in_parts_by_time_with_known_categories_and_streets(made: Path) -> None:
    incidents = pd.read_parquet(made / "incidents.parquet")
    assert len(incidents) == 2_500
    assert incidents["reported_at"].is_monotonic_increasing
    assert incidents["id"].is_unique
    assert 0 < incidents["lon"].isna().sum() < 50
    streets = geopandas.read_parquet(made / "streets.parquet")
    assert set(incidents["address"]) <= set(streets["name_zh"])
    assert (streets["name_zh"].str.contains("路")).all()
    assert (streets["name_en"].str.endswith("Road")).all()
    local = incidents["reported_at"].dt.tz_convert("Asia/Shanghai")
    assert str(local.min().date()) == "2025-07-01"
    assert str(local.max().date()) == "2026-06-30"
    assert pq.ParquetFile(made / "incidents.parquet").metadata.num_row_groups == 1


def test_the_same_pack_is_made_once_and_gives_the_same_bytes_elsewhere(
    made: Path, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = materialise(small, tmp_path, silent)
    assert other.name == made.name
    assert files_of(other) == files_of(made)
    told: list[str] = []
    assert materialise(small, tmp_path, lambda step, *_: told.append(step)) == other
    assert told == [], "the second time it is only found"


def test_an_interruption_leaves_no_pack_and_the_next_run_makes_the_same(small: Path, made: Path, tmp_path: Path) -> None:
    def stop(step: str, done: int = 0, total: int | None = None) -> None:
        if step == "generating owners":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        materialise(small, tmp_path, stop)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir() and not path.name.endswith(".partial")] == []
    assert files_of(materialise(small, tmp_path, silent)) == files_of(made)
    assert not list(tmp_path.glob("*.partial"))


def test_another_seed_is_another_pack(small: Path, made: Path, tmp_path: Path) -> None:
    changed = tmp_path / "pack"
    shutil.copytree(small, changed)
    edit(changed, r"seed = \d+", "seed = 7")
    other = materialise(changed, tmp_path / "data", silent)
    assert other.name != made.name
    assert (other / "community.parquet").read_bytes() != (made / "community.parquet").read_bytes()


def test_a_pack_that_is_complete_is_itself(tmp_path: Path) -> None:
    folder = write_tiny_pack(tmp_path / "tiny")
    assert materialise(folder, tmp_path / "data", silent) == folder
    assert not (tmp_path / "data").exists()


def _orphan(folder: Path) -> None:
    path = folder / "divisions.csv"
    path.write_text(path.read_text("utf-8").replace(",310101002,", ",310101999,", 1), "utf-8")


def _no_outline(folder: Path) -> None:
    districts = json.loads((folder / "districts.geojson").read_text("utf-8"))
    districts["features"].pop()
    (folder / "districts.geojson").write_text(json.dumps(districts), "utf-8")


def _hidden(folder: Path) -> None:
    path = folder / "city.toml"
    path.write_text(path.read_text("utf-8").replace("[generated]\n", "['generated']\n"), "utf-8")


@pytest.mark.parametrize(
    ("spoil", "slug"), [(_orphan, "unknown-parent"), (_no_outline, "no-outlined-level"), (_hidden, "generated-not-apart")]
)
def test_a_pack_that_cannot_be_made_is_refused_and_leaves_nothing(
    small: Path, tmp_path: Path, spoil: Callable[[Path], None], slug: str
) -> None:
    folder = tmp_path / "pack"
    shutil.copytree(small, folder)
    spoil(folder)
    with pytest.raises(BadPack) as refused:
        materialise(folder, tmp_path / "data", silent)
    assert [finding.slug for finding in refused.value.findings] == [slug]
    assert not [path for path in (tmp_path / "data").iterdir() if path.is_dir() and not path.name.endswith(".partial")]


@pytest.mark.slow
def test_the_whole_city_is_made_and_without_fault(tmp_path: Path) -> None:
    folder = materialise(FOLDER, tmp_path, silent)
    for key, count in COUNTS.items():
        assert pq.ParquetFile(folder / f"{key}.parquet").metadata.num_rows == count
    incidents = pq.ParquetFile(folder / "incidents.parquet").metadata
    assert (incidents.num_rows, incidents.num_row_groups) == (1_000_000, 10)
    assert {finding.slug for finding in check(folder)} <= {"incidents-outside"}
