"""`wangge account logins`: the devices on which an account is logged in."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from api.commands import access
from api.commands.options import AsJson
from api.console import _, emit, out, table
from gis import db
from gis.errors import NotFound
from gis.settings import Settings
from gis.store import accounts, logins

app = typer.Typer(
    help=_("The devices on which an account is logged in."), no_args_is_help=True, rich_markup_mode=None, add_completion=False
)

Login = Annotated[str, typer.Argument(help=_("Login of the account."))]


@app.command("list", help=_("The devices of an account, the last used first. Example: wangge account logins list mei.chen"))
def list_(login: Login, as_json: AsJson = False) -> None:
    with access.engine(Settings()) as engine, db.transaction(engine) as tx:
        found = logins.listed(tx, accounts.find(tx, login).id, now=access.now())
    if as_json:
        emit([asdict(one) for one in found])
        return
    rows = [(one.id, one.device, *(f"{at:%Y-%m-%d %H:%M}" for at in (one.began_at, one.seen_at, one.expires_at))) for one in found]
    table(_("Devices of {login}").format(login=login), (_("number"), _("device"), _("since"), _("last used"), _("until")), rows, right=(0,))


@app.command(help=_("Log devices out: one by its number, all without. Example: wangge account logins end mei.chen 17"))
def end(
    login: Login,
    number: Annotated[int | None, typer.Argument(min=1, max=2**31 - 1, help=_("Number of the device; all when not given."))] = None,
    as_json: AsJson = False,
) -> None:
    with access.engine(Settings()) as engine, db.transaction(engine) as tx:
        account_id = accounts.find(tx, login).id
        if number is None:
            ended = logins.end_all(tx, account_id, now=access.now())
        elif logins.end(tx, account_id, number, now=access.now()):
            ended = 1
        else:
            raise NotFound("device", str(number))
    if as_json:
        emit({"login": login, "ended": ended})
    else:
        out.print(_("Logged out devices of {login}: {count}.").format(login=login, count=ended), markup=False)
