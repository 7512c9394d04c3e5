"""`wangge account`: who may log in, with which roles where; passwords, devices and keys. For the operator of the machine."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated, Any

import typer

from api.commands import access, account_keys, account_logins
from api.commands.options import AsJson, CityCode
from api.console import _, emit, out, table
from gis import db, passwords
from gis.actions.change_password import set_password
from gis.actions.end_account import end_account
from gis.actions.give_grant import give_grant
from gis.errors import NotAnInstant, NotFound
from gis.settings import Settings
from gis.store import accounts, grants
from gis.store.accounts import Account
from gis.store.grants import Given
from grids.permissions import Grant, Place, Role

app = typer.Typer(
    help=_("Accounts: who may log in, with which roles where; passwords, devices and keys."),
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)
app.add_typer(account_logins.app, name="logins")
app.add_typer(account_keys.app, name="key")

_LONGEST_LINE = 4096

Login = Annotated[str, typer.Argument(help=_("Login of the account."))]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help=_("Read the password from the first line of standard input."))]


@app.command(
    help=_(
        "Make an account; its password is asked for. With --oidc-subject it logs in through the OpenID Connect provider instead. "
        "Example: wangge account add mei.chen --name 陈梅"
    )
)
def add(
    login: Login,
    *,
    name: Annotated[str, typer.Option("--name", help=_("What the person, or the program, is called."))],
    machine: Annotated[bool, typer.Option("--machine", help=_("An account of a program: it has keys and no password."))] = False,
    subject: Annotated[str | None, typer.Option("--oidc-subject", help=_("Who the person is at the provider (claim sub)."))] = None,
    password_stdin: FromStdin = False,
    as_json: AsJson = False,
) -> None:
    settings = Settings()
    provider = None if subject is None else (_issuer(settings), subject)
    password_hash = None
    if password_stdin or not (machine or provider):
        password_hash = _new_password(login, from_stdin=password_stdin)
    with access.engine(settings) as engine, db.transaction(engine) as tx:
        accounts.create(
            tx,
            login,
            name=name,
            kind="machine" if machine else "person",
            password_hash=password_hash,
            provider=provider,
            now=access.now(),
        )
    _tell(
        {"login": login, "name": name},
        _("Account {login} is made. Give it a role with 'wangge account grant'.").format(login=login),
        as_json,
    )


@app.command("list", help=_("Every account with its grants. Example: wangge account list"))
def list_(
    ended: Annotated[bool, typer.Option("--all", help=_("Those that have ended too."))] = False,
    as_json: AsJson = False,
) -> None:
    with access.engine(Settings()) as engine, db.transaction(engine) as tx:
        found = accounts.listed(tx, ended=ended)
        given = grants.listed(tx, [one.id for one in found])
    now = access.now()
    if as_json:
        emit([document(one, [grant for grant in given[one.id] if grant.stands(now)]) for one in found])
        return
    rows: list[tuple[Any, ...]] = []
    for one in found:
        standing = [_grant_cells(grant) for grant in given[one.id] if grant.stands(now)] or [(None, None, None, None)]
        rows += [(one.login, one.name, _state(one, now), *cells) for cells in standing]
    table(_("Accounts"), (_("login"), _("name"), _("state"), _("grant"), _("role"), _("where"), _("until")), rows, right=(3,))


@app.command(help=_("Set an account's password; all its devices are logged out. Example: wangge account password mei.chen"))
def password(login: Login, password_stdin: FromStdin = False, as_json: AsJson = False) -> None:
    password_hash = _new_password(login, from_stdin=password_stdin)
    with access.engine(Settings()) as engine, db.transaction(engine) as tx:
        ended = set_password(tx, login, password_hash, now=access.now())
    _tell({"login": login, "ended_logins": ended}, _("The password of {login} is set.").format(login=login), as_json)


@app.command(
    help=_(
        "End accounts for good, with their logins, keys and grants. Their logins are never given again. Example: wangge account end mei.chen"
    )
)
def end(
    logins: Annotated[list[str], typer.Argument(help=_("Logins of the accounts."), metavar="LOGIN...")],
    as_json: AsJson = False,
) -> None:
    with access.engine(Settings()) as engine, db.transaction(engine) as tx:
        for login in logins:
            end_account(tx, login, now=access.now())
    _tell({"ended": logins}, _("Ended: {logins}.").format(logins=", ".join(logins)), as_json)


@app.command(
    help=_(
        "Give an account a role: in the whole city, or with --level and --code in one area or duty grid. "
        "Example: wangge account grant mei.chen worker --city helsinki --level duty_grid --code 001002005"
    )
)
def grant(
    login: Login,
    role: Annotated[Role, typer.Argument(help=_("The role."))],
    *,
    city: CityCode = None,
    level: Annotated[str | None, typer.Option("--level", help=_("Key of the level of the place, such as district or duty_grid."))] = None,
    code: Annotated[str | None, typer.Option("--code", help=_("Code of the place."))] = None,
    department: Annotated[str | None, typer.Option("--department", help=_("Only what this department leads."))] = None,
    begins: Annotated[str | None, typer.Option("--from", help=_("From when, with its offset from UTC; now when not given."))] = None,
    ends: Annotated[str | None, typer.Option("--to", help=_("Until when, with its offset from UTC; open when not given."))] = None,
    as_json: AsJson = False,
) -> None:
    if (level is None) != (code is None):
        raise typer.BadParameter(_("--level and --code name a place together"), param_hint="--level")
    place = None if level is None or code is None else Place(level, code)
    with access.engine(Settings()) as engine, db.transaction(engine) as tx:
        given = Grant(role, access.the_city(tx, city), place, department)
        number = give_grant(tx, login, given, from_at=_instant(begins), to_at=_instant(ends), now=access.now())
    _tell({"login": login, "grant": number}, _("Grant {number} is given to {login}.").format(number=number, login=login), as_json)


@app.command(help=_("End a grant by its number. Example: wangge account revoke mei.chen 3"))
def revoke(
    login: Login, number: Annotated[int, typer.Argument(min=1, max=2**31 - 1, help=_("Number of the grant."))], as_json: AsJson = False
) -> None:
    with access.engine(Settings()) as engine, db.transaction(engine) as tx:
        if not grants.end(tx, accounts.find(tx, login).id, number, now=access.now()):
            raise NotFound("grant", str(number))
    _tell({"login": login, "ended": number}, _("Grant {number} of {login} has ended.").format(number=number, login=login), as_json)


def document(one: Account, given: list[Given]) -> dict[str, Any]:
    """An account with some of its grants as plain data."""
    return {
        "login": one.login,
        "name": one.name,
        "kind": one.kind,
        "origin": one.origin,
        "password": one.has_password,
        "issuer": one.issuer,
        "subject": one.subject,
        "locked_until": one.locked_until_at,
        "created_at": one.created_at,
        "ended_at": one.ended_at,
        "grants": [
            {
                "number": grant.id,
                "role": grant.grant.role,
                "city": grant.grant.city,
                "level": grant.grant.place and grant.grant.place.level,
                "code": grant.grant.place and grant.grant.place.code,
                "department": grant.grant.department,
                "from": grant.from_at,
                "to": grant.to_at,
            }
            for grant in given
        ],
    }


def where(grant: Grant) -> str:
    """The part of a city that a grant is for, in short."""
    parts = [grant.city, *(grant.place or ()), *([grant.department] if grant.department else [])]
    return " ".join(parts)


def _tell(said: dict[str, Any], sentence: str, as_json: bool) -> None:
    if as_json:
        emit(said)
    else:
        out.print(sentence, markup=False)


def _new_password(login: str, *, from_stdin: bool) -> str:
    """Ask for a password, refuse one that could be guessed, and return its hash."""
    if from_stdin:
        try:
            said = sys.stdin.buffer.readline(_LONGEST_LINE).decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise typer.BadParameter(_("standard input is no UTF-8"), param_hint="--password-stdin") from None
    elif sys.stdin.isatty():
        said = typer.prompt(_("Password"), hide_input=True, confirmation_prompt=_("Again"), err=True)
    else:
        raise typer.BadParameter(_("there is no terminal to ask at: pass it with --password-stdin"), param_hint="--password-stdin")
    passwords.require_fit(said, login)
    return passwords.hashed(said)


def _issuer(settings: Settings) -> str:
    if not settings.oidc_issuer:
        raise typer.BadParameter(_("WANGGE_OIDC_ISSUER names no provider"), param_hint="--oidc-subject")
    return settings.oidc_issuer


def _instant(said: str | None) -> datetime | None:
    if said is None:
        return None
    instant = access.instant(said)
    if instant.tzinfo is None:
        raise NotAnInstant(said)
    return instant


def _state(one: Account, now: datetime) -> str:
    if one.ended_at is not None:
        return _("ended")
    if one.locked_until_at is not None and one.locked_until_at > now:
        return _("waits after wrong passwords")
    return _("program") if one.kind == "machine" else _("demo") if one.origin == "generated" else _("open")


def _grant_cells(given: Given) -> tuple[Any, ...]:
    return given.id, given.grant.role, where(given.grant), "–" if given.to_at is None else f"{given.to_at:%Y-%m-%d %H:%M}"
