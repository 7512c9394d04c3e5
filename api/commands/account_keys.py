"""`wangge account key`: the keys with which programs act for an account."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated

import typer

from api.commands import access
from api.commands.options import AsJson
from api.console import _, emit, out, remark, table
from gis import db
from gis.errors import NotFound
from gis.settings import Settings
from gis.store import accounts, api_keys
from gis.store.api_keys import Key

app = typer.Typer(
    help=_("The keys with which programs act for an account."), no_args_is_help=True, rich_markup_mode=None, add_completion=False
)

Login = Annotated[str, typer.Argument(help=_("Login of the account."))]


@app.command(help=_("Make a key; it is shown this once. Example: wangge account key add wall-map --name 'map in the hall' --layer blocks"))
def add(
    login: Login,
    *,
    name: Annotated[str, typer.Option("--name", help=_("What the key is for."))],
    layers: Annotated[
        list[str] | None, typer.Option("--layer", help=_("A map layer that it opens; may be repeated. All when not given."))
    ] = None,
    rate: Annotated[int | None, typer.Option("--rate", min=1, max=1_000_000, help=_("Requests a minute at most."))] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=api_keys.LONGEST.days, help=_("Days until it expires."))] = 90,
    as_json: AsJson = False,
) -> None:
    now = access.now()
    expires_at = now + timedelta(days=days)
    with access.engine(Settings()) as engine, db.transaction(engine) as tx:
        account_id = accounts.find_standing(tx, login).id
        number, key = api_keys.create(
            tx, account_id, name=name, layers=layers or None, rate_per_minute=rate, expires_at=expires_at, now=now
        )
    if as_json:
        emit({"login": login, "number": number, "key": key, "expires_at": expires_at})
        return
    out.print(key, markup=False)
    remark(
        _("Key {number} of {login}, until {end}. It is shown this once and kept nowhere.").format(
            number=number, login=login, end=f"{expires_at:%Y-%m-%d}"
        )
    )


@app.command("list", help=_("The keys of an account with their last use. Example: wangge account key list wall-map"))
def list_(login: Login, as_json: AsJson = False) -> None:
    with access.engine(Settings()) as engine, db.transaction(engine) as tx:
        found = api_keys.listed(tx, accounts.find(tx, login).id)
    if as_json:
        emit([{name: value for name, value in asdict(one).items() if name != "account_id"} for one in found])
        return
    now = access.now()
    rows = [
        (one.id, f"{one.start}…", one.name, ", ".join(one.layers or ()), one.rate_per_minute, _state(one, now), _day(one.used_at))
        for one in found
    ]
    columns = (_("number"), _("key"), _("name"), _("layers"), _("a minute"), _("state"), _("last used"))
    table(_("Keys of {login}").format(login=login), columns, rows, right=(0, 4))


@app.command(help=_("Revoke a key by its number, at once. Example: wangge account key revoke wall-map 4"))
def revoke(
    login: Login, number: Annotated[int, typer.Argument(min=1, max=2**31 - 1, help=_("Number of the key."))], as_json: AsJson = False
) -> None:
    with access.engine(Settings()) as engine, db.transaction(engine) as tx:
        if not api_keys.revoke(tx, accounts.find(tx, login).id, number, now=access.now()):
            raise NotFound("key", str(number))
    if as_json:
        emit({"login": login, "revoked": number})
    else:
        out.print(_("Key {number} of {login} is revoked.").format(number=number, login=login), markup=False)


def _state(one: Key, now: datetime) -> str:
    if one.revoked_at is not None:
        return _("revoked")
    return _("expired") if one.expires_at <= now else _("until {end}").format(end=f"{one.expires_at:%Y-%m-%d}")


def _day(instant: datetime | None) -> str:
    return "–" if instant is None else f"{instant:%Y-%m-%d %H:%M}"
