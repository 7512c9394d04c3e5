"""Two editions compared on a real database: the changes as they are kept, against what another tool finds in the exported layers."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import geopandas
import mapbox_vector_tile
import pytest
import sqlalchemy as sa

from gis import tables, tiles
from gis.actions.adopt_edition import adopt_edition
from gis.actions.compare_editions import Compared, compare_editions
from gis.actions.draw_edition import draw_edition
from gis.actions.export_layer import export_layer
from gis.actions.load_city import load_city
from gis.errors import NotCompared, NotFound, NothingToCompare
from gis.layer_files import write_layer
from gis.layers import layer_named
from gis.progress import silent
from gis.store import comparisons
from grids.measure import areas_m2
from tests.tiny_city import NOON, act, load, redraw, take_in
from tests.tiny_pack import SOUTH, WEST
from tests.web_mercator import tile_of


@pytest.fixture
def redrawn(database: str, tiny_pack: Path, tmp_path: Path) -> str:
    """The tiny city with its plan, its incidents, and a draft in which two streets are closed and one community has another owner."""
    load(database, tiny_pack)
    take_in(database, tmp_path)
    redraw(database, tiny_pack)
    return database


def compared(url: str, old: int | None = None, new: int | None = None, *, now: Any = NOON) -> Compared:
    with act(url) as tx:
        return compare_editions(tx, "tiny", old=old, new=new, now=now, progress=silent)


def layer(url: str, name: str, number: int, folder: Path) -> geopandas.GeoDataFrame:
    out = folder / f"{name}-{number}.parquet"
    with act(url) as tx:
        export_layer(tx, "tiny", name, out=out, number=number, overwrite=True, now=NOON, progress=silent)
    return geopandas.read_parquet(out)


def changed(url: str, done: Compared, folder: Path) -> geopandas.GeoDataFrame:
    """The changes as the file that a user gets."""
    out = folder / "changes.gpkg"
    with act(url) as tx:
        write_layer(comparisons.features(tx, done.old_id, done.new_id), out, form="gpkg", overwrite=True, progress=silent)
    return geopandas.read_file(out)


def test_the_changes_are_those_that_another_tool_finds(redrawn: str, tmp_path: Path) -> None:
    done = compared(redrawn)
    assert (done.old, done.new) == (1, 2)
    old, new = (layer(redrawn, "street-units", number, tmp_path) for number in (1, 2))
    cut = geopandas.overlay(old, new, how="intersection", keep_geom_type=True)
    cut["m2"] = areas_m2(cut.geometry.to_numpy())
    moved = cut[(cut["code_1"] != cut["code_2"]) & (cut["m2"] >= 1)]
    found = done.summary["blocks"]
    assert len(moved) > 3
    assert found["changed_m2"] == pytest.approx(moved["m2"].sum(), rel=1e-6)
    assert (found["before"], found["after"]) == (len(old), len(new))
    assert found["changes"]["merged"]["units"] > 0
    rows = changed(redrawn, done, tmp_path)
    blocks = rows[(rows["kind"] == "block") & (rows["old_code"] != rows["new_code"])]
    by_pair = {(row.old_code, row.new_code): row.area_m2 for row in blocks.itertuples()}
    assert by_pair == pytest.approx(moved.groupby(["code_1", "code_2"])["m2"].sum().to_dict(), rel=1e-6)
    assert list(areas_m2(rows.geometry.to_numpy())) == pytest.approx(list(rows["area_m2"]), rel=1e-6)


def test_the_incidents_of_a_change_lie_on_its_ground(redrawn: str, tmp_path: Path) -> None:
    done = compared(redrawn)
    rows = changed(redrawn, done, tmp_path)
    with act(redrawn) as tx:
        points = tx.execute(sa.text("SELECT ST_X(geom), ST_Y(geom) FROM incident")).all()
    places = geopandas.GeoDataFrame(geometry=geopandas.points_from_xy(*zip(*points, strict=True)), crs=4326)
    inside = geopandas.sjoin(places, rows, predicate="within").groupby("index_right").size()
    assert rows["incidents"].sum() > 0
    assert rows["incidents"].to_dict() == {at: inside.get(at, 0) for at in rows.index}
    blocks = done.summary["blocks"]
    assert blocks["changed_incidents"] == rows.loc[rows["kind"] == "block", "incidents"].sum()
    assert sum(one["incidents"] for one in blocks["changes"].values()) == blocks["changed_incidents"]


def test_whoever_hands_a_grid_over_loses_its_ground_and_the_other_gains_it(redrawn: str, tmp_path: Path) -> None:
    done = compared(redrawn)
    people = {(one["code"], one["post"]): one for one in done.summary["people"]}
    old = layer(redrawn, "duty-grids", 1, tmp_path)
    [grid] = old[old["owner"] == "O2"].itertuples()
    assert people["O2", "owner"]["lost_m2"] == pytest.approx(grid.area_m2, abs=1)
    assert people["O9", "owner"]["gained_m2"] == pytest.approx(grid.area_m2, abs=1)
    assert (people["O2", "owner"]["gained_m2"], people["O9", "owner"]["lost_m2"]) == (0, 0)
    assert people["O2", "owner"]["lost_incidents"] == people["O9", "owner"]["gained_incidents"] > 0
    assert people["O9", "owner"]["name"] == "Owner 9"
    assert set(people) == {("O2", "owner"), ("O9", "owner")}


def test_an_edition_compared_with_itself_or_its_like_has_no_changes(database: str, tiny_pack: Path) -> None:
    load(database, tiny_pack)
    with act(database) as tx:
        draw_edition(tx, "tiny", now=NOON, progress=silent)
    for done in (compared(database, 1, 1), compared(database)):
        assert done.changes == 0
        assert done.summary["people"] == []
        for kind in ("blocks", "duty_grids"):
            assert done.summary[kind]["changed_m2"] == 0
            assert not any(any(one.values()) for one in done.summary[kind]["changes"].values())


def test_a_draft_is_compared_when_it_is_drawn_and_its_changes_go_with_it(redrawn: str, tiny_pack: Path) -> None:
    with act(redrawn) as tx:
        drawn = comparisons.find(tx, "tiny", 1, 2)
        first = comparisons.changes_after(tx, "tiny", drawn.old_id, drawn.new_id, number=0, limit=2)
        assert [row["id"] for row in first] == [1, 2]
        assert comparisons.changes_after(tx, "tiny", drawn.old_id, drawn.new_id, number=1, limit=1) == first[1:]
        with pytest.raises(NotCompared, match="wangge grids compare tiny 2 1"):
            comparisons.find(tx, "tiny", 2, 1)
        with pytest.raises(NotFound):
            comparisons.find(tx, "tiny", 1, 9)
    with act(redrawn) as tx:
        assert comparisons.told(tx, "tiny", drawn) == compared(redrawn).summary
    assert all("name" not in one for one in drawn.summary["people"])
    with act(redrawn) as tx:
        draw_edition(tx, "tiny", now=NOON, progress=silent)
    with act(redrawn) as tx:
        kept = tx.execute(sa.select(tables.comparison.c.old_id, tables.comparison.c.new_id)).all()
        assert len(kept) == 1
        assert kept[0].new_id != drawn.new_id


def test_after_adoption_the_last_two_plans_are_compared(redrawn: str) -> None:
    later = NOON + timedelta(days=1)
    with act(redrawn) as tx:
        adopt_edition(tx, "tiny", now=later)
    done = compared(redrawn, now=later + timedelta(hours=1))
    assert (done.old, done.new) == (1, 2)
    assert {one["code"] for one in done.summary["people"]} == {"O2", "O9"}
    back = compared(redrawn, 2, 1, now=later)
    forth = done.summary["blocks"]["changes"]
    assert back.summary["blocks"]["changes"]["split"] == pytest.approx(forth["merged"])
    assert back.summary["blocks"]["changed_m2"] == pytest.approx(done.summary["blocks"]["changed_m2"])


def test_a_city_with_one_edition_has_nothing_to_compare(database: str, tiny_pack: Path) -> None:
    with pytest.raises(NotFound):
        compared(database)
    with act(database) as tx:
        load_city(tx, tiny_pack, now=NOON, progress=silent)
        draw_edition(tx, "tiny", now=NOON, progress=silent)
    with pytest.raises(NothingToCompare):
        compared(database)
    with act(database) as tx:
        adopt_edition(tx, "tiny", now=NOON)
    with pytest.raises(NothingToCompare):
        compared(database)
    with pytest.raises(NotFound):
        compared(database, 1, 9)


def test_the_map_shows_what_the_draft_changes_and_after_adoption_what_the_plan_changed(redrawn: str) -> None:
    def drawn() -> list[dict[str, Any]]:
        x, y = tile_of(WEST + 0.004, SOUTH + 0.003, 12)
        with act(redrawn) as tx:
            encoded = tiles.tile(tx, layer_named("changes"), z=12, x=x, y=y, at=NOON)
        found: list[dict[str, Any]] = mapbox_vector_tile.decode(encoded)["changes"]["features"]
        return [feature["properties"] for feature in found]

    done = compared(redrawn)
    compared(redrawn, 2, 1)  # the other way round is no change of the plan
    of_draft = drawn()
    assert 0 < len(of_draft) <= done.changes  # what is less than a pixel is not drawn
    assert {one["kind"] for one in of_draft} == {"block"}
    with act(redrawn) as tx:
        adopt_edition(tx, "tiny", now=NOON)
    assert drawn() == of_draft
