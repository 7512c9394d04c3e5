"""`wangge serve`: the map and the programming interface on this machine."""

from __future__ import annotations

import typer

from api import serving
from api.commands.options import AsJson, Port
from api.console import _, emit, out
from gis.settings import Settings

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(help=_("Serve the map and the programming interface on this machine. Example: wangge serve --port 8600"))
def serve(port: Port = None, as_json: AsJson = False) -> None:
    def ready(address: str) -> None:
        if as_json:
            emit({"address": address})
        else:
            out.print(_("Serving on {address} (map: {address}/map). Stop with Ctrl-C.").format(address=address), markup=False)

    serving.serve(Settings(), port=port, ready=ready)
