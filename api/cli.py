"""The command line: `wangge COMMAND`. Every command has --json and --help with an example.

Exit codes: 0 ok · 1 failed · 2 usage · 3 not found · 4 conflict · 5 invalid data · 6 findings · 130 interrupted.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import structlog
import typer
import typer.main
from pydantic import ValidationError
from typer.core import TyperGroup
from typer.exceptions import TyperException

from api import problems
from api.console import LANGUAGE, _, emit, remark, show_findings
from gis.errors import BadPack
from gis.settings import Settings
from gis.validation import text_of
from grids.errors import Refusal

COMMANDS = (
    "demo",
    "doctor",
    "serve",
    "worker",
    "stop",
    "migrate",
    "upgrade",
    "city",
    "grids",
    "owners",
    "incidents",
    "locate",
    "assign",
    "export",
    "datum",
    "basemap",
    "privacy",
    "account",
)
"""Every command is the module of its name in `api/commands`, imported when it is asked for: most need only a part of the libraries."""


class _Commands(TyperGroup):
    # The library keeps the types of its context and commands to itself.
    def list_commands(self, ctx: Any) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command = typer.main.get_command(import_module(f"api.commands.{cmd_name}").app)
        command.name = cmd_name
        return command


app = typer.Typer(
    name="wangge",
    cls=_Commands,
    help=_("Wangge (网格): city grid management. Every place has someone who answers for it."),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


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
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        code = app(standalone_mode=False)
        if code == problems.EXIT_INTERRUPTED:  # typer has caught the Ctrl-C itself
            raise KeyboardInterrupt
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
        if isinstance(refusal, BadPack):
            show_findings(refusal.findings)
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
