"""What the remembering room refuses: things that are not there, that clash, or that cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from gis.finding import Finding as Finding  # noqa: PLC0414 - who refuses a pack has it from here
from grids.errors import Refusal


@dataclass(eq=False)
class NotFound(Refusal):
    """A thing was asked for by a key that nothing has."""

    kind: str
    key: str
    template: ClassVar[str] = "There is no {kind} {key!r}."
    translated: ClassVar[tuple[str, ...]] = ("kind",)


@dataclass(eq=False)
class NoCityLoaded(NotFound):
    """A city was needed, none was named, and none is loaded."""

    kind: str = "city"
    key: str = "*"
    template: ClassVar[str] = "No city is loaded yet."
    mend: ClassVar[str] = "Load one with 'wangge city load', or see one with 'wangge demo'."


@dataclass(eq=False)
class NoCityDivided(NotFound):
    """A city with a plan was needed, none was named, and none has one."""

    kind: str = "city with an adopted edition"
    key: str = "*"
    template: ClassVar[str] = "No city has an adopted edition yet."
    mend: ClassVar[str] = "Run 'wangge grids build' and 'wangge grids adopt', or see a city with 'wangge demo'."


@dataclass(eq=False)
class Conflict(Refusal):
    """A change clashes with what is already there."""

    template: ClassVar[str] = "This clashes with what is already there."


@dataclass(eq=False)
class NoAdoptedEdition(Conflict):
    """An edition in force is needed, and the city has none yet."""

    city: str
    template: ClassVar[str] = "{city} has no adopted edition yet."
    mend: ClassVar[str] = "Run 'wangge grids build' and 'wangge grids adopt' first."


@dataclass(eq=False)
class EditionNotDraft(Conflict):
    """Only a draft may be adopted."""

    city: str
    number: int
    status: Literal["draft", "adopted", "retired"]
    template: ClassVar[str] = "Edition {number} of {city} is no draft, it is {status}."
    mend: ClassVar[str] = "Draw a new one with 'wangge grids build'."
    translated: ClassVar[tuple[str, ...]] = ("status",)


@dataclass(eq=False)
class UnknownDutyArea(Conflict):
    """An owner answers for a code that the edition does not have."""

    owner: str
    area: str
    template: ClassVar[str] = (
        "Owner {owner} answers for {area}, which is no place of this edition: no area, duty grid, block, side of a segment, or special unit."
    )
    mend: ClassVar[str] = "Mend the code in the city pack's list of owners, and load the city pack again."


@dataclass(eq=False)
class TwoOwners(Conflict):
    """Two owners would answer first for one place at one time."""

    owner: str
    area: str
    other: str
    other_area: str
    template: ClassVar[str] = "{owner} (for {area}) and {other} (for {other_area}) would be first owners of one place at one time."
    mend: ClassVar[str] = "Give them times that follow each other in the city pack's list of owners, or make one of them deputy."


@dataclass(eq=False)
class NotALeave(Refusal):
    """A leave that ends before it begins, or has neither beginning nor end."""

    template: ClassVar[str] = "A leave needs a beginning that comes before its end."
    mend: ClassVar[str] = "Mend --from and --to."


@dataclass(eq=False)
class NotAnInstant(Refusal):
    """A text is no instant, or it does not say its offset from UTC."""

    at: str
    template: ClassVar[str] = "{at!r} does not say which instant it is."
    mend: ClassVar[str] = "Write it with its offset from UTC, as in 2026-11-24T08:30:00+08:00."


@dataclass(eq=False)
class BeforeFirstEdition(Refusal):
    """A question about a time at which no edition had been adopted yet."""

    at: str
    first: str
    template: ClassVar[str] = "At {at} no edition was in force; the first was adopted at {first}."
    mend: ClassVar[str] = "Ask about that instant or a later one."


@dataclass(eq=False)
class UnknownCategory(Refusal):
    """A category that the city does not have."""

    key: str
    city: str
    template: ClassVar[str] = "{city} has no category {key!r}."
    mend: ClassVar[str] = "Name one of the city pack's list of categories as kind:code."


@dataclass(eq=False)
class SeveralCities(Conflict):
    """A city was needed, none was named, and more than one is loaded."""

    codes: str
    template: ClassVar[str] = "Several cities are loaded: {codes}."
    mend: ClassVar[str] = "Name one with --city."


@dataclass(eq=False)
class SeveralHistories(Conflict):
    """A file was given without the history whose columns it has, and the pack has more than one."""

    keys: str
    template: ClassVar[str] = "The city pack has several incident histories: {keys}."
    mend: ClassVar[str] = "Name one with --history."


@dataclass(eq=False)
class DraftExists(Conflict):
    """A drafted pack would overwrite a file that is there."""

    path: str
    template: ClassVar[str] = "{path} is there already, and a draft never overwrites a file."
    mend: ClassVar[str] = "Remove or rename it, or write the draft to another file with --out."


@dataclass(eq=False)
class NothingToDraft(Refusal):
    """No file of a folder can be read, so no pack can be drafted from it."""

    folder: str
    files: str
    template: ClassVar[str] = "There is no file in {folder} from which a city pack could be drafted ({files})."
    mend: ClassVar[str] = (
        "Put the city's files there: polygons of its areas, its streets, a list of categories (docs/city-packs.md names the formats)."
    )


@dataclass(eq=False)
class NoAreasFound(Refusal):
    """No file of a folder has polygons that could be the areas of a city."""

    folder: str
    files: str
    template: ClassVar[str] = "No file in {folder} has polygons that could be the areas of a city; looked at: {files}."
    mend: ClassVar[str] = "Add the polygons of the lowest areas (communities), with a column of codes and a CRS."


@dataclass(eq=False)
class DraftNotWritten(Refusal):
    """A drafted pack could not be written."""

    path: str
    reason: str
    template: ClassVar[str] = "{path} cannot be written: {reason}"
    mend: ClassVar[str] = "Write the draft to a place that you may write to with --out."


@dataclass(eq=False)
class NotCompared(NotFound):
    """Two editions are there, and no comparison of them is kept."""

    city: str
    old: int
    new: int
    template: ClassVar[str] = "Editions {old} and {new} of {city} have not been compared yet."
    mend: ClassVar[str] = "Run 'wangge grids compare {city} {old} {new}'."


@dataclass(eq=False)
class NothingToCompare(Conflict):
    """A comparison needs two editions, and the city has only one that could be taken."""

    city: str
    template: ClassVar[str] = "{city} has no edition before this one to compare it with."
    mend: ClassVar[str] = "Draw another with 'wangge grids build'."


@dataclass(eq=False)
class UnknownExportLayer(NotFound):
    """A layer was asked for that is not exported."""

    layers: str
    mend: ClassVar[str] = "Name one of {layers}."


@dataclass(eq=False)
class UnknownExportFormat(Refusal):
    """A format was asked for, or said by a file's ending, that is not written."""

    form: str
    formats: str
    template: ClassVar[str] = "{form!r} is no format of a layer's file."
    mend: ClassVar[str] = "Name one with --format: {formats}."


@dataclass(eq=False)
class ExportExists(Conflict):
    """A layer would be written over a file that is there."""

    path: str
    template: ClassVar[str] = "{path} is there already."
    mend: ClassVar[str] = "Name another file with --out, or write over it with --overwrite."


@dataclass(eq=False)
class ExportNotWritten(Refusal):
    """The file of a layer could not be written; what was there before is untouched."""

    path: str
    reason: str
    template: ClassVar[str] = "{path} cannot be written: {reason}"
    mend: ClassVar[str] = "Name a place that you may write to and that has room with --out; nothing half-written was left."
    translated: ClassVar[tuple[str, ...]] = ("reason",)


@dataclass(eq=False)
class Busy(Refusal):
    """Another process is doing the same work just now."""

    work: str
    template: ClassVar[str] = "Another process is busy with {work}."
    mend: ClassVar[str] = "Wait until it has finished, then try again."
    translated: ClassVar[tuple[str, ...]] = ("work",)


@dataclass(eq=False)
class CityBusy(Busy):
    """Another process is at work on the same city."""

    city: str
    template: ClassVar[str] = "Another process is at work on {work} of {city}."


@dataclass(eq=False)
class WorkerLost(Refusal):
    """A process that drew a part of a city was ended from outside."""

    template: ClassVar[str] = "A process that drew a part of the city was ended from outside, most likely because memory ran out."
    mend: ClassVar[str] = "What was drawn is kept. Set WANGGE_PROCESSES to fewer processes, then run the command again."


@dataclass(eq=False)
class NoDatabase(Refusal):
    """No PostGIS could be reached or started."""

    detail: str
    template: ClassVar[str] = "No PostGIS is available: {detail}"
    mend: ClassVar[str] = "Run 'wangge doctor' to see what is missing."
    translated: ClassVar[tuple[str, ...]] = ("detail",)


@dataclass(eq=False)
class SchemaBehind(Refusal):
    """The database's schema is not the one this release needs."""

    found: str
    wanted: str
    template: ClassVar[str] = "The database is at schema {found}, this release needs {wanted}."
    mend: ClassVar[str] = "Run 'wangge migrate'."
    translated: ClassVar[tuple[str, ...]] = ("found",)


@dataclass(eq=False)
class DatumOutsideItsCountry(Refusal):
    """A place was declared in a datum that is only defined for another part of the world."""

    datum: str
    lon: float
    lat: float
    index: int | None = None
    template: ClassVar[str] = "lon {lon}, lat {lat} cannot be in {datum}: that datum only exists in mainland China."
    mend: ClassVar[str] = "Declare the datum that was used to measure it, most likely wgs84."


@dataclass(eq=False)
class BadPack(Refusal):
    """A city pack has problems that stop it from being loaded."""

    pack: str
    findings: tuple[Finding, ...]
    template: ClassVar[str] = "The city pack {pack} cannot be loaded."
    mend: ClassVar[str] = "Mend what is listed and run 'wangge city check' again."


@dataclass(eq=False)
class BadFile(BadPack):
    """A file that was given by itself, outside a city pack, cannot be used; ``pack`` is its path."""

    template: ClassVar[str] = "The file {pack} cannot be used."
    mend: ClassVar[str] = (
        "Mend what is listed. What is said to be set in city.toml, here is an option of the command: --layer, --crs, --encoding."
    )


@dataclass(eq=False)
class BadPoints(BadFile):
    """A file or a request with points that cannot be used; ``pack`` is its name."""

    template: ClassVar[str] = "The points of {pack} cannot be used."
    mend: ClassVar[str] = "Mend what is listed and try again; nothing was written."


@dataclass(eq=False)
class AxesSwapped(Refusal):
    """Longitudes and latitudes stand in each other's places, by where the points would then lie."""

    name: str
    city: str
    template: ClassVar[str] = "The points of {name} lie far from {city}, and in it when lon and lat are swapped."
    mend: ClassVar[str] = "Swap --lon and --lat."


@dataclass(eq=False)
class ColumnsTaken(Refusal):
    """Columns of the answer have the names of columns that the points came with."""

    name: str
    columns: str
    template: ClassVar[str] = "{name} has columns with the names of the answers: {columns}."
    mend: ClassVar[str] = "Give the answers other names with --prefix, or take these columns out."


@dataclass(eq=False)
class NoCluster(Refusal):
    """The scheduler of a Dask cluster was not reached."""

    scheduler: str
    reason: str
    template: ClassVar[str] = "The scheduler {scheduler} was not reached: {reason}"
    mend: ClassVar[str] = "Start it with 'dask scheduler' and its workers with 'dask worker', or leave --scheduler out."


@dataclass(eq=False)
class NotOnCluster(Refusal):
    """Points that are not in Parquet files cannot be shared out among workers."""

    path: str
    template: ClassVar[str] = "{path} is no Parquet file and no folder of Parquet files, and workers share out row groups of those."
    mend: ClassVar[str] = "Write the points as Parquet first, or leave --scheduler out."


@dataclass(eq=False)
class IndexNotSeen(Refusal):
    """A worker does not see the kept index of the edition, or runs another release."""

    path: str
    template: ClassVar[str] = "A worker cannot read the index {path}."
    mend: ClassVar[str] = "Keep WANGGE_DATA_DIR in a folder that all workers see under this path, and run the same release everywhere."


@dataclass(eq=False)
class MissingExtra(Refusal):
    """Something needs packages that are only installed when asked for."""

    extra: str
    template: ClassVar[str] = "The packages of the extra {extra!r} are not installed."
    mend: ClassVar[str] = "Install them into Wangge's environment: pip install 'wangge[{extra}]'."
