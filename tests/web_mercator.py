"""Tile numbers of places, by the textbook formula: independent of the code under test."""

from __future__ import annotations

import math


def tile_of(lon: float, lat: float, z: int) -> tuple[int, int]:
    """The x and y of the WebMercatorQuad tile that holds a place at zoom ``z``."""
    n = 1 << z
    return int((lon + 180) / 360 * n), int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n)
