"""Drafting a pack from a folder of files: what is guessed is right, what cannot be known is left open."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
import warnings
from contextlib import suppress
from pathlib import Path

import geopandas
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis import pack_check
from gis.city_pack import CityPack, Level, read_city_toml
from gis.errors import DraftExists, NoAreasFound, NotFound, NothingToDraft
from gis.language import translator
from gis.pack_draft import Draft, draft, roles, write
from gis.pack_draft_text import quoted
from tests.rooms import ROOT
from tests.tiny_pack import feature, read_features, square, write_features, write_rows, write_tiny_pack

PACKS = ROOT / "gis" / "packs"
BROKEN = sorted(path for path in (ROOT / "tests" / "packs" / "broken").iterdir() if path.is_dir())


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """The files of the tiny pack, without its city.toml."""
    folder = write_tiny_pack(tmp_path / "tiny")
    (folder / "city.toml").unlink()
    return folder


def filled_in(drafted: Draft, *, datum: str = "wgs84", zone: str = "Asia/Shanghai") -> str:
    """The draft's text as a person leaves it who declares one datum for all files."""
    text = re.sub(r"^# datum = .*$", f'datum = "{datum}"', drafted.toml, flags=re.MULTILINE)
    return re.sub(r"^# time_zone = .*$", f'time_zone = "{zone}"', text, flags=re.MULTILINE)


def pack_of(folder: Path, drafted: Draft, **known: str) -> CityPack:
    """Write the filled-in draft and read it as any pack is read."""
    write(drafted, folder / "draft.toml")
    (folder / "city.toml").write_text(filled_in(drafted, **known), "utf-8")
    return read_city_toml(folder)


def level_sources(pack: CityPack) -> list[tuple[str, str, object, str, str | None]]:
    def told(level: Level) -> tuple[str, str, object, str, str | None]:
        assert level.source is not None
        parent = None if level is pack.levels[0] else level.columns.parent  # nothing is above the city
        return level.key, level.source.file, level.source.where, level.columns.code, parent

    return [told(level) for level in pack.area_levels if level.source is not None]


def taken_for(drafted: Draft) -> set[tuple[str, str]]:
    return {(what.template.format(**what.details), looked.source.file) for what, looked in roles(drafted)}


def test_a_folder_of_files_becomes_a_pack_that_loads_once_the_datum_is_declared(tiny: Path) -> None:
    drafted = draft(tiny, code="tiny")
    pack = pack_of(tiny, drafted)
    assert [level.key for level in pack.levels] == ["city", "district", "community", "duty_grid"]
    assert pack.levels[0].derived == "union_of_children"
    assert level_sources(pack)[1] == ("community", "communities.geojson", {}, "code", "parent")
    assert (pack.time_zone, pack.metric_crs, set(pack.languages)) == ("Asia/Shanghai", "EPSG:32651", {"zh", "en"})
    assert pack.roads.columns.road_class == "road_class"
    assert pack.roads.columns.names == {"zh": "name_zh", "en": "name_en"}
    assert [history.columns.lon for history in pack.incidents] == ["lon"]
    assert taken_for(drafted) >= {("owners", "owners.csv"), ("categories", "categories.csv"), ("barrier (river)", "river.geojson")}
    said = {finding.slug for finding in pack_check.check(tiny) if finding.severity == "error"}
    assert said <= {"unknown-category"}  # the one value that belongs to no category is left for the person
    assert '# hole = "kind:code"' in drafted.toml


def test_until_the_datum_is_declared_the_check_refuses_every_source(tiny: Path) -> None:
    drafted = draft(tiny)
    write(drafted, tiny / "city.toml")
    assert not re.search(r"^datum", drafted.toml, re.MULTILINE)
    faults = [finding for finding in pack_check.check(tiny) if finding.slug == "missing-datum"]
    assert {finding.file for finding in faults} == {path.name for path in tiny.glob("*.geojson")} | {"incidents.csv"}


def test_the_text_says_what_speaks_for_a_guess_in_the_readers_language(tiny: Path) -> None:
    english = draft(tiny).toml
    assert "# names: column 'name_zh': 100 % Chinese text." in english
    assert "# parent: 100 % of column 'parent' are codes of the level above." in english
    chinese = draft(tiny, say=translator("zh")).toml
    assert tomllib.loads(chinese) == tomllib.loads(english)
    comments = [line for line in chinese.splitlines() if line.startswith("# ") and " = " not in line and not line.startswith("# [")]
    assert [line for line in comments if not re.search("[\u4e00-\u9fff]", line)] == []


@pytest.mark.parametrize(
    ("name", "zone"), [("soho", "Europe/London"), ("helsinki", "Europe/Helsinki"), ("nyc", "America/New_York")], ids=lambda value: value
)
def test_the_drafts_of_the_demo_packs_agree_with_their_own_city_toml(name: str, zone: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    shutil.copytree(PACKS / name, folder, ignore=shutil.ignore_patterns("city.toml", "*.py"))
    own, pack = read_city_toml(PACKS / name), pack_of(folder, draft(folder), zone=zone)
    assert level_sources(pack) == level_sources(own)
    assert pack.names["en"] in own.names["en"] or name == "soho"
    assert pack.roads.source.file == own.roads.source.file
    assert pack.roads.columns.road_class == own.roads.columns.road_class
    assert {(one.kind, one.source.file) for one in pack.barriers} == {(one.kind, one.source.file) for one in own.barriers}
    assert [one.source.file for one in pack.incidents] == [one.source.file for one in own.incidents]
    assert [one.columns.model_dump() for one in pack.incidents] == [one.columns.model_dump() for one in own.incidents]
    assert (pack.owners is None) == (own.owners is None)
    assert pack.categories.source.file == own.categories.source.file


@pytest.mark.parametrize("folder", BROKEN, ids=lambda path: path.name)
def test_files_with_faults_are_drafted_or_refused_and_never_changed(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, symlinks=True)
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    with suppress(NothingToDraft, NoAreasFound):
        tomllib.loads(draft(copy).toml)
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before


def test_text_in_gbk_is_found_by_trying(tiny: Path) -> None:
    write_rows(
        tiny / "热线.csv",
        ["编号", "上报时间", "问题类别", "经度", "纬度"],
        [[n, f"2026年03月0{1 + n % 9}日 08:30", "井盖", 121.4712, 31.231] for n in range(20)],
        encoding="gbk",
    )
    (tiny / "incidents.csv").unlink()
    pack = pack_of(tiny, draft(tiny))
    [history] = pack.incidents
    assert (history.source.encoding, history.date_format) == ("gbk", "%Y年%m月%d日 %H:%M")
    columns = history.columns
    assert (columns.id, columns.reported_at, columns.category) == ("编号", "上报时间", "问题类别")
    assert (columns.lon, columns.lat) == ("经度", "纬度")


def test_a_date_that_can_be_read_two_ways_is_said_to_be_so(tiny: Path) -> None:
    rows = [[f"T{n}", f"0{1 + n % 9}/0{1 + n % 7}/2026", "hole", 121.4712, 31.231] for n in range(30)]
    write_rows(tiny / "incidents.csv", ["id", "created", "type", "lon", "lat"], rows)
    drafted = draft(tiny)
    assert any("day and month could also be the other way round" in said for said in drafted.to_fill)
    rows = [[f"T{n}", f"{13 + n % 9}/0{1 + n % 7}/2026", "hole", 121.4712, 31.231] for n in range(30)]
    write_rows(tiny / "incidents.csv", ["id", "created", "type", "lon", "lat"], rows)
    drafted = draft(tiny)
    assert 'date_format = "%d/%m/%Y"' in drafted.toml
    assert not any("day and month" in said for said in drafted.to_fill)


def test_a_missing_list_of_categories_is_written_from_the_incidents(tiny: Path) -> None:
    (tiny / "categories.csv").unlink()
    drafted = draft(tiny)
    pack = pack_of(tiny, drafted)
    listed = (tiny / "categories.csv").read_text("utf-8").splitlines()
    assert listed[0] == "kind,code,name_zh,name_en"
    assert "component,02001,,02001" in listed
    assert set(pack.incidents[0].categories) == {"hole"}
    assert not [finding for finding in pack_check.check(tiny) if finding.slug == "unknown-category"]


def test_a_city_without_its_own_polygon_gets_the_outline_of_its_areas(tiny: Path) -> None:
    districts = read_features(tiny / "districts.geojson")
    for one in districts:
        del one["properties"]["parent"]
    write_features(tiny / "districts.geojson", districts)
    drafted = draft(tiny, code="tiny")
    pack = pack_of(tiny, drafted)
    assert pack.levels[0].source is not None
    drawn = geopandas.read_file(tiny / "city_outline.geojson").geometry
    whole = shapely.union_all([shapely.geometry.shape(one["geometry"]) for one in districts])
    assert drawn.iloc[0].equals(whole)
    assert not [finding for finding in pack_check.check(tiny) if finding.severity == "error" and finding.slug != "unknown-category"]
    (tiny / "city.toml").unlink()
    again = draft(tiny, code="tiny")
    assert again.extra == {}  # the outline is a file like any other now


def test_what_a_file_says_of_its_datum_is_told_and_not_believed(tiny: Path) -> None:
    districts = read_features(tiny / "districts.geojson")
    for one in districts:
        one["properties"]["datum"] = "GCJ-02"
    write_features(tiny / "districts.geojson", districts)
    text = draft(tiny).toml
    assert "# A column of the file says 'GCJ-02' of its datum: ask whether that is so." in text
    assert not re.search(r"^datum", text, re.MULTILINE)


def test_chinese_names_outside_the_mainland_give_no_zone(tiny: Path) -> None:
    assert 'time_zone = "Asia/Shanghai"' in draft(tiny).toml
    for path in tiny.glob("*.geojson"):
        text = path.read_text("utf-8")
        path.write_text(re.sub(r"121\.4(\d+), 31\.2(\d+)", r"121.0\1, 24.2\2", text), "utf-8")  # Taiwan
    assert "\n# time_zone = " in draft(tiny).toml


def test_a_projected_file_in_metres_gives_the_metric_crs_but_web_mercator_does_not(tiny: Path) -> None:
    communities = geopandas.read_file(tiny / "communities.geojson")
    (tiny / "communities.geojson").unlink()
    for crs, wanted in (("EPSG:3857", "EPSG:32651"), ("EPSG:4549", "EPSG:4549")):
        communities.to_crs(crs).to_file(tiny / "communities.gpkg", layer="community", driver="GPKG")
        assert f'metric_crs = "{wanted}"' in draft(tiny).toml


def test_given_duty_grids_are_taken_for_them(tiny: Path) -> None:
    shapes = [feature("Polygon", [square(2 * n, 0, 2, 4)], code=f"G{n}", name=f"Grid {n}") for n in range(2)]
    write_features(tiny / "责任网格.geojson", shapes)
    pack = pack_of(tiny, draft(tiny))
    assert pack.levels[-1].source is not None
    assert (pack.levels[-1].source.file, pack.levels[-1].derived) == ("责任网格.geojson", None)


def test_what_cannot_be_read_is_left_out_with_its_reason(tiny: Path) -> None:
    (tiny / "notes.xlsx").write_bytes(b"PK\x03\x04")
    (tiny / "empty.geojson").touch()
    (tiny / "away.csv").symlink_to(ROOT / "README.md")
    drafted = draft(tiny)
    assert {finding.file: finding.slug for finding in drafted.remarks} == {
        "notes.xlsx": "unknown-format",
        "empty.geojson": "empty-file",
        "away.csv": "leaves-the-folder",
    }
    assert all(finding.severity == "warning" for finding in drafted.remarks)


def test_folders_that_give_no_pack_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        draft(tmp_path / "nowhere")
    with pytest.raises(NothingToDraft):
        draft(tmp_path)
    (tmp_path / "areas.geojson").touch()
    with pytest.raises(NothingToDraft, match=r"areas\.geojson: The file is empty"):
        draft(tmp_path)
    write_rows(tmp_path / "areas.csv", ["code", "name"], [["1", "One"]])
    with pytest.raises(NoAreasFound, match=r"areas\.csv"):
        draft(tmp_path)


def test_areas_whose_numbers_are_no_degrees_and_have_no_crs_are_refused_with_that_reason(tmp_path: Path) -> None:
    grid = geopandas.GeoDataFrame({"code": ["1", "2"]}, geometry=[shapely.box(5e5, 4e6, 6e5, 5e6), shapely.box(6e5, 4e6, 7e5, 5e6)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there is no CRS is meant
        grid.to_file(tmp_path / "areas.shp")
    with pytest.raises(NoAreasFound, match=r"areas\.shp \(its coordinates cannot be read without a CRS\)"):
        draft(tmp_path)


def test_nothing_is_overwritten_and_nothing_is_left_half_written(tiny: Path) -> None:
    (tiny / "categories.csv").unlink()
    drafted = draft(tiny)
    (tiny / "city.toml").write_text("mine", "utf-8")
    before = sorted(tiny.iterdir())
    with pytest.raises(DraftExists):
        write(drafted, tiny / "city.toml")
    assert (tiny / "city.toml").read_text("utf-8") == "mine"
    assert sorted(tiny.iterdir()) == before


def test_names_that_look_like_toml_stay_names(tiny: Path) -> None:
    name = 'name "quoted" = [x]\t# 名'
    roads = read_features(tiny / "roads.geojson")
    for one in roads:
        one["properties"] = {name: one["properties"]["name_zh"]}
    write_features(tiny / 'roads "1".geojson', roads)
    (tiny / "roads.geojson").unlink()
    pack = pack_of(tiny, draft(tiny))
    assert pack.roads.source.file == 'roads "1".geojson'
    assert list(pack.roads.columns.names.values()) == [name]


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"]))))
def test_every_text_is_written_as_toml_reads_it(value: dict[str, str]) -> None:
    assert tomllib.loads(f"it = {quoted(value)}") == {"it": value}
    assert json.loads(json.dumps(value)) == value
