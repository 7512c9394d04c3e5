"""Who is on duty, who is away and which department leads: through HTTP and on the command line, in both languages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import Run, served
from tests.rich_pack import PARK, SCHOOL, write_rich_pack
from tests.tiny_city import load
from tests.tiny_pack import SOUTH, STEP_LAT, STEP_LON, WEST

SCHOOL_YARD = {"lon": WEST + 0.3 * STEP_LON, "lat": SOUTH + 0.3 * STEP_LAT, "datum": "wgs84"}
STREET = {"lon": WEST + 1.2 * STEP_LON, "lat": SOUTH + 1.2 * STEP_LAT, "datum": "wgs84"}


@pytest.fixture
def rich(database: str, tmp_path: Path) -> Iterator[TestClient]:
    """The app over the rich tiny city."""
    load(database, write_rich_pack(tmp_path / "rich"))
    with served(database, tmp_path) as client:
        yield client


def asked(client: TestClient, place: dict[str, object], at: str, category: str | None = None) -> dict[str, object]:
    question = place | {"at": at} | ({"category": category} if category else {})
    reply = client.get("/api/v1/locate", params=question)
    assert reply.status_code == 200, reply.text
    answer: dict[str, object] = reply.json()["dispatch"]
    return answer


def test_a_special_unit_answers_before_the_levels_and_says_so_in_both_languages(rich: TestClient) -> None:
    answer = asked(rich, SCHOOL_YARD, "2026-06-02T10:00:00+08:00")
    assert (answer["level"], answer["code"], answer["by"]["code"]) == ("special_unit", SCHOOL, "S1")
    assert [rung["verdict"] for rung in answer["rungs"][:3]] == ["answers", "backstop", "backstop"]
    assert answer["rungs"][0]["reason"] == {
        "en": "answers: a place with an owner of its own comes before the levels",
        "zh": "由其负责：有专门负责人的位置先于各层级",
    }
    assert answer["sentence"]["en"] == f"Head of school answers here, on the level special unit ({SCHOOL} School)."
    assert "专属单元" in answer["sentence"]["zh"]


def test_who_is_away_is_named_with_the_reason_and_the_next_answers(rich: TestClient) -> None:
    answer = asked(rich, SCHOOL_YARD, "2026-06-12T19:00:00+08:00")
    school, park, grid = answer["rungs"][:3]
    assert [rung["code"] for rung in (school, park)] == [SCHOOL, PARK]
    assert [(one["by"]["code"], one["absence"], one["until"]) for one in school["absent"]] == [
        ("S1", "outside_shift", None),
        ("S2", "outside_shift", None),
    ]
    assert park["reason"]["en"] == "nobody is on duty; Park keeper is on leave until 2026-06-20 00:00"
    assert park["reason"]["zh"] == "无人当班；Park keeper 休假至 2026-06-20 00:00"
    assert park["absent"][0]["until"] == "2026-06-20T00:00:00+08:00"
    assert (grid["verdict"], answer["level"], answer["by"]["code"]) == ("answers", "duty_grid", "O1")


def test_the_department_that_leads_is_in_the_sentence_beside_who_is_first_on_the_spot(rich: TestClient) -> None:
    answer = asked(rich, STREET, "2026-06-02T10:00:00+08:00", "component:02001")
    assert answer["department"] == {"code": "urban", "names": {"en": "Urban Management", "zh": "城管执法局"}}
    assert answer["by"]["code"] == "O1"
    assert answer["sentence"]["en"].endswith(". Urban Management leads.")
    assert answer["sentence"]["zh"].endswith("。主管部门：城管执法局。")
    assert asked(rich, STREET, "2026-06-02T10:00:00+08:00", "matter:06001")["department"] is None


def test_a_leave_is_recorded_listed_and_withdrawn_on_the_command_line(database: str, tmp_path: Path, wangge: Run) -> None:
    load(database, write_rich_pack(tmp_path / "rich"))
    done = wangge("owners", "leave", "tiny", "O3", "--from", "2026-01-01", "--to", "2099-01-01T08:30", "--json")
    assert done.returncode == 0, done.stderr
    number = json.loads(done.stdout)["leave"]
    listed = json.loads(wangge("owners", "list", "tiny", "--json").stdout)
    [leave] = [one for one in listed["leaves"] if one["number"] == number]
    assert (leave["owner"], leave["to"], leave["said_by"]) == ("O3", "2099-01-01T08:30:00+08:00", "command")
    [post] = [one for one in listed["posts"] if one["owner"]["code"] == "O3"]
    assert (post["on_duty"], post["absence"], post["kind"]) == (False, "on_leave", "duty_grid")
    shown = wangge("owners", "list", "tiny", LANG="zh_CN.UTF-8").stdout
    assert "休假至 2099-01-01 08:30" in shown
    assert wangge("owners", "withdraw", "tiny", "O3", str(number)).returncode == 0
    assert wangge("owners", "withdraw", "tiny", "O3", str(number)).returncode == 3
    listed = json.loads(wangge("owners", "list", "tiny", "--json").stdout)
    assert number not in [one["number"] for one in listed["leaves"]]


REFUSED = [
    (("leave", "tiny", "O9", "--from", "2026-06-01"), 3, "no owner 'O9'"),
    (("leave", "atlantis", "O1", "--from", "2026-06-01"), 3, "no city 'atlantis'"),
    (("leave", "tiny", "O1", "--from", "tomorrow"), 5, "'tomorrow'"),
    (("leave", "tiny", "O1", "--from", ""), 5, "which instant"),
    (("leave", "tiny", "O1", "--from", "2026-06-02", "--to", "2026-06-02"), 5, "before its end"),
    (("leave", "tiny", "O1"), 2, "--from"),
    (("withdraw", "tiny", "O1", "77"), 3, "no leave '77'"),
    (("list", "tiny", "--at", "2026-06-02T10:00:00"), 5, "which instant"),
    (("list", "tiny", "--at", "2020-06-02T10:00:00Z"), 4, "no adopted edition"),
]


def test_nonsense_is_refused_with_a_sentence(database: str, tmp_path: Path, wangge: Run) -> None:
    load(database, write_rich_pack(tmp_path / "rich"))
    for arguments, code, said in REFUSED:
        done = wangge("owners", *arguments)
        assert done.returncode == code, (arguments, done.stderr)
        assert said in done.stderr, arguments
        assert "Traceback" not in done.stderr, arguments
