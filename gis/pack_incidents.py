"""An incident history of a city pack, read as a stream: each row is either given or named in a finding with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from gis.city_pack import CityPack, IncidentHistory
from gis.errors import BadPack, Finding
from gis.exchange import faulty_places, outside_datum, to_wgs84
from gis.pack_files import file_of, format_of, refuse
from gis.pack_incident_faults import category_fault, duplicate_id, no_id, nul_byte, place_fault, time_fault
from gis.pack_places import WGS84, declared_crs, missing_crs, missing_datum, read_places
from gis.pack_tables import read_table, table_chunks, text_array, texts
from gis.pack_times import Times, utc_times

Bounds = tuple[float, float, float, float]
Bools = NDArray[np.bool_]


def read_incidents(
    folder: Path, history: IncidentHistory, pack: CityPack, *, file: Path | None = None
) -> Iterator[tuple[pd.DataFrame, list[Finding]]]:
    """The incidents of a history in chunks of at most 100,000 rows, each with a finding for every row that was left out.

    Columns: source_id (text, unique in the file: the first of two is kept), reported_at (UTC), day_only (whether the file
    says no time of day; reported_at is then the day's first instant), category (kind:code), lon and lat (float64, WGS84;
    NaN for a row that has only an address), address (text, missing where there is none), row. A place outside the city
    is given like any other: where it belongs is said when it is assigned. With ``file`` that file is read by the
    history's columns. Raises ``BadPack`` when the file as a whole cannot be used.
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


def _numbers(column: pd.Series[Any]) -> NDArray[np.float64]:
    """A column as numbers, NaN where it is none; a column of numbers is taken as it is."""
    if pd.api.types.is_float_dtype(column):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    said = pd.Series(text_array(column).to_numpy(zero_copy_only=False), dtype=object)
    return np.asarray(pd.to_numeric(said, errors="coerce"), dtype=np.float64)


def _there(column: pd.Series[Any]) -> Bools:
    """Which values of a column are given, blank text apart."""
    if pd.api.types.is_float_dtype(column):
        return column.notna().to_numpy()
    return _flags(text_array(column).is_valid())


def _flags(array: pa.Array) -> Bools:
    flags: Bools = pc.fill_null(array, False).to_numpy(zero_copy_only=False)
    return flags


@dataclass
class _Reader:
    """What is known while one history is read: the ids seen so far, and what a category and a place may be."""

    folder: Path
    history: IncidentHistory
    pack: CityPack
    categories: frozenset[str]
    bounds: Bounds | None
    seen: dict[str | None, int] = field(default_factory=dict)

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
        x, y = (table[name] for name in (columns.lon or "", columns.lat or ""))
        given = _there(x) & _there(y)
        return self.in_degrees(table, _numbers(x), _numbers(y), given=given)

    def in_degrees(self, table: pd.DataFrame, x: NDArray[Any], y: NDArray[Any], *, given: Bools | list[bool]) -> pd.DataFrame:
        """The table with places in degrees of the source's datum, from its CRS when city.toml names one."""
        crs = declared_crs(self.folder, self.history.source)
        if crs is not None and crs.to_epsg() not in (4326, 4490):
            x, y = Transformer.from_crs(crs, WGS84, always_xy=True).transform(x, y)
        return table.assign(_lon=np.asarray(x, dtype=float), _lat=np.asarray(y, dtype=float), _given=given)

    def judged(self, table: pd.DataFrame, ragged: list[Finding]) -> tuple[pd.DataFrame, list[Finding]]:
        """The good rows of a chunk, and one finding for each other row: the first thing that is wrong with it."""
        columns = self.history.columns
        table = table.reset_index(names="row") if table.index.name == "row" else table
        nothing = pa.nulls(len(table), pa.large_string())
        address = text_array(table[columns.address]) if columns.address else nothing
        told = _Told(table, text_array(table[columns.id]), text_array(table[columns.category]), address)
        faults: dict[int, Finding] = {}
        times = self._times(table, faults)
        category = self._categories(told, faults)
        lons, lats = self._places(told, faults)
        self._ids(told, faults)
        for at in np.flatnonzero(_flags(pc.match_substring(told.ids, "\0")) | _flags(pc.match_substring(address, "\0"))).tolist():
            faults.setdefault(at, nul_byte(self.history, told.row(at)))
        frame = pd.DataFrame(
            {
                "source_id": told.ids.to_pandas(),
                "reported_at": times.at,
                "day_only": times.day_only,
                "category": category.to_pandas(),
                "lon": lons,
                "lat": lats,
                "address": address.to_pandas(),
                "row": table["row"].to_numpy(dtype=np.int64),
            }
        )
        if faults:
            frame = frame.drop(index=list(faults)).reset_index(drop=True)
        softened = [Finding(f.slug, f.template, f.mend, f.file, f.row, "warning", f.details) for f in ragged]
        return frame, softened + [replace(faults[at], given=self._row(table, at)) for at in sorted(faults)]

    def _row(self, table: pd.DataFrame, at: int) -> dict[str, str | None]:
        """What the row says in the columns that the history names."""
        named = self.history.columns.model_dump(exclude_none=True).values()
        return {name: None if pd.isna(value := table[name].iloc[at]) else str(value) for name in named if name in table}

    def _times(self, table: pd.DataFrame, faults: dict[int, Finding]) -> Times:
        zone = self.history.time_zone or self.pack.time_zone
        column = table[self.history.columns.reported_at]
        try:
            times = utc_times(column, time_zone=zone, date_format=self.history.date_format)
        except ValueError as error:
            finding = Finding(
                "bad-date-format",
                "date_format {format!r} cannot be used: {reason}",
                'Write it as strptime takes it, for example "%d.%m.%Y %H:%M".',
                file="city.toml",
                details={"format": self.history.date_format or "", "reason": str(error)},
            )
            raise refuse(self.folder, [finding]) from error
        for at in np.flatnonzero(times.at.isna().to_numpy()).tolist():
            row, time = int(table["row"].iloc[at]), texts(column.iloc[[at]])[0] or ""
            twice, never = bool(times.twice.iloc[at]), bool(times.never.iloc[at])
            faults[at] = time_fault(self.history, row, time=time, zone=zone, twice=twice, never=never)
        return times

    def _categories(self, told: _Told, faults: dict[int, Finding]) -> pa.LargeStringArray:
        """The key of each row's category, null where it is not known."""
        encoded = told.categories.dictionary_encode(null_encoding="encode")
        mapped = [self.history.categories.get(value or "", value) for value in encoded.dictionary.to_pylist()]
        known = pa.array([key if key in self.categories else None for key in mapped], type=pa.large_string())
        keys: pa.LargeStringArray = known.take(encoded.indices)
        for at in np.flatnonzero(~_flags(keys.is_valid())).tolist():
            faults.setdefault(at, category_fault(self.history, told.row(at), value=told.categories[at].as_py() or ""))
        return keys

    def _places(self, told: _Told, faults: dict[int, Finding]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        lons, lats = told.table["_lon"].to_numpy(dtype=float).copy(), told.table["_lat"].to_numpy(dtype=float).copy()
        given = told.table["_given"].to_numpy(dtype=bool)
        datum = "wgs84" if "_degrees" in told.table else str(self.history.source.datum)
        off = faulty_places(lons, lats)
        foreign = ~off & outside_datum(lons, lats, datum=datum)
        fine = ~(off | foreign)
        raw_lons, raw_lats = lons.copy(), lats.copy()
        lons[fine], lats[fine] = to_wgs84(lons[fine], lats[fine], datum=datum)
        swapped = self._look_swapped(lons, lats)
        # A row without coordinates that has an address is taken in, and placed later (待落图).
        unplaced = ~given & _flags(told.address.is_valid())
        lons[unplaced] = lats[unplaced] = np.nan
        for i in np.flatnonzero((~fine | swapped) & ~unplaced).tolist():
            if i not in faults:
                faults[i] = place_fault(
                    self.history,
                    told.row(i),
                    lon=float(raw_lons[i]),
                    lat=float(raw_lats[i]),
                    said=self._said(told, i),
                    given=bool(given[i]),
                    swapped=bool(swapped[i]),
                    foreign=bool(foreign[i]),
                )
        return lons, lats

    def _look_swapped(self, lons: NDArray[np.float64], lats: NDArray[np.float64]) -> Bools:
        """Places outside the city's box that would be inside it with longitude and latitude changed round."""
        if self.bounds is None:
            return np.zeros(len(lons), dtype=bool)
        west, south, east, north = self.bounds
        with np.errstate(invalid="ignore"):
            inside = (lons >= west) & (lons <= east) & (lats >= south) & (lats <= north)
            changed = (lats >= west) & (lats <= east) & (lons >= south) & (lons <= north)
        return changed & ~inside

    def _said(self, told: _Told, at: int) -> str:
        columns = self.history.columns
        names = [name for name in (columns.wkt or columns.lon, None if columns.wkt else columns.lat) if name]
        return ", ".join(repr(str(told.table[name].iloc[at])[:80]) for name in names)

    def _ids(self, told: _Told, faults: dict[int, Finding]) -> None:
        ids: list[str | None] = told.ids.to_numpy(zero_copy_only=False).tolist()
        fresh = dict(zip(ids, told.rows, strict=True))
        if len(fresh) == len(ids) and None not in fresh and self.seen.keys().isdisjoint(fresh):
            self.seen.update(fresh)
            return
        for at, (key, row) in enumerate(zip(ids, told.rows, strict=True)):
            if key is None:
                faults[at] = no_id(self.history, row)
            elif (first := self.seen.setdefault(key, row)) != row:
                faults[at] = duplicate_id(self.history, row, id=key, first=first)


@dataclass(frozen=True)
class _Told:
    """What a chunk says, as text: its ids, categories and addresses beside the table they came from."""

    table: pd.DataFrame
    ids: pa.LargeStringArray
    categories: pa.LargeStringArray
    address: pa.LargeStringArray

    def row(self, at: int) -> int:
        """The row in the file of the chunk's ``at``-th row."""
        return self.rows[at]

    @cached_property
    def rows(self) -> list[int]:
        rows: list[int] = self.table["row"].to_numpy(dtype=np.int64).tolist()
        return rows
