"""Hearing of adoptions: a running service reads and prepares the index of a new plan before anyone asks, instead of while someone waits."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy as sa
import structlog

from gis import db
from gis.errors import NoDatabase
from gis.locating import Indexes
from gis.store.editions import ADOPTIONS

_LOOKS_UP_EVERY_S = 1.0
_RECONNECTS_AFTER_S = 5.0

_log = structlog.get_logger(__name__)


@contextmanager
def followed(engine: db.Engine, indexes: Indexes) -> Iterator[None]:
    """Keep ``indexes`` up to date with every adoption while the block runs, from a thread of its own.

    Answers never depend on it: without the database's notice they find out by themselves that a plan is new.
    """
    over = threading.Event()
    follower = threading.Thread(target=_follow, args=(engine, indexes, over), name="adoptions", daemon=True)
    follower.start()
    try:
        yield
    finally:
        over.set()
        follower.join(timeout=2 * _LOOKS_UP_EVERY_S)


def _follow(engine: db.Engine, indexes: Indexes, over: threading.Event) -> None:
    while not over.is_set():
        try:
            _listen(engine, indexes, over)
        except (psycopg.Error, sa.exc.DBAPIError, NoDatabase) as error:
            _log.warning("adoptions not heard", error=str(error).strip())
            over.wait(_RECONNECTS_AFTER_S)


def _listen(engine: db.Engine, indexes: Indexes, over: threading.Event) -> None:
    address = db.libpq_url(engine.url.render_as_string(hide_password=False))
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"LISTEN {ADOPTIONS}")
        _read(engine, indexes)
        while not over.is_set():
            if any(True for _ in connection.notifies(timeout=_LOOKS_UP_EVERY_S, stop_after=1)):
                _read(engine, indexes)


def _read(engine: db.Engine, indexes: Indexes) -> None:
    with db.transaction(engine) as tx:
        indexes.refresh(tx)
        indexes.prepare(tx)
    # What is held now stays: a collection that looked through all of it would hold up every question for some twenty milliseconds.
    gc.collect()
    gc.freeze()
