"""PostgreSQL as it is installed on this machine: its tools, the account they run under, and what can be wrong with either."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from gis.errors import NoDatabase

APT_COMMAND = "apt-get install --no-install-recommends {package}"

_SOFTWARE_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
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
    """The account that runs the database may not enter or write to the folder it shall work in."""

    folder: str
    account: str
    template = "The account {account}, which runs the database, cannot work in {folder}."
    mend = "Let it in (chmod a+x {folder}), or set WANGGE_DATA_DIR to a folder it may use, for example /var/lib/wangge."


@dataclass(eq=False, kw_only=True)
class ForeignFolder(_ClusterRefusal):
    """The cluster's folder belongs to another account."""

    folder: str
    owner: str
    account: str
    template = "{folder} belongs to the account {owner}, not to {account}."
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
class Account:
    """The account a server runs under: this process's own, or an unprivileged one when this process is root."""

    uid: int
    gid: int

    @property
    def name(self) -> str:
        """The account's name, or its number when it has none."""
        return _name_of(self.uid)

    def run(self, command: list[str]) -> tuple[int, str]:
        """Run a program as this account with nothing of this process's environment: exit code and what it said.

        Files that it makes are its own alone. What it says goes to a file, not a pipe: the server that ``pg_ctl start`` leaves behind would hold a pipe open.
        """
        drop = os.geteuid() == 0
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(
                command,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                cwd="/",
                start_new_session=True,
                umask=0o077,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
                user=self.uid if drop else None,
                group=self.gid if drop else None,
                extra_groups=[] if drop else None,
            )
            said.seek(0)
            return done.returncode, said.read().decode(errors="replace")

    def append(self, text: str, file: Path) -> None:
        """Add text to a file as this account; root itself never writes into a folder that another account controls."""
        self.run(["/bin/sh", "-c", 'printf %s "$1" >>"$2"', "sh", text, str(file)])


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


def binaries_for(data: Path) -> Path:
    """The tools that fit an existing cluster, or the newest for one that is still to be made."""
    try:
        made_by = int((data / "PG_VERSION").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return find_binaries()
    try:
        return find_binaries(made_by)
    except PostgisMissing as missing:
        found = _major_of(find_binaries())
        raise OtherMajorVersion(folder=str(data.parent), made_by=made_by, found=found, command=missing.command) from None


def _software_folders() -> list[Path]:
    """Folders of server tools that have PostGIS beside them, the most usual place first."""
    folders = [folder for pattern in _SOFTWARE_FOLDERS for folder in sorted(Path("/").glob(pattern[1:]))]
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return [folder for folder in folders if (folder / "initdb").exists() and _has_postgis(folder)]


def _has_postgis(binaries: Path) -> bool:
    """Whether PostGIS's library is there; its control file alone may be left over from a removed package."""
    if any((binaries.parent / "lib").glob("postgis-3.*")):  # Debian; asking pg_config costs a process
        return True
    asked = binaries / "pg_config"
    return asked.exists() and any(Path(_output(asked, "--pkglibdir")).glob("postgis-3.*"))


def _major_of(binaries: Path) -> int:
    if binaries.parent.name.isdigit():
        return int(binaries.parent.name)
    match = re.search(r"(\d+)", _output(binaries / "postgres", "--version"))
    return int(match[1]) if match else 0


def _output(program: Path, *arguments: str) -> str:
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, cwd="/").stdout.strip()


def account_for(cluster: Path) -> Account:
    """The account of the server in the folder ``cluster``: this process's own, or for root those of an unprivileged account."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    for folder in (cluster / "data", cluster):
        if folder.exists() and folder.stat().st_uid != 0:
            owner = folder.stat()
            return Account(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise NamelessAccount(uid=0)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _foreign(folder: Path, uid: int) -> ForeignFolder:
    return ForeignFolder(folder=str(folder), owner=_name_of(folder.lstat().st_uid), account=_name_of(uid))


def make_private(folder: Path, account: Account) -> None:
    """Make a folder of the server's account that nobody else may enter, or refuse one that is another account's."""
    wanted = folder
    try:
        for ancestor in reversed(folder.parents):
            if not ancestor.exists():
                wanted = ancestor.parent
                ancestor.mkdir(exist_ok=True)
                ancestor.chmod(0o755)  # whatever the umask: root's server must pass through
        wanted = folder.parent
        folder.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0 and folder.lstat().st_uid == 0 and not folder.is_symlink():
            os.chown(folder, account.uid, account.gid)
        foreign = folder.is_symlink() or folder.lstat().st_uid != account.uid
        if not foreign:
            folder.chmod(0o700)
    except OSError:
        raise ClosedFolder(folder=str(wanted), account=_name_of(os.geteuid())) from None
    if foreign:
        raise _foreign(folder, account.uid)


def check_reachable(folder: Path, account: Account) -> None:
    """Refuse an account without a name, and a folder that it cannot enter, for example one below root's home."""
    try:
        pwd.getpwuid(account.uid)
    except KeyError:
        raise NamelessAccount(uid=account.uid) from None
    if os.geteuid() != 0:
        return
    way = [str(step) for step in (*reversed(folder.parents), folder) if step.exists()]
    code, closed = account.run(["/bin/sh", "-c", _FIRST_CLOSED_FOLDER, "sh", *way])
    if code and closed != str(folder):
        raise ClosedFolder(folder=closed, account=account.name)
