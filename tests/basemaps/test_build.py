"""The basemap archive, read back with other people's readers."""

from __future__ import annotations

import gzip
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas
import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from pmtiles.reader import MmapSource, Reader, all_tiles

from basemaps.build import build, road_kind
from basemaps.errors import BasemapNotBuilt, UnknownLayer

BOUNDS = (121.40, 31.20, 121.44, 31.24)
SQUARE = shapely.box(121.41, 31.21, 121.412, 31.212)


def frame(rows: list[dict[str, Any]]) -> geopandas.GeoDataFrame:
    return geopandas.GeoDataFrame(rows, geometry=[row["geometry"] for row in rows], crs="EPSG:4326")


def tiles(path: Path) -> Iterator[tuple[tuple[int, int, int], dict[str, Any]]]:
    with path.open("rb") as file:
        for place, data in all_tiles(MmapSource(file)):
            yield place, mapbox_vector_tile.decode(gzip.decompress(data), default_options={"y_coord_down": True})


def properties(path: Path, layer: str, zoom: int) -> list[dict[str, Any]]:
    """What a layer says of its features at one zoom, each once."""
    found: dict[str, dict[str, Any]] = {}
    for (z, _x, _y), content in tiles(path):
        for feature in content.get(layer, {}).get("features", []) if z == zoom else []:
            found[str(sorted(feature["properties"].items()))] = feature["properties"]
    return list(found.values())


@pytest.fixture(scope="module")
def layers() -> dict[str, geopandas.GeoDataFrame]:
    across = shapely.LineString([(121.30, 31.22), (121.50, 31.225)])
    street = shapely.LineString([(121.41, 31.21), (121.42, 31.23)])
    return {
        "roads": frame(
            [
                {"road_class": "primary", "names": {"zh": "南京东路", "en": "Nanjing East Road"}, "geometry": across},
                {"road_class": "residential", "names": {}, "geometry": street},
                {"road_class": "rail", "names": None, "geometry": street},
                {"road_class": "", "names": {"zh": "无名路"}, "geometry": street},
            ]
        ),
        "water": frame([{"kind": "ocean", "names": {}, "geometry": shapely.box(121.43, 31.20, 121.60, 31.24)}]),
        "landuse": frame([{"kind": "park", "names": {"zh": "人民公园"}, "geometry": SQUARE}]),
        "buildings": frame([{"kind": "apartments", "names": {}, "geometry": SQUARE}]),
        "places": frame([{"kind": "suburb", "names": {"fi": "Kluuvi", "sv": "Gloet"}, "geometry": shapely.Point(121.42, 31.22)}]),
        "pois": frame(
            [
                {"kind": "library", "names": {"zh": "图书馆"}, "geometry": shapely.Point(121.415, 31.215)},
                {"kind": "cafe", "names": {}, "geometry": shapely.Point(2.35, 48.85)},
            ]
        ),
    }


@pytest.fixture(scope="module")
def archive(layers: dict[str, geopandas.GeoDataFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("basemap") / "new" / "city.pmtiles"
    report = build(layers, out, name="上海 Shanghai", attribution="© nobody", bounds=BOUNDS)
    assert report.features == {"earth": 1, "water": 1, "landuse": 1, "roads": 4, "buildings": 1, "places": 1, "pois": 1}
    assert (report.skipped, report.mended, report.outside) == (0, 0, 1), "the café is in Paris"
    assert report.bytes == out.stat().st_size
    return out


def test_the_archive_has_the_layers_zooms_bounds_and_credit(archive: Path) -> None:
    with archive.open("rb") as file:
        reader = Reader(MmapSource(file))
        header, metadata = reader.header(), reader.metadata()
    assert (header["min_zoom"], header["max_zoom"]) == (6, 15)
    assert [layer["id"] for layer in metadata["vector_layers"]] == sorted(
        ["earth", "water", "landuse", "roads", "buildings", "places", "pois"]
    )
    assert (metadata["name"], metadata["attribution"]) == ("上海 Shanghai", "© nobody")
    assert str(archive.parent) not in str(metadata)
    assert sys.prefix not in str(metadata), "the archive tells nothing of the machine it was made on"


def test_features_say_what_they_are_in_the_protomaps_schema(archive: Path) -> None:
    roads = {road["kind_detail"]: road for road in properties(archive, "roads", 15)}
    assert {detail: road["kind"] for detail, road in roads.items()} == {
        "primary": "major_road",
        "residential": "minor_road",
        "rail": "rail",
        "": "minor_road",
    }
    primary = roads["primary"]
    assert (primary["name"], primary["name:zh"], primary["name:en"]) == ("南京东路", "南京东路", "Nanjing East Road")
    assert "name" not in roads["residential"]
    (place,) = properties(archive, "places", 12)
    assert (place["kind"], place["kind_detail"]) == ("neighbourhood", "suburb")
    assert (place["name"], place["name:sv"]) == ("Kluuvi", "Gloet"), "the first language is the place's own"
    assert [poi["name:zh"] for poi in properties(archive, "pois", 15)] == ["图书馆"]
    assert [building["kind"] for building in properties(archive, "buildings", 15)] == ["building"]
    assert [land["kind"] for land in properties(archive, "landuse", 15)] == ["park"]
    assert [water["kind"] for water in properties(archive, "water", 6)] == ["ocean"]


def test_small_things_wait_for_their_zoom(archive: Path) -> None:
    shown = {zoom: set() for zoom in (6, 8, 13, 15)}
    for (zoom, _x, _y), content in tiles(archive):
        shown.setdefault(zoom, set()).update(content)
    assert shown[6] == {"earth", "water"}
    assert "roads" in shown[8]
    assert "pois" not in shown[13]
    assert shown[15] == {"earth", "water", "landuse", "roads", "buildings", "places", "pois"}
    assert {road["kind_detail"] for road in properties(archive, "roads", 8)} == {"primary"}
    for zoom in (8, 12, 15):
        assert all(road["min_zoom"] <= zoom for road in properties(archive, "roads", zoom))


def test_nothing_is_drawn_outside_the_bounds(archive: Path) -> None:
    west, south, east, north = BOUNDS
    for (z, x, y), content in tiles(archive):
        for layer, data in content.items():
            for feature in data["features"]:
                points = shapely.get_coordinates(shapely.geometry.shape(feature["geometry"])) / data["extent"]
                lon = (x + points[:, 0]) / 2**z * 360 - 180
                lat = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * (y + points[:, 1]) / 2**z))))
                slack = 360 / 2**z / data["extent"] * 1.5
                assert lon.min() >= west - slack, (layer, z)
                assert lon.max() <= east + slack, (layer, z)
                assert lat.min() >= south - slack, (layer, z)
                assert lat.max() <= north + slack, (layer, z)


def test_broken_geometry_is_skipped_or_mended_and_counted(tmp_path: Path) -> None:
    bow_tie = shapely.Polygon([(121.41, 31.21), (121.42, 31.22), (121.42, 31.21), (121.41, 31.22)])
    with np.errstate(invalid="ignore"):
        nowhere = shapely.LineString([(121.41, 31.21), (np.nan, 31.22), (121.42, 31.22)])
        endless = shapely.Polygon([(121.41, 31.21), (np.inf, 31.22), (121.42, 31.22)])
    given = {
        "roads": frame(
            [{"road_class": "primary", "geometry": shape} for shape in (nowhere, shapely.LineString(), None, shapely.Point(121.41, 31.21))]
        ),
        "buildings": frame([{"kind": "yes", "geometry": shape} for shape in (bow_tie, endless, SQUARE)]),
        "pois": frame([{"kind": "school", "names": {"en": "School"}, "geometry": shape} for shape in (SQUARE, shapely.Polygon())]),
    }
    report = build(given, tmp_path / "city.pmtiles", name="n", attribution="a", bounds=BOUNDS)
    assert report.features == {"earth": 1, "roads": 0, "buildings": 2, "pois": 1}
    assert (report.skipped, report.mended, report.outside) == (6, 1, 0)
    assert [poi["kind"] for poi in properties(tmp_path / "city.pmtiles", "pois", 15)] == ["school"], "an area stands as a point"


def test_a_city_without_anything_still_has_its_land(tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    out = tmp_path / "bare.pmtiles"
    report = build({}, out, name="n", attribution="a", bounds=BOUNDS, progress=lambda what, share: told.append((what, share)))
    assert report.features == {"earth": 1}
    assert [kind["kind"] for kind in properties(out, "earth", 6)] == ["earth"]
    assert told[-1] == ("tiles", 1.0)
    assert all(0 <= share <= 1 for _, share in told)


def test_the_land_can_be_given(tmp_path: Path) -> None:
    build({"earth": frame([{"kind": "earth", "geometry": SQUARE}])}, tmp_path / "c.pmtiles", name="n", attribution="a", bounds=BOUNDS)
    at_15 = [place for place, content in tiles(tmp_path / "c.pmtiles") if place[0] == 15 and "earth" in content]
    assert 1 <= len(at_15) <= 4, "some 200 m of land, not the whole box"


def test_the_same_frames_give_the_same_archive(layers: dict[str, geopandas.GeoDataFrame], archive: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.pmtiles"
    build(layers, again, name="上海 Shanghai", attribution="© nobody", bounds=BOUNDS)
    assert again.read_bytes() == archive.read_bytes()


def test_a_layer_that_is_none_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UnknownLayer, match="no layer trees"):
        build({"trees": frame([{"kind": "oak", "geometry": SQUARE}])}, tmp_path / "city.pmtiles", name="n", attribution="a", bounds=BOUNDS)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_build_leaves_the_old_archive_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "city.pmtiles"
    out.write_bytes(b"the archive of yesterday")
    broken = tmp_path / "bin" / "tippecanoe"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho 'No space left on device' >&2\nexit 1\n")
    broken.chmod(broken.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr("tippecanoe.BIN_DIR", str(broken.parent))
    with pytest.raises(BasemapNotBuilt, match="No space left on device"):
        build({}, out, name="n", attribution="a", bounds=BOUNDS)
    assert out.read_bytes() == b"the archive of yesterday"
    assert sorted(os.listdir(tmp_path)) == ["bin", "city.pmtiles"]


def test_an_interrupted_build_leaves_no_litter(tmp_path: Path) -> None:
    def stop(what: str, _share: float) -> None:
        if what == "tiles":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build({}, tmp_path / "city.pmtiles", name="n", attribution="a", bounds=BOUNDS, progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("road_class", "kind"),
    [
        ("motorway", "highway"),
        ("motorway_link", "highway"),
        ("快速路", "highway"),
        ("trunk", "major_road"),
        ("支路", "minor_road"),
        ("pedestrian", "minor_road"),
        ("steps", "path"),
        ("tram", "rail"),
        ("ferry", "other"),
        ("class nobody knows", "minor_road"),
    ],
)
def test_road_classes_of_any_city_have_a_kind(road_class: str, kind: str) -> None:
    assert road_kind(road_class).kind == kind


def test_the_builder_needs_no_database() -> None:
    code = "import sys, basemaps.build; print([m for m in ('sqlalchemy', 'psycopg', 'geoalchemy2') if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert said.stdout.strip() == "[]"
