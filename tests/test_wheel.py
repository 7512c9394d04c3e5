"""The wheel as a user gets it: built, installed beside its packages, and run from another folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parents[1]
_UV = Path(sys.executable).parent / "uv"


def run(command: list[str | Path], *, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    # Neither the source tree nor an active environment may help the wheel.
    kept = {
        name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"} and not name.startswith("WANGGE_")
    }
    return subprocess.run(command, cwd=cwd, env={**kept, **more}, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        _UV,
        "build",
        "--wheel",
        "--build-constraints",
        "tests/requirements.lock",
        "--require-hashes",
        "--out-dir",
        folder,
        "--quiet",
    ]
    built = run(command, cwd=_REPOSITORY, WANGGE_REQUIRE_WEB="1")
    assert built.returncode == 0, built.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of a fresh environment that holds the wheel and sees the packages of this one."""
    venv = tmp_path_factory.mktemp("environment") / "venv"
    for command in (
        [_UV, "venv", "--quiet", "--python", sys.executable, venv],
        [_UV, "pip", "install", "--quiet", "--no-deps", "--python", venv / "bin" / "python", wheel],
    ):
        done = run(command, cwd=venv.parent)
        assert done.returncode == 0, done.stderr
    # A path in a .pth file is added without reading the .pth files there, so the editable install stays out of sight.
    (site,) = venv.glob("lib/python*/site-packages")
    (site / "packages.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return venv / "bin"


def test_the_wheel_holds_what_the_product_reads_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for wanted in (
        "api/static/index.html",
        "gis/locale/zh_CN/LC_MESSAGES/wangge.mo",
        "gis/migrations/env.py",
        "gis/packs/helsinki/city.toml",
    ):
        assert wanted in names
    in_tree = {str(file.relative_to(_REPOSITORY)) for file in (_REPOSITORY / "gis").rglob("*.sql")}
    assert in_tree, "the statements of gis/ are files of their own"
    assert in_tree <= names
    rooms = {"api", "basemaps", "gis", "grids"}
    strangers = {name for name in names if name.split("/")[0] not in rooms and ".dist-info/" not in name}
    assert not strangers
    assert not [name for name in names if "node_modules" in name or "gis/packs/make_" in name or name.endswith(".pyc")]


def test_all_four_rooms_come_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    code = "import api, basemaps, gis, grids; print(*(room.__file__ for room in (api, basemaps, gis, grids)))"
    done = run([installed / "python", "-c", code], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for file in done.stdout.split():
        assert Path(file).is_relative_to(installed.parent)


def test_the_program_tells_its_version(installed: Path, tmp_path: Path) -> None:
    done = run([installed / "wangge", "--version"], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("0.1.0")


def test_doctor_finds_its_way_from_another_folder(installed: Path, tmp_path: Path) -> None:
    done = run([installed / "wangge", "doctor", "--json"], cwd=tmp_path, WANGGE_DATA_DIR=str(tmp_path / "data"))
    assert done.returncode in {0, 6}, done.stderr
    assert json.loads(done.stdout)
