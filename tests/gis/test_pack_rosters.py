"""What a pack says over its ladder: the good one passes, each broken one gets its own message, with file, row and mend."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from pathlib import Path

import pytest

from gis.language import translator
from gis.pack_check import check
from gis.pack_rosters import clock, weekdays
from tests.rich_pack import MARKET, PARK, SCHOOL, A, write_rich_pack
from tests.tiny_pack import read_features, read_rows, replace, square, write_features, write_rows

MARKET_UNOWNED = ("no-owner", "owners.csv", None, "warning")
"""The one remark on the good pack."""


@pytest.fixture
def rich(tmp_path: Path) -> Path:
    """The folder of the rich tiny pack, to be broken in one way."""
    return write_rich_pack(tmp_path / "rich")


def said(folder: Path) -> list[tuple[str, str | None, int | None, str]]:
    return [(finding.slug, finding.file, finding.row, finding.severity) for finding in check(folder)]


def change(path: Path, at: int, **changed: str) -> None:
    header, rows = read_rows(path)
    rows[at] = [changed.get(name, value) for name, value in zip(header, rows[at], strict=True)]
    write_rows(path, header, rows)


def add(path: Path, *row: str) -> None:
    header, rows = read_rows(path)
    write_rows(path, header, [*rows, list(row)])


def redraw(folder: Path, at: int, ring: list[list[float]] | None = None, **properties: str) -> None:
    path = folder / "special_units.geojson"
    features = read_features(path)
    if ring is not None:
        features[at]["geometry"] = {"type": "Polygon", "coordinates": [ring]}
    features[at]["properties"] |= properties
    write_features(path, features)


def test_the_rich_pack_is_good(rich: Path) -> None:
    assert said(rich) == [MARKET_UNOWNED]
    assert MARKET in check(rich)[0].text()


FAULTS: dict[str, tuple[Callable[[Path], None], tuple[str, str, int | None]]] = {
    "shift of nobody": (lambda folder: change(folder / "shifts.csv", 1, owner="S9"), ("unknown-owner", "shifts.csv", 3)),
    "no days": (lambda folder: change(folder / "shifts.csv", 0, days="weekdays"), ("bad-days", "shifts.csv", 2)),
    "empty days": (lambda folder: change(folder / "shifts.csv", 0, days=""), ("bad-days", "shifts.csv", 2)),
    "no time of day": (lambda folder: change(folder / "shifts.csv", 2, **{"from": "8 o'clock"}), ("bad-clock", "shifts.csv", 4)),
    "begins at the end of the day": (lambda folder: change(folder / "shifts.csv", 2, **{"from": "24:00"}), ("bad-clock", "shifts.csv", 4)),
    "25 hours": (lambda folder: change(folder / "shifts.csv", 2, to="25:00"), ("bad-clock", "shifts.csv", 4)),
    "leave of nobody": (lambda folder: change(folder / "leaves.csv", 0, owner=""), ("unknown-owner", "leaves.csv", 2)),
    "leave without a time": (lambda folder: change(folder / "leaves.csv", 0, to="some day"), ("bad-time", "leaves.csv", 2)),
    "leave that ends first": (lambda folder: change(folder / "leaves.csv", 1, to="2026-05-01"), ("ends-before-it-begins", "leaves.csv", 3)),
    "leave without ends": (lambda folder: change(folder / "leaves.csv", 1, to="", **{"from": ""}), ("empty-field", "leaves.csv", 3)),
    "department twice": (lambda folder: add(folder / "departments.csv", "urban", "x", "x"), ("duplicate-code", "departments.csv", 5)),
    "department without code": (lambda folder: add(folder / "departments.csv", "", "x", "x"), ("no-code", "departments.csv", 5)),
    "unknown department": (lambda folder: change(folder / "department_leads.csv", 0, department="x"), ("unknown-department", "department_leads.csv", 2)),
    "unknown category": (lambda folder: change(folder / "department_leads.csv", 4, category="component:9"), ("unknown-category", "department_leads.csv", 6)),
    "class of nothing": (lambda folder: change(folder / "department_leads.csv", 0, category="matter:99*"), ("unknown-category", "department_leads.csv", 2)),
    "class without kind": (lambda folder: change(folder / "department_leads.csv", 0, category="*"), ("unknown-category", "department_leads.csv", 2)),
    "unknown area": (lambda folder: change(folder / "department_leads.csv", 3, area="310999"), ("unknown-area", "department_leads.csv", 5)),
    "two departments": (lambda folder: change(folder / "department_leads.csv", 2, **{"from": "2026-06-01"}), ("two-departments", "department_leads.csv", 4)),
    "outside the city": (lambda folder: redraw(folder, 2, square(7, 7, 0.5, 0.5)), ("outside-the-city", "special_units.geojson", 3)),
    "crosses itself": (lambda folder: redraw(folder, 0, bow_tie()), ("invalid-polygon", "special_units.geojson", 1)),
    "same code": (lambda folder: redraw(folder, 2, code=SCHOOL), ("duplicate-code", "special_units.geojson", 3)),
    "code of an area": (lambda folder: redraw(folder, 2, code=A), ("duplicate-code", "special_units.geojson", 3)),
    "no place": (lambda folder: add(folder / "owners.csv", "X1", "X", "P-7", "owner"), ("unknown-area", "owners.csv", 14)),
    "mistyped side": (lambda folder: add(folder / "owners.csv", "X1", "X", f"{A}-S-0001-LX", "owner"), ("unknown-area", "owners.csv", 14)),
    "block of another city": (lambda folder: add(folder / "owners.csv", "X1", "X", "990101001001001", "owner"), ("unknown-area", "owners.csv", 14)),
    "two owners of a park": (lambda folder: add(folder / "owners.csv", "X1", "X", PARK, "owner"), ("two-owners", "owners.csv", 14)),
}  # fmt: skip


def bow_tie() -> list[list[float]]:
    a, b, c, d, end = square(0.1, 0.1, 0.8, 0.8)
    return [a, c, b, d, end]


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named_with_file_and_row_in_both_languages(rich: Path, fault: str) -> None:
    broken, (slug, file, row) = FAULTS[fault]
    broken(rich)
    found = [finding for finding in check(rich) if finding.severity == "error"]
    assert {(finding.slug, finding.file, finding.row) for finding in found} == {(slug, file, row)}
    for finding in found:
        english, chinese = finding.text(), finding.text(translator("zh"))
        assert "{" not in english + chinese
        assert any("\u4e00" <= character <= "\u9fff" for character in chinese)


@pytest.mark.parametrize("code", [f"{A}001", f"{A}-S-0001", "310101-S-0012-L5"])
def test_a_block_and_a_segment_are_known_before_the_city_is_divided(rich: Path, code: str) -> None:
    """Only by their form, so a code that no unit gets is refused when the edition is drawn."""
    if code.endswith("L5"):
        from grids.unit_codes import checked

        code = checked(code[:-1])
    add(rich / "owners.csv", "X1", "X", code, "owner")
    assert said(rich) == [MARKET_UNOWNED]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('[departments]\nsource = { file = "departments.csv" }\n', "", "department_leads needs departments"),
        ('names = { en = "name_en", zh = "name_zh" } }\n\n[shifts]', 'parent = "up" }\n\n[shifts]', "code and names only"),
        ('key = "district"', 'key = "segment"', "no key of a level"),
    ],
)
def test_what_city_toml_may_not_say(rich: Path, old: str, new: str, words: str) -> None:
    replace(rich / "city.toml", old, new)
    [finding] = check(rich)
    assert finding.slug == "bad-field"
    assert words in finding.text()


def test_a_missing_column_is_named(rich: Path) -> None:
    header, rows = read_rows(rich / "shifts.csv")
    write_rows(rich / "shifts.csv", [name.replace("days", "weekdays") for name in header], rows)
    found = [finding for finding in check(rich) if finding.severity == "error"]
    assert [(finding.slug, finding.file) for finding in found] == [("missing-column", "shifts.csv")]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon-fri", (1, 2, 3, 4, 5)),
        ("Monday", (1,)),
        ("mon, wed fri", (1, 3, 5)),
        ("sat-mon", (1, 6, 7)),
        ("mon-sun", (1, 2, 3, 4, 5, 6, 7)),
        ("sun;sun", (7,)),
        ("", ()),
        ("mon-", ()),
        ("-fri", ()),
        ("1-5", ()),
        ("mon-fri-sun", ()),
    ],
)
def test_days_of_the_week(text: str, days: tuple[int, ...]) -> None:
    assert weekdays(text) == days


@pytest.mark.parametrize(
    ("text", "ends", "found"),
    [
        ("08:30", False, time(8, 30)),
        ("8:30", False, time(8, 30)),
        ("08:30:00", False, time(8, 30)),
        ("00:00", True, time(0)),
        ("24:00", True, time(0)),
        ("24:00", False, None),
        ("24:01", True, None),
        ("08:60", True, None),
        ("-1:00", True, None),
        ("0830", True, None),
        ("", True, None),
    ],
)
def test_times_of_day(text: str, ends: bool, found: time | None) -> None:
    assert clock(text, ends=ends) == found
