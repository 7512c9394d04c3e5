"""No secret gets into the log, whoever logs it and in which form."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
import structlog

from api.logs import MASK, configure_logs
from gis.settings import Settings

SECRET = "Tr0ub4dor-and-3"  # noqa: S105 - what must not be found


@pytest.fixture(params=["json", "text"])
def form(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Literal["json", "text"]]:
    """The log as the program sets it up, in each of its forms; as it was, afterwards."""
    root = logging.getLogger()
    level = root.level
    configure_logs(Settings(data_dir=tmp_path, log_format=request.param, log_level="debug"))
    (ours,) = root.handlers
    yield request.param
    root.removeHandler(ours)
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize(
    "fields",
    [
        {"password": SECRET},
        {"Authorization": f"Bearer {SECRET}"},
        {"headers": {"cookie": f"wangge_login={SECRET}", "accept": "*/*"}},
        {"headers": [("authorization", f"Bearer {SECRET}")]},
        {"headers": [(b"cookie", f"wangge_login={SECRET}".encode())]},
        {"deep": {"list": [{"client_secret": SECRET}]}},
        {"secret_key": SECRET, "api_key": SECRET, "tile_token": SECRET, "token_digest": SECRET.encode()},
        {"reason": f"could not connect to postgresql://wangge:{SECRET}@db.example/wangge"},
        {"reason": f"connection failed: host=db user=wangge password={SECRET} dbname=wangge"},
        {"reason": f"connection failed: password='{SECRET} and more'"},
        {"url": f"/tiles/blocks/1/2/3.mvt?token={SECRET}&x=1"},
        {"said": f"Authorization: Basic {SECRET}"},
        {"error": ValueError(f"Bearer {SECRET}")},
        {"said": json.dumps({"login": "ann", "password": SECRET})},
        {"said": f"the key wgk_{SECRET} was refused"},
        {"database_url": f"postgresql://wangge:{SECRET}@db.example/wangge"},
    ],
)
def test_a_secret_is_masked(form: str, capsys: pytest.CaptureFixture[str], fields: dict[str, Any]) -> None:
    structlog.get_logger().warning("it happened", place="Kallio", **fields)
    written = capsys.readouterr().err
    assert SECRET not in written
    assert MASK in written
    assert "it happened" in written
    assert "Kallio" in written


def test_libraries_and_tracebacks_are_masked_too(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("uvicorn.access").info('%s - "%s %s"', "127.0.0.1:1", "GET", f"/tiles/a/0/0/0.mvt?token={SECRET}")
    logging.getLogger("library").warning("login of %s", {"password": SECRET})
    try:
        raise RuntimeError(f"postgresql://wangge:{SECRET}@db/x does not answer")
    except RuntimeError:
        structlog.get_logger().exception("failed")
        logging.getLogger("library").exception("failed in a library")
    written = capsys.readouterr().err
    assert SECRET not in written
    assert written.count("RuntimeError") >= 2
    assert "/tiles/a/0/0/0.mvt" in written


def test_what_is_no_secret_stays(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    structlog.get_logger().warning(
        "done", count=3, seconds=1.5, ok=True, nothing=None, city="上海", areas=[1, 2], key="blocks", url="http://a/b?c=d"
    )
    written = capsys.readouterr().err
    assert MASK not in written
    assert "上海" in written
    if form == "json":
        line = json.loads(written)
        assert (line["count"], line["seconds"], line["ok"], line["nothing"], line["areas"]) == (3, 1.5, True, None, [1, 2])
        assert (line["key"], line["url"], line["level"]) == ("blocks", "http://a/b?c=d", "warning")
