"""What an operator runs: serve, worker, migrate, upgrade, stop, and the basemap."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from api import running, serving
from api.commands import access
from api.commands.options import AsJson, CityCode, Port
from api.console import _, bar, emit, out, remark
from api.logs import configure_logs
from api.worker import build_basemap, work
from gis import cluster, db
from gis.settings import Settings
from gis.store import cities

SERVE_HELP = _("Serve the map and the programming interface on this machine. Example: wangge serve --port 8600")
WORKER_HELP = _("Do the jobs that wait in the database, such as building basemaps. Example: wangge worker --once")
MIGRATE_HELP = _("Bring the database's schema to what this release needs. Example: wangge migrate")
UPGRADE_HELP = _("After installing a new release: stop, migrate, and rebuild what is derived. Example: wangge upgrade")
STOP_HELP = _("Stop the server, the worker and the private database of this data folder. Example: wangge stop")

basemap_app = typer.Typer(help=_("Build basemaps."), no_args_is_help=True, rich_markup_mode=None)


def serve(port: Port = None, as_json: AsJson = False) -> None:
    def ready(address: str) -> None:
        if as_json:
            emit({"address": address})
        else:
            out.print(_("Serving on {address} (map: {address}/map). Stop with Ctrl-C.").format(address=address), markup=False)

    serving.serve(Settings(), port=port, ready=ready)


def worker(
    once: Annotated[bool, typer.Option("--once", help=_("End when no job is left that is due."))] = False, as_json: AsJson = False
) -> None:
    settings = Settings()
    with running.holding(settings.data_dir, "worker"), access.engine(settings):
        configure_logs(settings)
        work(settings, db.database_url(settings), once=once)
    if as_json:
        emit({"status": "done"})


def migrate(as_json: AsJson = False) -> None:
    before, after = db.migrate(db.database_url(Settings()))
    if as_json:
        emit({"before": before, "after": after})
    elif before == after:
        out.print(_("The schema is at {after} already.").format(after=after), markup=False)
    else:
        out.print(_("The schema went from {before} to {after}.").format(before=before or _("nothing"), after=after), markup=False)


def upgrade(as_json: AsJson = False) -> None:
    settings = Settings()
    stopped = [process for process in running.PROCESSES if running.stop(settings.data_dir, process)]
    url = db.database_url(settings)
    before, after = db.migrate(url)
    with access.engine(settings) as engine, db.transaction(engine) as tx:
        codes = cities.codes(tx)
    with bar() as progress:
        for code in codes:
            build_basemap(settings, url, code, progress=progress)
    if as_json:
        emit({"stopped": stopped, "before": before, "after": after, "basemaps": codes})
        return
    said = _("Upgraded: schema {before} → {after}, {count} basemaps rebuilt. Start again with: wangge serve, wangge worker")
    out.print(said.format(before=before or "–", after=after, count=len(codes)), markup=False)


def stop(as_json: AsJson = False) -> None:
    settings = Settings()
    stopped = [process for process in running.PROCESSES if running.stop(settings.data_dir, process)]
    private = cluster.find(settings.data_dir) if settings.database_url is None else None
    if private is not None:
        private.stop()
        stopped.append("database")
    if as_json:
        emit({"stopped": stopped})
    else:
        out.print(_("Stopped: {what}").format(what=", ".join(stopped)) if stopped else _("Nothing was running."), markup=False)


@basemap_app.command(
    "build", help=_("Draw the basemap of a loaded city from its pack's streets and water. Example: wangge basemap build --city helsinki")
)
def basemap_build(city: CityCode = None, as_json: AsJson = False) -> None:
    settings = Settings()
    started = time.monotonic()
    with access.engine(settings) as engine, db.transaction(engine) as tx:
        code = access.the_city(tx, city)
    with bar() as progress:
        report = build_basemap(settings, db.database_url(settings), code, progress=progress)
    if as_json:
        emit({"city": code, "report": report})
        return
    said = _("Basemap of {city}: {features} features, {kilobytes} kB, {seconds} s")
    features, kilobytes = sum(report.features.values()), round(report.bytes / 1000)
    remark(said.format(city=code, features=features, kilobytes=kilobytes, seconds=round(time.monotonic() - started, 1)))
