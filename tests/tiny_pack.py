"""A tiny good city pack for tests: two districts, four communities, a grid of streets, fifty incidents.

The city is a made-up square of 800 m in the middle of Shanghai, four communities of 400 m, streets every 200 m.
All files are text, so that a test breaks one thing by changing a few words.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

WEST, SOUTH = 121.47, 31.23
STEP_LON, STEP_LAT = 0.0021, 0.0018
"""About 200 m east and north."""

CITY_TOML = """\
format = 1
code = "tiny"
names = { en = "Tiny", zh = "小城" }
notice = { en = "Everything is made up.", zh = "全部数据均为虚构。" }
time_zone = "Asia/Shanghai"
languages = ["zh", "en"]
metric_crs = "EPSG:32651"
cell_resolution = 11

[[levels]]
key = "city"
names = { en = "city", zh = "市" }
derived = "union_of_children"

[[levels]]
key = "district"
names = { en = "district", zh = "区" }
source = { file = "districts.geojson", datum = "wgs84", origin = "generated" }
columns = { parent = "parent", names = { en = "name_en", zh = "name_zh" } }

[[levels]]
key = "community"
names = { en = "community", zh = "社区" }
source = { file = "communities.geojson", datum = "wgs84", origin = "generated" }
columns = { parent = "parent", names = { en = "name_en", zh = "name_zh" } }

[[levels]]
key = "duty_grid"
kind = "duty_grid"
names = { en = "duty grid", zh = "责任网格" }
derived = "one_per_lowest_area"

[roads]
source = { file = "roads.geojson", datum = "wgs84", origin = "generated" }
columns = { names = { en = "name_en", zh = "name_zh" }, road_class = "road_class" }

[[barriers]]
kind = "river"
source = { file = "river.geojson", datum = "wgs84", origin = "generated" }

[blocks]
min_m2 = 2000
max_m2 = 20000

[[backdrop]]
layer = "water"
source = { file = "water.geojson", datum = "wgs84", origin = "generated" }

[owners]
source = { file = "owners.csv", origin = "generated" }

[categories]
source = { file = "categories.csv" }

[calendar]
country = "CN"

[[incidents]]
key = "history"
source = { file = "incidents.csv", datum = "wgs84", origin = "generated" }
columns = { lon = "lon", lat = "lat", address = "address" }
categories = { hole = "component:01001" }
"""

CATEGORIES = """\
kind,code,name_zh,name_en,lowest_level,answers_on,lead_kind,duplicate_radius_m
component,01001,供水井盖异常,Water-supply manhole cover fault,duty_grid,segment,owner,15
component,02001,公交站亭异常,Bus shelter fault,duty_grid,segment,department,20
matter,06001,暴露垃圾,Exposed rubbish,duty_grid,area,owner,30
matter,07001,违法建设,Illegal building,community,area,department,30
"""

COMMUNITIES = {"310101001001": (0, 0), "310101001002": (0, 2), "310104001001": (2, 0), "310104001002": (2, 2)}
"""Code to steps east and north of its south-west corner; each is two steps wide and high."""


def write_tiny_pack(folder: Path, *, incidents: int = 50) -> Path:
    """Write the pack into ``folder``, which is made, and give the folder back. The same call writes the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "city.toml").write_text(CITY_TOML, "utf-8")
    (folder / "categories.csv").write_text(CATEGORIES, "utf-8")
    write_features(folder / "districts.geojson", _districts())
    write_features(folder / "communities.geojson", _communities())
    write_features(folder / "roads.geojson", _roads())
    river = [_at(-0.2, 1.45), _at(4.2, 1.55)]
    write_features(folder / "river.geojson", [feature("LineString", river)])
    write_features(folder / "water.geojson", [feature("Polygon", [square(0.2, 0.2, 0.5, 0.5)], name="Pond")])
    rows = [[f"O{n}", f"Owner {n}", code, "owner"] for n, code in enumerate(COMMUNITIES, start=1)]
    rows += [[f"D{n}", f"Deputy {n}", code, "deputy"] for n, code in enumerate(COMMUNITIES, start=1)]
    write_rows(folder / "owners.csv", ["code", "name", "area", "post"], rows)
    write_rows(folder / "incidents.csv", ["id", "reported_at", "category", "lon", "lat", "address"], _incidents(incidents))
    return folder


def replace(path: Path, old: str, new: str) -> None:
    """Change one place of a text file; a text that is not there exactly once is an error of the test."""
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {path.name}"
    path.write_text(text.replace(old, new), "utf-8")


def square(east: float, north: float, width: float = 2, height: float = 2) -> list[list[float]]:
    """A ring, in steps of the street grid."""
    corners = [(east, north), (east + width, north), (east + width, north + height), (east, north + height), (east, north)]
    return [_at(*corner) for corner in corners]


def feature(shape: str, coordinates: Any, /, **properties: Any) -> dict[str, Any]:
    """A GeoJSON feature; coordinates None give one without geometry."""
    geometry = None if coordinates is None else {"type": shape, "coordinates": coordinates}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def write_features(path: Path, features: Iterable[dict[str, Any]]) -> None:
    """Write a GeoJSON file, one feature a line."""
    lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in features)
    path.write_text(f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n', "utf-8")


def read_features(path: Path) -> list[dict[str, Any]]:
    """The features of a GeoJSON file, to be changed and written again."""
    features: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["features"]
    return features


def write_rows(path: Path, header: list[str], rows: Iterable[list[Any]], *, encoding: str = "utf-8") -> None:
    """Write a CSV."""
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def read_rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of a CSV."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return header, rows


def _at(east: float, north: float) -> list[float]:
    return [round(WEST + east * STEP_LON, 7), round(SOUTH + north * STEP_LAT, 7)]


def _districts() -> list[dict[str, Any]]:
    named = {"310101": (0, "West District", "西区"), "310104": (2, "East District", "东区")}
    return [
        feature("Polygon", [square(east, 0, 2, 4)], code=code, parent="310100", name_en=name, name_zh=chinese)
        for code, (east, name, chinese) in named.items()
    ]


def _communities() -> list[dict[str, Any]]:
    return [
        feature("Polygon", [square(*corner)], code=code, parent=code[:6], name_en=f"Community {n}", name_zh=f"第{n}社区")
        for n, (code, corner) in enumerate(COMMUNITIES.items(), start=1)
    ]


def _roads() -> list[dict[str, Any]]:
    roads = []
    for n in range(5):
        road_class = "primary" if n % 2 == 0 else "residential"
        across = [_at(east, n) for east in range(5)]
        along = [_at(n, north) for north in range(5)]
        roads.append(feature("LineString", across, name_en=f"East Street {n}", name_zh=f"东{n}路", road_class=road_class))
        roads.append(feature("LineString", along, name_en=f"North Street {n}", name_zh=f"北{n}路", road_class=road_class))
    return roads


def _incidents(count: int) -> list[list[Any]]:
    chance = np.random.default_rng(20261124)
    words = ["hole", "component:02001", "matter:06001", "matter:07001"]
    rows = []
    for n in range(1, count + 1):
        lon, lat = _at(*(float(step) for step in chance.uniform(0.05, 3.95, 2)))
        day, hour = 1 + n % 28, int(chance.integers(0, 24))
        rows.append(
            [f"T{n:04d}", f"2026-10-{day:02d}T{hour:02d}:30:00", words[int(chance.integers(len(words)))], lon, lat, f"{n} East Street"]
        )
    return rows
