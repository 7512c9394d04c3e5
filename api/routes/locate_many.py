"""Who answers at many points: a body of points in, the same points with their answers out.

The body is written to disk as it comes, and the answer too before its first byte is sent: memory stays bounded whatever the size, and
a fault in the last row is still a refusal with its row, not half an answer.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect

from api.deps import Caller, Calling, Held, Now
from api.errors import BodyTooLarge, TooManyRequests, UnknownMediaType
from api.routes.locate import Asked, Question
from gis.assigning import assigner
from gis.assigning_files import assign_file
from gis.point_files import Declared
from gis.progress import silent
from gis.store.cities import the_city
from grids.permissions import Act

router = APIRouter(prefix="/api/v1", tags=["locate"])

ENDINGS = {
    "application/json": ".json",
    "application/geo+json": ".geojson",
    "application/vnd.apache.arrow.stream": ".arrow",
    "text/csv": ".csv",
}
"""What a body of points may be, and the ending that its file gets."""

_AT_ONCE = 1 << 20
_LONGEST_UPLOAD_S = 600.0
"""So long a body may take to come: then its place is given to another."""
_COME_BACK_S = 5

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["points"],
                    "properties": {
                        "points": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "properties": {"id": {"type": "string"}, "lon": {"type": "number"}, "lat": {"type": "number"}},
                            },
                        }
                    },
                },
                "example": {"points": [{"id": "a", "lon": 24.9414, "lat": 60.1695}]},
            },
            **{kind: {"schema": {"type": "string", "format": "binary"}} for kind in ENDINGS if kind != "application/json"},
        },
    }
}


@router.post(
    "/locate",
    operation_id="locate_many",
    openapi_extra=_BODY,
    response_class=StreamingResponse,
    responses={200: {"description": "The points with their answers, in the kind of the body.", "content": {kind: {} for kind in ENDINGS}}},
)
async def locate_many(request: Request, held: Held, caller: Calling, now: Now, asked: Asked) -> StreamingResponse:
    """The answers for many points: cell, street unit, segment, side, distance, duty grid, owner, level, and how each was found.

    JSON ({"points": [{"id", "lon", "lat"}]}), GeoJSON, an Arrow stream or CSV with columns lon and lat; the answer is of the same kind, row
    for row. ``city`` is needed only when several are loaded.
    """
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if said not in ENDINGS:
        raise UnknownMediaType(said, ", ".join(ENDINGS))
    if caller.credential is not None:
        # Before the body: what is not good is refused without reading it.
        await to_thread.run_sync(_admit, caller)
    uploads = held.uploads_of_nobody if caller.credential is None else held.uploads
    try:
        uploads.acquire_on_behalf_of_nowait(request)
    except anyio.WouldBlock:
        raise TooManyRequests(_COME_BACK_S) from None
    try:
        return await _taken_in(request, caller, said, asked, asked.at or now)
    finally:
        uploads.release_on_behalf_of(request)


async def _taken_in(request: Request, caller: Caller, said: str, asked: Question, at: datetime) -> StreamingResponse:
    """The answers to a body of a known kind, which comes within its time or is given up."""
    held = caller.held
    folder = await to_thread.run_sync(_folder, held.settings.data_dir)
    try:
        body, out = (Path(folder.name) / f"{name}{ENDINGS[said]}" for name in ("points", "answers"))
        with anyio.fail_after(_LONGEST_UPLOAD_S):
            await _write(request, body, held.settings.body_limit_mb)
        await to_thread.run_sync(_answer, caller, body, out, asked, at, limiter=held.batches)
    except (ClientDisconnect, TimeoutError) as error:
        folder.cleanup()
        return StreamingResponse(iter(()), status_code=408 if isinstance(error, TimeoutError) else 400)
    except BaseException:
        folder.cleanup()
        raise
    return StreamingResponse(_read(out), media_type=said, background=BackgroundTask(folder.cleanup))


def _folder(data_dir: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder of one request's own, closed to everyone else."""
    parent = data_dir / "requests"
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(prefix="points-", dir=parent)


async def _write(request: Request, path: Path, limit_mb: int) -> None:
    size = 0
    async with await anyio.open_file(path, "wb") as file:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit_mb * 1_000_000:
                raise BodyTooLarge(limit_mb)
            await file.write(chunk)


def _admit(caller: Caller) -> None:
    with caller.enter(Act.READ_PLAN):
        pass


def _answer(caller: Caller, body: Path, out: Path, asked: Question, at: datetime) -> None:
    held = caller.held
    with caller.enter(Act.READ_PLAN, counted=False) as (tx, _person):
        plan = assigner(tx, held.indexes, city=the_city(tx, asked.city), at=at, category=asked.category)
    assign_file(body, out, plan, Declared(asked.datum), threads=held.settings.processes, progress=silent)


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_AT_ONCE):
            yield chunk
