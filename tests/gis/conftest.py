"""Fixtures of the remembering room."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from gis.city_pack import CityPack, read_city_toml
from tests.demo_pack import maker_of
from tests.tiny_pack import write_tiny_pack


@pytest.fixture
def tiny_pack(tmp_path: Path) -> Path:
    """The folder of a tiny good city pack, to be read as it is or broken in one way."""
    return write_tiny_pack(tmp_path / "tiny")


@pytest.fixture(scope="module")
def pack(request: pytest.FixtureRequest) -> CityPack:
    """The demo pack in the folder that a test's module calls ``FOLDER``."""
    return read_city_toml(request.module.FOLDER)


@pytest.fixture(scope="module")
def maker(request: pytest.FixtureRequest) -> ModuleType:
    """The script that made this demo pack."""
    return maker_of(request.module.FOLDER.name)
