"""Makes the pack `gis/packs/soho` from the folder `snow_maps` that the PyPI package libpysal carries.

Run by hand, with the extra `packs` installed: ``python gis/packs/make_soho.py [snow_maps]``. The same files give the
same bytes; nothing here is left to chance. Streets, pumps and the places of deaths are real. The areas and their
owners are made up and say so in their own data; DATA-LICENCE.md tells it once more.

`city.toml`, `categories.csv` and `DATA-LICENCE.md` are written by hand and only read here.
"""

from __future__ import annotations

import csv
import heapq
import json
import shutil
import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import shapely

HERE = Path(__file__).resolve().parent / "soho"
METRIC_CRS = "EPSG:32630"
DECIMALS = 7
# The parts of a Shapefile that hold data; spatial indexes are left out.
PARTS = (".shp", ".shx", ".dbf", ".prj")
STREETS, DEATHS, PUMPS = "Soho_Network", "SohoPeople", "SohoWater"
CITY = "SO"
# Where the pump of Broad Street (now Broadwick Street) stood, and how far from it the one of the file may lie.
BROAD_STREET = (-0.1366, 51.5133)
NEAR_M = 30.0
# The data has no dates. The first of September 1854, in the worst days of the outbreak, stands for all of it.
REPORTED_AT = "1854-09-01"


def main(arguments: list[str]) -> None:
    """Makes the pack in its own folder, from the folder named or from libpysal's."""
    make(Path(arguments[0]) if arguments else _maps_of_libpysal(), HERE)


def make(source: Path, folder: Path) -> None:
    """Writes the three Shapefiles of ``source``, areas, pumps, owners and incidents beside the `city.toml` in ``folder``."""
    for name in (STREETS, DEATHS, PUMPS):
        for part in PARTS:
            shutil.copyfile(source / f"{name}{part}", folder / f"{name}{part}")
    streets, pumps = (geopandas.read_file(folder / f"{name}.shp").to_crs(METRIC_CRS).geometry.to_numpy() for name in (STREETS, PUMPS))
    names = _pump_names(pumps)
    areas = _areas(streets, pumps, names)
    _write_geojson(folder / "areas.geojson", areas)
    places = _rounded(geopandas.GeoSeries(pumps, crs=METRIC_CRS).to_crs("EPSG:4326").to_numpy())
    rows = [
        ({"number": number, "kind": "pump", "name_en": en, "name_zh": zh}, at) for (number, en, zh), at in zip(names, places, strict=True)
    ]
    _write_geojson(folder / "pumps.geojson", rows)
    communities = [record["code"] for record, _ in areas if record["level"] == "community"]
    _write_csv(folder / "owners.csv", ["code", "name", "area", "post", "from", "to"], _owners(communities))
    deaths = geopandas.read_file(folder / f"{DEATHS}.shp").to_crs("EPSG:4326")
    _write_csv(folder / "incidents.csv", ["id", "reported_at", "category", "lon", "lat", "count"], _incidents(deaths))


def _maps_of_libpysal() -> Path:
    spec = find_spec("libpysal")
    if spec is None or spec.origin is None:
        raise SystemExit("libpysal is not installed: install the extra 'packs', or give the path of its folder snow_maps.")
    return Path(spec.origin).parent / "examples" / "snow_maps"


def _pump_names(pumps: Any) -> list[tuple[str, str, str]]:
    """Number in the file's order and names of every pump; only the one that the map made famous is called by its street."""
    spot = geopandas.GeoSeries([shapely.Point(*BROAD_STREET)], crs="EPSG:4326").to_crs(METRIC_CRS)[0]
    away_m = shapely.distance(pumps, spot)
    if away_m.min() > NEAR_M:
        raise SystemExit(f"the nearest pump lies {away_m.min():.0f} m from where the one of Broad Street stood: is this the right file?")
    names = [(f"{number:02d}", f"Pump {number}", f"{number}号水泵") for number in range(1, len(pumps) + 1)]
    famous = int(away_m.argmin())
    names[famous] = (names[famous][0], "Broad Street pump", "布罗德街水泵")
    return names


def _areas(streets: Any, pumps: Any, names: list[tuple[str, str, str]]) -> list[tuple[dict[str, str], Any]]:
    """The city, which is all faces between streets, and a community around each pump that is first at a face of its own."""
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(shapely.union_all(streets, grid_size=0.01))))
    owner = _grown(faces, pumps)
    lonlat = _rounded(geopandas.GeoSeries(faces, crs=METRIC_CRS).to_crs("EPSG:4326").to_numpy())
    told = {"level": "city", "code": CITY, "parent": "", "name_en": "Soho 1854 (generated)", "name_zh": "1854年的苏豪（生成）"}
    records = [(told | {"origin": "generated"}, _united(lonlat))]
    for at in np.unique(owner).tolist():
        number, english, chinese = names[at]
        told = {"level": "community", "code": f"{CITY}{number}", "parent": CITY}
        told |= {"name_en": f"{english} area (generated)", "name_zh": f"{chinese}片区（生成）", "origin": "generated"}
        records.append((told, _united(lonlat[owner == at])))
    return records


def _united(shapes: Any) -> Any:
    united: Any = shapely.normalize(shapely.coverage_union_all(shapes))
    if united.geom_type != "Polygon" or united.interiors:
        raise SystemExit("an area is not one piece without holes")
    return united


def _grown(faces: Any, pumps: Any) -> Any:
    """For each face the pump whose area reaches it first, walking from face to face over shared streets."""
    tree = shapely.STRtree(faces)
    near: dict[int, list[int]] = {at: [] for at in range(len(faces))}
    for one, other in tree.query(faces, predicate="touches").T.tolist():
        if shapely.intersection(faces[one], faces[other]).length > 0.0:
            near[one].append(other)
    middles = shapely.centroid(faces)
    queue = [(0.0, pump, face) for face, pump in sorted(_first_faces(tree, faces, pumps).items())]
    heapq.heapify(queue)
    owner = np.full(len(faces), -1)
    while queue:
        _, pump, face = heapq.heappop(queue)
        if owner[face] >= 0:
            continue
        owner[face] = pump
        for other in near[face]:
            if owner[other] < 0:
                heapq.heappush(queue, (float(pumps[pump].distance(middles[other])), pump, other))
    return owner


def _first_faces(tree: Any, faces: Any, pumps: Any) -> dict[int, int]:
    """The face at which a pump's area begins; of several pumps at one face the nearest gets it, and the others get none."""
    nearest = tree.nearest(pumps)
    away_m = shapely.distance(pumps, faces[nearest])
    first: dict[int, int] = {}
    for pump in np.argsort(away_m, kind="stable").tolist():
        first.setdefault(int(nearest[pump]), pump)
    return first


def _owners(communities: Iterable[str]) -> Iterator[list[str]]:
    for code in communities:
        yield [f"{code}-1", f"{code}-A (generated · 生成)", code, "owner", "", ""]
        yield [f"{code}-2", f"{code}-B (generated · 生成)", code, "deputy", "", ""]


def _incidents(deaths: Any) -> Iterator[list[str]]:
    """One incident for each record of deaths, in the file's order; ``count`` is what the file says beside it."""
    for number, (point, count) in enumerate(zip(deaths.geometry, deaths["Count"], strict=True), start=1):
        yield [f"SNOW-{number:03d}", REPORTED_AT, "matter:cholera", f"{point.x:.{DECIMALS}f}", f"{point.y:.{DECIMALS}f}", str(int(count))]


def _rounded(shapes: Any) -> Any:
    """Shapes on a grid of about a centimetre; a vertex that two shapes share stays shared."""
    return shapely.transform(shapes, lambda xy: np.round(xy, DECIMALS))


def _write_geojson(path: Path, rows: Iterable[tuple[dict[str, str], Any]]) -> None:
    features = [
        json.dumps({"type": "Feature", "properties": record, "geometry": shapely.geometry.mapping(shape)}, ensure_ascii=False)
        for record, shape in rows
    ]
    path.write_text('{"type": "FeatureCollection", "features": [\n' + ",\n".join(features) + "\n]}\n", "utf-8")


def _write_csv(path: Path, header: list[str], rows: Iterable[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    main(sys.argv[1:])
