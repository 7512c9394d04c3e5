"""Times in a city pack's tables: text with or without a zone to UTC instants, and why a text is not one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

# A zone can only follow a time of day; the dashes of a date alone are no offset.
_ZONE = re.compile(r"[T ]\d.*(?:Z|[+-]\d\d(?::?\d\d)?)\s*$", re.IGNORECASE)


def utc_times(column: pd.Series[Any], *, time_zone: str, date_format: str | None = None) -> Times:
    """The instants of a column of text (or of times that the file already holds as such).

    Text is ISO 8601, or ``date_format`` as strptime takes it. A text without a zone is local time in ``time_zone``;
    when clocks go back such a time may happen twice and when they go forward it may not happen at all, and either
    is no instant. Missing and empty values are NaT and no fault. Raises ``ValueError`` when ``date_format`` itself is not one.
    """
    if pd.api.types.is_datetime64_any_dtype(column):
        return _of_times(column, time_zone)
    text = column.where(column.notna(), "").astype(str).str.strip()
    given = text != ""
    zoned = text.map(lambda value: "%z" in date_format if date_format else _ZONE.search(value) is not None).astype(bool)
    asked = date_format or "ISO8601"
    at = pd.Series(pd.NaT, index=column.index, dtype="datetime64[us, UTC]")
    wrong, twice, never = (pd.Series(False, index=column.index) for _ in range(3))
    some = given & zoned
    if some.any():
        at[some] = pd.to_datetime(text[some], format=asked, utc=True, errors="coerce").astype("datetime64[us, UTC]")
        wrong[some] = at[some].isna()
    some = given & ~zoned
    if some.any():
        found = _of_times(pd.to_datetime(text[some], format=asked, errors="coerce"), time_zone)
        at[some], twice[some], never[some] = found.at, found.twice, found.never
        wrong[some] = found.at.isna() & ~found.twice & ~found.never
    return Times(at=at, wrong=wrong, twice=twice, never=never)


def _of_times(column: pd.Series[Any], time_zone: str) -> Times:
    none = pd.Series(False, index=column.index)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return Times(at=column.dt.tz_convert("UTC").astype("datetime64[us, UTC]"), wrong=none, twice=none, never=none)
    zone = ZoneInfo(time_zone)
    local = column.astype("datetime64[us]")
    at = local.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    lost = at.isna() & local.notna()
    twice, never = none.copy(), none.copy()
    if lost.any():
        shifted = local[lost].dt.tz_localize(zone, ambiguous="NaT", nonexistent="shift_forward")
        twice[lost], never[lost] = shifted.isna(), shifted.notna()
    return Times(at=at.dt.tz_convert("UTC").astype("datetime64[us, UTC]"), wrong=none, twice=twice, never=never)


@dataclass(frozen=True)
class Times:
    """Instants in UTC, NaT where there is none, and which texts are no time, happen twice, or never happen."""

    at: pd.Series[Any]
    wrong: pd.Series[bool]
    twice: pd.Series[bool]
    never: pd.Series[bool]

    def fault(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which values are given and are no instant."""
        return (self.wrong | self.twice | self.never).to_numpy()
