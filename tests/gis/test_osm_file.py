"""Reading OpenStreetMap files: what is kept, what an extract's edge breaks, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import shapely

from gis.errors import BadPack
from gis.osm_file import read_osm, satisfies

# Node 9 is named by ways but left out, as a clipped extract does.
_OSM = """<osm version="0.6" generator="test">
 <node id="1" lat="60.0" lon="24.0" version="1"><tag k="place" v="suburb"/><tag k="name:zh" v="克卢维"/></node>
 <node id="2" lat="60.0" lon="24.1" version="1"/>
 <node id="3" lat="60.1" lon="24.1" version="1"/>
 <node id="4" lat="60.1" lon="24.0" version="1"/>
 <way id="10" version="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="primary"/><tag k="name" v="Bulevardi"/></way>
 <way id="11" version="1"><nd ref="9"/><nd ref="2"/><nd ref="3"/><tag k="highway" v="residential"/><tag k="tunnel" v="no"/></way>
 <way id="12" version="1"><nd ref="9"/><nd ref="2"/><tag k="highway" v="residential"/></way>
 <way id="13" version="1"><nd ref="1"/><nd ref="2"/><nd ref="9"/><nd ref="3"/><nd ref="4"/><tag k="highway" v="service"/><tag k="tunnel" v="yes"/></way>
 <way id="14" version="1"><nd ref="1"/><nd ref="1"/><tag k="highway" v="primary"/></way>
 <way id="20" version="1"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="4"/><nd ref="1"/><tag k="building" v="yes"/></way>
 <way id="21" version="1"><nd ref="1"/><nd ref="2"/><nd ref="9"/><nd ref="4"/><nd ref="1"/><tag k="building" v="yes"/></way>
 <way id="22" version="1"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="1"/><tag k="building" v="yes"/><tag k="area" v="no"/></way>
 <way id="23" version="1"><nd ref="9"/><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="9"/><tag k="building" v="yes"/></way>
 <way id="30" version="1"><nd ref="1"/><nd ref="2"/><nd ref="3"/></way>
 <way id="31" version="1"><nd ref="3"/><nd ref="4"/><nd ref="1"/></way>
 <relation id="40" version="1"><member type="way" ref="30" role="outer"/><member type="way" ref="31" role="outer"/>
  <tag k="type" v="multipolygon"/><tag k="natural" v="water"/></relation>
 <relation id="41" version="1"><member type="way" ref="30" role="outer"/><member type="way" ref="99" role="outer"/>
  <tag k="type" v="multipolygon"/><tag k="natural" v="water"/></relation>
</osm>
"""


@pytest.fixture
def osm(tmp_path: Path) -> Path:
    path = tmp_path / "small.osm"
    path.write_text(_OSM, "utf-8")
    return path


def test_nodes_carry_the_tags_asked_for_and_none_where_absent(osm: Path) -> None:
    rows = read_osm(osm, layer="nodes", where={"place": "*"}, tags=["place", "name:zh", "name"])
    assert rows.frame.drop(columns="geometry").to_dict("records") == [
        {"osm_id": "node/1", "place": "suburb", "name:zh": "克卢维", "name": None}
    ]
    assert rows.frame.crs == "EPSG:4326"
    assert rows.frame.geometry[0] == shapely.Point(24, 60)


def test_clipped_ways_keep_the_part_that_is_known(osm: Path) -> None:
    rows = read_osm(osm, layer="ways", where={"highway": "*"}, tags=["name"])
    shapes = dict(zip(rows.frame["osm_id"], rows.frame.geometry, strict=True))
    assert shapes == {
        "way/10": shapely.LineString([(24, 60), (24.1, 60)]),
        "way/11": shapely.LineString([(24.1, 60), (24.1, 60.1)]),
        "way/13": shapely.MultiLineString([[(24, 60), (24.1, 60)], [(24.1, 60.1), (24, 60.1)]]),
    }
    assert (rows.clipped, rows.skipped) == (2, 2), "way 12 has one known node, way 14 has no length"


def test_areas_of_ways_and_relations_and_a_count_of_those_that_cannot_be_closed(
    osm: Path,
) -> None:
    square = shapely.box(24, 60, 24.1, 60.1)
    buildings = read_osm(osm, layer="areas", where={"building": "yes"}, tags=[])
    assert list(buildings.frame["osm_id"]) == ["way/20"]
    assert buildings.frame.geometry[0].equals(square)
    assert buildings.skipped == 2, "ways 21 and 23 lack a node; way 22 says it is no area"
    water = read_osm(osm, layer="areas", where={"natural": "water"}, tags=["natural"])
    assert list(water.frame["osm_id"]) == ["relation/40"]
    assert water.frame.geometry[0].equals(square)
    assert water.skipped == 1, "relation 41 lacks a member"


def test_conditions_join_with_and(osm: Path) -> None:
    def ids(where: dict[str, str | list[str]]) -> list[str]:
        return list(read_osm(osm, layer="ways", where=where, tags=[]).frame["osm_id"])

    assert ids({"highway": ["primary", "residential"]}) == ["way/10", "way/11"]
    assert ids({"highway": "*", "tunnel": "!"}) == ["way/10"]
    assert ids({"highway": "*", "tunnel": ["!", "no"]}) == ["way/10", "way/11"]
    assert ids({"highway": "*", "tunnel": "*"}) == ["way/11", "way/13"]
    assert ids({"highway": "primary", "name": "Bulevardi"}) == ["way/10"]


def test_an_absent_tag_satisfies_only_the_exclamation_mark() -> None:
    assert satisfies({"a": "!"}, {}.get)
    assert not satisfies({"a": "*"}, {}.get)
    assert not satisfies({"a": "!"}, {"a": "x"}.get)
    assert satisfies({}, {}.get)


@pytest.mark.parametrize("layer", ["nodes", "ways", "areas"])
def test_nothing_found_gives_an_empty_frame_with_its_columns(osm: Path, layer: str) -> None:
    rows = read_osm(osm, layer=layer, where={"railway": "*"}, tags=["railway", "name"])
    assert list(rows.frame.columns) == ["osm_id", "railway", "name", "geometry"]
    assert len(rows.frame) == 0
    assert rows.frame.crs == "EPSG:4326"


@pytest.mark.parametrize("layer", ["nodes", "ways", "areas"])
@pytest.mark.parametrize(
    ("name", "content", "slug"),
    [
        ("empty.osm.pbf", b"", "empty-file"),
        ("words.osm.pbf", b"these are words, not blocks " * 40, "not-osm"),
        ("page.osm", b"<html></html>", "not-osm"),
        ("half.osm", _OSM[:900].encode(), "not-osm"),
        ("what.xyz", b"1 2 3", "not-osm"),
        (None, b"", "no-such-file"),
    ],
)
def test_what_is_not_osm_is_refused_with_a_sentence(tmp_path: Path, layer: str, name: str | None, content: bytes, slug: str) -> None:
    path = tmp_path / (name or "absent.osm.pbf")
    if name:
        path.write_bytes(content)
    with pytest.raises(BadPack) as refused:
        read_osm(path, layer=layer, where={"highway": "*"}, tags=[])
    (finding,) = refused.value.findings
    assert (finding.slug, finding.file) == (slug, path.name)
    assert "OpenStreetMap" in finding.text()
