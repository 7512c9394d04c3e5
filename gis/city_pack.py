"""A city pack: a folder with `city.toml` and the files it names. A city is data, never code.

This module holds the shape of `city.toml` and reads it. The files themselves are read by `gis/pack_sources.py` and
judged by `gis/pack_check.py`. docs/city-packs.md explains every field; its JSON Schema is made from these models.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tomllib
from datetime import date
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pyproj import CRS
from pyproj.exceptions import CRSError

from gis.errors import BadPack, Finding
from gis.validation import template_of
from grids.datum import Datum

Origin = Literal["real", "generated", "given"]
Names = Annotated[dict[str, str], Field(min_length=1)]
Lon = Annotated[float, Field(ge=-180, le=180)]
Lat = Annotated[float, Field(ge=-90, le=90)]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


def _fault(*, template: str, **details: Any) -> PydanticCustomError:
    """A broken rule of `city.toml`, as a message that can be translated before it is filled in."""
    return PydanticCustomError("pack_rule", "{template}", {"template": template, **details})


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise _fault(template="{name!r} is not a time zone, use a name like Asia/Shanghai.", name=name) from error
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]


class _Part(BaseModel):
    """Base of the parts of a pack: frozen, and unknown keys are refused so that a slip of the pen is seen."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Part):
    """One file (or one layer of it) and what its coordinates mean."""

    file: str = Field(
        description="Path inside the pack's folder, of a format that docs/city-packs.md lists: GeoPackage, GeoJSON, Shapefile, CSV and more."
    )
    layer: str | None = Field(default=None, description="Layer of a file that has several; for .pbf one of nodes, ways, areas.")
    where: dict[str, str | list[str]] = Field(
        default_factory=dict,
        description="Keep rows whose column (for .pbf: tag) has one of these values; '*' means any value, '!' means none.",
    )
    datum: Datum | None = Field(
        default=None, description="What longitude and latitude are measured from. Required for every source with geometry."
    )
    crs: str | None = Field(default=None, description="CRS of a file that carries none; a file's own CRS may not be contradicted.")
    encoding: str = Field(default="utf-8", description="Character encoding of a text file, for example gbk.")
    origin: Origin = Field(
        default="real", description="Whether the rows are real, given by the city as its own plan, or generated for a demo."
    )

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        try:
            "".encode(encoding)
        except LookupError as error:
            raise _fault(template="{name!r} is not a character encoding, use a name like utf-8 or gbk.", name=encoding) from error
        return encoding

    @field_validator("file")
    @classmethod
    def _inside_the_folder(cls, file: str) -> str:
        path = PurePosixPath(file)
        if path.is_absolute() or ".." in path.parts or "\\" in file or not file:
            raise _fault(template="{name!r} is not a file inside the pack's own folder.", name=file)
        return file


class AreaColumns(_Part):
    """Which columns of an area source hold what."""

    code: str = "code"
    parent: str | None = Field(
        default=None, description="Column with the code of the area above; unset: found by place. Required below a derived level."
    )
    names: Names = Field(default_factory=lambda: {"en": "name"}, description="Language to column.")
    valid_from: str | None = Field(None, description="Column with the first day of a given duty grid or block, as YYYY-MM-DD.")


class Level(_Part):
    """One rung of the ladder. The first level of the list is the city itself, the last the lowest."""

    key: Key
    names: Names
    kind: Literal["area", "duty_grid"] = "area"
    source: Source | None = Field(
        default=None, description="Polygons of this level. An area level without polygons is derived as the union of the level below."
    )
    columns: AreaColumns = AreaColumns()
    derived: Literal["one_per_lowest_area", "union_of_children"] | None = Field(
        None,
        description="How a level without polygons comes about: duty grids as one per lowest area; areas as the union of the areas below that name them as parent.",
    )
    mend_m2: float = Field(1_000, ge=0, description="A gap or overlap of this level's polygons up to this size is mended.")

    @model_validator(mode="after")
    def _given_or_derived(self) -> Level:
        if (self.source is None) == (self.derived is None):
            raise _fault(
                template="Level {key!r} needs either a source of polygons or the word how it is derived, and not both.", key=self.key
            )
        if self.derived is not None and (self.derived == "one_per_lowest_area") != (self.kind == "duty_grid"):
            raise _fault(template="Level {key!r}: duty grids are derived as one_per_lowest_area, areas as union_of_children.", key=self.key)
        return self


class RoadColumns(_Part):
    """Which columns (for .pbf: tags) of a road source hold what."""

    names: Names = Field(default_factory=lambda: {"en": "name"}, description="Language to column.")
    road_class: str | None = Field(default=None, description="Column with the class of road.")


class Roads(_Part):
    """The street network: its lines bound the blocks and become the segments."""

    source: Source
    columns: RoadColumns = RoadColumns()


class Barrier(_Part):
    """Something that bounds blocks without being a street: a river, a railway, a shore."""

    kind: Key
    source: Source


class GivenBlocks(_Part):
    """The blocks of a city that has its unit grid already: kept with code, polygon and date, none are drawn."""

    source: Source
    columns: AreaColumns = AreaColumns()


class Blocks(_Part):
    """How large a street unit of kind block should be."""

    min_m2: float = Field(default=2_000, gt=0, description="A smaller block is merged into the neighbour with the longest shared border.")
    max_m2: float = Field(default=30_000, gt=0, description="A larger block on built-up land is split.")
    max_open_m2: float = Field(default=1_000_000, gt=0, description="A larger block elsewhere is split.")
    built_up: Source | None = Field(default=None, description="Polygons of built-up land or of buildings; unset: everything is built up.")
    given: GivenBlocks | None = Field(None, description="Blocks that the city has already; unset: they are drawn.")
    built_up_share: float = Field(default=0.1, gt=0, le=1, description="A block is built up when this share of it is covered.")

    @model_validator(mode="after")
    def _ordered(self) -> Blocks:
        if not self.min_m2 * 2 <= self.max_m2 <= self.max_open_m2:
            raise _fault(template="Blocks need min_m2 * 2 <= max_m2 <= max_open_m2.")
        return self


class Backdrop(_Part):
    """One layer of the basemap that is not a road: water, green land, buildings, named places."""

    layer: Literal["water", "landuse", "buildings", "places", "pois"]
    source: Source
    names: Names = Field(default_factory=lambda: {"en": "name"})
    kind_column: str | None = Field(
        default=None, description="Column (for .pbf: tag) that says what a feature is; unset: the layer's name."
    )


class Owners(_Part):
    """Who answers for which duty grid. Without this part owners are generated, and named so."""

    source: Source
    columns: dict[Literal["code", "name", "area", "post", "from", "to"], str] = Field(
        default_factory=dict,
        description="Field to column: code, name, area (code of the lowest area or duty grid), post (owner or deputy), from, to.",
    )


class Categories(_Part):
    """The pack's list of what an incident can be about."""

    source: Source
    names: Names = Field(default_factory=lambda: {"en": "name_en", "zh": "name_zh"})


class IncidentColumns(_Part):
    """Which columns of an incident history hold what: either lon and lat, or wkt, or the file's own geometry."""

    id: str = "id"
    reported_at: str = "reported_at"
    category: str = "category"
    lon: str | None = None
    lat: str | None = None
    wkt: str | None = None
    address: str | None = None


class IncidentHistory(_Part):
    """Past incidents to import."""

    key: Key
    source: Source
    columns: IncidentColumns = IncidentColumns()
    time_zone: Zone | None = Field(default=None, description="Zone of times that carry none; unset: the city's.")
    date_format: str | list[str] | None = Field(
        None, description="strptime format of the times, or several tried in turn; unset: ISO 8601."
    )
    default_points: list[tuple[Lon, Lat]] = Field([], description="Known default points: [lon, lat] in the source's datum.")
    find_default_points: bool = Field(True, description="Whether the import looks for default points that are not listed.")
    categories: dict[str, str] = Field(
        default_factory=dict,
        description="Value of the category column to category key (kind:code); a value without an entry must itself be a key.",
    )


class Calendar(_Part):
    """Working time of the city."""

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    working_days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = ["mon", "tue", "wed", "thu", "fri"]
    working_hours: list[Annotated[str, Field(pattern=r"^\d\d:\d\d-\d\d:\d\d$")]] = ["09:00-12:00", "13:00-17:00"]


class Generated(_Part):
    """A pack whose other files are made from a few real ones by a seeded generator, once, before it is loaded."""

    seed: int = Field(ge=0, description="The same seed and files give the same bytes.")
    areas: Source = Field(
        description="Table of every area of every level: level, code, parent (code of the area above), and columns of names."
    )
    outlines: Source = Field(
        description="Polygons with a column code, of the areas of one level below the city; small gaps and overlaps between them are closed."
    )
    rivers: Source | None = Field(default=None, description="Lines with columns kind and width_m: water and barrier.")
    street_names: Source = Field(description="Table of words that streets are named after, in columns of names.")
    centre: tuple[float, float] = Field(description="Longitude and latitude (WGS84) of the densest place.")
    rings_m: list[Annotated[float, Field(gt=500)]] = Field(min_length=1, description="Radii of the ring roads, ascending.")
    built_up_km2: float = Field(gt=0, description="How much land is built up; there the blocks are small.")
    incidents: int = Field(ge=0, description="How many incidents to make up.")
    first_day: date = Field(description="The day of the first incident, as YYYY-MM-DD in quotes.")
    days: int = Field(default=365, ge=1, description="Over how many days they are spread.")


class CityPack(_Part):
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
    barriers: list[Barrier] = []
    blocks: Blocks = Blocks()
    backdrop: list[Backdrop] = []
    owners: Owners | None = None
    categories: Categories
    calendar: Calendar | None = None
    incidents: list[IncidentHistory] = []
    generated: Generated | None = None

    @field_validator("metric_crs")
    @classmethod
    def _in_metres(cls, name: str) -> str:
        try:
            crs = CRS.from_user_input(name)
        except CRSError as error:
            raise _fault(template="{name!r} is not a CRS that PROJ knows.", name=name) from error
        if not crs.is_projected or crs.axis_info[0].unit_name != "metre":
            raise _fault(template="{name!r} is not a projected CRS in metres.", name=name)
        return name

    @model_validator(mode="after")
    def _a_ladder(self) -> CityPack:
        keys = [level.key for level in self.levels]
        if len(set(keys)) != len(keys):
            raise _fault(template="Two levels have the same key.")
        kinds = [level.kind for level in self.levels]
        if kinds.count("duty_grid") != 1 or kinds[-1] != "duty_grid":
            raise _fault(template="The ladder's last level, and only that, is of kind duty_grid.")
        if self.levels[-2].source is None:
            raise _fault(template="The lowest area level needs polygons.")
        for level, below in pairwise(self.area_levels):
            if level.derived is not None and (below.source is None or below.columns.parent is None):
                raise _fault(
                    template="Level {key!r} is derived, so level {below!r} needs polygons and a column with the code of the area above.",
                    key=level.key,
                    below=below.key,
                )
        histories = [history.key for history in self.incidents]
        if len(set(histories)) != len(histories):
            raise _fault(template="Two incident histories have the same key.")
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
        raise BadPack(pack, tuple(_finding_of(fault) for fault in error.errors())) from error


def _holds_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_nul, [*value, *value.values()]))
    return any(map(_holds_nul, value)) if isinstance(value, list) else "\0" in str(value)


def _finding_of(fault: Any) -> Finding:
    """What pydantic found wrong, in words that can be translated; its own words only where there are none here."""
    field = ".".join(str(step) for step in fault["loc"]) or "city.toml"
    template, details = template_of(fault, field=field)
    mend = "See {field} in docs/city-packs.md."
    if fault["type"] == "pack_rule":
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
