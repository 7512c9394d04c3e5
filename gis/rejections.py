"""Rows of a history that were left out, written down as they come, each with its reason and with what it says."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import structlog

from gis.city_pack import IncidentHistory
from gis.errors import Finding

ENDING = "-rejected.csv"
"""How the names of these files end."""


def written_before(folder: Path, before: datetime) -> list[Path]:
    """The files of rejected rows in a folder that were written before an instant; none where there is no folder."""
    files = sorted(folder.glob(f"*{ENDING}")) if folder.is_dir() else []
    return [file for file in files if datetime.fromtimestamp(file.stat().st_mtime, UTC) < before]


def remove(folder: Path, before: datetime) -> None:
    """Remove the files of rejected rows that were written before an instant, each by itself; one that cannot be removed is logged."""
    for file in written_before(folder, before):
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            structlog.get_logger().warning("file not removed", file=str(file), reason=str(error))


class Rejections:
    """A CSV at ``path``, there only when the block has ended well and a row was rejected; what an earlier import left there goes."""

    def __init__(self, path: Path, history: IncidentHistory) -> None:
        self.path = path
        self.file: Path | None = None
        """Where the rows are, after the block; None when there are none."""
        self._asked = list(dict.fromkeys(history.columns.model_dump(exclude_none=True).values()))
        self._unfinished = path.with_suffix(".new")
        self._open = ExitStack()
        self._out: Any = None

    def write(self, findings: Iterable[Finding]) -> None:
        """Write the row of each finding: file, row, reason code, reason, and the columns that the history asks for."""
        for finding in findings:
            if self._out is None:
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._out = csv.writer(self._open.enter_context(self._unfinished.open("w", newline="", encoding="utf-8")))
                self._out.writerow(["file", "row", "reason_code", "reason", *self._asked])
            said = finding.given or {}
            self._out.writerow([finding.file, finding.row, finding.slug, finding.text(), *(said.get(name) for name in self._asked)])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._open.close()
        if kind is not None:
            self._unfinished.unlink(missing_ok=True)
        elif self._out is None:
            self.path.unlink(missing_ok=True)
        else:
            self.file = self._unfinished.replace(self.path)
