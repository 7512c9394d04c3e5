"""The text of a drafted `city.toml`: every guess with what speaks for it, every gap with what is missing and why."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gis.pack_draft_columns import Guess, Note, code_of, is_generated, names_of, road_class_of
from gis.pack_draft_files import Looked
from gis.pack_draft_levels import LevelDraft
from gis.pack_draft_parts import CATEGORY_LIST, BackdropDraft, History, Parts, category_keys, osm_names

Say = Callable[[str], str]

# More values of one column than this are counted, not listed.
_MOST_VALUES = 60
_WIDTH = 118


def toml_of(parts: Parts, city: CityFacts, say: Say) -> tuple[str, list[str]]:
    """The text of `city.toml`, and what its reader still has to fill in, in the language of ``say``."""
    text = _Text(say)
    _write_city(text, parts, city)
    for level in parts.levels:
        _write_level(text, level, derived_from=parts)
    _write_duty_grids(text, parts)
    _write_roads(text, parts)
    for kind, looked in parts.barriers:
        text.open("[[barriers]]")
        text.put("kind", kind)
        text.source("barriers.source", looked)
    _write_blocks(text, parts)
    for backdrop in parts.backdrop:
        _write_backdrop(text, backdrop)
    _write_lists(text, parts)
    for history in parts.incidents:
        _write_history(text, parts, history)
    _write_unused(text, parts)
    return text.done(), text.to_fill


def quoted(value: Any) -> str:
    """A value as TOML writes it: text, number, list, or table in one line."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(name)} = {quoted(one)}" for name, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(quoted(one) for one in value) + "]"
    # JSON's strings are TOML's, but for this one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else quoted(name)


def _write_city(text: _Text, parts: Parts, city: CityFacts) -> None:
    say = text.say
    text.remark(say("A draft by 'wangge city new', from the files of this folder. Each guess says what speaks for it: read them all."))
    text.remark(
        say("docs/city-packs.md explains every field. Each line '# datum = …' waits for you: write the datum of that file in its place.")
    )
    text.remark(
        say(
            "The datum is what longitude and latitude are measured from, and no program can tell it from the numbers. Ask whoever made each"
            " file. wgs84: GPS, OpenStreetMap, most of the world. cgcs2000: Chinese surveying (agrees with wgs84 to a metre)."
            " gcj02: Chinese web maps. bd09: Baidu. A wrong one moves every place by some hundred metres."
        )
    )
    text.remark(say('A source without origin counts as real. Write origin = "generated" for what is made up, and say so in notice.'))
    text.blank()
    text.put("format", 1)
    text.put("code", city.code)
    text.note(city.name_why)
    text.put("names", city.names)
    if city.time_zone is None:
        text.gap(
            "time_zone",
            "…",
            say("The zone of times that carry none cannot be told from coordinates: write it, for example Europe/London."),
        )
    else:
        text.note(city.zone_why)
        text.put("time_zone", city.time_zone)
    text.note(Note("Languages of the names that were found, the most frequent first."))
    text.put("languages", city.languages)
    text.note(city.crs_why)
    if city.metric_crs is None:
        text.gap("metric_crs", "EPSG:32651", say("A projected CRS in metres whose area of use covers the city."))
    else:
        text.put("metric_crs", city.metric_crs)
    text.optional("attribution", "", say("What the publishers of the data ask to be shown; no file says it."))
    text.optional("licence", "")
    if any(is_generated(looked) for looked in _all(parts)):
        text.optional("notice", {"en": "…", "zh": "…"}, say("Some rows say that they are generated: say here what is not real."))
    text.blank()


def _write_level(text: _Text, level: LevelDraft, *, derived_from: Parts) -> None:
    text.open("[[levels]]")
    text.put("key", level.key)
    text.put("names", level.names)
    for note in level.notes:
        text.note(note)
    if level.looked is None and level.file is None:
        text.put("derived", "union_of_children")
        return
    columns = {"code": level.code} if level.code != "code" else {}
    columns |= {"parent": level.parent} if level.parent else {}
    text.put("columns", {**columns, "names": level.columns})
    if level.looked is not None:
        text.source("levels.source", level.looked)
        return
    text.table("levels.source")
    text.put("file", level.file)
    text.datum()
    if derived_from.levels[1].looked and is_generated(derived_from.levels[1].looked):
        text.put("origin", "generated")


def _write_duty_grids(text: _Text, parts: Parts) -> None:
    text.open("[[levels]]")
    text.put("key", "duty_grid")
    text.put("kind", "duty_grid")
    text.put("names", {"en": "duty grid", "zh": "责任网格"})
    if parts.duty_grids is None:
        text.note(Note("No file of duty grids was found: the city gets one for each lowest area."))
        text.put("derived", "one_per_lowest_area")
        return
    _write_given(text, "levels.source", parts.duty_grids)


def _write_given(text: _Text, table: str, looked: Looked) -> None:
    """Columns and source of units that the city has already."""
    code, names = code_of(looked), names_of(looked)
    for guess in [*([code] if code else []), *names.values()]:
        text.note(guess.why)
    columns: dict[str, Any] = {"code": code.column} if code and code.column != "code" else {}
    text.put("columns", {**columns, "names": _columns(names) or {"en": code.column if code else "code"}})
    text.source(table, looked)


def _write_roads(text: _Text, parts: Parts) -> None:
    looked = parts.roads
    text.open("[roads]" if looked else "# [roads]")
    if looked is None:
        said = text.say("No file of lines was found that could be the streets. They bound the blocks, so a pack cannot do without.")
        text.remark(said)
        text.to_fill.append(said)
        return
    names = osm_names(looked) if parts.osm and looked.source.file == parts.osm.source.file else names_of(looked)
    road_class = Guess("highway", Note("")) if parts.road_where else road_class_of(looked)
    columns: dict[str, Any] = {"names": _columns(names)} if names else {}
    for guess in names.values():
        text.note(guess.why)
    if road_class:
        columns["road_class"] = road_class.column
        if road_class.why.template:
            text.note(road_class.why)
    if columns:
        text.put("columns", columns)
    else:
        text.remark(text.say("No column of names or of road classes was found; streets stay unnamed."))
    text.source("roads.source", looked, where=parts.road_where)


def _write_blocks(text: _Text, parts: Parts) -> None:
    if parts.given_blocks is not None:
        text.open("[blocks.given]")
        text.note(Note("Taken for street units that the city has already: they are kept as they are, and none are drawn."))
        _write_given(text, "blocks.given.source", parts.given_blocks)
    if parts.built_up is not None:
        text.open("[blocks.built_up]")
        text.note(Note("Taken for built-up land, where blocks are kept small."))
        text.source(None, parts.built_up, where=parts.built_up_where)


def _write_backdrop(text: _Text, backdrop: BackdropDraft) -> None:
    text.open("[[backdrop]]")
    text.put("layer", backdrop.layer)
    if backdrop.kind is not None:
        text.note(backdrop.kind.why)
        text.put("kind_column", backdrop.kind.column)
    names = osm_names(backdrop.looked) if backdrop.looked.tags else names_of(backdrop.looked)
    if names:
        text.put("names", _columns(names))
    text.source("backdrop.source", backdrop.looked, where=backdrop.where)


def _write_lists(text: _Text, parts: Parts) -> None:
    if parts.owners is not None:
        text.open("[owners]")
        names = names_of(parts.owners)
        columns = {"name": next(iter(names.values())).column, "area": parts.owner_area}
        if "code" not in parts.owners.columns:
            found = code_of(parts.owners)
            columns["code"] = found.column if found else None
        text.note(Note("Column {column!r} holds codes of the lowest areas.", {"column": parts.owner_area}))
        text.put("columns", {field: name for field, name in columns.items() if name and name != field} or None)
        text.source("owners.source", parts.owners)
    text.open("[categories]" if parts.categories is not None or parts.category_rows else "# [categories]")
    if parts.categories is not None:
        names = names_of(parts.categories)
        text.put("names", _columns(names) if names and _columns(names) != {"zh": "name_zh", "en": "name_en"} else None)
        text.source("categories.source", parts.categories)
    elif parts.category_rows:
        text.note(Note("No list of categories was found: this one was written from the incidents' own values. Mend kinds and names in it."))
        text.table("categories.source")
        text.put("file", CATEGORY_LIST)
    else:
        said = text.say(
            "No list of categories was found, and no incidents to take one from: add a table with the columns kind, code, name_en, name_zh."
        )
        text.remark(said)
        text.to_fill.append(said)


def _write_history(text: _Text, parts: Parts, history: History) -> None:
    text.open("[[incidents]]")
    text.put("key", history.key)
    columns: dict[str, str] = {}
    for field_name, guess in (("id", history.id), ("reported_at", history.time), ("category", history.category)):
        if guess is None:
            said = text.say("{file}: no column was found for {field}; name it in columns.").format(
                file=history.looked.label, field=field_name
            )
            text.remark(said)
            text.to_fill.append(said)
            continue
        text.note(guess.why)
        if guess.column != field_name:
            columns[field_name] = guess.column
    places = {"lon": history.looked.lon, "lat": history.looked.lat, "wkt": history.looked.wkt, "address": history.address}
    text.put("columns", columns | {name: column for name, column in places.items() if column} or None)
    if history.unsure:
        said = text.say("{file}: day and month could also be the other way round; look at date_format.").format(file=history.looked.label)
        text.remark(said)
        text.to_fill.append(said)
    if history.formats:
        text.put("date_format", history.formats[0] if len(history.formats) == 1 else history.formats)
    text.source("incidents.source", history.looked)
    _write_categories(text, parts, history)


def _write_categories(text: _Text, parts: Parts, history: History) -> None:
    """The values of the category column: with their keys where they are known, else as lines to fill in."""
    keys = category_keys(parts, history)
    if not keys:
        return
    text.table("incidents.categories")
    unknown = [value for value, key in keys.items() if key is None]
    for value, key in keys.items():
        if key is not None:
            text.put(value, key)
    if unknown:
        said = text.say("{count} values of the category column belong to no listed category: write the key (kind:code) of each.").format(
            count=len(unknown)
        )
        text.remark(said)
        text.to_fill.append(said)
        for value in unknown[:_MOST_VALUES]:
            text.plain(f"# {_key(value)} = {quoted('kind:code')}")
    if len(unknown) > _MOST_VALUES:
        text.remark(text.say("and {count} more").format(count=len(unknown) - _MOST_VALUES))


def _write_unused(text: _Text, parts: Parts) -> None:
    if parts.unused:
        text.blank()
        text.remark(text.say("Not used:"))
        for looked, why in parts.unused:
            text.remark(f"- {looked.label}: {text.told(why)}")


def _all(parts: Parts) -> list[Looked]:
    found = [level.looked for level in parts.levels] + [parts.roads, parts.owners, parts.duty_grids, parts.given_blocks]
    return [one for one in found if one is not None] + [history.looked for history in parts.incidents]


def _columns(names: Mapping[str, Guess]) -> dict[str, str]:
    return {language: guess.column for language, guess in names.items()}


@dataclass(frozen=True)
class CityFacts:
    """What holds for the whole city: code, names, zone, languages and metric CRS, each with what speaks for it (None: unknown)."""

    code: str
    names: dict[str, str]
    name_why: Note
    time_zone: str | None
    zone_why: Note
    languages: Sequence[str]
    metric_crs: str | None
    crs_why: Note


@dataclass
class _Text:
    """Lines of TOML while they are written, and what the reader has to fill in."""

    say: Say
    lines: list[str] = field(default_factory=list)
    to_fill: list[str] = field(default_factory=list)

    def plain(self, line: str) -> None:
        self.lines.append(re.sub(r"[\x00-\x08\x0a-\x1f\x7f]", " ", line))

    def blank(self) -> None:
        if self.lines and self.lines[-1]:
            self.lines.append("")

    def open(self, header: str) -> None:
        self.blank()
        self.lines.append(header)

    def table(self, name: str) -> None:
        self.lines.append(f"[{name}]")

    def put(self, name: str, value: Any) -> None:
        if value is not None:
            self.lines.append(f"{_key(name)} = {quoted(list(value) if isinstance(value, tuple) else value)}")

    def told(self, note: Note) -> str:
        return self.say(note.template).format(**note.details)

    def note(self, note: Note) -> None:
        self.remark(self.told(note))

    def remark(self, said: str) -> None:
        """A comment, broken where words end; Chinese counts double."""
        line = "#"
        words: list[str] = re.findall(r"[\u3000-\u9fff\uff00-\uffef]|[^\s\u3000-\u9fff\uff00-\uffef]+\s*|\s+", said)
        for word in words:
            if _wide(line + word.rstrip()) > _WIDTH and line != "#" and word not in "，。；：、）":
                self.plain(line.rstrip())
                line = "#"
            line += word if line != "#" else f" {word}"
        self.plain(line.rstrip())

    def gap(self, name: str, example: Any, said: str) -> None:
        """A required field that the reader must fill in: a comment that stops the check until then."""
        self.remark(said)
        self.plain(f"# {name} = {quoted(example)}")
        self.to_fill.append(f"{name}: {said}")

    def optional(self, name: str, example: Any, said: str = "") -> None:
        if said:
            self.remark(said)
        self.plain(f"# {_key(name)} = {quoted(example)}")

    def datum(self) -> None:
        self.plain(f"# datum = {quoted('…')}")

    def source(self, table: str | None, looked: Looked, *, where: Mapping[str, Any] | None = None) -> None:
        """The table of a source: file, layer, rows, encoding, and the gaps for datum and CRS."""
        if table is not None:
            self.table(table)
        source = looked.source
        self.put("file", source.file)
        self.put("layer", source.layer)
        self.put("where", dict(where or looked.where) or None)
        if source.encoding != "utf-8":
            self.note(Note("The text is not UTF-8, but all of it can be read as {encoding}.", {"encoding": source.encoding}))
            self.put("encoding", source.encoding)
        if looked.shape != "table":
            if looked.lacks_crs:
                said = self.say("{file} does not say its CRS; its numbers could be degrees, which are EPSG:4326: uncomment it if they are.")
                self.gap("crs", "EPSG:4326", said.format(file=looked.label))
            told = [value for name in looked.columns if name.lower() in ("datum", "坐标系") for value in looked.filled(name)]
            for value in dict.fromkeys(told[:1]):
                self.note(Note("A column of the file says {value!r} of its datum: ask whether that is so.", {"value": value}))
            self.datum()
        if is_generated(looked):
            self.note(Note("Its rows say that they are generated."))
            self.put("origin", "generated")

    def done(self) -> str:
        return "\n".join(self.lines) + "\n"


def _wide(text: str) -> int:
    return sum(2 if "\u3000" <= letter <= "\u9fff" or "\uff00" <= letter <= "\uffef" else 1 for letter in text)
