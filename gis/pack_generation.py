"""A pack that says how to be generated, made complete: an ordinary pack of files in the data folder, made once and kept.

A city of 25 million is too large to be kept in a repository, and most of it is not public. Such a pack holds what is
real (outlines, codes, names), and a table ``[generated]`` with a seed; `grids.generated_city` and
`grids.generated_streets` make up the rest. What results is a pack like any other, and nothing that reads packs knows more.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.random import default_rng
from numpy.typing import NDArray

from gis.city_pack import CityPack, Generated, digest_of, read_city_toml
from gis.errors import BadPack, Finding
from gis.exchange import from_wgs84
from gis.pack_incidents import known_categories
from gis.pack_places import WGS84, read_places
from gis.pack_tables import read_table, texts
from gis.progress import Progress
from grids import generated_city, generated_streets
from grids.arrangement import Positions
from grids.errors import NoGroundLeft
from grids.generated_city import Density, MadeAreas, Outlines
from grids.generated_streets import Streets
from grids.measure import Floats, Geometries, Plane

ROWS_A_GROUP = 100_000
_KEY_COLUMNS = ("level", "code", "parent")
_HEADER = re.compile(r"\s*\[+\s*([\w-]+)")
_PLACE_KINDS = ("city", "borough", "suburb", "neighbourhood")
_UNPLACED_SHARE = 0.005


def materialise(folder: Path, into: Path, progress: Progress) -> Path:
    """The folder to load for the pack in ``folder``: itself, or, with a table ``[generated]``, a complete pack in ``into``.

    That pack is named after the code and the digest of this one, and kept: the next time it is only found. It is written
    beside and renamed, so that an interruption leaves none; two processes wait for each other. The same files and seed
    give the same bytes. Raises ``BadPack`` when the pack's real files cannot be used, ``NoGroundLeft`` when an outline is
    covered by others.
    """
    pack = read_city_toml(folder)
    if pack.generated is None:
        return folder
    digest = hashlib.sha256(f"{digest_of(folder)} {generated_city.RECIPE}".encode()).hexdigest()[:16]
    finished = into / f"{pack.code}-{digest}"
    with _alone(into, finished.name):
        if not finished.is_dir():
            partial = into / f"{finished.name}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(folder, partial, symlinks=True)
            (partial / "city.toml").write_text(_without_generated(folder), "utf-8")
            _Maker(folder, partial, pack, pack.generated, Plane(pack.metric_crs)).make(progress)
            partial.rename(finished)
    return finished


@contextmanager
def _alone(into: Path, name: str) -> Iterator[None]:
    into.mkdir(parents=True, exist_ok=True)
    with (into / f".{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _without_generated(folder: Path) -> str:
    """The text of `city.toml` without its table ``[generated]``; refuses one that cannot be taken out line by line."""
    text = (folder / "city.toml").read_text("utf-8")
    kept, inside = [], False
    for line in text.splitlines(keepends=True):
        header = _HEADER.match(line)
        inside = header[1] == "generated" if header else inside
        kept += [] if inside else [line]
    left = "".join(kept)
    try:
        wanted = {key: value for key, value in tomllib.loads(text).items() if key != "generated"}
        if tomllib.loads(left) == wanted:
            return left
    except tomllib.TOMLDecodeError:
        pass
    finding = Finding(
        "generated-not-apart",
        "The table [generated] cannot be told apart from the rest of the file.",
        "Write it as a table of its own, at the end of the file.",
        file="city.toml",
    )
    raise BadPack(str(folder), (finding,))


@dataclass(frozen=True)
class _Listed:
    """The areas that are to be made: each level's rows in the order of their codes, and the level that outlines are known of.

    ``paths`` (n, k) holds for each lowest area the row of the area above it at each level from the outlines down.
    """

    levels: list[pd.DataFrame]
    outlined: int
    paths: Positions


@dataclass(frozen=True)
class _Maker:
    """Makes one pack complete: what it is made from, and where its files go."""

    folder: Path
    into: Path
    pack: CityPack
    wish: Generated
    plane: Plane

    def make(self, progress: Progress) -> None:
        progress("generating areas", 0, 4)
        listed = self.listed()
        outlines = generated_city.coverage(self.outlines())
        _require_ground(outlines, listed, [level.key for level in self.pack.area_levels])
        centre_at = self.plane.points_to_metres(np.array([self.wish.centre[0]]), np.array([self.wish.centre[1]]))
        centre = (float(centre_at[0][0]), float(centre_at[1][0]))
        density = Density.of(centre, core_m=self.wish.rings_m[0], outlines=outlines.polygons)
        areas = generated_city.areas(outlines, listed.paths, density, seed=self.wish.seed)
        self.write_areas(listed, areas)
        progress("generating streets", 1, 4)
        water = self.write_water(areas)
        dense = generated_streets.built_up(areas, wanted_m2=self.wish.built_up_km2 * 1e6)
        self.write("built_up", pd.DataFrame({"kind": "residential"}, index=range(int(dense.sum()))), areas.polygons[dense])
        made = generated_streets.streets(
            areas, listed.paths, dense, centre=centre, rings_m=np.array(self.wish.rings_m), water=water, seed=self.wish.seed
        )
        names = self.write_streets(made)
        progress("generating owners", 2, 4)
        self.write_owners(listed.levels[-1]["code"])
        progress("generating incidents", 3, 4)
        self.write_incidents(made, density, names, progress)

    def listed(self) -> _Listed:
        """The areas of the pack's table, level by level; refuses an area without a known area above."""
        source = self.wish.areas
        names = dict.fromkeys(column for level in self.pack.area_levels for column in level.columns.names.values())
        found = read_table(self.folder, source, columns=[*_KEY_COLUMNS, *names])
        table = pd.DataFrame({column: texts(found[column]) for column in found.columns}, index=found.index)
        levels = [table[table["level"] == level.key].sort_values("code", kind="stable") for level in self.pack.area_levels]
        above = [self.rows_above(lower, upper) for upper, lower in pairwise(levels)]
        outlined = self.outlined_level(levels)
        paths = [np.arange(len(levels[-1]))]
        for rows in reversed(above[outlined:]):
            paths.insert(0, rows[paths[0]])
        columns = np.stack(paths, axis=1)
        order = np.lexsort(columns.T[::-1])
        levels[-1] = levels[-1].iloc[order]
        return _Listed(levels, outlined, columns[order, :-1])

    def rows_above(self, lower: pd.DataFrame, upper: pd.DataFrame) -> Positions:
        at = pd.Index(upper["code"]).get_indexer(pd.Index(lower["parent"]))
        if (at < 0).any():
            first = int(np.argmax(at < 0))
            row = lower.iloc[first]
            template = "Area {code} of level {level} names {parent} as the area above it, which is not listed."
            details = {"code": row["code"] or "", "level": row["level"], "parent": row["parent"] or ""}
            raise self.refusal("unknown-parent", template, "Mend the code, or add the area.", row=int(lower.index[first]), **details)
        return np.asarray(at, dtype=np.int64)

    def refusal(self, slug: str, template: str, mend: str, *, row: int | None = None, **details: Any) -> BadPack:
        return BadPack(str(self.folder), (Finding(slug, template, mend, file=self.wish.areas.file, row=row, details=details),))

    def outlined_level(self, levels: list[pd.DataFrame]) -> int:
        """The level whose codes are those of the outlines; it may be any but the lowest."""
        codes = sorted(code or "" for code in texts(read_places(self.folder, self.wish.outlines, columns=["code"])["code"]))
        for rank, level in enumerate(levels[:-1]):
            if sorted(level["code"]) == codes and codes:
                return rank
        template = "The codes of the outlines ({count}) are those of no level above the lowest."
        raise self.refusal("no-outlined-level", template, "List each outline's area in the table of areas.", count=len(codes))

    def outlines(self) -> Geometries:
        """The outlines in metres, in the order of their codes."""
        found = read_places(self.folder, self.wish.outlines, columns=["code"])
        order = np.argsort(np.array(texts(found["code"]), dtype=str), kind="stable")
        polygons: Geometries = self.plane.to_metres(found.geometry.to_numpy()[order])
        return polygons

    def write_areas(self, listed: _Listed, areas: MadeAreas) -> None:
        """One file a level, and a labelled point for every area of them."""
        points, kinds, frames = [], [], []
        for rank, (level, rows) in enumerate(zip(self.pack.area_levels, listed.levels, strict=True)):
            polygons = self.united(listed, areas, rank)
            table = rows.drop(columns="level").fillna("")
            self.write(level.key, table, polygons, datum=level.source.datum if level.source else None)
            kinds += [_place_kind(rank, len(listed.levels))] * len(rows)
            points.append(shapely.point_on_surface(polygons))
            frames.append(table.drop(columns=["code", "parent"]))
        self.write("places", pd.concat(frames).assign(kind=kinds), np.concatenate(points))

    def united(self, listed: _Listed, areas: MadeAreas, rank: int) -> Geometries:
        if rank == len(listed.levels) - 1:
            return areas.polygons
        count = len(listed.levels[rank])
        if rank >= listed.outlined:
            return generated_city.united(areas.polygons, listed.paths[:, rank - listed.outlined], count)
        above = np.arange(len(listed.levels[listed.outlined]))
        for higher in range(listed.outlined - 1, rank - 1, -1):
            above = self.rows_above(listed.levels[higher + 1], listed.levels[higher])[above]
        return generated_city.united(areas.polygons, above[listed.paths[:, 0]], count)

    def write_water(self, areas: MadeAreas) -> Geometries:
        """The rivers as polygons inside the city, which are also returned, in metres."""
        if self.wish.rivers is None:
            return np.empty(0, dtype=object)
        names = list(self.pack.roads.columns.names.values())
        found = read_places(self.folder, self.wish.rivers, columns=["kind", "width_m", *names])
        width_m = pd.to_numeric(found["width_m"], errors="coerce").fillna(50.0).to_numpy(dtype=float)
        ground = shapely.coverage_union_all(areas.polygons)
        beds = shapely.intersection(shapely.buffer(self.plane.to_metres(found.geometry.to_numpy()), width_m / 2, quad_segs=2), ground)
        beds[1:] = [shapely.difference(bed, shapely.union_all(beds[:at])) for at, bed in enumerate(beds[1:], start=1)]
        self.write("water", pd.DataFrame(found[["kind", *names]]), beds)
        return np.asarray(beds, dtype=object)

    def write_streets(self, made: Streets) -> pd.DataFrame:
        """The streets with generated names, which are also returned: one row a street, a column for each language."""
        columns = [*self.pack.roads.columns.names.values()]
        words = read_table(self.folder, self.wish.street_names, columns=columns)
        names = _street_names({column: texts(words[column]) for column in columns}, self.pack.roads.columns.names, made, self.wish.seed)
        classes = np.array(generated_streets.CLASSES, dtype=object)[made.classes]
        self.write("streets", names.assign(road_class=classes), made.lines)
        return names

    def write_owners(self, codes: pd.Series[str]) -> None:
        """One owner and one deputy for each lowest area."""
        posts = np.tile(["owner", "deputy"], len(codes))
        area = np.repeat(codes.to_numpy(dtype=object), 2)
        said = [f"{code}-{'A' if post == 'owner' else 'B'}" for code, post in zip(area, posts, strict=True)]
        table = pd.DataFrame({"code": said, "name": [f"{one} (generated · 生成)" for one in said], "area": area, "post": posts})
        table.to_parquet(self.into / "owners.parquet", index=False, compression="zstd")

    def write_incidents(self, made: Streets, density: Density, names: pd.DataFrame, progress: Progress) -> None:
        """The incidents in row groups of 100,000; one in two hundred has an address and no place, as in any real counter."""
        wish = self.wish
        keys = np.array(sorted(known_categories(self.folder, self.pack)), dtype=object)
        start = datetime(wish.first_day.year, wish.first_day.month, wish.first_day.day, tzinfo=ZoneInfo(self.pack.time_zone))
        happening = generated_streets.Happening(
            made, density, days=wish.days, first_weekday=wish.first_day.weekday(), categories=len(keys), seed=wish.seed
        )
        addresses = names.iloc[:, 0].to_numpy(dtype=object)
        text, number = pa.string(), pa.float64()
        columns = {"id": text, "reported_at": pa.timestamp("s", tz="UTC"), "category": text, "lon": number, "lat": number, "address": text}
        parts = max(-(-wish.incidents // ROWS_A_GROUP), 1)
        with pq.ParquetWriter(self.into / "incidents.parquet", pa.schema(columns.items()), compression="zstd") as file:
            for part in range(parts):
                first = part * ROWS_A_GROUP
                drawn = happening.draw(min(ROWS_A_GROUP, wish.incidents - first), part=part, parts=parts)
                lonlat = self.lonlat(drawn.places)
                lonlat[default_rng([wish.seed, 4, part]).random(len(lonlat)) < _UNPLACED_SHARE] = np.nan
                values = [
                    pa.array([f"{self.pack.code.upper()}-{at:07d}" for at in range(first + 1, first + 1 + len(lonlat))], text),
                    pa.array(drawn.seconds + int(start.timestamp())).cast(columns["reported_at"]),
                    pa.array(keys[drawn.category], text),
                    *(pa.array(side, number, from_pandas=True) for side in np.round(lonlat, 6).T),
                    pa.array(addresses[drawn.street], text),
                ]
                file.write_table(pa.table(dict(zip(columns, values, strict=True))), row_group_size=ROWS_A_GROUP)
                progress("generating incidents", first + len(lonlat), wish.incidents)

    def lonlat(self, places: Floats) -> Floats:
        return np.asarray(shapely.get_coordinates(self.plane.to_lonlat(shapely.points(places))))

    def write(self, name: str, table: pd.DataFrame, geometry: Geometries, *, datum: str | None = None) -> None:
        """A GeoParquet file with places in the datum that `city.toml` declares for it."""
        shapes = self.plane.to_lonlat(geometry)
        if datum not in (None, "wgs84", "cgcs2000"):
            shapes = shapely.transform(shapes, lambda xy: np.column_stack(from_wgs84(xy[:, 0], xy[:, 1], datum=str(datum))))
        frame = geopandas.GeoDataFrame(table.reset_index(drop=True), geometry=shapes, crs=WGS84)
        frame.to_parquet(self.into / f"{name}.parquet", index=False, compression="zstd")


def _require_ground(outlines: Outlines, listed: _Listed, keys: list[str]) -> None:
    gone = shapely.is_missing(outlines.polygons)
    if gone.any():
        raise NoGroundLeft(str(listed.levels[listed.outlined]["code"].iloc[int(np.argmax(gone))]), keys[listed.outlined])


def _place_kind(rank: int, count: int) -> str:
    return _PLACE_KINDS[-1] if rank == count - 1 else _PLACE_KINDS[min(rank, 2)]


def _street_names(words: dict[str, list[str | None]], languages: dict[str, str], made: Streets, seed: int) -> pd.DataFrame:
    """A name in every language for each street: streets of one number share it; a residential street is a numbered lane of one."""
    count = int(made.names.max(initial=-1)) + 1
    rng = default_rng([seed, 5])
    word = rng.integers(0, len(next(iter(words.values()))), count)
    part = rng.integers(0, 6, count)
    lane = rng.integers(1, 1_000, count)
    is_lane = made.classes == len(generated_streets.CLASSES) - 1
    named: dict[str, NDArray[Any]] = {}
    for language, column in languages.items():
        spell = _SPELLED.get(language, _SPELLED["en"])
        texts_of = np.array([spell(words[column][w] or "", p, None) for w, p in zip(word, part, strict=True)], dtype=object)
        lanes_of = np.array([spell(words[column][w] or "", p, n) for w, p, n in zip(word, part, lane, strict=True)], dtype=object)
        named[column] = np.where(is_lane, lanes_of[made.names], texts_of[made.names])
    return pd.DataFrame(named)


def _chinese(word: str, part: int, lane: int | None) -> str:
    return f"{word}{('', '东', '西', '南', '北', '中')[part]}路" + (f"{lane}弄" if lane else "")


def _english(word: str, part: int, lane: int | None) -> str:
    road = f"{('', 'East ', 'West ', 'South ', 'North ', 'Middle ')[part]}{word} Road"
    return f"Lane {lane}, {road}" if lane else road


_SPELLED = {"zh": _chinese, "en": _english}
