"""Which files of a pack are taken, which are refused, and that no reader fetches or writes anything."""

from __future__ import annotations

import shutil
import socket
import stat
import threading
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gis import pack_archives
from gis.city_pack import Level
from gis.errors import BadPack
from gis.pack_sources import read_areas
from tests.tiny_pack import COMMUNITIES, feature, read_features, square, write_features


def areas(folder: Path, file: str, **source: str) -> geopandas.GeoDataFrame:
    columns = {"code": "code", "parent": "parent", "names": {"en": "name_en", "zh": "name_zh"}}
    source = {"datum": "wgs84", **source}
    return read_areas(folder, Level(key="community", names={"en": "community"}, source={"file": file, **source}, columns=columns))


def refused(folder: Path, file: str, **source: str) -> tuple[str, str]:
    with pytest.raises(BadPack) as refusal:
        areas(folder, file, **source)
    [finding] = refusal.value.findings
    assert finding.file == file
    return finding.slug, finding.text()


def given(folder: Path) -> geopandas.GeoDataFrame:
    return geopandas.read_file(folder / "communities.geojson")


def zipped(
    folder: Path, name: str = "a.zip", *, inside: str = "", parts: tuple[str, ...] = (".shp", ".shx", ".dbf", ".prj", ".cpg")
) -> Path:
    given(folder).to_file(folder / "z.shp", encoding="utf-8")
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in parts:
            archive.write(folder / f"z{part}", f"{inside}z{part}")
    return folder / name


@pytest.fixture
def asked() -> Iterator[tuple[str, list[bytes]]]:
    """A host that answers nothing: its address, and what it has been asked for."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    heard.append(connection.recv(200))

        listener = threading.Thread(target=answer, daemon=True)
        listener.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", heard
        server.shutdown(socket.SHUT_RDWR)
    listener.join()


GML = """<?xml version="1.0" encoding="utf-8"?>
<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs" xmlns:gml="http://www.opengis.net/gml" xmlns:c="http://c"
 xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://c {schema}">
<gml:featureMember {member}><c:area><c:code>007</c:code><c:parent>01</c:parent><c:name_en>A</c:name_en><c:name_zh>甲</c:name_zh><c:shape>
<gml:Polygon srsName="EPSG:4326"><gml:outerBoundaryIs><gml:LinearRing><gml:coordinates>
121.47,31.23 121.48,31.23 121.48,31.24 121.47,31.23</gml:coordinates></gml:LinearRing></gml:outerBoundaryIs></gml:Polygon>
</c:shape></c:area></gml:featureMember></wfs:FeatureCollection>
"""


def test_a_gml_file_is_read_as_text_without_asking_for_its_schema_and_without_writing(
    tmp_path: Path, asked: tuple[str, list[bytes]]
) -> None:
    host, heard = asked
    schema = f"{host}/wfs?SERVICE=WFS&amp;VERSION=1.1.0&amp;REQUEST=DescribeFeatureType&amp;TYPENAME=area"
    (tmp_path / "a.gml").write_text(GML.format(schema=schema, member=""))
    found = areas(tmp_path, "a.gml")
    assert found["code"].tolist() == ["007"]
    assert found["names"].tolist() == [{"en": "A", "zh": "甲"}]
    assert found.total_bounds.tolist() == [121.47, 31.23, 121.48, 31.24]
    assert heard == []
    assert [path.name for path in tmp_path.iterdir()] == ["a.gml"]


def test_a_gml_file_in_a_namespace_that_gdal_knows_a_schema_of_is_read_without_asking_for_it(
    tmp_path: Path, asked: tuple[str, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    host, heard = asked
    monkeypatch.setenv("GDAL_HTTP_PROXY", host)
    text = GML.format(schema="a.xsd", member="").replace('xmlns:c="http://c"', 'xmlns:ktjkiiwfs="http://xml.nls.fi/ktjkiiwfs/2010/02"')
    text = text.replace("c:area", "ktjkiiwfs:RekisteriyksikonTietoja").replace("<c:", "<ktjkiiwfs:").replace("</c:", "</ktjkiiwfs:")
    (tmp_path / "a.gml").write_text(text.replace('xsi:schemaLocation="http://c a.xsd"', ""))
    assert areas(tmp_path, "a.gml")["code"].tolist() == ["007"]
    assert heard == []


RECIPE = '<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>/vsicurl/HOST/a.json</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'
KML = '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>\nINSIDE</Document></kml>'


@pytest.mark.parametrize(
    ("file", "text", "slug"),
    [
        ("a.gml", GML.format(schema="a.xsd", member='xlink:href="HOST/a.gml"'), "refers-elsewhere"),
        (
            "a.gml",
            '<!DOCTYPE a [<!ENTITY b SYSTEM "HOST/b">]>' + GML.partition("\n")[2].format(schema="a.xsd", member=""),
            "refers-elsewhere",
        ),
        ("a.gml", f"<!-- a -->{RECIPE}", "wrong-format"),
        ("a.gml", GML.format(schema="a.xsd", member="")[:-30], "unreadable"),
        ("a.gml", "<html>no such page</html>", "wrong-format"),
        ("a.kml", KML.replace("INSIDE", "<NetworkLink><Link><href>HOST/a.kml</href></Link></NetworkLink>"), "refers-elsewhere"),
        ("a.kml", f"<kml/>{RECIPE}", "wrong-format"),
        ("a.mif", f"Version 300\n{RECIPE}", "wrong-format"),
        ("a.tab", f"!table\n{RECIPE}", "wrong-format"),
        ("a.tab", '!table\n!version 100\n\nopen table "/etc/a"\ncreate view a as\nSelect * From a', "refers-elsewhere"),
        ("a.fgb", f"fgb\3fgb\1{RECIPE}", "wrong-format"),
        ("a.geojson", f'{{"a": 1}} {RECIPE}', "wrong-format"),
    ],
)
def test_a_file_that_would_make_its_reader_fetch_is_refused(
    tmp_path: Path, asked: tuple[str, list[bytes]], file: str, text: str, slug: str
) -> None:
    host, heard = asked
    (tmp_path / file).write_text(text.replace("HOST", host))
    said, _ = refused(tmp_path, file)
    assert said == slug
    assert heard == []


def test_the_line_of_what_is_elsewhere_or_broken_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.kml").write_text(KML.replace("INSIDE", "<NetworkLink/>"))
    with pytest.raises(BadPack) as refusal:
        areas(tmp_path, "a.kml")
    assert refusal.value.findings[0].row == 2


@pytest.mark.parametrize("name", ["a.zip", "a.shz", "in a folder.zip"])
def test_a_zipped_shapefile_is_read_where_it_lies(tiny_pack: Path, name: str) -> None:
    zipped(tiny_pack, name, inside="图/" if name.startswith("in") else "")
    before = sorted(tiny_pack.iterdir())
    found = areas(tiny_pack, name)
    assert found["code"].tolist() == list(COMMUNITIES)
    assert found["names"].iloc[0] == {"en": "Community 1", "zh": "第1社区"}
    assert sorted(tiny_pack.iterdir()) == before


def test_a_zip_bomb_is_refused_by_its_own_list_of_contents(tiny_pack: Path) -> None:
    with zipfile.ZipFile(zipped(tiny_pack), "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("z.txt", b"\0" * (64 << 20))
    slug, text = refused(tiny_pack, "a.zip")
    assert slug == "archive-too-large"
    assert "67.1 MB" in text


def repeated(folder: Path, text: str, *, rows: int, kept: bool, name: str = "a.parquet") -> str:
    """A Parquet file in which all rows have one text, stored once, and places of their own."""
    once = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.int32)), pa.array([text]))
    spread = np.random.default_rng(1).uniform(0, 0.001, rows)
    columns = {"code": pa.array(range(rows)).cast(pa.string()), "parent": once, "name_en": once, "name_zh": once, "lon": 121 + spread}
    pq.write_table(pa.table({**columns, "lat": 31 + spread}), folder / name, store_schema=kept)
    return name


@pytest.mark.parametrize("kept", [False, True])
def test_a_parquet_file_that_is_small_because_its_texts_repeat_is_refused_before_it_is_read(tmp_path: Path, kept: bool) -> None:
    rows = 10_000
    file = repeated(tmp_path, "x" * 20_000, rows=rows, kept=kept)
    assert (tmp_path / file).stat().st_size < 500_000
    before = pa.default_memory_pool().max_memory()
    slug, text = refused(tmp_path, file)
    assert slug == "archive-too-large"
    assert "more than 104.9 MB" in text
    assert pa.default_memory_pool().max_memory() < max(before, 50_000_000)


def test_a_geoparquet_files_kept_index_its_lists_and_its_number_of_rows_count_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = geopandas.GeoDataFrame({"code": ["1"] * 2000}, geometry=geopandas.points_from_xy([121.0] * 2000, [31.0] * 2000), crs=4326)
    frame.to_parquet(tmp_path / "plain.parquet")
    frame.set_index(pd.Index(["x" * 5000] * 2000, name="i")).to_parquet(tmp_path / "index.parquet")
    pq.write_table(pa.table({"code": [["x" * 5000] * 2] * 2000}), tmp_path / "list.parquet")
    monkeypatch.setattr(pack_archives, "_SMALL_TABLE_BYTES", 1_000_000)
    asked = ["code", "geometry", "not there"]
    assert pack_archives.fault_of_parquet(tmp_path / "plain.parquet", "a", asked) is None
    assert pack_archives.fault_of_parquet(tmp_path / "index.parquet", "a", asked) is not None
    assert pack_archives.fault_of_parquet(tmp_path / "list.parquet", "a", asked) is not None
    monkeypatch.setattr(pack_archives, "MOST_UNPACKED_BYTES", 2000 * 2 * 8 - 1)
    assert pack_archives.fault_of_parquet(tmp_path / "plain.parquet", "a", asked) is not None


def test_a_parquet_file_with_few_values_in_many_rows_and_the_packs_own_are_taken(tmp_path: Path) -> None:
    columns = ["code", "parent", "name_en", "name_zh", "lon", "lat"]
    assert pack_archives.fault_of_parquet(tmp_path / repeated(tmp_path, "residential", rows=300_000, kept=False), "a", columns) is None
    own = sorted(Path(pack_archives.__file__).parent.glob("packs/**/*.parquet"))
    assert own
    for path in own:
        assert pack_archives.fault_of_parquet(path, path.name, pq.read_schema(path).names) is None


@pytest.mark.parametrize("entry", ["../z.txt", "/etc/z.txt", "a/../../z.txt", "a\\..\\z.txt", "C:/z.txt"])
def test_an_archive_that_names_a_file_outside_itself(tiny_pack: Path, entry: str) -> None:
    with zipfile.ZipFile(zipped(tiny_pack), "a") as archive:
        archive.writestr(entry, "x")
    slug, text = refused(tiny_pack, "a.zip")
    assert slug == "unsafe-archive"
    assert "z.txt" in text


def test_an_archive_with_a_link_in_it(tiny_pack: Path) -> None:
    link = zipfile.ZipInfo("z.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(zipped(tiny_pack), "a") as archive:
        archive.writestr(link, "/etc/passwd")
    assert refused(tiny_pack, "a.zip")[0] == "unsafe-archive"


def test_an_archive_without_its_table_with_two_shapefiles_or_cut_off(tiny_pack: Path) -> None:
    zipped(tiny_pack, parts=(".shp", ".shx"))
    slug, text = refused(tiny_pack, "a.zip")
    assert slug == "missing-file"
    assert ".dbf" in text
    with zipfile.ZipFile(zipped(tiny_pack), "a") as archive:
        archive.write(tiny_pack / "z.shp", "other.shp")
    slug, text = refused(tiny_pack, "a.zip")
    assert slug == "missing-layer"
    assert "z.shp, other.shp" in text
    path = zipped(tiny_pack)
    path.write_bytes(path.read_bytes()[:-200])
    assert refused(tiny_pack, "a.zip")[0] == "unreadable"


def link_beside(file: str, beside: str) -> Callable[[Path, Path], str]:
    def link(folder: Path, elsewhere: Path) -> str:
        given(folder).to_file(folder / file, **({"encoding": "utf-8"} if file.endswith(".shp") else {}))
        (folder / beside.lower()).unlink(missing_ok=True)
        (elsewhere / beside).write_bytes(b"elsewhere")
        (folder / beside).symlink_to(elsewhere / beside)
        return file

    return link


def link_a_table_of_a_geodatabase(folder: Path, elsewhere: Path) -> str:
    given(folder).to_file(folder / "a.gdb", driver="OpenFileGDB")
    table = folder / "a.gdb" / "a00000002.gdbtable"
    table.rename(elsewhere / table.name)
    table.symlink_to(elsewhere / table.name)
    return "a.gdb"


def link_a_whole_geodatabase(folder: Path, elsewhere: Path) -> str:
    given(folder).to_file(elsewhere / "a.gdb", driver="OpenFileGDB")
    (folder / "a.gdb").symlink_to(elsewhere / "a.gdb")
    return "a.gdb"


@pytest.mark.parametrize(
    "link",
    [
        *(link_beside("a.shp", beside) for beside in ("a.dbf", "a.DBF", "a.Shx", "A.CPG", "a.sbn", "a.SBX", "a.shp.xml")),
        *(link_beside("a.gpkg", beside) for beside in ("a.gpkg-wal", "a.gpkg-journal", "a.GPKG-SHM")),
        link_a_table_of_a_geodatabase,
        link_a_whole_geodatabase,
    ],
)
def test_a_part_of_a_source_that_is_a_link_out_of_the_folder(tiny_pack: Path, tmp_path: Path, link: Callable[[Path, Path], str]) -> None:
    slug, text = refused(tiny_pack, link(tiny_pack, tmp_path))
    assert slug == "leaves-the-folder"
    assert "outside the pack's folder" in text


def test_a_geodatabase_that_is_none_and_one_with_several_layers(tiny_pack: Path) -> None:
    (tiny_pack / "a.gdb").mkdir()
    assert refused(tiny_pack, "a.gdb")[0] == "unreadable"
    (tiny_pack / "a.gdb" / "a00000001.gdbtable").write_text("no table")
    assert refused(tiny_pack, "a.gdb")[0] == "wrong-format"
    shutil.rmtree(tiny_pack / "a.gdb")
    for layer in ("areas", "other"):
        given(tiny_pack).to_file(tiny_pack / "a.gdb", driver="OpenFileGDB", layer=layer)
    slug, text = refused(tiny_pack, "a.gdb")
    assert slug == "missing-layer"
    assert "areas, other" in text
    assert len(areas(tiny_pack, "a.gdb", layer="areas")) == len(COMMUNITIES)


@pytest.mark.parametrize(
    ("ending", "mend"), [("xlsx", "as CSV"), ("kmz", "Unpack it"), ("dwg", "Export the layer"), ("sqlite", "one of these")]
)
def test_a_format_that_is_not_read_has_its_own_mend(tiny_pack: Path, ending: str, mend: str) -> None:
    (tiny_pack / f"a.{ending}").write_bytes(b"x")
    slug, text = refused(tiny_pack, f"a.{ending}")
    assert slug == "unknown-format"
    assert mend in text


def test_openstreetmap_xml_is_read_like_pbf(tmp_path: Path) -> None:
    corners = [(1, 121.47, 31.23), (2, 121.48, 31.23), (3, 121.48, 31.24)]
    nodes = "".join(f'<node id="{number}" lon="{lon}" lat="{lat}" version="1"/>' for number, lon, lat in corners)
    tags = "".join(f'<tag k="{key}" v="{value}"/>' for key, value in [("code", "7"), ("parent", "1"), ("name_en", "A"), ("name_zh", "甲")])
    way = f'<way id="1" version="1"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="1"/>{tags}</way>'
    (tmp_path / "a.osm").write_text(f'<?xml version="1.0"?><osm version="0.6">{nodes}{way}</osm>')
    found = areas(tmp_path, "a.osm", layer="areas")
    assert found["code"].tolist() == ["7"]
    assert found.geometry.geom_type.tolist() == ["Polygon"]


def test_holes_and_islands_of_multipolygons_are_kept_in_every_format(tiny_pack: Path) -> None:
    shape = [[square(0, 0), square(0.5, 0.5, 1, 1)[::-1]], [square(3, 3, 1, 1)]]
    named = {"code": "1", "parent": "2", "name_en": "A", "name_zh": "甲"}
    write_features(tiny_pack / "communities.geojson", [feature("MultiPolygon", shape, **named)])
    wanted = areas(tiny_pack, "communities.geojson").geometry.iloc[0]
    assert [len(part.interiors) for part in wanted.geoms] == [1, 0]
    for name, driver in {"a.gml": "GML", "a.kml": "LIBKML", "a.tab": "MapInfo File", "a.gdb": "OpenFileGDB", "a.shp": None}.items():
        given(tiny_pack).to_file(tiny_pack / name, driver=driver, **({} if driver else {"encoding": "utf-8"}))
        found = areas(tiny_pack, name).geometry.iloc[0]
        assert found.symmetric_difference(wanted).area < 1e-12, name
        assert sum(len(part.interiors) for part in found.geoms) == 1, name


def test_features_keep_their_own_rows_where_one_has_no_geometry(tiny_pack: Path) -> None:
    features = read_features(tiny_pack / "communities.geojson")
    features[1]["geometry"] = None
    write_features(tiny_pack / "communities.geojson", features)
    found = areas(tiny_pack, "communities.geojson")
    assert found["row"].tolist() == [1, 2, 3, 4]
    assert found.geometry.isna().tolist() == [False, True, False, False]


def test_a_geometry_files_text_that_is_not_utf_8_is_told_as_such(tiny_pack: Path) -> None:
    path = tiny_pack / "communities.geojson"
    path.write_bytes(path.read_text("utf-8").encode("gbk"))
    slug, text = refused(tiny_pack, "communities.geojson")
    assert slug == "wrong-encoding"
    assert "gbk" in text
    assert areas(tiny_pack, "communities.geojson", encoding="gbk")["names"].iloc[0]["zh"] == "第1社区"


def test_whatever_bytes_are_damaged_a_file_is_read_or_refused(tiny_pack: Path) -> None:
    """Nothing but ``BadPack`` comes out of any reader; seeds that once found something else are among these."""
    frame = given(tiny_pack)
    for name, driver in {"a.gml": "GML", "a.kml": "LIBKML", "a.mif": "MapInfo File", "a.fgb": "FlatGeobuf", "a.gpkg": "GPKG"}.items():
        frame.to_file(tiny_pack / name, driver=driver)
    frame.to_parquet(tiny_pack / "a.parquet")
    zipped(tiny_pack)
    pairs = [(name, name) for name in ("a.gml", "a.kml", "a.mif", "a.fgb", "a.gpkg", "a.parquet", "a.zip", "communities.geojson")]
    pairs += [("z.shp", f"z{part}") for part in (".shp", ".shx", ".dbf", ".prj")] + [("a.mif", "a.mid")]
    chance = np.random.default_rng(20261124)
    taken, said = 0, list[str]()
    for name, part in pairs:
        path = tiny_pack / part
        whole = path.read_bytes()
        for _ in range(12):
            damaged = np.frombuffer(whole, dtype=np.uint8).copy()
            damaged[chance.integers(0, len(damaged), 3)] = chance.integers(0, 256, 3)
            path.write_bytes(damaged.tobytes()[: len(whole) if chance.random() < 0.7 else int(chance.integers(0, len(whole)))])
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                try:
                    areas(tiny_pack, name)
                    taken += 1
                except BadPack as refusal:
                    said += [finding.text() for finding in refusal.findings]
        path.write_bytes(whole)
    assert 0 < taken < 12 * len(pairs)
    assert all(said)
