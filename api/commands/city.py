"""`wangge city`: check and load city packs."""

from __future__ import annotations

import typer

from api.commands import access
from api.commands.options import AsJson, PackFolder
from api.console import LANGUAGE, _, bar, emit, out, show_findings, table
from api.problems import EXIT_FINDINGS, EXIT_INVALID, EXIT_OK, finding_document
from gis import db, pack_check
from gis.actions.load_city import load_city
from gis.errors import NotFound
from gis.pack_generation import materialise
from gis.settings import Settings

app = typer.Typer(help=_("Check and load city packs."), no_args_is_help=True, rich_markup_mode=None, add_completion=False)


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
