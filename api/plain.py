"""Values as plain data, as JSON takes them."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ConfigDict, TypeAdapter

# JSON has no word for what is not a finite number.
_ANYTHING: TypeAdapter[Any] = TypeAdapter(Any, config=ConfigDict(ser_json_inf_nan="strings"))


def plain(value: Any) -> Any:
    """Dictionaries, lists, texts and numbers that say what ``value`` says: times in ISO 8601, paths and NaN as text."""
    return json.loads(_ANYTHING.dump_json(value))
