"""Real files that may not be handed on, loaded as packs of their own. Skipped unless WANGGE_SHARED_DATA names their folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
import sqlalchemy as sa

from gis.actions.adopt_edition import adopt_edition
from gis.actions.draw_edition import draw_edition
from gis.actions.import_incidents import Imported, import_incidents
from gis.actions.load_city import load_city
from gis.pack_check import check
from gis.progress import silent
from tests.tiny_city import NOON, act
from tests.tiny_pack import replace

SHARED = os.environ.get("WANGGE_SHARED_DATA")
pytestmark = pytest.mark.skipif(SHARED is None, reason="WANGGE_SHARED_DATA does not name the folder of the real files")

CITY_TOML = """\
format = 1
code = "CODE"
names = { en = "CODE" }
time_zone = "ZONE"
languages = ["en"]
metric_crs = "METRIC"
cell_resolution = 9

[[levels]]
key = "city"
names = { en = "city" }
derived = "union_of_children"

[[levels]]
key = "lowest"
names = { en = "lowest area" }
source = { file = "AREAS", datum = "DATUM" }
columns = { code = "code", parent = "parent", names = { en = "name" } }

[[levels]]
key = "duty_grid"
kind = "duty_grid"
names = { en = "duty grid" }
derived = "one_per_lowest_area"

[roads]
source = { file = "ROADS", datum = "wgs84" }

[blocks]
max_m2 = 1000000
max_open_m2 = 1000000

[categories]
source = { file = "categories.csv" }

[[incidents]]
key = "history"
HISTORY
"""


def write_pack(
    folder: Path, *, code: str, zone: str, metric: str, areas: str, datum: str, roads: str, history: str, kinds: list[str]
) -> None:
    told = {"CODE": code, "ZONE": zone, "METRIC": metric, "AREAS": areas, "DATUM": datum, "ROADS": roads, "HISTORY": history}
    text = CITY_TOML
    for word, value in told.items():
        text = text.replace(word, value)
    (folder / "city.toml").write_text(text, "utf-8")
    rows = [f"matter,{n:05d},{kind},{kind}" for n, kind in enumerate(kinds, 1)]
    (folder / "categories.csv").write_text("\n".join(["kind,code,name_en,name_zh", *rows]) + "\n", "utf-8")


def taken_in(url: str, folder: Path, code: str) -> Imported:
    with act(url) as tx:
        load_city(tx, folder, now=NOON, progress=silent)
        draw_edition(tx, code, now=NOON, progress=silent)
        adopt_edition(tx, code, now=NOON)
        return import_incidents(
            tx, code, "history", file=None, rejected_folder=folder / "rejected", index_folder=folder / "indexes", now=NOON, progress=silent
        )


def area_of_incidents(url: str) -> pd.DataFrame:
    """For each incident how it was found and the code of its lowest area."""
    with act(url) as tx:
        rows = tx.execute(
            sa.text(
                """
                SELECT incident.source_id, incident.how, incident.reported_precision, area.code
                FROM incident
                LEFT JOIN block ON block.edition_id = incident.edition_id AND block.id = incident.block_id
                LEFT JOIN area ON area.edition_id = block.edition_id AND area.id = block.area_id
                """
            )
        )
        return pd.DataFrame(rows.all(), columns=["id", "how", "precision", "area"]).set_index("id")


# --- Los Angeles: 39,999 requests; each names its own council, and councils overlap by up to 8 km² -------------------

NEWER = {128: 46, 127: 63, 118: 111}
"""Councils whose ground was another's (the value) when many of the requests were made."""


def councils() -> geopandas.GeoDataFrame:
    found = geopandas.read_file(Path(str(SHARED)) / "us" / "la_neighborhood_councils.geojson")
    found = found.assign(code=found["nc_id"].astype(int)).sort_values("code").reset_index(drop=True)
    return found[["code", "name", "geometry"]]


def seamless(areas: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    """Overlapping ground left to the lower code, as the program itself does with little overlaps, and the holes between the
    councils, the largest of 1.3 km², as an area of no council (999); polygons only."""
    left, taken = [], shapely.Polygon()
    for shape in areas.geometry:
        rest = shapely.difference(shape, taken)
        left.append(shapely.MultiPolygon([part for part in shapely.get_parts(rest) if part.geom_type == "Polygon" and part.area > 1e-10]))
        taken = shapely.union(taken, shape)
    holes = [shapely.Polygon(ring) for part in shapely.get_parts(taken) for ring in part.interiors]
    large = shapely.MultiPolygon(
        [hole for hole, m2 in zip(holes, geopandas.GeoSeries(holes, crs=4326).to_crs(32611).area, strict=True) if m2 > 900]
    )
    rest = geopandas.GeoDataFrame({"code": [999], "name": ["no council"]}, geometry=[large], crs=areas.crs)
    return pd.concat([areas.set_geometry(left, crs=areas.crs), rest], ignore_index=True)


@pytest.fixture
def angeles(tmp_path: Path) -> Path:
    requests = pd.read_parquet(Path(str(SHARED)) / "us" / "la_311_samples.parquet")
    kinds = sorted(requests["requesttype"].unique())
    keys = {kind: f"matter:{n:05d}" for n, kind in enumerate(kinds, 1)}
    folder = tmp_path / "angeles"
    folder.mkdir()
    areas = seamless(councils())
    areas.assign(parent="LA", code=areas["code"].map("{:03d}".format)).to_file(folder / "areas.gpkg", layer="areas")
    # The data have no streets; the councils' own borders stand in for them.
    geopandas.GeoDataFrame(geometry=areas.boundary.explode(ignore_index=True), crs=areas.crs).to_file(folder / "roads.gpkg")
    # Two date formats in one column, as in the city's own files: whole days for one sample, seconds for the others.
    day = requests["src_blob"] == requests["src_blob"].iloc[0]
    when = requests["createddate"].dt.strftime("%m/%d/%Y %I:%M:%S %p").where(~day, requests["createddate"].dt.strftime("%Y-%m-%d"))
    requests.assign(when=when).to_parquet(folder / "requests.parquet")
    history = "\n".join(
        [
            'source = { file = "requests.parquet", datum = "wgs84" }',
            'columns = { id = "srnumber", reported_at = "when", category = "requesttype", lon = "longitude", lat = "latitude", address = "address" }',
            'date_format = ["%m/%d/%Y %I:%M:%S %p", "ISO8601"]',
            f"categories = {{ {', '.join(f'{json.dumps(kind)} = {json.dumps(key)}' for kind, key in keys.items())} }}",
        ]
    )
    write_pack(
        folder,
        code="angeles",
        zone="America/Los_Angeles",
        metric="EPSG:32611",
        areas="areas.gpkg",
        datum="wgs84",
        roads="roads.gpkg",
        history=history,
        kinds=kinds,
    )
    return folder


def test_requests_of_los_angeles_lie_in_the_council_that_they_name(database: str, angeles: Path) -> None:
    done = taken_in(database, angeles, "angeles")
    assert (done.read, done.added, done.rejected, done.default_geocodes) == (39_999, 39_999, 0, 0)
    requests = pd.read_parquet(Path(str(SHARED)) / "us" / "la_311_samples.parquet").set_index("srnumber")
    found = requests.join(area_of_incidents(database))
    assert found["how"].eq("unplaced").sum() == requests["latitude"].isna().sum() == 2_871
    assert found["precision"].eq("day").sum() == 10_000

    shapes = councils()
    metres = shapes.to_crs(32611)
    inside = found[found["area"].notna() & found["area"].ne("999")].assign(area=lambda rows: rows["area"].astype(int))
    places = geopandas.points_from_xy(inside["longitude"], inside["latitude"], crs=4326)
    _, at = shapely.STRtree(np.asarray(places)).query(shapes.geometry.to_numpy(), predicate="intersects")
    claimed = np.bincount(at, minlength=len(inside))
    own = inside["nc"].eq(inside["area"])
    undisputed = claimed == 1
    assert own[undisputed].mean() >= 0.99

    # The rest, one by one: ground that two councils claim, councils whose border was drawn anew, and the width of a border.
    border = dict(zip(metres["code"], metres.geometry, strict=True))
    here = dict(zip(inside.index, places.to_crs(32611), strict=True))
    wrong = inside[~own]
    near = np.array([shapely.distance(here[key], border[int(nc)]) < 100 for key, nc in wrong["nc"].items()])
    anew = wrong["nc"].eq(wrong["area"].map(NEWER)).to_numpy()
    disputed = ~undisputed[~own.to_numpy()]
    assert near[disputed].all(), "the council that a request in disputed ground names is one of those that claim it"
    unexplained = ~(near | anew | disputed)
    told = f"others {len(wrong)}: disputed {disputed.sum()}, drawn anew {anew.sum()}, within 100 m {near.sum()}, unexplained {unexplained.sum()}"
    print(f"inside {len(inside)}, own {own.mean():.3%}; undisputed {undisputed.sum()}, own {own[undisputed].mean():.3%}; {told}")  # noqa: T201
    assert unexplained.sum() <= 1


# --- Huangpu: districts in GCJ-02 whose file says EPSG:4326, street nodes in WGS 84 -----------------------------------


@pytest.fixture
def huangpu(tmp_path: Path) -> Path:
    folder = tmp_path / "huangpu"
    folder.mkdir()
    source = Path(str(SHARED)) / "cn"
    districts = geopandas.read_file(source / "shanghai_districts_gcj02.geojson")
    districts = districts[districts["name"] == "黄浦区"]
    districts.assign(code="310101", parent="310100")[["code", "parent", "name", "geometry"]].to_file(folder / "district.geojson")
    geopandas.read_parquet(source / "shanghai_huangpu_road_edges.parquet")[["geometry"]].to_parquet(folder / "streets.parquet")
    nodes = geopandas.read_parquet(source / "shanghai_huangpu_road_nodes.parquet")
    rows = pd.DataFrame(
        {"id": nodes["node_id"], "lon": nodes.geometry.x, "lat": nodes.geometry.y, "reported_at": "2026-01-01", "category": "matter:00001"}
    )
    rows.to_csv(folder / "nodes.csv", index=False)
    write_pack(
        folder,
        code="huangpu",
        zone="Asia/Shanghai",
        metric="EPSG:32651",
        areas="district.geojson",
        datum="gcj02",
        roads="streets.parquet",
        history='source = { file = "nodes.csv", datum = "wgs84" }\ncolumns = { lon = "lon", lat = "lat" }',
        kinds=["node"],
    )
    return folder


def test_street_nodes_of_huangpu_lie_in_huangpu_once_the_datum_is_declared(database: str, huangpu: Path) -> None:
    done = taken_in(database, huangpu, "huangpu")
    assert (done.read, done.added) == (5_268, 5_268)
    found = area_of_incidents(database)
    share = found["area"].eq("310101").mean()
    print(f"nodes in the district: {share:.3%}")  # noqa: T201
    assert share >= 0.99


def test_the_districts_without_a_datum_are_refused(huangpu: Path) -> None:
    replace(huangpu / "city.toml", '"district.geojson", datum = "gcj02"', '"district.geojson"')
    errors = [finding for finding in check(huangpu) if finding.severity == "error"]
    assert [(finding.slug, finding.file) for finding in errors] == [("missing-datum", "district.geojson")]


def test_the_districts_taken_for_wgs84_are_doubted(huangpu: Path) -> None:
    replace(huangpu / "city.toml", '"district.geojson", datum = "gcj02"', '"district.geojson", datum = "wgs84"')
    outside = [finding for finding in check(huangpu) if finding.slug in ("datum-looks-wrong", "incidents-outside")]
    assert len(outside) == 1
    assert outside[0].details["percent"] > 10
