"""`wangge stop`: end what runs for this data folder."""

from __future__ import annotations

import typer

from api import running
from api.commands.options import AsJson
from api.console import _, emit, out
from gis import cluster
from gis.settings import Settings

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(help=_("Stop the server, the worker and the private database of this data folder. Example: wangge stop"))
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
