"""The private PostGIS: a PostgreSQL cluster in the data folder that the program makes, starts, finds again and stops.

Nothing listens on TCP. The server is reached through a unix socket in a folder that only its own account may enter,
which is why the cluster trusts whoever connects. The server outlives the program: `ensure` attaches to a running one,
`Cluster.stop` ends it. One file lock orders all processes that start or stop the same cluster.

Layout of the folder `postgres` in the data folder: `data/` (PostgreSQL's own), `socket/`, `log/` (one file for each day of the week),
`start.log` (what the server said before it opened its log), `lock`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from gis.errors import Busy
from gis.postgres import NotStarted, account_for, binaries_for, check_reachable, find_binaries, make_private

__all__ = ["DATABASE", "EXTENSIONS", "ROLE", "Cluster", "ensure", "find", "find_binaries"]

DATABASE = "wangge"
ROLE = "wangge"
EXTENSIONS = ("postgis", "btree_gist", "pg_trgm")

_FOLDER = "postgres"
_PORT = 5432  # only a part of the socket's file name: there is no TCP
_LONGEST_SOCKET_FOLDER = 85  # bytes; Linux and macOS limit the whole path of a socket to 107 and 103
_START_TIMEOUT_S = 120.0
_LOCK_TIMEOUT_S = 180.0

# Written anew at every start; ALTER SYSTEM (postgresql.auto.conf) still wins over it. Sized for two cores and 2 GB.
# One parallel worker and a modest work_mem keep parallel hash joins inside the 64 MB of /dev/shm that containers give.
_CONFIGURATION = """\
listen_addresses = ''
port = {port}
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 128MB
work_mem = 16MB
hash_mem_multiplier = 1.5
maintenance_work_mem = 128MB
effective_cache_size = 512MB
random_page_cost = 1.1
max_parallel_workers_per_gather = 1
max_wal_size = 1GB
wal_compression = on
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = on
log_directory = '{log}'
log_filename = 'postgres-%a.log'
log_rotation_age = 1d
log_rotation_size = 0
log_truncate_on_rotation = on
"""
_NOT_DURABLE = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"

# Run as the server's account: only a process of the same account may look at where another one works.
_END_ORPHANS = """\
for round in 1 2 3 4 5 6 7 8 9 10; do
  found=
  for process in /proc/[0-9]*; do
    if [ "$(readlink "$process/cwd" 2>/dev/null)" = "$1" ]; then kill -QUIT "${process#/proc/}" 2>/dev/null && found=1; fi
  done
  [ -n "$found" ] || exit 0
  sleep 0.2
done
"""


@dataclass(frozen=True)
class Cluster:
    """A private cluster that answered when it was looked at.

    ``folder`` is the cluster's own folder, ``binaries`` the folder of the PostgreSQL tools that fit it, ``socket`` the
    folder of its unix socket and ``port`` the number in the socket's name.
    """

    folder: Path
    binaries: Path
    socket: Path
    port: int = _PORT

    def url(self, database: str = DATABASE) -> str:
        """SQLAlchemy URL of one database of this cluster."""
        return f"postgresql+psycopg://{ROLE}@/{quote(database, safe='')}?host={quote(str(self.socket), safe='/')}&port={self.port}"

    def stop(self) -> None:
        """End the server, waiting for open transactions to be rolled back; nothing happens when it is not running.

        Raises NotStarted when PostgreSQL does not end within its time limit.
        """
        data = self.folder / "data"
        with _locked(self.folder):
            # Fast shutdown writes a checkpoint; only a server that cannot do so is ended the hard way.
            if _postmaster(data) is not None and _run(self, "pg_ctl", "stop", "-D", str(data), "-m", "fast", "-w", "-t", "60")[0]:
                _checked(self, "pg_ctl", "stop", "-D", str(data), "-m", "immediate", "-w", "-t", "30")
            if self.socket.parent != self.folder:
                shutil.rmtree(self.socket, ignore_errors=True)


def find(root: Path) -> Cluster | None:
    """The cluster of the data folder ``root`` when its server is running, else None; starts nothing, waits for nothing.

    Raises PostgisMissing or OtherMajorVersion when it runs but the tools that fit it are gone.
    """
    folder = root.resolve() / _FOLDER
    data = folder / "data"
    try:
        running = _postmaster(data) is not None
        where = _socket_of(data) if running else None
    except PermissionError:  # another account's cluster: not ours to use
        return None
    if where is None:
        return None
    _forget_libpq_environment()
    return Cluster(folder, binaries_for(data), *where)


def ensure(root: Path, *, durable: bool = True) -> Cluster:
    """The running private cluster of the data folder ``root``, in its subfolder ``postgres``: made, started or recovered first where needed.

    It holds the database ``wangge`` with the extensions postgis, btree_gist and pg_trgm. Any number of processes may
    call this at once. Run as root the server gets the account that owns the cluster, at first ``postgres`` or
    ``nobody``. ``durable=False`` makes a new cluster that may lose data when the machine stops: for tests only. The
    environment variables of libpq (PGHOST, PGHOSTADDR, PGOPTIONS …) are removed from this process, because they
    would send its connections elsewhere.

    Raises a kind of NoDatabase that says how to mend it, or Busy when another process holds the cluster's lock too long.
    """
    _forget_libpq_environment()
    folder = root.resolve() / _FOLDER
    account = account_for(folder)
    check_reachable(folder, account)
    make_private(folder, account)
    binaries = binaries_for(folder / "data")
    with _locked(folder):
        cluster = Cluster(folder, binaries, _socket_folder(folder))
        if not (folder / "data" / "PG_VERSION").exists():
            _initialise(cluster, durable=durable)
        cluster = _started(cluster)
        _complete(cluster)
    return cluster


def _socket_folder(cluster: Path) -> Path:
    """The folder for the socket: in the cluster's own folder, or in the temporary folder where that path is too long."""
    folder = cluster / "socket"
    if len(os.fsencode(folder)) > _LONGEST_SOCKET_FOLDER:
        folder = Path(tempfile.gettempdir()).resolve() / f"wangge-{hashlib.sha256(os.fsencode(cluster)).hexdigest()[:16]}"
    make_private(folder, account_for(cluster))
    return folder


@contextmanager
def _locked(cluster: Path) -> Iterator[None]:
    """Hold the cluster's lock; the system releases it when this process ends, however it ends."""
    account = account_for(cluster)
    # Root never follows a link that the account may have put here.
    with os.fdopen(os.open(cluster / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "w") as file:
        made = os.fstat(file.fileno())
        if made.st_uid == 0 and made.st_nlink == 1:
            os.fchown(file.fileno(), account.uid, account.gid)
        until = time.monotonic() + _LOCK_TIMEOUT_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise Busy("starting or stopping the database") from None
                time.sleep(0.05)
        yield


def _forget_libpq_environment() -> None:
    for option in psycopg.pq.Conninfo.get_defaults():
        if option.envvar:
            os.environ.pop(option.envvar.decode(), None)


def _run(cluster: Cluster, tool: str, *arguments: str) -> tuple[int, str]:
    return account_for(cluster.folder).run([str(cluster.binaries / tool), *arguments])


def _checked(cluster: Cluster, tool: str, *arguments: str) -> None:
    """Run one of PostgreSQL's tools; raise NotStarted with the lines that say why it failed."""
    code, said = _run(cluster, tool, *arguments)
    if code == 0:
        return
    log = cluster.folder / "start.log"
    if tool == "pg_ctl" and log.exists():
        said += log.read_text(encoding="utf-8", errors="replace")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    reasons = [line for line in lines if "FATAL" in line or "error:" in line] or lines
    raise NotStarted(detail=" ".join(reasons[-3:]), tool=tool, log=str(log))


def _initialise(cluster: Cluster, *, durable: bool) -> None:
    """Make the data folder under another name first, so that an interrupted making never looks like a cluster."""
    data = cluster.folder / "data"
    for left_behind in (data, *cluster.folder.glob("data.new*")):
        shutil.rmtree(left_behind, ignore_errors=True)
    new = cluster.folder / f"data.new-{os.getpid()}"
    options = ["-U", ROLE, "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums", "--auth-local=trust", "--auth-host=reject"]
    _checked(cluster, "initdb", "-D", str(new), *options, *([] if durable else ["--no-sync"]))
    settings = "\ninclude_if_exists = 'wangge.conf'\n" + ("" if durable else _NOT_DURABLE)
    account_for(cluster.folder).append(settings, new / "postgresql.conf")
    new.rename(data)


def _started(cluster: Cluster) -> Cluster:
    """The same cluster with its server running and answering, at the socket where it really is."""
    data = cluster.folder / "data"
    if _postmaster(data) is not None:
        where = _wait_for_answer(data)
        if where is not None:
            return Cluster(cluster.folder, cluster.binaries, *where)
        # Its socket was swept away, for example with an old temporary folder: nobody can reach it any more.
        _run(cluster, "pg_ctl", "stop", "-D", str(data), "-m", "fast", "-w", "-t", "60")
    _clear_remains(cluster)
    (data / "wangge.conf").unlink(missing_ok=True)
    configuration = _CONFIGURATION.format(port=cluster.port, socket=_quoted(cluster.socket), log=_quoted(cluster.folder / "log"))
    account_for(cluster.folder).append(configuration, data / "wangge.conf")
    log = cluster.folder / "start.log"
    log.unlink(missing_ok=True)
    try:
        _checked(cluster, "pg_ctl", "start", "-D", str(data), "-l", str(log), "-w", "-t", str(int(_START_TIMEOUT_S)))
    except NotStarted:
        # A start that was begun by a program that has been killed since may have come first.
        if _wait_for_answer(data) is None:
            raise
    return cluster


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _clear_remains(cluster: Cluster) -> None:
    """Remove what a killed server left behind, now that it is known to be dead and nobody else can start it.

    PostgreSQL takes a process id that is in use, be it by a zombie or a stranger, for a living server and refuses to start.
    """
    data = cluster.folder / "data"
    if (data / "postmaster.pid").exists():
        account_for(cluster.folder).run(["/bin/sh", "-c", _END_ORPHANS, "sh", str(data)])
    for left_behind in (data / "postmaster.pid", *cluster.socket.glob(".s.PGSQL.*")):
        left_behind.unlink(missing_ok=True)


def _postmaster(data: Path) -> int | None:
    """The process id of the living server of this data folder; None for a stale file, a zombie or a stranger's process."""
    try:
        pid = int((data / "postmaster.pid").read_text(encoding="utf-8").split("\n")[0])
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    if not Path("/proc/self").exists():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        except PermissionError:
            return pid
        return pid
    try:
        # The command line of a zombie is empty; the one of a reused id is another program's.
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    return pid if os.path.basename(words[0]) == b"postgres" and os.fsencode(data) in words else None


def _socket_of(data: Path) -> tuple[Path, int] | None:
    """Socket folder and port that a running server wrote down; None while it has not, or when the socket is gone."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").split("\n")
        port, folder = int(lines[3]), Path(lines[4])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    return (folder, port) if (folder / f".s.PGSQL.{port}").exists() else None


def _wait_for_answer(data: Path) -> tuple[Path, int] | None:
    """Wait until a living server (it may be starting or recovering) answers: its socket folder and port.

    None when there is no living server, or it has no socket. Raises Busy when it recovers for longer than we wait.
    """
    until = time.monotonic() + _START_TIMEOUT_S
    without_socket = 0
    while _postmaster(data) is not None:
        where = _socket_of(data)
        if where is None:
            without_socket += 1
            if without_socket > 50:  # 5 s: a starting server makes its socket at once
                return None
        else:
            try:
                _connect(*where, "postgres").close()
            except psycopg.OperationalError:
                pass
            else:
                return where
        if time.monotonic() > until:
            raise Busy("recovering the database")
        time.sleep(0.1)
    return None


def _connect(socket: Path, port: int, database: str) -> psycopg.Connection:
    return psycopg.connect(host=str(socket), port=port, user=ROLE, dbname=database, connect_timeout=5, autocommit=True)


def _complete(cluster: Cluster) -> None:
    """Make the database and its extensions where they are missing (an interrupted first start left them out)."""
    with _connect(cluster.socket, cluster.port, "postgres") as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    with _connect(cluster.socket, cluster.port, DATABASE) as connection:
        present = {row[0] for row in connection.execute("SELECT extname FROM pg_extension")}
        for name in EXTENSIONS:
            if name not in present:
                connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(name)))
