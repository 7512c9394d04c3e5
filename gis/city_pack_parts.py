"""The parts of `city.toml`: what a pack may say of its files, ladder, streets, blocks, owners, categories and incidents.

`gis/city_pack.py` puts them together and reads them; docs/city-packs.md explains every field.
"""

from __future__ import annotations

from datetime import date
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from grids.datum import Datum

Origin = Literal["real", "generated", "given"]
Names = Annotated[dict[str, str], Field(min_length=1)]
Lon = Annotated[float, Field(ge=-180, le=180)]
Lat = Annotated[float, Field(ge=-90, le=90)]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


def fault(*, template: str, **details: Any) -> PydanticCustomError:
    """A broken rule of `city.toml`, as a message that can be translated before it is filled in."""
    return PydanticCustomError("pack_rule", "{template}", {"template": template, **details})


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise fault(template="{name!r} is not a time zone, use a name like Asia/Shanghai.", name=name) from error
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]


class Part(BaseModel):
    """Base of the parts of a pack: frozen, and unknown keys are refused so that a slip of the pen is seen."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(Part):
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
            raise fault(template="{name!r} is not a character encoding, use a name like utf-8 or gbk.", name=encoding) from error
        return encoding

    @field_validator("file")
    @classmethod
    def _inside_the_folder(cls, file: str) -> str:
        path = PurePosixPath(file)
        if path.is_absolute() or ".." in path.parts or "\\" in file or not file:
            raise fault(template="{name!r} is not a file inside the pack's own folder.", name=file)
        return file


class AreaColumns(Part):
    """Which columns of an area source hold what."""

    code: str = "code"
    parent: str | None = Field(
        default=None, description="Column with the code of the area above; unset: found by place. Required below a derived level."
    )
    names: Names = Field(default_factory=lambda: {"en": "name"}, description="Language to column.")
    valid_from: str | None = Field(None, description="Column with the first day of a given duty grid or block, as YYYY-MM-DD.")


class Level(Part):
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
            raise fault(
                template="Level {key!r} needs either a source of polygons or the word how it is derived, and not both.", key=self.key
            )
        if self.derived is not None and (self.derived == "one_per_lowest_area") != (self.kind == "duty_grid"):
            raise fault(template="Level {key!r}: duty grids are derived as one_per_lowest_area, areas as union_of_children.", key=self.key)
        return self


class RoadColumns(Part):
    """Which columns (for .pbf: tags) of a road source hold what."""

    names: Names = Field(default_factory=lambda: {"en": "name"}, description="Language to column.")
    road_class: str | None = Field(default=None, description="Column with the class of road.")


class Roads(Part):
    """The street network: its lines bound the blocks and become the segments."""

    source: Source
    columns: RoadColumns = RoadColumns()


class Barrier(Part):
    """Something that bounds blocks without being a street: a river, a railway, a shore."""

    kind: Key
    source: Source


class GivenBlocks(Part):
    """The blocks of a city that has its unit grid already: kept with code, polygon and date, none are drawn."""

    source: Source
    columns: AreaColumns = AreaColumns()


class Blocks(Part):
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
            raise fault(template="Blocks need min_m2 * 2 <= max_m2 <= max_open_m2.")
        return self


class Backdrop(Part):
    """One layer of the basemap that is not a road: water, green land, buildings, named places."""

    layer: Literal["water", "landuse", "buildings", "places", "pois"]
    source: Source
    names: Names = Field(default_factory=lambda: {"en": "name"})
    kind_column: str | None = Field(
        default=None, description="Column (for .pbf: tag) that says what a feature is; unset: the layer's name."
    )


class SpecialUnits(Part):
    """Places with an owner of their own that lie over the plan: buildings, parks, markets, schools."""

    source: Source
    columns: AreaColumns = AreaColumns()

    @model_validator(mode="after")
    def _only_code_and_names(self) -> SpecialUnits:
        if self.columns.parent is not None or self.columns.valid_from is not None:
            raise fault(template="Special units have the columns code and names only: they lie in no area, and change with the edition.")
        return self


class Owners(Part):
    """Who answers for which place. Without this part owners are generated for duty grids, and named so."""

    source: Source
    columns: dict[Literal["code", "name", "area", "post", "from", "to"], str] = Field(
        default_factory=dict,
        description="Field to column: code, name, area (code of an area, duty grid, block, segment or its side, special unit), post (owner or deputy), from, to.",
    )


class Shifts(Part):
    """When owners are at work: days and times of the week. An owner without shifts always is."""

    source: Source
    columns: dict[Literal["owner", "days", "from", "to"], str] = Field(
        default_factory=dict, description="Field to column: owner (code), days (mon-fri, or mon wed fri), from and to (HH:MM)."
    )


class Leaves(Part):
    """When owners are away."""

    source: Source
    columns: dict[Literal["owner", "from", "to"], str] = Field(
        default_factory=dict, description="Field to column: owner (code), from, to (times; empty means open)."
    )


class Departments(Part):
    """The departments of the city; ``department_leads`` says what they lead."""

    source: Source
    names: Names = Field(default_factory=lambda: {"en": "name_en", "zh": "name_zh"}, description="Language to column.")


class DepartmentLeads(Part):
    """Which department leads which categories, and where."""

    source: Source
    columns: dict[Literal["department", "category", "area", "from", "to"], str] = Field(
        default_factory=dict,
        description="Field to column: department (code), category (its key, or the beginning of keys and a *), area (code; empty: the whole city), from, to.",
    )


class Categories(Part):
    """The pack's list of what an incident can be about."""

    source: Source
    names: Names = Field(default_factory=lambda: {"en": "name_en", "zh": "name_zh"})


class IncidentColumns(Part):
    """Which columns of an incident history hold what: either lon and lat, or wkt, or the file's own geometry."""

    id: str = "id"
    reported_at: str = "reported_at"
    category: str = "category"
    lon: str | None = None
    lat: str | None = None
    wkt: str | None = None
    address: str | None = None


class IncidentHistory(Part):
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


class Calendar(Part):
    """Working time of the city."""

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    working_days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = ["mon", "tue", "wed", "thu", "fri"]
    working_hours: list[Annotated[str, Field(pattern=r"^\d\d:\d\d-\d\d:\d\d$")]] = ["09:00-12:00", "13:00-17:00"]


class Generated(Part):
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
