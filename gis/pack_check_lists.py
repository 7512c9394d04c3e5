"""Judging the lists of a city pack: categories and owners."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gis.city_pack import CityPack, Source
from gis.errors import Finding
from gis.pack_check_rows import nul_bytes
from gis.pack_findings import Findings
from gis.pack_sources import owner_columns, read_categories, read_owners
from gis.pack_tables import read_table, texts
from gis.pack_times import Times, utc_times
from grids.unit_codes import is_checked

CATEGORY_KINDS = ("component", "matter")
"""What an incident can be about: a thing that stands there (部件) or a matter that comes up (事件)."""
ANSWERS_ON = ("segment", "area")
LEAD_KINDS = ("owner", "department")
POSTS = ("owner", "deputy")


def check_categories(folder: Path, pack: CityPack, found: Findings) -> frozenset[str] | None:
    """Judge the list of categories; gives its keys (kind:code), or None when it cannot be read."""
    frame = found.attempt(read_categories, folder, pack.categories)
    if frame is None:
        return None
    source = pack.categories.source
    if frame.empty:
        found.add(
            [
                on_row(
                    source,
                    slug="no-rows",
                    template="No row of the file belongs to {layer}.",
                    mend="Add at least one category.",
                    row=None,
                    layer="categories",
                )
            ]
        )
    found.add(nul_bytes(source.file, frame))
    found.add(_category_faults(source, frame, [level.key for level in pack.levels]))
    raw = read_table(folder, source, columns=[], optional=["duplicate_radius_m"])
    if "duplicate_radius_m" in raw:
        found.add(_radius_faults(source, texts(raw["duplicate_radius_m"]), frame))
    return frozenset(f"{kind}:{code}" for kind, code in zip(frame["kind"], frame["code"], strict=True))


def on_row(source: Source, row: int | None, *, slug: str, template: str, mend: str, **details: Any) -> Finding:
    """An error on one row of a list."""
    return Finding(slug, template, mend, file=source.file, row=row, details=details)


def _category_faults(source: Source, frame: pd.DataFrame, levels: list[str]) -> Iterator[Finding]:
    first: dict[tuple[Any, Any], int] = {}
    allowed = {"kind": CATEGORY_KINDS, "answers_on": ANSWERS_ON, "lead_kind": LEAD_KINDS, "lowest_level": tuple(levels)}
    for category in frame.to_dict("records"):
        row, key = int(category["row"]), (category["kind"], category["code"])
        if category["code"] is None:
            yield on_row(source, slug="no-code", template="The category has no code.", mend="Give every category its own code.", row=row)
        elif key in first:
            template = "Category {key} was already listed in row {first}."
            yield on_row(
                source,
                slug="duplicate-category",
                template=template,
                mend="Remove one of them.",
                row=row,
                key=f"{key[0]}:{key[1]}",
                first=first[key],
            )
        first.setdefault(key, row)
        for column, words in allowed.items():
            value = category[column]
            if value not in words and (value is not None or column == "kind"):
                template = "{column} of the category is {value!r}; it must be one of {words}."
                details = {"column": column, "value": value or "", "words": ", ".join(words)}
                yield on_row(source, slug="unknown-word", template=template, mend="Use one of these words.", row=row, **details)
        if not category["names"]:
            yield Finding(
                "no-name", "The category has no name in any language.", "Fill in its name.", file=source.file, row=row, severity="warning"
            )


def _radius_faults(source: Source, said: list[str | None], frame: pd.DataFrame) -> Iterator[Finding]:
    radius_m = frame["duplicate_radius_m"].to_numpy(dtype=float)
    for at, text in enumerate(said):
        if text is not None and not (np.isfinite(radius_m[at]) and radius_m[at] >= 0):
            template = "duplicate_radius_m is {value!r}; it must be a number of metres."
            yield on_row(source, slug="not-a-number", template=template, mend="Mend the row.", row=int(frame["row"].iloc[at]), value=text)


@dataclass(frozen=True)
class Codes:
    """What the duties of a pack may be of: codes of the lowest areas and drawn duty grids (None when they are not known), of areas
    above, of special units, and the codes that blocks are given; blocks and segments that are not drawn yet are known by their form."""

    lowest: frozenset[str] | None
    upper: frozenset[str] = frozenset()
    special_units: frozenset[str] = frozenset()
    blocks: frozenset[str] | None = None

    def known(self, code: str) -> bool:
        """Whether a place may have this code; True when the lowest areas are not known."""
        if self.lowest is None or code in self.lowest or code in self.upper or code in self.special_units:
            return True
        if _SEGMENT.fullmatch(code):
            return not _SIDE.fullmatch(code) or is_checked(code)
        if self.blocks is not None:
            return code in self.blocks
        return code[:12] in self.lowest if re.fullmatch(r"\d{15}", code) else bool(_BLOCK.fullmatch(code)) and is_checked(code)


_SEGMENT = re.compile(r".+-S-\d{4,}(-[LR][0-9A-Z])?")
_SIDE = re.compile(r".+-[LR][0-9A-Z]")
_BLOCK = re.compile(r".+-B-\d{4,}[0-9A-Z]")


def check_owners(folder: Path, pack: CityPack, found: Findings, *, codes: Codes) -> frozenset[str]:
    """Judge the list of owners and what they answer for; gives the owners' codes."""
    if pack.owners is None:
        return frozenset()
    frame = found.attempt(read_owners, folder, pack.owners, time_zone=pack.time_zone)
    if frame is None:
        return frozenset()
    source, column = pack.owners.source, owner_columns(pack.owners)
    raw = read_table(folder, source, columns=[], optional=[column["from"], column["to"]])
    for field in ("from", "to"):
        if column[field] in raw:
            said = pd.Series(texts(raw[column[field]]), dtype=object)
            found.add(time_faults(source, frame, said, utc_times(said, time_zone=pack.time_zone), zone=pack.time_zone))
    found.add(nul_bytes(source.file, frame))
    found.add(_owner_faults(source, frame, codes))
    found.add(_two_at_once(source, frame))
    if codes.lowest is not None:
        found.add(_without_owner(source, frame, codes.lowest))
    found.add(_special_units_without_owner(source, frame, codes.special_units))
    return frozenset(str(code) for code in frame["code"].dropna())


def time_faults(source: Source, frame: pd.DataFrame, said: pd.Series[Any], times: Times, *, zone: str) -> Iterator[Finding]:
    """The texts of a column that are no instants, of the rows of ``frame``."""
    for at in np.flatnonzero(times.fault()):
        template = "{time!r} is not a time in {zone}."
        details = {"time": said.iloc[at], "zone": zone}
        yield on_row(
            source,
            slug="bad-time",
            template=template,
            mend="Write times as 2026-11-24T08:30:00+08:00.",
            row=int(frame["row"].iloc[at]),
            **details,
        )


def _owner_faults(source: Source, frame: pd.DataFrame, codes: Codes) -> Iterator[Finding]:
    for owner in frame.to_dict("records"):
        row = int(owner["row"])
        for field in ("code", "name", "area"):
            if owner[field] is None:
                yield on_row(source, slug="empty-field", template="The owner has no {field}.", mend="Fill it in.", row=row, field=field)
        if owner["post"] not in POSTS:
            template = "The post is {post!r}; it must be owner or deputy."
            yield on_row(source, slug="unknown-post", template=template, mend="Use one of these words.", row=row, post=owner["post"])
        if owner["area"] is not None and not codes.known(owner["area"]):
            template = "Owner {owner} answers for {area}, but no area, duty grid, street unit or special unit has that code."
            yield on_row(
                source,
                slug="unknown-area",
                template=template,
                mend="Mend the code.",
                row=row,
                owner=owner["code"] or "",
                area=owner["area"],
            )
        if pd.notna(owner["from_at"]) and pd.notna(owner["to_at"]) and owner["from_at"] >= owner["to_at"]:
            yield on_row(
                source, slug="ends-before-it-begins", template="The duty ends before it begins.", mend="Mend the two times.", row=row
            )


def _two_at_once(source: Source, frame: pd.DataFrame) -> Iterator[Finding]:
    """Rows of post owner whose time begins before that of the one before them in the same place has ended."""
    held = frame[(frame["post"] == "owner") & frame["area"].notna()]
    for before, after in overlapping(held, by=["area"]):
        template = "Area {area} has two first owners at one time: {one} (row {first}) and {other}."
        mend = "Make one of them deputy, or give them times that follow each other."
        details = {"area": after["area"], "one": before["code"] or "", "first": int(before["row"]), "other": after["code"] or ""}
        yield on_row(source, slug="two-owners", template=template, mend=mend, row=int(after["row"]), **details)


def overlapping(frame: pd.DataFrame, *, by: list[str]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Pairs of rows that are alike in the columns ``by``, the second of which (by ``from_at``) begins before the first has ended."""
    rows = frame.sort_values("from_at", na_position="first", kind="stable").sort_values(by, kind="stable").to_dict("records")
    for _, followed in groupby(rows, key=itemgetter(*by)):
        for before, after in pairwise(followed):
            if pd.isna(before["to_at"]) or pd.isna(after["from_at"]) or after["from_at"] < before["to_at"]:
                yield {str(name): value for name, value in before.items()}, {str(name): value for name, value in after.items()}


def _without_owner(source: Source, frame: pd.DataFrame, codes: frozenset[str]) -> Iterator[Finding]:
    covered = set(frame.loc[frame["post"] == "owner", "area"].dropna())
    for code in sorted(codes - covered):
        yield Finding(
            "no-owner",
            "Nobody is first owner of area {code}.",
            "Add a row of post owner for it; else a generated owner is put there, and named so.",
            file=source.file,
            severity="warning",
            details={"code": code},
        )


def _special_units_without_owner(source: Source, frame: pd.DataFrame, codes: frozenset[str]) -> Iterator[Finding]:
    covered = set(frame.loc[frame["post"] == "owner", "area"].dropna())
    for code in sorted(codes - covered):
        yield Finding(
            "no-owner",
            "Nobody is first owner of special unit {code}.",
            "Add a row of post owner for it; else it is passed over, and the duty grid answers.",
            file=source.file,
            severity="warning",
            details={"code": code},
        )
