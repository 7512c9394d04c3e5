"""`wangge locate`: who answers at a point, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from api.commands import access
from api.commands.options import AsJson, At, AtCategory, CityCode, Datum
from api.console import LANGUAGE, _, emit, table
from api.problems import EXIT_NOT_FOUND, EXIT_OK
from api.schemas.dispatch import OwnerOut, level_name
from api.schemas.locate import LocateOut
from gis import db, locating
from gis.kept_indexes import folder_of
from gis.language import name_in
from gis.settings import Settings
from grids.owners import PlaceKind

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    # A western longitude begins with a minus sign and is no option.
    context_settings={"ignore_unknown_options": True},
    help=_("Say which cell, street unit, duty grid, owner and ladder a point has. Example: wangge locate 24.9414 60.1695 --datum wgs84"),
)
def locate(  # noqa: PLR0917 - every one is an argument or option of the command
    lon: Annotated[float, typer.Argument(help=_("Longitude in degrees."))],
    lat: Annotated[float, typer.Argument(help=_("Latitude in degrees."))],
    datum: Datum,
    at: At = None,
    category: AtCategory = None,
    city: CityCode = None,
    as_json: AsJson = False,
) -> None:
    settings = Settings()
    with access.engine(settings) as engine, db.transaction(engine) as tx:
        indexes = locating.Indexes(folder_of(settings.data_dir))
        found = locating.locate(tx, indexes, lon=lon, lat=lat, datum=datum, at=access.instant(at), city=city, category=category)
        answer = LocateOut.of(found)
    if as_json:
        emit(answer)
    else:
        table(
            _("{lon}, {lat} (WGS 84)").format(lon=round(answer.lon, 6), lat=round(answer.lat, 6)), (_("what"), _("answer")), _rows(answer)
        )
    raise typer.Exit(EXIT_OK if answer.street_unit else EXIT_NOT_FOUND)


def _rows(answer: LocateOut) -> list[tuple[str, str]]:
    found = {
        "inside": _("inside a street unit"),
        "border": _("on a border: the unit with the lowest code answers"),
        "nearest": _("in no street unit of any loaded city, but a street is near"),
        "outside": _("outside every loaded city"),
    }
    rows = [(_("found"), found[answer.how]), (_("cell"), answer.cell)]
    if answer.street_unit is not None:
        rows.append((_("street unit"), f"{answer.street_unit.code} ({answer.street_unit.area_m2:,.0f} m²)"))
    if answer.segment is not None:
        side = _("left side") if answer.segment.side == "left" else _("right side")
        name = name_in(answer.segment.names, LANGUAGE) or _("unnamed street")
        rows.append((_("street segment"), f"{answer.segment.side_code} {name} · {side} · {answer.segment.offset_m} m"))
    rows += [(_("owner"), _person(answer.owner)), (_("deputy"), _person(answer.deputy))] if answer.duty_grid else []
    return rows + (_reasons(answer) if answer.dispatch else [])


def _reasons(answer: LocateOut) -> list[tuple[str, str]]:
    """The ladder, each rung with who is on duty and why it answers or does not, and the sentence that sums it up."""
    if answer.dispatch is None:
        return []
    rows = []
    named = {(rung.level, rung.code): rung.level_names for rung in answer.ladder}
    for at, judged in enumerate(answer.dispatch.rungs):
        level = level_name(judged.level, named.get((judged.level, judged.code), {}), judged.kind, LANGUAGE)
        place = f"{judged.code} {name_in(judged.names, LANGUAGE)}"
        # Of the duty grid, as a rule the first, owner and deputy are told above; who answers, where one of them is away.
        by = f"{_person(judged.by)}: " if judged.by and (at or judged.absent or judged.kind is not PlaceKind.DUTY_GRID) else ""
        rows.append((level, f"{place} · {by}{judged.reason[LANGUAGE]}"))
    return [*rows, (_("who answers"), answer.dispatch.sentence[LANGUAGE])]


def _person(owner: OwnerOut | None) -> str:
    if owner is None:
        return _("nobody; the next level answers")
    return f"{owner.name} [{_('generated')}]" if owner.generated else owner.name
