"""Every broken pack that is kept: its own message in two languages, and a database that is as it was."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from gis.actions.load_city import load_city
from gis.errors import BadPack
from gis.language import translator
from gis.pack_check import check
from gis.progress import silent
from tests.tiny_city import NOON, act

BROKEN = Path(__file__).parents[1] / "packs" / "broken"
EXPECTED = json.loads((BROKEN / "expected.json").read_text("utf-8"))


def contents(url: str) -> dict[str, str]:
    """A digest of all rows of every table of the database, whatever made it."""
    with act(url) as tx:
        tables = tx.execute(sa.text("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'public'")).scalars()
        return {
            table: tx.execute(
                sa.text(f"SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {table} t")
            )
            .scalars()
            .one()
            for table in sorted(tables)
        }


def test_every_broken_pack_is_expected_and_there_are_enough() -> None:
    assert sorted(EXPECTED) == sorted(path.name for path in BROKEN.iterdir() if path.is_dir())
    assert len(EXPECTED) >= 26
    assert len({findings[0]["text"] for findings in EXPECTED.values()}) == len(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_broken_pack_gets_its_own_message_with_file_row_reason_and_mend(name: str) -> None:
    findings = check(BROKEN / name)
    found = [
        {"slug": finding.slug, "file": finding.file, "row": finding.row, "severity": finding.severity, "text": finding.text()}
        for finding in findings
    ]
    assert found == EXPECTED[name]
    chinese = translator("zh")
    for finding in findings:
        assert finding.file
        assert finding.mend
        assert re.search("[\u4e00-\u9fff]", chinese(finding.template))
        assert re.search("[\u4e00-\u9fff]", chinese(finding.mend))
        assert "{" not in finding.text(chinese)


def test_no_broken_pack_changes_a_row_of_any_table(database: str, tiny_pack: Path) -> None:
    with act(database) as tx:
        load_city(tx, tiny_pack, now=NOON, progress=silent)
    before = contents(database)
    assert before["public.source_area"].startswith("7 ")
    refused = [name for name, findings in EXPECTED.items() if any(finding["severity"] == "error" for finding in findings)]
    assert len(refused) >= 25
    for name in refused:
        with pytest.raises(BadPack) as refusal, act(database) as tx:
            load_city(tx, BROKEN / name, now=NOON, progress=silent)
        assert [finding.text() for finding in refusal.value.findings] == [finding["text"] for finding in EXPECTED[name]]
        assert contents(database) == before, name
