"""`wangge datum check`, as a user runs it: the table, one sentence, JSON, exit codes, both languages."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gis.exchange import from_wgs84
from tests.api.conftest import Run
from tests.tiny_pack import SOUTH, WEST, write_rows
from tests.uneven_pack import WIDE_LAT, WIDE_LON, street_points, write_uneven_pack


@pytest.fixture
def files(wangge: Run, tmp_path: Path) -> Path:
    """A folder of files beside a loaded city: street places in two datums, and places anywhere."""
    assert wangge("city", "load", str(write_uneven_pack(tmp_path / "pack"))).returncode == 0
    places = street_points(300, seed=1)
    anywhere = np.random.default_rng(2).uniform((WEST, SOUTH), (WEST + WIDE_LON, SOUTH + WIDE_LAT), (600, 2))
    shifted = np.column_stack(from_wgs84(*places.T, datum="gcj02"))
    abroad = places + np.array([-96.5, 29.0])
    for name, found in {"plain": places, "shifted": shifted, "anywhere": anywhere, "abroad": abroad}.items():
        write_rows(tmp_path / f"{name}.csv", ["lon", "lat"], found.tolist())
    write_rows(tmp_path / "gaps.csv", ["lon", "lat"], [*places.tolist(), ["", ""]])
    return tmp_path


def test_the_datum_of_street_places_is_named_with_its_evidence(wangge: Run, files: Path) -> None:
    for name, datums in (("plain", ["wgs84", "cgcs2000"]), ("shifted", ["gcj02"])):
        done = wangge("datum", "check", str(files / f"{name}.csv"), "--json")
        told = json.loads(done.stdout)
        assert (done.returncode, told["fits"], told["reason"]) == (0, datums, None)
        [best] = [one for one in told["readings"] if one["datums"] == datums]
        others = [one for one in told["readings"] if one["datums"] != datums]
        assert best["median_m"] < 5
        assert best["within"][1]["share"] > 0.95
        assert all(one["median_m"] > 10 and one["beyond_chance"] < 0.3 for one in others)
    shown = wangge("datum", "check", str(files / "shifted.csv"), "--city", "tiny")
    assert shown.returncode == 0
    assert "The file fits gcj02:" in shown.stdout
    assert "wgs84, cgcs2000" in shown.stdout
    assert "bd09" in shown.stdout


def test_what_cannot_be_told_is_said_with_its_reason_and_exit_6(wangge: Run, files: Path) -> None:
    done = wangge("datum", "check", str(files / "anywhere.csv"))
    assert done.returncode == 6
    assert "Cannot tell: in no datum do the places follow the streets" in done.stdout
    told = wangge("datum", "check", str(files / "anywhere.csv"), "--json")
    assert (told.returncode, json.loads(told.stdout)["fits"], json.loads(told.stdout)["reason"]) == (6, None, "off_the_streets")
    abroad = wangge("datum", "check", str(files / "abroad.csv"))
    assert abroad.returncode == 6
    assert "Outside mainland China only wgs84 and cgcs2000 are possible." in abroad.stdout
    assert "only in mainland China" in abroad.stdout


def test_both_languages(wangge: Run, files: Path) -> None:
    fits = wangge("datum", "check", str(files / "shifted.csv"), WANGGE_LANGUAGE="zh")
    assert "该文件符合 gcj02" in fits.stdout
    assert "城市范围内" in fits.stdout
    unknown = wangge("datum", "check", str(files / "abroad.csv"), WANGGE_LANGUAGE="zh")
    assert "无法判断" in unknown.stdout
    assert "中国大陆以外" in unknown.stdout


def test_rows_without_a_place_are_told(wangge: Run, files: Path) -> None:
    done = wangge("datum", "check", str(files / "gaps.csv"))
    assert done.returncode == 0
    assert "1 row" in done.stderr


def test_what_goes_wrong_is_said_in_a_sentence(wangge: Run, files: Path) -> None:
    for name, options, code, said in (
        ("nowhere.csv", [], 3, "nowhere.csv"),
        ("plain.csv", ["--city", "atlantis"], 3, "atlantis"),
        ("plain.csv", ["--encoding", "klingon"], 2, "encoding"),
        ("plain.csv", ["--lon", "x", "--lat", "y"], 5, "'x'"),
        ("pack/city.toml", [], 5, "ending"),
        ("pack", [], 5, "not a file"),
    ):
        done = wangge("datum", "check", str(files / name), *options)
        assert (done.returncode, done.stdout) == (code, "")
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_without_a_city_there_is_nothing_to_compare_with(wangge: Run, tmp_path: Path) -> None:
    done = wangge("datum", "check", str(tmp_path / "any.csv"), "--json")
    assert (done.returncode, json.loads(done.stdout)["type"]) == (3, "/problems/no-city-loaded")


@pytest.mark.parametrize(
    ("lon", "lat", "datum", "code", "said"),
    [
        ("121.47", "31.23", None, 2, "--datum"),
        ("121.47", "31.23", "GCJ02", 5, "wgs84, cgcs2000, gcj02, bd09"),
        ("24.94", "60.17", "gcj02", 5, "only exists in mainland China"),
        ("-73.98", "40.75", "bd09", 5, "only exists in mainland China"),
    ],
)
def test_locate_takes_no_coordinate_without_a_datum_that_it_can_be_in(
    wangge: Run, *, lon: str, lat: str, datum: str | None, code: int, said: str
) -> None:
    done = wangge("locate", lon, lat, *([] if datum is None else ["--datum", datum]))
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
