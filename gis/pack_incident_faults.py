"""What may be wrong with a row of an incident history, in words; a row with a fault is left out, never the file."""

from __future__ import annotations

from typing import Any

import numpy as np

from gis.city_pack import IncidentHistory
from gis.errors import Finding


def _of_row(history: IncidentHistory, row: int, *, slug: str, template: str, mend: str, **details: Any) -> Finding:
    return Finding(slug, template, mend, file=history.source.file, row=row, severity="warning", details=details)


def time_fault(history: IncidentHistory, row: int, *, time: str, zone: str, twice: bool, never: bool) -> Finding:
    """A time that is none, that ``zone`` had twice, or that it never had."""
    if twice:
        return _of_row(
            history,
            slug="ambiguous-time",
            template="{time} happened twice in {zone}: clocks were put back.",
            mend="Add the offset from UTC to the time.",
            row=row,
            time=time,
            zone=zone,
        )
    if never:
        return _of_row(
            history,
            slug="nonexistent-time",
            template="{time} never happened in {zone}: clocks were put forward.",
            mend="Mend the time, or set time_zone of this history to the zone it was written in.",
            row=row,
            time=time,
            zone=zone,
        )
    return _of_row(
        history,
        slug="bad-time",
        template="{time!r} is not a time.",
        mend="Write times as 2026-11-24T08:30:00+08:00, or set date_format of this history.",
        row=row,
        time=time,
    )


def category_fault(history: IncidentHistory, row: int, *, value: str) -> Finding:
    """A category that the pack does not list."""
    return _of_row(
        history,
        slug="unknown-category",
        template="Category {value!r} is not known.",
        mend="Map it to a key (kind:code) in categories of this history, or add it to the pack's categories.",
        row=row,
        value=value,
    )


def place_fault(
    history: IncidentHistory, row: int, *, lon: float, lat: float, said: str, given: bool, swapped: bool, foreign: bool
) -> Finding:
    """A place that is none: ``said`` is what the row says, ``lon`` and ``lat`` how it reads, NaN where it does not."""
    if swapped:
        return _of_row(
            history,
            slug="swapped-coordinates",
            template="lon {lon}, lat {lat} is far away, but with the two changed round it lies in the city.",
            mend="Longitude comes first: change the two columns round.",
            row=row,
            lon=lon,
            lat=lat,
        )
    if not given:
        return _of_row(
            history,
            slug="no-place",
            template="The row has neither coordinates nor an address.",
            mend="Add one of the two, or leave the row out.",
            row=row,
        )
    if foreign:
        return _of_row(
            history,
            slug="datum-outside-its-country",
            template="lon {lon}, lat {lat} cannot be in {datum}: that datum only exists in mainland China.",
            mend="Declare the datum that was used to measure it, most likely wgs84.",
            row=row,
            lon=lon,
            lat=lat,
            datum=history.source.datum,
        )
    if not np.isfinite([lon, lat]).all():
        return _of_row(
            history,
            slug="not-a-number",
            template="The coordinates {said} are not numbers.",
            mend="Mend the row.",
            row=row,
            said=said,
        )
    return _of_row(
        history,
        slug="bad-coordinate",
        template="lon {lon}, lat {lat} is not a place on the globe.",
        mend="Longitude runs from -180 to 180 and comes first; latitude runs from -90 to 90.",
        row=row,
        lon=lon,
        lat=lat,
    )


def nul_byte(history: IncidentHistory, row: int) -> Finding:
    """A text that no database takes."""
    return _of_row(
        history,
        slug="nul-byte",
        template="The row holds a NUL byte, which no text may.",
        mend="Export the file again as text.",
        row=row,
    )


def no_id(history: IncidentHistory, row: int) -> Finding:
    """A row that cannot be told from others."""
    return _of_row(history, slug="no-id", template="The row has no id.", mend="Give each row an id that no other row has.", row=row)


def duplicate_id(history: IncidentHistory, row: int, *, id: str, first: int) -> Finding:
    """A row whose id row ``first`` has too."""
    return _of_row(
        history,
        slug="duplicate-id",
        template="Id {id!r} was already used in row {first}; that row is kept, this one is not.",
        mend="Give each row an id that no other row has.",
        row=row,
        id=id,
        first=first,
    )
