"""The checks of what the program is made of can fail, and say when they could not be made."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.supply_chain import ROOT, audit, components, locked, sbom

Advised = Callable[..., list[str]]

LOCK = """# a comment
good==1.0 \\
    --hash=sha256:00
Bad.One==2.0 ; sys_platform != 'never' \\
    --hash=sha256:00
elsewhere==3.0 ; sys_platform == 'never' \\
    --hash=sha256:00
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """A lock file of three packages, one of them for another system."""
    path = tmp_path / "requirements.lock"
    path.write_text(LOCK)
    return path


@pytest.fixture
def advised() -> Iterator[Advised]:
    """Starts a list of vulnerabilities on this machine that speaks as OSV does; what pip-audit needs to ask it."""
    started = []

    def start(*vulnerable: str, waits_s: float = 0) -> list[str]:
        class Told(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]["name"]
                time.sleep(waits_s)
                ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9.9"}]}]
                affected = [{"package": {"name": asked, "ecosystem": "PyPI"}, "ranges": ranges}]
                body = json.dumps(
                    {"vulns": [{"id": "X-1", "summary": "bad", "affected": affected}]} if asked in vulnerable else {}
                ).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                del arguments

        server = ThreadingHTTPServer(("127.0.0.1", 0), Told)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        started.append((server, thread))
        return ["--vulnerability-service", "osv", "--osv-url", f"http://127.0.0.1:{server.server_port}/"]

    yield start
    for server, thread in started:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_known_vulnerability_fails(lock: Path, advised: Advised, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(lock, (advised("jinja2", "bad-one"),)) == 1
    assert capsys.readouterr().out.splitlines() == [
        "vulnerable: bad-one 2.0: X-1, mended in 9.9",
        "2 of 2 locked packages looked up, 1 with a known vulnerability",
    ]


def test_packages_without_one_pass(lock: Path, advised: Advised, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(lock, (advised("jinja2"),)) == 0
    assert "2 of 2 locked packages looked up, 0 with" in capsys.readouterr().out


def test_a_list_that_cannot_be_asked_is_told_and_the_next_is_asked(
    lock: Path, advised: Advised, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = ["--vulnerability-service", "osv", "--osv-url", "http://127.0.0.1:1/"]
    knows_nothing = advised()
    assert audit(lock, (gone, knows_nothing)) == 0
    assert capsys.readouterr().out.startswith("NOT AUDITED: no list")
    assert audit(lock, (gone, knows_nothing, advised("jinja2", "good"))) == 1


def test_a_list_that_does_not_answer_holds_nobody_up(
    lock: Path, advised: Advised, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.supply_chain._MINUTE_S", 3.0)
    began = time.monotonic()
    assert audit(lock, (advised("jinja2", waits_s=4),)) == 0
    assert time.monotonic() - began < 10
    assert "NOT AUDITED" in capsys.readouterr().out


def test_the_bill_of_materials_names_every_locked_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "build" / "sbom.cdx.json"
    assert sbom(ROOT / "requirements.lock", out) == 0
    assert locked(ROOT / "requirements.lock").items() <= components(json.loads(out.read_text())).items()
    more = tmp_path / "requirements.lock"
    more.write_text((ROOT / "requirements.lock").read_text() + LOCK)
    capsys.readouterr()
    assert sbom(more, out) == 1
    assert "missing in the bill of materials: good==1.0\n" in capsys.readouterr().out
