"""An incident history of a city pack, read as a stream: each row is either given or named in a finding with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from gis.city_pack import CityPack, IncidentHistory
from gis.errors import BadPack, Finding
from gis.exchange import faulty_places, outside_datum, to_wgs84
from gis.pack_files import file_of, format_of, refuse
from gis.pack_places import WGS84, missing_crs, missing_datum, read_places
from gis.pack_tables import read_table, table_chunks, texts
from gis.pack_times import utc_times

Bounds = tuple[float, float, float, float]
_COLUMNS = ("source_id", "reported_at", "category", "lon", "lat", "address", "row")


def read_incidents(
    folder: Path, history: IncidentHistory, pack: CityPack, *, file: Path | None = None
) -> Iterator[tuple[pd.DataFrame, list[Finding]]]:
    """The incidents of a history in chunks of at most 100,000 rows, each with a finding for every row that was left out.

    Columns: source_id (text, unique in the file: the first of two is kept), reported_at (UTC), category (kind:code),
    lon and lat (float64, WGS84; NaN for a row that has only an address), address (text or None), row. A place outside the
    city is given like any other: where it belongs is said when it is assigned. With ``file`` that file is read by the history's columns. Raises ``BadPack`` when the file as a whole cannot be used.
    """
    known, bounds = known_categories(folder, pack), city_bounds(folder, pack)
    if file is not None:
        history = history.model_copy(update={"source": history.source.model_copy(update={"file": file.name})})
        folder = file.parent
    reader = _Reader(folder, history, pack, categories=known, bounds=bounds)
    for table, ragged in reader.chunks():
        yield reader.judged(table, ragged)


def rows_expected(folder: Path, history: IncidentHistory, *, file: Path | None = None) -> int | None:
    """About how many rows a history has, for a progress bar: the lines of a CSV; None for other formats, which would have to be read."""
    path = file or file_of(folder, history.source)
    if format_of(path) != "csv":
        return None
    with path.open("rb") as lines:
        return max(sum(chunk.count(b"\n") for chunk in iter(lambda: lines.read(1 << 20), b"")) - 1, 0)


def known_categories(folder: Path, pack: CityPack) -> frozenset[str]:
    """The keys (kind:code) of the pack's categories; raises ``BadPack`` when their file cannot be used."""
    found = read_table(folder, pack.categories.source, columns=["kind", "code"])
    return frozenset(f"{kind}:{code}" for kind, code in zip(texts(found["kind"]), texts(found["code"]), strict=True))


def city_bounds(folder: Path, pack: CityPack) -> Bounds | None:
    """West, south, east, north of the highest level with polygons; None when there is none that can be read."""
    for level in pack.area_levels:
        if level.source is None:
            continue
        try:
            places = read_places(folder, level.source, columns=[]).geometry
        except BadPack:
            continue
        west, south, east, north = (float(side) for side in places.total_bounds)
        return (west, south, east, north) if np.isfinite([west, south, east, north]).all() else None
    return None


def _row_finding(history: IncidentHistory, row: int, *, slug: str, template: str, mend: str, **details: Any) -> Finding:
    return Finding(slug, template, mend, file=history.source.file, row=row, severity="warning", details=details)


def _numbers(said: list[str | None]) -> NDArray[np.float64]:
    return np.asarray(pd.to_numeric(pd.Series(said, dtype=object), errors="coerce"), dtype=np.float64)


@dataclass
class _Reader:
    """What is known while one history is read: the ids seen so far, and what a category and a place may be."""

    folder: Path
    history: IncidentHistory
    pack: CityPack
    categories: frozenset[str]
    bounds: Bounds | None
    seen: dict[str, int] = field(default_factory=dict)

    def chunks(self) -> Iterator[tuple[pd.DataFrame, list[Finding]]]:
        """The asked columns and raw x and y in chunks, with the findings on rows that are not even rows."""
        columns, source = self.history.columns, self.history.source
        if source.datum is None:
            raise refuse(self.folder, [missing_datum(source)])
        asked = [columns.id, columns.reported_at, columns.category, *([columns.address] if columns.address else [])]
        if columns.wkt is not None and source.crs is None:
            raise refuse(self.folder, [missing_crs(source)])
        if columns.wkt is not None or (columns.lon is not None and columns.lat is not None):
            place = [columns.wkt] if columns.wkt is not None else [columns.lon or "", columns.lat or ""]
            for table, ragged in table_chunks(self.folder, source, columns=[*asked, *place]):
                yield self.with_places(table), ragged
        elif format_of(file_of(self.folder, source)) == "csv":
            finding = Finding(
                "no-geometry",
                "A CSV has no geometry of its own, and city.toml names no columns for it.",
                "Set columns.lon and columns.lat, or columns.wkt, of this history.",
                file=source.file,
            )
            raise refuse(self.folder, [finding])
        else:
            found = read_places(self.folder, source, columns=asked)
            points = found.geometry.where(found.geometry.geom_type == "Point")
            yield (
                pd.DataFrame(found.drop(columns="geometry")).assign(_lon=points.x, _lat=points.y, _given=points.notna(), _degrees=True),
                [],
            )

    def with_places(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table with raw x and y as numbers (NaN where they are not) and whether anything was given at all."""
        columns = self.history.columns
        if columns.wkt is not None:
            said = texts(table[columns.wkt])
            shapes = shapely.from_wkt(np.array(said, dtype=object), on_invalid="ignore")
            is_point = shapely.get_type_id(shapes) == shapely.GeometryType.POINT
            points = np.full(len(said), None, dtype=object)
            points[is_point] = shapes[is_point]
            return self.in_degrees(table, shapely.get_x(points), shapely.get_y(points), given=[text is not None for text in said])
        x, y = (texts(table[name]) for name in (columns.lon or "", columns.lat or ""))
        given = [one is not None and other is not None for one, other in zip(x, y, strict=True)]
        return self.in_degrees(table, _numbers(x), _numbers(y), given=given)

    def in_degrees(self, table: pd.DataFrame, x: NDArray[Any], y: NDArray[Any], *, given: list[bool]) -> pd.DataFrame:
        """The table with places in degrees of the source's datum, from its CRS when city.toml names one."""
        if self.history.source.crs is not None:
            try:
                crs = CRS.from_user_input(self.history.source.crs)
            except CRSError as error:
                finding = Finding(
                    "unknown-crs",
                    "{crs!r} is not a CRS that PROJ knows.",
                    'Use a name like "EPSG:32651".',
                    file=self.history.source.file,
                    details={"crs": self.history.source.crs},
                )
                raise refuse(self.folder, [finding]) from error
            if crs.to_epsg() not in (4326, 4490):
                x, y = Transformer.from_crs(crs, WGS84, always_xy=True).transform(x, y)
        return table.assign(_lon=np.asarray(x, dtype=float), _lat=np.asarray(y, dtype=float), _given=given)

    def judged(self, table: pd.DataFrame, ragged: list[Finding]) -> tuple[pd.DataFrame, list[Finding]]:
        """The good rows of a chunk, and one finding for each other row: the first thing that is wrong with it."""
        columns = self.history.columns
        table = table.reset_index(names="row") if table.index.name == "row" else table
        told = _Told(table, texts(table[columns.id]), texts(table[columns.reported_at]), texts(table[columns.category]))
        faults: dict[int, Finding] = {}
        reported = self._times(table, told, faults)
        category = self._categories(told, faults)
        lons, lats = self._places(told, faults)
        self._ids(told, faults)
        address: list[str | None] = texts(table[columns.address]) if columns.address else [None] * len(table)
        self._nul_bytes(told, address, faults)
        good = np.ones(len(table), dtype=bool)
        good[list(faults)] = False
        frame = pd.DataFrame(
            {
                "source_id": pd.Series(told.ids, dtype=object),
                "reported_at": reported,
                "category": pd.Series(category, dtype=object),
                "lon": lons,
                "lat": lats,
                "address": pd.Series(address, dtype=object),
                "row": table["row"].to_numpy(dtype=np.int64),
            }
        )
        softened = [Finding(f.slug, f.template, f.mend, f.file, f.row, "warning", f.details) for f in ragged]
        return frame[good].reset_index(drop=True)[list(_COLUMNS)], softened + [
            replace(faults[at], given=self._row(table, at)) for at in sorted(faults)
        ]

    def _row(self, table: pd.DataFrame, at: int) -> dict[str, str | None]:
        """What the row says in the columns that the history names."""
        named = self.history.columns.model_dump(exclude_none=True).values()
        return {name: None if pd.isna(value := table[name].iloc[at]) else str(value) for name in named if name in table}

    def _times(self, table: pd.DataFrame, told: _Told, faults: dict[int, Finding]) -> pd.Series[Any]:
        zone = self.history.time_zone or self.pack.time_zone
        try:
            times = utc_times(table[self.history.columns.reported_at], time_zone=zone, date_format=self.history.date_format)
        except ValueError as error:
            finding = Finding(
                "bad-date-format",
                "date_format {format!r} cannot be used: {reason}",
                'Write it as strptime takes it, for example "%d.%m.%Y %H:%M".',
                file="city.toml",
                details={"format": self.history.date_format or "", "reason": str(error)},
            )
            raise refuse(self.folder, [finding]) from error
        for at in np.flatnonzero(times.at.isna().to_numpy()):
            faults[int(at)] = self._time_fault(told, int(at), zone, twice=bool(times.twice.iloc[at]), never=bool(times.never.iloc[at]))
        return times.at

    def _time_fault(self, told: _Told, at: int, zone: str, *, twice: bool, never: bool) -> Finding:
        row, text = told.row(at), told.times[at] or ""
        if twice:
            return _row_finding(
                self.history,
                slug="ambiguous-time",
                template="{time} happened twice in {zone}: clocks were put back.",
                mend="Add the offset from UTC to the time.",
                row=row,
                time=text,
                zone=zone,
            )
        if never:
            return _row_finding(
                self.history,
                slug="nonexistent-time",
                template="{time} never happened in {zone}: clocks were put forward.",
                mend="Mend the time, or set time_zone of this history to the zone it was written in.",
                row=row,
                time=text,
                zone=zone,
            )
        return _row_finding(
            self.history,
            slug="bad-time",
            template="{time!r} is not a time.",
            mend="Write times as 2026-11-24T08:30:00+08:00, or set date_format of this history.",
            row=row,
            time=text,
        )

    def _categories(self, told: _Told, faults: dict[int, Finding]) -> list[str | None]:
        keys = [self.history.categories.get(value or "", value) for value in told.categories]
        for at, key in enumerate(keys):
            if key not in self.categories:
                faults.setdefault(
                    at,
                    _row_finding(
                        self.history,
                        slug="unknown-category",
                        template="Category {value!r} is not known.",
                        mend="Map it to a key (kind:code) in categories of this history, or add it to the pack's categories.",
                        row=told.row(at),
                        value=told.categories[at] or "",
                    ),
                )
        return keys

    def _places(self, told: _Told, faults: dict[int, Finding]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        lons, lats = told.table["_lon"].to_numpy(dtype=float).copy(), told.table["_lat"].to_numpy(dtype=float).copy()
        datum = "wgs84" if "_degrees" in told.table else str(self.history.source.datum)
        off = faulty_places(lons, lats)
        foreign = ~off & outside_datum(lons, lats, datum=datum)
        fine = ~(off | foreign)
        raw_lons, raw_lats = lons.copy(), lats.copy()
        lons[fine], lats[fine] = to_wgs84(lons[fine], lats[fine], datum=datum)
        swapped = self._look_swapped(lons, lats)
        unplaced = self._unplaced(told)
        lons[unplaced] = lats[unplaced] = np.nan
        for at in np.flatnonzero((~fine | swapped) & ~unplaced):
            i = int(at)
            if i not in faults:
                faults[i] = self._place_fault(
                    told, i, float(raw_lons[i]), float(raw_lats[i]), swapped=bool(swapped[i]), foreign=bool(foreign[i])
                )
        return lons, lats

    def _unplaced(self, told: _Told) -> NDArray[np.bool_]:
        """Rows without coordinates that have an address: they are taken in, and placed later (待落图)."""
        address = self.history.columns.address
        named = [text is not None for text in texts(told.table[address])] if address else [False] * len(told.table)
        unplaced: NDArray[np.bool_] = np.array(named, dtype=bool) & ~told.table["_given"].to_numpy(dtype=bool)
        return unplaced

    def _look_swapped(self, lons: NDArray[np.float64], lats: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Places outside the city's box that would be inside it with longitude and latitude changed round."""
        if self.bounds is None:
            return np.zeros(len(lons), dtype=bool)
        west, south, east, north = self.bounds
        with np.errstate(invalid="ignore"):
            inside = (lons >= west) & (lons <= east) & (lats >= south) & (lats <= north)
            changed = (lats >= west) & (lats <= east) & (lons >= south) & (lons <= north)
        return changed & ~inside

    def _place_fault(self, told: _Told, at: int, lon: float, lat: float, *, swapped: bool, foreign: bool) -> Finding:
        row = told.row(at)
        if swapped:
            return _row_finding(
                self.history,
                slug="swapped-coordinates",
                template="lon {lon}, lat {lat} is far away, but with the two changed round it lies in the city.",
                mend="Longitude comes first: change the two columns round.",
                row=row,
                lon=lon,
                lat=lat,
            )
        if not told.table["_given"].iloc[at]:
            return _row_finding(
                self.history,
                slug="no-place",
                template="The row has neither coordinates nor an address.",
                mend="Add one of the two, or leave the row out.",
                row=row,
            )
        if foreign:
            return _row_finding(
                self.history,
                slug="datum-outside-its-country",
                template="lon {lon}, lat {lat} cannot be in {datum}: that datum only exists in mainland China.",
                mend="Declare the datum that was used to measure it, most likely wgs84.",
                row=row,
                lon=lon,
                lat=lat,
                datum=self.history.source.datum,
            )
        if not np.isfinite([lon, lat]).all():
            return _row_finding(
                self.history,
                slug="not-a-number",
                template="The coordinates {said} are not numbers.",
                mend="Mend the row.",
                row=row,
                said=self._said(told, at),
            )
        return _row_finding(
            self.history,
            slug="bad-coordinate",
            template="lon {lon}, lat {lat} is not a place on the globe.",
            mend="Longitude runs from -180 to 180 and comes first; latitude runs from -90 to 90.",
            row=row,
            lon=lon,
            lat=lat,
        )

    def _said(self, told: _Told, at: int) -> str:
        columns = self.history.columns
        names = [name for name in (columns.wkt or columns.lon, None if columns.wkt else columns.lat) if name]
        return ", ".join(repr(str(told.table[name].iloc[at])[:80]) for name in names)

    def _nul_bytes(self, told: _Told, address: list[str | None], faults: dict[int, Finding]) -> None:
        for at, said in enumerate(zip(told.ids, address, strict=True)):
            if any(text is not None and "\0" in text for text in said):
                faults.setdefault(
                    at,
                    _row_finding(
                        self.history,
                        slug="nul-byte",
                        template="The row holds a NUL byte, which no text may.",
                        mend="Export the file again as text.",
                        row=told.row(at),
                    ),
                )

    def _ids(self, told: _Told, faults: dict[int, Finding]) -> None:
        for at, key in enumerate(told.ids):
            if key is None:
                faults[at] = _row_finding(
                    self.history,
                    slug="no-id",
                    template="The row has no id.",
                    mend="Give each row an id that no other row has.",
                    row=told.row(at),
                )
            elif key in self.seen:
                faults[at] = _row_finding(
                    self.history,
                    slug="duplicate-id",
                    template="Id {id!r} was already used in row {first}; that row is kept, this one is not.",
                    mend="Give each row an id that no other row has.",
                    row=told.row(at),
                    id=key,
                    first=self.seen[key],
                )
            else:
                self.seen[key] = told.row(at)


@dataclass(frozen=True)
class _Told:
    """What a chunk says, as text: its ids, times and categories beside the table they came from."""

    table: pd.DataFrame
    ids: list[str | None]
    times: list[str | None]
    categories: list[str | None]

    def row(self, at: int) -> int:
        """The row in the file of the chunk's ``at``-th row."""
        return self.rows[at]

    @cached_property
    def rows(self) -> list[int]:
        return [int(row) for row in self.table["row"].to_numpy()]
