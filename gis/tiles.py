"""Vector tiles of the adopted editions, made whole by the database: no geometry passes through Python."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gis.db import Tx, statement
from gis.errors import NotFound
from gis.layers import Layer


def tile(tx: Tx, layer: Layer, *, z: int, x: int, y: int, at: datetime) -> bytes:
    """One tile of a layer as Mapbox Vector Tile bytes; empty where there is nothing to show.

    ``at`` is the instant whose owners are named. Raises ``NotFound`` for a tile outside the matrix of its zoom.
    """
    if not (0 <= z <= 24 and 0 <= x < 1 << z and 0 <= y < 1 << z):
        raise NotFound("tile", f"{z}/{x}/{y}")
    if z < layer.min_zoom:
        return b""
    encoded = tx.execute(statement(f"tiles/{layer.name.replace('-', '_')}"), {"z": z, "x": x, "y": y, "at": at}).scalar_one_or_none()
    return bytes(encoded) if encoded else b""


def tilejson(layer: Layer, *, base_url: str, bounds: list[float] | None, attribution: str) -> dict[str, Any]:
    """The TileJSON 3 document of a layer; ``base_url`` is scheme and host without a final slash, ``bounds`` in degrees."""
    document: dict[str, Any] = {
        "tilejson": "3.0.0",
        "name": layer.titles["en"],
        "tiles": [f"{base_url}/tiles/{layer.name}/{{z}}/{{x}}/{{y}}.mvt"],
        "minzoom": layer.min_zoom,
        "maxzoom": layer.max_zoom,
        "attribution": attribution,
        "vector_layers": [{"id": layer.name, "fields": dict(layer.fields), "minzoom": layer.min_zoom, "maxzoom": layer.max_zoom}],
    }
    return document | ({"bounds": bounds} if bounds else {})
