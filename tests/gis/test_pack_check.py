"""Judging a city pack: the good one passes, each broken one gets its own message, with file, row and mend."""

from __future__ import annotations

import os

import geopandas
import pytest
import shapely
import shapely.affinity

from gis.exchange import from_wgs84
from gis.pack_check import check
from gis.pack_findings import MOST_ROWS_NAMED
from tests.tiny_pack import COMMUNITIES, feature, read_features, read_rows, replace, square, write_features, write_rows

A, B, C, D = COMMUNITIES


def said(folder):
    """What the check says, each finding as (slug, file, row, severity)."""
    return [(finding.slug, finding.file, finding.row, finding.severity) for finding in check(folder)]


def only_finding(folder):
    findings = check(folder)
    assert len(findings) == 1, [finding.text() for finding in findings]
    text = findings[0].text()
    assert "{" not in text
    return findings[0], text


def redraw(path, at, *, shape="Polygon", ring=None, **properties):
    """Give the ``at``-th feature of a file another geometry or other properties."""
    features = read_features(path)
    if ring is not None:
        features[at]["geometry"] = {"type": shape, "coordinates": [ring]}
    features[at]["properties"] |= properties
    write_features(path, features)


def change_row(path, at, **changed):
    header, rows = read_rows(path)
    rows[at] = [changed.get(name, value) for name, value in zip(header, rows[at], strict=True)]
    write_rows(path, header, rows)


def test_the_tiny_pack_is_good(tiny_pack):
    assert check(tiny_pack) == []


def test_no_city_toml(tmp_path):
    _, text = only_finding(tmp_path)
    assert "no city.toml" in text


def test_every_fault_of_city_toml_is_listed(tiny_pack):
    path = tiny_pack / "city.toml"
    replace(path, 'time_zone = "Asia/Shanghai"', 'time_zone = "Asia/Atlantis"')
    replace(path, "EPSG:32651", "EPSG:4326")
    replace(path, "cell_resolution = 11", "cell_resolution = 19\ncolour = 1")
    texts = [finding.text() for finding in check(tiny_pack)]
    assert len(texts) == 4
    for word in ("Asia/Atlantis", "not a projected CRS", "cell_resolution", "colour"):
        assert any(word in text for text in texts)


def test_a_derived_level_needs_the_codes_that_its_children_name(tiny_pack):
    replace(
        tiny_pack / "city.toml",
        'districts.geojson", datum = "wgs84", origin = "generated" }\ncolumns = { parent = "parent", ',
        'districts.geojson", datum = "wgs84" }\ncolumns = { ',
    )
    finding, text = only_finding(tiny_pack)
    assert finding.file == "city.toml"
    assert "'city'" in text
    assert "'district'" in text


def test_a_wrong_encoding_name_is_a_fault_of_city_toml(tiny_pack):
    replace(tiny_pack / "city.toml", 'file = "categories.csv"', 'file = "categories.csv", encoding = "gkb"')
    _, text = only_finding(tiny_pack)
    assert "gkb" in text


def test_every_missing_file_is_listed(tiny_pack):
    for name in ("roads.geojson", "owners.csv", "water.geojson"):
        (tiny_pack / name).unlink()
    assert said(tiny_pack) == [
        ("missing-file", "roads.geojson", None, "error"),
        ("missing-file", "water.geojson", None, "error"),
        ("missing-file", "owners.csv", None, "error"),
    ]


def test_a_link_out_of_the_folder(tiny_pack, tmp_path):
    (tmp_path / "elsewhere.csv").write_text((tiny_pack / "owners.csv").read_text())
    (tiny_pack / "owners.csv").unlink()
    (tiny_pack / "owners.csv").symlink_to(tmp_path / "elsewhere.csv")
    assert said(tiny_pack) == [("leaves-the-folder", "owners.csv", None, "error")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission(tiny_pack):
    (tiny_pack / "owners.csv").chmod(0)
    assert said(tiny_pack) == [("unreadable", "owners.csv", None, "error")]


def test_a_folder_where_a_file_should_be(tiny_pack):
    (tiny_pack / "owners.csv").unlink()
    (tiny_pack / "owners.csv").mkdir()
    assert said(tiny_pack) == [("not-a-file", "owners.csv", None, "error")]


def test_a_workbook_with_the_ending_of_a_csv(tiny_pack):
    (tiny_pack / "owners.csv").write_bytes(b"PK\x03\x04" + b"\0" * 60)
    finding, text = only_finding(tiny_pack)
    assert finding.slug == "wrong-format"
    assert "CSV" in text


def test_an_ending_that_no_reader_knows(tiny_pack):
    (tiny_pack / "owners.csv").rename(tiny_pack / "owners.xlsx")
    replace(tiny_pack / "city.toml", "owners.csv", "owners.xlsx")
    finding, text = only_finding(tiny_pack)
    assert (finding.slug, finding.file) == ("unknown-format", "owners.xlsx")
    assert ".parquet" in text


@pytest.mark.parametrize("name", ["a.gpkg", "a.parquet", "a.fgb", "a.shp", "a.osm.pbf"])
def test_a_file_cut_off_in_the_middle(tiny_pack, name):
    heads = {
        "a.gpkg": b"SQLite format 3\0",
        "a.parquet": b"PAR1",
        "a.fgb": b"fgb\x03fgb\x00",
        "a.shp": b"\0\0\x27\x0a",
        "a.osm.pbf": b"\0\0\0\x0d\x0a\x09OSMHeader",
    }
    (tiny_pack / name).write_bytes(heads[name] + b"\1" * 90)
    for companion in (".shx", ".dbf"):
        (tiny_pack / f"a{companion}").write_bytes(b"\0" * 10)
    replace(tiny_pack / "city.toml", '"river.geojson"', f'"{name}", layer = "ways"' if name.endswith("pbf") else f'"{name}"')
    [(slug, file, _, severity)] = said(tiny_pack)
    assert slug in ("unreadable", "not-osm")
    assert (file, severity) == (name, "error")


def test_a_shapefile_of_one_file(tiny_pack):
    frame = geopandas.read_file(tiny_pack / "river.geojson")
    frame.to_file(tiny_pack / "river.shp", encoding="utf-8")
    (tiny_pack / "river.shx").unlink()
    replace(tiny_pack / "city.toml", "river.geojson", "river.shp")
    finding, text = only_finding(tiny_pack)
    assert finding.slug == "missing-file"
    assert ".shx" in text


def test_a_layer_that_is_not_there_and_one_that_is_not_named(tiny_pack):
    frame = geopandas.read_file(tiny_pack / "river.geojson")
    for layer in ("water_lines", "water_areas"):
        frame.to_file(tiny_pack / "river.gpkg", layer=layer)
    replace(tiny_pack / "city.toml", '"river.geojson"', '"river.gpkg", layer = "rivers"')
    finding, text = only_finding(tiny_pack)
    assert finding.slug == "missing-layer"
    assert "water_lines, water_areas" in text
    replace(tiny_pack / "city.toml", ', layer = "rivers"', "")
    finding, text = only_finding(tiny_pack)
    assert finding.slug == "missing-layer"
    assert "water_lines, water_areas" in text


def test_missing_columns_are_listed_with_those_that_are_there(tiny_pack):
    replace(tiny_pack / "city.toml", 'road_class = "road_class"', 'road_class = "highway"')
    replace(tiny_pack / "city.toml", 'address = "address"', 'address = "place"')
    first, second = check(tiny_pack)
    assert (first.slug, first.file) == ("missing-column", "roads.geojson")
    assert "name_en, name_zh, road_class" in first.text()
    assert (second.slug, second.file) == ("missing-column", "incidents.csv")
    assert "id, reported_at, category, lon, lat, address" in second.text()


def test_a_missing_datum_names_the_four_words(tiny_pack):
    replace(tiny_pack / "city.toml", '"incidents.csv", datum = "wgs84"', '"incidents.csv"')
    finding, text = only_finding(tiny_pack)
    assert (finding.slug, finding.file) == ("missing-datum", "incidents.csv")
    for word in ("wgs84", "cgcs2000", "gcj02", "bd09", "never guessed"):
        assert word in text


def test_a_missing_and_a_contradicted_crs(tiny_pack):
    frame = geopandas.read_file(tiny_pack / "river.geojson")
    frame.to_crs(32651).to_file(tiny_pack / "river.shp", encoding="utf-8")
    replace(tiny_pack / "city.toml", '"river.geojson"', '"river.shp", crs = "EPSG:32650"')
    finding, text = only_finding(tiny_pack)
    assert finding.slug == "crs-contradicted"
    assert "EPSG:32651" in text
    (tiny_pack / "river.prj").unlink()
    replace(tiny_pack / "city.toml", ', crs = "EPSG:32650"', "")
    assert said(tiny_pack) == [("missing-crs", "river.shp", None, "error")]
    replace(tiny_pack / "city.toml", '"river.shp"', '"river.shp", crs = "Shanghai"')
    assert said(tiny_pack) == [("unknown-crs", "river.shp", None, "error")]


def test_a_chinese_datum_for_a_city_elsewhere(tiny_pack):
    write_features(tiny_pack / "river.geojson", [feature("LineString", [[24.9, 60.1], [25.0, 60.2]])])
    replace(tiny_pack / "city.toml", '"river.geojson", datum = "wgs84"', '"river.geojson", datum = "gcj02"')
    finding, text = only_finding(tiny_pack)
    assert (finding.slug, finding.row) == ("datum-outside-its-country", 1)
    assert "mainland China" in text


@pytest.mark.parametrize("name", ["owners.csv", "roads.shp"])
def test_text_in_gbk_that_was_declared_utf_8(tiny_pack, name):
    if name == "owners.csv":
        header, rows = read_rows(tiny_pack / name)
        rows[2][1] = "王小明"
        write_rows(tiny_pack / name, header, rows, encoding="gbk")
    else:
        geopandas.read_file(tiny_pack / "roads.geojson").to_file(tiny_pack / name, encoding="gbk")
        (tiny_pack / "roads.cpg").unlink()
        replace(tiny_pack / "city.toml", "roads.geojson", name)
    finding, text = only_finding(tiny_pack)
    assert (finding.slug, finding.file, finding.row) == ("wrong-encoding", name, 4 if name == "owners.csv" else None)
    assert "looks like gbk" in text
    assert 'encoding = "gbk"' in text


def test_areas_without_geometry_without_code_and_of_another_kind(tiny_pack):
    path = tiny_pack / "communities.geojson"
    features = [
        *read_features(path),
        feature("Polygon", None, code="x1", parent="310101", name_en="X"),
        feature("Polygon", [], code="x2", parent="310101", name_en="X"),
        feature("Point", [121.47, 31.23], code="x3", parent="310101", name_en="X"),
        feature("Point", [121.47, 31.23], code="", parent="310101", name_en="X"),
    ]
    write_features(path, features)
    assert said(tiny_pack)[:5] == [
        ("no-code", "communities.geojson", 8, "error"),
        ("empty-geometry", "communities.geojson", 5, "error"),
        ("empty-geometry", "communities.geojson", 6, "error"),
        ("wrong-geometry", "communities.geojson", 7, "error"),
        ("wrong-geometry", "communities.geojson", 8, "error"),
    ]


def test_duplicate_codes_name_both_rows(tiny_pack):
    redraw(tiny_pack / "communities.geojson", 2, code=D)
    findings = check(tiny_pack)
    assert [finding.slug for finding in findings] == ["duplicate-code", "unknown-area", "unknown-area"]
    assert (findings[0].row, findings[0].details["first"]) == (4, 3)


def test_a_polygon_that_crosses_itself_is_placed(tiny_pack):
    ring = square(0, 0)
    redraw(tiny_pack / "communities.geojson", 0, ring=[ring[0], ring[2], ring[1], ring[3], ring[4]])
    crossing, text = only_finding(tiny_pack)
    assert (crossing.slug, crossing.row) == ("invalid-polygon", 1)
    assert "Self-intersection" in text
    assert crossing.details["lon"] == pytest.approx(121.4721, abs=1e-5)
    assert crossing.details["lat"] == pytest.approx(31.2318, abs=1e-5)


def test_areas_without_a_name_are_warned_of(tiny_pack):
    redraw(tiny_pack / "communities.geojson", 1, name_en=" ", name_zh=None)
    assert said(tiny_pack) == [("no-name", "communities.geojson", 2, "warning")]


def test_a_parent_that_is_not_there(tiny_pack):
    redraw(tiny_pack / "communities.geojson", 3, parent="310999")
    finding, gap = check(tiny_pack)
    assert (finding.slug, finding.row) == ("unknown-parent", 4)
    assert "310999" in finding.text()
    assert (gap.slug, gap.details["parent"]) == ("gap", "310104")


def test_the_wrong_parent_is_seen_by_place(tiny_pack):
    redraw(tiny_pack / "communities.geojson", 3, parent="310101")
    outside, gap = check(tiny_pack)
    assert (outside.slug, outside.row, outside.details["percent"]) == ("outside-its-parent", 4, 100.0)
    assert (gap.slug, gap.details["parent"]) == ("gap", "310104")


def test_parents_are_found_by_place_when_the_pack_names_none(tiny_pack):
    replace(
        tiny_pack / "city.toml",
        'communities.geojson", datum = "wgs84", origin = "generated" }\ncolumns = { parent = "parent", ',
        'communities.geojson", datum = "wgs84" }\ncolumns = { ',
    )
    assert check(tiny_pack) == []
    redraw(tiny_pack / "communities.geojson", 0, ring=square(10, 10))
    assert [finding.slug for finding in check(tiny_pack)][:2] == ["no-parent", "gap"]


def test_an_overlap_is_measured_and_placed(tiny_pack):
    redraw(tiny_pack / "communities.geojson", 0, ring=square(0, 0, 2, 2.2))
    finding, text = only_finding(tiny_pack)
    assert (finding.slug, finding.row, finding.severity) == ("overlap", 2, "error")
    assert A in text
    assert B in text
    wanted = geopandas.GeoSeries([shapely.Polygon(square(0, 2, 2, 0.2))], crs=4326).to_crs(32651).area.iloc[0]
    assert finding.details["m2"] == pytest.approx(wanted, rel=0.002)
    assert shapely.Polygon(square(0, 2, 2, 0.2)).contains(shapely.Point(finding.details["lon"], finding.details["lat"]))


def test_a_hole_is_measured_and_placed(tiny_pack):
    redraw(tiny_pack / "communities.geojson", 0, ring=square(0, 0, 2, 1.8))
    finding, text = only_finding(tiny_pack)
    assert (finding.slug, finding.severity) == ("gap", "error")
    assert "310101" in text
    assert 15_000 < finding.details["m2"] < 17_000
    assert shapely.Polygon(square(0, 1.8, 2, 0.2)).contains(shapely.Point(finding.details["lon"], finding.details["lat"]))


@pytest.mark.parametrize(("height", "slug"), [(1.99, "gap"), (2.01, "overlap")])
def test_a_gap_or_overlap_that_is_mended_is_a_warning(tiny_pack, height, slug):
    redraw(tiny_pack / "communities.geojson", 0, ring=square(0, 0, 2, height))
    finding, _ = only_finding(tiny_pack)
    assert (finding.slug, finding.severity) == (slug, "warning")
    assert 500 < finding.details["m2"] < 1_000


@pytest.mark.parametrize(("height", "slug"), [(1.8, "gap"), (2.2, "overlap")])
def test_a_pack_says_how_large_a_fault_of_its_level_is_mended(tiny_pack, height, slug):
    redraw(tiny_pack / "communities.geojson", 0, ring=square(0, 0, 2, height))
    replace(tiny_pack / "city.toml", 'key = "community"\n', 'key = "community"\nmend_m2 = 20000\n')
    finding, _ = only_finding(tiny_pack)
    assert (finding.slug, finding.severity) == (slug, "warning")
    assert finding.details["m2"] > 15_000


def test_a_hole_in_a_city_of_one_level_of_areas(tiny_pack):
    text = (tiny_pack / "city.toml").read_text("utf-8")
    start, end = text.index('[[levels]]\nkey = "district"'), text.index('[[levels]]\nkey = "community"')
    (tiny_pack / "city.toml").write_text(text[:start] + text[end:], "utf-8")
    [several] = check(tiny_pack)
    assert (several.slug, several.details["codes"]) == ("several-cities", "310101, 310104")
    features = read_features(tiny_pack / "communities.geojson")
    for one in features:
        one["properties"]["parent"] = "310100"
    write_features(tiny_pack / "communities.geojson", features)
    assert check(tiny_pack) == []
    ring = square(0, 0, 4, 4)
    frame = [feature("Polygon", [ring, square(1, 1)[::-1]], code=A, parent="310100", name_en="Ring", name_zh="环")]
    write_features(tiny_pack / "communities.geojson", frame)
    write_rows(tiny_pack / "owners.csv", ["code", "name", "area"], [["O1", "Owner", A]])
    slugs = [finding.slug for finding in check(tiny_pack)]
    assert slugs == ["gap", "incidents-outside"]


def test_a_city_level_of_several_areas(tiny_pack):
    replace(
        tiny_pack / "city.toml",
        'derived = "union_of_children"',
        'source = { file = "districts.geojson", datum = "wgs84" }\ncolumns = { names = { en = "name_en" } }',
    )
    assert "several-cities" in [finding.slug for finding in check(tiny_pack)]


def test_a_city_outside_its_metric_crs(tiny_pack):
    replace(tiny_pack / "city.toml", "EPSG:32651", "EPSG:3067")
    finding, text = only_finding(tiny_pack)
    assert finding.slug == "outside-the-metric-crs"
    assert "121.47" in text
    assert "Finland" in text


def test_roads_of_another_country(tiny_pack):
    write_features(
        tiny_pack / "roads.geojson", [feature("LineString", [[24.93, 60.16], [24.95, 60.18]], name_en="A", name_zh=None, road_class=None)]
    )
    finding, text = only_finding(tiny_pack)
    assert finding.slug == "roads-elsewhere"
    assert "24.93, 60.16, 24.95, 60.18" in text
    assert "121.47, 31.23, 121.4784, 31.2372" in text
    assert 7_000 < finding.details["km"] < 8_000


def test_roads_partly_outside_are_a_warning_with_the_share(tiny_pack):
    roads = read_features(tiny_pack / "roads.geojson")
    far = [[122.0, 31.0], [122.08, 31.0]]
    write_features(tiny_pack / "roads.geojson", [*roads, feature("LineString", far, name_en="Far", name_zh=None, road_class=None)])
    finding, _ = only_finding(tiny_pack)
    assert (finding.slug, finding.severity) == ("roads-outside", "warning")
    assert 40 < finding.details["percent"] < 60


def test_a_layer_whose_axes_are_changed_round_is_told_by_the_city(tiny_pack):
    moved = shapely.affinity.translate
    for name in ("districts", "communities", "roads", "river", "water"):
        frame = geopandas.read_file(tiny_pack / f"{name}.geojson")
        frame["geometry"] = [moved(shape, 25 - 121.47, 60 - 31.23) for shape in frame.geometry]
        frame.to_file(tiny_pack / f"{name}.geojson")
    (tiny_pack / "incidents.csv").write_text("id,reported_at,category,lon,lat,address\nT1,2026-10-01,hole,25.001,60.001,\n")
    replace(tiny_pack / "city.toml", "EPSG:32651", "EPSG:3067")
    assert check(tiny_pack) == []
    for name in ("roads", "river"):
        frame = geopandas.read_file(tiny_pack / f"{name}.geojson")
        frame["geometry"] = shapely.transform(frame.geometry.to_numpy(), lambda places: places[:, ::-1])
        frame.to_file(tiny_pack / f"{name}.geojson")
    assert said(tiny_pack) == [
        ("swapped-coordinates", "roads.geojson", None, "error"),
        ("swapped-coordinates", "river.geojson", None, "error"),
    ]
    for name in ("districts", "communities"):
        frame = geopandas.read_file(tiny_pack / f"{name}.geojson")
        frame["geometry"] = shapely.transform(frame.geometry.to_numpy(), lambda places: places[:, ::-1])
        frame.to_file(tiny_pack / f"{name}.geojson")
    assert ("swapped-coordinates", "communities.geojson", None, "error") in said(tiny_pack)


def test_city_toml_with_a_byte_order_mark_is_read_and_a_nul_in_it_is_refused(tiny_pack):
    path = tiny_pack / "city.toml"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert check(tiny_pack) == []
    replace(path, 'en = "Tiny"', 'en = "Ti\\u0000ny"')
    assert said(tiny_pack) == [("nul-byte", "city.toml", None, "error")]
    path.write_text("a = " + "[" * 5_000)
    assert said(tiny_pack) == [("not-toml", "city.toml", None, "error")]


@pytest.mark.parametrize("name", ["categories", "communities"])
def test_a_nul_byte_in_a_table_is_named_with_its_row(tiny_pack, name):
    if name == "categories":
        change_row(tiny_pack / "categories.csv", 2, name_en="Ru\0bbish")
        assert said(tiny_pack) == [("nul-byte", "categories.csv", 4, "error")]
        return
    frame = geopandas.read_file(tiny_pack / "communities.geojson")
    frame.loc[2, "name_en"] = "A\0"
    frame.to_parquet(tiny_pack / "communities.parquet")
    replace(tiny_pack / "city.toml", "communities.geojson", "communities.parquet")
    assert said(tiny_pack) == [("nul-byte", "communities.parquet", 3, "error")]


@pytest.mark.parametrize(
    ("lines", "row"),
    [
        (["1,Ann,A", '2,"Bob,A', "3,Cy,A"], 3),
        (["1,Ann,A", '2,Bob,"A', '3,"Cy",A', "4,Di,A"], 3),
        (['1,"Ann",A', '2,"Bob",A', '3,Cy,"A'], 4),
    ],
)
def test_a_quotation_mark_that_is_not_closed_is_named_by_the_row_that_opens_it(tiny_pack, lines, row):
    (tiny_pack / "owners.csv").write_text("\n".join(["code,name,area", *lines]) + "\n")
    assert said(tiny_pack) == [("unclosed-quote", "owners.csv", row, "error")]


@pytest.mark.parametrize("text", ['"Ann, the ""first""\nof two"', 'Ann 5" tall', '"Ann"a'])
def test_other_quotation_marks_are_left_alone(tiny_pack, text):
    header, rows = read_rows(tiny_pack / "owners.csv")
    write_rows(tiny_pack / "owners.csv", header, rows)
    path = tiny_pack / "owners.csv"
    path.write_text(path.read_text().replace("Owner 1", text))
    assert check(tiny_pack) == []


def test_a_layer_of_the_wrong_kind_and_one_that_lies_elsewhere(tiny_pack):
    write_features(tiny_pack / "water.geojson", [feature("Point", [121.47, 31.23], name="Pond"), feature("Polygon", None, name="None")])
    write_features(tiny_pack / "river.geojson", [feature("LineString", [[1, 1], [2, 2]])])
    assert said(tiny_pack) == [
        ("layer-elsewhere", "river.geojson", None, "warning"),
        ("empty-geometry", "water.geojson", 2, "warning"),
        ("wrong-geometry", "water.geojson", 1, "error"),
    ]


def test_a_choice_of_rows_that_chooses_none(tiny_pack):
    replace(tiny_pack / "city.toml", '"roads.geojson", ', '"roads.geojson", where = { road_class = "motorway" }, ')
    assert said(tiny_pack) == [("no-rows", "roads.geojson", None, "error")]


@pytest.mark.parametrize(
    ("changed", "slug"),
    [
        ({"area": "310199"}, "unknown-area"),
        ({"name": ""}, "empty-field"),
        ({"post": "boss"}, "unknown-post"),
        ({"from": "tomorrow"}, "bad-time"),
        ({"from": "2026-03-01", "to": "2026-02-01"}, "ends-before-it-begins"),
    ],
)
def test_a_bad_owner_is_named_with_the_row(tiny_pack, changed, slug):
    header, rows = read_rows(tiny_pack / "owners.csv")
    rows.append(["D9", "Deputy", A, "deputy"])
    write_rows(tiny_pack / "owners.csv", [*header, "from", "to"], [[*row, "", ""] for row in rows])
    assert check(tiny_pack) == []
    change_row(tiny_pack / "owners.csv", -1, **changed)
    finding, _ = only_finding(tiny_pack)
    assert (finding.slug, finding.file, finding.row) == (slug, "owners.csv", 10)


def test_two_first_owners_at_one_time_and_two_that_follow_each_other(tiny_pack):
    header, rows = read_rows(tiny_pack / "owners.csv")
    later = [*rows[0], "2026-06-01", ""]
    rest = [[*row, "", ""] for row in rows[1:]]
    write_rows(tiny_pack / "owners.csv", [*header, "from", "to"], [[*rows[0], "", "2026-06-01"], later, *rest])
    assert check(tiny_pack) == []
    write_rows(tiny_pack / "owners.csv", [*header, "from", "to"], [[*rows[0], "", "2026-06-02"], later, *rest])
    finding, text = only_finding(tiny_pack)
    assert (finding.slug, finding.row) == ("two-owners", 3)
    assert "row 2" in text


def test_an_area_without_owner_is_a_warning(tiny_pack):
    header, rows = read_rows(tiny_pack / "owners.csv")
    write_rows(tiny_pack / "owners.csv", header, rows[1:])
    finding, text = only_finding(tiny_pack)
    assert (finding.slug, finding.severity) == ("no-owner", "warning")
    assert A in text


@pytest.mark.parametrize(
    ("changed", "slug"),
    [
        ({"kind": "thing"}, "unknown-word"),
        ({"lowest_level": "street"}, "unknown-word"),
        ({"answers_on": "roof"}, "unknown-word"),
        ({"code": "06001"}, "duplicate-category"),
        ({"code": ""}, "no-code"),
        ({"duplicate_radius_m": "wide"}, "not-a-number"),
        ({"duplicate_radius_m": "-1"}, "not-a-number"),
        ({"name_zh": "", "name_en": ""}, "no-name"),
    ],
)
def test_a_bad_category_is_named_with_the_row(tiny_pack, changed, slug):
    header, rows = read_rows(tiny_pack / "categories.csv")
    rows.append(["matter", "09001", "新", "New", "duty_grid", "area", "owner", "10"])
    write_rows(tiny_pack / "categories.csv", header, rows)
    change_row(tiny_pack / "categories.csv", -1, **changed)
    finding, _ = only_finding(tiny_pack)
    assert (finding.slug, finding.file, finding.row) == (slug, "categories.csv", 6)


def test_a_mapping_to_a_category_that_is_not_listed(tiny_pack):
    replace(tiny_pack / "city.toml", 'hole = "component:01001"', 'hole = "component:01001", rat = "matter:99"')
    finding, text = only_finding(tiny_pack)
    assert (finding.slug, finding.file) == ("unknown-category", "city.toml")
    assert "matter:99" in text


def test_bad_rows_of_a_history_are_warnings_and_are_cut_short_with_a_count(tiny_pack):
    header, rows = read_rows(tiny_pack / "incidents.csv")
    write_rows(tiny_pack / "incidents.csv", header, [[*row[:1], "soon", *row[2:]] for row in rows[:30]] + rows[30:])
    findings = check(tiny_pack)
    assert [finding.slug for finding in findings] == ["bad-time"] * MOST_ROWS_NAMED + ["more-rows"]
    assert findings[-1].details["count"] == 10
    assert {finding.severity for finding in findings} == {"warning"}


def test_incidents_outside_the_city_are_counted(tiny_pack):
    change_row(tiny_pack / "incidents.csv", 3, lon="121.9")
    finding, text = only_finding(tiny_pack)
    assert (finding.slug, finding.severity) == ("incidents-outside", "warning")
    assert "1 of 50" in text


def test_a_datum_that_looks_wrong_is_hinted_at_and_not_assumed(tiny_pack):
    header, rows = read_rows(tiny_pack / "incidents.csv")
    lons, lats = from_wgs84([float(row[3]) for row in rows], [float(row[4]) for row in rows], datum="gcj02")
    write_rows(tiny_pack / "incidents.csv", header, [[*row[:3], lon, lat, row[5]] for row, lon, lat in zip(rows, lons, lats, strict=True)])
    finding, text = only_finding(tiny_pack)
    assert finding.slug == "datum-looks-wrong"
    assert "read as gcj02 instead of wgs84" in text


def test_a_bad_date_format_is_one_finding_and_not_one_a_row(tiny_pack):
    replace(tiny_pack / "city.toml", 'key = "history"', 'key = "history"\ndate_format = "%Q"')
    assert said(tiny_pack) == [("bad-date-format", "city.toml", None, "error")]


def test_a_check_writes_nothing(tiny_pack):
    before = {path: path.read_bytes() for path in tiny_pack.iterdir()}
    check(tiny_pack)
    assert {path: path.read_bytes() for path in tiny_pack.iterdir()} == before
