"""What a city pack says of when owners are at work, when they are away, and which departments lead: rows of its files.

Like `gis/pack_sources.py`: text or None as the files have it, what is no time is NaT or None here and a finding of the check.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import Any

import pandas as pd

from gis.city_pack import DepartmentLeads, Departments, Leaves, Shifts, Source
from gis.pack_tables import names_of, read_table, texts
from gis.pack_times import utc_times

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_OR_DAYS = re.compile(r"({0})[a-z]*(?:-({0})[a-z]*)?".format("|".join(_DAYS)))
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)(?::00)?")


def read_shifts(folder: Path, shifts: Shifts) -> pd.DataFrame:
    """When owners are at work: owner, days, from, to as text; weekdays (Monday is 1; () where days cannot be read), from_time,
    to_time (None where it is no time of day; 24:00 is the midnight that ends a day), row."""
    frame = _read(folder, shifts.source, shifts.columns, ("owner", "days", "from", "to"))
    frame["weekdays"] = pd.Series([weekdays(said or "") for said in frame["days"]], dtype=object, index=frame.index)
    frame["from_time"] = pd.Series([clock(said or "") for said in frame["from"]], dtype=object, index=frame.index)
    frame["to_time"] = pd.Series([clock(said or "", ends=True) for said in frame["to"]], dtype=object, index=frame.index)
    return frame


def read_leaves(folder: Path, leaves: Leaves, *, time_zone: str) -> pd.DataFrame:
    """When owners are away: owner, from, to as text; from_at, to_at (UTC, NaT where open), row."""
    return _timed(_read(folder, leaves.source, leaves.columns, ("owner", "from", "to")), time_zone)


def read_departments(folder: Path, departments: Departments) -> pd.DataFrame:
    """The departments: code, names, row."""
    found = read_table(folder, departments.source, columns=["code", *departments.names.values()])
    data = {"code": texts(found["code"]), "names": names_of(found, departments.names)}
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in data.items()} | {"row": found.index.to_numpy()})


def read_department_leads(folder: Path, leads: DepartmentLeads, *, time_zone: str) -> pd.DataFrame:
    """Which department leads what: department, category, area, from, to as text; from_at, to_at (UTC, NaT where open), row."""
    fields = ("department", "category", "area", "from", "to")
    return _timed(_read(folder, leads.source, leads.columns, fields, optional=("area", "from", "to")), time_zone)


def weekdays(said: str) -> tuple[int, ...]:
    """The days (Monday is 1) of a text like ``mon-fri``, ``sat sun`` or ``mon, wed-fri``; () when it is none."""
    days: list[int] = []
    for part in re.split(r"[\s,;/]+", said.strip().lower()):
        found = _DAY_OR_DAYS.fullmatch(part)
        if found is None:
            return ()
        start, end = _DAYS.index(found[1]), _DAYS.index(found[2] or found[1])
        days += [(start + step) % 7 + 1 for step in range((end - start) % 7 + 1)]
    return tuple(sorted(set(days)))


def clock(said: str, *, ends: bool = False) -> time | None:
    """The time of day of a text like ``08:30``, None when it is none; 24:00 only where something ``ends``."""
    found = _CLOCK.fullmatch(said.strip())
    if found is None:
        return None
    hours, minutes = int(found[1]), int(found[2])
    if hours == 24:
        return time(0, 0) if ends and minutes == 0 else None
    return time(hours, minutes)


def _read(
    folder: Path, source: Source, columns: Mapping[Any, str], fields: tuple[str, ...], *, optional: tuple[str, ...] = ()
) -> pd.DataFrame:
    """The fields of a table by their own names; a column that the pack names must be there."""
    of = {field: columns.get(field, field) for field in fields}
    asked = [name for field, name in of.items() if field not in optional or field in columns]
    found = read_table(folder, source, columns=asked, optional=[of[field] for field in optional])
    nothing: list[str | None] = [None] * len(found)
    data = {field: pd.Series(texts(found[name]) if name in found else nothing, dtype=object) for field, name in of.items()}
    return pd.DataFrame(data | {"row": found.index.to_numpy()})


def _timed(frame: pd.DataFrame, time_zone: str) -> pd.DataFrame:
    for field in ("from", "to"):
        frame[f"{field}_at"] = utc_times(frame[field], time_zone=time_zone).at
    return frame
