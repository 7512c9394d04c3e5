"""Makes the pack `gis/packs/soho` from the folder `snow_maps` that the PyPI package libpysal carries.

Run by hand, with the extra `packs` installed: ``python gis/packs/make_soho.py [snow_maps]``. The same files give the
same bytes; nothing here is left to chance. Streets, pumps and the places of deaths are real. The areas and their
owners are made up and say so in their own data; DATA-LICENCE.md tells it once more.

`city.toml`, `categories.csv` and `DATA-LICENCE.md` are written by hand and only read here.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import shapely

if __package__ in (None, ""):  # run as a script: the rooms lie two folders up
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gis.packs.make_files import DECIMALS, data_of, grown, one_piece, rounded, write_csv, write_geojson

HERE = Path(__file__).resolve().parent / "soho"
METRIC_CRS = "EPSG:32630"
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
    make(Path(arguments[0]) if arguments else data_of("libpysal", "examples/snow_maps"), HERE)


def make(source: Path, folder: Path) -> None:
    """Writes the three Shapefiles of ``source``, areas, pumps, owners and incidents beside the `city.toml` in ``folder``."""
    for name in (STREETS, DEATHS, PUMPS):
        for part in PARTS:
            shutil.copyfile(source / f"{name}{part}", folder / f"{name}{part}")
    streets, pumps = (geopandas.read_file(folder / f"{name}.shp").to_crs(METRIC_CRS).geometry.to_numpy() for name in (STREETS, PUMPS))
    names = _pump_names(pumps)
    areas = _areas(streets, pumps, names)
    write_geojson(folder / "areas.geojson", areas)
    places = rounded(geopandas.GeoSeries(pumps, crs=METRIC_CRS).to_crs("EPSG:4326").to_numpy())
    rows = [
        ({"number": number, "kind": "pump", "name_en": en, "name_zh": zh}, at) for (number, en, zh), at in zip(names, places, strict=True)
    ]
    write_geojson(folder / "pumps.geojson", rows)
    communities = [record["code"] for record, _ in areas if record["level"] == "community"]
    write_csv(folder / "owners.csv", ["code", "name", "area", "post", "from", "to"], _owners(communities))
    deaths = geopandas.read_file(folder / f"{DEATHS}.shp").to_crs("EPSG:4326")
    write_csv(folder / "incidents.csv", ["id", "reported_at", "category", "lon", "lat", "count"], _incidents(deaths))


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
    owner = grown(faces, pumps, _first_faces(faces, pumps))
    lonlat = rounded(geopandas.GeoSeries(faces, crs=METRIC_CRS).to_crs("EPSG:4326").to_numpy())
    told = {"level": "city", "code": CITY, "parent": "", "name_en": "Soho 1854 (generated)", "name_zh": "1854年的苏豪（生成）"}
    records = [(told | {"origin": "generated"}, one_piece(lonlat, code=CITY))]
    for at in np.unique(owner).tolist():
        number, english, chinese = names[at]
        told = {"level": "community", "code": f"{CITY}{number}", "parent": CITY}
        told |= {"name_en": f"{english} area (generated)", "name_zh": f"{chinese}片区（生成）", "origin": "generated"}
        records.append((told, one_piece(lonlat[owner == at], code=told["code"])))
    return records


def _first_faces(faces: Any, pumps: Any) -> list[tuple[int, int]]:
    """Each pump with the face at which its area begins; of several pumps at one face the nearest gets it, and the others get none."""
    nearest = shapely.STRtree(faces).nearest(pumps)
    away_m = shapely.distance(pumps, faces[nearest])
    first: dict[int, int] = {}
    for pump in np.argsort(away_m, kind="stable").tolist():
        first.setdefault(int(nearest[pump]), pump)
    return [(pump, face) for face, pump in first.items()]


def _owners(communities: Iterable[str]) -> Iterator[list[str]]:
    for code in communities:
        yield [f"{code}-1", f"{code}-A (generated · 生成)", code, "owner", "", ""]
        yield [f"{code}-2", f"{code}-B (generated · 生成)", code, "deputy", "", ""]


def _incidents(deaths: Any) -> Iterator[list[str]]:
    """One incident for each record of deaths, in the file's order; ``count`` is what the file says beside it."""
    for number, (point, count) in enumerate(zip(deaths.geometry, deaths["Count"], strict=True), start=1):
        yield [f"SNOW-{number:03d}", REPORTED_AT, "matter:cholera", f"{point.x:.{DECIMALS}f}", f"{point.y:.{DECIMALS}f}", str(int(count))]


if __name__ == "__main__":
    main(sys.argv[1:])
