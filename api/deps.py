"""What a route is handed: what the app holds, the instant of the request, its own address.

Everything here is found without waiting, and so is a coroutine: what is no coroutine FastAPI runs in a thread, which takes longer
than the thing itself.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from anyio import CapacityLimiter
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
    batches: CapacityLimiter
    """How many bodies of many points are answered at once: each works on all cores, and single questions go on."""

    def transaction(self) -> AbstractContextManager[db.Tx]:
        """A transaction for one request, opened by the route itself: it runs in a thread, and may wait."""
        return db.transaction(self.engine)


async def running(request: Request) -> Running:
    """What the app of this request holds."""
    held: Running = request.app.state.running
    return held


async def now() -> datetime:
    """The instant of the request."""
    return datetime.now(UTC)


async def base_url(request: Request) -> str:
    """Scheme and host under which the caller sees this service, without a final slash."""
    return str(request.base_url).rstrip("/")


Held = Annotated[Running, Depends(running)]
Now = Annotated[datetime, Depends(now)]
BaseUrl = Annotated[str, Depends(base_url)]
