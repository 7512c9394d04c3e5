"""The demo pack: its areas are a partition, its rows fit together, and what is generated says so."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from types import ModuleType

import geopandas
import pandas as pd
import pytest
import shapely
from pyproj import Geod

from gis.city_pack import CityPack
from gis.osm_file import read_osm
from gis.pack_check import check
from grids.departments import Department, Lead, leading
from grids.unit_codes import is_checked
from tests.demo_pack import PACKS, differences, untold_files

FOLDER = PACKS / "helsinki"
BELOW_THE_CITY = ["district", "street_town", "community"]


@pytest.fixture(scope="module")
def areas() -> geopandas.GeoDataFrame:
    return geopandas.read_file(FOLDER / "areas.geojson")


@pytest.fixture(scope="module")
def incidents() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "incidents.csv", dtype={"category": str})


def test_every_level_is_an_exact_partition_of_the_city(areas: geopandas.GeoDataFrame) -> None:
    (city,) = areas[areas["level"] == "city"].geometry
    counts = {}
    for level in BELOW_THE_CITY:
        shapes = areas[areas["level"] == level].geometry.to_numpy()
        counts[level] = len(shapes)
        assert shapely.coverage_is_valid(shapes), f"{level} has gaps, overlaps or vertices that only one side knows"
        assert shapely.coverage_union_all(shapes).equals(city)
    assert counts == {"district": 2, "street_town": 5, "community": 18}


def test_each_area_is_the_union_of_those_that_name_it_as_parent(areas: geopandas.GeoDataFrame) -> None:
    for _, area in areas[areas["level"] != "community"].iterrows():
        children = areas[areas["parent"] == area["code"]]
        assert shapely.coverage_union_all(children.geometry.to_numpy()).equals(area.geometry), area["code"]


def test_areas_are_single_pieces_of_a_useful_size_with_codes_that_nest(areas: geopandas.GeoDataFrame) -> None:
    assert set(areas.geom_type) == {"Polygon"}
    assert not any(shape.interiors for shape in areas.geometry)
    assert areas["code"].is_unique
    for level, digits in {"city": 3, "district": 6, "street_town": 9, "community": 12}.items():
        assert set(areas[areas["level"] == level]["code"].str.len()) == {digits}
    below = areas[areas["level"] != "city"]
    assert all(code.startswith(parent) for code, parent in zip(below["code"], below["parent"], strict=True))
    size_m2 = [abs(Geod(ellps="WGS84").geometry_area_perimeter(shape)[0]) for shape in areas[areas["level"] == "community"].geometry]
    assert min(size_m2) > 30_000


def test_what_is_generated_says_so(pack: CityPack, areas: geopandas.GeoDataFrame) -> None:
    below = areas[areas["level"] != "city"]
    for column, word in {"name_en": "(generated)", "name_zh": "（生成）", "name_fi": "(tuotettu)", "name_sv": "(genererad)"}.items():
        assert below[column].str.endswith(word).all()
    assert set(areas["origin"]) == {"generated"}
    assert {level.source.origin for level in pack.area_levels if level.source} == {"generated"}
    assert pack.owners is not None
    assert {pack.owners.source.origin, pack.incidents[0].source.origin} == {"generated"}
    assert pd.read_csv(FOLDER / "owners.csv")["name"].str.contains("generated · 生成", regex=False).all()
    assert "generated" in pack.notice["en"]
    assert "生成" in pack.notice["zh"]
    licence = (FOLDER / "DATA-LICENCE.md").read_text("utf-8")
    assert "© OpenStreetMap contributors" in licence
    assert untold_files(FOLDER) == []


def test_every_source_of_the_pack_has_rows(pack: CityPack) -> None:
    sources = [pack.roads.source, *(b.source for b in pack.barriers), *(b.source for b in pack.backdrop)]
    assert pack.blocks.built_up is not None
    for source in [*sources, pack.blocks.built_up]:
        assert source.datum == "wgs84"
        if source.layer is None:
            assert len(geopandas.read_file(FOLDER / source.file)) > 0
            continue
        rows = read_osm(FOLDER / source.file, layer=source.layer, where=source.where, tags=[])
        assert len(rows.frame) > 0, source


def test_streets_carry_their_real_names(pack: CityPack) -> None:
    tags = [*pack.roads.columns.names.values(), "highway"]
    streets = read_osm(FOLDER / pack.roads.source.file, layer="ways", where=pack.roads.source.where, tags=tags).frame
    assert {"Mannerheimintie", "Aleksanterinkatu", "Pohjoisesplanadi", "Siltasaarenkatu"} <= set(streets["name"].dropna())
    assert "Mannerheimvägen" in set(streets["name:sv"].dropna())
    assert len(streets) > 700


def test_each_community_has_one_owner_and_one_deputy_of_its_own(areas: geopandas.GeoDataFrame) -> None:
    owners = pd.read_csv(FOLDER / "owners.csv", dtype=str)
    communities = set(areas[areas["level"] == "community"]["code"])
    for post in ("owner", "deputy"):
        held = owners[(owners["post"] == post) & owners["area"].isin(communities)]["area"]
        assert held.is_unique
        assert set(held) == communities
    assert owners["code"].is_unique
    assert owners["name"].is_unique


def test_each_street_town_and_special_unit_has_an_owner(areas: geopandas.GeoDataFrame) -> None:
    owners = pd.read_csv(FOLDER / "owners.csv", dtype=str)
    units = geopandas.read_file(FOLDER / "special_units.geojson")
    above = [*areas[areas["level"] == "street_town"]["code"], *units["code"]]
    assert sorted(owners[~owners["area"].isin(areas[areas["level"] == "community"]["code"])]["area"]) == sorted(above)
    assert "Esplanadinpuisto" in set(units["name_fi"])
    assert all(is_checked(code) for code in units["code"])


def test_a_department_leads_every_category_that_departments_lead() -> None:
    categories = pd.read_csv(FOLDER / "categories.csv", dtype=str)
    leads = pd.read_csv(FOLDER / "department_leads.csv", dtype=str)
    said = [Lead(Department(row.department, {}), row.category) for row in leads.itertuples()]
    led = categories[categories["lead_kind"] == "department"]
    assert [key for key in led["kind"] + ":" + led["code"] if leading(said, key, ["091"]) is None] == []
    names = pd.read_csv(FOLDER / "departments.csv", dtype=str)
    assert names["name_en"].str.endswith("(generated)").all()
    assert set(names["code"]) == set(leads["department"])


def test_categories_are_keyed_by_kind_and_code_and_name_levels_of_this_ladder(pack: CityPack) -> None:
    categories = pd.read_csv(FOLDER / "categories.csv", dtype=str)
    assert not categories.duplicated(["kind", "code"]).any()
    assert categories["kind"].value_counts().to_dict() == {"matter": 92, "component": 65}
    assert categories["code"].str.fullmatch(r"\d{5}").all()
    assert set(categories["lowest_level"]) <= {level.key for level in pack.levels}
    assert (categories["duplicate_radius_m"].astype(float) > 0).all()
    assert categories.notna().all(axis=None)


def test_incidents_fit_the_registry_and_the_clock(incidents: pd.DataFrame) -> None:
    categories = pd.read_csv(FOLDER / "categories.csv", dtype=str)
    assert len(incidents) == 3000
    assert incidents["id"].is_unique
    assert set(incidents["category"]) <= set(categories["kind"] + ":" + categories["code"])
    times = [datetime.fromisoformat(text) for text in incidents["reported_at"]]
    assert {str(at.utcoffset()) for at in times} == {"2:00:00", "3:00:00"}, "winter and summer time"
    assert min(times).date().isoformat() == "2026-01-01"
    assert "2026-06-25" <= max(times).date().isoformat() <= "2026-06-30"


def test_most_incidents_lie_in_the_city_few_outside_and_fewer_nowhere(incidents: pd.DataFrame, areas: geopandas.GeoDataFrame) -> None:
    city = areas[areas["level"] == "city"].geometry.iloc[0]
    placed = incidents.dropna(subset=["lon", "lat"])
    inside = shapely.contains_xy(city, placed["lon"], placed["lat"])
    assert 5 <= len(incidents) - len(placed) <= 30
    assert 15 <= (~inside).sum() <= 60
    lowest = areas[areas["level"] == "community"]
    hit = {
        code
        for code, shape in zip(lowest["code"], lowest.geometry, strict=True)
        if shapely.contains_xy(shape, placed["lon"], placed["lat"]).any()
    }
    assert hit == set(lowest["code"]), "every owner has something to do"


def test_the_check_finds_no_error_and_only_the_faults_put_there_on_purpose() -> None:
    findings = check(FOLDER)
    assert {finding.severity for finding in findings} == {"warning"}
    assert {finding.slug for finding in findings} == {"incidents-outside"}


def test_the_same_extract_gives_the_same_pack(maker: ModuleType, tmp_path: Path) -> None:
    for name in ("city.toml", "categories.csv"):
        shutil.copy(FOLDER / name, tmp_path)
    maker.make(FOLDER / "helsinki.osm.pbf", tmp_path)
    assert differences(tmp_path, FOLDER) == []
