"""The terminal as a door: messages in the user's language, progress on stderr, one JSON document on stdout.

stdout carries data only. Progress and remarks go to stderr; a bar is drawn only on a terminal, elsewhere each step is one
line.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from api.plain import plain
from api.watched import Watched
from gis import progress as steps
from gis.errors import Finding
from gis.language import language_of, translator

LANGUAGE = language_of(os.environ)
_ = translator(LANGUAGE)

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def emit(document: Any) -> None:
    """Print the one JSON document of a command that was asked for --json."""
    sys.stdout.write(json.dumps(plain(document), ensure_ascii=False, indent=2) + "\n")


def remark(message: str) -> None:
    """Tell the user something that is not data."""
    err.print(message, markup=False)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[int] = ()) -> None:
    """Print a table; the columns whose numbers stand in ``right`` hold numbers."""
    # Texts of the city's own data are texts, whatever brackets they hold.
    drawn = Table(title=Text(title, style="table.title"), title_justify="left")
    for at, column in enumerate(columns):
        drawn.add_column(Text(column), justify="right" if at in right else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text("" if value is None else str(value)) for value in row))
    out.print(drawn)


class Timed:
    """Seconds spent on each named step of a command and the most memory it held, in the order in which they came."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.peak_mb: dict[str, int] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[steps.Progress]:
        """Run one step under a bar, and keep how long it took. ``name`` is an English message; who prints it translates it."""
        with Watched() as watched, bar() as progress:
            yield progress
        self.seconds[name], self.peak_mb[name] = watched.seconds, watched.peak_mb


@contextmanager
def bar() -> Iterator[steps.Progress]:
    """A progress for one long act: a bar on a terminal, one line a step elsewhere."""
    if not err.is_terminal:
        yield _lines()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True) as drawn:
        task = drawn.add_task("", total=None)

        def tell(step: str, done: int = 0, total: int | None = None) -> None:
            drawn.update(task, description=_(step), completed=done, total=total)

        yield tell


_SAID_EVERY_S = 15.0


def _lines() -> steps.Progress:
    """One line when a step begins, and for a long step with a known end one more now and then, with an estimate."""
    begun: dict[str, float] = {}
    said_at = 0.0

    def tell(step: str, done: int = 0, total: int | None = None) -> None:
        nonlocal said_at
        now = time.monotonic()
        if step not in begun:
            begun[step], said_at = now, now
            remark(f"· {_(step)}")
        elif total and 0 < done < total and now - said_at >= _SAID_EVERY_S:
            said_at = now
            left_s = (now - begun[step]) * (total - done) / done
            remark(
                _("· {step}: {percent} %, about {seconds} s left").format(step=_(step), percent=100 * done // total, seconds=round(left_s))
            )

    return tell


def show_findings(findings: Iterable[Finding]) -> None:
    """Tell findings on stderr: severity, place, reason, mend."""
    for finding in findings:
        place = finding.file or ""
        if finding.row is not None:
            place += _(", row {row}").format(row=finding.row)
        said = _("error") if finding.severity == "error" else _("remark")
        remark(f"{said}: {place}: {finding.text(_)}" if place else f"{said}: {finding.text(_)}")
