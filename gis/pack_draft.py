"""A city pack of one's own: drafts a commented `city.toml` from a folder of files by looking at them.

Columns, levels, encodings and formats are guessed and say so; the datum never is. Nothing that is in the folder is
changed or overwritten.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis.errors import DraftExists, DraftNotWritten, Finding, NoAreasFound, NotFound, NothingToDraft
from gis.pack_draft_columns import HAN, Note, names_of
from gis.pack_draft_files import Looked, look
from gis.pack_draft_levels import OUTLINE
from gis.pack_draft_parts import CATEGORY_LIST, Parts, category_csv, osm_names, parts_of
from gis.pack_draft_text import CityFacts, Say, toml_of

# West, south, east, north of mainland China, and of what lies in that box and has another zone.
_CHINA = (73.5, 18.0, 135.1, 53.6)
_NOT_MAINLAND = ((119.2, 21.8, 122.1, 25.4), (113.5, 22.05, 114.5, 22.58), (128.5, 24.0, 146.0, 46.0))
_WEB_MERCATOR = 3857
_WORDS = {"polygon": "polygons of another kind", "line": "lines", "point": "points", "table": "table", "osm": "OpenStreetMap"}


def draft(folder: Path, *, code: str | None = None, say: Say = str) -> Draft:
    """The draft of a pack for the files in ``folder``, with its comments in the language of ``say``.

    Raises ``NotFound`` when there is no such folder,
    ``NothingToDraft`` when no file in it can be read, and ``NoAreasFound`` when none has polygons that could be areas.
    """
    if not folder.is_dir():
        raise NotFound("folder", str(folder))
    found, remarks = look(folder)
    if not found:
        said = "; ".join(f"{one.file}: {one.text(say)}" for one in remarks)
        raise NothingToDraft(str(folder), said or "–")
    named = code or _slug(folder.resolve().name)
    parts = parts_of(found, code=named, name=folder.resolve().name)
    if not parts.levels:
        reasons = {looked.label: say(why.template).format(**why.details) for looked, why in parts.ladder.rest}
        raise NoAreasFound(str(folder), "; ".join(f"{one.label} ({reasons.get(one.label, say(_WORDS[one.shape]))})" for one in found))
    text, to_fill = toml_of(parts, _facts(folder, parts, named), say)
    tomllib.loads(text)
    datums = text.count("\n# datum = ")
    first = say("datum: declare it for {count} sources; each is marked with '# datum'.").format(count=datums)
    extra = {OUTLINE: parts.ladder.outline} if parts.ladder.outline else {}
    if parts.category_rows:
        extra[CATEGORY_LIST] = category_csv(parts.category_rows)
    return Draft(named, text, extra, parts, ([first] if datums else []) + to_fill, remarks)


def write(drafted: Draft, out: Path) -> list[Path]:
    """Write the draft to ``out`` and the files it adds beside it; gives all that was written.

    Each file appears whole or not at all. Raises ``DraftExists`` when one of them is there, before anything is
    written, and ``DraftNotWritten`` when the folder does not take it.
    """
    texts = {out.parent / name: text for name, text in drafted.extra.items()} | {out: drafted.toml}
    for path in texts:
        if path.exists() or path.is_symlink():
            raise DraftExists(str(path))
    for path, text in texts.items():
        beside = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            beside.write_text(text, "utf-8")
            os.link(beside, path)
        except FileExistsError as error:
            raise DraftExists(str(path)) from error
        except OSError as error:
            raise DraftNotWritten(str(path), error.strerror or str(error)) from error
        finally:
            beside.unlink(missing_ok=True)
    return list(texts)


def _slug(name: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40]
    return plain if re.match(r"[a-z]", plain) else "my_city"


def _facts(folder: Path, parts: Parts, code: str) -> CityFacts:
    bounds = _bounds(parts)
    metric, crs_why = _metric_crs(parts, bounds)
    languages = _languages(parts)
    zone, zone_why = _time_zone(parts, bounds)
    names, name_why = _city_names(folder, parts)
    return CityFacts(code, names, name_why, zone, zone_why, languages, metric, crs_why)


def _city_names(folder: Path, parts: Parts) -> tuple[dict[str, str], Note]:
    top = parts.levels[0]
    if top.looked is not None and top.looked.rows == 1:
        names = {language: top.looked.filled(column)[0] for language, column in top.columns.items() if top.looked.filled(column)}
        if names:
            return names, Note("The names of the one area of the highest level.")
    name = folder.resolve().name
    return {"zh" if HAN.search(name) else "en": name}, Note("The folder's name: write the city's own, in each language.")


def _bounds(parts: Parts) -> NDArray[Any] | None:
    """West, south, east and north of all areas, in degrees of their own datum."""
    places = [level.looked.places for level in parts.levels if level.looked is not None and level.looked.places is not None]
    found = np.asarray(shapely.total_bounds(np.concatenate(places))) if places else None
    return found if found is not None and np.isfinite(found).all() else None


def _metric_crs(parts: Parts, bounds: NDArray[Any] | None) -> tuple[str | None, Note]:
    """A file's own projected CRS in metres when it covers the city, else the UTM zone of the centre."""
    if bounds is None:
        return None, Note("Where the city lies could not be read, so no metric CRS could be chosen.")
    candidates = [level.looked for level in parts.levels if level.looked is not None] + ([parts.roads] if parts.roads else [])
    for looked in candidates:
        if looked.crs is not None and _fits(looked.crs, bounds):
            return ":".join(looked.crs.to_authority()), Note("The CRS of {file} itself.", {"file": looked.label})
    lon, lat = float(bounds[0] + bounds[2]) / 2, float(bounds[1] + bounds[3]) / 2
    zone = min(int((lon + 180) // 6) + 1, 60)
    name = f"EPSG:{(32600 if lat >= 0 else 32700) + zone}"
    return name, Note(
        "UTM zone {zone}, in which the city's centre lies ({lon}, {lat}).", {"zone": zone, "lon": round(lon, 3), "lat": round(lat, 3)}
    )


def _fits(crs: CRS, bounds: NDArray[Any]) -> bool:
    """Whether a CRS measures in metres, keeps lengths, has a name, and is made for all of this ground."""
    area = crs.area_of_use
    if not crs.is_projected or crs.axis_info[0].unit_name != "metre" or crs.to_authority() is None or area is None:
        return False
    covers = area.west <= bounds[0] and area.south <= bounds[1] and area.east >= bounds[2] and area.north >= bounds[3]
    return bool(covers) and crs.to_epsg() != _WEB_MERCATOR and area.east - area.west < 20


def _time_zone(parts: Parts, bounds: NDArray[Any] | None) -> tuple[str | None, Note]:
    """The one zone of mainland China, for Chinese names at a place in it; no other country is told by its coordinates here."""
    names = [value for level in parts.levels if level.looked for column in level.columns.values() for value in level.looked.filled(column)]
    chinese = sum(HAN.search(name) is not None for name in names)
    why = Note(
        "{percent} % of the areas have Chinese names and lie in mainland China, which has one zone.",
        {"percent": _percent(chinese, len(names))},
    )
    if bounds is None or chinese * 4 < len(names) or not chinese:
        return None, why
    west, south, east, north = _CHINA
    inside = west <= bounds[0] and south <= bounds[1] and east >= bounds[2] and north >= bounds[3]
    elsewhere = any(bounds[0] < e and bounds[2] > w and bounds[1] < n and bounds[3] > s for w, s, e, n in _NOT_MAINLAND)
    return ("Asia/Shanghai" if inside and not elsewhere else None), why


def _percent(count: int, of: int) -> int:
    return round(100 * count / of) if of else 0


def _languages(parts: Parts) -> list[str]:
    """The languages in which areas and streets have names, the most frequent first."""
    counts: Counter[str] = Counter()
    for level in parts.levels:
        for language, column in level.columns.items():
            counts[language] += len(level.looked.filled(column)) if level.looked is not None else 0
    if parts.roads is not None:
        tags, roads = parts.roads.tags, parts.roads
        named = osm_names(roads) if tags else names_of(roads)
        counts.update({language: tags[f"way {one.column}"] if tags else len(roads.filled(one.column)) for language, one in named.items()})
    return [language for language, _ in counts.most_common()] or ["en"]


def roles(drafted: Draft) -> list[tuple[Note, Looked]]:
    """What each used file is taken for, in the order of the draft."""
    parts = drafted.parts
    found: list[tuple[Note, Looked | None]] = [(Note("level {key}", {"key": level.key}), level.looked) for level in parts.levels]
    found += [(Note("duty grids"), parts.duty_grids), (Note("streets"), parts.roads)]
    found += [(Note("barrier ({kind})", {"kind": kind}), looked) for kind, looked in parts.barriers]
    found += [(Note("given blocks"), parts.given_blocks), (Note("built-up land"), parts.built_up)]
    found += [(Note("basemap ({layer})", {"layer": one.layer}), one.looked) for one in parts.backdrop]
    found += [(Note("owners"), parts.owners), (Note("categories"), parts.categories)]
    found += [(Note("incidents"), history.looked) for history in parts.incidents]
    return [(what, looked) for what, looked in found if looked is not None]


@dataclass(frozen=True)
class Draft:
    """A drafted pack: the text of `city.toml`, files to be written beside it, what is to be filled in, files that were left out."""

    code: str
    toml: str
    extra: dict[str, str]
    parts: Parts
    to_fill: list[str]
    remarks: list[Finding]


__all__ = ["Draft", "Looked", "draft", "roles", "write"]
