"""The command line as a contract: exit codes, JSON, languages, and a sentence for everything that goes wrong."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.api.conftest import Run
from tests.tiny_pack import SOUTH, STEP_LAT, STEP_LON, WEST

LON, LAT = str(WEST + 0.4 * STEP_LON), str(SOUTH + 0.4 * STEP_LAT)
BROKEN = Path(__file__).parents[1] / "packs" / "broken"


def test_the_main_job_step_by_step(wangge: Run, tiny_pack: Path, tmp_path: Path) -> None:
    assert wangge("city", "check", str(tiny_pack)).returncode == 0
    loaded = wangge("city", "load", str(tiny_pack), "--json")
    assert json.loads(loaded.stdout)["rows"]["community"] == 4
    drawn = json.loads(wangge("grids", "build", "--json").stdout)
    assert (drawn["status"], drawn["quality"]["gap_m2"], drawn["quality"]["overlap_m2"]) == ("draft", 0.0, 0.0)
    assert json.loads(wangge("grids", "adopt", "--json").stdout) == {"city": "tiny", "edition": 1, "status": "adopted"}
    assert wangge("grids", "adopt", "--edition", "9" * 20).returncode == 2
    imported = json.loads(wangge("incidents", "import", "--json").stdout)
    assert imported["incidents"]["assigned"] == 50
    again = json.loads(wangge("incidents", "import", "--json").stdout)
    assert [(one["added"], one["already_there"]) for one in again["histories"]] == [(0, 50)]
    located = wangge("locate", LON, LAT, "--datum", "wgs84", "--json")
    assert json.loads(located.stdout)["owner"]["code"]
    assert wangge("basemap", "build").returncode == 0
    assert (tmp_path / "data" / "basemaps" / "tiny.pmtiles").stat().st_size > 1_000
    assert json.loads(wangge("worker", "--once", "--json").stdout) == {"status": "done"}


def test_in_production_somebody_stands_for_an_edition(wangge: Run) -> None:
    for step in ("build", "adopt"):
        refused = wangge("grids", step, "--json", WANGGE_ENVIRONMENT="production", WANGGE_SECRET_KEY="k" * 32)
        assert (refused.returncode, json.loads(refused.stdout)["type"]) == (2, "/problems/nobody-named")


def test_the_demo_tells_everything_and_the_second_run_changes_nothing(wangge: Run, tiny_pack: Path) -> None:
    first = wangge("demo", str(tiny_pack), "--no-serve", "--json")
    assert first.returncode == 0
    told = json.loads(first.stdout)
    assert told["changed"]
    assert told["city"]["incidents_assigned"] == 50
    assert set(told["seconds"]) >= {"load", "divide", "incidents", "basemap"}
    again = json.loads(wangge("demo", str(tiny_pack), "--no-serve", "--json").stdout)
    assert not again["changed"]
    assert again["city"]["edition_number"] == 1
    table = wangge("demo", str(tiny_pack), "--no-serve")
    assert "community" in table.stdout
    assert "Everything is made up." in table.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["city", "check", "nowhere"], 3, "nowhere"),
        (["city", "check", str(BROKEN / "bad-incidents")], 6, "incidents.csv, row"),
        (["city", "load", str(BROKEN / "empty-file")], 5, "error"),
        (["grids", "build"], 3, "No city is loaded"),
        (["grids", "build", "--city", "atlantis"], 3, "atlantis"),
        (["locate", "200", "0", "--datum", "wgs84"], 5, "globe"),
        (["locate", LON, LAT, "--datum", "mars"], 5, "gcj02"),
        (["locate", LON, LAT], 2, "--datum"),
        (["frobnicate"], 2, "frobnicate"),
        (["demo", "atlantis", "--no-serve"], 3, "atlantis"),
        (["serve", "--port", "99999999"], 2, "port"),
    ],
)
def test_what_goes_wrong_is_said_in_a_sentence(wangge: Run, arguments: list[str], code: int, said: str) -> None:
    done = wangge(*arguments)
    assert (done.returncode, done.stdout.strip()) == (code, "") or code == 6
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_refusal_is_a_problem_document_with_json(wangge: Run) -> None:
    done = wangge("locate", LON, LAT, "--datum", "mars", "--json")
    problem = json.loads(done.stdout)
    assert (done.returncode, problem["exit_code"], problem["type"]) == (5, 5, "/problems/unknown-datum")


def test_outside_every_city_is_exit_3_and_still_an_answer(wangge: Run) -> None:
    done = wangge("locate", "0", "0", "--datum", "wgs84", "--json")
    assert (done.returncode, json.loads(done.stdout)["how"]) == (3, "outside")


def test_chinese_is_spoken_where_the_terminal_asks_for_it(wangge: Run) -> None:
    done = wangge("locate", LON, LAT, "--datum", "mars", LANG="zh_CN.UTF-8")
    assert done.returncode == 5
    assert any("一" <= letter <= "鿿" for letter in done.stderr)


def test_a_western_place_is_a_place(wangge: Run) -> None:
    assert wangge("locate", "-121.4", "-31.2", "--datum", "wgs84").returncode == 3


def test_brackets_in_a_citys_own_texts_are_texts(wangge: Run, tiny_pack: Path) -> None:
    owners = tiny_pack / "owners.csv"
    header, first, *rest = owners.read_text().splitlines()
    name = first.split(",")[1]
    owners.write_text("\n".join([header, *(row.replace(name, "Ann [/bold] [b]x") for row in (first, *rest))]) + "\n")
    assert wangge("demo", str(tiny_pack), "--no-serve").returncode == 0
    assert all("Traceback" not in wangge("locate", str(WEST + at * STEP_LON), LAT, "--datum", "wgs84").stderr for at in (0.4, 2.4))


def test_settings_that_are_wrong_are_named(wangge: Run) -> None:
    production = wangge("migrate", WANGGE_ENVIRONMENT="production")
    assert production.returncode == 2
    assert "WANGGE_SECRET_KEY" in production.stderr
    assert "no URL" in wangge("migrate", WANGGE_DATABASE_URL="foo").stderr
    assert wangge("stop", WANGGE_DATA_DIR=__file__).returncode == 2
    port = wangge("doctor", WANGGE_PORT="many")
    assert port.returncode == 2
    assert "WANGGE_PORT" in port.stderr


def test_the_server_listens_on_loopback_only(wangge: Run) -> None:
    refused = wangge("serve", WANGGE_HOST="0.0.0.0")
    assert refused.returncode == 2
    assert "0.0.0.0" in refused.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert wangge("serve", "--port", port).returncode == 4


def test_serving_needs_the_schema(wangge: Run, empty_database: str) -> None:
    refused = wangge("serve", "--port", "0", WANGGE_DATABASE_URL=empty_database)
    assert refused.returncode == 1
    assert "wangge migrate" in refused.stderr
    assert wangge("migrate", WANGGE_DATABASE_URL=empty_database).returncode == 0


def test_serve_answers_and_stop_ends_it(database: str, wangge: Run, tmp_path: Path) -> None:
    environment = os.environ | {"WANGGE_DATABASE_URL": database, "WANGGE_DATA_DIR": str(tmp_path / "data")}
    command = [sys.executable, "-m", "api.cli", "serve", "--port", "0", "--json"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        address = _address(server)
        with urllib.request.urlopen(f"{address}/readyz", timeout=30) as reply:
            assert reply.status == 200
        assert wangge("serve", "--port", "0").returncode == 4
        assert json.loads(wangge("stop", "--json").stdout) == {"stopped": ["serve"]}
        assert server.wait(timeout=30) == 0, "it was asked to end, and nothing went wrong"
    assert json.loads(wangge("stop", "--json").stdout) == {"stopped": []}


def test_a_worker_that_is_stopped_has_done_nothing_wrong(database: str, wangge: Run, tmp_path: Path) -> None:
    environment = os.environ | {"WANGGE_DATABASE_URL": database, "WANGGE_DATA_DIR": str(tmp_path / "data")}
    with subprocess.Popen([sys.executable, "-m", "api.cli", "worker"], env=environment, stdout=subprocess.DEVNULL) as worker:
        until = time.monotonic() + 60
        while json.loads(wangge("stop", "--json").stdout) == {"stopped": []}:
            assert time.monotonic() < until
        assert worker.wait(timeout=30) == 0


def test_ctrl_c_ends_the_server_cleanly(database: str, tmp_path: Path) -> None:
    environment = os.environ | {"WANGGE_DATABASE_URL": database, "WANGGE_DATA_DIR": str(tmp_path / "data")}
    command = [sys.executable, "-m", "api.cli", "serve", "--port", "0", "--json"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        # Only a server that answers has taken the signal's handling over; a shell may have told its jobs to ignore it.
        with urllib.request.urlopen(f"{_address(server)}/healthz", timeout=30) as reply:
            assert reply.status == 200
        server.send_signal(signal.SIGINT)
        try:
            server.wait(timeout=30)
        finally:
            server.kill()
        assert server.returncode in (0, 130)
        assert server.stderr is not None
        assert "Traceback" not in server.stderr.read()


def _address(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    said = ""
    until = time.monotonic() + 60
    while "}" not in said:
        assert time.monotonic() < until
        said += server.stdout.readline()
    address: str = json.loads(said)["address"]
    return address


def test_doctor_finds_nothing_wrong_here(wangge: Run) -> None:
    told = json.loads(wangge("doctor", "--json").stdout)
    missing = [check for check in told["checks"] if check["state"] == "missing"]
    assert missing == []
    assert told["settings"]["secret_key"].strip("*") == ""


def test_doctor_says_what_is_missing_and_how_to_mend_it(wangge: Run, empty_database: str) -> None:
    done = wangge("doctor", "--json", WANGGE_DATABASE_URL=empty_database)
    assert done.returncode == 6
    assert [check["mend"] for check in json.loads(done.stdout)["checks"] if check["state"] == "missing"] == ["wangge migrate"]


def test_the_pack_of_another_country_is_refused_whole(wangge: Run, tiny_pack: Path) -> None:
    moved = (tiny_pack / "roads.geojson").read_text().replace("121.4", "12.4")
    (tiny_pack / "roads.geojson").write_text(moved)
    done = wangge("city", "load", str(tiny_pack))
    assert done.returncode == 5
    assert "roads.geojson" in done.stderr
    assert json.loads(wangge("grids", "build", "--json").stdout)["type"] == "/problems/no-city-loaded"
