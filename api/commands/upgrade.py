"""`wangge upgrade`: from an older release to this one."""

from __future__ import annotations

import typer

from api import running
from api.commands import access
from api.commands.options import AsJson
from api.console import _, bar, emit, out
from api.worker import build_basemap
from gis import db
from gis.migrations import run
from gis.settings import Settings
from gis.store import cities

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(help=_("After installing a new release: stop, migrate, and rebuild what is derived. Example: wangge upgrade"))
def upgrade(as_json: AsJson = False) -> None:
    settings = Settings()
    stopped = [process for process in running.PROCESSES if running.stop(settings.data_dir, process)]
    url = db.database_url(settings)
    before, after = run.migrate(url)
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
