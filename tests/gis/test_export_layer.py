"""What an edition was judged by, as files: the same polygons to the last bit, and the same answers by another tool."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import geopandas
import h3
import numpy as np
import pyarrow.parquet
import pyogrio
import pytest
import shapely
import sqlalchemy as sa

from gis import tables
from gis.actions.adopt_edition import adopt_edition
from gis.actions.draw_edition import draw_edition
from gis.actions.export_layer import Exported, export_layer
from gis.actions.load_city import load_city
from gis.errors import ExportExists, ExportNotWritten, NoAdoptedEdition, NotFound, UnknownExportFormat, UnknownExportLayer
from gis.layer_files import FORMATS, write_layer
from gis.progress import silent
from gis.store import editions
from gis.store.exports import LAYERS, Features, layer_of
from gis.store.geometry import geometries
from tests.tiny_city import NOON, act, load, take_in
from tests.tiny_pack import replace


def export(url: str, layer: str, out: Path, **wanted: Any) -> Exported:
    with act(url) as tx:
        return export_layer(tx, "tiny", layer, out=out, **{"now": NOON, "progress": silent} | wanted)


def read(path: Path) -> geopandas.GeoDataFrame:
    """A file as an analyst reads it, in the order of codes."""
    read_file = geopandas.read_parquet if path.suffix == ".parquet" else geopandas.read_file
    frame = read_file(path)
    return frame.sort_values("cell" if "cell" in frame else "code", ignore_index=True)


def kept(url: str, layer: str) -> list[bytes]:
    """The coordinates of the newest edition's geometries as the database has them, in the order of codes."""
    table = LAYERS[layer].table
    with act(url) as tx:
        edition = editions.find(tx, "tiny")
        wanted = table.c.edition_id == edition.id
        if layer == "cells":
            wanted &= table.c.resolution == edition.cell_resolution
        order = sa.func.to_hex(table.c.cell) if layer == "cells" else table.c.code
        chosen = sa.select(sa.func.ST_AsBinary(table.c.geom)).where(wanted).order_by(order)
        return numbers(geometries(tx.execute(chosen).scalars().all()))


def numbers(shapes: np.ndarray[Any, Any]) -> list[bytes]:
    return [shapely.get_coordinates(shape).tobytes() for shape in shapes]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("layer", LAYERS)
def test_every_coordinate_comes_back_as_the_number_that_it_was(
    database: str, tiny_pack: Path, tmp_path: Path, layer: str, form: str
) -> None:
    # West of Greenwich a degree has fewer digits before the point and needs more after it.
    for file in tiny_pack.glob("*.geojson"):
        file.write_text(file.read_text().replace("121.4", "0.0"))
    incidents = tiny_pack / "incidents.csv"
    incidents.write_text(incidents.read_text().replace(",121.4", ",0.0"))
    replace(tiny_pack / "city.toml", "EPSG:32651", "EPSG:32631")
    load(database, tiny_pack)
    out = tmp_path / f"layer{FORMATS[form].ending}"
    done = export(database, layer, out)
    frame = read(out)
    assert numbers(frame.geometry.to_numpy()) == kept(database, layer)
    assert (done.features, done.edition, done.form) == (len(frame), 1, form)
    assert set(frame.columns) == set(LAYERS[layer].columns.names)
    assert frame.crs.to_epsg() == 4326
    assert set(frame["edition"]) == {1}
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_incidents_joined_by_another_tool_lie_in_the_blocks_they_were_assigned_to(database: str, tiny_pack: Path, tmp_path: Path) -> None:
    load(database, tiny_pack)
    take_in(database, tmp_path)
    out = tmp_path / "blocks.gpkg"
    export(database, "street-units", out)
    with act(database) as tx:
        incident, block, grid = tables.incident, tables.block, tables.duty_grid
        chosen = (
            sa.select(sa.func.ST_AsBinary(incident.c.geom), block.c.code, grid.c.code, incident.c.owner)
            .join_from(incident, block, sa.and_(block.c.edition_id == incident.c.edition_id, block.c.id == incident.c.block_id))
            .join(grid, sa.and_(grid.c.edition_id == incident.c.edition_id, grid.c.id == incident.c.duty_grid_id))
        )
        points, blocks, grids, owners = zip(*tx.execute(chosen), strict=True)
    assert len(points) == 50
    assigned = geopandas.GeoDataFrame({"block": blocks, "grid": grids, "answers": owners}, geometry=geometries(points), crs=4326)
    joined = geopandas.sjoin(assigned, read(out), predicate="intersects")
    # A point on a border lies in both; the one with the lower code answers (docs/decisions/0011).
    first = joined.sort_values("code").groupby(level=0).first()
    assert list(first["code"]) == list(first["block"])
    assert list(first["duty_grid"]) == list(first["grid"])
    assert list(first["owner"]) == list(first["answers"])


def test_cells_are_h3s_own(database: str, tiny_pack: Path, tmp_path: Path) -> None:
    load(database, tiny_pack)
    export(database, "cells", tmp_path / "cells.parquet")
    frame = read(tmp_path / "cells.parquet")
    assert len(frame) > 100
    assert frame["cell"].is_unique
    assert set(frame["resolution"]) == {11}
    for cell, parent, outline in zip(frame["cell"], frame["parent"], frame.geometry, strict=True):
        around = np.array([(lon, lat) for lat, lon in h3.cell_to_boundary(cell)])
        assert np.allclose(shapely.get_coordinates(outline)[:-1], around, rtol=0, atol=1e-12)
        assert h3.cell_to_parent(cell) == parent
    blocks = {"street_unit", "duty_grid", "street_unit_share"}
    assert frame.loc[frame["inside_share"] == 1, list(blocks)].notna().all(axis=None)


def test_duty_grids_are_their_blocks_and_name_who_answers(database: str, tiny_pack: Path, tmp_path: Path) -> None:
    load(database, tiny_pack)
    for layer in ("duty-grids", "street-units", "segments"):
        export(database, layer, tmp_path / f"{layer}.parquet")
    grids, blocks = read(tmp_path / "duty-grids.parquet"), read(tmp_path / "street-units.parquet")
    for grid in grids.itertuples():
        within = blocks[blocks["duty_grid"] == grid.code]
        assert (len(within), set(within["owner"])) == (grid.street_units, {grid.owner})
        assert within["area_m2"].sum() == pytest.approx(grid.area_m2)
        assert shapely.equals(shapely.union_all(within.geometry.to_numpy()), grid.geometry)
    assert list(grids["owner_name"]) == [f"Owner {n}" for n in range(1, 5)]
    assert list(grids["deputy"]) == ["D1", "D2", "D3", "D4"]
    assert set(grids["level"]) == {"duty_grid"}
    assert list(grids["name"]) == list(grids["name_zh"])  # the city's first language
    assert set(blocks["area_level"]) == {"community"}
    assert set(blocks["ladder"]) == {f"{code}/{code[:6]}/310100" for code in set(blocks["area"])}
    segments = read(tmp_path / "segments.parquet")
    faced = " ".join(segments["left_street_units"].dropna()) + " " + " ".join(segments["right_street_units"].dropna())
    assert set(faced.split()) == set(blocks["code"])


def test_of_several_deputies_the_first_by_code_is_named_with_the_name_that_is_theirs(
    database: str, tiny_pack: Path, tmp_path: Path
) -> None:
    with (tiny_pack / "owners.csv").open("a", encoding="utf-8") as owners:
        owners.write("A1,Zoe,310101001001,deputy\n")
    load(database, tiny_pack)
    for layer in ("duty-grids", "street-units"):
        export(database, layer, tmp_path / f"{layer}.parquet")
        frame = read(tmp_path / f"{layer}.parquet")
        assert set(frame.loc[frame["owner"] == "O1", ["deputy", "deputy_name"]].itertuples(index=False, name=None)) == {("A1", "Zoe")}


def test_geoparquet_says_what_it_holds(database: str, tiny_pack: Path, tmp_path: Path) -> None:
    load(database, tiny_pack)
    out = tmp_path / "blocks.parquet"
    export(database, "street-units", out)
    file = pyarrow.parquet.ParquetFile(out)
    about = json.loads(file.metadata.metadata[b"geo"])
    column = about["columns"][about["primary_column"]]
    assert (about["version"], column["encoding"], column["geometry_types"]) == ("1.1.0", "WKB", ["Polygon"])
    assert column["crs"]["id"] == {"authority": "EPSG", "code": 4326}
    assert column["bbox"] == read(out).total_bounds.tolist()
    assert {file.metadata.row_group(0).column(at).compression for at in range(file.metadata.num_columns)} == {"ZSTD"}
    assert geopandas.read_parquet(out, columns=["code", "geometry"]).crs.to_epsg() == 4326


def test_the_adopted_edition_is_given_and_any_other_by_its_number(database: str, tiny_pack: Path, tmp_path: Path) -> None:
    load(database, tiny_pack)
    later = NOON + timedelta(days=1)
    with act(database) as tx:
        draw_edition(tx, "tiny", now=later, progress=silent)
    out = tmp_path / "grids.fgb"
    assert export(database, "duty-grids", out, now=later).edition == 1
    assert export(database, "duty-grids", out, number=2, overwrite=True, now=later).edition == 2
    with act(database) as tx:
        adopt_edition(tx, "tiny", now=later)
        tx.execute(sa.text("UPDATE duty SET during = tstzrange(lower(during), :until) WHERE edition_id = 1"), {"until": later})
    assert export(database, "duty-grids", out, overwrite=True, now=later).edition == 2
    # The old plan is told with those who answered as long as it was one.
    assert export(database, "duty-grids", out, number=1, overwrite=True, now=later + timedelta(days=1)).edition == 1
    assert list(read(out)["owner"]) == ["O1", "O2", "O3", "O4"]


def test_the_database_gives_the_rows_some_at_a_time(database: str, tiny_pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(database, tiny_pack)
    monkeypatch.setattr("gis.store.exports._ROWS_AT_ONCE", 7)
    with act(database) as tx:
        _, found = layer_of(tx, "tiny", LAYERS["cells"], number=None, now=NOON)
        sizes = [batch.num_rows for batch in found.batches]
    assert sum(sizes) == found.count > 100
    assert set(sizes[:-1]) == {7}


def test_polygons_among_multipolygons_are_one_layer(tmp_path: Path) -> None:
    one, two = shapely.box(0, 0, 1, 1), shapely.MultiPolygon([shapely.box(2, 0, 3, 1), shapely.box(4, 0, 5, 1)])
    for form, written in FORMATS.items():
        out = tmp_path / f"both{written.ending}"
        assert write_layer(features(one, two), out, form=form, overwrite=False, progress=silent) == 2
        frame = read(out)
        assert list(frame["code"]) == ["0", "1"]
        assert numbers(frame.geometry.to_numpy()) == numbers(np.array([one, two]))
        if form in ("gpkg", "fgb"):
            assert pyogrio.read_info(out)["geometry_type"] == "MultiPolygon"


@pytest.mark.parametrize("form", FORMATS)
def test_a_layer_without_features_is_a_file_too(tmp_path: Path, form: str) -> None:
    out = tmp_path / f"none{FORMATS[form].ending}"
    assert write_layer(features(), out, form=form, overwrite=False, progress=silent) == 0
    assert len(geopandas.read_parquet(out) if form == "geoparquet" else geopandas.read_file(out)) == 0


def features(*shapes: Any, stop: BaseException | None = None) -> Features:
    columns = LAYERS["cells"].columns
    schema = columns.remove(0).insert(0, pyarrow.field("code", pyarrow.string()))

    def batches() -> Any:
        for at, shape in enumerate(shapes):
            row: dict[str, Any] = dict.fromkeys(schema.names) | {"code": str(at), "geometry": shapely.to_wkb(shape)}
            yield pyarrow.RecordBatch.from_pylist([row], schema=schema)
        if stop is not None:
            raise stop

    return Features("made", schema, batches(), len(shapes), frozenset(shape.geom_type for shape in shapes))


# --- what goes wrong -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("stop", [KeyboardInterrupt(), OSError("the database is gone")])
def test_what_breaks_off_leaves_nothing_and_is_told_as_it_is(tmp_path: Path, form: str, stop: BaseException) -> None:
    out = tmp_path / f"layer{FORMATS[form].ending}"
    out.write_text("as it was")
    with pytest.raises(type(stop)) as raised:
        write_layer(features(shapely.box(0, 0, 1, 1), stop=stop), out, form=form, overwrite=True, progress=silent)
    assert raised.value is stop
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    assert out.read_text() == "as it was"


def test_what_a_killed_export_left_goes_with_the_next(tmp_path: Path) -> None:
    left = tmp_path / ".layer.gpkg.exporting-killed"
    left.mkdir()
    (left / "layer.gpkg-journal").write_text("half")
    write_layer(features(shapely.box(0, 0, 1, 1)), tmp_path / "layer.gpkg", form="gpkg", overwrite=False, progress=silent)
    assert [path.name for path in tmp_path.iterdir()] == ["layer.gpkg"]


def test_of_two_that_write_the_same_file_the_second_is_refused_and_neither_disturbs_the_other(tmp_path: Path) -> None:
    out = tmp_path / "layer.gpkg"

    def other_comes_first(step: str, done: int = 0, total: int | None = None) -> None:
        if done == 1 and not out.exists():
            write_layer(features(shapely.box(0, 0, 1, 1)), out, form="gpkg", overwrite=False, progress=silent)

    slow = features(shapely.box(2, 0, 3, 1), shapely.box(4, 0, 5, 1))
    with pytest.raises(ExportExists):
        write_layer(slow, out, form="gpkg", overwrite=False, progress=other_comes_first)
    assert len(read(out)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["layer.gpkg"]


def test_a_file_that_is_there_stays_unless_it_may_be_written_over(database: str, tiny_pack: Path, tmp_path: Path) -> None:
    load(database, tiny_pack)
    out = tmp_path / "layer.fgb"
    out.write_text("mine")
    with pytest.raises(ExportExists, match="--overwrite"):
        export(database, "duty-grids", out)
    assert out.read_text() == "mine"
    assert export(database, "duty-grids", out, overwrite=True).features == len(read(out)) == 4
    link = tmp_path / "link.fgb"
    link.symlink_to(out)
    assert export(database, "segments", link, overwrite=True).features == len(read(out))
    assert link.is_symlink()


def test_a_place_that_takes_no_file_is_named_before_anything_is_done(database: str, tiny_pack: Path, tmp_path: Path) -> None:
    load(database, tiny_pack)
    refused = {
        tmp_path: "folder",
        tmp_path / "none" / "x.fgb": "folder is not there",
        Path("/dev/null"): "no ordinary file",
        Path("/proc/x.fgb"): "cannot be written",
        tmp_path / f"{'x' * 300}.fgb": "cannot be written",
    }
    for out, said in refused.items():
        with pytest.raises(ExportNotWritten, match=said):
            export(database, "duty-grids", out, form="fgb", overwrite=True)


def test_a_city_layer_format_or_edition_that_is_not_there_is_refused(database: str, tiny_pack: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="tiny"):
        export(database, "cells", tmp_path / "x.fgb")
    load(database, tiny_pack)
    with pytest.raises(UnknownExportLayer, match="street-units, duty-grids, cells, segments"):
        export(database, "blocks", tmp_path / "x.fgb")
    with pytest.raises(UnknownExportFormat, match=r"'\.shp'.*geoparquet, gpkg, fgb, geojson"):
        export(database, "cells", tmp_path / "x.shp")
    with pytest.raises(UnknownExportFormat, match="'shp'"):
        export(database, "cells", tmp_path / "x.fgb", form="shp")
    with pytest.raises(NotFound, match="tiny 9"):
        export(database, "cells", tmp_path / "x.fgb", number=9)
    assert list(tmp_path.glob("*.fgb")) == []


def test_a_city_without_a_plan_in_force_is_exported_by_the_number_of_its_draft(database: str, tiny_pack: Path, tmp_path: Path) -> None:
    with act(database) as tx:
        load_city(tx, tiny_pack, now=NOON, progress=silent)
        draw_edition(tx, "tiny", now=NOON, progress=silent)
    with pytest.raises(NoAdoptedEdition):
        export(database, "cells", tmp_path / "x.fgb")
    assert export(database, "cells", tmp_path / "x.fgb", number=1).edition == 1
