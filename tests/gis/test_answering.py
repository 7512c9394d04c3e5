"""Who answers in an edition: every place at once is answered as each alone; precedence and its constraints in the database."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from gis import db, locating
from gis.actions.draw_edition import draw_edition
from gis.actions.load_city import load_city
from gis.errors import TwoOwners, UnknownCategory, UnknownDutyArea
from gis.locating import Indexes
from gis.progress import silent
from gis.store import editions, owners, places, special_units
from gis.store.owners import Duty
from grids.dispatch import answering, dispatch
from grids.owners import Owner, PlaceKind
from tests.rich_pack import MARKET, PARK, SCHOOL, write_rich_pack
from tests.tiny_city import NOON, act, load
from tests.tiny_pack import SOUTH, STEP_LAT, STEP_LON, WEST, read_rows, write_rows

ZONE = ZoneInfo("Asia/Shanghai")
CATEGORIES = (None, "component:01001", "component:02001", "matter:06001", "matter:07001")
SIDE, BLOCK, GRID, UNIT = PlaceKind.SEGMENT_LEFT, PlaceKind.BLOCK, PlaceKind.DUTY_GRID, PlaceKind.SPECIAL_UNIT


@pytest.fixture
def rich(database: str, tmp_path: Path) -> str:
    """The rich tiny city with duties of some blocks and sides of segments, by codes that its first division gave."""
    folder = write_rich_pack(tmp_path / "rich")
    load(database, folder)
    with act(database) as tx:
        blocks = tx.execute(sa.text("SELECT code FROM block ORDER BY id")).scalars().all()
        sides = tx.execute(sa.text("SELECT left_code FROM segment UNION ALL SELECT right_code FROM segment")).scalars().all()
        whole = tx.execute(sa.text("SELECT code FROM segment ORDER BY id DESC LIMIT 1")).scalar_one()
    header, rows = read_rows(folder / "owners.csv")
    rows += [[f"B{at}", f"Block owner {at}", code, "owner"] for at, code in enumerate(blocks[::3])]
    rows += [[f"F{at}", f"Frontage owner {at}", code, "owner"] for at, code in enumerate(sides[::4]) if not code.startswith(whole)]
    rows += [["V1", "Of both sides", whole, "owner"]]
    write_rows(folder / "owners.csv", header, rows)
    shifts, worked = read_rows(folder / "shifts.csv")
    worked += [[row[0], "mon-fri", "09:00", "17:00"] for row in rows if row[0][0] in "BF" and int(row[0][1:]) % 2]
    write_rows(folder / "shifts.csv", shifts, worked)
    load(database, folder)
    return database


@pytest.mark.parametrize(
    "at",
    [NOON, datetime(2026, 6, 6, 3, 0, tzinfo=ZONE), datetime(2026, 6, 12, 12, 0, tzinfo=ZONE), datetime(2026, 6, 12, 20, 0, tzinfo=ZONE)],
)
def test_every_place_at_once_is_answered_as_each_alone(rich: str, at: datetime) -> None:
    chance = np.random.default_rng(20261124)
    steps = np.vstack([chance.uniform(-0.1, 4.1, (60, 2)), chance.integers(0, 41, (40, 2)) / 10])  # the latter on borders too
    lons, lats = WEST + steps[:, 0] * STEP_LON, SOUTH + steps[:, 1] * STEP_LAT
    indexes, levels = Indexes(), set()
    with act(rich) as tx:
        [plan] = indexes.in_force(tx, at)
        found = plan.index.locate(lons, lats)
        for category in CATEGORIES:
            every = places.answering(tx, plan.edition_id, at=at, category=category)
            unit = plan.special_units.first(lons, lats, among=every.special_units())
            chosen = every.at(block=found.block, segment=found.segment, side=found.side, special_unit=unit)
            for point, (lon, lat) in enumerate(zip(lons, lats, strict=True)):
                said = locating.locate(tx, indexes, lon=lon, lat=lat, datum="wgs84", at=at, category=category).standing
                alone = answering(dispatch(said.chain, said.category)) if said else None
                bulk = every.answers[chosen[point]] if chosen[point] >= 0 else None
                told = (alone.by, alone.rung.level, alone.rung.code) if alone else None
                assert (bulk and (bulk.owner, bulk.level, bulk.code)) == told
                levels.add(told and told[1])
    assert levels >= {"duty_grid", "block", "segment", None}


def test_all_levels_answer_somewhere_in_the_rich_city(rich: str) -> None:
    with act(rich) as tx:
        edition = editions.current(tx, "tiny")
        at = datetime(2026, 6, 2, 10, 0, tzinfo=ZONE)
        every = places.answering(tx, edition.id, at=at, category="component:01001")
        codes = {answer.code for answer in every.answers}
        assert {PARK, SCHOOL} < codes
        assert MARKET not in codes
        assert {answer.level for answer in every.answers} == {"special_unit", "segment", "block", "duty_grid"}
        high = places.answering(tx, edition.id, at=at, category="matter:07001")
        assert {answer.level for answer in high.answers} == {"district"}
        with pytest.raises(UnknownCategory):
            places.answering(tx, edition.id, at=at, category="matter:99999")


def test_the_whole_chain_is_told_in_the_order_of_precedence(rich: str) -> None:
    with act(rich) as tx:
        lon, lat = WEST + 0.3 * STEP_LON, SOUTH + 0.3 * STEP_LAT
        said = locating.locate(
            tx, Indexes(), lon=lon, lat=lat, datum="wgs84", at=datetime(2026, 6, 12, 20, tzinfo=ZONE), category="component:01001"
        ).standing
    assert said is not None
    judged = dispatch(said.chain, said.category)
    assert [(one.rung.code, one.rung.level) for one in judged[:2]] == [(SCHOOL, "special_unit"), (PARK, "special_unit")]
    assert [one.rung.level for one in judged[-4:]] == ["duty_grid", "community", "district", "city"]
    assert [one.verdict for one in judged[:2]] == ["nobody_on_duty", "nobody_on_duty"]
    assert sum(one.verdict == "answers" for one in judged) == 1


def test_special_units_are_part_of_the_edition_and_as_fixed_as_it(rich: str, tmp_path: Path) -> None:
    with act(rich) as tx:
        edition = editions.current(tx, "tiny")
        assert special_units.ids(tx, edition.id) == {PARK: 1, SCHOOL: 2, MARKET: 3}
        assert special_units.find(tx, edition.id).order.tolist() == [1, 2, 0]
    for change in (
        "DELETE FROM special_unit",
        "UPDATE special_unit SET area_m2 = 1",
        "INSERT INTO special_unit SELECT edition_id, 9, 'P-9', '{}', 1, geom FROM special_unit LIMIT 1",
    ):
        with pytest.raises(IntegrityError, match="an adopted edition never changes"), act(rich) as tx:
            tx.execute(sa.text(change))


@pytest.mark.parametrize("place", [(UNIT, 1), (SIDE, 1), (PlaceKind.SEGMENT_RIGHT, 1), (BLOCK, 2), (GRID, 1), (PlaceKind.AREA, 1)])
def test_no_place_of_any_kind_has_two_first_owners_at_one_instant(rich: str, place: owners.Place) -> None:
    with act(rich) as tx:
        edition_id = editions.current(tx, "tiny").id
        ended = "UPDATE duty SET during = tstzrange(lower(during), :at) WHERE edition_id = :edition AND place_kind = :kind AND place_id = :id AND post = 'owner' AND upper_inf(during)"
        tx.execute(sa.text(ended), {"at": NOON, "edition": edition_id, "kind": place[0], "id": place[1]})
        owners.save(tx, "tiny", edition_id, [Duty(place, Owner("one", "One", "given"), "owner", NOON, None)])
    second = Duty(place, Owner("two", "Two", "given"), "owner", NOON + timedelta(days=1), NOON + timedelta(days=2))
    with pytest.raises(IntegrityError, match="duty_one_at_a_time"), act(rich) as tx:
        owners.save(tx, "tiny", edition_id, [second])
    with act(rich) as tx:
        assert owners.all_at(tx, edition_id, NOON + timedelta(days=1))[place].owner == Owner("one", "One", "given")


@pytest.mark.parametrize("kind", list(PlaceKind))
def test_a_duty_is_of_a_place_of_its_edition(rich: str, kind: PlaceKind) -> None:
    with act(rich) as tx:
        edition_id = editions.current(tx, "tiny").id
    with pytest.raises(IntegrityError, match="a duty is of a place of its edition"), act(rich) as tx:
        owners.save(tx, "tiny", edition_id, [Duty((kind, 99_999), Owner("x", "X", "given"), "owner", None, None)])


def test_an_edition_whose_places_have_gone_is_not_adopted(rich: str) -> None:
    with act(rich) as tx:
        drawn = draw_edition(tx, "tiny", now=NOON, progress=silent)
        tx.execute(sa.text("DELETE FROM special_unit WHERE edition_id = :id"), {"id": drawn.edition_id})
    with pytest.raises(IntegrityError, match="a duty is of a place of its edition"), act(rich) as tx:
        editions.adopt(tx, drawn.edition_id, now=NOON)


def test_owners_who_do_not_fit_the_plan_are_refused_with_both_names(rich: str, tmp_path: Path) -> None:
    path = tmp_path / "rich" / "owners.csv"
    header, rows = read_rows(path)
    with act(rich) as tx:
        grid = editions.grid_codes(tx, editions.current(tx, "tiny").id)[0]
        owners.save_source(tx, "tiny", [owners.SourceDuty("no-such-place", Owner("x", "X", "given"), "owner", None, None)])
        with pytest.raises(UnknownDutyArea, match="no-such-place"):
            draw_edition(tx, "tiny", now=NOON, progress=silent)
    with act(rich) as tx:
        both = [owners.SourceDuty(code, Owner(code, code, "given"), "owner", None, None) for code in ("310101001001", grid)]
        owners.save_source(tx, "tiny", both)
        with pytest.raises(TwoOwners, match=rf"310101001001.*{grid}"):
            draw_edition(tx, "tiny", now=NOON, progress=silent)
    assert header
    assert rows


def test_one_question_is_one_read_by_indexes(rich: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No scan of a table that grows with the city or with time, whatever there is of each."""
    asked: list[tuple[str, dict[str, Any]]] = []
    read = db.document
    engine = db.engine(rich, pool_size=1)
    indexes, lon, lat = Indexes(), WEST + 0.3 * STEP_LON, SOUTH + 0.3 * STEP_LAT
    with db.transaction(engine) as tx:
        locating.locate(tx, indexes, lon=lon, lat=lat, datum="wgs84", at=NOON)

        def noting(tx: db.Tx, name: str, parameters: dict[str, Any]) -> Any:
            asked.append((name, parameters))
            return read(tx, name, parameters)

        monkeypatch.setattr(places, "document", noting)
        locating.locate(tx, indexes, lon=lon, lat=lat, datum="wgs84", at=NOON, category="matter:07001")
        [(name, parameters)] = asked
        statement = db._for_psycopg(name).decode()
        tx.execute(sa.text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(row[0] for row in tx.exec_driver_sql(f"EXPLAIN {statement}", parameters))
    engine.dispose()
    assert "Seq Scan" not in plan, plan
    for table, asked_by in {
        "duty": ("edition_id", "place_id"),
        "leave": ("city", "owner"),
        "shift": ("city", "owner"),
        "department_lead": ("city",),
    }.items():
        [condition] = re.findall(rf"on {table}(?!_grid)(?:_\w+)?(?: \w+)?  .*\n\s+Index Cond: (.*)", plan)
        assert all(f"({column} = " in condition for column in asked_by), condition


def test_a_city_that_says_nothing_of_it_is_answered_as_before(database: str, tiny_pack: Path) -> None:
    load(database, tiny_pack)
    with act(database) as tx:
        lon, lat = WEST + 0.4 * STEP_LON, SOUTH + 0.4 * STEP_LAT
        said = locating.locate(tx, Indexes(), lon=lon, lat=lat, datum="wgs84", at=NOON, category="matter:07001").standing
        assert said is not None
        assert (said.overlays, said.department) == ((), None)
        loaded = load_city(tx, tiny_pack, now=NOON, progress=silent)
        assert not loaded.changed
    with pytest.raises(DBAPIError), act(database) as tx:
        tx.execute(
            sa.text(
                "INSERT INTO shift (city, said_by, recorded_at, owner, weekdays, from_time, to_time, time_zone) VALUES ('tiny', 'pack', now(), 'O1', '{8}', '08:00', '09:00', 'UTC')"
            )
        )
