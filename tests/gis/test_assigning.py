"""Many points at once: the answers of the single look-up, every file format as it came in, and refusals that leave nothing behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import geopandas
import h3
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

from gis import kept_indexes
from gis.assigning import COLUMNS, Assigner, assigner
from gis.assigning_dask import assign_on_cluster
from gis.assigning_files import assign_file
from gis.assigning_frames import assign_frame
from gis.errors import (
    AxesSwapped,
    BadFile,
    BadPoints,
    BeforeFirstEdition,
    ColumnsTaken,
    ExportExists,
    NoAdoptedEdition,
    NoCluster,
    NotAnInstant,
    NotFound,
    NotOnCluster,
    UnknownCategory,
    UnknownExportFormat,
)
from gis.exchange import from_wgs84
from gis.locating import Indexes, locate
from gis.point_files import ROWS_AT_ONCE, Declared, open_points
from gis.progress import silent
from gis.store.geometry import points_wkb
from grids.dispatch import answering, dispatch
from grids.errors import Refusal, UnknownDatum
from grids.locate import Index
from grids.measure import Plane
from tests.tiny_city import NOON, act, load
from tests.tiny_pack import SOUTH, STEP_LAT, STEP_LON, WEST, write_tiny_pack

WGS84 = Declared("wgs84")
Points = tuple[np.ndarray, np.ndarray]


@pytest.fixture
def asked(database: str, tiny_pack: Path, tmp_path: Path) -> Assigner:
    """The tiny city's plan, ready for many points."""
    load(database, tiny_pack)
    with act(database) as tx:
        return assigner(tx, Indexes(tmp_path / "indexes"), city="tiny", at=NOON)


@pytest.fixture
def points() -> Points:
    """Points in and around the tiny city, some on the corners of its lattice."""
    chance = np.random.default_rng(11)
    at = chance.uniform(-1, 5, (400, 2))
    at[::5] = np.round(at[::5])
    return WEST + at[:, 0] * STEP_LON, SOUTH + at[:, 1] * STEP_LAT


def write(path: Path, frame: pd.DataFrame | geopandas.GeoDataFrame) -> Path:
    """Write points in the format of the file's ending."""
    kind = path.suffix
    if kind == ".csv":
        frame.to_csv(path, index=False)
    elif kind == ".parquet":
        frame.to_parquet(path)
    elif kind == ".arrow":
        table = pa.Table.from_pandas(frame, preserve_index=False)
        with path.open("wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=77)
    elif kind == ".json":
        path.write_text(json.dumps({"points": frame[["id", "lon", "lat"]].to_dict("records")}))
    else:
        frame.to_file(path)
    return path


def read(path: Path) -> pd.DataFrame:
    """Read answers back with another program than the one that wrote them, where there is one."""
    kind = path.suffix
    if kind == ".csv":
        frame = pd.read_csv(path, dtype=str)
        return frame.astype({name: float for name in ("lon", "lat", "offset_m") if name in frame})
    if kind == ".parquet":
        return geopandas.read_parquet(path) if b"geo" in (pq.read_metadata(path).metadata or {}) else pd.read_parquet(path)
    if kind == ".arrow":
        return pa.ipc.open_stream(path.read_bytes()).read_all().to_pandas()
    if kind == ".json":
        return pd.DataFrame(json.loads(path.read_text())["places"])
    return geopandas.read_file(path)


def assign(path: Path, out: Path, asked: Assigner, declared: Declared = WGS84) -> pd.DataFrame:
    assign_file(path, out, asked, declared, threads=2, progress=silent)
    return read(out)


def test_every_point_has_the_answer_of_the_single_look_up(database: str, asked: Assigner, points: Points) -> None:
    corners = shapely.get_coordinates(asked.index.blocks)[::9]
    points = tuple(np.concatenate([side, corners[:, axis]]) for axis, side in enumerate(points))
    found = asked.answers(*points).to_pylist()
    with act(database) as tx:
        indexes = Indexes()
        for lon, lat, many in zip(*(side.tolist() for side in points), found, strict=True):
            one = locate(tx, indexes, lon=lon, lat=lat, datum="wgs84", at=NOON)
            assert (one.cell, one.how) == (many["cell"], many["how"])
            if one.standing is None:
                assert many["street_unit"] is many["duty_grid"] is many["owner"] is None
                continue
            chosen = answering(dispatch(one.standing.chain, None))
            assert one.standing.block == many["street_unit"]
            assert one.standing.segment == many["segment"]
            assert (one.side, one.offset_m) == (many["side"], many["offset_m"])
            assert one.standing.duty_grid == many["duty_grid"]
            assert (chosen.by.code, chosen.rung.level) == (many["owner"], many["level"])
    assert {one["how"] for one in found} == {"inside", "border", "nearest", "outside"}


def test_a_category_decides_who_answers(database: str, asked: Assigner, points: Points, tmp_path: Path) -> None:
    key = "component:01001"
    with act(database) as tx:
        about = assigner(tx, Indexes(), city="tiny", at=NOON, category=key)
        indexes = Indexes()
        for lon, lat, many in zip(*(side[:60].tolist() for side in points), about.answers(*points).to_pylist(), strict=False):
            one = locate(tx, indexes, lon=lon, lat=lat, datum="wgs84", at=NOON, category=key)
            if one.standing is not None:
                chosen = answering(dispatch(one.standing.chain, one.standing.category))
                assert (chosen and chosen.by.code, chosen and chosen.rung.level) == (many["owner"], many["level"])
        with pytest.raises(UnknownCategory):
            assigner(tx, Indexes(), city="tiny", at=NOON, category="event:nothing")
        for wrong, refusal in ((NOON.replace(tzinfo=None), NotAnInstant), (NOON.replace(year=2020), BeforeFirstEdition)):
            with pytest.raises(refusal):
                assigner(tx, Indexes(), city="tiny", at=wrong)
        with pytest.raises(NotFound):
            assigner(tx, Indexes(), city="nowhere", at=NOON)
    assert asked.labels.edition_number == 1
    assert len(asked.answers(points[0][:0], points[1][:0])) == 0


def test_a_city_without_a_plan_is_refused(database: str, tiny_pack: Path, tmp_path: Path) -> None:
    from gis.actions.load_city import load_city

    with act(database) as tx:
        load_city(tx, tiny_pack, now=NOON, progress=silent)
        with pytest.raises(NoAdoptedEdition):
            assigner(tx, Indexes(), city="tiny", at=NOON)


def test_an_index_worth_it_is_kept_and_a_damaged_one_is_made_again(
    database: str, asked: Assigner, points: Points, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, folder = asked.answers(*points), tmp_path / "indexes"
    assert not folder.exists()
    monkeypatch.setattr(kept_indexes, "_MANY_BLOCKS", 1)

    def again(folder: Path, points: int | None = None) -> Assigner:
        with act(database) as tx:
            return assigner(tx, Indexes(folder), city="tiny", at=NOON, points=points)

    again(folder, points=10)
    assert not folder.exists()
    assert again(folder).answers(*points) == said
    (kept,) = folder.iterdir()
    for harm in (b"", b"no index", kept.read_bytes()[:-9]):
        kept.write_bytes(harm)
        assert again(folder).answers(*points) == said
        assert kept_indexes.read(kept) is not None
    assert again(Path("/proc/nowhere")).answers(*points) == said


def test_what_is_in_memory_is_used_and_a_plan_adopted_since_takes_its_place(database: str, asked: Assigner, tiny_pack: Path) -> None:
    indexes = Indexes()
    with act(database) as tx:
        (plan,) = indexes.in_force(tx, NOON, "tiny")
        first = assigner(tx, indexes, city="tiny", at=NOON)
    assert (first.index, first.labels.special_units) == (plan.index, plan.special_units)
    load(database, tiny_pack)
    with act(database) as tx:
        assert assigner(tx, indexes, city="tiny", at=NOON).labels.edition_number == 2
    assert (asked.labels.edition_number, first.labels.edition_number) == (1, 1)


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".arrow", ".json"])
def test_tables_come_out_with_their_columns_and_the_answers(asked: Assigner, points: Points, tmp_path: Path, ending: str) -> None:
    frame = pd.DataFrame({"id": [f"{at:05}" for at in range(len(points[0]))], "lon": points[0], "lat": points[1]})
    out = assign(write(tmp_path / f"points{ending}", frame), tmp_path / f"out{ending}", asked)
    assert out["id"].tolist() == frame["id"].tolist()
    if ending != ".json":
        assert out["lon"].tolist() == frame["lon"].tolist()
    for name, column in zip(COLUMNS.names, asked.answers(*points).columns, strict=True):
        assert [None if pd.isna(value) else value for value in out[name]] == column.to_pylist(), name


@pytest.mark.parametrize("ending", [".gpkg", ".parquet", ".fgb", ".geojson"])
def test_points_as_geometry_come_out_as_geometry(asked: Assigner, points: Points, tmp_path: Path, ending: str) -> None:
    frame = geopandas.GeoDataFrame({"id": range(len(points[0]))}, geometry=shapely.points(*points), crs=4326)
    came = write(tmp_path / f"points{ending}", frame)
    out = assign(came, tmp_path / f"out{ending}", asked).sort_values("id")
    assert out.crs == frame.crs
    # GDAL rounds coordinates when it writes GeoJSON: the answers are those of the points in the file.
    there = geopandas.read_file(came).sort_values("id") if ending != ".parquet" else frame
    assert shapely.equals_exact(out.geometry.to_numpy(), there.geometry.to_numpy()).all()
    said = asked.answers(there.geometry.x.to_numpy(), there.geometry.y.to_numpy())
    assert [None if pd.isna(value) else value for value in out["street_unit"]] == said.column("street_unit").to_pylist()


def test_another_crs_and_datum_are_brought_to_wgs84(asked: Assigner, points: Points, tmp_path: Path) -> None:
    said = asked.answers(*points).column("street_unit").to_pylist()
    inside = np.array([unit is not None for unit in said])
    chosen = (np.arange(len(inside)) % 5 > 0)[inside]
    metres = geopandas.GeoDataFrame({"id": range(len(points[0]))}, geometry=shapely.points(*points), crs=4326).to_crs(32651)
    out = assign(write(tmp_path / "metres.gpkg", metres), tmp_path / "out.gpkg", asked)
    assert (out["street_unit"].to_numpy()[inside] == np.array(said, dtype=object)[inside])[chosen].all()
    lons, lats = from_wgs84(*points, datum="gcj02")
    moved = write(tmp_path / "moved.csv", pd.DataFrame({"x": lons, "y": lats}))
    out = assign(moved, tmp_path / "out.csv", asked, Declared("gcj02", "x", "y"))
    # A fifth of the points lie on the lattice's corners, where a hair decides.
    assert (out["street_unit"].to_numpy()[inside] == np.array(said, dtype=object)[inside])[chosen].all()


def test_rows_without_coordinates_are_kept(asked: Assigner, tmp_path: Path) -> None:
    (tmp_path / "some.csv").write_text(f'id;lon;lat;text\n007;{WEST + 0.4 * STEP_LON};{SOUTH + 0.4 * STEP_LAT};"a;b\n"\n008;;;\n')
    out = assign(tmp_path / "some.csv", tmp_path / "out.csv", asked)
    assert out["how"].tolist() == ["inside", "unplaced"]
    assert out["id"].tolist() == ["007", "008"]
    assert out["text"].tolist()[0] == "a;b\n"
    frame = geopandas.GeoDataFrame({"id": [1, 2]}, geometry=[None, shapely.Point(WEST + 0.4 * STEP_LON, SOUTH + 0.4 * STEP_LAT)], crs=4326)
    assert assign(write(tmp_path / "some.gpkg", frame), tmp_path / "out.gpkg", asked)["how"].tolist() == ["unplaced", "inside"]


RECIPES = {
    "note.geojson": "dear reader",
    "vrt.geojson": '<OGRVRTDataSource><OGRVRTLayer name="passwd"><SrcDataSource>CSV:/etc/passwd</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>',
    "pipeline.geojson": '{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read /etc/passwd"}',
    "wfs.geojson": "<OGRWFSDataSource><URL>http://127.0.0.1:9/wfs</URL></OGRWFSDataSource>",
    "points.vrt": '<OGRVRTDataSource><OGRVRTLayer name="passwd"><SrcDataSource>CSV:/etc/passwd</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>',
    "points.xyz": "1 2 3",
}
"""What makes GDAL read other files or ask other hosts, in files that say they are something else; and endings that are not read."""


def bad_files(folder: Path) -> Iterator[tuple[Path, str, str]]:
    """Files that cannot be assigned: what is wrong, and what the refusal has to say."""
    good = f"{WEST},{SOUTH}\n"
    for name, text, slug, said in (
        ("nan", f"lon,lat\n{good}nan,31.2\n", "point-not-finite", "Rows: 3."),
        ("infinite", f"lon,lat\n{good}inf,31.2\n", "point-not-finite", "Rows: 3."),
        ("word", f"lon,lat\n{good}east,31.2\n", "point-not-a-number", "Rows: 3."),
        ("half", f"lon,lat\n{good},31.2\n", "half-a-point", "Rows: 3."),
        ("off", f"lon,lat\n{good}31.2,121.4\n", "point-off-the-globe", "swapped"),
        ("many", "lon,lat\n" + "200,31.2\n" * 30, "point-off-the-globe", "(+10)"),
        ("column", f"x,lat\n{good}", "missing-point-columns", "There is no column lon"),
        ("ragged", f"lon,lat\n{good}1,2,3\n", "unreadable-points", "Expected 2 columns"),
        ("empty", "", "unreadable-points", "cannot be read"),
        ("twice", f"lon,lat,id,id\n{good.strip()},1,2\n", "doubled-columns", "id"),
        ("quote", f'lon,lat,text\n{good.strip()},"a\n1,2,b\n3,4,c\n', "unclosed-quote-of-points", "never closed"),
        ("underscore", f"lon,lat\n{good}1_21.4,31.2\n", "point-not-a-number", "Rows: 3."),
    ):
        (folder / f"{name}.csv").write_text(text)
        yield folder / f"{name}.csv", slug, said
    whole = write(folder / "whole.arrow", pd.DataFrame({"lon": np.full(500, WEST), "lat": np.full(500, SOUTH)})).read_bytes()
    (folder / "cut.arrow").write_bytes(whole[: len(whole) // 2])
    yield folder / "cut.arrow", "unreadable-points", "cannot be read"
    (folder / "cut.json").write_text('{"points": [{"lon": 121.4, "lat": 31.2}, {"lon"')
    yield folder / "cut.json", "unreadable-points", "cannot be read"
    for name, text, slug, said in (
        ("odd", '{"points": [{"lon": 121.4, "lat": 31.2}, {"lon": "x", "lat": 3}]}', "point-not-a-number", "Rows: 2."),
        ("list", '{"points": [{"lon": 121.4, "lat": 31.2}, [1, 2]]}', "entry-no-point", "Rows: 2."),
        ("lng", '{"points": [{"lng": 121.4, "latitude": 31.2}]}', "entry-no-point", "Rows: 1."),
        ("none", "{}", "no-list-of-points", '"points"'),
        ("other", '[{"lon": 121.4, "lat": 31.2}]', "no-list-of-points", '"points"'),
        ("collection", '{"type": "FeatureCollection", "features": []}', "no-list-of-points", "GeoJSON"),
    ):
        (folder / f"{name}.json").write_text(text)
        yield folder / f"{name}.json", slug, said
    (folder / "no.parquet").write_bytes(b"PAR1 this is none PAR1")
    yield folder / "no.parquet", "unreadable-points", "cannot be read"
    lines = geopandas.GeoDataFrame({"id": [1]}, geometry=[shapely.LineString([(1, 1), (2, 2)])], crs=4326)
    yield write(folder / "lines.gpkg", lines), "geometry-no-point", "Rows: 1."
    nowhere = geopandas.GeoDataFrame({"id": [1]}, geometry=[shapely.Point(1, 1)])
    yield write(folder / "nowhere.parquet", nowhere), "points-without-crs", "CRS"
    for number, about in enumerate((b"[]", b"{}", b'{"primary_column": "x", "columns": {"x": {"encoding": "WKB"}}}', b"no JSON")):
        table = pa.table({"lon": [1.0]}).replace_schema_metadata({b"geo": about})
        pq.write_table(table, folder / f"geo{number}.parquet")
        yield folder / f"geo{number}.parquet", "unreadable-points", "cannot be read"
    yield write(folder / "truth.arrow", pd.DataFrame({"lon": [True], "lat": [1.0]})), "point-not-a-number", "Rows: 1."
    pyogrio.write_dataframe(pd.DataFrame({"lon": [1.0]}), folder / "plain.gpkg")
    yield folder / "plain.gpkg", "unreadable-points", "no geometry"
    for name, text in RECIPES.items():
        (folder / name).write_text(text)
        yield folder / name, "", ""


def test_bad_files_are_refused_and_nothing_is_left(asked: Assigner, tmp_path: Path) -> None:
    folder, results = tmp_path / "bad", tmp_path / "results"
    folder.mkdir()
    results.mkdir()
    for path, slug, said in bad_files(folder):
        with pytest.raises(BadFile) as refused:
            assign(path, results / "out.parquet", asked)
        (finding,) = refused.value.findings
        assert finding.slug == slug or not slug, path.name
        assert said in finding.text(str), (path.name, finding.text(str))
        assert list(results.iterdir()) == []


def test_what_cannot_be_is_refused(asked: Assigner, points: Points, tmp_path: Path) -> None:
    path = write(tmp_path / "points.csv", pd.DataFrame({"lon": points[0], "lat": points[1], "owner": "x"}))
    frame = geopandas.GeoDataFrame({"owner": ["x"]}, geometry=[shapely.Point(WEST, SOUTH)], crs=4326)
    (tmp_path / "there.csv").write_text("mine")

    def refusal(kind: type[Refusal], out: str, declared: Declared = WGS84, came: Path = path) -> None:
        with pytest.raises(kind):
            assign(came, tmp_path / out, asked, declared)

    refusal(ColumnsTaken, "out.csv")
    prefixed = Declared("wgs84", prefix="w_")
    refusal(UnknownExportFormat, "out.xyz", prefixed)
    refusal(ExportExists, "there.csv", prefixed)
    refusal(UnknownDatum, "out.csv", Declared("beijing54", prefix="w_"))
    refusal(NotFound, "out.csv", prefixed, tmp_path / "nothing.csv")
    with pytest.raises(ColumnsTaken):
        assign_frame(frame, asked, datum="wgs84")
    assert (tmp_path / "there.csv").read_text() == "mine"
    assert sorted(one.name for one in tmp_path.glob("*out*")) == []
    assert "w_how" in assign(path, tmp_path / "out.csv", asked, prefixed)


def test_swapped_axes_are_seen_by_where_the_points_would_lie(asked: Assigner, tmp_path: Path) -> None:
    # Shanghai's longitudes are no latitudes, so nobody could swap them unseen: Helsinki's can be.
    helsinki = Index(np.array([shapely.box(24.9, 60.1, 25.0, 60.2)]), np.empty(0, dtype=object), Plane("EPSG:3067"), 10)
    there = Assigner(helsinki, replace(asked.labels, city="helsinki"))
    lons, lats = np.linspace(24.8, 25.1, 30), np.linspace(60.12, 60.18, 30)
    path = write(tmp_path / "points.csv", pd.DataFrame({"lon": lats, "lat": lons}))
    with pytest.raises(AxesSwapped):
        assign(path, tmp_path / "out.csv", there)
    assert not (tmp_path / "out.csv").exists()
    assert set(assign(path, tmp_path / "out.csv", there, Declared("wgs84", "lat", "lon"))["how"]) == {"inside", "outside"}
    far = write(tmp_path / "far.csv", pd.DataFrame({"lon": [2.3], "lat": [48.8]}))
    assert assign(far, tmp_path / "far-out.csv", there)["how"].tolist() == ["outside"]


def test_a_frame_keeps_its_index_and_has_the_same_answers(asked: Assigner, points: Points) -> None:
    frame = geopandas.GeoDataFrame({"name": range(len(points[0]))}, geometry=shapely.points(*points), crs=4326)
    frame.index = frame.index + 1000
    found = assign_frame(frame, asked, datum="wgs84", threads=2)
    assert found.index.equals(frame.index)
    assert found.geometry.equals(frame.geometry)
    for name, column in zip(COLUMNS.names, asked.answers(*points).columns, strict=True):
        assert [None if pd.isna(value) else value for value in found[name]] == column.to_pylist(), name
    assert [*assign_frame(frame[:0], asked, datum="wgs84").columns] == [*found.columns]
    with pytest.raises(BadPoints, match="GeoDataFrame"):
        assign_frame(frame.set_geometry(shapely.buffer(frame.geometry.to_numpy(), 1e-5), crs=4326), asked, datum="wgs84")


def test_what_other_programs_write_is_read(asked: Assigner, tmp_path: Path) -> None:
    lon, lat = WEST + 0.4 * STEP_LON, SOUTH + 0.4 * STEP_LAT
    shapes = [shapely.MultiPoint([(lon, lat)]), shapely.Point(), None, shapely.Point(lon, lat, 7.0)]
    frame = geopandas.GeoDataFrame({"id": range(4)}, geometry=shapes, crs=4326)
    assert assign_frame(frame, asked, datum="wgs84")["how"].tolist() == ["inside", "unplaced", "unplaced", "inside"]
    out = assign(write(tmp_path / "some.parquet", frame), tmp_path / "out.geojson", asked)
    assert out["how"].tolist() == ["inside", "unplaced", "unplaced", "inside"]
    features = json.loads((tmp_path / "out.geojson").read_text())["features"]
    assert [one["geometry"] is None for one in features] == [False, True, True, False]
    table = pa.table({"lon": pa.array([str(lon), ""]).dictionary_encode(), "lat": [str(lat), None], "x": [float("nan"), 1.0]})
    with (tmp_path / "file.arrow").open("wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    assert assign(tmp_path / "file.arrow", tmp_path / "out.json", asked)["how"].tolist() == ["inside", "unplaced"]
    (tmp_path / "heading.csv").write_text(f'lon,lat,"two\nlines",code\n{lon},{lat},007,008\n')
    assert pd.read_csv(tmp_path / "heading.csv").columns.tolist()[2] == "two\nlines"
    assign_file(tmp_path / "heading.csv", tmp_path / "heading-out.csv", asked, WGS84, threads=1, progress=silent)
    assert pd.read_csv(tmp_path / "heading-out.csv", dtype=str)[["two\nlines", "code"]].to_numpy().tolist() == [["007", "008"]]
    (tmp_path / "gbk.csv").write_bytes(f"lon,lat,名\n{lon},{lat},上海\n".encode("gbk"))
    with pytest.raises(BadPoints):
        assign(tmp_path / "gbk.csv", tmp_path / "gbk-out.csv", asked)
    assert assign(tmp_path / "gbk.csv", tmp_path / "gbk-out.csv", asked, Declared("wgs84", encoding="gbk"))["名"].tolist() == ["上海"]


def test_an_arrow_stream_that_lies_about_its_texts_is_refused(asked: Assigner, tmp_path: Path) -> None:
    texts = pa.StringArray.from_buffers(2, pa.py_buffer(np.array([0, 1_900_000_000, 4], dtype=np.int32)), pa.py_buffer(b"1.02"))
    table = pa.RecordBatch.from_arrays([texts, pa.array([1.0, 2.0])], names=["lon", "lat"])
    with (tmp_path / "lies.arrow").open("wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_batch(table)
    with pytest.raises(BadPoints):
        assign(tmp_path / "lies.arrow", tmp_path / "out.csv", asked)


def test_a_large_batch_is_answered_in_pieces(asked: Assigner, tmp_path: Path) -> None:
    table = pa.table({"lon": np.full(2 * ROWS_AT_ONCE + 5, 2.3), "lat": np.full(2 * ROWS_AT_ONCE + 5, 48.8)})
    with (tmp_path / "large.arrow").open("wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=len(table))
    with open_points(tmp_path / "large.arrow", WGS84) as points:
        assert [batch.num_rows for batch in points.batches] == [ROWS_AT_ONCE, ROWS_AT_ONCE, 5]


def test_points_are_written_as_geos_writes_them(points: Points) -> None:
    assert shapely.equals(shapely.from_wkb(points_wkb(*points).to_pylist()), shapely.points(*points)).all()
    assert points_wkb(np.array([np.nan]), np.array([1.0])).to_pylist() == [None]
    hexadecimal = points_wkb(*(np.append(side, np.nan) for side in points), for_copy=True).to_pylist()
    assert hexadecimal == [
        *(text.lower() for text in shapely.to_wkb(shapely.set_srid(shapely.points(*points), 4326), hex=True, include_srid=True)),
        None,
    ]


def test_a_cluster_says_what_one_machine_says(asked: Assigner, points: Points, tmp_path: Path) -> None:
    from distributed import LocalCluster

    frame = geopandas.GeoDataFrame({"id": range(len(points[0]))}, geometry=shapely.points(*points), crs=4326)
    frame.to_parquet(tmp_path / "points.parquet", row_group_size=70)
    local, kept = assign(tmp_path / "points.parquet", tmp_path / "local.parquet", asked), tmp_path / "indexes" / "tiny.index"
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        address = cluster.scheduler_address

        def run(came: str, out: str, declared: Declared = WGS84, *, overwrite: bool = False) -> pd.DataFrame:
            done = assign_on_cluster(
                tmp_path / came,
                tmp_path / out,
                asked,
                declared,
                index_file=kept,
                scheduler=address,
                overwrite=overwrite,
                progress=silent,
            )
            assert done.rows == sum(done.how.values()) == len(frame)
            parts = sorted((tmp_path / out).iterdir())
            assert [one.name for one in parts] == [f"part-{at:05}.parquet" for at in range(len(parts))]
            return pd.concat([geopandas.read_parquet(one) for one in parts], ignore_index=True)

        pd.testing.assert_frame_equal(pd.DataFrame(run("points.parquet", "out")), pd.DataFrame(local))
        with pytest.raises(ExportExists):
            run("points.parquet", "out")
        (tmp_path / "many").mkdir()
        frame[:100].to_parquet(tmp_path / "many" / "a.parquet")
        frame[100:].to_parquet(tmp_path / "many" / "b.parquet")
        pd.testing.assert_frame_equal(pd.DataFrame(run("many", "out", overwrite=True)), pd.DataFrame(local))
        write(tmp_path / "points.csv", pd.DataFrame({"lon": [1.0], "lat": [1.0]}))
        with pytest.raises(NotOnCluster):
            run("points.csv", "other")
        bad = frame.set_geometry(frame.geometry.where(frame.index != 99, shapely.Point(500, 0)))
        bad.to_parquet(tmp_path / "bad.parquet", row_group_size=70)
        with pytest.raises(BadPoints) as refused:
            run("bad.parquet", "other")
        assert "Rows: 100." in refused.value.findings[0].text(str)
    with pytest.raises(NoCluster):
        assign_on_cluster(
            tmp_path / "points.parquet", tmp_path / "other", asked, WGS84, index_file=kept, scheduler="tcp://127.0.0.1:9", progress=silent
        )
    assert not (tmp_path / "other").exists()
    assert not list(tmp_path.glob(".*assigning*"))


def test_of_several_cities_one_is_named(database: str, tmp_path: Path) -> None:
    from gis.errors import SeveralCities
    from gis.store.cities import the_city
    from tests.tiny_pack import replace as in_file

    load(database, write_tiny_pack(tmp_path / "tiny"))
    with act(database) as tx:
        assert the_city(tx, None) == the_city(tx, "tiny") == "tiny"
        with pytest.raises(NotFound):
            the_city(tx, "other")
    other = write_tiny_pack(tmp_path / "other")
    in_file(other / "city.toml", 'code = "tiny"', 'code = "other"')
    from gis.actions.load_city import load_city

    with act(database) as tx:
        load_city(tx, other, now=NOON, progress=silent)
        with pytest.raises(SeveralCities):
            the_city(tx, None)


def test_an_imported_incident_has_the_owner_of_the_same_question(database: str, asked: Assigner, tmp_path: Path) -> None:
    from sqlalchemy import text

    from tests.tiny_city import take_in

    take_in(database, tmp_path)
    with act(database) as tx:
        read = "SELECT st_x(geom) AS lon, st_y(geom) AS lat, owner, how FROM incident WHERE geom IS NOT NULL AND how <> 'default_geocode'"
        rows = tx.execute(text(read)).all()
    assert len(rows) > 5
    found = asked.answers(np.array([row.lon for row in rows]), np.array([row.lat for row in rows])).to_pylist()
    assert [row.owner for row in rows] == [one["owner"] for one in found]
    assert [row.how for row in rows] == [one["how"].replace("nearest", "outside") for one in found]


def test_the_ends_of_the_earth_are_outside(asked: Assigner) -> None:
    lons, lats = np.array([180.0, -180.0, 0.0, 121.47, np.nan]), np.array([0.0, 0.0, 90.0, -90.0, 31.2])
    found = asked.answers(lons, lats).to_pylist()
    assert [one["how"] for one in found] == ["outside"] * 4 + ["unplaced"]
    cells = [
        h3.latlng_to_cell(lat, lon, asked.index.cell_resolution) for lon, lat in zip(lons[:4].tolist(), lats[:4].tolist(), strict=True)
    ]
    assert [one["cell"] for one in found] == [*cells, None]
