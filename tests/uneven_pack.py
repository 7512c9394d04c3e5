"""The tiny pack of `tests/tiny_pack.py` five times as wide and high, with a grown city's streets: about 4 km in Shanghai."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.tiny_pack import SOUTH, STEP_LAT, STEP_LON, WEST, feature, read_features, write_features, write_tiny_pack

TIMES = 5
WIDE_LON, WIDE_LAT = 4 * TIMES * STEP_LON, 4 * TIMES * STEP_LAT
"""Degrees east and north that the city spans from `WEST` and `SOUTH`."""


def write_uneven_pack(folder: Path) -> Path:
    """Write the pack into ``folder``, which is made, and give the folder back. The same call writes the same bytes."""
    write_tiny_pack(folder)
    for name in ("districts", "communities", "river", "water"):
        path = folder / f"{name}.geojson"
        write_features(path, [one | {"geometry": _wider(one["geometry"])} for one in read_features(path)])
    write_features(folder / "roads.geojson", _roads())
    return folder


def street_points(count: int, *, seed: int, noise_deg: float = 2e-5) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Places (n, 2) by the streets of the middle of the city, off by a normal error of about 2 m unless said otherwise; WGS 84."""
    chance = np.random.default_rng(seed)
    lines = [np.array(one["geometry"]["coordinates"]) for one in _roads()]
    chosen = chance.integers(0, len(lines), count)
    along = chance.uniform(0.35, 0.65, count)
    places = np.array([lines[at][0] + share * (lines[at][1] - lines[at][0]) for at, share in zip(chosen, along, strict=True)])
    return places + chance.normal(0, noise_deg, places.shape)


def _wider(geometry: dict[str, Any]) -> dict[str, Any]:
    def moved(coordinates: Any) -> Any:
        if isinstance(coordinates[0], (int, float)):
            lon, lat = coordinates
            return [round(WEST + TIMES * (lon - WEST), 7), round(SOUTH + TIMES * (lat - SOUTH), 7)]
        return [moved(one) for one in coordinates]

    return json.loads(json.dumps(geometry)) | {"coordinates": moved(geometry["coordinates"])}


def _roads() -> list[dict[str, Any]]:
    chance = np.random.default_rng(20261124)
    across, along = (np.cumsum(chance.uniform(0.0009, 0.003, 60)) for _ in range(2))
    roads = [
        feature(
            "LineString", [[WEST, SOUTH + at], [WEST + WIDE_LON, SOUTH + at]], name_en="Across", name_zh="横路", road_class="residential"
        )
        for at in across[across < WIDE_LAT].round(6).tolist()
    ]
    roads += [
        feature(
            "LineString", [[WEST + at, SOUTH], [WEST + at, SOUTH + WIDE_LAT]], name_en="Along", name_zh="纵路", road_class="residential"
        )
        for at in along[along < WIDE_LON].round(6).tolist()
    ]
    return roads
