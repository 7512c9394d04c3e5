"""Import an incident history: every row is taken in with its place, grid and owner, or written down with its reason."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gis.city_pack import CityPack, IncidentHistory
from gis.db import Tx, ewkb, lock
from gis.errors import Finding, NoAdoptedEdition, NotFound
from gis.pack_incidents import read_incidents, rows_expected
from gis.progress import Progress
from gis.store import cities, editions, incidents, owners
from grids.locate import How, Index, Places

_INCIDENTS = uuid.UUID("6f0d5a52-4c9b-5c0c-9a49-5a1f6f1a3c1e")
"""Namespace of the ids that imported incidents get, so that the same row of a history has the same id everywhere."""

_HOW = {How.INSIDE: "inside", How.BORDER: "border", How.OUTSIDE: "outside"}


@dataclass
class Imported:
    """What became of a history's rows: read = added + already there + rejected."""

    history: str
    read: int = 0
    added: int = 0
    rejected: int = 0
    rejected_file: Path | None = None
    rejections: list[Finding] = field(default_factory=list)

    @property
    def already_there(self) -> int:
        """Rows that an earlier import took in."""
        return self.read - self.added - self.rejected


def import_incidents(
    tx: Tx, city: str, history_key: str, *, file: Path | None, rejected_folder: Path, now: datetime, progress: Progress
) -> Imported:
    """Take in a history of the city's pack, from ``file`` instead of the pack's own when given.

    Each incident is assigned in the adopted edition: cell, block, nearest segment and side, duty grid, and who answers
    at ``now``. Running it again adds nothing. Rejected rows go with their reasons to a CSV in ``rejected_folder``.
    Raises ``NotFound`` for an unknown city or history, ``Conflict`` before the first adopted edition, ``BadPack`` when
    the file as a whole cannot be read.
    """
    lock(tx, "the incidents", city)
    row = cities.find(tx, city)
    pack = CityPack.model_validate(row.pack)
    history = _history(pack, history_key)
    assigner = _assigner(tx, city, now)
    done = Imported(history_key)
    total = rows_expected(Path(row.pack_folder), history, file=file)
    progress("importing incidents", 0, total)
    for frame, findings in read_incidents(Path(row.pack_folder), history, pack, file=file):
        done.read += len(frame) + len(findings)
        done.rejected += len(findings)
        done.rejections += findings
        done.added += incidents.add(tx, assigner.rows(frame, city=city, history=history))
        progress("importing incidents", done.read, total)
    done.rejected_file = _write_rejections(done, rejected_folder / f"{city}-{history_key}{f'-{file.stem}' if file else ''}-rejected.csv")
    return done


def _history(pack: CityPack, key: str) -> IncidentHistory:
    found = [history for history in pack.incidents if history.key == key]
    if not found:
        raise NotFound("incident history", key)
    return found[0]


def _assigner(tx: Tx, city: str, now: datetime) -> _Assigner:
    edition = editions.current(tx, city)
    if edition is None:
        raise NoAdoptedEdition(city)
    on_duty = owners.on_duty_at(tx, edition.id, now)
    answerable = {grid: owner.code for grid, posts in on_duty.items() if (owner := posts.answerable())}
    return _Assigner(edition.id, editions.index(tx, edition.id), editions.grid_of_block(tx, edition.id), answerable)


@dataclass(frozen=True)
class _Assigner:
    """Turns rows of a history into rows of the record, each with its place in one edition."""

    edition_id: int
    index: Index
    grid_of_block: np.ndarray[tuple[int], np.dtype[np.int64]]
    owner_of_grid: dict[int, str]

    def rows(self, frame: pd.DataFrame, *, city: str, history: IncidentHistory) -> Iterator[tuple[Any, ...]]:
        lons, lats = frame["lon"].to_numpy(np.float64), frame["lat"].to_numpy(np.float64)
        placed = np.isfinite(lons) & np.isfinite(lats)
        points = np.full(len(frame), None, dtype=object)
        points[placed] = shapely.points(lons[placed], lats[placed])
        answers = self._answers(self.index.locate(lons, lats), placed)
        told = (frame[name].tolist() for name in ("source_id", "category", "reported_at", "address"))
        for source_id, category, reported_at, address, geom, answer in zip(*told, ewkb(points), answers, strict=True):
            kind, _, code = category.partition(":")
            key = uuid.uuid5(_INCIDENTS, f"{city}/{history.key}/{source_id}")
            yield key, city, history.key, source_id, kind, code, reported_at, address, history.source.origin, geom, self.edition_id, *answer

    def _answers(self, places: Places, placed: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Iterator[tuple[Any, ...]]:
        """How, cell, block, segment, side, offset, duty grid and owner of each point."""
        columns = (places.how, places.cell, places.block, places.segment, places.side, places.offset_m, placed)
        for how, cell, block, segment, side, offset_m, known in zip(*(column.tolist() for column in columns), strict=True):
            inside = block >= 0
            street = (segment + 1, editions.SIDES[side], offset_m) if inside and segment >= 0 else (None, None, None)
            grid = int(self.grid_of_block[block]) + 1 if inside else None
            said = _HOW[How(how)] if known else "unplaced"
            yield said, cell or None, block + 1 if inside else None, *street, grid, self.owner_of_grid.get(grid) if grid else None


def _write_rejections(done: Imported, path: Path) -> Path | None:
    """Write the rejected rows, each with its reason and with what it says; without any, what an earlier import left there goes."""
    if not done.rejections:
        path.unlink(missing_ok=True)
        return None
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    columns = list(dict.fromkeys(name for finding in done.rejections for name in finding.given or {}))
    written = path.with_suffix(".new")
    with written.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["file", "row", "reason_code", "reason", *columns])
        for finding in done.rejections:
            said = finding.given or {}
            out.writerow([finding.file, finding.row, finding.slug, finding.text(), *(said.get(name) for name in columns)])
    return written.replace(path)
