"""`wangge incidents`: bring incident histories in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from api.commands import access
from api.commands.options import AsJson, CityCode
from api.console import _, bar, emit, out, remark, table
from api.problems import EXIT_FINDINGS
from gis import db
from gis.actions.import_incidents import Imported, import_incidents
from gis.city_pack import CityPack
from gis.errors import SeveralHistories
from gis.kept_indexes import folder_of
from gis.settings import Settings
from gis.store import cities, incidents

app = typer.Typer(help=_("Bring incident histories in."), no_args_is_help=True, rich_markup_mode=None, add_completion=False)


@app.callback()
def _incidents() -> None: ...


@app.command(
    "import",
    help=_(
        "Import and assign the pack's incident histories, or one file by a history's columns. Example: wangge incidents import --city helsinki"
    ),
)
def import_(
    file: Annotated[Path | None, typer.Argument(help=_("A file to read instead of the pack's own; columns as the history says."))] = None,
    city: CityCode = None,
    history: Annotated[
        str | None, typer.Option("--history", help=_("Key of the history in city.toml; needed for a file when there are several."))
    ] = None,
    as_json: AsJson = False,
) -> None:
    settings = Settings()
    with access.engine(settings) as engine, bar() as progress, db.transaction(engine) as tx:
        code = access.the_city(tx, city)
        keys = _keys(tx, code, history, file)
        folder = settings.data_dir / "rejected"
        done = [
            import_incidents(
                tx,
                code,
                key,
                file=file,
                rejected_folder=folder,
                index_folder=folder_of(settings.data_dir),
                now=access.now(),
                progress=progress,
            )
            for key in keys
        ]
        counts = incidents.counts(tx, code)
    if as_json:
        emit({"city": code, "histories": [document(one) for one in done], "incidents": counts})
    else:
        show(done)
        said = words()
        rows = [(said.get(how, how), count) for how, count in counts.items()]
        table(_("Incidents of {city}").format(city=code), (_("found"), _("incidents")), rows, right=(1,))
    if any(one.rejected for one in done):
        raise typer.Exit(EXIT_FINDINGS)


def words() -> dict[str, str]:
    """What is counted of a city's incidents, in the user's language."""
    return {
        "inside": _("inside a street unit"),
        "border": _("on a border"),
        "outside": _("outside the city"),
        "unplaced": _("known by address only"),
        "default_geocode": _("on a default point: place not known"),
        "waiting": _("not assigned yet"),
        "total": _("all"),
        "assigned": _("assigned to an owner"),
    }


def _keys(tx: db.Tx, code: str, history: str | None, file: Path | None) -> list[str]:
    keys = [one.key for one in CityPack.model_validate(cities.find(tx, code).pack).incidents]
    if history is not None:
        return [history]
    if file is not None and len(keys) > 1:
        raise SeveralHistories(", ".join(keys))
    return keys


def document(done: Imported) -> dict[str, Any]:
    """What became of one history, as plain data."""
    return {
        "history": done.history,
        "read": done.read,
        "added": done.added,
        "already_there": done.already_there,
        "rejected": done.rejected,
        "rejected_file": done.rejected_file,
        "default_geocodes": done.default_geocodes,
        "default_points": [{"lon": lon, "lat": lat, "incidents": count} for (lon, lat), count in done.default_points.items()],
    }


def show(done: list[Imported]) -> None:
    """Print what became of each history."""
    columns = (_("history"), _("read"), _("added"), _("already there"), _("rejected"), _("default geocodes"))
    rows = [(one.history, one.read, one.added, one.already_there, one.rejected, one.default_geocodes) for one in done]
    table(_("Imported"), columns, rows, right=(1, 2, 3, 4, 5))
    for one in done:
        if one.rejected_file:
            remark(_("Rejected rows, each with its reason: {file}").format(file=one.rejected_file))
        if one.default_points:
            said = _("{count} incidents of {history} lie on {points} default points: they are kept, and count for no grid.")
            remark(said.format(count=one.default_geocodes, history=one.history, points=len(one.default_points)))
    out.print()
