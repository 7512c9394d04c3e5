"""`wangge privacy`: what is kept of one person, its erasure, what is deleted when its time is over, and new keys for what is sealed."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer

from api.commands import access
from api.commands.options import AsJson
from api.console import _, bar, emit, out, table
from api.plain import plain
from gis import db, rejections
from gis.actions import erase_subject, export_subject
from gis.actions.delete_expired import delete_expired
from gis.personal_fields import keep_days
from gis.sealing import seal_of
from gis.settings import Settings
from gis.store import deletions, reporters
from gis.store.deletions import Deletion

app = typer.Typer(
    help=_("What is kept of people: given to them, erased, deleted in time, sealed anew."),
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)

Account = Annotated[str | None, typer.Option("--account", help=_("Login of an account."))]
Owner = Annotated[str | None, typer.Option("--owner", help=_("City and code of who holds posts, as CITY/CODE."))]
Reporter = Annotated[str | None, typer.Option("--reporter", help=_("Telephone number or mail address of who reported."))]


@app.command(help=_("Everything that is kept of one person, as JSON. Example: wangge privacy export --account zhang.wei"))
def export(account: Account = None, owner: Owner = None, reporter: Reporter = None, as_json: AsJson = False) -> None:
    del as_json  # it is JSON in any case: the person takes it along
    kind, named = _one_subject(account, owner, reporter)
    settings, now = Settings(), access.now()
    with access.engine(settings) as engine, db.transaction(engine) as tx:
        if kind == "account":
            found = export_subject.export_account(tx, named, now=now)
        elif kind == "owner":
            found = export_subject.export_owner(tx, *_city_and_code(named), now=now)
        else:
            found = export_subject.export_reporter(tx, named, seal=seal_of(settings), now=now)
    emit(plain(found))


@app.command(
    help=_(
        "Erase one person; what they did stays, under a key that names nobody. An account must have ended. "
        "Example: wangge privacy erase --account zhang.wei"
    )
)
def erase(account: Account = None, owner: Owner = None, reporter: Reporter = None, as_json: AsJson = False) -> None:
    kind, named = _one_subject(account, owner, reporter)
    settings = Settings()
    now = access.now()
    with access.engine(settings) as engine, db.transaction(engine) as tx:
        if kind == "account":
            rows = erase_subject.erase_account(tx, named, now=now)
        elif kind == "owner":
            rows = erase_subject.erase_owner(tx, *_city_and_code(named), now=now)
        else:
            rows = erase_subject.erase_reporter(tx, named, seal=seal_of(settings), now=now)
    if as_json:
        emit({"erased": kind, "rows": rows})
    else:
        out.print(_("Erased: {rows} rows.").format(rows=rows), markup=False)


@app.command(
    help=_(
        "Delete now what has been kept long enough; the worker does it every night. --dry-run only counts. "
        "Example: wangge privacy retain --dry-run"
    )
)
def retain(
    dry_run: Annotated[bool, typer.Option("--dry-run", help=_("Only count what would go."))] = False, as_json: AsJson = False
) -> None:
    settings, now = Settings(), access.now()
    folder = settings.data_dir / "rejected"
    with access.engine(settings) as engine, db.transaction(engine) as tx:
        done = delete_expired(tx, keep_days(settings), rejected_folder=folder, now=now, dry=dry_run)
    if not dry_run:
        rejections.remove(folder, now - timedelta(days=settings.keep_rejected_days))
    if as_json:
        emit({"dry_run": dry_run, "deleted": [_document(one) for one in done]})
        return
    title = _("Would be deleted") if dry_run else _("Deleted")
    table(title, (_("kind"), _("older than"), _("rows")), [(_(one.kind), _day(one), one.rows) for one in done], right=(2,))


@app.command("log", help=_("What was deleted and erased, the newest first. Example: wangge privacy log"))
def log_(as_json: AsJson = False) -> None:
    with access.engine(Settings()) as engine, db.transaction(engine) as tx:
        done = deletions.newest(tx, many=100)
    if as_json:
        emit({"deletions": [_document(one) for one in done]})
        return
    rows = [(f"{one.deleted_at:%Y-%m-%d %H:%M}", _(one.kind), _day(one), one.rows) for one in done]
    table(_("Deletions"), (_("when"), _("kind"), _("older than"), _("rows")), rows, right=(3,))


@app.command(
    help=_("Seal everything anew under the first of WANGGE_SEALING_KEYS; afterwards the other keys may go. Example: wangge privacy reseal")
)
def reseal(as_json: AsJson = False) -> None:
    settings = Settings()
    done = 0
    with access.engine(settings) as engine, bar() as progress, db.transaction(engine) as tx:
        for done in reporters.reseal(tx, seal=seal_of(settings)):
            progress("sealing anew", done, None)
    if as_json:
        emit({"resealed": done})
    else:
        out.print(_("Sealed anew: {count}.").format(count=done), markup=False)


def _one_subject(account: str | None, owner: str | None, reporter: str | None) -> tuple[str, str]:
    said = [(kind, named) for kind, named in (("account", account), ("owner", owner), ("reporter", reporter)) if named]
    if len(said) != 1:
        raise typer.BadParameter(_("name one person: --account, --owner or --reporter"))
    return said[0]


def _city_and_code(named: str) -> tuple[str, str]:
    city, slash, code = named.partition("/")
    if not (city and slash and code):
        raise typer.BadParameter(_("write --owner as CITY/CODE, for example helsinki/O17"))
    return city, code


def _day(one: Deletion) -> str:
    return "–" if one.before is None else f"{one.before:%Y-%m-%d}"


def _document(one: Deletion) -> dict[str, Any]:
    document: dict[str, Any] = plain({"kind": one.kind, "rows": one.rows, "older_than": one.before, "deleted_at": one.deleted_at})
    return document
