"""`wangge owners`: who holds which post and is on duty, and who is on leave."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from api.commands import access
from api.commands.options import AsJson, At
from api.console import LANGUAGE, _, emit, out, table
from api.schemas.dispatch import absence, level_name
from gis import db
from gis.actions import record_leave
from gis.settings import Settings
from gis.store import owners, rosters
from gis.store.owners import Holding
from grids.dispatch import OVERLAY_LEVELS
from grids.owners import PlaceKind

app = typer.Typer(
    help=_("Who holds which post, who is on duty, and who is on leave."), no_args_is_help=True, rich_markup_mode=None, add_completion=False
)

City = Annotated[str, typer.Argument(help=_("Code of the city."))]
OwnerCode = Annotated[str, typer.Argument(help=_("Code of the owner."))]


@app.command("list", help=_("Who holds which post of a city and is on duty, now or at an instant. Example: wangge owners list helsinki"))
def list_(
    city: City,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    instant = access.instant(at)
    with access.engine(Settings()) as engine, db.transaction(engine) as tx:
        held = owners.roster(tx, city, instant)
        said = rosters.standing(tx, city, instant)
    if as_json:
        emit({"city": city, "at": instant, "posts": [_document(one) for one in held]} | said)
        return
    rows = [(one.owner.code, one.owner.name, _post(one), f"{_kind(one)} {one.code}", _state(one)) for one in held]
    table(_("Owners of {city}").format(city=city), (_("code"), _("name"), _("post"), _("place"), _("state")), rows)
    if said["leaves"]:
        leaves = [(row["number"], row["owner"], _end(row["from"]), _end(row["to"])) for row in said["leaves"]]
        table(_("Leave"), (_("number"), _("code"), _("from"), _("to")), leaves, right=(0,))


@app.command(
    help=_(
        "Record that an owner is on leave, from now on known. Example: wangge owners leave helsinki O17 --from 2026-06-01 --to 2026-06-08"
    )
)
def leave(
    city: City,
    owner: OwnerCode,
    begins: Annotated[
        str, typer.Option("--from", help=_("When it begins: a day or a time, by the city's clock unless it has an offset from UTC."))
    ],
    ends: Annotated[str | None, typer.Option("--to", help=_("When the owner is back; left out: not known."))] = None,
    as_json: AsJson = False,
) -> None:
    with access.engine(Settings()) as engine, db.transaction(engine) as tx:
        number = record_leave.record_leave(tx, city, owner, from_text=begins, to_text=ends, now=access.now())
    if as_json:
        emit({"city": city, "owner": owner, "leave": number})
    else:
        out.print(_("Leave {number} of {owner} is recorded.").format(number=number, owner=owner), markup=False)


@app.command(
    help=_("Withdraw a leave by its number; answers given before stay as they were. Example: wangge owners withdraw helsinki O17 3")
)
def withdraw(
    city: City, owner: OwnerCode, number: Annotated[int, typer.Argument(help=_("Number of the leave."))], as_json: AsJson = False
) -> None:
    with access.engine(Settings()) as engine, db.transaction(engine) as tx:
        record_leave.withdraw_leave(tx, city, owner, number, now=access.now())
    if as_json:
        emit({"city": city, "owner": owner, "withdrawn": number})
    else:
        out.print(_("Leave {number} of {owner} is withdrawn.").format(number=number, owner=owner), markup=False)


def _post(one: Holding) -> str:
    return {"owner": _("owner"), "deputy": _("deputy")}[one.post]


def _kind(one: Holding) -> str:
    named = {PlaceKind.DUTY_GRID: _("duty grid"), PlaceKind.AREA: _("area")}
    return named.get(one.kind) or level_name(OVERLAY_LEVELS[one.kind], {}, one.kind, LANGUAGE)


def _state(one: Holding) -> str:
    return _("on duty") if one.away is None else absence(one.owner, one.away, LANGUAGE)


def _end(instant: datetime | None) -> str:
    return "–" if instant is None else f"{instant:%Y-%m-%d %H:%M}"


def _document(one: Holding) -> dict[str, Any]:
    return {
        "owner": {"code": one.owner.code, "name": one.owner.name, "generated": one.owner.origin == "generated"},
        "post": one.post,
        "kind": one.kind,
        "code": one.code,
        "on_duty": one.away is None,
        "absence": one.away.absence if one.away else None,
        "until": one.away.until_at if one.away else None,
    }
