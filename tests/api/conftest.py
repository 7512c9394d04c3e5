"""A served tiny city, asked through HTTP without a network, and the command line as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from gis.settings import Settings
from tests.tiny_city import load, take_in
from tests.tiny_pack import write_tiny_pack

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def tiny_pack(tmp_path: Path) -> Path:
    """The folder of a tiny good city pack."""
    return write_tiny_pack(tmp_path / "tiny")


@pytest.fixture
def client(database: str, tiny_pack: Path, tmp_path: Path) -> Iterator[TestClient]:
    """The app over a loaded tiny city."""
    load(database, tiny_pack)
    take_in(database, tmp_path)
    with served(database, tmp_path) as client:
        yield client


def served(database: str, data_dir: Path) -> TestClient:
    """The app over any database; unexpected errors come back as the answer that a caller would see."""
    settings = Settings(data_dir=data_dir, pool_size=4)
    app = create_app(settings, database_url=database)
    # From this machine, as the commands ask: a client elsewhere may ask only so often.
    return TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False, client=("127.0.0.1", 50_000))


@pytest.fixture
def wangge(database: str, tmp_path: Path) -> Run:
    """Run the command line on a database and data folder of this test's own."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("WANGGE_", "LC_", "LANG"))}
        settings = {"WANGGE_DATABASE_URL": database, "WANGGE_DATA_DIR": str(tmp_path / "data"), "COLUMNS": "160"}
        return subprocess.run(
            [sys.executable, "-m", "api.cli", *arguments], env=plain | settings | environment, capture_output=True, text=True, check=False
        )

    return run
