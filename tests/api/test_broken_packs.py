"""Every broken pack through the command line: exit 5 from `city check` and `city load`, file and row in both languages."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.conftest import Run

BROKEN = Path(__file__).parents[1] / "packs" / "broken"
EXPECTED = json.loads((BROKEN / "expected.json").read_text("utf-8"))

# The program itself, run over and over in one process: to start a hundred processes would take minutes.
_EACH = """
import contextlib, io, json, sys
from api.cli import main
told = []
for arguments in json.load(sys.stdin):
    sys.argv, said, code = ["wangge", *arguments], io.StringIO(), None
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            main()
        except SystemExit as leaving:
            code = leaving.code
    told.append([code, said.getvalue()])
json.dump(told, sys.stdout)
"""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_is_refused_by_check_and_load_with_file_and_row(database: str, tmp_path: Path, language: str) -> None:
    runs = [(name, act) for name in sorted(EXPECTED) for act in ("check", "load")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("WANGGE_", "LC_", "LANG"))}
    environment |= {
        "WANGGE_DATABASE_URL": database,
        "WANGGE_DATA_DIR": str(tmp_path / "data"),
        "WANGGE_LANGUAGE": language,
        "COLUMNS": "400",
    }
    asked = json.dumps([["city", act, str(BROKEN / name), *(["--json"] if act == "check" else [])] for name, act in runs])
    done = subprocess.run([sys.executable, "-c", _EACH], input=asked, env=environment, capture_output=True, text=True, check=True)
    for (name, act), (code, said) in zip(runs, json.loads(done.stdout), strict=True):
        worst = "error" if any(finding["severity"] == "error" for finding in EXPECTED[name]) else "warning"
        wanted = {("check", "error"): 5, ("load", "error"): 5, ("check", "warning"): 6, ("load", "warning"): 0}[act, worst]
        assert code == wanted, (name, act, said)
        assert "Traceback" not in said
        first = EXPECTED[name][0]
        assert first["file"] in said, (name, act, said)
        assert first["row"] is None or str(first["row"]) in said, (name, act, said)
        assert bool(re.search("[\u4e00-\u9fff]", said.replace("街区", ""))) or language == "en", (name, act, said)


def test_a_broken_pack_from_a_process_of_its_own(wangge: Run) -> None:
    done = wangge("city", "load", str(BROKEN / "unclosed-quote"), WANGGE_LANGUAGE="zh")
    assert done.returncode == 5
    assert "incidents.csv" in done.stderr
    assert "引号" in done.stderr
