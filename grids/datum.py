"""The datums in which a longitude and latitude may be given. `gis/exchange.py` converts between them."""

from __future__ import annotations

from typing import Literal, get_args

Datum = Literal["wgs84", "cgcs2000", "gcj02", "bd09"]
"""CGCS2000 is treated as equal to WGS 84 (sub-metre). GCJ-02 and BD-09 are shifted on purpose and never stored."""

DATUMS: tuple[Datum, ...] = get_args(Datum)
