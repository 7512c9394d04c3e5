"""Guesses the ladder of levels from the polygons of a folder: which are areas, and which lie in which."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.pack_draft_columns import HAN, Guess, Note, code_of, level_of, names_of, parent_of, tokens
from gis.pack_draft_files import Looked

# Words of file names, layers and values, with the key and the names of the level that they stand for.
_KNOWN = (
    ("city", {"en": "city", "zh": "市"}, ("city", "municipality", "outline", "全市", "市")),
    ("district", {"en": "district", "zh": "区"}, ("district", "districts", "county", "counties", "区县", "县")),
    (
        "street_town",
        {"en": "street/town", "zh": "街镇"},
        ("subdistrict", "subdistricts", "town", "towns", "township", "街道", "街镇", "乡镇"),
    ),
    ("community", {"en": "community", "zh": "社区"}, ("community", "communities", "village", "villages", "社区", "居委", "村")),
    ("district", {"en": "district", "zh": "区"}, ("区",)),
)
# Words of polygons that are no areas of a ladder.
OTHER_GROUND = {
    "building": ("building", "buildings", "建筑", "房屋", "楼"),
    "water": ("water", "waters", "lake", "lakes", "river", "rivers", "pond", "sea", "水系", "水域", "水体", "河", "湖"),
    "rail": ("rail", "railway", "railways", "railroad", "铁路"),
    "land": ("landuse", "land", "park", "parks", "green", "forest", "grass", "绿地", "公园", "用地"),
    "grid": ("grid", "grids", "网格"),
    "block": ("block", "blocks", "街区单元", "单元网格"),
    "built": ("built", "builtup", "urban", "建成区"),
}
_MOST_LEVELS = 5
# Polygons that cover less of the ground than this are no level of the ladder.
_COVERS = 0.5
OUTLINE = "city_outline.geojson"


def ground_word(looked: Looked) -> str | None:
    """What polygons are that are no areas of a ladder, by the words they are called by; None when no word says so."""
    text = looked.words
    parts = set(tokens(text))
    # A unit grid (单元网格) is told before a grid.
    for kind in ("block", *OTHER_GROUND):
        if any(word in parts if word.isascii() else word in text for word in OTHER_GROUND[kind]):
            return kind
    return None


def ladder(polygons: Sequence[Looked], *, code: str, name: str) -> Ladder:
    """The area levels of the ladder, the city first, and the polygons that belong to none.

    Levels follow from the number of areas and from whose codes a column names; a city without a polygon of its own is
    derived where the level below names its code, else its outline is drawn as the union of the areas there are.
    """
    split = [part for looked in polygons for part in _split(looked)]
    sized = [(looked, _size(looked)) for looked in split]
    whole = max((size for _, size in sized), default=0.0)
    areas = [looked for looked, size in sized if size > 0 and size >= _COVERS * whole and code_of(looked) is not None]
    rest = [(looked, _why_not(looked, size, whole)) for looked, size in sized if looked not in areas]
    areas.sort(key=lambda looked: looked.rows)
    most = _MOST_LEVELS if areas and areas[0].rows == 1 else _MOST_LEVELS - 1
    rest += [(looked, Note("more levels than the ladder can have")) for looked in areas[most:]]
    levels: list[LevelDraft] = []
    for looked in areas[:most]:
        levels.append(_level(looked, levels[-1] if levels else None, taken=[one.key for one in levels]))
    return _with_city(levels, rest, code=code, name=name)


def _split(looked: Looked) -> list[Looked]:
    """The levels that one file holds, told apart by a column; or the file as it is."""
    by = level_of(looked)
    if by is None:
        return [looked]
    parts = [looked.only(by.column, value) for value in dict.fromkeys(value for value in looked.columns[by.column] if value is not None)]
    return parts if all(code_of(part) for part in parts) else [looked]


def _size(looked: Looked) -> float:
    """The ground that the polygons cover, in square degrees: only ever compared within one folder."""
    if looked.places is None:
        return 0.0
    areas = shapely.area(looked.places)
    return float(np.nansum(areas))


def _why_not(looked: Looked, size: float, whole: float) -> Note:
    if looked.places is None:
        return Note("its coordinates cannot be read without a CRS")
    if size < _COVERS * whole:
        return Note(
            "it covers {percent} % of the ground of the largest polygons, so it is no level", {"percent": round(100 * size / whole)}
        )
    return Note("no column has a different value in each row, so its areas have no codes")


def _level(looked: Looked, above: LevelDraft | None, *, taken: list[str]) -> LevelDraft:
    key, names, known = _called(looked.words, taken, exact=bool(looked.where))
    code = code_of(looked) or Guess("code", Note("code: no column found."))
    parent = parent_of(looked, set(above.codes), code=code.column) if above else None
    notes = [code.why]
    if above is not None:
        notes.append(parent.why if parent else Note("parent: no column holds codes of the level above; areas are found by place."))
        if (share := _nested(looked.places, above.looked)) is not None:
            notes.append(Note("{percent} % of these areas lie in one area of the level above.", {"percent": round(100 * share)}))
    found = names_of(looked)
    notes += [one.why for one in found.values()]
    columns = {language: one.column for language, one in found.items()}
    if not columns:
        notes.append(Note("names: no column of names found; the code stands in for them."))
        columns = {"en": code.column}
    if not known:
        notes.append(Note("The level's own name is taken from the file: write what it is called."))
    return LevelDraft(key, names, looked, code.column, parent.column if parent else None, columns, notes)


def _called(words: str, taken: list[str], *, exact: bool) -> tuple[str, dict[str, str], bool]:
    """Key and names of a level, and whether a known word was found; ``exact`` when the words are a value that names the level."""
    parts = set(tokens(words))
    plain = re.sub(r"[^a-z0-9]+", "_", words.strip().lower()).strip("_")[:30]
    for key, names, known in _KNOWN:
        if key not in taken and (plain == key or any(_says(words, parts, word, exact=exact) for word in known)):
            return key, names, True
    key = plain if re.match(r"[a-z]", plain) and plain not in taken else f"level_{len(taken) + 1}"
    return key, {"zh" if HAN.search(words) else "en": words.strip().replace("_", " ")}, False


def _says(words: str, parts: set[str], word: str, *, exact: bool) -> bool:
    if exact:
        return words == word
    return word in parts if word.isascii() else word in words


def _nested(places: NDArray[Any] | None, above: Looked | None) -> float | None:
    """The share of areas of which a point within lies in exactly one area of the level above."""
    if places is None or above is None or above.places is None:
        return None
    points = shapely.point_on_surface(places)
    found, _ = shapely.STRtree(above.places).query(points, predicate="intersects")
    return float((np.bincount(found, minlength=len(points)) == 1).mean()) if len(points) else None


def _with_city(levels: list[LevelDraft], rest: list[tuple[Looked, Note]], *, code: str, name: str) -> Ladder:
    """The ladder with a city at its head, which is one area."""
    if not levels or (levels[0].looked is not None and levels[0].looked.rows == 1):
        if levels and levels[0].key != "city" and "city" not in [one.key for one in levels]:
            levels = [replace(levels[0], key="city", names=_KNOWN[0][1]), *levels[1:]]
        return Ladder(levels, rest)
    levels = [replace(one, key="level_1") if one.key == "city" else one for one in levels]
    top = levels[0]
    parent = _city_column(top)
    if parent is not None:
        details = {"column": parent, "value": top.looked.filled(parent)[0] if top.looked else ""}
        why = Note("No polygon of the whole city: it is the union of the areas below, which name {value!r} in column {column!r}.", details)
        return Ladder([LevelDraft("city", _KNOWN[0][1], None, "", None, {}, [why]), replace(top, parent=parent), *levels[1:]], rest)
    outline = _outline(top, code=code, name=name)
    why = Note(
        "No polygon of the whole city: its outline was drawn from {file} and is in the same datum.",
        {"file": top.looked.label if top.looked else ""},
    )
    city = LevelDraft("city", _KNOWN[0][1], None, "code", None, {"zh" if HAN.search(name) else "en": "name"}, [why], file=OUTLINE)
    return Ladder([city, *levels], rest, outline=outline)


def _city_column(top: LevelDraft) -> str | None:
    """The column of the highest areas that names the city's code: one value, in a column that is called so."""
    if top.looked is None:
        return None
    for name in top.looked.columns:
        there = set(top.looked.columns[name])
        called = {"parent", "city", "citycode", "pcode", "上级", "市"} & set(tokens(name)) or "上级" in name or "parent" in name.lower()
        if len(there) == 1 and None not in there and called:
            return name
    return None


def _outline(top: LevelDraft, *, code: str, name: str) -> str:
    """GeoJSON of the union of the areas, in the numbers of their own file."""
    places = top.looked.places if top.looked is not None and top.looked.places is not None else np.empty(0, dtype=object)
    sound = shapely.make_valid(places[~shapely.is_missing(places)])
    shape = json.loads(shapely.to_geojson(shapely.union_all(sound)))
    feature = {"type": "Feature", "properties": {"code": code, "name": name}, "geometry": shape}
    return json.dumps({"type": "FeatureCollection", "features": [feature]}, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class LevelDraft:
    """One level of areas: its source, or None for one that is derived, or a file that the draft itself adds."""

    key: str
    names: dict[str, str]
    looked: Looked | None
    code: str
    parent: str | None
    columns: dict[str, str]
    notes: list[Note]
    file: str | None = None

    @property
    def codes(self) -> list[str]:
        """The codes of its areas, as far as they are known."""
        return self.looked.filled(self.code) if self.looked is not None else []


@dataclass(frozen=True)
class Ladder:
    """The area levels, the city first; polygons that are none of them, with the reason; the outline that was drawn for the city."""

    levels: list[LevelDraft]
    rest: list[tuple[Looked, Note]] = field(default_factory=list)
    outline: str | None = None
