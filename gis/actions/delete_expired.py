"""Delete what of people has been kept long enough, by kind, and record how much went."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gis.db import Tx
from gis.personal_fields import CONTACTS, LOGINS, RATES, REJECTED_ROWS
from gis.store import deletions, limits, reporters, subjects
from gis.store.deletions import Deletion


def delete_expired(tx: Tx, keep_days: Mapping[str, int], *, rejected_folder: Path, now: datetime, dry: bool = False) -> list[Deletion]:
    """Delete the logins that have been over for so many days, erase the contacts recorded so many days ago, remove the files of rejected
    rows so old, and the rates that say nothing any more. ``keep_days`` is by kind (`gis/personal_fields.py`).

    Returns what went, every kind, 0 included; all but the noughts is recorded in the same transaction. ``dry`` only counts. Files go
    only when the caller's transaction is about to commit: they are removed last.
    """
    ends = {kind: now - timedelta(days=days) for kind, days in keep_days.items()}
    files = [file for file in _rejected(rejected_folder) if _changed_at(file) < ends[REJECTED_ROWS]]
    if dry:
        rows = {LOGINS: subjects.count_logins_before(tx, ends[LOGINS]), CONTACTS: reporters.count_before(tx, ends[CONTACTS]), RATES: 0}
    else:
        rows = {
            LOGINS: subjects.delete_logins_before(tx, ends[LOGINS]),
            CONTACTS: reporters.erase_before(tx, ends[CONTACTS], now=now),
            RATES: limits.clean(tx, now=now),
        }
    rows[REJECTED_ROWS] = len(files)
    done = [Deletion(kind, count, now, before=ends.get(kind)) for kind, count in rows.items()]
    if not dry:
        for one in done:
            if one.rows and one.kind != RATES:
                deletions.add(tx, one)
        for file in files:
            file.unlink(missing_ok=True)
    return done


def _rejected(folder: Path) -> list[Path]:
    return sorted(folder.glob("*-rejected.csv")) if folder.is_dir() else []


def _changed_at(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC)
