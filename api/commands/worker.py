"""`wangge worker`: the jobs that wait in the database."""

from __future__ import annotations

from typing import Annotated

import typer

from api import running
from api.commands import access
from api.commands.options import AsJson
from api.console import _, emit
from api.logs import configure_logs
from api.worker import work
from gis import db
from gis.settings import Settings

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(help=_("Do the jobs that wait in the database, such as building basemaps. Example: wangge worker --once"))
def worker(
    once: Annotated[bool, typer.Option("--once", help=_("End when no job is left that is due."))] = False, as_json: AsJson = False
) -> None:
    settings = Settings()
    with running.holding(settings.data_dir, "worker"), access.engine(settings):
        configure_logs(settings)
        work(settings, db.database_url(settings), once=once)
    if as_json:
        emit({"status": "done"})
