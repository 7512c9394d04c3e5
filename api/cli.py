"""The command line: `wangge COMMAND`. Every command has --json and --help with an example.

Exit codes: 0 ok · 1 failed · 2 usage · 3 not found · 4 conflict · 5 invalid data · 6 findings · 130 interrupted.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import structlog
import typer
from pydantic import ValidationError
from typer.exceptions import TyperException

from api import problems
from api.commands import city, demo, doctor, grids, incidents, locate, operate
from api.console import LANGUAGE, _, emit, remark
from gis.settings import Settings
from gis.validation import text_of
from grids.errors import Refusal

app = typer.Typer(
    name="wangge",
    help=_("Wangge (网格): city grid management. Every place has someone who answers for it."),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(city.app, name="city")
app.add_typer(grids.app, name="grids")
app.add_typer(incidents.app, name="incidents")
app.add_typer(operate.basemap_app, name="basemap")
app.command("demo", help=demo.HELP)(demo.demo)
app.command("doctor", help=doctor.HELP)(doctor.doctor)
app.command("locate", help=locate.HELP)(locate.locate)
app.command("serve", help=operate.SERVE_HELP)(operate.serve)
app.command("worker", help=operate.WORKER_HELP)(operate.worker)
app.command("migrate", help=operate.MIGRATE_HELP)(operate.migrate)
app.command("upgrade", help=operate.UPGRADE_HELP)(operate.upgrade)
app.command("stop", help=operate.STOP_HELP)(operate.stop)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"wangge {version('wangge')}")
        raise typer.Exit


@app.callback()
def _common(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help=_("Show the release and exit."))
    ] = False,
) -> None:
    del show_version


def main() -> None:
    """Run the command line and leave with its exit code; a refusal is a sentence, never a traceback."""
    wants_json = "--json" in sys.argv
    try:
        code = app(standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        remark(_("Interrupted; nothing was left half-done."))
        code = problems.EXIT_INTERRUPTED
    except TyperException as error:
        remark(_("wangge: {reason} (see --help)").format(reason=error.format_message()))
        code = problems.EXIT_USAGE
    except ValidationError as error:
        code = _tell_bad_settings(error)
    except Refusal as refusal:
        code = _tell(refusal, wants_json=wants_json)
    except Exception as error:
        code = _tell_unexpected(error)
    raise SystemExit(code if isinstance(code, int) else problems.EXIT_OK)


def _tell(refusal: Refusal, *, wants_json: bool) -> int:
    if wants_json:
        emit(problems.document_of(refusal, LANGUAGE))
    else:
        city.show_findings(refusal)
        remark(f"wangge: {refusal.text(_)}")
    return problems.kind_of(refusal).exit_code


def _tell_bad_settings(error: ValidationError) -> int:
    for fault in error.errors():
        name = "WANGGE_" + "_".join(str(step) for step in fault["loc"]).upper() if fault["loc"] else "WANGGE_*"
        remark(_("wangge: a setting is wrong. {reason}").format(reason=text_of(fault, _, field=name)))
    return problems.EXIT_USAGE


def _tell_unexpected(error: Exception) -> int:
    structlog.get_logger().error("unexpected", error=repr(error), exc_info=Settings().log_level == "debug")
    remark(
        _("wangge: something went wrong that should not have ({kind}). WANGGE_LOG_LEVEL=debug shows where.").format(
            kind=type(error).__name__
        )
    )
    return problems.EXIT_FAILED


if __name__ == "__main__":
    main()
