"""The private PostGIS as the program meets it: raced for, killed, left behind, stopped, refused."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from gis import cluster, postgres
from gis.errors import NoDatabase

_REPOSITORY = Path(__file__).resolve().parents[2]
_ENSURE = "import sys; from pathlib import Path; from gis import cluster; print(cluster.ensure(Path(sys.argv[1]), durable=False).url())"


@pytest.fixture
def root(test_folder: Path) -> Iterator[Path]:
    """A data folder of this test's own."""
    root = test_folder / f"c-{uuid.uuid4().hex[:8]}"
    yield root
    found = cluster.find(root)
    if found:
        found.stop()


def ask(url: str, statement: str) -> object:
    """The first value of the answer."""
    with psycopg.connect(url.replace("+psycopg", "", 1)) as connection:
        answer = connection.execute(statement)
        row = answer.fetchone() if answer.description else None
        return row[0] if row else None


def postmaster(root: Path) -> int:
    return int((root / "postgres" / "data" / "postmaster.pid").read_text().split()[0])


def wait_until_gone(pid: int) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return
        except FileNotFoundError:
            return
        time.sleep(0.02)
    raise AssertionError(f"process {pid} lives on")


def start_ensure(root: Path, **more: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _ENSURE, str(root)]
    return subprocess.Popen(command, cwd=_REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)  # type: ignore[call-overload]


def test_six_processes_race_and_one_starts_it(root: Path) -> None:
    racers = [start_ensure(root) for _ in range(6)]
    said = [racer.communicate(timeout=120) for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * 6, said
    urls = {out.strip() for out, _ in said}
    assert len(urls) == 1
    logs = "".join(file.read_text() for file in (root / "postgres" / "log").iterdir())
    assert logs.count("ready to accept connections") == 1
    assert ask(urls.pop(), "SELECT count(*) FROM pg_extension WHERE extname IN ('postgis', 'btree_gist', 'pg_trgm')") == 3


def test_nothing_listens_on_tcp_and_only_the_account_enters(root: Path) -> None:
    made = cluster.ensure(root, durable=False)
    assert ask(made.url(), "SHOW listen_addresses") == ""
    assert made.socket.stat().st_mode & 0o077 == 0
    assert (root / "postgres").stat().st_mode & 0o077 == 0
    assert Path(f"/proc/{postmaster(root)}").stat().st_uid != 0


def test_a_cluster_is_durable_unless_it_is_asked_not_to_be(root: Path) -> None:
    made = cluster.ensure(root)
    assert ask(made.url(), "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')") == (
        "fsync=on full_page_writes=on synchronous_commit=on"
    )  # fmt: skip


def test_the_server_outlives_a_killed_program(root: Path) -> None:
    stay = _ENSURE + "; sys.stdout.flush(); import time; time.sleep(600)"
    program = subprocess.Popen([sys.executable, "-c", stay, str(root)], cwd=_REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert program.stdout
    url = program.stdout.readline().strip()
    before = postmaster(root)
    program.kill()
    program.wait()
    program.stdout.close()
    assert cluster.ensure(root).url() == url
    assert postmaster(root) == before


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "with-a-query-that-outlives-the-server"])
def test_a_killed_server_comes_back_with_what_was_committed(root: Path, busy: bool) -> None:
    url = cluster.ensure(root).url()
    ask(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    query = None
    if busy:
        # A loop inside the server: it does not look at its postmaster, and so holds the shared memory after it.
        endless = "DO $$ DECLARE i bigint := 0; BEGIN LOOP i := i + 1; END LOOP; END $$"
        code = "import psycopg, sys; psycopg.connect(sys.argv[1]).execute(sys.argv[2])"
        libpq = url.replace("+psycopg", "", 1)
        query = subprocess.Popen([sys.executable, "-c", code, libpq, endless], stderr=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while ask(url, "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO%'") == 0:
            assert time.monotonic() < until
            time.sleep(0.05)
    pid = postmaster(root)
    os.kill(pid, signal.SIGKILL)
    wait_until_gone(pid)
    try:
        assert cluster.find(root) is None
        assert ask(cluster.ensure(root).url(), "SELECT answer FROM kept") == 42
        assert postmaster(root) != pid
    finally:
        if query:
            query.kill()
            query.wait()


def test_a_zombie_in_the_pid_file_does_not_block_the_start(root: Path) -> None:
    made = cluster.ensure(root, durable=False)
    pid_file = root / "postgres" / "data" / "postmaster.pid"
    lines = pid_file.read_text().split("\n")
    made.stop()
    account = postgres.account_for(root / "postgres")
    as_account = {"user": account.uid, "group": account.gid, "extra_groups": []} if os.geteuid() == 0 else {}
    zombie = subprocess.Popen(["true"], cwd="/", **as_account)  # type: ignore[call-overload]
    try:
        wait_until_gone(zombie.pid)  # ended, and not waited for
        account.append("\n".join([str(zombie.pid), *lines[1:]]), pid_file)
        account.append(f"{zombie.pid}\n", made.socket / ".s.PGSQL.5432.lock")
        assert cluster.find(root) is None
        assert ask(cluster.ensure(root).url(), "SELECT 1") == 1
    finally:
        zombie.wait()


def test_a_stranger_that_has_the_old_process_id_does_not_block_the_start(root: Path) -> None:
    made = cluster.ensure(root, durable=False)
    lines = (root / "postgres" / "data" / "postmaster.pid").read_text().split("\n")
    made.stop()
    account = postgres.account_for(root / "postgres")
    as_account = {"user": account.uid, "group": account.gid, "extra_groups": []} if os.geteuid() == 0 else {}
    stranger = subprocess.Popen(["sleep", "600"], cwd="/", **as_account)  # type: ignore[call-overload]
    try:
        account.append("\n".join([str(stranger.pid), *lines[1:]]), root / "postgres" / "data" / "postmaster.pid")
        assert ask(cluster.ensure(root).url(), "SELECT 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_an_interrupted_making_is_made_again(root: Path) -> None:
    (root / "postgres" / "data.new-1").mkdir(parents=True)
    (root / "postgres" / "data.new-1" / "PG_VERSION").write_text("15\n")
    assert ask(cluster.ensure(root, durable=False).url(), "SELECT 1") == 1
    assert not list((root / "postgres").glob("data.new*"))


def test_a_missing_extension_is_added_at_the_next_start(root: Path) -> None:
    url = cluster.ensure(root, durable=False).url()
    ask(url, "DROP EXTENSION pg_trgm")
    assert ask(cluster.ensure(root).url(), "SELECT count(*) FROM pg_extension WHERE extname = 'pg_trgm'") == 1


def test_a_lost_socket_is_made_again(root: Path) -> None:
    made = cluster.ensure(root, durable=False)
    for file in made.socket.iterdir():
        file.unlink()
    assert ask(cluster.ensure(root).url(), "SELECT 1") == 1


def test_stop_is_clean_and_may_be_asked_for_twice(root: Path) -> None:
    made = cluster.ensure(root, durable=False)
    assert cluster.find(root) == made
    pid = postmaster(root)
    made.stop()
    made.stop()
    wait_until_gone(pid)
    assert cluster.find(root) is None
    assert not (root / "postgres" / "data" / "postmaster.pid").exists()
    started_again = cluster.ensure(root)
    assert "database system was not properly shut down" not in "".join(file.read_text() for file in (root / "postgres" / "log").iterdir())
    assert ask(started_again.url(), "SELECT 1") == 1


def test_find_starts_nothing(root: Path) -> None:
    assert cluster.find(root) is None
    assert not root.exists()


def test_a_long_path_gets_its_socket_in_the_temporary_folder(root: Path) -> None:
    deep = root / ("d" * 60) / ("e" * 60)
    made = cluster.ensure(deep, durable=False)
    try:
        assert ask(made.url(), "SELECT 1") == 1
        assert made.socket.stat().st_mode & 0o077 == 0
    finally:
        made.stop()
    assert not made.socket.exists()


def test_a_path_with_odd_characters(root: Path) -> None:
    odd = root / "网格 & it's 100%?"
    made = cluster.ensure(odd, durable=False)
    try:
        assert ask(made.url(), "SELECT 1") == 1
    finally:
        made.stop()


def test_the_environment_of_libpq_does_not_lead_elsewhere(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PGHOST": "/nowhere",
        "PGHOSTADDR": "192.0.2.1",
        "PGPORT": "1",
        "PGOPTIONS": "-c nonsense=1",
        "PGDATA": "/nowhere",
    }.items():
        monkeypatch.setenv(name, value)
    assert ask(cluster.ensure(root, durable=False).url(), "SELECT 1") == 1


def test_the_secrets_of_the_program_are_not_handed_to_the_server(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGE_SECRET_KEY", "not-for-the-server")
    cluster.ensure(root, durable=False)
    environment = postgres.account_for(root / "postgres").run(["/bin/cat", f"/proc/{postmaster(root)}/environ"])[1]
    assert "LC_ALL" in environment
    assert "not-for-the-server" not in environment


def test_another_major_version_is_refused_with_the_package_to_install(root: Path) -> None:
    cluster.ensure(root, durable=False).stop()
    (root / "postgres" / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(NoDatabase, match=r"made by PostgreSQL 9, and .*apt-get install .*postgresql-9-postgis-3"):
        cluster.ensure(root)


def test_missing_software_is_refused_with_the_command(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_SOFTWARE_FOLDERS", ())
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NoDatabase, match="apt-get install --no-install-recommends postgresql-postgis"):
        cluster.ensure(root)


def test_a_file_in_the_place_of_the_folder_is_refused(root: Path) -> None:
    root.parent.joinpath("a-file").write_text("")
    assert cluster.find(root.parent / "a-file") is None
    with pytest.raises(NoDatabase, match="WANGGE_DATA_DIR"):
        cluster.ensure(root.parent / "a-file")


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")


@needs_root
def test_root_is_told_when_the_servers_account_cannot_enter(root: Path) -> None:
    closed = root.parent / "closed"
    closed.mkdir(mode=0o700, exist_ok=True)
    with pytest.raises(NoDatabase, match=rf"cannot work in {closed}\. .*WANGGE_DATA_DIR"):
        cluster.ensure(closed)
    assert list(closed.iterdir()) == []


@pytest.fixture
def as_nobody(root: Path) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Run Python code of the repository as ``nobody``, imported before the account changes."""
    nobody = pwd.getpwnam("nobody")

    def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        # The interpreter may lie below /root: import everything first, then become nobody, then run the code.
        wrapped = "import os, sys; os.setgroups([]); os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[2])); sys.argv[1:3] = []\n" + code
        preload = "import fcntl, hashlib, pwd, tempfile, psycopg, psycopg.sql\nfrom pathlib import Path\nfrom gis import cluster\n"
        return subprocess.run(
            [sys.executable, "-c", preload + wrapped, str(nobody.pw_gid), str(nobody.pw_uid), *arguments],
            cwd=_REPOSITORY, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    yield run
    with contextlib.suppress(NoDatabase):
        found = cluster.find(root)
        if found:
            found.stop()


@needs_root
def test_an_ordinary_account_runs_its_own_and_root_runs_it_as_that_account(
    root: Path, as_nobody: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    nobody = pwd.getpwnam("nobody")
    root.mkdir(mode=0o700)
    os.chown(root, nobody.pw_uid, nobody.pw_gid)
    done = as_nobody("print(cluster.ensure(Path(sys.argv[1]), durable=False).url())", str(root))
    assert done.returncode == 0, done.stderr
    ask(done.stdout.strip(), "CREATE TABLE kept AS SELECT 7 AS answer")
    assert Path(f"/proc/{postmaster(root)}").stat().st_uid == nobody.pw_uid
    cluster.ensure(root).stop()
    by_root = cluster.ensure(root)
    assert Path(f"/proc/{postmaster(root)}").stat().st_uid == nobody.pw_uid
    assert ask(by_root.url(), "SELECT answer FROM kept") == 7
    by_root.stop()
    again = as_nobody("print(cluster.ensure(Path(sys.argv[1])).url())", str(root))
    assert again.returncode == 0, again.stderr


@needs_root
def test_a_cluster_of_another_account_is_refused(root: Path, as_nobody: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    cluster.ensure(root, durable=False)
    owner = pwd.getpwuid((root / "postgres").stat().st_uid).pw_name
    if owner == "nobody":
        pytest.skip("there is no account postgres: the cluster is nobody's already")
    refused = as_nobody("print(cluster.find(Path(sys.argv[1])))\ncluster.ensure(Path(sys.argv[1]))", str(root))
    assert refused.stdout.strip() == "None"
    assert f"belongs to the account {owner}, not to nobody" in refused.stderr
