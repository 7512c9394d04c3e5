"""The tutorial does what it says: every command is run in its order, and what it shows is what is printed."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from hatch_build import compile_catalogues
from tests.rooms import ROOT

PAGES = {"en": "docs/tutorial.md", "zh": "docs/tutorial.zh-CN.md"}
SERVE = "./wangge serve\n"
CITY = "soho_1854"


def blocks(page: str) -> list[tuple[str, str]]:
    """The fenced blocks of a page in their order: language and text."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", (ROOT / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)


def steps(page: str) -> list[tuple[str, str]]:
    """Every block of commands with what the page shows below it, which may be nothing."""
    found: list[tuple[str, str]] = []
    for language, text in blocks(page):
        if language == "sh":
            found.append((text, ""))
        else:
            assert language == "text"
            found[-1] = (found[-1][0], text)
    return found


def lost(shown: str, printed: str) -> list[str]:
    """The shown lines that were not printed in this order; a line may go on where the page ends it."""
    printed_lines, at, missing = printed.splitlines(), 0, []
    for line in [line for line in shown.splitlines() if line != "…"]:
        there = next((n for n in range(at, len(printed_lines)) if printed_lines[n].startswith(line)), None)
        if there is None:
            missing.append(line)
        else:
            at = there + 1
    return missing


def expected_exit(shown: str) -> int:
    return 5 if re.search(r"^(error|错误): ", shown, re.MULTILINE) else 0


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def cities(port: int, server: subprocess.Popen[str]) -> list[str]:
    """The cities that the server tells, asked until it answers."""
    until = time.monotonic() + 60
    while True:
        assert server.poll() is None, "the server ended by itself"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/cities", timeout=5) as answer:
                return [city["code"] for city in json.load(answer)]
        except OSError:
            assert time.monotonic() < until, "the server does not answer"
            time.sleep(0.1)


@pytest.fixture(scope="module")
def compiled() -> None:
    compile_catalogues(ROOT)


def test_both_pages_have_the_same_commands_and_show_as_much() -> None:
    english, chinese = (steps(page) for page in PAGES.values())
    assert [commands for commands, _ in english] == [commands for commands, _ in chinese]
    assert [len(shown.splitlines()) for _, shown in english] == [len(shown.splitlines()) for _, shown in chinese]
    assert SERVE in [commands for commands, _ in english]


def test_a_line_that_is_not_printed_is_found() -> None:
    assert lost("one\n…\nthree\n", "zero\none and more\ntwo\nthree\n") == []
    assert lost("three\none\n", "one\nthree\n") == ["one"]


@pytest.mark.parametrize("language", PAGES)
def test_the_tutorial_runs(language: str, test_folder: Path, tmp_path: Path, compiled: None) -> None:
    (tmp_path / "gis").symlink_to(ROOT / "gis")
    program = tmp_path / "wangge"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m api.cli "$@"\n', "utf-8")
    program.chmod(0o755)
    data, port = test_folder / f"tutorial-{language}", free_port()
    data.mkdir(mode=0o755)
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("WANGGE_", "LC_", "LANG"))}
    own = {"WANGGE_DATA_DIR": str(data), "WANGGE_LANGUAGE": language, "WANGGE_PORT": str(port), "COLUMNS": "110", "LC_ALL": "C.UTF-8"}

    def start(commands: str) -> subprocess.Popen[str]:
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.Popen(["sh", "-ec", commands], cwd=tmp_path, env=plain | own, text=True, start_new_session=True, **output)

    try:
        for commands, shown in steps(PAGES[language]):
            running = start(f"exec {commands}" if commands == SERVE else commands)
            if commands == SERVE:
                assert cities(port, running) == [CITY]
                running.send_signal(signal.SIGINT)
            printed, _ = running.communicate(timeout=120)
            assert lost(shown, printed) == [], printed
            assert running.returncode == (130 if commands == SERVE else expected_exit(shown)), printed
    finally:
        start("./wangge stop").communicate(timeout=60)
