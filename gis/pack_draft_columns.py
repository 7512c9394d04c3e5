"""Guesses which column of a file holds what, each guess with what speaks for it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pandas as pd

from gis.pack_draft_files import Looked
from gis.pack_times import ISO, utc_times

HAN = re.compile("[\u4e00-\u9fff]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_LANGUAGES = {"cn": "zh", "chn": "zh", "zh": "zh", "hans": "zh", "en": "en", "eng": "en"} | {
    code: code for code in ("fi", "sv", "de", "fr", "es", "it", "ja", "ko", "pt", "ru", "nl", "da", "no", "pl", "cs", "vi", "th")
}
# Tokens of column names, the most telling first.
_CODES = (
    ("code", "代码", "编码", "区划码"),
    ("adcode", "geoid", "pcode", "citycode"),
    ("id", "标识"),
    ("number", "no", "nr", "编号", "序号"),
    ("objectid", "fid", "gid"),
)
_IDS = (("id", "工单编号", "工单号", "案件编号", "任务号"), ("number", "no", "nr", "key", "编号", "单号", "序号"))
_TIMES = (
    ("reported", "created", "createddate", "opened", "requested", "上报", "受理", "发生", "立案", "来电", "创建"),
    ("time", "date", "datetime", "timestamp", "时间", "日期"),
)
_LATER = ("closed", "updated", "closeddate", "updateddate", "resolved", "due", "结案", "办结", "更新")
_CATEGORIES = (
    ("category", "类别", "分类", "小类"),
    ("type", "requesttype", "complaint", "类型", "事项", "kind"),
    ("subject", "problem", "问题"),
)
_ADDRESSES = (("address", "地址", "地点", "位置"), ("street", "location"))
_ROADS = (("highway", "road_class", "fclass", "道路等级"), ("class", "roadclass", "functional", "等级"), ("type", "kind", "类型"))
_KINDS = (("kind",), ("type", "class", "fclass", "类型"), ("building", "natural", "landuse", "land", "water"))
LEVELS = (("level", "adminlevel", "层级", "级别"), ("tier", "rank"))
_FORMATS = (
    *("%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y.%m.%d %H:%M", "%Y.%m.%d", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日"),
    *("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y"),
    *("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y"),
    *("%Y%m%d%H%M%S", "%Y%m%d"),
)
# Rows that a guess looks at; what is true for these is said of the whole.
_SAMPLE = 5_000
_MOST_CATEGORIES = 200


def tokens(name: str) -> list[str]:
    """The words of a column's or file's name, in small letters: ``NAME_ZH`` and ``nameZh`` are name, zh."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return [word for word in re.split(r"[\W_]+", spaced.lower()) if word]


def ranked(looked: Looked, words: Iterable[Collection[str]]) -> list[str]:
    """Columns whose names have one of the words, the most telling first; Chinese words also inside a name."""
    found: list[str] = []
    for group in words:
        split = {name: tokens(name) for name in looked.columns}
        exact = ["".join(parts) in group for parts in split.values()]
        among = [any(part in group for part in parts) or any(HAN.search(w) and w in name for w in group) for name, parts in split.items()]
        glued = [any("".join(parts).endswith(word) for word in group if len(word) > 1 and word.isascii()) for parts in split.values()]
        for fits in (exact, among, glued):
            found += [name for name, fit in zip(split, fits, strict=True) if fit]
    return list(dict.fromkeys(found))


def code_of(looked: Looked) -> Guess | None:
    """The column that names each row uniquely: one that is called so, else the shortest that does.

    A column that is called so and repeats itself in a few rows is taken before one that only happens to differ: the
    check then names the rows.
    """
    called = ranked(looked, _CODES)
    for name in called:
        if _different(looked, name) == 1:
            return Guess(name, Note("code: column {column!r} differs in every row ({count}).", {"column": name, "count": looked.rows}))
    for name in called:
        if _different(looked, name) >= 0.7:
            percent = _percent(_different(looked, name))
            return Guess(
                name,
                Note(
                    "code: column {column!r} is called so, but differs in only {percent} % of the rows.",
                    {"column": name, "percent": percent},
                ),
            )
    for name in sorted(looked.columns, key=lambda name: sum(map(len, looked.filled(name)))):
        if _different(looked, name) == 1:
            return Guess(name, Note("code: column {column!r} differs in every row ({count}).", {"column": name, "count": looked.rows}))
    return None


def _different(looked: Looked, column: str) -> float:
    """The share of rows with a value of their own; 0 for a column of numbers with fractions, which are no codes."""
    values = looked.filled(column)
    fractions = all(re.fullmatch(r"-?\d+\.\d+", value) for value in values)
    return 0.0 if fractions else len(set(values)) / len(looked.columns[column])


def parent_of(looked: Looked, codes: Collection[str], *, code: str) -> Guess | None:
    """The column whose values are codes of the level above."""
    for name, values in looked.columns.items():
        there = [value for value in values if value is not None]
        if name == code or not there or len(there) < 0.95 * len(values):
            continue
        share = sum(value in codes for value in there) / len(there)
        if share >= 0.99:
            details = {"percent": _percent(share), "column": name}
            return Guess(name, Note("parent: {percent} % of column {column!r} are codes of the level above.", details))
    return None


def names_of(looked: Looked) -> dict[str, Guess]:
    """For each language the column of names in it: the language as the column's name says, else by the letters of the values."""
    found: dict[str, Guess] = {}
    columns = [name for name in looked.columns if _is_name(name) and looked.filled(name)]
    for name in sorted(columns, key=lambda name: (tokens(name)[:1] != ["name"], len(name))):
        said = _said_language(name)
        percent, script = _script(looked.filled(name)[:_SAMPLE])
        language = said or script
        if language is None or language in found:
            continue
        details = {"column": name, "percent": percent}
        if script == "zh":
            note = Note("names: column {column!r}: {percent} % Chinese text.", details)
        elif said is not None:
            note = Note("names: column {column!r}; the language is taken from its name.", details)
        else:
            note = Note(
                "names: column {column!r}: {percent} % Latin letters, taken for English; write fi, de … if it is another language.", details
            )
        found[language] = Guess(name, note)
    return found


def category_of(looked: Looked) -> Guess | None:
    """The column with few distinct values that says what a row is about."""
    return _few(looked, _CATEGORIES, most=_MOST_CATEGORIES)


def road_class_of(looked: Looked) -> Guess | None:
    """The column with the class of road."""
    return _few(looked, _ROADS, most=40)


def kind_of(looked: Looked) -> Guess | None:
    """The column that says what a feature of the basemap is."""
    return _few(looked, _KINDS, most=60)


def level_of(looked: Looked) -> Guess | None:
    """The column that says which level of the ladder an area belongs to, where one file holds several."""
    found = _few(looked, LEVELS, most=6)
    return found if found and len(set(looked.columns[found.column])) > 1 and None not in looked.columns[found.column] else None


def id_of(looked: Looked) -> Guess | None:
    """The column that names each incident; a few repeats are allowed, because the import finds them."""
    for name in ranked(looked, _IDS):
        there = looked.filled(name)
        if there and len(there) >= 0.99 * len(looked.columns[name]) and len(set(there)) >= 0.98 * len(there):
            return Guess(name, Note("id: column {column!r}, different values: {count}.", {"column": name, "count": len(set(there))}))
    return None


def address_of(looked: Looked) -> str | None:
    """The column with the address, if there is one."""
    return next((name for name in ranked(looked, _ADDRESSES) if len(set(looked.filled(name))) > 1), None)


def time_of(looked: Looked) -> tuple[Guess, list[str]] | None:
    """The column with the time of a report, and the formats that read it (none: ISO 8601, or a column of times)."""
    columns = [name for name in ranked(looked, _TIMES) if not set(tokens(name)) & set(_LATER) and looked.filled(name)]
    for name in columns:
        if name in looked.times:
            return Guess(name, Note("reported_at: column {column!r} holds times.", {"column": name})), []
        formats, share = _formats_of(looked.filled(name)[:_SAMPLE])
        if share >= 0.95:
            details = {
                "column": name,
                "percent": _percent(share),
                "formats": ", ".join(formats) or "ISO 8601",
                "value": looked.filled(name)[0],
            }
            said = Note("reported_at: {percent} % of column {column!r} are times written as {formats}, for example {value!r}.", details)
            return Guess(name, said), formats
    return None


def day_and_month_are_unsure(looked: Looked, column: str, formats: list[str]) -> bool:
    """Whether the same texts can be read with day and month the other way round."""
    swapped = [f.replace("%m/%d", "%_").replace("%d/%m", "%m/%d").replace("%_", "%d/%m") for f in formats]
    return swapped != formats and _share(looked.filled(column)[:_SAMPLE], swapped) >= 0.95


def is_generated(looked: Looked) -> bool:
    """Whether most rows say of themselves that they were generated."""
    said = [False] * len(next(iter(looked.columns.values()), []))
    for values in looked.columns.values():
        said = [
            known or (value is not None and ("generated" in value or "生成" in value)) for known, value in zip(said, values, strict=True)
        ]
    return bool(said) and sum(said) >= 0.5 * len(said)


def _formats_of(values: list[str]) -> tuple[list[str], float]:
    """The fewest formats that read nearly all values, and the share that they read; none for ISO 8601."""
    share = _share(values, [ISO])
    if share >= 0.95:
        return [], share
    chosen: list[str] = []
    best = 0.0
    for _ in range(3):
        shares = {one: _share(values, [*chosen, one]) for one in _FORMATS if one not in chosen}
        one = max(shares, key=lambda one: shares[one])
        if shares[one] <= best + 0.001:
            break
        chosen, best = [*chosen, one], shares[one]
        if best >= 0.999:
            break
    return chosen, best


def _share(values: list[str], formats: list[str]) -> float:
    at = utc_times(pd.Series(values, dtype=object), time_zone="UTC", date_format=formats).at
    return float(at.notna().mean()) if len(values) else 0.0


def _few(looked: Looked, words: Iterable[Collection[str]], *, most: int) -> Guess | None:
    for name in ranked(looked, words):
        there = looked.filled(name)
        different = len(set(there))
        if there and len(there) >= 0.5 * len(looked.columns[name]) and different <= min(most, max(len(there) // 2, 1)):
            return Guess(name, Note("column {column!r}, different values: {count}.", {"column": name, "count": different}))
    return None


def _is_name(column: str) -> bool:
    parts = tokens(column)
    return (
        bool({"name", "names", "nm", "title"} & set(parts))
        or "".join(parts).endswith("name")
        or column.endswith(("名", "名称"))
        or "名称" in column
    )


def _said_language(column: str) -> str | None:
    if "中文" in column or "英文" in column:
        return "zh" if "中文" in column else "en"
    parts = tokens(column)
    return next((_LANGUAGES[part] for part in parts if part in _LANGUAGES), None) if len(parts) > 1 else None


def _script(values: list[str]) -> tuple[int, str | None]:
    """The script of most values, as the language it is taken for, and their share in percent."""
    han = sum(HAN.search(value) is not None for value in values)
    latin = sum(HAN.search(value) is None and _LATIN.search(value) is not None for value in values)
    language = "zh" if han >= latin and han else "en" if latin else None
    return _percent(max(han, latin) / len(values)), language


def _percent(share: float) -> int:
    """A share in whole percent; 100 only when it is all."""
    return 100 if share >= 1 else min(99, round(share * 100))


@dataclass(frozen=True)
class Note:
    """What is said about a guess: an English message and what fills it."""

    template: str
    details: dict[str, Any] = field(default_factory=dict)
    translated: ClassVar[tuple[str, ...]] = ("template",)


@dataclass(frozen=True)
class Guess:
    """A column, and what speaks for it."""

    column: str
    why: Note
