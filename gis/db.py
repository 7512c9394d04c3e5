"""The way to PostgreSQL: one engine a process, one transaction an act, statements by name, rows by COPY."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.csv
import shapely
import sqlalchemy as sa
from numpy.typing import NDArray
from psycopg import sql as psycopg_sql
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg as PsycopgDialect
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from gis import cluster
from gis.errors import CityBusy, NoDatabase
from gis.settings import Settings

_COPY_ROWS = 20_000
_REST_S = 1.0

Engine = sa.Engine
Tx = sa.Connection
"""An open transaction: the first argument of everything that touches the database. Only a door opens or ends one."""


def database_url(settings: Settings) -> str:
    """The URL of the database: the one in the settings, else that of the private cluster, which is started when it is down."""
    if settings.database_url is None:
        return cluster.ensure(settings.data_dir).url()
    try:
        url = sa.make_url(settings.database_url.get_secret_value())
    except ArgumentError as error:
        raise NoDatabase("WANGGE_DATABASE_URL is no URL of a database, such as postgresql://user:password@host/name") from error
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def libpq_url(url: str) -> str:
    """The same database for libpq, which does not know SQLAlchemy's name of the driver."""
    return sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def engine(url: str, *, pool_size: int = 8, statement_timeout_s: float | None = None, role: str | None = None) -> sa.Engine:
    """An engine on ``url``. With ``statement_timeout_s`` the database itself ends a statement that takes longer.

    ``role`` is the role of the database under which all its statements run, from the first on (`wangge_app`, `wangge_identity`):
    set as a connection begins, it costs no statement, and ``RESET ROLE`` comes back to it.
    """
    options = "-c timezone=UTC -c jit=off"
    if role is not None:
        options += f" -c role={role}"
    if statement_timeout_s is not None:
        options += f" -c statement_timeout={int(statement_timeout_s * 1000)}"
    # What a statement was given may be a person's: it is in no fault that is logged.
    made = sa.create_engine(url, pool_size=pool_size, max_overflow=0, hide_parameters=True, connect_args={"options": options})
    sa.event.listen(made, "checkin", _note_rest)
    sa.event.listen(made, "checkout", _ask_rested)
    return made


def _note_rest(_raw: Any, record: ConnectionPoolEntry) -> None:
    record.info["rests_since_s"] = time.monotonic()


def _ask_rested(raw: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
    """Ask a connection that has rested for a while whether it still is one: the server may have gone. Asked each time, as the
    library's own ``pool_pre_ping`` does, it takes as long as the question after it."""
    rests_since_s = record.info.get("rests_since_s")
    if rests_since_s is None or time.monotonic() - rests_since_s < _REST_S:
        return
    try:
        raw.autocommit = True
        raw.execute("")
        raw.autocommit = False
    except psycopg.OperationalError as error:
        # Where one is gone all are: the pool forgets those that rested too, and makes new ones.
        raise sa.exc.InvalidatePoolError from error


@contextmanager
def transaction(to: sa.Engine) -> Iterator[Tx]:
    """One transaction: committed when the block ends, rolled back when it raises."""
    try:
        connection = to.connect()
    except OperationalError as error:
        raise NoDatabase(str(error.orig).strip()) from error
    with _told_apart(), connection, connection.begin():
        yield connection


@contextmanager
def reading(to: sa.Engine) -> Iterator[Tx]:
    """A connection on which every statement is a transaction of its own, for reading: what READ COMMITTED makes of one anyway,
    without asking the database to begin and to end it."""
    try:
        connection = to.connect()
    except OperationalError as error:
        raise NoDatabase(str(error.orig).strip()) from error
    with _told_apart(), connection:
        yield connection.execution_options(isolation_level="AUTOCOMMIT")


@contextmanager
def _told_apart() -> Iterator[None]:
    """A connection that breaks off under a statement is told as ``NoDatabase``: the server has gone, or was started anew."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        if error.connection_invalidated:
            raise NoDatabase(str(error.orig).strip()) from error
        raise


@cache
def statement(name: str) -> sa.TextClause:
    """The statement of `gis/sql/<name>.sql`; its header says what it is for and what its parameters are.

    Without its comments and indentation: psycopg remembers how it reads a statement only up to 4,096 characters.
    """
    lines = [line.strip() for line in (files("gis.sql") / f"{name}.sql").read_text("utf-8").splitlines()]
    return sa.text("\n".join(line for line in lines if line and not line.startswith("--")))


def document(tx: Tx, name: str, parameters: Mapping[str, Any]) -> Any:
    """The one value that the statement of `gis/sql/<name>.sql` finds, None when it finds no row: for the few statements that are asked a
    thousand times a second. Past SQLAlchemy, which takes longer to send one and to read its answer than the rest of the way does."""
    raw = psycopg_connection(tx)
    try:
        row = raw.execute(_for_psycopg(name), parameters).fetchone()
    except psycopg.OperationalError as error:
        if raw.closed:
            # What SQLAlchemy does for its own statements: this connection is given up, and those that rest with it.
            tx.invalidate(error)
            tx.engine.dispose()
            raise NoDatabase(str(error).strip()) from error
        raise
    return None if row is None else row[0]


@cache
def _for_psycopg(name: str) -> bytes:
    dialect = PsycopgDialect()  # type: ignore[no-untyped-call]
    return str(statement(name).compile(dialect=dialect)).encode("utf-8")


def copy(tx: Tx, table: sa.Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write rows by COPY and return how many. Geometry comes as hexadecimal EWKB (see ``ewkb``), JSON as text."""
    raw = psycopg_connection(tx)
    into = psycopg_sql.SQL("COPY {} ({}) FROM STDIN").format(
        psycopg_sql.Identifier(table.name), psycopg_sql.SQL(", ").join(map(psycopg_sql.Identifier, columns))
    )
    count = 0
    with raw.cursor() as cursor, cursor.copy(into) as out:
        for row in rows:
            out.write_row(row)
            count += 1
    return count


def copy_arrow(tx: Tx, table: str, rows: pa.Table) -> int:
    """Write the rows of an Arrow table by COPY into the columns of the same names and return how many; null is NULL.

    Nothing is done row by row: for hundreds of thousands of rows. Geometry comes as hexadecimal EWKB (see ``gis.store.geometry``).
    """
    into = psycopg_sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        psycopg_sql.Identifier(table), psycopg_sql.SQL(", ").join(map(psycopg_sql.Identifier, rows.column_names))
    )
    # Every value in quotes: an empty text is then no NULL, and no value can be taken for the end of the data.
    form = pyarrow.csv.WriteOptions(include_header=False, quoting_style="all_valid")
    with psycopg_connection(tx).cursor() as cursor, cursor.copy(into) as out:
        for batch in rows.to_batches(max_chunksize=_COPY_ROWS):
            written = io.BytesIO()
            pyarrow.csv.write_csv(batch, written, form)
            out.write(written.getbuffer())
    return int(rows.num_rows)


def ewkb(geometries: NDArray[np.object_]) -> list[str | None]:
    """Geometries in EPSG:4326 as the hexadecimal EWKB that COPY takes; None stays None."""
    written: list[str | None] = shapely.to_wkb(shapely.set_srid(geometries, 4326), hex=True, include_srid=True).tolist()
    return written


def lock(tx: Tx, work: str, city: str) -> None:
    """Hold ``work`` on a city until the transaction ends; refuse (``CityBusy``) when another process holds it. ``work`` is an English message."""
    key = f"wangge {work} of {city}"
    if not tx.execute(sa.text("SELECT pg_try_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key}).scalar_one():
        raise CityBusy(work, city)


def psycopg_connection(tx: Tx) -> psycopg.Connection[Any]:
    """The psycopg connection under a transaction, for what SQLAlchemy has no words for (COPY, jobs)."""
    raw = tx.connection.driver_connection
    if not isinstance(raw, psycopg.Connection):
        raise TypeError("the engine does not speak through psycopg")
    return raw
