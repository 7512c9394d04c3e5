"""A file's datum judged by a loaded city's streets: whatever the file's form, and in the words of its own faults."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely

from gis.actions.load_city import load_city
from gis.datum_check import Checked, Reader, check, read_raw
from gis.errors import BadFile, NotFound
from gis.exchange import from_wgs84
from gis.progress import silent
from tests.tiny_city import NOON, act
from tests.tiny_pack import SOUTH, WEST, write_rows
from tests.uneven_pack import WIDE_LAT, WIDE_LON, street_points, write_uneven_pack

Judge = Callable[..., Checked]


@pytest.fixture
def judge(database: str, tmp_path: Path) -> Judge:
    """Check a file against the streets of the loaded uneven city."""
    with act(database) as tx:
        load_city(tx, write_uneven_pack(tmp_path / "pack"), now=NOON, progress=silent)

    def judged(file: Path, **how: str) -> Checked:
        with act(database) as tx:
            return check(tx, "tiny", file, how=Reader(**how))

    return judged


def moved_to(places: np.ndarray, datum: str) -> np.ndarray:
    return np.column_stack(from_wgs84(*places.T, datum=datum))


def write_table(path: Path, places: np.ndarray, header: tuple[str, str] = ("lon", "lat")) -> Path:
    write_rows(path, ["id", *header], [[n, *place] for n, place in enumerate(places.tolist())])
    return path


def test_street_places_of_every_form_and_datum_are_named(judge: Judge, tmp_path: Path) -> None:
    for datum, fits in (("wgs84", "wgs84"), ("cgcs2000", "wgs84"), ("gcj02", "gcj02"), ("bd09", "bd09")):
        places = moved_to(street_points(300, seed=1), datum)
        frame = geopandas.GeoDataFrame({"id": range(300)}, geometry=shapely.points(places), crs=4326)
        frame.to_parquet(tmp_path / f"{datum}.parquet")
        frame.to_crs(32651).to_file(tmp_path / f"{datum}.gpkg")
        write_table(tmp_path / f"{datum}.csv", places)
        for ending in ("parquet", "gpkg", "csv"):
            found = judge(tmp_path / f"{datum}.{ending}")
            assert found.verdict.fits == fits, (datum, ending, found)
            assert {one.possible for one in found.verdict.evidence} == {True}


def test_the_vertices_of_lines_count_and_a_line_that_is_said_twice_counts_once(judge: Judge, tmp_path: Path) -> None:
    places = moved_to(street_points(300, seed=2), "gcj02")
    lines = shapely.linestrings(places.reshape(-1, 3, 2))
    geopandas.GeoDataFrame(geometry=np.concatenate([lines, lines]), crs=4326).to_file(tmp_path / "lines.geojson")
    found = judge(tmp_path / "lines.geojson")
    assert found.verdict.fits == "gcj02"
    assert 200 < found.places <= 300


def test_places_off_the_streets_name_no_datum(judge: Judge, tmp_path: Path) -> None:
    anywhere = np.random.default_rng(3).uniform((WEST, SOUTH), (WEST + WIDE_LON, SOUTH + WIDE_LAT), (600, 2))
    found = judge(write_table(tmp_path / "random.csv", anywhere))
    assert (found.verdict.fits, found.verdict.reason) == (None, "off_the_streets")
    assert found.verdict.evidence[0].median_m > 20


def test_places_of_another_city_or_country_are_outside(judge: Judge, tmp_path: Path) -> None:
    beijing = judge(write_table(tmp_path / "beijing.csv", street_points(300, seed=4) + np.array([-5.0, 8.7])))
    assert (beijing.verdict.fits, beijing.verdict.reason) == (None, "outside")
    helsinki = judge(write_table(tmp_path / "helsinki.csv", street_points(300, seed=4) + np.array([-96.5, 29.0])))
    assert (helsinki.verdict.fits, helsinki.verdict.reason) == (None, "outside")
    assert [one.possible for one in helsinki.verdict.evidence] == [True, False, False]


def test_a_row_at_zero_does_not_rule_the_chinese_datums_out(judge: Judge, tmp_path: Path) -> None:
    places = np.vstack([moved_to(street_points(300, seed=5), "bd09"), [(0.0, 0.0)]])
    assert judge(write_table(tmp_path / "zero.csv", places)).verdict.fits == "bd09"


def test_rows_without_a_place_are_counted_and_columns_may_have_any_name(judge: Judge, tmp_path: Path) -> None:
    rows = [[n, *place] for n, place in enumerate(moved_to(street_points(300, seed=6), "gcj02").tolist())]
    rows += [["x", "", ""], ["y", "none", "31.2"], ["z", "131121.5", "31.2"]]
    write_rows(tmp_path / "热线.csv", ["编号", "经度", "纬度"], rows, encoding="gbk")
    found = judge(tmp_path / "热线.csv", lon="经度", lat="纬度", encoding="gbk")
    assert (found.verdict.fits, found.without_place) == ("gcj02", 3)


def test_too_few_places_decide_nothing(judge: Judge, tmp_path: Path) -> None:
    found = judge(write_table(tmp_path / "few.csv", street_points(20, seed=7)))
    assert (found.verdict.fits, found.verdict.reason) == (None, "too_few")
    nothing = judge(write_table(tmp_path / "none.csv", street_points(0, seed=7).reshape(0, 2)))
    assert (nothing.places, nothing.verdict.reason) == (0, "too_few")


def test_a_city_that_is_not_loaded_is_not_there(database: str, tmp_path: Path) -> None:
    with act(database) as tx, pytest.raises(NotFound):
        check(tx, "atlantis", tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("name", "content", "slug", "row"),
    [
        ("table.csv", "id,name\n1,a\n", "no-geometry", None),
        ("metres.csv", "id,lon,lat\n1,354000,3456000\n", "bad-coordinate", 2),
        ("swapped.csv", "id,lon,lat\n1,31.2,121.4\n", "bad-coordinate", 2),
        ("ragged.csv", "id,lon,lat\n1,121.4\n", "ragged-row", 2),
        ("wkt.csv", "id,wkt\n1,POINT (121.4 31.2)\n", "missing-crs", None),
        ("empty.geojson", "", "empty-file", None),
        ("broken.geojson", "{", "unreadable", None),
        ("sheet.xlsx", "PK", "unknown-format", None),
        ("latin.csv", "id,lon,lat,名\n1,121.4,31.2,a\n".encode("gbk"), "wrong-encoding", 1),
        ("back\\slash.csv", "lon,lat\n", "file-name", None),
    ],
)
def test_a_bad_file_is_refused_with_what_is_wrong_and_where(
    tmp_path: Path, name: str, content: str | bytes, slug: str, row: int | None
) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadFile) as refused:
        read_raw(tmp_path / name, Reader())
    assert (refused.value.findings[0].slug, refused.value.findings[0].row) == (slug, row)
    assert name.split("\\", maxsplit=1)[0] in str(refused.value)


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.csv", tmp_path / ("x" * 300), Path("a\0b")):
        with pytest.raises(NotFound):
            read_raw(path, Reader())


def test_named_columns_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile) as refused:
        read_raw(write_table(tmp_path / "here.csv", street_points(3, seed=8)), Reader(lon="x", lat="y"))
    assert [finding.slug for finding in refused.value.findings] == ["missing-column", "missing-column"]


def test_the_numbers_are_read_as_they_stand(tmp_path: Path) -> None:
    places = street_points(5, seed=9)
    lons, lats, without = read_raw(write_table(tmp_path / "here.csv", places), Reader())
    assert np.column_stack([lons, lats]).tolist() == places.tolist()
    assert without == 0
    (tmp_path / "wkt.csv").write_text("wkt\n" + "".join(f'"POINT ({x!r} {y!r})"\n' for x, y in places.tolist()) + '""\n')
    lons, lats, without = read_raw(tmp_path / "wkt.csv", Reader(crs="EPSG:4326"))
    assert np.column_stack([lons, lats]).tolist() == places.tolist()
    assert without == 1
