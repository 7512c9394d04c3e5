"""What may be wrong with a row of an incident history, in words; a row with a fault is left out, never the file.

Each kind of fault has a table: the first entry whose test holds for what the row says is told of it. A finding's details are
those that its sentences name.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gis.city_pack import IncidentHistory
from gis.errors import Finding


@dataclass(frozen=True)
class _Fault:
    """A fault in words, and whether what a row says has it."""

    slug: str
    template: str
    mend: str
    test: Callable[[dict[str, Any]], bool] = lambda _: True


_TIME = (
    _Fault(
        "ambiguous-time",
        template="{time} happened twice in {zone}: clocks were put back.",
        mend="Add the offset from UTC to the time.",
        test=lambda said: said["twice"],
    ),
    _Fault(
        "nonexistent-time",
        template="{time} never happened in {zone}: clocks were put forward.",
        mend="Mend the time, or set time_zone of this history to the zone it was written in.",
        test=lambda said: said["never"],
    ),
    _Fault(
        "bad-time",
        template="{time!r} is not a time.",
        mend="Write times as 2026-11-24T08:30:00+08:00, or set date_format of this history.",
    ),
)
_CATEGORY = (
    _Fault(
        "unknown-category",
        template="Category {value!r} is not known.",
        mend="Map it to a key (kind:code) in categories of this history, or add it to the pack's categories.",
    ),
)
_PLACE = (
    _Fault(
        "swapped-coordinates",
        template="lon {lon}, lat {lat} is far away, but with the two changed round it lies in the city.",
        mend="Longitude comes first: change the two columns round.",
        test=lambda said: said["swapped"],
    ),
    _Fault(
        "no-place",
        template="The row has neither coordinates nor an address.",
        mend="Add one of the two, or leave the row out.",
        test=lambda said: not said["given"],
    ),
    _Fault(
        "datum-outside-its-country",
        template="lon {lon}, lat {lat} cannot be in {datum}: that datum only exists in mainland China.",
        mend="Declare the datum that was used to measure it, most likely wgs84.",
        test=lambda said: said["foreign"],
    ),
    _Fault(
        "not-a-number",
        template="The coordinates {said} are not numbers.",
        mend="Mend the row.",
        test=lambda said: not np.isfinite([said["lon"], said["lat"]]).all(),
    ),
    _Fault(
        "bad-coordinate",
        template="lon {lon}, lat {lat} is not a place on the globe.",
        mend="Longitude runs from -180 to 180 and comes first; latitude runs from -90 to 90.",
    ),
)
_NUL_BYTE = (_Fault("nul-byte", template="The row holds a NUL byte, which no text may.", mend="Export the file again as text."),)
_NO_ID = (_Fault("no-id", template="The row has no id.", mend="Give each row an id that no other row has."),)
_DUPLICATE_ID = (
    _Fault(
        "duplicate-id",
        template="Id {id!r} was already used in row {first}; that row is kept, this one is not.",
        mend="Give each row an id that no other row has.",
    ),
)


def time_fault(history: IncidentHistory, row: int, *, time: str, zone: str, twice: bool, never: bool) -> Finding:
    """A time that is none, that ``zone`` had twice, or that it never had."""
    return _first_of(_TIME, history, row, time=time, zone=zone, twice=twice, never=never)


def category_fault(history: IncidentHistory, row: int, *, value: str) -> Finding:
    """A category that the pack does not list."""
    return _first_of(_CATEGORY, history, row, value=value)


def place_fault(
    history: IncidentHistory, row: int, *, lon: float, lat: float, said: str, given: bool, swapped: bool, foreign: bool
) -> Finding:
    """A place that is none: ``said`` is what the row says, ``lon`` and ``lat`` how it reads, NaN where it does not."""
    datum = history.source.datum
    return _first_of(_PLACE, history, row, lon=lon, lat=lat, said=said, datum=datum, given=given, swapped=swapped, foreign=foreign)


def nul_byte(history: IncidentHistory, row: int) -> Finding:
    """A text that no database takes."""
    return _first_of(_NUL_BYTE, history, row)


def no_id(history: IncidentHistory, row: int) -> Finding:
    """A row that cannot be told from others."""
    return _first_of(_NO_ID, history, row)


def duplicate_id(history: IncidentHistory, row: int, *, id: str, first: int) -> Finding:
    """A row whose id row ``first`` has too."""
    return _first_of(_DUPLICATE_ID, history, row, id=id, first=first)


def _first_of(faults: tuple[_Fault, ...], history: IncidentHistory, row: int, **told: Any) -> Finding:
    """The first of ``faults`` whose test holds for what is told of the row; that of the last one always does."""
    fault = next(fault for fault in faults if fault.test(told))
    named = {name for _, name, _, _ in string.Formatter().parse(fault.template)}
    details = {name: value for name, value in told.items() if name in named}
    return Finding(fault.slug, fault.template, fault.mend, file=history.source.file, row=row, severity="warning", details=details)
