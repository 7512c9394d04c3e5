"""The pack of London 1854: real streets, pumps and deaths where they were, and what is generated says so."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import ModuleType

import geopandas
import pandas as pd
import pytest
import shapely

from gis.city_pack import CityPack
from gis.pack_check import check
from gis.pack_sources import read_backdrop, read_incidents, read_roads
from tests.demo_pack import PACKS, differences, untold_files

FOLDER = PACKS / "soho"
BROAD_STREET = shapely.Point(-0.1366, 51.5133)


@pytest.fixture(scope="module")
def areas() -> geopandas.GeoDataFrame:
    return geopandas.read_file(FOLDER / "areas.geojson")


@pytest.fixture(scope="module")
def incidents() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "incidents.csv")


def test_streets_pumps_and_deaths_are_all_there(pack: CityPack, incidents: pd.DataFrame) -> None:
    assert len(read_roads(FOLDER, pack.roads)) == 118
    assert len(read_backdrop(FOLDER, pack.backdrop)["pois"]) == 13
    assert len(incidents) == 324
    assert incidents["id"].is_unique
    assert incidents["count"].sum() == 392, "what the file counts is kept"


def test_the_broad_street_pump_stands_where_it_stood(pack: CityPack) -> None:
    pumps = read_backdrop(FOLDER, pack.backdrop)["pois"]
    (pump,) = [at for at, names in zip(pumps.geometry, pumps["names"], strict=True) if names["en"] == "Broad Street pump"]
    spot = geopandas.GeoSeries([pump, BROAD_STREET], crs="EPSG:4326").to_crs("EPSG:27700")
    assert spot.iloc[0].distance(spot.iloc[1]) < 30.0


def test_the_areas_are_an_exact_partition_of_the_city(areas: geopandas.GeoDataFrame) -> None:
    (city,) = areas[areas["level"] == "city"].geometry
    shapes = areas[areas["level"] == "community"].geometry.to_numpy()
    assert len(shapes) == 10
    assert shapely.coverage_is_valid(shapes)
    assert shapely.coverage_union_all(shapes).equals(city)
    assert areas["code"].is_unique


def test_more_died_around_the_broad_street_pump_than_around_all_others(areas: geopandas.GeoDataFrame, incidents: pd.DataFrame) -> None:
    deaths = {
        name: int(shapely.contains_xy(shape, incidents["lon"], incidents["lat"]).sum())
        for name, level, shape in zip(areas["name_en"], areas["level"], areas.geometry, strict=True)
        if level == "community"
    }
    assert sum(deaths.values()) == 324, "nobody died outside the city"
    assert deaths["Broad Street pump area (generated)"] > 324 / 2


def test_the_program_reads_every_death_as_of_the_day_that_stands_for_all(pack: CityPack) -> None:
    ((frame, findings),) = read_incidents(FOLDER, pack.incidents[0], pack)
    assert findings == []
    assert len(frame) == 324
    assert set(frame["reported_at"].dt.strftime("%Y-%m-%d %H:%M %Z")) == {"1854-09-01 00:00 UTC"}


def test_what_is_generated_says_so(pack: CityPack, areas: geopandas.GeoDataFrame) -> None:
    assert areas["name_en"].str.endswith("(generated)").all()
    assert areas["name_zh"].str.endswith("（生成）").all()
    assert set(areas["origin"]) == {"generated"}
    assert {level.source.origin for level in pack.area_levels if level.source} == {"generated"}
    assert pack.owners is not None
    assert pack.owners.source.origin == "generated"
    assert pd.read_csv(FOLDER / "owners.csv")["name"].str.contains("generated · 生成", regex=False).all()
    assert {pack.roads.source.origin, pack.incidents[0].source.origin} == {"real"}
    assert "generated" in pack.notice["en"]
    assert "no dates" in pack.notice["en"]
    assert "生成" in pack.notice["zh"]
    assert "没有日期" in pack.notice["zh"]


def test_the_origin_of_every_file_is_told() -> None:
    licence = (FOLDER / "DATA-LICENCE.md").read_text("utf-8")
    assert "PySAL Developers" in licence
    assert untold_files(FOLDER) == []


def test_each_area_has_one_owner_and_one_deputy(areas: geopandas.GeoDataFrame) -> None:
    owners = pd.read_csv(FOLDER / "owners.csv", dtype=str)
    communities = sorted(areas[areas["level"] == "community"]["code"])
    for post in ("owner", "deputy"):
        assert sorted(owners[owners["post"] == post]["area"]) == communities
    assert owners["code"].is_unique


def test_the_check_finds_nothing() -> None:
    assert check(FOLDER) == []


def test_the_same_files_give_the_same_pack(maker: ModuleType, tmp_path: Path) -> None:
    for name in ("city.toml", "categories.csv"):
        shutil.copy(FOLDER / name, tmp_path)
    maker.make(FOLDER, tmp_path)
    assert differences(tmp_path, FOLDER) == []


def test_files_of_another_place_are_refused(maker: ModuleType, tmp_path: Path) -> None:
    elsewhere = geopandas.GeoDataFrame({"Id": [0]}, geometry=[shapely.Point(-16000.0, 6713000.0)], crs="EPSG:3857")
    for name in ("Soho_Network", "SohoPeople"):
        for file in FOLDER.glob(f"{name}.*"):
            shutil.copy(file, tmp_path)
    elsewhere.to_file(tmp_path / "SohoWater.shp")
    (tmp_path / "made").mkdir()
    with pytest.raises(SystemExit, match="is this the right file"):
        maker.make(tmp_path, tmp_path / "made")
