"""`wangge migrate`: the schema that this release needs."""

from __future__ import annotations

import typer

from api.commands.options import AsJson
from api.console import _, emit, out
from gis import db
from gis.migrations import run
from gis.settings import Settings

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(help=_("Bring the database's schema to what this release needs. Example: wangge migrate"))
def migrate(as_json: AsJson = False) -> None:
    before, after = run.migrate(db.database_url(Settings()))
    if as_json:
        emit({"before": before, "after": after})
    elif before == after:
        out.print(_("The schema is at {after} already.").format(after=after), markup=False)
    else:
        out.print(_("The schema went from {before} to {after}.").format(before=before or _("nothing"), after=after), markup=False)
