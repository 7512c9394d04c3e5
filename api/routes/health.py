"""What an operator's tools ask: does the process live, can it serve, which release is it."""

from __future__ import annotations

from importlib.metadata import version

import structlog
from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.deps import Held
from gis.schema import postgis_version, require_schema
from grids.errors import Refusal

router = APIRouter(tags=["operation"])


@router.get("/healthz", operation_id="healthz")
def healthz() -> dict[str, str]:
    """The process answers; says nothing of the database."""
    return {"status": "ok"}


@router.get("/readyz", operation_id="readyz", responses={503: {"description": "A check failed."}})
def readyz(held: Held) -> JSONResponse:
    """The database answers, PostGIS is there, and the schema is what this release needs; 503 otherwise."""
    try:
        with held.transaction() as tx:
            require_schema(tx)
            postgis = postgis_version(tx)
    except Refusal as refusal:
        structlog.get_logger().warning("not ready", reason=str(refusal))
        return JSONResponse({"status": "not ready", "reason": refusal.slug()}, status_code=503)
    return JSONResponse({"status": "ready", "postgis": postgis})


@router.get("/version", operation_id="version")
def release() -> dict[str, str]:
    """The release that answers."""
    return {"name": "wangge", "version": version("wangge")}
