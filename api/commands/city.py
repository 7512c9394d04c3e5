"""`wangge city`: draft, check and load city packs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Annotated

import typer

from api.commands import access
from api.commands.options import AsJson, PackFolder
from api.console import LANGUAGE, _, bar, emit, out, show_findings, table
from api.problems import EXIT_FINDINGS, EXIT_INVALID, EXIT_OK, finding_document
from gis import db, pack_check, pack_draft
from gis.actions.load_city import load_city
from gis.errors import DraftExists, NotFound
from gis.pack_draft_columns import Note
from gis.pack_generation import materialise
from gis.settings import Settings

CODE = r"[a-z][a-z0-9_]{0,39}"

app = typer.Typer(help=_("Draft, check and load city packs."), no_args_is_help=True, rich_markup_mode=None, add_completion=False)


@app.command(help=_("Judge a city pack without writing anything. Exit 5: errors, 6: only remarks. Example: wangge city check ./my-city"))
def check(path: PackFolder, as_json: AsJson = False) -> None:
    if not path.is_dir():
        raise NotFound("folder", str(path))
    with bar() as progress:
        progress("checking the pack")
        findings = pack_check.check(materialise(path, Settings().data_dir / "packs", progress))
    errors = sum(finding.severity == "error" for finding in findings)
    if as_json:
        emit({"pack": str(path), "errors": errors, "findings": [finding_document(finding, LANGUAGE) for finding in findings]})
    else:
        show_findings(findings)
        out.print(
            _("{errors} errors, {remarks} remarks in {path}").format(errors=errors, remarks=len(findings) - errors, path=path), markup=False
        )
    raise typer.Exit(EXIT_INVALID if errors else EXIT_FINDINGS if findings else EXIT_OK)


@app.command(help=_("Load a city pack into the database, all of it or nothing. Example: wangge city load ./my-city"))
def load(path: PackFolder, as_json: AsJson = False) -> None:
    if not path.is_dir():
        raise NotFound("folder", str(path))
    settings = Settings()
    with access.engine(settings, migrate=True) as engine, bar() as progress, db.transaction(engine) as tx:
        loaded = load_city(tx, materialise(path, settings.data_dir / "packs", progress), now=access.now(), progress=progress)
    if as_json:
        emit(
            {
                "city": loaded.city,
                "changed": loaded.changed,
                "rows": loaded.rows,
                "remarks": [finding_document(one, LANGUAGE) for one in loaded.remarks],
            }
        )
        return
    show_findings(loaded.remarks)
    if not loaded.changed:
        out.print(_("{city} is loaded already, from the same files; nothing was changed.").format(city=loaded.city), markup=False)
        return
    words = {
        "streets": _("streets"),
        "barriers": _("barriers"),
        "built_up": _("built-up land"),
        "categories": _("categories"),
        "owners": _("owners"),
    }
    rows = [(words.get(part, part), count) for part, count in loaded.rows.items()]
    table(_("Loaded: {city}").format(city=loaded.city), (_("part"), _("rows")), rows, right=(1,))


@app.command(
    "new",
    help=_(
        "Write a commented city.toml for a folder of files by looking at them; the datum is left for you to declare. Exit 6: a file was"
        " left out. Example: wangge city new ./my-files --code riverton"
    ),
)
def new(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help=_("Folder with the city's files."))],
    code: Annotated[str | None, typer.Option("--code", help=_("Short name of the city; from the folder's name unless said."))] = None,
    target: Annotated[Path | None, typer.Option("--out", help=_("File to write; FOLDER/city.toml unless said."))] = None,
    as_json: AsJson = False,
) -> None:
    path = folder / "city.toml" if target is None else target
    if code is not None and not re.fullmatch(CODE, code):
        raise typer.BadParameter(_("small letters, digits and _, beginning with a letter"), param_hint="--code")
    if folder.is_dir() and path.exists():
        raise DraftExists(str(path))
    with bar() as progress:
        progress("looking at the files")
        drafted = pack_draft.draft(folder, code=code, say=_)
    written = pack_draft.write(drafted, path)
    steps = _next_steps(folder, path, written, city=drafted.code, incidents=bool(drafted.parts.incidents))
    if as_json:
        _emit_draft(drafted, written, steps)
    else:
        _tell_draft(drafted, written, steps)
    raise typer.Exit(EXIT_FINDINGS if drafted.remarks else EXIT_OK)


def _next_steps(folder: Path, path: Path, written: list[Path], *, city: str, incidents: bool) -> list[str]:
    """The commands that follow, in their order, as they are typed."""
    place, named = shlex.quote(str(folder)), f"--city {city}"
    homes = {one: folder / ("city.toml" if one == path else one.name) for one in written}
    moves = [f"mv {shlex.quote(str(one))} {shlex.quote(str(home))}" for one, home in homes.items() if one != home]
    return [
        *moves,
        f"wangge city check {place}",
        f"wangge city load {place}",
        f"wangge grids build {named}",
        f"wangge grids adopt {named}",
        *([f"wangge incidents import {named}"] if incidents else []),
        "wangge serve",
    ]


def _emit_draft(drafted: pack_draft.Draft, written: list[Path], steps: list[str]) -> None:
    emit(
        {
            "city": drafted.code,
            "written": [str(one) for one in written],
            "parts": [{"part": _told(what), "file": looked.label} for what, looked in pack_draft.roles(drafted)],
            "unused": [{"file": looked.label, "reason": _told(why)} for looked, why in drafted.parts.unused],
            "to_fill": drafted.to_fill,
            "remarks": [finding_document(one, LANGUAGE) for one in drafted.remarks],
            "next": steps,
        }
    )


def _tell_draft(drafted: pack_draft.Draft, written: list[Path], steps: list[str]) -> None:
    show_findings(drafted.remarks)
    rows = [(looked.label, _told(what)) for what, looked in pack_draft.roles(drafted)]
    rows += [(looked.label, _("not used: {reason}").format(reason=_told(why))) for looked, why in drafted.parts.unused]
    table(_("What the files were taken for"), (_("file"), _("part")), rows)
    for path in written:
        out.print(_("Written: {path}").format(path=path), markup=False)
    out.print(_("To fill in, in {path}:").format(path=written[-1]), markup=False)
    for said in drafted.to_fill:
        out.print(f"- {said}", markup=False)
    out.print(_("Then:"), markup=False)
    for step in steps:
        out.print(f"  {step}", markup=False)


def _told(note: Note) -> str:
    return _(note.template).format(**note.details)
