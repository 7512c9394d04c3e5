"""Jobs: work that a transaction asks for and a worker does later, through procrastinate's tables in the same database.

A job is deferred on the connection of the transaction that causes it, so it exists exactly when that transaction commits.
"""

from __future__ import annotations

from typing import Any

import procrastinate
import sqlalchemy as sa
from procrastinate.exceptions import AlreadyEnqueued

from gis.db import Tx, psycopg_connection

QUEUE = "wangge"
BUILD_BASEMAP = "build_basemap"
DELETE_EXPIRED = "delete_expired"

_DEFERRING = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())
"""Only defers, and only on the connections it is handed: it opens none of its own."""


def defer(tx: Tx, job: str, *, waiting_once_as: str, **arguments: Any) -> None:
    """Ask for ``job`` when ``tx`` commits; nothing is added while one asked for under the same key still waits."""
    task = _DEFERRING.configure_task(
        job, queue=QUEUE, queueing_lock=waiting_once_as, lock=waiting_once_as, connection=psycopg_connection(tx)
    )
    savepoint = tx.begin_nested()
    try:
        task.defer(**arguments)
    except AlreadyEnqueued:
        savepoint.rollback()
    else:
        savepoint.commit()


def withdraw(tx: Tx, *, waiting_once_as: str) -> None:
    """Take back a job that still waits under a key, because its work was done another way."""
    tx.execute(sa.text("DELETE FROM procrastinate_jobs WHERE queueing_lock = :key AND status = 'todo'"), {"key": waiting_once_as})


def basemap_key(city: str) -> str:
    """The key under which at most one build of a city's basemap waits."""
    return f"basemap {city}"
