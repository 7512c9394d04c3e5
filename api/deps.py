"""What a route is handed: one transaction, the indexes, the settings, the instant of the request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request

from gis import db
from gis.locating import Indexes
from gis.settings import Settings


@dataclass(frozen=True)
class Running:
    """What a running app holds: its settings, its engine and the indexes of the adopted editions."""

    settings: Settings
    engine: db.Engine
    indexes: Indexes


def running(request: Request) -> Running:
    """What the app of this request holds."""
    held: Running = request.app.state.running
    return held


def read(held: Annotated[Running, Depends(running)]) -> Iterator[db.Tx]:
    """A transaction for one request."""
    with db.transaction(held.engine) as tx:
        yield tx


def now() -> datetime:
    """The instant of the request."""
    return datetime.now(UTC)


def base_url(request: Request) -> str:
    """Scheme and host under which the caller sees this service, without a final slash."""
    return str(request.base_url).rstrip("/")


Held = Annotated[Running, Depends(running)]
Tx = Annotated[db.Tx, Depends(read)]
Now = Annotated[datetime, Depends(now)]
BaseUrl = Annotated[str, Depends(base_url)]
