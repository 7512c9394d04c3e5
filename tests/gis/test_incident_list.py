"""Incidents listed under the policies: by which index, and that the two laws (the table in Python, its copy in SQL) agree on the edges."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gis import db
from gis.db import statement
from gis.store import incidents, persons
from gis.store.incidents import Wanted
from grids.permissions import LEAST_COUNT, Grant, Person, Place, Role, told_count
from tests.persons import add
from tests.tiny_city import act, load, take_in

GRID = Place("duty_grid", "310101-G-01-X")
TIMES = 600


@pytest.fixture
def many(database: str, tiny_pack: Path, tmp_path: Path) -> str:
    """The tiny city with thirty thousand incidents: its own fifty, again and again a minute later."""
    load(database, tiny_pack)
    take_in(database, tmp_path)
    with act(database) as tx:
        copied = """
            INSERT INTO incident (id, city, history, source_id, category_kind, category_code, reported_at, address, origin, geom,
                edition_id, how, cell, block_id, segment_id, side, offset_m, duty_grid_id, owner)
            SELECT gen_random_uuid(), city, history, source_id || '-' || n, category_kind, category_code, reported_at + n * interval '1 minute',
                address, origin, geom, edition_id, how, cell, block_id, segment_id, side, offset_m, duty_grid_id, owner
            FROM incident, generate_series(1, :times - 1) AS n
        """
        tx.execute(sa.text(copied), {"times": TIMES})
        tx.execute(sa.text("ANALYZE"))
    return database


@pytest.fixture
def app(many: str) -> Iterator[db.Engine]:
    engine = db.engine(many, pool_size=1, role="wangge_app")
    yield engine
    engine.dispose()


def plan(tx: db.Tx, name: str, **asked: Any) -> str:
    parameters = {
        "city": "tiny",
        "kind": None,
        "code": None,
        "since": None,
        "until": None,
        "before_at": None,
        "before_id": None,
        "limit": 101,
    }
    rows = tx.execute(sa.text(f"EXPLAIN (ANALYZE, COSTS off, TIMING off) {statement(name).text}"), parameters | asked).scalars()
    return "\n".join(rows)


def entered(tx: db.Tx, url: str, *grants: Grant) -> Person:
    found = persons.enter_account(tx, add(url, *grants))
    assert found is not None
    return found.person


def test_the_newest_of_a_whole_city_are_read_in_the_order_of_the_index(app: db.Engine, many: str) -> None:
    with db.transaction(app) as tx:
        entered(tx, many, Grant(Role.CHECKER, "tiny"))
        said = plan(tx, "incident_newest")
    assert "Index Scan Backward using incident_city_reported_at_id_index" in said
    assert "Sort" not in said
    assert "Seq Scan on incident" not in said


def test_the_newest_of_some_duty_grids_are_read_by_their_index(app: db.Engine, many: str) -> None:
    with db.transaction(app) as tx:
        person = entered(tx, many, Grant(Role.WORKER, "tiny", GRID))
        grids = tx.execute(sa.text("SELECT my_grids('read_incidents')")).scalars().all()
        said = plan(tx, "incident_newest_in_grids", grids=list(grids))
        found = incidents.newest(tx, person, Wanted("tiny", 500))
    assert "Index Scan Backward using incident_grid_reported_at_id_index" in said or "Index Only Scan Backward using incident_grid" in said
    assert "Seq Scan on incident" not in said
    assert len(found) == 500
    assert {row["duty_grid"] for row in found} == {GRID.code}


def test_whoever_asks_the_table_without_naming_places_pays_one_look_up_a_row(app: db.Engine, many: str) -> None:
    with db.transaction(app) as tx:
        entered(tx, many, Grant(Role.WORKER, "tiny", GRID))
        asked = "EXPLAIN SELECT count(*) FROM incident WHERE reported_at > '2026-10-28'"
        said = "\n".join(tx.execute(sa.text(asked)).scalars())
    assert "(hashed SubPlan" in said
    assert "may_in_category" in said


def test_a_department_reads_what_it_leads_and_the_plan_asks_row_by_row_only_what_it_could_lead(app: db.Engine, many: str) -> None:
    with act(many) as tx:
        lead = "INSERT INTO department_lead (city, said_by, category, area_code, department, names, during, recorded_at) VALUES "
        row = "('tiny', 'command', :category, :area, :department, '{}', tstzrange('2026-01-01', NULL), '2026-01-01')"
        for category, area, department in (
            ("matter:*", None, "all"),
            ("matter:07*", None, "class"),
            ("matter:07001", "310101", "district"),
            ("matter:07001", "310101001001", "community"),
        ):
            tx.execute(sa.text(lead + row), {"category": category, "area": area, "department": department})
    seen = {}
    for department in ("all", "class", "district", "community"):
        with db.transaction(app) as tx:
            entered(tx, many, Grant(Role.DEPARTMENT, "tiny", None, department))
            of = "SELECT DISTINCT category_kind || ':' || category_code, duty_grid.code FROM incident JOIN duty_grid ON duty_grid.edition_id = incident.edition_id AND duty_grid.id = duty_grid_id"
            seen[department] = {tuple(row) for row in tx.execute(sa.text(of))}
    illegal = "matter:07001"
    # 06001 is led by its owner, so no department leads it whatever class it is in.
    assert seen["all"] == set()
    assert seen["class"] == {(illegal, "310104-G-01-M"), (illegal, "310104-G-02-K")}
    assert seen["district"] == {(illegal, "310101-G-02-V")}
    assert seen["community"] == {(illegal, "310101-G-01-X")}


def test_numbers_are_told_in_the_same_steps_by_both_laws(database: str) -> None:
    with act(database) as tx:
        for counted in (0, 1, LEAST_COUNT - 1, LEAST_COUNT, LEAST_COUNT + 1, 49, 50, 1_000_003):
            for exact in (True, False):
                said = tx.execute(sa.text("SELECT told_count(:counted, :exact)"), {"counted": counted, "exact": exact}).scalar_one()
                assert said == told_count(counted, exact=exact)


def test_a_grant_that_ended_or_an_account_that_ended_opens_nothing(app: db.Engine, many: str) -> None:
    account = add(many, Grant(Role.CHECKER, "tiny"))
    count = sa.text("SELECT count(*) FROM incident")
    with db.transaction(app) as tx:
        persons.enter_account(tx, account)
        assert tx.execute(count).scalar_one() == 50 * TIMES
    with act(many) as tx:
        tx.execute(sa.text("UPDATE role_grant SET during = tstzrange(lower(during), now()) WHERE account_id = :id"), {"id": account})
    with db.transaction(app) as tx:
        found = persons.enter_account(tx, account)
        assert found is not None
        assert found.person.grants == ()
        assert tx.execute(count).scalar_one() == 0
    with act(many) as tx:
        tx.execute(sa.text("UPDATE account SET ended_at = now() WHERE id = :id"), {"id": account})
    with db.transaction(app) as tx:
        assert persons.enter_account(tx, account) is None
        assert tx.execute(count).scalar_one() == 0
