"""What tests share: one private PostGIS for a whole run, a database of its own for each test, and one served city."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from api import running
from gis import cluster as private
from gis.cluster import Cluster

# The folder of this run. The controller of pytest-xdist makes it and its workers find it here. It is not pytest's own
# temporary folder, because that one is closed to the account that PostgreSQL gets when the tests run as root.
_FOLDER = "WANGGE_TEST_FOLDER"
_TEMPLATE = "wangge_template"
# Held until this process ends: the server outlives the worker that started it, and the controller stops it.
_servers: list[subprocess.Popen[bytes]] = []


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    _sweep()
    folder = Path(tempfile.gettempdir()).resolve() / f"wangge-tests-{os.getpid()}"
    folder.mkdir()
    folder.chmod(0o755)
    os.environ[_FOLDER] = str(folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and _FOLDER in os.environ:
        _remove(Path(os.environ.pop(_FOLDER)))


def _sweep() -> None:
    """Remove what a killed run has left behind, its server included."""
    for folder in Path(tempfile.gettempdir()).resolve().glob("wangge-tests-*"):
        name = re.fullmatch(r"wangge-tests-(\d+)", folder.name)
        if name and not Path(f"/proc/{name[1]}").exists():
            _remove(folder)


def _remove(folder: Path) -> None:
    running.stop(folder / "helsinki", "serve")
    for root in folder.glob("*"):
        found = private.find(root)
        if found:
            found.stop()
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def test_folder() -> Path:
    """A folder of this run that the database's account can enter too."""
    return Path(os.environ[_FOLDER])


@pytest.fixture(scope="session")
def cluster(test_folder: Path) -> Cluster:
    """The running private cluster of this run; it does not survive the run and is not safe against a power cut."""
    return private.ensure(test_folder / "shared", durable=False)


@pytest.fixture(scope="session")
def template(cluster: Cluster, test_folder: Path) -> str:
    """The name of the migrated database that `database` clones; migrated by the first worker that asks for it."""
    from gis.migrations.run import migrate

    done = test_folder / "template.done"
    with _locked(test_folder / "template.lock"):
        if not done.exists():
            _create(cluster, _TEMPLATE, private.DATABASE)
            migrate(cluster.url(_TEMPLATE))
            with _maintenance(cluster) as connection:
                connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [_TEMPLATE])
                connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(_TEMPLATE)))
            done.touch()
    return _TEMPLATE


@pytest.fixture
def new_database(cluster: Cluster) -> Iterator[Callable[[str], str]]:
    """A function from the name of a template to the URL of a fresh clone of it; the clones go when the test ends."""
    made = []

    def new(source: str) -> str:
        name = f"test_{uuid.uuid4().hex}"
        _create(cluster, name, source)
        made.append(name)
        return cluster.url(name)

    yield new
    with _maintenance(cluster) as connection:
        for name in made:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database(template: str, new_database: Callable[[str], str]) -> str:
    """SQLAlchemy URL of a migrated database of this test's own."""
    return new_database(template)


@pytest.fixture
def empty_database(new_database: Callable[[str], str]) -> str:
    """SQLAlchemy URL of a database of this test's own that has the extensions and no schema yet."""
    return new_database(private.DATABASE)


@pytest.fixture(scope="session")
def helsinki_server(cluster: Cluster, test_folder: Path) -> str:
    """Address of the demo's city, loaded and served as a user does it; one server for the whole run, for reading only."""
    data = test_folder / "helsinki"
    said = data / "serve.log"
    with _locked(test_folder / "helsinki.lock"):
        if not said.exists():
            data.mkdir(mode=0o755)
            _create(cluster, "helsinki", private.DATABASE)
            environment = {name: value for name, value in os.environ.items() if not name.startswith("WANGGE_")}
            environment |= {"WANGGE_DATABASE_URL": cluster.url("helsinki"), "WANGGE_DATA_DIR": str(data)}
            program = [sys.executable, "-m", "api.cli"]
            loaded = subprocess.run([*program, "demo", "--no-serve"], env=environment, capture_output=True, text=True, check=False)
            assert loaded.returncode == 0, loaded.stderr
            with said.open("w") as log:
                server = subprocess.Popen(
                    [*program, "serve", "--port", "0"],
                    env=environment,
                    stdout=log,
                    stderr=log,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
            _servers.append(server)
        until = time.monotonic() + 60
        while not (address := re.search(r"http://[\d.]+:\d+", said.read_text())):
            assert time.monotonic() < until, said.read_text()
            time.sleep(0.1)
    return address[0]


def _maintenance(cluster: Cluster) -> psycopg.Connection:
    return psycopg.connect(libpq(cluster.url("postgres")), autocommit=True)


def _create(cluster: Cluster, name: str, source: str) -> None:
    with _maintenance(cluster) as connection:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(source)))


def libpq(url: str) -> str:
    """The same database for psycopg itself, which does not know SQLAlchemy's driver suffix."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)
