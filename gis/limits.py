"""How often something may be done: the rule, and its state in a file that all processes of one data folder share.

The rule is GCRA (the generic cell rate algorithm, ITU-T I.371) as pyrate-limiter has it: one number a key says when the key may do
everything at once again, and the wait of a refusal follows from it exactly. That library's own stores do not fit: for SQLite and
PostgreSQL they keep a table for each key and a row for each request, and lock the table. Here a key is one row.

What must hold on every machine of one database (log-in attempts) is kept there, by `gis/store/limits.py`.
"""

from __future__ import annotations

import math
import sqlite3
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock

from pyrate_limiter import GCRA, Rate

_GCRA = GCRA()
_CLEANED_EVERY = 4_096
_PATIENCE_S = 0.05
_SCHEMA = """
CREATE TABLE IF NOT EXISTS rate_limit (kind TEXT NOT NULL, key BLOB NOT NULL, full_us INTEGER NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rate_refusal (kind TEXT PRIMARY KEY, refused INTEGER NOT NULL) WITHOUT ROWID;
"""
_READ = "SELECT full_us FROM rate_limit WHERE kind = ? AND key = ?"
_WRITE = "INSERT INTO rate_limit VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET full_us = excluded.full_us"
_COUNT = "INSERT INTO rate_refusal VALUES (?, 1) ON CONFLICT (kind) DO UPDATE SET refused = refused + 1"


@dataclass(frozen=True)
class Limit:
    """At most ``many`` in ``each_s`` seconds; ``at_once`` of them without a pause. ``kind`` names what is limited."""

    kind: str
    many: int
    each_s: int
    at_once: int

    def step(self, full_us: int, now: datetime) -> tuple[int, float]:
        """One more at ``now``, for a key whose state is ``full_us`` (0: never seen): its new state, and the seconds to wait, 0 when
        it is allowed. A refusal leaves the state as it is.

        A state from the future (a clock that was put back, a limit that was stricter) counts as one that is used up now.
        """
        rate = Rate(self.many, self.each_s * 1_000, burst=self.at_once)
        now_ms = int(now.timestamp() * 1_000)
        longest_us = self.at_once * math.ceil(self.each_s * 1_000_000 / self.many)
        (after,), decision = _GCRA.step([rate], (min(full_us, now_ms * 1_000 + longest_us),), now_ms, 1)
        return int(after), 0.0 if decision.allowed else (decision.retry_after_ms or 1) / 1_000


@dataclass
class LocalLimits:
    """The states of keys in one file of the data folder, for every process that opens it; to be closed.

    Nothing is forced to the disk: a killed process loses nothing, and after a crash of the machine the file may be damaged, in
    which case it is begun anew. Opened by the first use, so that a process that was forked off has a connection of its own.
    """

    path: Path
    _connection: sqlite3.Connection | None = None
    _lock: Lock = field(default_factory=Lock)
    _taken: int = 0

    def take(self, limit: Limit, key: bytes, *, now: datetime) -> float:
        """Take one for ``key`` and return 0, or return the seconds to wait. Raises ``sqlite3.Error`` or
        ``OSError`` when the file cannot be used; the data folder itself must be there already."""
        with self._lock:
            connection = self._opened()
            connection.execute("BEGIN IMMEDIATE")
            try:
                row = connection.execute(_READ, (limit.kind, key)).fetchone()
                full_us, wait_s = limit.step(row[0] if row else 0, now)
                if wait_s:
                    connection.execute(_COUNT, (limit.kind,))
                else:
                    connection.execute(_WRITE, (limit.kind, key, full_us))
                self._taken += 1
                if self._taken % _CLEANED_EVERY == 0:
                    connection.execute("DELETE FROM rate_limit WHERE full_us < ?", (int(now.timestamp() * 1_000_000),))
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
            return wait_s

    def refused(self) -> dict[str, int]:
        """How many of each kind were refused since the file was made."""
        with self._lock:
            return dict(self._opened().execute("SELECT kind, refused FROM rate_refusal ORDER BY kind").fetchall())

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self.path.parent.mkdir(mode=0o700, exist_ok=True)
            try:
                self._connection = _open(self.path)
            except sqlite3.OperationalError:
                raise  # in use, or no room: not damaged
            except sqlite3.DatabaseError:
                for ending in ("", "-wal", "-shm"):
                    self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
                self._connection = _open(self.path)
        return self._connection


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(_SCHEMA)
        connection.execute("SELECT count(*) FROM rate_limit").fetchone()
    except BaseException:
        with suppress(sqlite3.Error):
            connection.close()
        raise
    return connection
