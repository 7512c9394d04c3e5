"""Refusals and faults as HTTP responses: problem details in the reader's language."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.errors import NotLoggedIn
from api.problems import document_of
from gis.account_errors import LogInRefused
from gis.language import Language, translator
from gis.validation import text_of
from grids.errors import Refusal, sentences


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
    response = problem(document_of(refusal, language_asked(request)) | {"instance": request.url.path})
    if isinstance(refusal, NotLoggedIn | LogInRefused):
        # RFC 9110, section 11.6.1. No form of the browser's own opens for this scheme.
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


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
