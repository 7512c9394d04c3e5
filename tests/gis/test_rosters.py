"""Shifts, leave, departments and rules of categories: recorded and withdrawn, and what was answered before stays answered so."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from gis import locating
from gis.actions.load_city import load_city
from gis.locating import Indexes
from gis.progress import silent
from gis.store import editions, owners, rosters
from grids.dispatch import Judged, answering, dispatch
from grids.owners import Absence, Away, PlaceKind
from tests.rich_pack import A, write_rich_pack
from tests.tiny_city import NOON, act, load
from tests.tiny_pack import SOUTH, STEP_LAT, STEP_LON, WEST, read_rows, replace, write_rows

ZONE = ZoneInfo("Asia/Shanghai")
PLACES = {"school": (0.3, 0.3), "park": (0.7, 0.7), "market": (1.9, 0.6), "west": (1.2, 1.2), "north": (1.0, 3.2)}


@pytest.fixture
def rich(database: str, tmp_path: Path) -> str:
    """The rich tiny city, loaded, divided and adopted at noon of Monday, 1 June 2026."""
    load(database, write_rich_pack(tmp_path / "rich"))
    return database


def asked(url: str, place: str, at: datetime, category: str | None = None) -> locating.Answer:
    east, north = PLACES[place]
    with act(url) as tx:
        return locating.locate(
            tx, Indexes(), lon=WEST + east * STEP_LON, lat=SOUTH + north * STEP_LAT, datum="wgs84", at=at, category=category
        )


def chosen(answer: locating.Answer) -> Judged:
    assert answer.standing is not None
    found = answering(dispatch(answer.standing.chain, answer.standing.category))
    assert found is not None
    return found


def by(url: str, place: str, at: datetime, category: str | None = None) -> str:
    found = chosen(asked(url, place, at, category))
    assert found.by is not None
    return found.by.code


def june(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 6, day, hour, minute, tzinfo=ZONE)


def test_the_owner_answers_in_the_shift_then_the_deputy_then_the_next_place(rich: str) -> None:
    assert by(rich, "school", june(1, 15, 59)) == "S1"
    assert by(rich, "school", june(1, 16)) == "S2"
    assert by(rich, "school", june(1, 18)) == "K1"  # the park, around the school
    assert by(rich, "school", june(6, 15)) == "K1"  # a Saturday
    assert by(rich, "school", june(12, 21)) == "O1"  # the keeper is on leave: the duty grid
    assert by(rich, "school", june(12, 23)) == "D1"  # and at night its deputy


def test_the_next_level_answers_when_nobody_of_the_grid_is_on_duty(rich: str) -> None:
    with act(rich) as tx:
        leave = rosters.Leave("D1", june(2, 0), june(3, 0))
        rosters.add_leave(tx, "tiny", leave, time_zone="Asia/Shanghai", said_by="command", now=NOON)
    answer = asked(rich, "west", june(2, 23))
    found = chosen(answer)
    assert (found.rung.level, found.by and found.by.code) == ("district", "W1")
    assert answer.standing is not None
    gone = dict(answer.standing.on_duty.absent())
    assert {owner.code: away for owner, away in gone.items()} == {
        "O1": Away(Absence.OUTSIDE_SHIFT),
        "D1": Away(Absence.ON_LEAVE, june(3, 0)),
    }
    assert by(rich, "west", june(3, 0)) == "D1"


def test_what_is_recorded_later_changes_no_earlier_answer(rich: str, tmp_path: Path) -> None:
    """Whatever is recorded about the past afterwards: a leave, other shifts, another department, another rule of a category."""
    later = NOON + timedelta(days=40)
    instants = [NOON, june(1, 23), june(11, 9), june(12, 23), later - timedelta(microseconds=1)]
    questions = [(place, at, category) for place in PLACES for at in instants for category in (None, "matter:07001", "component:02001")]
    before = [asked(rich, *question) for question in questions]
    with act(rich) as tx:
        for owner in ("O1", "D1", "S1", "K1", "W1"):
            leave = rosters.Leave(owner, None, june(30, 0))
            rosters.add_leave(tx, "tiny", leave, time_zone="Asia/Shanghai", said_by="command", now=later)
    folder = tmp_path / "rich"
    for name, column in (("shifts.csv", "from"), ("leaves.csv", "from"), ("departments.csv", "name_en")):
        header, rows = read_rows(folder / name)
        changed = {"from": {"shifts.csv": "07:30", "leaves.csv": "2026-05-01"}.get(name), "name_en": "Renamed"}[column]
        write_rows(
            folder / name,
            header,
            [[changed if field == column else value for field, value in zip(header, row, strict=True)] for row in rows],
        )
    header, rows = read_rows(folder / "categories.csv")
    write_rows(
        folder / "categories.csv",
        header,
        [["district" if field == "lowest_level" else value for field, value in zip(header, row, strict=True)] for row in rows],
    )
    replace(folder / "city.toml", 'time_zone = "Asia/Shanghai"', 'time_zone = "Asia/Tokyo"')
    with act(rich) as tx:
        assert load_city(tx, folder, now=later, progress=silent).changed
    assert [asked(rich, *question) for question in questions] == before
    assert asked(rich, "north", june(11, 9)) == before[questions.index(("north", june(11, 9), None))]
    after = asked(rich, "west", later, "matter:07001")
    assert after.standing is not None
    assert after.standing.category is not None
    assert after.standing.category.lowest_level == "district"
    assert after.standing.department is not None
    assert after.standing.department.names["en"] == "Renamed"


def test_loading_again_records_only_what_is_new_and_withdraws_only_what_is_gone(rich: str, tmp_path: Path) -> None:
    folder, later = tmp_path / "rich", NOON + timedelta(days=1)
    header, rows = read_rows(folder / "shifts.csv")
    write_rows(folder / "shifts.csv", header, [*rows[1:], ["K1", "sat sun", "10:00", "24:00"]])
    with act(rich) as tx:
        leave = rosters.Leave("W1", NOON, None)
        rosters.add_leave(tx, "tiny", leave, time_zone="Asia/Shanghai", said_by="command", now=NOON)
        load_city(tx, folder, now=later, progress=silent)
        found = tx.execute(sa.text("SELECT owner, recorded_at, withdrawn_at FROM shift ORDER BY owner")).all()
        assert [tuple(row) for row in found] == [
            ("D1", NOON, None),
            ("K1", later, None),
            ("O1", NOON, None),
            ("S1", NOON, later),
            ("S2", NOON, None),
        ]
        kept = "SELECT owner FROM leave WHERE withdrawn_at IS NULL ORDER BY owner"
        assert tx.execute(sa.text(kept)).scalars().all() == ["K1", "O2", "W1"]
        assert tx.execute(sa.text("SELECT count(*), count(withdrawn_at) FROM category_rule")).one() == (4, 0)


def test_a_withdrawn_leave_counted_until_it_was_withdrawn(rich: str) -> None:
    with act(rich) as tx:
        leave = rosters.Leave("W1", june(1, 0), None)
        number = rosters.add_leave(tx, "tiny", leave, time_zone="Asia/Shanghai", said_by="command", now=NOON)
        assert not rosters.withdraw_leave(tx, "tiny", "O1", number, now=june(5, 0))
        assert rosters.withdraw_leave(tx, "tiny", "W1", number, now=june(5, 0))
        assert not rosters.withdraw_leave(tx, "tiny", "W1", number, now=june(6, 0))
    for at, away in ((june(4, 23), True), (june(5, 0), False)):
        answer = asked(rich, "west", at)
        assert answer.standing is not None
        [district] = [rung for rung in answer.standing.ladder if rung.level == "district"]
        assert bool(district.on_duty.owner_away) == away


@pytest.mark.parametrize(
    "rewritten",
    [
        "DELETE FROM leave",
        "UPDATE leave SET during = tstzrange(NULL, NULL)",
        "UPDATE leave SET recorded_at = recorded_at - interval '1 day', withdrawn_at = recorded_at",
        "UPDATE shift SET owner = 'O2'",
        "UPDATE department_lead SET names = '{}'",
        "UPDATE category_rule SET lowest_level = 'city'",
        "DELETE FROM category_rule",
        "TRUNCATE shift",
    ],
)
def test_the_database_refuses_to_rewrite_what_was_recorded(rich: str, rewritten: str) -> None:
    with pytest.raises(DBAPIError, match=r"may only be withdrawn|cannot be truncated"), act(rich) as tx:
        tx.execute(sa.text(rewritten))


def test_the_department_that_leads_is_named_and_the_grid_stays_first_on_the_spot(rich: str) -> None:
    def department(place: str, at: datetime, category: str) -> str | None:
        said = asked(rich, place, at, category).standing
        assert said is not None
        return said.department.code if said.department else None

    assert department("west", NOON, "matter:07001") == "west"
    assert department("west", NOON, "component:02001") == "urban"
    assert department("west", june(30, 23), "component:02001") == "urban"
    assert department("west", june(30, 23) + timedelta(hours=1), "component:02001") == "water"
    assert department("west", NOON, "component:01001") is None  # led by the owner, whatever the list of departments says
    assert by(rich, "west", NOON, "component:02001") == "O1"


def test_two_departments_cannot_lead_the_same_at_one_instant(rich: str) -> None:
    doubled = "INSERT INTO department_lead (city, said_by, recorded_at, category, department, during) VALUES ('tiny', 'command', now(), 'component:02*', 'x', tstzrange(NULL, NULL))"
    with pytest.raises(DBAPIError, match="department_lead_one_at_a_time"), act(rich) as tx:
        tx.execute(sa.text(doubled))


def test_who_holds_a_post_is_told_without_regard_to_shifts_too(rich: str) -> None:
    """What the comparison of editions asks: whose ground changes, not who is at work just now."""
    night = june(2, 3)
    with act(rich) as tx:
        edition_id = editions.current(tx, "tiny").id
        held = owners.on_duty_at(tx, edition_id, night)
        known = owners.all_at(tx, edition_id, night)
    [grid] = [number for number, posts in held.items() if posts.owner and posts.owner.code == "O1"]
    assert held[grid].answerable() == held[grid].owner
    assert known[PlaceKind.DUTY_GRID, grid].answerable() == held[grid].deputy


def test_of_several_deputies_the_first_on_duty_answers(database: str, tmp_path: Path) -> None:
    folder = write_rich_pack(tmp_path / "rich")
    header, rows = read_rows(folder / "owners.csv")
    write_rows(folder / "owners.csv", header, [*rows, ["D9", "Second deputy", A, "deputy"]])
    load(database, folder)
    assert by(database, "west", june(2, 23)) == "D1"
    with act(database) as tx:
        leave = rosters.Leave("D1", june(2, 0), june(3, 0))
        rosters.add_leave(tx, "tiny", leave, time_zone="Asia/Shanghai", said_by="command", now=NOON)
    assert by(database, "west", june(2, 23)) == "D9"
    with act(database) as tx:
        held = [(one.owner.code, one.post) for one in owners.roster(tx, "tiny", june(2, 23)) if one.owner.code in ("D1", "D9")]
    assert held == [("D1", "deputy"), ("D9", "deputy")]
