"""`wangge basemap`: draw basemaps."""

from __future__ import annotations

import time

import typer

from api.commands import access
from api.commands.options import AsJson, CityCode
from api.console import _, bar, emit, remark
from api.worker import build_basemap
from gis import db
from gis.settings import Settings

app = typer.Typer(help=_("Build basemaps."), no_args_is_help=True, rich_markup_mode=None, add_completion=False)


@app.callback()
def _basemap() -> None: ...


@app.command(
    "build", help=_("Draw the basemap of a loaded city from its pack's streets and water. Example: wangge basemap build --city helsinki")
)
def build(city: CityCode = None, as_json: AsJson = False) -> None:
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
