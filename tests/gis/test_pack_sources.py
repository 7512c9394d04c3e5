"""Reading a city pack's files: every format, datum and CRS gives the same places; every row is kept or named."""

from __future__ import annotations

import shutil
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gis import pack_tables
from gis.city_pack import Backdrop, Barrier, Blocks, IncidentHistory, Level, Roads, Source, read_city_toml
from gis.errors import BadPack
from gis.exchange import from_wgs84
from gis.pack_sources import (
    read_areas,
    read_backdrop,
    read_barriers,
    read_built_up,
    read_categories,
    read_incidents,
    read_owners,
    read_roads,
)
from gis.pack_tables import texts
from gis.pack_times import utc_times
from tests.tiny_pack import COMMUNITIES, feature, read_features, read_rows, replace, square, write_features, write_rows, write_tiny_pack

HELSINKI = Path(__file__).parents[2] / "gis" / "packs" / "helsinki"


def communities(folder, **source):
    named = {"file": "communities.geojson", "datum": "wgs84", **source}
    columns = {"code": "code", "parent": "parent", "names": {"en": "name_en", "zh": "name_zh"}}
    return read_areas(folder, Level(key="community", names={"en": "community"}, source=named, columns=columns))


def history_of(folder):
    pack = read_city_toml(folder)
    return list(read_incidents(folder, pack.incidents[0], pack))


def slugs(refusal):
    return [finding.slug for finding in refusal.value.findings]


def as_geopackage(frame, folder):
    frame.to_file(folder / "a.gpkg", layer="areas")
    return {"file": "a.gpkg"}


def as_shapefile(frame, folder):
    frame.to_file(folder / "a.shp", encoding="utf-8")
    return {"file": "a.shp"}


def as_gbk_shapefile_without_cpg(frame, folder):
    frame.to_file(folder / "a.shp", encoding="gbk")
    (folder / "a.cpg").unlink()
    return {"file": "a.shp", "encoding": "gbk"}


def as_gbk_shapefile_with_cpg(frame, folder):
    frame.to_file(folder / "a.shp", encoding="gbk")
    return {"file": "a.shp"}


def as_flatgeobuf(frame, folder):
    frame.to_file(folder / "a.fgb", SPATIAL_INDEX="NO")
    return {"file": "a.fgb"}


def as_geoparquet(frame, folder):
    frame.rename_geometry("shape").to_parquet(folder / "a.parquet")
    return {"file": "a.parquet"}


def as_plain_parquet(frame, folder):
    pd.DataFrame(frame.drop(columns="geometry")).assign(wkt=frame.geometry.to_wkt()).to_parquet(folder / "a.parquet")
    return {"file": "a.parquet", "crs": "EPSG:4326"}


def as_gbk_csv(frame, folder):
    pd.DataFrame(frame.drop(columns="geometry")).assign(wkt=frame.geometry.to_wkt()).to_csv(folder / "a.csv", index=False, encoding="gbk")
    return {"file": "a.csv", "crs": "EPSG:4326", "encoding": "gbk"}


def as_utf_16_text_with_semicolons(frame, folder):
    text = pd.DataFrame(frame.drop(columns="geometry")).assign(wkt=frame.geometry.to_wkt())
    text.to_csv(folder / "a.txt", index=False, encoding="utf-16", sep=";")
    return {"file": "a.txt", "crs": "EPSG:4326", "encoding": "utf-16"}


def as_tabs_with_byte_order_mark(frame, folder):
    text = pd.DataFrame(frame.drop(columns="geometry")).assign(wkt=frame.geometry.to_wkt())
    text.to_csv(folder / "a.tsv", index=False, encoding="utf-8-sig", sep="\t")
    return {"file": "a.tsv", "crs": "EPSG:4326"}


def as_geojson_with_byte_order_mark(frame, folder):
    (folder / "a.geojson").write_bytes(b"\xef\xbb\xbf" + (folder / "communities.geojson").read_bytes())
    return {"file": "a.geojson"}


def as_gml(frame, folder):
    frame.to_file(folder / "a.gml", driver="GML")
    return {"file": "a.gml"}


def as_kml(frame, folder):
    frame.to_file(folder / "a.kml", driver="LIBKML")
    return {"file": "a.kml"}


def as_mapinfo_table(frame, folder):
    frame.to_file(folder / "a.tab", driver="MapInfo File", encoding="gbk")
    return {"file": "a.tab", "encoding": "gbk"}


def as_mapinfo_interchange(frame, folder):
    frame.to_file(folder / "a.mif", driver="MapInfo File", encoding="utf-8")
    return {"file": "a.mif"}


def as_file_geodatabase(frame, folder):
    frame.to_file(folder / "a.gdb", driver="OpenFileGDB")
    return {"file": "a.gdb"}


def in_feet(frame, folder):
    feet = "+proj=tmerc +lon_0=121.5 +lat_0=31 +x_0=300000 +y_0=0 +datum=WGS84 +units=us-ft +no_defs"
    frame.to_crs(feet).to_file(folder / "f.gpkg")
    return {"file": "f.gpkg"}


def in_metres(frame, folder):
    frame.to_crs(32651).to_file(folder / "m.gpkg")
    return {"file": "m.gpkg"}


def in_metres_without_crs(frame, folder):
    frame.to_crs(32651).to_file(folder / "m.shp", encoding="utf-8")
    (folder / "m.prj").unlink()
    return {"file": "m.shp", "crs": "EPSG:32651"}


def in_cgcs2000(frame, folder):
    frame.to_crs(4490).to_file(folder / "c.gpkg")
    return {"file": "c.gpkg", "datum": "cgcs2000"}


def shifted(datum):
    def write(frame, folder):
        moved = shapely.transform(frame.geometry.to_numpy(), lambda xy: np.column_stack(from_wgs84(xy[:, 0], xy[:, 1], datum=datum)))
        frame.set_geometry(geopandas.GeoSeries(moved, crs=4326)).to_file(folder / "s.geojson", COORDINATE_PRECISION=12)
        return {"file": "s.geojson", "datum": datum}

    write.__name__ = f"in_{datum}"
    return write


WRITERS = [
    as_geopackage,
    as_shapefile,
    as_gbk_shapefile_without_cpg,
    as_gbk_shapefile_with_cpg,
    as_flatgeobuf,
    as_geoparquet,
    as_plain_parquet,
    as_gbk_csv,
    as_utf_16_text_with_semicolons,
    as_tabs_with_byte_order_mark,
    as_geojson_with_byte_order_mark,
    as_gml,
    as_kml,
    as_mapinfo_table,
    as_mapinfo_interchange,
    as_file_geodatabase,
    in_feet,
    in_metres,
    in_metres_without_crs,
    in_cgcs2000,
    shifted("gcj02"),
    shifted("bd09"),
]


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_every_format_and_datum_gives_the_same_areas(tiny_pack, write):
    wanted = communities(tiny_pack)
    given_frame = geopandas.read_file(tiny_pack / "communities.geojson")
    source = write(given_frame, tiny_pack)
    found = communities(tiny_pack, **source)
    assert found.crs.to_epsg() == 4326
    assert found["code"].tolist() == list(COMMUNITIES)
    assert found["parent"].tolist() == ["310101", "310101", "310104", "310104"]
    assert found["names"].tolist() == wanted["names"].tolist()
    assert found["names"].iloc[0] == {"en": "Community 1", "zh": "第1社区"}
    first = 2 if Path(source["file"]).suffix in (".csv", ".tsv", ".txt") else 1
    assert found["row"].tolist() == [first, first + 1, first + 2, first + 3]
    moved_deg = shapely.hausdorff_distance(found.geometry.to_numpy(), wanted.geometry.to_numpy())
    assert moved_deg.max() < 1e-9


def test_big5_is_read_when_it_is_declared_and_recognised_when_not(tiny_pack):
    header = ["code", "parent", "name_en", "name_zh", "wkt"]
    area = "POLYGON ((121.47 31.23, 121.48 31.23, 121.48 31.24, 121.47 31.23))"
    write_rows(tiny_pack / "a.csv", header, [["1", "2", "A", "第一社區辦公室聯合管理委員會", area]], encoding="big5")
    found = communities(tiny_pack, file="a.csv", crs="EPSG:4326", encoding="big5")
    assert found["names"].tolist() == [{"en": "A", "zh": "第一社區辦公室聯合管理委員會"}]
    with pytest.raises(BadPack) as refused:
        communities(tiny_pack, file="a.csv", crs="EPSG:4326")
    [finding] = refused.value.findings
    assert (finding.slug, finding.row, finding.details["likely"]) == ("wrong-encoding", 2, "big5")


def test_utf_16_is_recognised_when_it_is_not_declared(tiny_pack):
    header, rows = read_rows(tiny_pack / "categories.csv")
    write_rows(tiny_pack / "categories.csv", header, rows, encoding="utf-16")
    with pytest.raises(BadPack) as refused:
        read_categories(tiny_pack, read_city_toml(tiny_pack).categories)
    [finding] = refused.value.findings
    assert (finding.slug, finding.details["likely"]) == ("wrong-encoding", "utf-16")


def test_codes_that_a_file_holds_as_numbers_have_no_decimal_point():
    assert texts(pd.Series([310101.0, np.nan, 2.5])) == ["310101", None, "2.5"]
    assert texts(pd.Series([310101001001, None], dtype=object)) == ["310101001001", None]
    assert texts(pd.Series([" a ", "", None])) == ["a", None, None]


def test_rows_are_chosen_by_value_by_any_value_and_by_none(tiny_pack):
    features = [feature("Polygon", [square(n, 0, 1, 1)], code=str(n), kind=kind) for n, kind in enumerate(["a", "b", None, "a"])]
    write_features(tiny_pack / "x.geojson", features)

    def chosen(**where):
        level = Level(
            key="x", names={"en": "x"}, source={"file": "x.geojson", "datum": "wgs84", "where": where}, columns={"names": {"en": "code"}}
        )
        return read_areas(tiny_pack, level)

    assert chosen(kind="a")["code"].tolist() == ["0", "3"]
    assert chosen(kind="a")["row"].tolist() == [1, 4]
    assert chosen(kind=["b", "!"])["code"].tolist() == ["1", "2"]
    assert chosen(kind="*")["code"].tolist() == ["0", "1", "3"]
    assert chosen(kind="!")["code"].tolist() == ["2"]


def test_a_derived_level_has_no_rows(tiny_pack):
    assert read_areas(tiny_pack, read_city_toml(tiny_pack).levels[0]).empty


def test_multi_lines_become_lines_that_keep_their_row_and_name(tiny_pack):
    parts = [[[121.47, 31.23], [121.471, 31.23]], [[121.472, 31.23], [121.473, 31.23]]]
    write_features(
        tiny_pack / "roads.geojson",
        [
            feature("LineString", parts[0], name_en="A", name_zh=None, road_class="primary"),
            feature("MultiLineString", parts, name_en="B", name_zh="乙", road_class=None),
            feature("LineString", None, name_en="C", name_zh=None, road_class=None),
            feature("Point", [121.47, 31.23], name_en="D", name_zh=None, road_class=None),
        ],
    )
    roads = read_roads(tiny_pack, read_city_toml(tiny_pack).roads)
    assert roads["row"].tolist() == [1, 2, 2]
    assert roads["names"].tolist() == [{"en": "A"}, {"en": "B", "zh": "乙"}, {"en": "B", "zh": "乙"}]
    assert roads["road_class"].tolist() == ["primary", "", ""]
    assert roads.geometry.geom_type.tolist() == ["LineString"] * 3


def test_a_barrier_of_polygons_gives_its_rings(tiny_pack):
    island = [square(0, 0), square(0.5, 0.5, 1, 1)[::-1]]
    write_features(tiny_pack / "lake.geojson", [feature("Polygon", island)])
    lake = Barrier(kind="lake", source={"file": "lake.geojson", "datum": "wgs84"})
    river = read_city_toml(tiny_pack).barriers[0]
    found = read_barriers(tiny_pack, [lake, river])
    assert found["kind"].tolist() == ["lake", "lake", "river"]
    assert shapely.get_num_points(found.geometry.to_numpy()).tolist() == [5, 5, 2]
    assert set(found.geometry.geom_type) == {"LineString"}
    assert read_barriers(tiny_pack, []).empty


def test_built_up_land_comes_as_single_polygons_or_not_at_all(tiny_pack):
    write_features(
        tiny_pack / "b.geojson", [feature("MultiPolygon", [[square(0, 0, 1, 1)], [square(2, 0, 1, 1)]]), feature("Polygon", None)]
    )
    found = read_built_up(tiny_pack, Blocks(built_up={"file": "b.geojson", "datum": "wgs84"}))
    assert found.geom_type.tolist() == ["Polygon", "Polygon"]
    assert read_built_up(tiny_pack, Blocks()) is None


def test_backdrop_is_grouped_by_layer_and_has_the_layers_name_as_kind(tiny_pack):
    source = {"file": "water.geojson", "datum": "wgs84"}
    found = read_backdrop(tiny_pack, [Backdrop(layer="water", source=source), Backdrop(layer="water", source=source, kind_column="name")])
    assert list(found) == ["water"]
    assert found["water"]["kind"].tolist() == ["water", "Pond"]
    assert found["water"]["names"].tolist() == [{"en": "Pond"}, {"en": "Pond"}]


def test_an_openstreetmap_file_is_read_by_layer_and_tags():
    roads = read_roads(
        HELSINKI,
        Roads(
            source={"file": "helsinki.osm.pbf", "layer": "ways", "where": {"highway": ["primary", "secondary"]}, "datum": "wgs84"},
            columns={"names": {"fi": "name", "sv": "name:sv"}, "road_class": "highway"},
        ),
    )
    assert len(roads) > 50
    assert set(roads["road_class"]) == {"primary", "secondary"}
    assert {"fi": "Mannerheimintie", "sv": "Mannerheimvägen"} in roads["names"].tolist()
    with pytest.raises(BadPack) as refused:
        read_roads(HELSINKI, Roads(source={"file": "helsinki.osm.pbf", "datum": "wgs84"}))
    assert slugs(refused) == ["missing-layer"]


def test_owners_have_a_post_and_instants_in_the_packs_zone(tiny_pack):
    rows = [["O1", "王", "310101001001", "", "2026-01-01", "2026-07-01T08:00:00Z"], ["D1", "李", "310101001001", "deputy", "", ""]]
    write_rows(tiny_pack / "owners.csv", ["code", "name", "area", "post", "from", "to"], rows)
    owners = read_owners(tiny_pack, read_city_toml(tiny_pack).owners, time_zone="Asia/Shanghai")
    assert owners["post"].tolist() == ["owner", "deputy"]
    assert owners["from_at"].iloc[0] == pd.Timestamp("2025-12-31T16:00Z")
    assert owners["to_at"].iloc[0] == pd.Timestamp("2026-07-01T08:00Z")
    assert pd.isna(owners["to_at"].iloc[1])
    assert owners["row"].tolist() == [2, 3]


def test_categories_know_what_the_file_says_and_nothing_else(tiny_pack):
    categories = read_categories(tiny_pack, read_city_toml(tiny_pack).categories)
    assert categories["code"].tolist() == ["01001", "02001", "06001", "07001"]
    assert categories["names"].iloc[2] == {"en": "Exposed rubbish", "zh": "暴露垃圾"}
    assert categories["duplicate_radius_m"].tolist() == [15.0, 20.0, 30.0, 30.0]
    write_rows(tiny_pack / "categories.csv", ["kind", "code", "name_en", "name_zh"], [["matter", "1", "A", ""]])
    bare = read_categories(tiny_pack, read_city_toml(tiny_pack).categories)
    assert bare["lowest_level"].tolist() == [None]
    assert bare["duplicate_radius_m"].isna().all()


def test_incidents_are_read_with_category_time_and_place(tiny_pack):
    [(frame, findings)] = history_of(tiny_pack)
    assert findings == []
    assert len(frame) == 50
    assert frame["source_id"].iloc[0] == "T0001"
    assert frame["row"].tolist() == list(range(2, 52))
    assert set(frame["category"]) == {"component:01001", "component:02001", "matter:06001", "matter:07001"}
    header, rows = read_rows(tiny_pack / "incidents.csv")
    local = pd.Timestamp(rows[0][header.index("reported_at")], tz="Asia/Shanghai")
    assert frame["reported_at"].iloc[0] == local
    assert str(frame["reported_at"].dtype) == "datetime64[us, UTC]"


def test_a_history_is_streamed_and_ids_are_unique_over_all_chunks(tiny_pack, monkeypatch):
    header, rows = read_rows(tiny_pack / "incidents.csv")
    write_rows(tiny_pack / "incidents.csv", header, [*rows, rows[0]])
    monkeypatch.setattr(pack_tables, "CHUNK_ROWS", 20)
    chunks = history_of(tiny_pack)
    assert [len(frame) for frame, _ in chunks] == [20, 20, 10]
    [finding] = chunks[2][1]
    assert (finding.slug, finding.row, finding.details) == ("duplicate-id", 52, {"id": "T0001", "first": 2})


def one_row(folder, **changed):
    """What is said of a history of one row in which some fields were changed."""
    header, rows = read_rows(folder / "incidents.csv")
    row = [changed.get(name, value) for name, value in zip(header, rows[0], strict=True)]
    write_rows(folder / "incidents.csv", header, [row])
    [(frame, findings)] = history_of(folder)
    assert len(frame) + len(findings) == 1
    return findings[0] if findings else frame.iloc[0]


@pytest.mark.parametrize(
    ("changed", "slug"),
    [
        ({"id": " "}, "no-id"),
        ({"reported_at": ""}, "bad-time"),
        ({"reported_at": "24/11/2026"}, "bad-time"),
        ({"category": "pothole"}, "unknown-category"),
        ({"category": ""}, "unknown-category"),
        ({"lon": "", "address": ""}, "no-place"),
        ({"lon": "east"}, "not-a-number"),
        ({"lat": "NaN"}, "not-a-number"),
        ({"lon": "inf"}, "not-a-number"),
        ({"lon": "31.231", "lat": "121.471"}, "swapped-coordinates"),
        ({"lon": "354000", "lat": "3456000"}, "bad-coordinate"),
    ],
)
def test_a_bad_row_is_left_out_and_named_with_its_reason(tiny_pack, changed, slug):
    finding = one_row(tiny_pack, **changed)
    assert finding.slug == slug
    assert (finding.file, finding.row, finding.severity) == ("incidents.csv", 2, "warning")
    assert finding.text()


@pytest.mark.parametrize(
    "changed",
    [{"lon": "121.9"}, {"lon": "0", "lat": "0"}, {"reported_at": "2126-01-01T00:00:00"}, {"lon": "", "lat": "", "address": "Lane 5"}],
)
def test_a_place_outside_the_city_a_time_to_come_and_a_mere_address_are_kept(tiny_pack, changed):
    assert one_row(tiny_pack, **changed)["source_id"] == "T0001"


def test_a_row_with_too_many_fields_is_named_and_the_rest_is_read(tiny_pack):
    path = tiny_pack / "incidents.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:3], "T9,too,few", "", *lines[3:]]) + "\n\n")
    [(frame, [finding])] = history_of(tiny_pack)
    assert (finding.slug, finding.row) == ("ragged-row", 4)
    assert len(frame) == 50
    assert frame["row"].iloc[2] == 6


def test_gcj02_incidents_land_where_they_were_measured(tiny_pack):
    [(wanted, _)] = history_of(tiny_pack)
    header, rows = read_rows(tiny_pack / "incidents.csv")
    lons, lats = from_wgs84(wanted["lon"], wanted["lat"], datum="gcj02")
    moved = [[*row[:3], lon, lat, row[5]] for row, lon, lat in zip(rows, lons, lats, strict=True)]
    write_rows(tiny_pack / "incidents.csv", header, moved)
    replace(tiny_pack / "city.toml", '"incidents.csv", datum = "wgs84"', '"incidents.csv", datum = "gcj02"')
    [(found, findings)] = history_of(tiny_pack)
    assert findings == []
    assert np.abs(found[["lon", "lat"]].to_numpy() - wanted[["lon", "lat"]].to_numpy()).max() < 1e-9


@pytest.mark.parametrize("form", ["wkt", "parquet", "geopackage", "metres"])
def test_incidents_come_in_other_forms_too(tiny_pack, form):
    [(wanted, _)] = history_of(tiny_pack)
    frame = pd.read_csv(tiny_pack / "incidents.csv", dtype={"id": str})
    points = geopandas.GeoSeries.from_xy(frame["lon"], frame["lat"], crs=4326)
    columns = {"lon": "lon", "lat": "lat"}
    source = {"file": "i.parquet", "datum": "wgs84"}
    if form == "wkt":
        frame.assign(place=points.to_wkt(rounding_precision=7)).to_csv(tiny_pack / "i.csv", index=False)
        columns, source = {"wkt": "place"}, {"file": "i.csv", "datum": "wgs84", "crs": "EPSG:4326"}
    elif form == "parquet":
        frame.to_parquet(tiny_pack / "i.parquet")
    elif form == "geopackage":
        geopandas.GeoDataFrame(frame, geometry=points).to_file(tiny_pack / "i.gpkg")
        columns, source = {}, {"file": "i.gpkg", "datum": "wgs84"}
    else:
        metres = points.to_crs(32651)
        frame.assign(lon=metres.x, lat=metres.y).to_parquet(tiny_pack / "i.parquet")
        source = {**source, "crs": "EPSG:32651"}
    pack = read_city_toml(tiny_pack)
    history = IncidentHistory(key="other", source=source, columns=columns, categories={"hole": "component:01001"})
    [(found, findings)] = list(read_incidents(tiny_pack, history, pack))
    assert findings == []
    assert found["source_id"].tolist() == wanted["source_id"].tolist()
    assert found["reported_at"].tolist() == wanted["reported_at"].tolist()
    assert np.abs(found[["lon", "lat"]].to_numpy() - wanted[["lon", "lat"]].to_numpy()).max() < 1e-8


def test_times_with_and_without_zone_and_when_clocks_change():
    said = ["2026-03-29T03:30:00", "2026-10-25T03:30:00", "2026-10-25T03:30:00+02:00", "2026-06-01", "2026-06-01T12:00Z", "", "soon"]
    times = utc_times(pd.Series(said), time_zone="Europe/Helsinki")
    assert times.never.tolist() == [True, *[False] * 6]
    assert times.twice.tolist() == [False, True, *[False] * 5]
    assert times.wrong.tolist() == [*[False] * 6, True]
    assert times.at.tolist()[2:5] == [
        pd.Timestamp("2026-10-25T01:30Z"),
        pd.Timestamp("2026-05-31T21:00Z"),
        pd.Timestamp("2026-06-01T12:00Z"),
    ]
    own = utc_times(pd.Series(["01.06.2026 12:00"]), time_zone="Europe/Helsinki", date_format="%d.%m.%Y %H:%M")
    assert own.at.iloc[0] == pd.Timestamp("2026-06-01T09:00Z")


field = st.one_of(
    st.sampled_from(["", "NaN", "121.472", "31.232", "-1e999", "x", "T1", "hole", "matter:06001", "2026-01-01", "2026-01-01T00:00Z"]),
    st.text(st.characters(exclude_categories=["C"]), max_size=5),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(field, min_size=6, max_size=6), max_size=8))
def test_whatever_a_csv_holds_each_row_is_given_once_or_named_once(tmp_path, rows):
    shutil.rmtree(tmp_path / "p", ignore_errors=True)
    folder = write_tiny_pack(tmp_path / "p", incidents=1)
    header, good = read_rows(folder / "incidents.csv")
    write_rows(folder / "incidents.csv", header, [*rows, *good])
    [(frame, findings)] = history_of(folder)
    kept, named = frame["row"].tolist(), [finding.row for finding in findings]
    assert sorted(kept + named) == list(range(2, len(rows) + 3))
    assert (frame[["lon", "lat"]].notna().all(axis=1) | frame["address"].notna()).all()
    assert frame["source_id"].is_unique


def test_the_first_bytes_must_be_those_of_the_format(tiny_pack):
    """A recipe that makes GDAL fetch other files must not be taken for one of the formats."""
    (tiny_pack / "communities.geojson").write_text('<OGRVRTDataSource><OGRVRTLayer name="x"/></OGRVRTDataSource>')
    with pytest.raises(BadPack) as refused:
        communities(tiny_pack)
    assert slugs(refused) == ["wrong-format"]
    (tiny_pack / "communities.geojson").write_text(
        '{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read x.geojson ! write y"}'
    )
    with pytest.raises(BadPack) as refused:
        communities(tiny_pack)
    assert slugs(refused) == ["wrong-format"]


def test_coordinates_without_their_crs_are_told_from_degrees(tiny_pack):
    features = read_features(tiny_pack / "communities.geojson")
    features[1]["geometry"]["coordinates"] = [[[354000, 3456000], [354400, 3456000], [354400, 3456400], [354000, 3456000]]]
    write_features(tiny_pack / "communities.geojson", features)
    with pytest.raises(BadPack) as refused:
        communities(tiny_pack)
    [finding] = refused.value.findings
    assert (finding.slug, finding.row) == ("bad-coordinate", 2)
    assert "metres" in finding.text()


def test_a_source_may_only_name_files_inside_the_pack():
    for name in ["../x.csv", "/etc/passwd", "a\\b.csv", ""]:
        with pytest.raises(ValueError, match="not a file inside the pack"):
            Source(file=name)
