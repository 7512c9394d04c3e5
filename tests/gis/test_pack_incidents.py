"""Reading a history by the column gives what reading it value by value would: texts, times in several formats, ids."""

from __future__ import annotations

import math
import uuid
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from gis.actions.import_incidents import import_incidents
from gis.actions.load_city import load_city
from gis.city_pack import read_city_toml
from gis.errors import BadPack
from gis.pack_incidents import read_incidents
from gis.pack_tables import texts
from gis.pack_times import utc_times
from gis.progress import silent
from tests.tiny_city import NOON, act, load
from tests.tiny_pack import read_rows, replace, write_rows

values = st.one_of(
    st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=4), st.integers(-(10**12), 10**12), st.floats(), st.booleans()
)


def plain(value: object, *, whole: bool) -> str | None:
    """One value as text, by the rule in words: trimmed, nothing for blank, no decimal point on a whole number of a column of numbers."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if whole and isinstance(value, float) and np.isfinite(value) and value == int(value):
        return str(int(value))
    return str(value).strip() or None


@given(st.lists(values))
def test_texts_of_any_mixture(column: list[object]) -> None:
    assert texts(pd.Series(column, dtype=object)) == [plain(value, whole=False) for value in column]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=4) | st.none()))
def test_texts_of_text(column: list[str | None]) -> None:
    assert texts(pd.Series(column, dtype="str")) == [plain(value, whole=False) for value in column]


@given(st.lists(st.floats() | st.integers(-(2**60), 2**60).map(float)))
def test_texts_of_numbers(column: list[float]) -> None:
    assert texts(pd.Series(column, dtype=float)) == [plain(value, whole=True) for value in column]


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_texts_of_whole_numbers(column: list[int]) -> None:
    assert texts(pd.Series(column, dtype="int64")) == [str(value) for value in column]


def test_of_several_formats_the_first_that_fits_is_taken_and_a_day_is_told_from_an_instant() -> None:
    said = ["12/31/2018 11:55:30 PM", "2018-12-31", "2018-12-31T23:55:30", "31.12.2018", "", "soon", "2018-12-31T23:55:30+01:00"]
    found = utc_times(pd.Series(said), time_zone="America/Los_Angeles", date_format=["%m/%d/%Y %I:%M:%S %p", "%d.%m.%Y", "ISO8601"])
    assert found.wrong.tolist() == [False] * 5 + [True, False]
    assert found.day_only.tolist() == [False, True, False, True, False, False, False]
    late, midnight = pd.Timestamp("2019-01-01T07:55:30Z"), pd.Timestamp("2018-12-31T08:00Z")
    assert [None if pd.isna(at) else at for at in found.at] == [
        late,
        midnight,
        late,
        midnight,
        None,
        None,
        pd.Timestamp("2018-12-31T22:55:30Z"),
    ]
    american, european = (
        utc_times(pd.Series(["03/04/2026", "13/04/2026"]), time_zone="UTC", date_format=formats).at.dt.strftime("%d %b").tolist()
        for formats in (["%m/%d/%Y", "%d/%m/%Y"], "%d/%m/%Y")
    )
    assert american == ["04 Mar", "13 Apr"]
    assert european == ["03 Apr", "13 Apr"]


def test_a_column_of_times_has_days_where_it_says_midnight_without_a_zone() -> None:
    naive = pd.Series(pd.to_datetime(["2026-01-01T00:00:00", "2026-01-01T00:00:01"]))
    assert utc_times(naive, time_zone="Asia/Shanghai").day_only.tolist() == [True, False]
    assert utc_times(naive.dt.tz_localize("UTC"), time_zone="Asia/Shanghai").day_only.tolist() == [False, False]


@pytest.mark.parametrize("formats", ['"%q"', '["%Y", "%q"]'])
def test_a_format_that_is_none_is_named(tiny_pack: Path, formats: str) -> None:
    replace(tiny_pack / "city.toml", 'key = "history"', f'key = "history"\ndate_format = {formats}')
    pack = read_city_toml(tiny_pack)
    with pytest.raises(BadPack) as refusal:
        list(read_incidents(tiny_pack, pack.incidents[0], pack))
    assert [finding.slug for finding in refusal.value.findings] == ["bad-date-format"]


def test_precision_ids_and_hard_addresses_reach_the_database(database: str, tiny_pack: Path, tmp_path: Path) -> None:
    replace(tiny_pack / "city.toml", 'key = "history"', 'key = "history"\ndate_format = ["ISO8601", "%d.%m.%Y"]')
    header, rows = read_rows(tiny_pack / "incidents.csv")
    hard = ["a\n\\.\nb", "\\.", 'say "no", twice', "NULL", "\\N", "路\t弄\r\n号", "'"]
    rows = [[f"H{n}", ("01.10.2026", "2026-10-01T08:00:00")[n % 2], *rows[0][2:5], text] for n, text in enumerate(hard)]
    write_rows(tiny_pack / "incidents.csv", header, rows)
    load(database, tiny_pack)
    with act(database) as tx:
        load_city(tx, tiny_pack, now=NOON, progress=silent)
        done = import_incidents(
            tx, "tiny", "history", file=None, rejected_folder=tmp_path, index_folder=tmp_path, now=NOON, progress=silent
        )
        assert (done.added, done.rejected) == (7, 0)
        kept = tx.execute(sa.text("SELECT id, source_id, address, reported_precision, reported_at FROM incident ORDER BY source_id")).all()
    assert [row.address for row in kept] == hard
    assert [row.reported_precision for row in kept] == ["day", "second"] * 3 + ["day"]
    assert kept[0].reported_at.isoformat() == "2026-09-30T16:00:00+00:00"
    space = uuid.UUID("6f0d5a52-4c9b-5c0c-9a49-5a1f6f1a3c1e")
    assert [row.id for row in kept] == [uuid.uuid5(space, f"tiny/history/{row.source_id}") for row in kept]
