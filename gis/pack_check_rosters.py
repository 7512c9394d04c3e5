"""Judging what a city pack says over its ladder: special units, when owners are at work or away, which departments lead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from gis.city_pack import CityPack, Level, Source, SpecialUnits
from gis.errors import Finding
from gis.pack_check_areas import City
from gis.pack_check_lists import on_row, overlapping, time_faults
from gis.pack_check_rows import nul_bytes, on_area, row_faults, sound
from gis.pack_findings import Findings
from gis.pack_rosters import read_department_leads, read_departments, read_leaves, read_shifts
from gis.pack_sources import read_areas
from gis.pack_times import utc_times

_CLOCKS = ("from", "to")


def check_special_units(folder: Path, pack: CityPack, found: Findings, *, city: City, taken: frozenset[str]) -> frozenset[str]:
    """Judge the special units; gives their codes. ``taken`` are the codes of areas and drawn duty grids."""
    codes: set[str] = set()
    for part in pack.special_units:
        level = Level(key="special_unit", names={"en": "special unit", "zh": "专属单元"}, source=part.source, columns=part.columns)
        frame = found.attempt(read_areas, folder, level)
        if frame is None:
            continue
        found.add(row_faults(level, frame))
        whole = sound(frame.geometry.to_numpy())
        if len(city.shapes):
            outside = np.flatnonzero(whole)[~city.inside(frame.geometry.to_numpy()[whole])]
            found.add(
                on_area(
                    level,
                    frame,
                    at=at,
                    slug="outside-the-city",
                    template="Special unit {code} lies outside the city.",
                    mend="Check its datum and its place, or remove the row.",
                )
                for at in outside.tolist()
            )
        found.add(_codes_taken(part, frame, taken | codes))
        codes |= {str(code) for code in frame["code"].dropna()}
    return frozenset(codes)


def _codes_taken(part: SpecialUnits, frame: pd.DataFrame, taken: frozenset[str]) -> Iterator[Finding]:
    for code, row in zip(frame["code"], frame["row"], strict=True):
        if code in taken:
            template = "Code {code} of a special unit is that of another place already."
            yield on_row(part.source, int(row), slug="duplicate-code", template=template, mend="Give every place its own code.", code=code)


def check_rosters(folder: Path, pack: CityPack, found: Findings, *, owners: frozenset[str]) -> None:
    """Judge shifts and leave; ``owners`` are the codes of the list of owners."""
    if pack.shifts is not None and (frame := found.attempt(read_shifts, folder, pack.shifts)) is not None:
        found.add(nul_bytes(pack.shifts.source.file, frame))
        found.add(_owners_named(pack.shifts.source, frame, owners))
        found.add(_shift_faults(pack.shifts.source, frame))
    if pack.leaves is not None and (frame := found.attempt(read_leaves, folder, pack.leaves, time_zone=pack.time_zone)) is not None:
        found.add(nul_bytes(pack.leaves.source.file, frame))
        found.add(_owners_named(pack.leaves.source, frame, owners))
        found.add(_period_faults(pack.leaves.source, frame, zone=pack.time_zone))
        for row in frame.loc[frame["from"].isna() & frame["to"].isna(), "row"]:
            template, mend = "The leave has neither a beginning nor an end.", "Fill in from, to, or both."
            found.add([on_row(pack.leaves.source, int(row), slug="empty-field", template=template, mend=mend)])


def _owners_named(source: Source, frame: pd.DataFrame, owners: frozenset[str]) -> Iterator[Finding]:
    for owner, row in zip(frame["owner"], frame["row"], strict=True):
        if owner not in owners:
            template = "The row names owner {owner!r}, who is not in the list of owners."
            yield on_row(
                source, int(row), slug="unknown-owner", template=template, mend="Mend the code, or add the owner.", owner=owner or ""
            )


def _shift_faults(source: Source, frame: pd.DataFrame) -> Iterator[Finding]:
    for shift in frame.to_dict("records"):
        row = int(shift["row"])
        if not shift["weekdays"]:
            template, mend = "{days!r} are no days of the week.", "Write days like mon-fri or mon wed fri."
            yield on_row(source, row, slug="bad-days", template=template, mend=mend, days=shift["days"] or "")
        for field in _CLOCKS:
            if shift[f"{field}_time"] is None:
                template, mend = "{time!r} is no time of day.", "Write times like 08:30; a shift may end at 24:00 or on the next day."
                yield on_row(source, row, slug="bad-clock", template=template, mend=mend, time=shift[field] or "")


def _period_faults(source: Source, frame: pd.DataFrame, *, zone: str) -> Iterator[Finding]:
    for field in _CLOCKS:
        yield from time_faults(source, frame, frame[field], utc_times(frame[field], time_zone=zone), zone=zone)
    ends_first = frame["from_at"].notna() & frame["to_at"].notna() & (frame["from_at"] >= frame["to_at"])
    for row in frame.loc[ends_first, "row"]:
        yield on_row(source, int(row), slug="ends-before-it-begins", template="It ends before it begins.", mend="Mend the two times.")


def check_departments(folder: Path, pack: CityPack, found: Findings, *, keys: frozenset[str] | None, areas: frozenset[str] | None) -> None:
    """Judge departments and what they lead; ``keys`` are those of the categories, ``areas`` the codes of all areas, None when not known."""
    if pack.departments is None:
        return
    frame = found.attempt(read_departments, folder, pack.departments)
    if frame is None:
        return
    found.add(nul_bytes(pack.departments.source.file, frame))
    found.add(_department_faults(pack.departments.source, frame))
    if pack.department_leads is None:
        return
    leads = found.attempt(read_department_leads, folder, pack.department_leads, time_zone=pack.time_zone)
    if leads is not None:
        source = pack.department_leads.source
        found.add(nul_bytes(source.file, leads))
        found.add(_lead_faults(source, leads, frozenset(frame["code"].dropna()), keys, areas))
        found.add(_period_faults(source, leads, zone=pack.time_zone))
        found.add(_two_leaders(source, leads))


def _department_faults(source: Source, frame: pd.DataFrame) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for code, names, row in zip(frame["code"], frame["names"], frame["row"], strict=True):
        if code is None:
            yield on_row(
                source, int(row), slug="no-code", template="The department has no code.", mend="Give every department its own code."
            )
        elif code in first:
            template = "Department {code} was already listed in row {first}."
            yield on_row(
                source, int(row), slug="duplicate-code", template=template, mend="Remove one of them.", code=code, first=first[code]
            )
        first.setdefault(code, int(row))
        if not names:
            template, mend = "The department has no name in any language.", "Fill in its name."
            yield Finding("no-name", template, mend, file=source.file, row=int(row), severity="warning")


def _lead_faults(
    source: Source, frame: pd.DataFrame, departments: frozenset[str], keys: frozenset[str] | None, areas: frozenset[str] | None
) -> Iterator[Finding]:
    for lead in frame.to_dict("records"):
        row = int(lead["row"])
        if lead["department"] not in departments:
            template, mend = "There is no department {department!r} in the list of departments.", "Mend the code, or add the department."
            yield on_row(source, row, slug="unknown-department", template=template, mend=mend, department=lead["department"] or "")
        if keys is not None and not _is_category(lead["category"] or "", keys):
            template, mend = (
                "{category!r} is no category, and no beginning of one with a * after it.",
                "Write kind:code, or a class like matter:06*.",
            )
            yield on_row(source, row, slug="unknown-category", template=template, mend=mend, category=lead["category"] or "")
        if areas is not None and lead["area"] is not None and lead["area"] not in areas:
            template, mend = "No area has the code {area!r}.", "Mend the code, or leave it empty for the whole city."
            yield on_row(source, row, slug="unknown-area", template=template, mend=mend, area=lead["area"])


def _is_category(said: str, keys: frozenset[str]) -> bool:
    if said.endswith("*"):
        return ":" in said and any(key.startswith(said[:-1]) for key in keys)
    return said in keys


def _two_leaders(source: Source, frame: pd.DataFrame) -> Iterator[Finding]:
    held = frame[frame["category"].notna()].assign(area=frame["area"].fillna(""))
    for before, after in overlapping(held, by=["category", "area"]):
        template = "Two departments lead {category} at one time: {one} (row {first}) and {other}."
        mend = "Take one of them out, or give them times that follow each other."
        details = {"category": after["category"], "one": before["department"] or "", "first": int(before["row"])}
        yield on_row(
            source, int(after["row"]), slug="two-departments", template=template, mend=mend, other=after["department"] or "", **details
        )
