"""Structured logs on stderr: for people, or one JSON object a line. No secret gets into them: what is called one, or looks like one
within a text, is masked before a line is written, whoever logs it."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any

import structlog

from gis.settings import Settings

MASK = "***"
_SECRET_NAMES = re.compile(
    r"authorization|cookie|passw|token|secret|credential|api_?key|sealing_keys|private_?key|digest|database_url|dsn", re.IGNORECASE
)
# Within texts: user and password of a URL or of libpq's own form, a header, a parameter of an address, an API key by its beginning.
_SECRETS_IN_TEXT = (
    (re.compile(r"(?<=://)[^/@\s:]*:[^/@\s]*(?=@)"), MASK),
    (re.compile(r"\b((?:proxy-)?authorization|set-cookie|cookie)(['\"]?\s*[:=]\s*)[^\r\n]+", re.IGNORECASE), rf"\1\2{MASK}"),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{4,}", re.IGNORECASE), rf"\1 {MASK}"),
    (
        re.compile(
            r"([\w-]*(?:passw(?:or)?d|token|secret|api_?key|sealing_keys|wangge_login)[\w-]*['\"]?\s*[=:]\s*)('[^']*'|\"[^\"]*\"|[^\s&;,'\")]+)",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"([?&](?:code|state|nonce)=)[^\s&\"']+"), rf"\1{MASK}"),
    (re.compile(r"\bwgk_[\w-]+"), MASK),
)


def configure_logs(settings: Settings) -> None:
    """Send our own log and that of the libraries through one chain, in the form and from the level that the settings name."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        without_secrets,
    ]
    render: structlog.types.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render]
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter], logger_factory=structlog.stdlib.LoggerFactory()
    )


def without_secrets(logger: Any, method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """The processor of the chain that masks secrets: the value of every field with such a name, at any depth, and what within any
    text looks like one. The level, the time and the record that structlog keeps for itself stay as they are."""
    del logger, method
    return {name: value if name.startswith("_") else _masked(name, value) for name, value in event.items()}


def _masked(name: str, value: Any) -> Any:
    if value is not None and _SECRET_NAMES.search(name):
        return MASK
    if isinstance(value, bytes | bytearray):
        value = bytes(value).decode("utf-8", "replace")
    if isinstance(value, str):
        for pattern, instead in _SECRETS_IN_TEXT:
            value = pattern.sub(instead, value)
        return value
    if isinstance(value, Mapping):
        return {key: _masked(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked("", inner) for inner in value]
    return value if isinstance(value, int | float | None) else _masked("", str(value))
