"""A city pack: a folder with `city.toml` and the files it names. A city is data, never code.

This module holds the shape of `city.toml` (of the parts in `gis/city_pack_parts.py`) and reads it. The files themselves are
read by `gis/pack_sources.py` and judged by `gis/pack_check.py`. docs/city-packs.md explains every field; its JSON Schema is
made from these models.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator
from pyproj import CRS
from pyproj.exceptions import CRSError

from gis.city_pack_parts import (
    AreaColumns,
    Backdrop,
    Barrier,
    Blocks,
    Calendar,
    Categories,
    DepartmentLeads,
    Departments,
    Generated,
    GivenBlocks,
    IncidentColumns,
    IncidentHistory,
    Key,
    Leaves,
    Level,
    Names,
    Owners,
    Part,
    RoadColumns,
    Roads,
    Shifts,
    Source,
    SpecialUnits,
    Zone,
    fault,
)
from gis.errors import BadPack, Finding
from gis.validation import template_of
from grids.dispatch import OVERLAY_LEVELS

__all__ = [
    "AreaColumns",
    "Backdrop",
    "Barrier",
    "Blocks",
    "Categories",
    "CityPack",
    "DepartmentLeads",
    "Departments",
    "Generated",
    "GivenBlocks",
    "IncidentColumns",
    "IncidentHistory",
    "Leaves",
    "Level",
    "Owners",
    "RoadColumns",
    "Roads",
    "Shifts",
    "Source",
    "SpecialUnits",
    "city_toml_schema",
    "digest_of",
    "parse_city_toml",
    "read_city_toml",
]


class CityPack(Part):
    """All of `city.toml`."""

    format: Literal[1]
    code: Key
    names: Names
    notice: dict[str, str] = Field(
        default_factory=dict, description="What of this pack is generated, by language; shown on screen and printed."
    )
    time_zone: Zone
    languages: Annotated[list[str], Field(min_length=1)]
    metric_crs: str = Field(description="Projected CRS in metres whose area of use covers the city, for example EPSG:32651.")
    cell_resolution: int = Field(default=10, ge=7, le=12)
    attribution: str = ""
    licence: str = ""
    levels: Annotated[list[Level], Field(min_length=2, max_length=6)]
    roads: Roads
    barriers: list[Barrier] = Field([])
    blocks: Blocks = Blocks()
    backdrop: list[Backdrop] = Field([])
    special_units: list[SpecialUnits] = Field([])
    owners: Owners | None = None
    shifts: Shifts | None = None
    leaves: Leaves | None = None
    categories: Categories
    departments: Departments | None = None
    department_leads: DepartmentLeads | None = None
    calendar: Calendar | None = None
    incidents: list[IncidentHistory] = Field([])
    generated: Generated | None = None

    @field_validator("metric_crs")
    @classmethod
    def _in_metres(cls, name: str) -> str:
        try:
            crs = CRS.from_user_input(name)
        except CRSError as error:
            raise fault(template="{name!r} is not a CRS that PROJ knows.", name=name) from error
        if not crs.is_projected or crs.axis_info[0].unit_name != "metre":
            raise fault(template="{name!r} is not a projected CRS in metres.", name=name)
        return name

    @model_validator(mode="after")
    def _a_ladder(self) -> CityPack:
        keys = [level.key for level in self.levels]
        if len(set(keys)) != len(keys):
            raise fault(template="Two levels have the same key.")
        kinds = [level.kind for level in self.levels]
        if kinds.count("duty_grid") != 1 or kinds[-1] != "duty_grid":
            raise fault(template="The ladder's last level, and only that, is of kind duty_grid.")
        if self.levels[-2].source is None:
            raise fault(template="The lowest area level needs polygons.")
        for level, below in pairwise(self.area_levels):
            if level.derived is not None and (below.source is None or below.columns.parent is None):
                raise fault(
                    template="Level {key!r} is derived, so level {below!r} needs polygons and a column with the code of the area above.",
                    key=level.key,
                    below=below.key,
                )
        return self

    @model_validator(mode="after")
    def _distinct(self) -> CityPack:
        for level in self.levels:
            if level.key in OVERLAY_LEVELS.values():
                raise fault(template="{key!r} is a word for places over the ladder and no key of a level.", key=level.key)
        if self.department_leads is not None and self.departments is None:
            raise fault(template="department_leads needs departments: the list of departments and their names.")
        histories = [history.key for history in self.incidents]
        if len(set(histories)) != len(histories):
            raise fault(template="Two incident histories have the same key.")
        return self

    @property
    def area_levels(self) -> list[Level]:
        """The levels of areas, the city first."""
        return [level for level in self.levels if level.kind == "area"]


def city_toml_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of `city.toml`, kept as docs/city-pack.schema.json for editors that complete and check TOML."""
    schema = CityPack.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Wangge city pack",
        **{k: v for k, v in schema.items() if k != "title"},
    }


def read_city_toml(folder: Path) -> CityPack:
    """The pack described by ``folder/city.toml``.

    Raises ``BadPack`` with one finding for each thing that is missing or wrong; nothing but `city.toml` is read.
    """
    path = folder / "city.toml"
    if not path.is_file():
        template, mend = "There is no city.toml in {folder}.", "Name the folder that holds the pack."
        raise BadPack(str(folder), (Finding("no-city-toml", template, mend, details={"folder": str(folder)}),))
    try:
        document = tomllib.loads(path.read_text("utf-8-sig"))
    except UnicodeDecodeError as error:
        finding = Finding("wrong-encoding", "city.toml is not UTF-8.", "Save it as UTF-8.", file="city.toml")
        raise BadPack(str(folder), (finding,)) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        line = re.search(r"at line (\d+)", str(error))
        template, row = "city.toml cannot be read: {reason}", int(line[1]) if line else None
        finding = Finding("not-toml", template, "Mend the TOML.", file="city.toml", row=row, details={"reason": str(error)})
        raise BadPack(str(folder), (finding,)) from error
    return parse_city_toml(document, pack=str(folder))


def parse_city_toml(document: dict[str, Any], *, pack: str) -> CityPack:
    """The pack that a parsed `city.toml` describes; raises ``BadPack`` with one finding a fault."""
    if _holds_nul(document):
        template, mend = "A text of city.toml holds a NUL character, which no text may.", "Remove it."
        raise BadPack(pack, (Finding("nul-byte", template, mend, file="city.toml"),))
    try:
        return CityPack.model_validate(document)
    except ValidationError as error:
        raise BadPack(pack, tuple(_finding_of(broken) for broken in error.errors())) from error


def _holds_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_nul, [*value, *value.values()]))
    return any(map(_holds_nul, value)) if isinstance(value, list) else "\0" in str(value)


def _finding_of(broken: Any) -> Finding:
    """What pydantic found wrong, in words that can be translated; its own words only where there are none here."""
    field = ".".join(str(step) for step in broken["loc"]) or "city.toml"
    template, details = template_of(broken, field=field)
    mend = "See {field} in docs/city-packs.md."
    if broken["type"] == "pack_rule":
        template = str(details.pop("template"))
        del details["reason"]
    return Finding("bad-field", template, mend, file="city.toml", details=details)


def digest_of(folder: Path) -> str:
    """A SHA-256 over every file of the pack, names and bytes, so that a changed pack is told from an unchanged one."""
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        total.update(str(path.relative_to(folder)).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(city_toml_schema(), indent=2, ensure_ascii=False) + "\n")
