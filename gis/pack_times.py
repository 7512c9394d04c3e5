"""Times in a city pack's tables: text with or without a zone to UTC instants, and why a text is not one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from gis.pack_tables import text_array

ISO = "ISO8601"
"""The format that stands for ISO 8601 in all its lengths; what a column without a format is read by."""

# A zone can only follow a time of day; the dashes of a date alone are no offset.
_ZONE = r"[T ]\d.*(?:Z|[+-]\d\d(?::?\d\d)?)\s*$"
_TIME_OF_DAY = r"[T ]\d"
# The parts of a strptime format that say a time of day.
_CLOCK = re.compile(r"%-?[HIMSpfcXTRs]")


def utc_times(column: pd.Series[Any], *, time_zone: str, date_format: str | Sequence[str] | None = None) -> Times:
    """The instants of a column of text (or of times that the file already holds as such).

    Text is ISO 8601, or ``date_format`` as strptime takes it; of several formats the first that fits a text is taken. A text
    without a zone is local time in ``time_zone``; when clocks go back such a time may happen twice and when they go
    forward it may not happen at all, and either is no instant. A day without a time of day is its first instant, and
    said to be only a day; so is a midnight without a zone in a column that holds times as such, where nothing else
    could tell. Missing and empty values are NaT and no fault. Raises ``ValueError`` when a format itself is not one.
    """
    if pd.api.types.is_datetime64_any_dtype(column):
        return _of_times(column, time_zone)
    said = text_array(column)
    text = pd.Series(said.to_pandas().to_numpy(dtype=object), index=column.index, dtype=object)
    at = pd.Series(pd.NaT, index=column.index, dtype="datetime64[us, UTC]")
    twice, never, day_only = (pd.Series(False, index=column.index) for _ in range(3))
    given = pd.Series(said.is_valid().to_numpy(zero_copy_only=False), index=column.index)
    left = given.copy()
    for asked in (date_format,) if isinstance(date_format, str) else date_format or (ISO,):
        zoned = _matching(said, _ZONE, column) if asked == ISO else pd.Series("%z" in asked, index=column.index)
        timed = _matching(said, _TIME_OF_DAY, column) if asked == ISO else pd.Series(_CLOCK.search(asked) is not None, index=column.index)
        for some in (left & zoned, left & ~zoned):
            if some.any():
                found = _of_text(text[some], asked, time_zone, zoned=bool(zoned[some].iloc[0]))
                at[some], twice[some], never[some] = found.at, found.twice, found.never
        done = at.notna() | twice | never
        day_only |= left & done & ~timed
        left &= ~done
        if not left.any():
            break
    return Times(at=at, wrong=left, twice=twice, never=never, day_only=day_only)


def _matching(said: Any, pattern: str, column: pd.Series[Any]) -> pd.Series[bool]:
    found = pc.fill_null(pc.match_substring_regex(said, pattern, ignore_case=True), False)
    return pd.Series(found.to_numpy(zero_copy_only=False), index=column.index)


def _of_text(text: pd.Series[Any], asked: str, time_zone: str, *, zoned: bool) -> Times:
    if not zoned:
        return _of_times(pd.to_datetime(text, format=asked, errors="coerce"), time_zone)
    at = pd.to_datetime(text, format=asked, utc=True, errors="coerce").astype("datetime64[us, UTC]")
    none = pd.Series(False, index=text.index)
    return Times(at=at, wrong=none, twice=none, never=none, day_only=none)


def _of_times(column: pd.Series[Any], time_zone: str) -> Times:
    none = pd.Series(False, index=column.index)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return Times(at=column.dt.tz_convert("UTC").astype("datetime64[us, UTC]"), wrong=none, twice=none, never=none, day_only=none)
    zone = ZoneInfo(time_zone)
    local = column.astype("datetime64[us]")
    at = local.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    lost = at.isna() & local.notna()
    twice, never = none.copy(), none.copy()
    if lost.any():
        shifted = local[lost].dt.tz_localize(zone, ambiguous="NaT", nonexistent="shift_forward")
        twice[lost], never[lost] = shifted.isna(), shifted.notna()
    day_only = local == local.dt.normalize()
    return Times(at=at.dt.tz_convert("UTC").astype("datetime64[us, UTC]"), wrong=none, twice=twice, never=never, day_only=day_only)


@dataclass(frozen=True)
class Times:
    """Instants in UTC, NaT where there is none; which texts are no time, happen twice, or never happen; which name only a day."""

    at: pd.Series[Any]
    wrong: pd.Series[bool]
    twice: pd.Series[bool]
    never: pd.Series[bool]
    day_only: pd.Series[bool]

    def fault(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which values are given and are no instant."""
        return (self.wrong | self.twice | self.never).to_numpy()
