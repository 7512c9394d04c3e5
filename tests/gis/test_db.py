"""The way to PostgreSQL: what becomes of connections when the server goes away under them, and of a connection that only reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from gis import db
from gis.errors import NoDatabase

Opening = Callable[[sa.Engine], Any]
ONE = sa.text("SELECT 1")


@pytest.fixture
def engine(database: str) -> Iterator[sa.Engine]:
    made = db.engine(database, pool_size=4)
    with ExitStack() as held:
        for _ in range(4):
            held.enter_context(db.reading(made)).execute(ONE)
    yield made
    made.dispose()


def end_all(database: str) -> None:
    """End every session but this one, as a restart of the server does."""
    with psycopg.connect(db.libpq_url(database), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def rest(engine: sa.Engine, *, many: int) -> None:
    """Let the next so many connections of the pool have rested for a minute."""
    for record in list(engine.pool._pool.queue)[:many]:  # type: ignore[attr-defined]
        record.info["rests_since_s"] -= 60.0


@pytest.mark.parametrize("opening", [db.transaction, db.reading])
@pytest.mark.parametrize("rested", [4, 1])
def test_after_a_rest_a_restart_of_the_server_is_not_noticed(engine: sa.Engine, database: str, opening: Opening, rested: int) -> None:
    end_all(database)
    rest(engine, many=rested)
    for _ in range(6):
        with opening(engine) as tx:
            assert tx.execute(ONE).scalar_one() == 1


def asked(tx: db.Tx) -> Any:
    return tx.execute(ONE).scalar_one()


def asked_past_sqlalchemy(tx: db.Tx) -> Any:
    return db.document(tx, "place_answer", NOWHERE)


NOWHERE = {
    "edition": 0,
    "block_id": 0,
    "segment_id": None,
    "side": None,
    "units": [],
    "at": datetime(2026, 1, 1, tzinfo=UTC),
    "category": None,
}


@pytest.mark.parametrize("opening", [db.transaction, db.reading])
@pytest.mark.parametrize("ask", [asked, asked_past_sqlalchemy])
def test_without_a_rest_one_question_is_refused_as_no_database_and_the_next_answered(
    engine: sa.Engine, database: str, opening: Opening, ask: Callable[[db.Tx], Any]
) -> None:
    end_all(database)
    with pytest.raises(NoDatabase), opening(engine) as tx:
        ask(tx)
    for _ in range(6):
        with opening(engine) as tx:
            ask(tx)


def test_a_fault_of_a_statement_stays_what_it_is(engine: sa.Engine) -> None:
    for opening in (db.transaction, db.reading):
        with pytest.raises(sa.exc.DataError), opening(engine) as tx:
            tx.execute(sa.text("SELECT 1 / 0"))
        with opening(engine) as tx:
            assert asked(tx) == 1


def test_a_connection_that_only_read_begins_transactions_again(engine: sa.Engine) -> None:
    with db.reading(engine) as tx:
        assert db.psycopg_connection(tx).autocommit
    for _ in range(4):
        with pytest.raises(sa.exc.DataError), db.transaction(engine) as tx:  # noqa: PT012 - the first of two must be undone
            tx.execute(sa.text("CREATE TABLE never (x int)"))
            tx.execute(sa.text("SELECT 1 / 0"))
    with db.transaction(engine) as tx:
        assert tx.execute(sa.text("SELECT to_regclass('never')")).scalar_one() is None
