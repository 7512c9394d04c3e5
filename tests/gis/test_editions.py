"""Editions: drawn as a draft, adopted once, fixed for ever by the database itself."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import shapely
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError

from gis import tables
from gis.actions.adopt_edition import adopt_edition
from gis.actions.draw_edition import draw_edition
from gis.actions.load_city import load_city
from gis.errors import Conflict, NotFound
from gis.progress import silent
from gis.store import cities, editions, owners
from gis.store.geometry import geometries
from gis.store.owners import Duty
from grids.owners import Owner, PlaceKind
from tests.tiny_city import NOON, act, load
from tests.tiny_pack import read_rows, write_rows

CHANGES = [
    "UPDATE block SET area_m2 = area_m2 + 1",
    "DELETE FROM segment_face",
    "UPDATE area SET code = code || 'x'",
    "INSERT INTO segment_face SELECT edition_id, segment_id, side, from_m + 0.5, to_m, block_id FROM segment_face",
    "TRUNCATE segment_face",
    "UPDATE duty SET post = 'deputy' WHERE post = 'owner' AND place_kind = 'duty_grid' AND place_id = 1",
    "DELETE FROM duty",
    "TRUNCATE duty",
    "DELETE FROM edition",
    "UPDATE edition SET status = 'draft', adopted_at = NULL",
    "UPDATE edition SET quality = '{}', status = 'retired', retired_at = now()",
]


@pytest.mark.parametrize("change", CHANGES)
def test_an_adopted_edition_never_changes(database: str, tiny_pack: Path, change: str) -> None:
    load(database, tiny_pack)
    with pytest.raises(IntegrityError, match=r"adopted edition never changes|cannot be truncated|may only end"), act(database) as tx:
        tx.execute(sa.text(change))


def test_a_draft_may_change_and_the_next_one_replaces_it(database: str, tiny_pack: Path) -> None:
    with act(database) as tx:
        load_city(tx, tiny_pack, now=NOON, progress=silent)
        first = draw_edition(tx, "tiny", now=NOON, progress=silent)
    with act(database) as tx:
        assert tx.execute(sa.text("UPDATE block SET built_up = NOT built_up")).rowcount == first.quality["counts"]["blocks"]
    with act(database) as tx:
        again = draw_edition(tx, "tiny", now=NOON, progress=silent)
        assert again.number == first.number
        assert again.quality == first.quality
        assert tx.execute(sa.select(sa.func.count()).select_from(tables.edition)).scalar_one() == 1


UNFOUNDED = (
    "INSERT INTO cell_share SELECT edition_id, cell, 999999, 0.1 FROM cell_share LIMIT 1",
    "INSERT INTO cell_share SELECT edition_id, cell + 1, block_id, 0.1 FROM cell_share LIMIT 1",
    "UPDATE cell_share SET block_id = 999999 WHERE ctid = (SELECT min(ctid) FROM cell_share)",
    "INSERT INTO cell SELECT 999999, cell, resolution, feature_id, parent, inside_share, area_m2, geom FROM cell LIMIT 1",
)


@pytest.mark.parametrize("unfounded", UNFOUNDED)
def test_a_cell_and_a_share_belong_to_what_is_there(database: str, tiny_pack: Path, unfounded: str) -> None:
    with act(database) as tx:
        load_city(tx, tiny_pack, now=NOON, progress=silent)
        draw_edition(tx, "tiny", now=NOON, progress=silent)
    with pytest.raises(IntegrityError, match=r"of its edition|belongs to an edition"), act(database) as tx:
        tx.execute(sa.text(unfounded))


ALTERED = (
    "DELETE FROM cell WHERE (edition_id, cell) IN (SELECT edition_id, cell FROM cell_share)",
    "UPDATE cell SET cell = cell + 1",
)


@pytest.mark.parametrize("altered", ALTERED)
def test_a_draft_whose_shares_hang_in_the_air_is_never_adopted(database: str, tiny_pack: Path, altered: str) -> None:
    with act(database) as tx:
        load_city(tx, tiny_pack, now=NOON, progress=silent)
        draw_edition(tx, "tiny", now=NOON, progress=silent)
        tx.execute(sa.text(altered))
    with pytest.raises(IntegrityError, match="share is of a cell"), act(database) as tx:
        adopt_edition(tx, "tiny", now=NOON)


def test_a_removed_draft_leaves_no_row_behind(database: str, tiny_pack: Path) -> None:
    with act(database) as tx:
        load_city(tx, tiny_pack, now=NOON, progress=silent)
        draw_edition(tx, "tiny", now=NOON, progress=silent)
        tx.execute(sa.delete(tables.edition))
    with act(database) as tx:
        for table in (*tables.EDITION_TABLES, tables.duty):
            assert tx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == 0, table.name


def test_adopting_retires_the_one_before_and_only_a_draft_can_be_adopted(database: str, tiny_pack: Path) -> None:
    load(database, tiny_pack)
    with act(database) as tx:
        draw_edition(tx, "tiny", now=NOON, progress=silent)
        adopt_edition(tx, "tiny", now=NOON)
    with act(database) as tx:
        found = tx.execute(sa.select(tables.edition.c.number, tables.edition.c.status).order_by("number")).all()
        assert [tuple(row) for row in found] == [(1, "retired"), (2, "adopted")]
        with pytest.raises(Conflict):
            adopt_edition(tx, "tiny", now=NOON, number=1)
        with pytest.raises(NotFound):
            adopt_edition(tx, "tiny", now=NOON, number=9)
        with pytest.raises(NotFound):
            draw_edition(tx, "atlantis", now=NOON, progress=silent)


def test_the_stored_edition_is_a_partition_by_postgis_own_judgement(database: str, tiny_pack: Path) -> None:
    load(database, tiny_pack)
    with act(database) as tx:
        overlapping = (
            "SELECT count(*) FROM block a JOIN block b ON a.id < b.id AND a.geom && b.geom AND ST_Relate(a.geom, b.geom, '2********')"
        )
        assert tx.execute(sa.text(overlapping)).scalar_one() == 0
        union = "SELECT ST_Equals(ST_Union(b.geom), a.geom) FROM area a JOIN block b ON a.rank = 0 GROUP BY a.geom"
        assert tx.execute(sa.text(union)).scalar_one() is True
        nested = "SELECT count(*) FROM block JOIN area ON area.id = block.area_id WHERE NOT ST_Covers(area.geom, block.geom)"
        assert tx.execute(sa.text(nested)).scalar_one() == 0
        assert tx.execute(sa.text("SELECT count(*) FROM block WHERE duty_grid_id IS NULL")).scalar_one() == 0
        shares = "SELECT max(abs(1 - total)) FROM (SELECT sum(share) AS total FROM cell_share JOIN cell USING (edition_id, cell) WHERE inside_share = 1 GROUP BY cell) t"
        assert tx.execute(sa.text(shares)).scalar_one() < 1e-6
        stored = geometries(tx.execute(sa.text("SELECT ST_AsBinary(geom) FROM block ORDER BY id")).scalars().all())
        assert shapely.coverage_is_valid(stored)


def test_every_duty_grid_has_an_owner_and_a_deputy_and_nobody_shares_a_post(database: str, tiny_pack: Path) -> None:
    load(database, tiny_pack)
    with act(database) as tx:
        edition_id = editions.current(tx, "tiny").id
        posts = owners.on_duty_at(tx, edition_id, NOON)
        assert sorted(posts) == list(range(1, len(editions.grid_codes(tx, edition_id)) + 1))
        assert all(held.owner and held.deputy for held in posts.values())
    second = Duty((PlaceKind.DUTY_GRID, 1), Owner("second", "A second first owner", "given"), "owner", NOON, None)
    with pytest.raises(IntegrityError, match="duty_one_at_a_time"), act(database) as tx:
        owners.save(tx, "tiny", edition_id, [second])


def test_a_grid_that_the_pack_names_nobody_for_gets_an_owner_who_says_that_he_is_generated(database: str, tiny_pack: Path) -> None:
    said = (tiny_pack / "owners.csv").read_text().splitlines()
    (tiny_pack / "owners.csv").write_text("\n".join(said[:2]) + "\n")
    load(database, tiny_pack)
    with act(database) as tx:
        held = owners.on_duty_at(tx, editions.current(tx, "tiny").id, NOON)
        generated = [
            post
            for posts in held.values()
            for post in (posts.owner, posts.deputy)
            if post.origin == "generated" and "(generated" in post.name
        ]
        assert len(generated) == 2 * len(held) - 1


def test_the_ground_read_back_is_the_ground_of_the_pack(database: str, tiny_pack: Path) -> None:
    load(database, tiny_pack)
    with act(database) as tx:
        ground = cities.ground(tx, "tiny")
        assert [source.level.key for source in ground.levels] == ["city", "district", "community"]
        assert ground.levels[0].polygons is None
        assert len(ground.levels[2].polygons) == 4
        assert shapely.get_srid(ground.streets).tolist() == [0] * len(ground.streets)
        assert all(names.get("zh") for names in ground.street_names)


def test_a_duty_may_end_and_the_next_owner_follow(database: str, tiny_pack: Path) -> None:
    load(database, tiny_pack)
    with act(database) as tx:
        edition_id = editions.current(tx, "tiny").id
        ended = "UPDATE duty SET during = tstzrange(lower(during), :at) WHERE place_kind = 'duty_grid' AND place_id = 1 AND post = 'owner' AND upper_inf(during)"
        assert tx.execute(sa.text(ended), {"at": NOON}).rowcount == 1
        owners.save(tx, "tiny", edition_id, [Duty((PlaceKind.DUTY_GRID, 1), Owner("next", "The next owner", "given"), "owner", NOON, None)])
    with act(database) as tx:
        assert owners.on_duty_at(tx, edition_id, NOON)[1].owner.code == "next"
        assert owners.on_duty_at(tx, edition_id, NOON - timedelta(days=1))[1].owner.code != "next"


def test_a_duty_that_has_ended_leaves_nobody_without_an_owner(database: str, tiny_pack: Path) -> None:
    header, rows = read_rows(tiny_pack / "owners.csv")
    write_rows(tiny_pack / "owners.csv", [*header, "from", "to"], [[*row, "2020-01-01", "2021-01-01"] for row in rows])
    load(database, tiny_pack)
    with act(database) as tx:
        edition_id = editions.current(tx, "tiny").id
        for at in (NOON, NOON - timedelta(days=2_200), NOON - timedelta(days=5_000)):
            held = owners.on_duty_at(tx, edition_id, at)
            assert all(posts.owner and posts.deputy for posts in held.values())
            assert len(held) == 4


def test_a_row_written_while_its_edition_is_adopted_is_no_part_of_it(database: str, tiny_pack: Path) -> None:
    """The writer's lock makes the adoption wait; here it gives up after a moment instead."""
    with act(database) as tx:
        load_city(tx, tiny_pack, now=NOON, progress=silent)
        drawn = draw_edition(tx, "tiny", now=NOON, progress=silent)
    with act(database) as writer, act(database) as adopter:
        writer.execute(sa.text("UPDATE block SET built_up = NOT built_up"))
        adopter.execute(sa.text("SET LOCAL lock_timeout = '300ms'"))
        with pytest.raises(OperationalError, match="lock timeout"):
            editions.adopt(adopter, drawn.edition_id, now=NOON)
        adopter.get_transaction().rollback()
