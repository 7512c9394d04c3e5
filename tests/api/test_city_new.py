"""`wangge city new` as a user runs it: what it prints, what it writes, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.api.conftest import Run
from tests.tiny_pack import write_rows


@pytest.fixture
def files(tiny_pack: Path) -> Path:
    """A folder of a city's files, without a city.toml."""
    (tiny_pack / "city.toml").unlink()
    return tiny_pack


def test_a_draft_is_written_and_the_next_steps_are_told(wangge: Run, files: Path) -> None:
    done = wangge("city", "new", str(files), "--code", "riverton")
    assert done.returncode == 0, done.stderr
    assert f"Written: {files / 'city.toml'}" in done.stdout
    assert done.stdout.rstrip().endswith("wangge incidents import --city riverton\n  wangge serve")
    checked = wangge("city", "check", str(files))
    assert checked.returncode == 5
    assert 'Set datum to one of "wgs84", "cgcs2000", "gcj02", "bd09"' in checked.stderr


def test_json_tells_the_same(wangge: Run, files: Path) -> None:
    (files / "notes.xlsx").write_bytes(b"PK\x03\x04")
    done = wangge("city", "new", str(files), "--json")
    assert done.returncode == 6, done.stderr
    told = json.loads(done.stdout)
    assert (told["city"], told["written"]) == ("tiny", [str(files / "city.toml")])
    assert {"part": "streets", "file": "roads.geojson"} in told["parts"]
    assert [one["file"] for one in told["remarks"]] == ["notes.xlsx"]
    assert told["next"][0] == f"wangge city check {files}"


def test_a_pack_that_is_there_is_kept(wangge: Run, files: Path, tmp_path: Path) -> None:
    (files / "city.toml").write_text("mine", "utf-8")
    done = wangge("city", "new", str(files))
    assert done.returncode == 4
    assert "--out" in done.stderr
    assert (files / "city.toml").read_text("utf-8") == "mine"
    elsewhere = tmp_path / "elsewhere" / "draft.toml"
    done = wangge("city", "new", str(files), "--out", str(elsewhere))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"wangge: {elsewhere} cannot be written: ")
    elsewhere.parent.mkdir()
    done = wangge("city", "new", str(files), "--out", str(elsewhere))
    assert done.returncode == 0, done.stderr
    assert f"mv {elsewhere} {files / 'city.toml'}" in done.stdout
    assert [path.name for path in elsewhere.parent.iterdir()] == ["draft.toml"]


@pytest.mark.parametrize(
    ("rows", "exit_code", "slug"), [(None, 5, "nothing-to-draft"), ([["1", "One"]], 5, "no-areas-found")], ids=["empty", "no polygons"]
)
def test_a_folder_that_gives_no_pack_is_refused(
    wangge: Run, tmp_path: Path, rows: list[list[str]] | None, exit_code: int, slug: str
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    if rows is not None:
        write_rows(folder / "areas.csv", ["code", "name"], rows)
    done = wangge("city", "new", str(folder), "--json")
    assert done.returncode == exit_code
    assert json.loads(done.stdout)["type"] == f"/problems/{slug}"
    assert not (folder / "city.toml").exists()


def test_a_missing_folder_and_a_bad_code_are_refused(wangge: Run, tmp_path: Path) -> None:
    assert wangge("city", "new", str(tmp_path / "nowhere")).returncode == 3
    done = wangge("city", "new", str(tmp_path), "--code", "New City")
    assert (done.returncode, "small letters" in done.stderr) == (2, True)
