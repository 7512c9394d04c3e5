"""What every request and answer passes: headers, same-site check, bounded bodies, origins; and where the server may listen."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from pydantic import BaseModel, ValidationError
from starlette.types import Receive, Scope, Send

from api.app import create_app
from api.edges import SMALL_BODY_MB, Edges
from api.errors import SmallBodyTooLarge
from api.limits import limits_of
from gis.settings import Settings

NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:1/none"
COOKIE = {"Cookie": "theme=dark; wangge_login=abc"}
LISTED = "https://map.example.org"
OTHER = "https://evil.example"


@contextmanager
def asked(folder: Path, **settings: Any) -> Iterator[TestClient]:
    """The app without a database: what is asked here is answered before one is needed."""
    app = create_app(Settings(data_dir=folder, pool_size=2, **settings), database_url=NOWHERE)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False, client=("127.0.0.1", 5)) as client:
        yield client


# --- headers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status"), [("/healthz", 200), ("/map", 200), ("/nothing", 404), ("/api/v1/cities", 503), ("/static/icon.svg", 200)]
)
def test_every_answer_is_secured(tmp_path: Path, path: str, status: int) -> None:
    with asked(tmp_path) as client:
        reply = client.get(path)
    assert reply.status_code == status
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cross-origin-resource-policy"] == reply.headers["cross-origin-opener-policy"] == "same-origin"
    assert {"referrer-policy", "permissions-policy"} < set(reply.headers)
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert ("script-src 'self'" in policy) == (path == "/map")
    assert "strict-transport-security" not in reply.headers


def test_who_may_keep_an_answer(tmp_path: Path) -> None:
    with asked(tmp_path) as client:
        for path, kept in {
            "/api/v1/cities": "private, no-store",
            "/api/v1/nothing": "private, no-store",
            "/healthz": "no-cache",
            "/static/icon.svg": None,
        }.items():
            assert client.get(path).headers.get("cache-control") == kept, path


@pytest.mark.parametrize(
    "cookie", ["wangge_login=abc", "theme=dark; wangge_login=abc", "a_wangge_login=x; wangge_login=abc", "wangge_login=x; wangge_login=abc"]
)
@pytest.mark.parametrize("key", [None, "Bearer wgk_a", "bearer wgk_a", "BEARER   wgk_a"])
def test_one_credential_is_one_however_it_is_written(tmp_path: Path, cookie: str, key: str | None) -> None:
    headers = {"Cookie": cookie} if key is None else {"Authorization": key}
    with asked(tmp_path, credential_rate=4) as client:
        plain = {"Cookie": "wangge_login=abc"} if key is None else {"Authorization": "Bearer wgk_a"}
        assert client.get("/healthz", headers=plain).status_code == 200
        assert client.get("/healthz", headers=headers).status_code == 429


def test_a_page_elsewhere_logs_nobody_in_or_out(tmp_path: Path) -> None:
    with asked(tmp_path) as client:
        for path in ("/api/v1/login", "/api/v1/logout"):
            for said in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": OTHER}):
                reply = client.post(path, headers=said, content=b"a=b")
                assert (reply.status_code, reply.json()["type"]) == (403, "/problems/cross-site-request")


def test_a_script_has_the_policy_of_a_page_because_a_worker_lives_by_it(tmp_path: Path) -> None:
    with asked(tmp_path) as client:
        page = client.get("/map")
        script = page.text.split('src="/static/', 1)[1].split('"', 1)[0]
        assert client.get(f"/static/{script}").headers["content-security-policy"] == page.headers["content-security-policy"]


def test_a_refused_host_and_a_fault_of_the_program_are_secured_too(tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path, pool_size=2), database_url=NOWHERE)

    @app.get("/fault")
    def fault() -> None:
        raise RuntimeError

    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        for reply, status in ((client.get("/fault"), 500), (client.get("/healthz", headers={"Host": "evil.example"}), 400)):
            assert reply.status_code == status
            assert reply.headers["x-content-type-options"] == "nosniff"


def test_https_is_asked_for_only_over_https(tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path, pool_size=2), database_url=NOWHERE)
    with TestClient(app, base_url="https://127.0.0.1") as client:
        assert client.get("/healthz").headers["strict-transport-security"] == "max-age=31536000"


# --- same site -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        (COOKIE | {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1"}, True),
        (COOKIE | {"Sec-Fetch-Site": "none"}, True),
        (COOKIE | {"Origin": "http://127.0.0.1"}, True),
        (COOKIE | {"Sec-Fetch-Site": "cross-site", "Origin": LISTED}, True),
        (COOKIE | {"Authorization": "Bearer wgk_1", "Sec-Fetch-Site": "cross-site"}, True),
        # Without the cookie too: a page elsewhere must not log anybody in or out.
        ({"Sec-Fetch-Site": "cross-site", "Origin": OTHER}, False),
        ({}, True),
        (COOKIE, False),
        (COOKIE | {"Sec-Fetch-Site": "cross-site", "Origin": OTHER}, False),
        (COOKIE | {"Sec-Fetch-Site": "same-site", "Origin": OTHER}, False),
        # Another scheme is another site: whoever sits between could have written that page.
        (COOKIE | {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1"}, False),
        (COOKIE | {"Origin": "http://127.0.0.1:81"}, False),
        (COOKIE | {"Origin": "http://127.0.0.1.evil.example"}, False),
        (COOKIE | {"Origin": "null"}, False),
        (COOKIE | {"Origin": ""}, False),
        (COOKIE | {"Origin": LISTED + ".evil.example"}, False),
        # A browser adds a password of HTTP's own by itself, so that proves nothing.
        (COOKIE | {"Authorization": "Basic YTpi", "Sec-Fetch-Site": "cross-site", "Origin": OTHER}, False),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_login_is_only_used_by_our_own_pages(tmp_path: Path, method: str, headers: dict[str, str], *, allowed: bool) -> None:
    with asked(tmp_path, cors_origins=LISTED) as client:
        reply = client.request(method, "/healthz", headers=headers)
        assert reply.status_code == (405 if allowed else 403)
        assert allowed or reply.json()["type"] == "/problems/cross-site-request"
        assert client.get("/healthz", headers=headers).status_code == 200, "what changes nothing may be asked from anywhere"


# --- origins -------------------------------------------------------------------------------------------------------


def test_no_page_elsewhere_reads_an_answer_until_its_origin_is_listed(tmp_path: Path) -> None:
    preflight = {"Origin": LISTED, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    with asked(tmp_path) as client:
        assert "access-control-allow-origin" not in client.get("/healthz", headers={"Origin": LISTED}).headers
        assert client.options("/healthz", headers=preflight).status_code == 405
    with asked(tmp_path, cors_origins=f" {LISTED} , http://localhost:5173") as client:
        reply = client.get("/healthz", headers={"Origin": LISTED})
        assert reply.headers["access-control-allow-origin"] == LISTED
        assert reply.headers["vary"] == "Origin"
        assert client.options("/healthz", headers=preflight).headers["access-control-allow-origin"] == LISTED
        assert "access-control-allow-origin" not in client.get("/healthz", headers={"Origin": OTHER}).headers
        refused = client.post("/healthz", headers={"Origin": LISTED}, content=b" " * 1_000_001)
        assert refused.status_code == 413
        assert refused.headers["access-control-allow-origin"] == LISTED, "its page may read why"


@pytest.mark.parametrize("listed", ["*", "https://*.example.org", "https://a.org/", "a.org", "null", "https://A.org", "https://a.org,*"])
def test_only_origins_can_be_listed(tmp_path: Path, listed: str) -> None:
    with pytest.raises(ValidationError, match="WANGGE_CORS_ORIGINS"):
        Settings(data_dir=tmp_path, cors_origins=listed)


# --- bodies --------------------------------------------------------------------------------------------------------


class _Note(BaseModel):
    text: str


@pytest.fixture
def noting(tmp_path: Path) -> Iterator[TestClient]:
    """A small app behind the edges: it takes a note as JSON, or reads a body to its end."""
    app = FastAPI()
    settings = Settings(data_dir=tmp_path)
    app.add_middleware(Edges, settings=settings, limits=limits_of(settings))

    @app.post("/note")
    def note(note: _Note) -> int:
        return len(note.text)

    @app.post("/raw")
    async def raw(request: Request) -> int:
        return sum([len(chunk) async for chunk in request.stream()])

    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client


def _note(length: int, *, piece: int = 65_536) -> Iterator[bytes]:
    text = json.dumps({"text": "x" * length}).encode()
    return (text[at : at + piece] for at in range(0, len(text), piece))


LIMIT = SMALL_BODY_MB * 1_000_000


@pytest.mark.parametrize("path", ["/note", "/raw"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_is_bounded_whether_it_says_its_length_or_not(noting: TestClient, path: str, *, chunked: bool) -> None:
    for length, status in ((10, 200), (LIMIT - 100, 200), (LIMIT, 413), (3 * LIMIT, 413), (10, 200)):
        body = _note(length)
        reply = noting.post(path, content=body if chunked else b"".join(body), headers={"Content-Type": "application/json"})
        assert reply.status_code == status
        if status == 413:
            assert reply.json()["type"] == "/problems/small-body-too-large"
            assert reply.headers["content-type"] == "application/problem+json"
            assert reply.headers["x-content-type-options"] == "nosniff"


def test_an_answer_that_has_begun_breaks_off_when_the_body_turns_out_too_large(tmp_path: Path) -> None:
    read = []

    async def early(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        more = True
        while more:
            message = await receive()
            read.append(len(message["body"]))
            more = message.get("more_body", False)
        await send({"type": "http.response.body", "body": b"done"})

    settings = Settings(data_dir=tmp_path)
    client = TestClient(Edges(early, settings=settings, limits=limits_of(settings)), base_url="http://127.0.0.1")
    assert client.post("/", content=_note(LIMIT - 100)).text == "done"
    read.clear()
    with pytest.raises(SmallBodyTooLarge):
        client.post("/", content=_note(3 * LIMIT))
    assert sum(read) <= LIMIT


def test_every_address_has_its_bound(tmp_path: Path) -> None:
    with asked(tmp_path, body_limit_mb=3) as client:
        for path, size, status in (
            ("/api/v1/locate", 2 * LIMIT, 422),
            ("/api/v1/locate", 3 * LIMIT + 1, 413),
            ("/api/v1/locate/", 2 * LIMIT, 413),
            ("/nothing", 2 * LIMIT, 413),
            ("/healthz", 2 * LIMIT, 413),
            ("/nothing", LIMIT, 404),
        ):
            assert client.post(path, content=b" " * size).status_code == status
        assert client.request("GET", "/healthz", content=b" " * 2 * LIMIT).status_code == 413


# --- the real server -----------------------------------------------------------------------------------------------


@contextmanager
def serving(database: str, folder: Path, **environment: str) -> Iterator[str]:
    """`wangge serve` with settings of its own; its address."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("WANGGE_")}
    own = plain | {"WANGGE_DATABASE_URL": database, "WANGGE_DATA_DIR": str(folder / "data")} | environment
    command = [sys.executable, "-m", "api.cli", "serve", "--port", "0", "--json"]
    with (folder / "serve.log").open("w") as log:
        server = subprocess.Popen(command, env=own, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert server.stdout is not None
            said = ""
            while "}" not in said:
                line = server.stdout.readline()
                assert line, (folder / "serve.log").read_text()
                said += line
            yield json.loads(said)["address"]
        finally:
            server.terminate()
            server.communicate(timeout=30)


def _get(address: str, path: str = "/healthz", **headers: str) -> tuple[int, dict[str, str]]:
    wanted = urllib.request.Request(f"{address}{path}", headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(wanted, timeout=30) as reply:
            return reply.status, {name.lower(): value for name, value in reply.headers.items()}
    except urllib.error.HTTPError as error:
        return error.code, {name.lower(): value for name, value in error.headers.items()}


def _own_address() -> str | None:
    """An address of this machine that is no loopback, None when there is none. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address: str = probe.getsockname()[0]
        return None if address.startswith("127.") else address


def test_in_production_the_server_listens_beyond_this_machine_and_believes_only_its_proxy(database: str, tmp_path: Path) -> None:
    own = _own_address()
    if own is None:
        pytest.skip("this machine has no address but loopback")
    secret = tmp_path / "secret"
    secret.write_text("a key from a file that is long enough\n")
    production = {"WANGGE_ENVIRONMENT": "production", "WANGGE_SECRET_KEY_FILE": str(secret), "WANGGE_HOST": "0.0.0.0"}
    settings = production | {"WANGGE_HOSTS": f"localhost,127.0.0.1,{own}", "WANGGE_ADDRESS_RATE": "40"}
    with serving(database, tmp_path, **settings) as address:
        port = address.rpartition(":")[2]
        here, outside = f"http://127.0.0.1:{port}", f"http://{own}:{port}"
        # Loopback is a trusted proxy: each client that it names counts by itself.
        for client in range(3):
            said = [_get(here, X_Forwarded_For=f"203.0.113.{client}")[0] for _ in range(14)]
            assert said == [200] * 10 + [429] * 4
        assert "strict-transport-security" in _get(here, X_Forwarded_For="203.0.113.9", X_Forwarded_Proto="https")[1]
        # Whoever is no proxy of ours cannot choose an address, nor say that it came by https.
        said = [_get(outside, X_Forwarded_For=f"198.51.100.{client}")[0] for client in range(14)]
        assert said == [200] * 10 + [429] * 4
        status, headers = _get(outside, X_Forwarded_For="198.51.100.99", X_Forwarded_Proto="https")
        assert status == 429
        assert 1 <= int(headers["retry-after"]) <= 6
        assert "strict-transport-security" not in headers
        assert "server" not in headers
        assert [_get(here)[0] for _ in range(30)] == [200] * 30, "this machine itself has no limit"
    assert "a key from a file" not in (tmp_path / "serve.log").read_text()


def test_a_body_without_end_is_refused_by_the_real_server(database: str, tmp_path: Path) -> None:
    with serving(database, tmp_path) as address:
        host, _, port = address.removeprefix("http://").rpartition(":")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(f"POST /api/v1/cities HTTP/1.1\r\nHost: {host}\r\nContent-Length: 999999999999\r\n\r\n".encode())
            assert b" 413 " in connection.recv(4096).splitlines()[0]


def test_a_server_in_production_needs_a_key_of_its_own(wangge: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("\n")
    for wrong in ({}, {"WANGGE_SECRET_KEY": "development-only"}, {"WANGGE_SECRET_KEY": ""}, {"WANGGE_SECRET_KEY_FILE": str(empty)}):
        refused = wangge("serve", WANGGE_ENVIRONMENT="production", WANGGE_HOST="0.0.0.0", **wrong)
        assert refused.returncode == 2
        assert "WANGGE_SECRET_KEY" in refused.stderr
