"""Who answers at a point: in any datum, in the adopted edition, without spatial SQL."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gis import db, kept_indexes, locating
from gis.actions.adopt_edition import adopt_edition
from gis.actions.draw_edition import draw_edition
from gis.actions.load_city import load_city
from gis.adoptions import followed
from gis.errors import BeforeFirstEdition, Busy, DatumOutsideItsCountry, NotAnInstant, NotFound, UnknownCategory
from gis.exchange import from_wgs84
from gis.locating import Indexes
from gis.progress import silent
from grids.dispatch import answering, dispatch
from grids.errors import BadCoordinate, UnknownDatum
from grids.owners import Owner
from tests.tiny_city import NOON, act, load
from tests.tiny_pack import SOUTH, STEP_LAT, STEP_LON, WEST, read_rows, write_rows

LON, LAT = WEST + 0.4 * STEP_LON, SOUTH + 0.4 * STEP_LAT


def test_the_whole_answer_is_there(database: str, tiny_pack: Path) -> None:
    load(database, tiny_pack)
    with act(database) as tx:
        answer = locating.locate(tx, Indexes(), lon=LON, lat=LAT, datum="wgs84", at=NOON)
    said = answer.standing
    assert said is not None
    assert answer.how == "inside"
    assert len(answer.cell) == 15
    assert len(said.block) == 15
    assert said.block.startswith(said.ladder[1].code)
    assert [rung.level for rung in said.ladder] == ["duty_grid", "community", "district", "city"]
    assert said.on_duty.owner is not None
    assert said.on_duty.answerable() == said.on_duty.owner
    assert said.segment is not None
    assert answer.side in ("left", "right")


def test_a_point_in_another_datum_is_the_same_place(database: str, tiny_pack: Path) -> None:
    load(database, tiny_pack)
    with act(database) as tx:
        indexes = Indexes()
        plain = locating.locate(tx, indexes, lon=LON, lat=LAT, datum="cgcs2000", at=NOON)
        for datum in ("gcj02", "bd09"):
            (lon,), (lat,) = from_wgs84([LON], [LAT], datum=datum)
            moved = locating.locate(tx, indexes, lon=float(lon), lat=float(lat), datum=datum, at=NOON)
            assert moved.standing == plain.standing
            taken_as_it_is = locating.locate(tx, indexes, lon=float(lon), lat=float(lat), datum="wgs84", at=NOON)
            assert taken_as_it_is.standing != plain.standing


def test_outside_is_an_answer_and_nonsense_is_refused(database: str, tiny_pack: Path) -> None:
    load(database, tiny_pack)
    with act(database) as tx:
        assert locating.locate(tx, Indexes(), lon=0.0, lat=0.0, datum="wgs84", at=NOON).how == "outside"
        with pytest.raises(UnknownDatum):
            locating.locate(tx, Indexes(), lon=LON, lat=LAT, datum="", at=NOON)
        with pytest.raises(DatumOutsideItsCountry):
            locating.locate(tx, Indexes(), lon=24.9, lat=60.1, datum="gcj02", at=NOON)
        for lon, lat in ((float("nan"), LAT), (LON, float("inf")), (LAT, LON)):
            with pytest.raises(BadCoordinate):
                locating.locate(tx, Indexes(), lon=lon, lat=lat, datum="wgs84", at=NOON)


def test_an_adopted_edition_takes_over_at_the_next_question(database: str, tiny_pack: Path) -> None:
    load(database, tiny_pack)
    indexes = Indexes()
    with act(database) as tx:
        assert locating.locate(tx, indexes, lon=LON, lat=LAT, datum="wgs84", at=NOON).standing.edition_number == 1
    load(database, tiny_pack)
    with act(database) as tx:
        assert locating.locate(tx, indexes, lon=LON, lat=LAT, datum="wgs84", at=NOON).standing.edition_number == 2


def test_terms_read_before_an_adoption_are_never_taken_for_outside(database: str, tiny_pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(database, tiny_pack)
    refresh, stale = Indexes.refresh, [3]

    def overtaken(self: Indexes, tx: db.Tx) -> None:
        refresh(self, tx)
        if stale[0] > 0:
            stale[0] -= 1
            self._terms = ()

    monkeypatch.setattr(Indexes, "refresh", overtaken)
    indexes = Indexes(_terms=())
    with act(database) as tx:
        assert locating.locate(tx, indexes, lon=LON, lat=LAT, datum="wgs84", at=NOON).how == "inside"
        stale[0], indexes._terms = 1_000, ()
        with pytest.raises(Busy):
            locating.locate(tx, indexes, lon=LON, lat=LAT, datum="wgs84", at=NOON)


def test_a_thread_that_read_before_an_adoption_does_not_put_its_terms_back(
    database: str, tiny_pack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(database, tiny_pack)
    indexes, read, go_on, read_terms = Indexes(), threading.Event(), threading.Event(), locating._terms

    def slow(tx: db.Tx) -> tuple[locating._Term, ...]:
        terms = read_terms(tx)
        if threading.current_thread() is early:
            read.set()
            go_on.wait(20)
        return terms

    def refresh() -> None:
        with act(database) as tx:
            indexes.refresh(tx)

    monkeypatch.setattr(locating, "_terms", slow)
    early, late = threading.Thread(target=refresh), threading.Thread(target=refresh)
    early.start()
    assert read.wait(20)
    load(database, tiny_pack)
    late.start()
    late.join(1)  # waits for the early one, or has overtaken it
    go_on.set()
    early.join(20)
    late.join(20)
    with act(database) as tx:
        assert indexes.is_fresh(tx)


def test_a_plan_that_another_thread_drops_is_read_again(database: str, tiny_pack: Path) -> None:
    class Dropping(dict[int, locating.Plan]):
        """Plans that are there when they are looked for, and gone when they are taken."""

        def __contains__(self, one: object) -> bool:
            there = super().__contains__(one)
            self.clear()
            return there

    load(database, tiny_pack)
    indexes = Indexes()
    with act(database) as tx:
        assert locating.locate(tx, indexes, lon=LON, lat=LAT, datum="wgs84", at=NOON).how == "inside"
        indexes._held = Dropping(indexes._held)
        assert locating.locate(tx, indexes, lon=LON, lat=LAT, datum="wgs84", at=NOON).how == "inside"


def test_an_index_from_its_file_is_made_ready_too_and_not_kept_again(
    database: str, tiny_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_indexes, "_MANY_BLOCKS", 1)
    load(database, tiny_pack)
    folder = tmp_path / "indexes"
    with act(database) as tx:
        for written in (True, False):
            indexes = Indexes(folder)
            indexes.refresh(tx)
            before = [(path.stat().st_ino, path.stat().st_size) for path in folder.glob("*")]
            indexes.prepare(tx)
            (plan,) = indexes._held.values()
            assert plan.index.is_prepared
            assert "_line_tree" in plan.index.__dict__
            after = [(path.stat().st_ino, path.stat().st_size) for path in folder.glob("*")]
            assert len(after) == 1
            assert (after != before) == written


def test_the_past_is_answered_as_it_was(database: str, tiny_pack: Path) -> None:
    load(database, tiny_pack)
    later = NOON + timedelta(days=30)
    indexes = Indexes()

    def asked(at: datetime) -> locating.Answer:
        with act(database) as tx:
            return locating.locate(tx, indexes, lon=LON, lat=LAT, datum="wgs84", at=at)

    before = asked(NOON + timedelta(hours=1))
    header, rows = read_rows(tiny_pack / "owners.csv")
    name = header.index("name")
    write_rows(tiny_pack / "owners.csv", header, [[*row[:name], f"{row[name]} (new)", *row[name + 1 :]] for row in rows])
    with act(database) as tx:
        load_city(tx, tiny_pack, now=later, progress=silent)
        draw_edition(tx, "tiny", now=later, progress=silent)
        adopt_edition(tx, "tiny", now=later)
    after = asked(later)
    assert before == asked(NOON + timedelta(hours=1)) == asked(later - timedelta(microseconds=1)) != after
    assert after == asked(later + timedelta(days=400))
    assert before.standing is not None
    assert after.standing is not None
    assert (before.standing.edition_number, after.standing.edition_number) == (1, 2)
    assert (before.standing.on_duty.owner, after.standing.on_duty.owner) != (None, None)
    assert f"{before.standing.on_duty.owner.name} (new)" == after.standing.on_duty.owner.name


def test_a_time_without_an_edition_or_an_offset_is_refused(database: str, tiny_pack: Path) -> None:
    load(database, tiny_pack)
    with act(database) as tx:
        with pytest.raises(BeforeFirstEdition, match="2026-06-01"):
            locating.locate(tx, Indexes(), lon=LON, lat=LAT, datum="wgs84", at=NOON - timedelta(seconds=1))
        with pytest.raises(NotAnInstant):
            locating.locate(tx, Indexes(), lon=LON, lat=LAT, datum="wgs84", at=NOON.replace(tzinfo=None))
        with pytest.raises(NotFound):
            locating.locate(tx, Indexes(), lon=LON, lat=LAT, datum="wgs84", at=NOON, city="atlantis")


def test_only_a_few_past_indexes_stay_in_memory(database: str, tiny_pack: Path) -> None:
    indexes = Indexes()
    instants = [NOON + timedelta(days=at) for at in range(6)]
    with act(database) as tx:
        load_city(tx, tiny_pack, now=NOON, progress=silent)
        for at in instants:
            draw_edition(tx, "tiny", now=at, progress=silent)
            adopt_edition(tx, "tiny", now=at)
        for at in instants:
            assert locating.locate(tx, indexes, lon=LON, lat=LAT, datum="wgs84", at=at).how == "inside"
    assert len(indexes._held) <= 4


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that is sent from here on, through SQLAlchemy or past it."""
    sent: list[str] = []
    send = psycopg.Cursor.execute

    def noting(self: Any, query: Any, *more: Any, **options: Any) -> Any:
        sent.append((query if isinstance(query, bytes) else str(query).encode()).decode().lower())
        return send(self, query, *more, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", noting)
    return sent


def test_a_question_with_a_warm_index_runs_no_spatial_sql(database: str, tiny_pack: Path, asked: list[str]) -> None:
    load(database, tiny_pack)
    indexes = Indexes()
    engine = db.engine(database, pool_size=1)
    with db.transaction(engine) as tx:
        locating.locate(tx, indexes, lon=LON, lat=LAT, datum="wgs84", at=NOON)
        asked.clear()
        locating.locate(tx, indexes, lon=LON, lat=LAT, datum="wgs84", at=NOON)
    engine.dispose()
    assert len(asked) == 1
    assert not any(re.search(r"\bst_|geom", statement) for statement in asked)


def test_a_running_service_has_a_new_plan_in_memory_before_anyone_asks(database: str, tiny_pack: Path, asked: list[str]) -> None:
    load(database, tiny_pack)
    engine, indexes = db.engine(database, pool_size=2), Indexes()
    with followed(engine, indexes):
        _wait_for(lambda: len(indexes._held) == 1)
        with act(database) as tx:
            draw_edition(tx, "tiny", now=NOON + timedelta(days=1), progress=silent)
            adopt_edition(tx, "tiny", now=NOON + timedelta(days=1))
        _wait_for(lambda: len(indexes._held) == 2)
        with db.transaction(engine) as tx:
            asked.clear()
            answer = locating.locate(tx, indexes, lon=LON, lat=LAT, datum="wgs84", at=NOON + timedelta(days=2))
    engine.dispose()
    assert answer.standing is not None
    assert answer.standing.edition_number == 2
    assert len(asked) == 1


def _wait_for(happened: Callable[[], bool], *, at_most_s: float = 20.0) -> None:
    until = time.monotonic() + at_most_s
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_category_of_a_higher_level_is_answered_there_and_the_reasons_are_told(database: str, tiny_pack: Path) -> None:
    header, rows = read_rows(tiny_pack / "owners.csv")
    district = {**dict.fromkeys(header, ""), "code": "D-1", "name": "区值班长", "area": "310101", "post": "owner"}
    write_rows(tiny_pack / "owners.csv", header, [*rows, [district[name] for name in header]])
    kinds, listed = read_rows(tiny_pack / "categories.csv")
    if "lowest_level" not in kinds:
        kinds, listed = [*kinds, "lowest_level"], [[*row, ""] for row in listed]
    listed[0][kinds.index("lowest_level")] = "district"
    write_rows(tiny_pack / "categories.csv", kinds, listed)
    key = f"{listed[0][kinds.index('kind')]}:{listed[0][kinds.index('code')]}"
    load(database, tiny_pack)
    with act(database) as tx:
        plain = locating.locate(tx, Indexes(), lon=LON, lat=LAT, datum="wgs84", at=NOON)
        high = locating.locate(tx, Indexes(), lon=LON, lat=LAT, datum="wgs84", at=NOON, category=key)
        with pytest.raises(UnknownCategory, match="tiny"):
            locating.locate(tx, Indexes(), lon=LON, lat=LAT, datum="wgs84", at=NOON, category="matter:99999")
    assert plain.standing is not None
    assert high.standing is not None
    judged = dispatch(plain.standing.chain, plain.standing.category)
    assert [one.verdict for one in judged] == ["answers", "nobody_on_duty", "backstop", "nobody_on_duty"]
    judged = dispatch(high.standing.chain, high.standing.category)
    assert [one.verdict for one in judged] == ["not_competent", "not_competent", "answers", "nobody_on_duty"]
    chosen = answering(judged)
    assert chosen is not None
    assert chosen.by == Owner("D-1", "区值班长", "generated")


def test_the_one_read_is_short_enough_to_be_remembered_by_the_driver() -> None:
    # psycopg takes a statement of more than 4,096 characters apart again each time: a tenth of the time of an answer.
    assert len(db._for_psycopg("place_answer")) <= 4096
