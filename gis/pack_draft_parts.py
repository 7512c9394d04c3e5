"""Guesses what every file of a folder is for a city pack: areas, roads, barriers, backdrop, lists, incidents."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from gis.pack_draft_columns import (
    HAN,
    Guess,
    Note,
    address_of,
    category_of,
    code_of,
    day_and_month_are_unsure,
    id_of,
    kind_of,
    names_of,
    time_of,
    tokens,
)
from gis.pack_draft_files import Looked
from gis.pack_draft_levels import Ladder, LevelDraft, ground_word, ladder

CATEGORY_LIST = "categories.csv"
_GROUND_LAYERS = {"building": "buildings", "built": "landuse", "land": "landuse", "rail": "landuse", "water": "water"}
_CATEGORY_KINDS = {"component", "matter"}
_BARRIERS = {
    "river": ("river", "rivers", "stream", "streams", "waterway", "waterways", "canal", "河", "水系", "河道"),
    "railway": ("rail", "railway", "railways", "railroad", "铁路"),
    "shore": ("shore", "coast", "coastline", "岸线", "海岸线"),
}
_ROAD_WORDS = (
    "road",
    "roads",
    "street",
    "streets",
    "highway",
    "highways",
    "network",
    "centerline",
    "centreline",
    "道路",
    "路网",
    "街道",
    "路",
)
# Streets of OpenStreetMap that bound blocks; driveways lead into them, motorways' tunnels run below.
_STREETS = (
    *("motorway", "trunk", "primary", "primary_link", "secondary", "secondary_link", "tertiary", "tertiary_link"),
    *("residential", "unclassified", "living_street", "pedestrian", "service"),
)
_OSM_BACKDROP = (
    ("water", "natural", "areas", {"natural": "water"}),
    ("landuse", "landuse", "areas", {"landuse": "*"}),
    ("landuse", "leisure", "areas", {"leisure": ["park", "pitch", "playground", "garden"]}),
    ("buildings", "building", "areas", {"building": "*"}),
    ("places", "place", "nodes", {"place": "*", "name": "*"}),
    ("pois", "amenity", "nodes", {"amenity": "*", "name": "*"}),
    ("pois", "shop", "nodes", {"shop": "*", "name": "*"}),
)


def parts_of(found: list[Looked], *, code: str, name: str) -> Parts:
    """What each file is, and what is left over with the reason. Every layer of every file is in one place of the result."""
    parts = Parts(ladder([one for one in found if one.shape == "polygon" and ground_word(one) is None], code=code, name=name))
    parts.unused += parts.ladder.rest
    lowest = set(parts.ladder.levels[-1].codes) if parts.ladder.levels else set()
    for one in found:
        _take(parts, one, lowest)
    _choose_roads(parts)
    for one in [one for one in found if one.shape == "osm"]:
        _take_osm(parts, one)
    if parts.incidents and parts.categories is None:
        parts.category_rows = _category_rows(parts)
    return parts


def category_csv(rows: list[tuple[str, str, str]]) -> str:
    """The list of categories that the draft writes when there is none: kind, code, and the value as a name."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(["kind", "code", "name_zh", "name_en"])
    writer.writerows([kind, code, value if HAN.search(value) else "", "" if HAN.search(value) else value] for kind, code, value in rows)
    return written.getvalue()


def category_keys(parts: Parts, history: History) -> dict[str, str | None]:
    """Value of the history's category column to key (kind:code), None where none is known; values that are keys are left out."""
    if history.category is None:
        return {}
    known = {value: f"{kind}:{code}" for kind, code, value in parts.category_rows}
    keys = set(known.values())
    if parts.categories is not None:
        columns = parts.categories.columns
        told = [f"{kind}:{code}" for kind, code in zip(columns["kind"], columns["code"], strict=True)]
        keys |= set(told)
        for guess in names_of(parts.categories).values():
            known |= {name: key for name, key in zip(columns[guess.column], told, strict=True) if name is not None}
    values = sorted(set(history.looked.filled(history.category.column)))
    return {value: known.get(value) for value in values if value not in keys}


def _take(parts: Parts, one: Looked, lowest: set[str]) -> None:
    word = ground_word(one) if one.shape == "polygon" else None
    if word is not None:
        _take_ground(parts, one, word)
    elif one.shape == "line":
        _take_line(parts, one)
    elif one.shape == "point":
        _take_points(parts, one)
    elif one.shape == "table":
        _take_table(parts, one, lowest)


def _take_ground(parts: Parts, one: Looked, word: str) -> None:
    if word in ("grid", "block"):
        _take_given(parts, one, word)
        return
    if word in ("building", "built") and parts.built_up is None:
        parts.built_up = one
    if word in ("rail", "water"):
        parts.barriers.append(("railway" if word == "rail" else "shore", one))
    if layer := _GROUND_LAYERS.get(word):
        parts.backdrop.append(BackdropDraft(layer, one, kind_of(one)))


def _take_given(parts: Parts, one: Looked, word: str) -> None:
    if word == "grid" and parts.duty_grids is None and code_of(one):
        parts.duty_grids = one
    elif word == "block" and parts.given_blocks is None and code_of(one):
        parts.given_blocks = one
    else:
        parts.unused.append((one, Note("there is another file of this kind already, or its rows have no codes")))


def _take_line(parts: Parts, one: Looked) -> None:
    kind = next((kind for kind, words in _BARRIERS.items() if _is_called(one.words, words)), None)
    if kind is None:
        parts.lines.append(one)
    else:
        parts.barriers.append((kind, one))


def _take_points(parts: Parts, one: Looked) -> None:
    time, category = time_of(one), category_of(one)
    if time is not None and (category is not None or id_of(one) is not None):
        guess, formats = time
        unsure = day_and_month_are_unsure(one, guess.column, formats)
        key = re.sub(r"[^a-z0-9]+", "_", one.words.lower()).strip("_")[:30]
        taken = [history.key for history in parts.incidents]
        if not re.match(r"[a-z]", key) or key in taken:
            key = f"history_{len(taken) + 1}"
        parts.incidents.append(History(key, one, id_of(one), guess, formats, unsure, category, address_of(one)))
    elif names_of(one):
        parts.backdrop.append(BackdropDraft("pois", one, kind_of(one)))
    else:
        parts.unused.append((one, Note("points without a time and without names: neither incidents nor places to show")))


def _take_table(parts: Parts, one: Looked, lowest: set[str]) -> None:
    if {"kind", "code"} <= set(one.columns) and set(one.columns["kind"]) <= _CATEGORY_KINDS and parts.categories is None:
        parts.categories = one
        return
    grids = parts.duty_grids
    codes = lowest | (set(grids.filled(found.column)) if grids is not None and (found := code_of(grids)) else set())
    area = next((name for name, values in one.columns.items() if codes and _share_in(values, codes) > 0.5), None)
    if area is not None and parts.owners is None and names_of(one):
        parts.owners, parts.owner_area = one, area
        return
    parts.unused.append(
        (one, Note("a table without places that is neither a list of categories (kind, code) nor of owners (name, code of an area)"))
    )


def _share_in(values: list[str | None], codes: set[str]) -> float:
    there = [value for value in values if value is not None]
    return sum(value in codes for value in there) / len(there) if there else 0.0


def _choose_roads(parts: Parts) -> None:
    """The street network is the file of lines that is called so, else the one with the most lines."""
    called = [one for one in parts.lines if _is_called(one.words, _ROAD_WORDS)]
    best = max(called or parts.lines, key=lambda one: one.rows, default=None)
    if best is None:
        return
    parts.roads = best
    parts.unused += [
        (one, Note("lines beside the street network: write a [[barriers]] for it if it bounds blocks"))
        for one in parts.lines
        if one is not best
    ]


def _take_osm(parts: Parts, one: Looked) -> None:
    """Streets, buildings and backdrop of an OpenStreetMap file; streets only where no other file has them."""
    if parts.osm is not None:
        parts.unused.append((one, Note("there is another file of this kind already, or its rows have no codes")))
        return
    parts.osm = one
    layers = {layer: replace(one, source=one.source.model_copy(update={"layer": layer})) for layer in ("nodes", "ways", "areas")}
    if parts.roads is None and one.tags["way highway"]:
        classes = [name for name in _STREETS if one.tags[f"way highway={name}"]]
        parts.roads = layers["ways"]
        parts.road_where = {"highway": classes or "*", "service": "!", "tunnel": "!", "area": "!"}
    if parts.built_up is None and one.tags["way building"]:
        parts.built_up, parts.built_up_where = layers["areas"], {"building": "*"}
    for layer, key, of, where in _OSM_BACKDROP:
        if one.tags[f"{'node' if of == 'nodes' else 'way'} {key}"]:
            note = Note("tag {key!r}: {count} objects.", {"key": key, "count": one.tags[f"{'node' if of == 'nodes' else 'way'} {key}"]})
            parts.backdrop.append(BackdropDraft(layer, layers[of], Guess(key, note), where=where))


def osm_names(one: Looked) -> dict[str, Guess]:
    """Languages of an OpenStreetMap file: what ``name`` is in, by the tags that say the same, and the other ``name:xx``."""
    named = sum(count for key, count in one.tags.items() if key in ("way name", "node name"))
    same = max((key for key in one.tags if re.fullmatch(r"same name:[a-z]{2}", key)), key=lambda key: one.tags[key], default=None)
    local = "zh" if one.tags["han"] * 2 > named else "en"
    if same is not None and one.tags[same] > 0.2 * named:
        local = same[-2:]
    found = {local: Guess("name", Note("names: the tag 'name', taken for the language {language!r}.", {"language": local}))}
    for key in sorted(one.tags, key=lambda key: -one.tags[key]):
        match = re.fullmatch(r"way (name:([a-z]{2}))", key)
        if match and match[2] not in found and one.tags[key] > 0.02 * named and len(found) < 4:
            found[match[2]] = Guess(match[1], Note("names: tag {key!r}: {count} objects.", {"key": match[1], "count": one.tags[key]}))
    return found


def _category_rows(parts: Parts) -> list[tuple[str, str, str]]:
    values = {value for history in parts.incidents if history.category for value in history.looked.filled(history.category.column)}
    rows = []
    for number, value in enumerate(sorted(values), start=1):
        kind, _, code = value.partition(":")
        rows.append((kind, code, code) if kind in _CATEGORY_KINDS and code else ("matter", f"{number:03d}", value))
    return rows


def _is_called(words: str, wanted: Iterable[str]) -> bool:
    parts = set(tokens(words))
    return any(word in parts if not HAN.search(word) else word in words for word in wanted)


@dataclass(frozen=True)
class BackdropDraft:
    """One layer of the basemap."""

    layer: str
    looked: Looked
    kind: Guess | None
    where: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class History:
    """Past incidents, and what their columns are; ``unsure`` when day and month could be the other way round."""

    key: str
    looked: Looked
    id: Guess | None
    time: Guess
    formats: list[str]
    unsure: bool
    category: Guess | None
    address: str | None


@dataclass
class Parts:
    """The parts of the pack that is drafted, filled while the files are gone through."""

    ladder: Ladder
    duty_grids: Looked | None = None
    given_blocks: Looked | None = None
    roads: Looked | None = None
    road_where: dict[str, Any] = field(default_factory=dict)
    barriers: list[tuple[str, Looked]] = field(default_factory=list)
    built_up: Looked | None = None
    built_up_where: dict[str, Any] = field(default_factory=dict)
    backdrop: list[BackdropDraft] = field(default_factory=list)
    owners: Looked | None = None
    owner_area: str | None = None
    categories: Looked | None = None
    category_rows: list[tuple[str, str, str]] = field(default_factory=list)
    incidents: list[History] = field(default_factory=list)
    lines: list[Looked] = field(default_factory=list)
    osm: Looked | None = None
    unused: list[tuple[Looked, Note]] = field(default_factory=list)

    @property
    def levels(self) -> list[LevelDraft]:
        """The area levels, the city first."""
        return self.ladder.levels
