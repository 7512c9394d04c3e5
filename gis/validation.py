"""What pydantic finds wrong, in messages that can be translated: fields of a city pack, settings, parameters of a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_WORDS = {
    "missing": "{field} is missing.",
    "extra_forbidden": "{field} is not a field of a city pack.",
    "literal_error": "{field} must be one of: {expected}.",
    "enum": "{field} must be one of: {expected}.",
    "string_pattern_mismatch": "{field} does not look like {pattern}.",
    "string_type": "{field} must be text in quotes.",
    "list_type": "{field} must be a list.",
    "dict_type": "{field} must be a table of names.",
    "model_type": "{field} must be a table.",
    "int_parsing": "{field} must be a whole number.",
    "int_type": "{field} must be a whole number.",
    "int_from_float": "{field} must be a whole number.",
    "float_parsing": "{field} must be a number.",
    "float_type": "{field} must be a number.",
    "finite_number": "{field} must be a number.",
    "bool_parsing": "{field} must be true or false.",
    "bool_type": "{field} must be true or false.",
    "too_short": "{field} needs at least {min_length}, it has {actual_length}.",
    "too_long": "{field} may have at most {max_length}, it has {actual_length}.",
    "greater_than": "{field} must be more than {gt}.",
    "greater_than_equal": "{field} must be at least {ge}.",
    "less_than": "{field} must be less than {lt}.",
    "less_than_equal": "{field} must be at most {le}.",
}


def template_of(fault: Mapping[str, Any], *, field: str) -> tuple[str, dict[str, Any]]:
    """The message for one of pydantic's faults and what to fill it with; pydantic's own words only where there are none here."""
    context = fault.get("ctx", {})
    details = {key: value for key, value in context.items() if isinstance(value, str | int | float)}
    reason = fault["msg"].removeprefix("Value error, ")
    return _WORDS.get(fault["type"], "{field}: {reason}."), {"field": field, **details, "reason": reason}


def text_of(fault: Mapping[str, Any], translate: Callable[[str], str], *, field: str) -> str:
    """One of pydantic's faults as a sentence in the language of ``translate``."""
    template, details = template_of(fault, field=field)
    return translate(template).format(**{**details, "reason": translate(details["reason"])})
