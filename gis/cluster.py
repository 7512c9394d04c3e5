"""The private PostGIS: a PostgreSQL cluster in the data folder that the program makes, starts, finds again and stops.

Nothing listens on TCP. The server is reached through a unix socket in a folder that only its own account may enter,
which is why the cluster trusts whoever connects. The server outlives the program: `ensure` attaches to a running one,
`Cluster.stop` ends it. One file lock orders all processes that start or stop the same cluster.

Layout of the cluster's folder: `data/` (PostgreSQL's own), `socket/`, `log/` (one file for each day of the week),
`start.log` (what the server said before it opened its log), `lock`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from gis.errors import Busy, NoDatabase

DATABASE = "wangge"
ROLE = "wangge"
EXTENSIONS = ("postgis", "btree_gist", "pg_trgm")
APT_COMMAND = "apt-get install --no-install-recommends {package}"

_PORT = 5432  # only a part of the socket's file name: there is no TCP
_LONGEST_SOCKET_FOLDER = 85  # bytes; Linux and macOS limit the whole path of a socket to 107 and 103
_START_TIMEOUT_S = 120.0
_LOCK_TIMEOUT_S = 180.0
_SOFTWARE_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")

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
_FIRST_CLOSED_FOLDER = 'for folder do cd -- "$folder" 2>/dev/null || { printf %s "$folder"; exit 1; }; done'


@dataclass(eq=False, kw_only=True)
class _ClusterRefusal(NoDatabase):
    """The private cluster cannot be used; every cause is a kind of ``no-database``."""

    detail: str = ""

    @classmethod
    def slug(cls) -> str:
        return NoDatabase.slug()


@dataclass(eq=False, kw_only=True)
class PostgisMissing(_ClusterRefusal):
    """No PostgreSQL server with PostGIS is installed."""

    command: str
    template = "PostgreSQL with PostGIS is not installed on this machine."
    mend = "As administrator run: {command} (or set WANGGE_DATABASE_URL to a PostGIS database)."


@dataclass(eq=False, kw_only=True)
class OtherMajorVersion(_ClusterRefusal):
    """The cluster was made by a PostgreSQL major version that is not installed."""

    folder: str
    made_by: int
    found: int
    command: str
    template = "The database in {folder} was made by PostgreSQL {made_by}, and this machine has PostgreSQL {found}."
    mend = "As administrator run: {command} (both versions can be installed), or set WANGGE_DATA_DIR to another folder."


@dataclass(eq=False, kw_only=True)
class ClosedFolder(_ClusterRefusal):
    """The account that runs the database may not enter the folder it shall work in."""

    folder: str
    account: str
    template = "The account {account}, which runs the database, cannot enter {folder}."
    mend = "Let it in (chmod a+x {folder}), or set WANGGE_DATA_DIR to a folder it can enter, for example /var/lib/wangge."


@dataclass(eq=False, kw_only=True)
class ForeignFolder(_ClusterRefusal):
    """The cluster's folder belongs to another account."""

    folder: str
    owner: str
    account: str
    template = "{folder} belongs to the account {owner}, not to {account}, or others can enter it."
    mend = "Run the command as {owner}, or set WANGGE_DATA_DIR to a folder of your own."


@dataclass(eq=False, kw_only=True)
class NamelessAccount(_ClusterRefusal):
    """PostgreSQL refuses to run under a user id that has no name."""

    uid: int
    template = "The user id {uid} has no account name, and PostgreSQL does not run without one."
    mend = "Run as a named account, or set WANGGE_DATABASE_URL to a PostGIS database."


@dataclass(eq=False, kw_only=True)
class NotStarted(_ClusterRefusal):
    """PostgreSQL's own tool failed; its last words are the detail."""

    tool: str
    log: str
    template = "PostgreSQL's {tool} failed: {detail}"
    mend = "The whole log is in {log}."


@dataclass(frozen=True)
class Cluster:
    """A private cluster that answered when it was looked at.

    ``root`` is the cluster's folder, ``binaries`` the folder of the PostgreSQL tools that fit it, ``socket`` the
    folder of its unix socket and ``port`` the number in the socket's name.
    """

    root: Path
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
        data = self.root / "data"
        with _locked(self.root):
            # Fast shutdown writes a checkpoint; only a server that cannot do so is ended the hard way.
            if _postmaster(data) is not None and _run(self, "pg_ctl", "stop", "-D", str(data), "-m", "fast", "-w", "-t", "60").returncode:
                _checked(self, "pg_ctl", "stop", "-D", str(data), "-m", "immediate", "-w", "-t", "30")
            if self.socket.parent != self.root:
                shutil.rmtree(self.socket, ignore_errors=True)


def find_binaries(major: int | None = None) -> Path:
    """The folder of a PostgreSQL server's tools that has PostGIS beside it: of version ``major``, else of the newest.

    Raises PostgisMissing, naming the command that installs it.
    """
    found = {_major_of(folder): folder for folder in reversed(_software_folders())}
    if major is None and found:
        return found[max(found)]
    if major is not None and major in found:
        return found[major]
    package = f"postgresql-{major}-postgis-3" if major else "postgresql-postgis"
    raise PostgisMissing(command=APT_COMMAND.format(package=package))


def find(root: Path) -> Cluster | None:
    """The cluster in the folder ``root`` when its server is running, else None; starts nothing, waits for nothing.

    Raises PostgisMissing or OtherMajorVersion when it runs but the tools that fit it are gone.
    """
    root = root.resolve()
    data = root / "data"
    try:
        running = _postmaster(data) is not None
        where = _socket_of(data) if running else None
    except PermissionError:  # another account's cluster: not ours to use
        return None
    if where is None:
        return None
    _forget_libpq_environment()
    return Cluster(root, _binaries_for(data), *where)


def ensure(root: Path, *, durable: bool = True) -> Cluster:
    """The running private cluster in the folder ``root``: made, started or recovered first where needed.

    It holds the database ``wangge`` with the extensions postgis, btree_gist and pg_trgm. Any number of processes may
    call this at once. Run as root the server gets the account that owns the cluster, at first ``postgres`` or
    ``nobody``. ``durable=False`` makes a new cluster that may lose data when the machine stops: for tests only. The
    environment variables of libpq (PGHOST, PGHOSTADDR, PGOPTIONS …) are removed from this process, because they
    would send its connections elsewhere.

    Raises a kind of NoDatabase that says how to mend it, or Busy when another process holds the cluster's lock too long.
    """
    _forget_libpq_environment()
    root = root.resolve()
    binaries = _binaries_for(root / "data")
    account = _account(root)
    _check_reachable(root, account)
    _make_private(root, account)
    with _locked(root):
        cluster = Cluster(root, binaries, _socket_folder(root))
        if not (root / "data" / "PG_VERSION").exists():
            _initialise(cluster, durable=durable)
        cluster = _started(cluster)
        _complete(cluster)
    return cluster


# Software


def _software_folders() -> list[Path]:
    """Folders of server tools that have PostGIS beside them, the most usual place first."""
    folders = [folder for pattern in _SOFTWARE_FOLDERS for folder in sorted(Path("/").glob(pattern[1:]))]
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return [folder for folder in folders if (folder / "initdb").exists() and _has_postgis(folder)]


def _has_postgis(binaries: Path) -> bool:
    shares = [Path("/usr/share/postgresql") / binaries.parent.name]  # Debian; asking pg_config costs a process
    if not (shares[0] / "extension").exists() and (binaries / "pg_config").exists():
        shares = [Path(_output(binaries / "pg_config", "--sharedir"))]
    return any((share / "extension" / "postgis.control").exists() for share in shares)


def _major_of(binaries: Path) -> int:
    if binaries.parent.name.isdigit():
        return int(binaries.parent.name)
    match = re.search(r"(\d+)", _output(binaries / "postgres", "--version"))
    return int(match[1]) if match else 0


def _output(program: Path, *arguments: str) -> str:
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, cwd="/").stdout.strip()


def _binaries_for(data: Path) -> Path:
    """The tools that fit an existing cluster, or the newest for one that is still to be made."""
    try:
        made_by = int((data / "PG_VERSION").read_text(encoding="ascii"))
    except FileNotFoundError:
        return find_binaries()
    except PermissionError:
        raise _foreign(data.parent, os.geteuid()) from None
    try:
        return find_binaries(made_by)
    except PostgisMissing as missing:
        found = _major_of(find_binaries())
        raise OtherMajorVersion(folder=str(data.parent), made_by=made_by, found=found, command=missing.command) from None


# Accounts and folders


def _account(root: Path) -> tuple[int, int]:
    """User and group id of the server: this process's own, or for root those of an unprivileged account."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    for folder in (root / "data", root):
        if folder.exists() and folder.stat().st_uid != 0:
            owner = folder.stat()
            return owner.st_uid, owner.st_gid
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise NamelessAccount(uid=0)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _foreign(folder: Path, uid: int) -> ForeignFolder:
    return ForeignFolder(folder=str(folder), owner=_name_of(folder.lstat().st_uid), account=_name_of(uid))


def _make_private(folder: Path, account: tuple[int, int]) -> None:
    """Make a folder of the server's account that nobody else may enter, or refuse one that is not so."""
    entered = next(ancestor for ancestor in folder.parents if ancestor.exists())
    try:
        for ancestor in reversed(folder.parents):
            if not ancestor.exists():
                ancestor.mkdir(exist_ok=True)
                ancestor.chmod(0o755)  # whatever the umask: root's server must pass through
        folder.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0 and folder.lstat().st_uid == 0 and not folder.is_symlink():
            os.chown(folder, *account)
            folder.chmod(0o700)
        seen = folder.lstat()
    except (PermissionError, NotADirectoryError, FileExistsError):
        raise ClosedFolder(folder=str(entered), account=_name_of(os.geteuid())) from None
    if folder.is_symlink() or seen.st_uid != account[0] or seen.st_mode & 0o077:
        raise _foreign(folder, account[0])


def _check_reachable(root: Path, account: tuple[int, int]) -> None:
    """Refuse a folder that the server's account cannot enter, for example one below root's home."""
    uid, gid = account
    try:
        pwd.getpwuid(uid)
    except KeyError:
        raise NamelessAccount(uid=uid) from None
    if os.geteuid() != 0:
        return
    way = [str(folder) for folder in (*reversed(root.parents), root) if folder.exists()]
    checked = subprocess.run(
        ["/bin/sh", "-c", _FIRST_CLOSED_FOLDER, "sh", *way],
        check=False, capture_output=True, text=True, cwd="/", user=uid, group=gid, extra_groups=[],
    )  # fmt: skip
    if checked.returncode and checked.stdout != str(root):
        raise ClosedFolder(folder=checked.stdout, account=_name_of(uid))


def _socket_folder(root: Path) -> Path:
    """The folder for the socket: in the cluster's own folder, or in the temporary folder where that path is too long."""
    folder = root / "socket"
    if len(os.fsencode(folder)) > _LONGEST_SOCKET_FOLDER:
        folder = Path(tempfile.gettempdir()).resolve() / f"wangge-{hashlib.sha256(os.fsencode(root)).hexdigest()[:16]}"
    _make_private(folder, _account(root))
    return folder


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Hold the cluster's lock; the system releases it when this process ends, however it ends."""
    with (root / "lock").open("a") as file:
        if os.geteuid() == 0:
            os.fchown(file.fileno(), *_account(root))
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


# PostgreSQL's tools


def _forget_libpq_environment() -> None:
    for option in psycopg.pq.Conninfo.get_defaults():
        if option.envvar:
            os.environ.pop(option.envvar.decode(), None)


def _run(cluster: Cluster, tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's tools as the server's account, with nothing of this process's environment.

    What it says goes to a file, not a pipe: the server that ``pg_ctl start`` leaves behind would hold a pipe open.
    """
    uid, gid = _account(cluster.root)
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(
            [cluster.binaries / tool, *arguments],
            check=False, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd="/", start_new_session=True, umask=0o077,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            **({"user": uid, "group": gid, "extra_groups": []} if os.geteuid() == 0 else {}),
        )  # fmt: skip
        said.seek(0)
        return subprocess.CompletedProcess(done.args, done.returncode, said.read().decode(errors="replace"))


def _checked(cluster: Cluster, tool: str, *arguments: str) -> None:
    done = _run(cluster, tool, *arguments)
    if done.returncode:
        log = cluster.root / "start.log"
        try:
            said = done.stdout + log.read_text(encoding="utf-8", errors="replace") if tool == "pg_ctl" else done.stdout
        except OSError:
            said = done.stdout
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        reasons = [line for line in lines if "FATAL" in line or "error:" in line] or lines[-3:]
        raise NotStarted(detail=" ".join(reasons[-3:]), tool=tool, log=str(log))


def _initialise(cluster: Cluster, *, durable: bool) -> None:
    """Make the data folder under another name first, so that an interrupted making never looks like a cluster."""
    data = cluster.root / "data"
    for left_behind in (data, *cluster.root.glob("data.new*")):
        shutil.rmtree(left_behind, ignore_errors=True)
    new = cluster.root / f"data.new-{os.getpid()}"
    options = ["-U", ROLE, "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums", "--auth-local=trust", "--auth-host=reject"]
    _checked(cluster, "initdb", "-D", str(new), *options, *([] if durable else ["--no-sync"]))
    with (new / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write("\ninclude_if_exists = 'wangge.conf'\n" + ("" if durable else _NOT_DURABLE))
    new.rename(data)


def _started(cluster: Cluster) -> Cluster:
    """The same cluster with its server running and answering, at the socket where it really is."""
    data = cluster.root / "data"
    if _postmaster(data) is not None:
        if _wait_for_answer(data):
            where = _socket_of(data)
            if where is not None:
                return Cluster(cluster.root, cluster.binaries, *where)
        # It runs but cannot be reached: its socket was swept away with an old temporary folder, or it hangs.
        _run(cluster, "pg_ctl", "stop", "-D", str(data), "-m", "immediate", "-w", "-t", "30")
    _clear_remains(cluster)
    configuration = _CONFIGURATION.format(port=cluster.port, socket=_quoted(cluster.socket), log=_quoted(cluster.root / "log"))
    (data / "wangge.conf").write_text(configuration, encoding="utf-8")
    (data / "wangge.conf").chmod(0o644)  # root may have written it; the server's account must read it
    log = cluster.root / "start.log"
    log.unlink(missing_ok=True)
    _checked(cluster, "pg_ctl", "start", "-D", str(data), "-l", str(log), "-w", "-t", str(int(_START_TIMEOUT_S)))
    return cluster


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _clear_remains(cluster: Cluster) -> None:
    """Remove what a killed server left behind, now that it is known to be dead and nobody else can start it.

    PostgreSQL takes a process id that is in use, be it by a zombie or a stranger, for a living server and refuses to start.
    """
    data = cluster.root / "data"
    if (data / "postmaster.pid").exists():
        uid, gid = _account(cluster.root)
        as_account = {"user": uid, "group": gid, "extra_groups": []} if os.geteuid() == 0 else {}
        subprocess.run(["/bin/sh", "-c", _END_ORPHANS, "sh", str(data)], check=False, cwd="/", **as_account)  # type: ignore[call-overload]
    for left_behind in (data / "postmaster.pid", *cluster.socket.glob(".s.PGSQL.*")):
        left_behind.unlink(missing_ok=True)


def _postmaster(data: Path) -> int | None:
    """The process id of the living server of this data folder; None for a stale file, a zombie or a stranger's process."""
    try:
        pid = int((data / "postmaster.pid").read_text(encoding="utf-8").split("\n")[0])
    except (FileNotFoundError, ValueError):
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


def _wait_for_answer(data: Path) -> bool:
    """Wait until a server that was started elsewhere (or is recovering) accepts connections; False when it never does."""
    until = time.monotonic() + _START_TIMEOUT_S
    missing = 0
    while time.monotonic() < until and _postmaster(data) is not None:
        where = _socket_of(data)
        if where is None:
            missing += 1
            if missing > 50:  # 5 s: a starting server makes its socket at once
                return False
        else:
            try:
                psycopg.connect(host=str(where[0]), port=where[1], user=ROLE, dbname="postgres", connect_timeout=5).close()
            except psycopg.OperationalError:
                pass
            else:
                return True
        time.sleep(0.1)
    return False


def _complete(cluster: Cluster) -> None:
    """Make the database and its extensions where they are missing (an interrupted first start left them out)."""
    place = f"host='{cluster.socket}' port={cluster.port} user={ROLE} dbname="
    with psycopg.connect(place + "postgres", autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    with psycopg.connect(place + DATABASE) as connection:
        present = {row[0] for row in connection.execute("SELECT extname FROM pg_extension")}
        for name in EXTENSIONS:
            if name not in present:
                connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(name)))
