"""Judging the rows of a layer of areas one by one: codes, polygons, names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

import geopandas
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.city_pack import Level
from gis.errors import Finding

Geometries = NDArray[Any]


def on_area(
    level: Level,
    frame: geopandas.GeoDataFrame,
    *,
    at: Any,
    slug: str,
    template: str,
    mend: str,
    severity: Literal["error", "warning"] = "error",
    **details: Any,
) -> Finding:
    """A finding on the ``at``-th area of a level; its level and code are among the details."""
    details = {"level": level.key, "code": frame["code"].iloc[at] or "", **details}
    return Finding(slug, template, mend, file=file_of(level), row=int(frame["row"].iloc[at]), severity=severity, details=details)


def file_of(level: Level) -> str:
    """The file of a level's polygons; city.toml for a derived level."""
    return level.source.file if level.source else "city.toml"


def row_faults(level: Level, frame: geopandas.GeoDataFrame) -> Iterator[Finding]:
    """What is wrong with single rows of a level (columns of ``read_areas``), and that there are none."""
    if frame.empty:
        yield Finding(
            "no-rows",
            "No row of the file belongs to {layer}.",
            "Check where of this source, or export the file again.",
            file=file_of(level),
            details={"layer": level.key},
        )
    yield from nul_bytes(file_of(level), pd.DataFrame(frame.drop(columns="geometry")))
    yield from _code_faults(level, frame)
    yield from _shape_faults(level, frame)
    for at, names in enumerate(frame["names"]):
        if not names:
            template = "Area {code} of level {level} has no name in any language."
            yield on_area(level, frame, at=at, slug="no-name", template=template, mend="Fill in its name.", severity="warning")


def nul_bytes(file: str, frame: pd.DataFrame) -> Iterator[Finding]:
    """The rows of a frame (with a column ``row``) in which a text, or a name of a table of names, holds a NUL: no database takes it."""
    texts = frame.select_dtypes(include=["object", "string"])
    held = np.zeros(len(frame), dtype=bool)
    for name in texts.columns:
        held |= np.fromiter((_holds_nul(value) for value in texts[name]), dtype=bool, count=len(frame))
    for row in frame["row"].to_numpy()[held].tolist():
        template, mend = "The row holds a NUL byte, which no text may.", "Export the file again as text."
        yield Finding("nul-byte", template, mend, file=file, row=int(row))


def _holds_nul(value: object) -> bool:
    return "\0" in value if isinstance(value, str) else isinstance(value, dict) and any("\0" in text for text in value.values())


def _code_faults(level: Level, frame: geopandas.GeoDataFrame) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for at, code in enumerate(frame["code"]):
        if code is None:
            template, mend = "An area of level {level} has no code.", "Give every area its own code."
            yield on_area(level, frame, at=at, slug="no-code", template=template, mend=mend)
        elif code in first:
            template, mend = "Code {code} of level {level} was already used in row {first}.", "Give every area its own code."
            yield on_area(level, frame, at=at, slug="duplicate-code", template=template, mend=mend, first=first[code])
        else:
            first[code] = int(frame["row"].iloc[at])


def _shape_faults(level: Level, frame: geopandas.GeoDataFrame) -> Iterator[Finding]:
    shapes = frame.geometry.to_numpy()
    reasons = shapely.is_valid_reason(shapes)
    for at in np.flatnonzero(~sound(shapes)).tolist():
        shape = shapes[at]
        if shape is None or shape.is_empty:
            template, mend = (
                "Area {code} of level {level} has no geometry, or one that no reader can make out.",
                "Draw its polygon, or remove the row.",
            )
            yield on_area(level, frame, at=at, slug="empty-geometry", template=template, mend=mend)
        elif shape.geom_type not in ("Polygon", "MultiPolygon"):
            template, mend = "Area {code} of level {level} is a {kind}, not a polygon.", "Draw its polygon."
            yield on_area(level, frame, at=at, slug="wrong-geometry", template=template, mend=mend, kind=shape.geom_type)
        else:
            template = "The polygon of area {code} of level {level} is not valid at lon {lon}, lat {lat}: {reason}."
            mend = "Mend it where it was drawn; a program's guess could give ground to the wrong area."
            yield on_area(level, frame, at=at, slug="invalid-polygon", template=template, mend=mend, **_reason(str(reasons[at])))


def _reason(said: str) -> dict[str, Any]:
    found = re.match(r"(.*)\[(\S+) (\S+)\]", said)
    if not found:
        return {"reason": said, "lon": "?", "lat": "?"}
    return {"reason": found[1], "lon": round(float(found[2]), 6), "lat": round(float(found[3]), 6)}


def sound(shapes: Geometries) -> NDArray[np.bool_]:
    """Which shapes (n,) are polygons that geometry can be done with."""
    areal = np.isin(shapely.get_type_id(shapes), (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON))
    return areal & ~shapely.is_empty(shapes) & np.asarray(shapely.is_valid(shapes))
