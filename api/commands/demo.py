"""`wangge demo`: a real piece of a city, divided, answered for, assigned, and on the screen."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path
from typing import Annotated, Any

import typer

from api import serving
from api.commands import access, account, incidents
from api.commands.grids import show_quality
from api.commands.options import AsJson, Port
from api.console import LANGUAGE, Timed, _, emit, out, remark, show_findings, table
from api.worker import build_basemap
from basemaps.files import basemap_path
from gis import db
from gis.actions.adopt_edition import adopt_edition
from gis.actions.draw_edition import draw_edition
from gis.actions.import_incidents import Imported, import_incidents
from gis.actions.load_city import Loaded, load_city
from gis.actions.make_demo_accounts import DemoAccount, make_demo_accounts
from gis.city_pack import CityPack
from gis.errors import NotFound
from gis.kept_indexes import folder_of
from gis.language import name_in
from gis.migrations import run
from gis.pack_generation import materialise
from gis.settings import Settings
from gis.store import cities, editions
from gis.store import incidents as stored_incidents

app = typer.Typer(rich_markup_mode=None, add_completion=False)
PACKS = Path(__file__).parents[2] / "gis" / "packs"


@app.command(
    help=_(
        "Load a demo city, divide it, give every place an owner, assign its incidents, and serve the map. Example: wangge demo --no-serve"
    )
)
def demo(
    pack: Annotated[str, typer.Argument(help=_("Name of a demo pack, or the folder of one of your own."))] = "helsinki",
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help=_("Serve the map when the city is ready."))] = True,
    port: Port = None,
    as_json: AsJson = False,
) -> None:
    settings, folder = Settings(), _folder(pack)
    timed = Timed()
    with timed.step("database") as progress:
        progress("starting the database")
        url = db.database_url(settings)
        run.migrate(url)
    with timed.step("pack") as progress:
        folder = materialise(folder, settings.data_dir / "packs", progress)
    with access.engine(settings) as engine:
        loaded, imported = _prepare(engine, settings, folder, timed)
        if loaded.changed or not basemap_path(settings.data_dir, loaded.city).is_file():
            with timed.step("basemap") as progress:
                build_basemap(settings, url, loaded.city, progress=progress)
        with timed.step("log-ins"), db.transaction(engine) as tx:
            # Whoever sees the screen or the log of this command can log in with them: nothing for a service of real people.
            made = [] if settings.environment == "production" else make_demo_accounts(tx, loaded.city, now=access.now())
        with db.transaction(engine) as tx:
            summary = next(row for row in cities.summaries(tx) if row["code"] == loaded.city)
            found = stored_incidents.counts(tx, loaded.city)
    _report(summary, loaded, imported, found=found, timed=timed, made=made, as_json=as_json)
    if not as_json:
        _show_log_ins(made)
    if serve:
        serving.serve(settings, port=port, ready=_ready)


def _folder(pack: str) -> Path:
    folder = PACKS / pack if (PACKS / pack / "city.toml").is_file() else Path(pack)
    if not folder.is_dir():
        raise NotFound("demo pack or folder", pack)
    return folder


def _prepare(engine: db.Engine, settings: Settings, folder: Path, timed: Timed) -> tuple[Loaded, list[Imported]]:
    """Each step is one transaction, so an interrupted demo goes on where it stopped."""
    with timed.step("load") as progress, db.transaction(engine) as tx:
        loaded = load_city(tx, folder, now=access.now(), progress=progress)
    with timed.step("divide") as progress, db.transaction(engine) as tx:
        current = editions.current(tx, loaded.city)
        if current is None or current.pack_digest != cities.find(tx, loaded.city).pack_digest:
            parts = access.kept_parts(settings, loaded.city, progress)
            draw_edition(tx, loaded.city, now=access.now(), progress=progress, draw=parts)
            adopt_edition(tx, loaded.city, now=access.now())
    with timed.step("incidents") as progress, db.transaction(engine) as tx:
        keys = [history.key for history in CityPack.model_validate(cities.find(tx, loaded.city).pack).incidents]
        rejected = settings.data_dir / "rejected"
        imported = [
            import_incidents(
                tx,
                loaded.city,
                key,
                file=None,
                rejected_folder=rejected,
                index_folder=folder_of(settings.data_dir),
                now=access.now(),
                progress=progress,
            )
            for key in keys
        ]
    return loaded, imported


def _report(
    summary: dict[str, Any],
    loaded: Loaded,
    imported: list[Imported],
    *,
    found: dict[str, int],
    timed: Timed,
    made: list[DemoAccount],
    as_json: bool,
) -> None:
    if as_json:
        histories = [incidents.document(one) for one in imported]
        emit(
            {
                "city": summary,
                "changed": loaded.changed,
                "histories": histories,
                "incidents": found,
                "accounts": [{"login": one.login, "password": one.password, "role": one.role} for one in made],
                "seconds": timed.seconds,
                "peak_memory_mb": timed.peak_mb,
            }
        )
        return
    show_findings(loaded.remarks)
    name = name_in(summary["names"], LANGUAGE)
    show_quality(
        _("{city}, edition {number}").format(city=name, number=summary["edition_number"]),
        summary["quality"],
        levels=[level["key"] for level in summary["levels"]],
    )
    counts: list[tuple[str, Any]] = [(_("owners and deputies"), summary["owners"]), (_("incidents"), summary["incidents"])]
    counts += [(_("incidents assigned to an owner"), summary["incidents_assigned"])]
    counts += [(incidents.words()[how], found[how]) for how in ("outside", "unplaced") if how in found]
    table(_("Who answers"), (_("measure"), _("value")), counts, right=(1,))
    incidents.show(imported)
    table(
        _("Seconds and memory"),
        (_("step"), _("seconds"), _("peak memory, MB")),
        [*((_(name), s, timed.peak_mb[name]) for name, s in timed.seconds.items()), _whole(timed)],
        right=(1, 2),
    )
    if notice := name_in(summary["notice"], LANGUAGE):
        remark(notice)


def _show_log_ins(made: list[DemoAccount]) -> None:
    new = [one for one in made if one.password is not None]
    if new:
        rows = [(one.login, one.password, one.role, "" if one.grant is None else account.where(one.grant)) for one in new]
        table(_("Log-ins of the demo, shown this once"), (_("login"), _("password"), _("role"), _("where")), rows)
    elif made:
        remark(_("The demo's log-ins were shown when they were made. Set a new password with 'wangge account password LOGIN'."))
    else:
        remark(_("No log-ins of a demo are made in production, nor in place of accounts of your own."))


def _whole(timed: Timed) -> tuple[str, float, int]:
    return _("all"), round(sum(timed.seconds.values()), 2), max(timed.peak_mb.values())


def _ready(address: str) -> None:
    out.print(
        _("The map: {address}/map (Ctrl-C stops the server; './wangge stop' stops the database too)").format(address=address), markup=False
    )
    if sys.stdout.isatty():
        webbrowser.open(f"{address}/map")
