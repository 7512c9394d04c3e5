"""The database as the commands reach it: one engine for a command, the schema checked first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gis import db
from gis.account_errors import NobodyNamed
from gis.errors import NotAnInstant
from gis.progress import Progress
from gis.schema import require_schema
from gis.settings import Settings
from gis.store.cities import the_city

__all__ = ["engine", "instant", "kept_parts", "now", "somebody", "the_city"]

if TYPE_CHECKING:  # slow to import, and only who draws needs it
    from gis.drawing import Kept


@contextmanager
def engine(settings: Settings, *, migrate: bool = False) -> Iterator[db.Engine]:
    """An engine on the settings' database, for one command; ``migrate`` brings the schema up first, else it is checked."""
    url = db.database_url(settings)
    if migrate:
        from gis.migrations import run

        run.migrate(url)
    opened = db.engine(url, pool_size=2)
    try:
        with db.transaction(opened) as tx:
            require_schema(tx)
        yield opened
    finally:
        opened.dispose()


def kept_parts(settings: Settings, city: str, progress: Progress) -> Kept:
    """How a command draws the parts of a city: on all cores, into the data folder."""
    from gis.drawing import Kept

    return Kept(settings.data_dir / "parts" / city, settings.processes, progress)


def somebody(settings: Settings, login: str | None) -> str | None:
    """The login that stands for an act. Raises ``NobodyNamed`` in production without one: there two persons make a plan."""
    if login is None and settings.environment == "production":
        raise NobodyNamed
    return login


def now() -> datetime:
    """The instant of the command."""
    return datetime.now(UTC)


def instant(said: str | None) -> datetime:
    """The instant that a text names, now for None. Raises ``NotAnInstant`` for what is none."""
    if said is None:
        return now()
    try:
        return datetime.fromisoformat(said)
    except ValueError:
        raise NotAnInstant(said) from None
