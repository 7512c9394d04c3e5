"""Finding the default geocodes of an incident history while its pack is judged: where they are and how many rows each holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.city_pack import IncidentHistory
from gis.errors import Finding
from gis.exchange import to_wgs84
from grids.default_geocodes import LISTED_REACH_M, Whole, crowd_of, crowded_from, effective_kinds, is_default, nearby

Chunks = Iterable[tuple[pd.DataFrame, list[Finding]]]


@dataclass
class Points:
    """The coordinates of a history as its chunks go by (16 bytes a row), and what is needed to judge those that repeat."""

    places: list[NDArray[np.complex128]] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    with_address: int = 0

    def add(self, placed: pd.DataFrame) -> None:
        """Count a chunk's rows that have coordinates."""
        self.places.append(_complex(placed))
        self.kinds.update({str(kind): int(times) for kind, times in placed["category"].value_counts().items()})
        self.with_address += int(placed["address"].notna().sum())

    def findings(self, history: IncidentHistory, again: Callable[[], Chunks]) -> Iterator[Finding]:
        """One remark for each default point. ``again`` reads the history once more; it is asked only where points repeat beyond measure."""
        if not self.places:
            return
        points, rows = np.unique(np.concatenate(self.places), return_counts=True)
        chosen = self._found(points, rows, again) if history.find_default_points else np.zeros(len(points), dtype=np.bool_)
        chosen |= _listed(history, points)
        order = np.argsort(-rows[chosen], kind="stable")
        for point, count in zip(points[chosen][order], rows[chosen][order].tolist(), strict=True):
            yield Finding(
                "default-geocode",
                "{count} of {total} placed incidents ({percent} %) lie on one default point: lon {lon}, lat {lat}.",
                "They are imported and flagged, and count for no grid. Where this is a real place, set find_default_points = false.",
                file=history.source.file,
                severity="warning",
                details={
                    "count": count,
                    "total": int(rows.sum()),
                    "percent": round(100 * count / int(rows.sum()), 2),
                    "lon": float(point.real),
                    "lat": float(point.imag),
                },
            )

    def _found(self, points: NDArray[np.complex128], rows: NDArray[np.int64], again: Callable[[], Chunks]) -> NDArray[np.bool_]:
        chosen = np.zeros(len(points), dtype=np.bool_)
        whole = Whole(int(rows.sum()), self.with_address, effective_kinds(self.kinds.values()))
        crowded = rows >= crowded_from(whole.placed)
        at = np.flatnonzero(crowded)
        if len(at) == 0:
            return chosen
        said = _said(points[at], again)
        for crowd, own in zip(at.tolist(), said, strict=True):
            near = ~crowded & _inside(points, nearby(float(points[crowd].real), float(points[crowd].imag)))
            counted = crowd_of(((address, kind, times) for (address, kind), times in own.items()), neighbour=int(rows[near].max(initial=0)))
            chosen[crowd] = is_default(counted, whole)
        return chosen


def _said(crowds: NDArray[np.complex128], again: Callable[[], Chunks]) -> list[Counter[tuple[str | None, str]]]:
    """For each of the sorted points how many of its rows say which address and category."""
    said = [Counter[tuple[str | None, str]]() for _ in crowds]
    for frame, _ in again():
        placed = frame.dropna(subset=["lon", "lat"])
        places = _complex(placed)
        at = np.minimum(np.searchsorted(crowds, places), len(crowds) - 1)
        on = crowds[at] == places
        own = placed[on].assign(at=at[on])
        counted = own.groupby(["at", "address", "category"], dropna=False).size()
        for (crowd, address, kind), times in counted.items():
            said[int(crowd)][(None if pd.isna(address) else str(address), str(kind))] += int(times)
    return said


def _listed(history: IncidentHistory, points: NDArray[np.complex128]) -> NDArray[np.bool_]:
    """Which points lie where the pack lists a default point."""
    near = np.zeros(len(points), dtype=np.bool_)
    if history.default_points:
        listed = np.array(history.default_points, dtype=np.float64)
        for lon, lat in zip(*to_wgs84(listed[:, 0], listed[:, 1], datum=str(history.source.datum)), strict=True):
            near |= _inside(points, nearby(float(lon), float(lat), reach_m=LISTED_REACH_M))
    return near


def _inside(points: NDArray[np.complex128], box: tuple[float, float, float, float]) -> NDArray[np.bool_]:
    west, south, east, north = box
    inside: NDArray[np.bool_] = (points.real >= west) & (points.real <= east) & (points.imag >= south) & (points.imag <= north)
    return inside


def _complex(placed: pd.DataFrame) -> NDArray[np.complex128]:
    """Longitude and latitude as one sortable value."""
    return placed["lon"].to_numpy(dtype=np.float64) + 1j * placed["lat"].to_numpy(dtype=np.float64)
