"""Every message of the program has its Chinese, and both doors say it in the language that is asked for."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import re
import subprocess
import sys
from dataclasses import fields

import pytest
from fastapi.testclient import TestClient

import api
import basemaps
import gis
import grids
from api.app import create_app
from gis.errors import CityBusy, EditionNotDraft, NotFound, SchemaBehind
from gis.language import language_of, translator
from gis.settings import Settings
from grids.errors import Refusal
from hatch_build import compile_catalogues
from tests.docs.messages import ROOT, collect, placeholders, translations

HAN = "\u4e00-\u9fff"
WITHOUT_HAN = {"{lon}, {lat} (WGS 84)"}
TERMS = {
    "duty grid": "责任网格|duty_grid",
    "street unit": "街区单元",
    "block": "街区单元|blocks",
    "segment": "路段",
    "edition": "版次",
    "owner": "负责人",
    "deputy": "副手",
    "incident": "事件",
    "datum": "坐标基准|datum",
    "city pack": "城市数据包",
    "basemap": "底图",
    "categor(y|ies)": "类别|categories",
    "built-up": "建成",
    "remark": "提示",
    "cell": "H3 格",
}
BROKEN = ROOT / "tests" / "packs" / "broken" / "missing-datum"


@pytest.fixture(scope="module")
def found():
    return collect()


@pytest.fixture(scope="module")
def chinese():
    return translations()


@pytest.fixture(scope="module")
def compiled():
    compile_catalogues(ROOT)
    translator.cache_clear()


@pytest.fixture(scope="module")
def client(compiled):
    settings = Settings(database_url="postgresql://nobody@127.0.0.1:1/nothing", data_dir=ROOT / "tests" / "no-such-folder")
    with TestClient(
        create_app(settings, database_url="postgresql+psycopg://nobody@127.0.0.1:1/nothing"), base_url="http://127.0.0.1"
    ) as opened:
        yield opened


def run(*words, **environment):
    kept = {name: value for name, value in os.environ.items() if name not in ("LANG", "LC_ALL", "LC_MESSAGES", "WANGGE_LANGUAGE")}
    program = [sys.executable, "-m", "api.cli", *words]
    return subprocess.run(program, cwd=ROOT, env={**kept, **environment}, capture_output=True, text=True, check=False)


def test_every_kind_of_place_where_a_message_may_stand_is_read(tmp_path):
    (tmp_path / "gis").mkdir()
    (tmp_path / "gis" / "sample.py").write_text(
        """
_WORDS = {"missing": "in a table"}

class Clash(Refusal):
    kind: Literal["a word of a field"]
    key: str = "not a message"
    template: ClassVar[str] = "in a class"
    mend = "also in a class"
    translated: ClassVar[tuple[str, ...]] = ("kind",)

class Settings(BaseSettings):
    @model_validator(mode="after")
    def _check(self):
        raise ValueError("from a validator")

def plain():
    raise ValueError("for programmers")

def act(large, progress):
    progress("a step")
    template, mend = "one of two", "the other of two"
    return Finding("slug", template, mend if large else _WORDS.get("x", "otherwise"))

def more():
    if _("asked"):
        template = "first" if plain else "second"
    raise Clash("given to a field", "not a message") if template else on_row(mend="through a wrapper", template=template)

say(f"{plain} glued")
""",
        "utf-8",
    )
    found = collect(tmp_path)
    assert set(found.messages) == {
        *(
            "in a table",
            "a word of a field",
            "in a class",
            "also in a class",
            "from a validator",
            "a step",
            "one of two",
            "the other of two",
        ),
        *("otherwise", "asked", "first", "second", "given to a field", "through a wrapper"),
    }
    assert found.messages["in a class"] == ["gis/sample.py:7"]
    assert found.unreadable == ["gis/sample.py:29: f'{plain} glued'"]


def test_every_message_can_be_read_from_the_source(found):
    assert len(found.messages) > 400
    assert found.unreadable == []


def test_every_message_has_its_chinese_and_no_chinese_is_left_over(found, chinese):
    missing = [f"{places[0]}: {message}" for message, places in found.messages.items() if not chinese.get(message)]
    assert missing == [], "write them into the catalogue after: python -m tests.docs.messages"
    assert sorted(set(chinese) - set(found.messages)) == []


def test_the_chinese_is_filled_in_at_the_same_places(chinese):
    assert {
        said: placeholders(message) ^ placeholders(said) for message, said in chinese.items() if placeholders(message) != placeholders(said)
    } == {}


def test_the_chinese_is_chinese(chinese):
    assert [message for message, said in chinese.items() if not re.search(f"[{HAN}]", said) and message not in WITHOUT_HAN] == []


def test_chinese_sentences_end_as_the_english_ones_do(chinese):
    assert [said for message, said in chinese.items() if message.endswith(".") != said.endswith("。")] == []


@pytest.mark.parametrize(
    "wrong",
    [
        f"[{HAN}][,;:!?()]|[,;:!?()][{HAN}]",
        f"[{HAN}][A-Za-z0-9]|[A-Za-z0-9][{HAN}]",
        "[，。；：、（）“”] | [，。；：、（）“”]",
        f"[{HAN}]\\.( |$)",
    ],
    ids=["half-width punctuation", "no space before Latin", "space beside full-width punctuation", "half-width stop"],
)
def test_chinese_is_set_as_chinese_is(chinese, wrong):
    assert [said for said in chinese.values() if re.search(wrong, said)] == []


@pytest.mark.parametrize(("english", "term"), TERMS.items())
def test_one_term_for_one_thing(chinese, english, term):
    wanted = re.compile(rf"\b{english}s?\b", re.IGNORECASE)
    about = {
        message: said
        for message, said in chinese.items()
        if wanted.search(re.sub(r"'[^']*'|\{\w+\}|wangge [a-z ]+|Example:.*", "", message))
    }
    assert about
    assert {message: said for message, said in about.items() if not re.search(term, said)} == {}


def refusals():
    for room in (grids, gis, basemaps, api):
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            if "migrations" not in module.name:
                importlib.import_module(module.name)
    waiting, every = [Refusal], []
    while waiting:
        one = waiting.pop()
        every.append(one)
        waiting += one.__subclasses__()
    return every


def test_every_refusal_can_fill_in_its_own_words():
    every = refusals()
    assert len(every) > 20
    for refusal in every:
        names = {field.name for field in fields(refusal)}
        assert {name for name, *_ in placeholders(refusal.template) | placeholders(refusal.mend)} | {*refusal.translated} <= names, refusal


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "WANGGE_LANGUAGE": "en"}, "en"),
        ({"LANG": "C.UTF-8", "WANGGE_LANGUAGE": "zh"}, "zh"),
    ],
)
def test_the_terminal_says_its_language(environ, language):
    assert language_of(environ) == language


def test_the_command_line_speaks_chinese(compiled):
    done = run("city", "check", str(BROKEN), WANGGE_LANGUAGE="zh")
    assert done.returncode == 5, done.stderr
    assert "错误: roads.geojson: city.toml 没有写明该文件坐标的坐标基准。请把" in done.stderr
    assert done.stdout == f"{BROKEN}：1 个错误，0 个提示\n"


def test_the_command_line_speaks_english_otherwise(compiled):
    done = run("city", "check", str(BROKEN))
    assert done.returncode == 5, done.stderr
    assert "error: roads.geojson: city.toml does not say in which datum" in done.stderr
    assert not re.search(f"[{HAN}]", done.stdout + done.stderr)


def test_json_is_in_the_same_language(compiled):
    done = run("city", "check", str(BROKEN), "--json", WANGGE_LANGUAGE="zh")
    [finding] = json.loads(done.stdout)["findings"]
    assert finding["text"].startswith("city.toml 没有写明该文件坐标的坐标基准。")


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"WANGGE_PORT": "many"}, "WANGGE_PORT 必须是整数。"),
        ({"WANGGE_ENVIRONMENT": "production"}, "WANGGE_ENVIRONMENT 为 production 时必须设置 WANGGE_SECRET_KEY"),
    ],
)
def test_a_wrong_setting_is_told_in_chinese(compiled, environ, said):
    done = run("city", "load", str(BROKEN), WANGGE_LANGUAGE="zh", **environ)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("wangge：设置有误。")
    assert said in done.stderr


def test_a_refusal_translates_the_words_in_its_fields(compiled):
    say = translator("zh")
    assert NotFound("folder", "x").text(say) == "找不到文件夹 'x'。"
    assert NotFound("folder", "x").text() == "There is no folder 'x'."
    assert (
        EditionNotDraft("helsinki", 3, "retired").text(say)
        == "helsinki 的第 3 版次不是草案，状态为已停用。请用“wangge grids build”划分新的版次。"
    )
    assert SchemaBehind("none", "0001").text(say) == "数据库的结构版本为 无，本版本需要 0001。请运行“wangge migrate”。"
    assert SchemaBehind("0000", "0001").parts() == ("The database is at schema 0000, this release needs 0001.", "Run 'wangge migrate'.")
    assert CityBusy("the incidents", "helsinki").text(say).startswith("另一个进程正在处理 helsinki 的事件。")


@pytest.mark.parametrize(
    ("path", "status", "english", "han"),
    [
        ("/basemaps/nowhere.pmtiles", 404, "There is no basemap 'nowhere'.", "找不到底图 'nowhere'。"),
        ("/no-such-page", 404, "There is nothing at this address.", "此地址没有内容。"),
        ("/styles/light.json", 503, "No PostGIS is available: ", "没有可用的 PostGIS："),
    ],
)
def test_problems_are_told_in_the_language_asked_for(client, path, status, english, han):
    for asked, headers, said in (
        ("?lang=zh", {}, han),
        ("?lang=zh", {"Accept-Language": "en"}, han),
        ("", {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}, han),
        ("", {"Accept-Language": "fr,zh;q=0.5"}, han),
        ("?lang=en", {"Accept-Language": "zh-CN"}, english),
        ("", {"Accept-Language": "fr"}, english),
        ("", {}, english),
    ):
        answer = client.get(path + asked, headers=headers)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"].startswith(said), (asked, headers)
