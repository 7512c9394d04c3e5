"""The one table from refusals to what a caller sees: HTTP status and exit code, as RFC 9457 problem details.

The command line prints the same text and, with --json, the same document. docs/problems.md describes each kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.errors import NotLoopback, PageNotBuilt, PortTaken
from basemaps.build import BasemapNotBuilt, UnknownLayer
from gis.errors import BadPack, Busy, Conflict, DatumOutsideItsCountry, NoDatabase, NotFound, SchemaBehind
from gis.language import Language, translator
from gis.validation import text_of
from grids.errors import BadCoordinate, NotAPartition, OutsideItsArea, Refusal, UnknownDatum, sentences

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_NOT_FOUND, EXIT_CONFLICT, EXIT_INVALID, EXIT_FINDINGS, EXIT_INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 130


@dataclass(frozen=True)
class Kind:
    """How one kind of refusal is told: HTTP status, exit code and title."""

    status: int
    exit_code: int
    title: str


KINDS: dict[type[Refusal], Kind] = {
    NotFound: Kind(404, EXIT_NOT_FOUND, "Not found"),
    Conflict: Kind(409, EXIT_CONFLICT, "Conflict"),
    Busy: Kind(409, EXIT_CONFLICT, "Busy"),
    BadPack: Kind(422, EXIT_INVALID, "City pack with faults"),
    UnknownDatum: Kind(422, EXIT_INVALID, "Datum not declared"),
    DatumOutsideItsCountry: Kind(422, EXIT_INVALID, "Datum not in use here"),
    BadCoordinate: Kind(422, EXIT_INVALID, "Not a coordinate"),
    OutsideItsArea: Kind(422, EXIT_INVALID, "Metric CRS does not cover the city"),
    NotAPartition: Kind(422, EXIT_INVALID, "City cannot be divided"),
    UnknownLayer: Kind(422, EXIT_INVALID, "Unknown basemap layer"),
    BasemapNotBuilt: Kind(500, EXIT_FAILED, "Basemap not built"),
    NoDatabase: Kind(503, EXIT_FAILED, "No database"),
    SchemaBehind: Kind(503, EXIT_FAILED, "Schema behind"),
    PageNotBuilt: Kind(503, EXIT_FAILED, "Page not built"),
    NotLoopback: Kind(403, EXIT_USAGE, "Address refused"),
    PortTaken: Kind(409, EXIT_CONFLICT, "Port in use"),
}


def kind_of(refusal: Refusal) -> Kind:
    """The kind of a refusal: its class's own, or that of the nearest class above it."""
    return next((KINDS[one] for one in type(refusal).__mro__ if one in KINDS), Kind(400, EXIT_FAILED, "Refused"))


def document_of(refusal: Refusal, language: Language) -> dict[str, Any]:
    """The problem details of a refusal, its fields as extension members, in one language."""
    say = translator(language)
    kind = kind_of(refusal)
    members = {name: value for name, value in refusal.details().items() if name != "findings"}
    if isinstance(refusal, BadPack):
        members["findings"] = [finding_document(finding, language) for finding in refusal.findings]
    document: dict[str, Any] = jsonable_encoder(members)
    return document | {
        "type": f"/problems/{refusal.slug()}",
        "title": say(kind.title),
        "status": kind.status,
        "exit_code": kind.exit_code,
        "detail": refusal.text(say),
    }


def finding_document(finding: Any, language: Language) -> dict[str, Any]:
    """One finding of a pack check as plain data."""
    return {
        "slug": finding.slug,
        "severity": finding.severity,
        "file": finding.file,
        "row": finding.row,
        "text": finding.text(translator(language)),
        "details": jsonable_encoder(finding.details),
    }


def language_asked(request: Request) -> Language:
    """The language of a request: ``?lang=``, else the first of Accept-Language that is ours, else English."""
    asked = request.query_params.get("lang") or request.headers.get("accept-language", "")
    for choice in asked.lower().split(","):
        if choice.strip().startswith("zh"):
            return "zh"
        if choice.strip().startswith("en"):
            return "en"
    return "en"


def problem(document: dict[str, Any]) -> JSONResponse:
    """The response that carries a problem document."""
    return JSONResponse(document, status_code=document["status"], media_type="application/problem+json")


def refusal_response(request: Request, refusal: Exception) -> JSONResponse:
    """The response to a request that was refused."""
    if not isinstance(refusal, Refusal):
        raise TypeError from refusal
    return problem(document_of(refusal, language_asked(request)) | {"instance": request.url.path})


def validation_response(request: Request, error: Exception) -> JSONResponse:
    """The response to a request whose parameters are not of the right form."""
    say = translator(language_asked(request))
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    pointers = ["/".join(str(step) for step in fault["loc"]) for fault in faults]
    errors = [{"pointer": pointer, "reason": text_of(fault, say, field=pointer)} for pointer, fault in zip(pointers, faults, strict=True)]
    detail = sentences(say("A parameter is missing or not of the right form."), *(fault["reason"] for fault in errors))
    title = say("Invalid request")
    return problem(
        {
            "type": "/problems/invalid-request",
            "title": title,
            "status": 422,
            "detail": detail,
            "errors": errors,
            "instance": request.url.path,
        }
    )


def http_response(request: Request, error: Exception) -> JSONResponse:
    """The response to a path or method that there is not."""
    say = translator(language_asked(request))
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    detail = str(error.detail) if isinstance(error, HTTPException) else ""
    told = {404: say("There is nothing at this address."), 405: say("This address does not take this method.")}.get(status, detail)
    document = {"type": "about:blank", "title": told, "status": status, "detail": told, "instance": request.url.path}
    response = problem(document)
    response.headers.update(headers)
    return response


def unexpected_response(request: Request, error: Exception) -> JSONResponse:
    """The response to what nobody foresaw: no internals, the log has them."""
    del error
    say = translator(language_asked(request))
    detail = say("Something went wrong that should not have. The server's log says what.")
    return problem(
        {"type": "/problems/unexpected", "title": say("Unexpected error"), "status": 500, "detail": detail, "instance": request.url.path}
    )
