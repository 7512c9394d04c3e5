"""No secret gets into the log, whoever logs it and in which form."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest
import structlog

from api.logs import MASK, configure_logs
from gis.settings import Settings

SECRET = "Tr0ub4dor-and-3"  # noqa: S105 - what must not be found
Form = Literal["json", "text"]
FORMS = pytest.mark.parametrize("form", ["json", "text"])


@contextmanager
def written(form: Form, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """The log as the program sets it up, in one of its forms; what it has written. As it was, afterwards."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    configure_logs(Settings(log_format=form, log_level="debug"))
    try:
        yield lambda: capsys.readouterr().err
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()


@FORMS
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
def test_a_secret_is_masked(form: Form, capsys: pytest.CaptureFixture[str], fields: dict[str, Any]) -> None:
    with written(form, capsys) as said:
        structlog.get_logger().warning("it happened", place="Kallio", **fields)
        line = said()
    assert SECRET not in line
    assert MASK in line
    assert "it happened" in line
    assert "Kallio" in line


@FORMS
def test_libraries_and_tracebacks_are_masked_too(form: Form, capsys: pytest.CaptureFixture[str]) -> None:
    with written(form, capsys) as said:
        logging.getLogger("uvicorn.access").info('%s - "%s %s"', "127.0.0.1:1", "GET", f"/tiles/a/0/0/0.mvt?token={SECRET}")
        logging.getLogger("library").warning("login of %s", {"password": SECRET})
        try:
            raise RuntimeError(f"postgresql://wangge:{SECRET}@db/x does not answer")
        except RuntimeError:
            structlog.get_logger().exception("failed")
            logging.getLogger("library").exception("failed in a library")
        lines = said()
    assert SECRET not in lines
    assert lines.count("RuntimeError") >= 2
    assert "/tiles/a/0/0/0.mvt" in lines


@FORMS
def test_what_is_no_secret_stays(form: Form, capsys: pytest.CaptureFixture[str]) -> None:
    plain = {
        "count": 3,
        "seconds": 1.5,
        "ok": True,
        "nothing": None,
        "city": "上海",
        "areas": [1, 2],
        "key": "blocks",
        "url": "http://a/b?c=d",
    }
    with written(form, capsys) as said:
        structlog.get_logger().warning("done", **plain)
        line = said()
    assert MASK not in line
    assert "上海" in line
    if form == "json":
        read = json.loads(line)
        assert {name: read[name] for name in plain} == plain
        assert (read["event"], read["level"]) == ("done", "warning")
