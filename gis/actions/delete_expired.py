"""Delete what of people has been kept long enough, by kind, and record how much went."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from gis.db import Tx
from gis.personal_fields import CONTACTS, LOGINS, RATES, REJECTED_ROWS
from gis.rejections import written_before
from gis.store import deletions, limits, reporters, subjects
from gis.store.deletions import Deletion


def delete_expired(tx: Tx, keep_days: Mapping[str, int], *, rejected_folder: Path, now: datetime, dry: bool = False) -> list[Deletion]:
    """Delete the logins that have been over for so many days, erase the contacts recorded so many days ago, remove the files of rejected
    rows so old, and the rates that say nothing any more. ``keep_days`` is by kind (`gis/personal_fields.py`).

    Returns what went, every kind, 0 included; all but the noughts is recorded in the same transaction. ``dry`` only counts. Of files
    only the number is said here: ``gis.rejections.remove`` removes them once the transaction has committed.
    """
    ends = {kind: now - timedelta(days=days) for kind, days in keep_days.items()}
    if dry:
        rows = {LOGINS: subjects.count_logins_before(tx, ends[LOGINS]), CONTACTS: reporters.count_before(tx, ends[CONTACTS]), RATES: 0}
    else:
        rows = {
            LOGINS: subjects.delete_logins_before(tx, ends[LOGINS]),
            CONTACTS: reporters.erase_before(tx, ends[CONTACTS], now=now),
            RATES: limits.clean(tx, now=now),
        }
    rows[REJECTED_ROWS] = len(written_before(rejected_folder, ends[REJECTED_ROWS]))
    done = [Deletion(kind, count, now, before=ends.get(kind)) for kind, count in rows.items()]
    if not dry:
        for one in done:
            if one.rows and one.kind != RATES:
                deletions.add(tx, one)
    return done
