"""How often a client may ask and may try to log in: exactly so often, in every process, on every machine of one database."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from api.app import create_app
from api.errors import TooManyRequests
from api.limits import Limits, client_of, limits_of
from gis import db
from gis.limits import Limit, LocalLimits
from gis.settings import Settings
from gis.store import limits as store
from grids.permissions import Grant, Role
from tests import persons

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:1/none"
ROLE = "wangge_identity"
ATTEMPTS = 10_000


# --- the rule ------------------------------------------------------------------------------------------------------


@given(
    st.integers(1, 50),
    st.integers(1, 600),
    st.integers(1, 20),
    st.lists(st.integers(0, 5_000), min_size=1, max_size=120),
)
def test_no_stretch_of_time_has_more_than_the_limit_and_a_wait_is_as_long_as_it_says(
    many: int, each_s: int, at_once: int, pauses_ms: list[int]
) -> None:
    limit, now, full_us = Limit("x", many, each_s, at_once), NOW, 0
    taken = []
    for pause_ms in pauses_ms:
        now += timedelta(milliseconds=pause_ms)
        full_us, wait_s = limit.step(full_us, now)
        if not wait_s:
            taken.append(now)
        else:
            assert limit.step(full_us, now)[0] == full_us, "a refusal costs nothing"
            assert limit.step(full_us, now + timedelta(seconds=wait_s))[1] == 0
            assert limit.step(full_us, now + timedelta(seconds=wait_s) - timedelta(milliseconds=2))[1] > 0
    for first, since in enumerate(taken):
        for last in range(first, len(taken)):
            span_s = (taken[last] - since).total_seconds()
            assert last - first + 1 <= at_once + span_s * many / each_s + 1e-6


def test_a_clock_that_is_put_back_shuts_nobody_out_for_long() -> None:
    limit = Limit("x", 60, 60, 5)
    full_us, _ = limit.step(0, NOW + timedelta(days=400))
    _, wait_s = limit.step(full_us, NOW)
    assert 0 < wait_s <= 1


# --- requests ------------------------------------------------------------------------------------------------------


def _limits(folder: Path, **settings: Any) -> Limits:
    (folder / "data").mkdir(exist_ok=True)
    return limits_of(Settings(data_dir=folder / "data", **settings))


def _let_through(ask: Any, times: int) -> int:
    through = 0
    for _ in range(times):
        with suppress(TooManyRequests):
            ask()
            through += 1
    return through


def test_each_address_and_each_credential_has_its_own_rate(tmp_path: Path) -> None:
    limits = _limits(tmp_path, address_rate=40, credential_rate=20)
    for address in ("203.0.113.1", "203.0.113.2"):
        assert _let_through(partial(limits.request, address, None, now=NOW), 25) == 10
    later = NOW + timedelta(minutes=2)
    assert _let_through(partial(limits.request, "203.0.113.1", b"one", now=later), 25) == 5
    assert _let_through(partial(limits.request, "203.0.113.3", b"two", now=later), 25) == 5
    assert _let_through(partial(limits.request, "", b"two", now=later), 25) == 0, "from elsewhere it is the same credential"
    assert _let_through(partial(limits.request, "", None, now=later), 99) == 99, "this machine itself"
    assert _let_through(partial(limits.limited, "api key", "7", per_minute=8, now=later), 9) == 2
    assert limits.local.refused() == {"api key": 7, "request by address": 60, "request by credential": 35}
    limits.close()
    free = _limits(tmp_path, address_rate=0, credential_rate=0)
    assert _let_through(partial(free.request, "203.0.113.1", b"one", now=NOW), 99) == 99
    free.close()


_PROCESS = """
import sys
from datetime import datetime
from pathlib import Path
from gis.limits import Limit, LocalLimits
local, limit, now = LocalLimits(Path(sys.argv[1])), Limit("x", 1000, 60, 1000), datetime.fromisoformat(sys.argv[2])
print(sum(local.take(limit, b"key", now=now) == 0 for _ in range(800)))
"""


def test_processes_share_one_count(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PROCESS, str(tmp_path / "limits.sqlite"), NOW.isoformat()]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sum(int(process.communicate(timeout=60)[0]) for process in processes) == 1_000


def test_threads_share_one_count_and_a_damaged_file_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "limits.sqlite"
    path.write_bytes(b"no database at all" * 1_000)
    local, limit, through = LocalLimits(path), Limit("x", 100, 60, 100), []

    def ask() -> None:
        through.extend(local.take(limit, b"key", now=NOW) == 0 for _ in range(60))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(through), sum(through)) == (180, 100)
    assert local.refused() == {"x": 80}
    local.close()


def test_a_file_that_cannot_be_written_shuts_nobody_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limits = replace(_limits(tmp_path, address_rate=4), local=LocalLimits(tmp_path / "none" / "run" / "limits.sqlite"))
    assert _let_through(partial(limits.request, "203.0.113.1", None, now=NOW), 9) == 9
    assert capsys.readouterr().out.count("requests are not counted") == 4, "at the 1st, 2nd, 4th and 8th"


def test_a_client_that_asks_too_often_is_told_when_to_ask_again(tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path, pool_size=2, address_rate=8), database_url=NOWHERE)
    with TestClient(app, base_url="http://127.0.0.1", client=("203.0.113.7", 1)) as client:
        assert [client.get("/healthz").status_code for _ in range(2)] == [200, 200]
        refused = client.get("/healthz", headers={"Accept-Language": "zh"})
        assert refused.status_code == 429
        assert refused.json()["type"] == "/problems/too-many-requests"
        assert refused.json()["retry_after_s"] == int(refused.headers["retry-after"]) in range(1, 9)
        assert "请求过多" in refused.json()["detail"]
        assert refused.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("127.0.0.1", ""),
        ("127.8.8.8", ""),
        ("::1", ""),
        ("::ffff:127.0.0.1", ""),
        ("unknown", "unknown"),
        ("x" * 5_000, "x" * 64),
    ],
)
def test_a_client_is_its_network(host: str, network: str) -> None:
    assert client_of({"client": (host, 80)}) == network


def test_a_request_without_an_address_comes_from_this_machine() -> None:
    assert client_of({"client": None}) == client_of({}) == ""


# --- attempts to log in --------------------------------------------------------------------------------------------


@contextmanager
def _machine(database: str, folder: Path, name: str, **settings: Any) -> Iterator[tuple[Limits, Any]]:
    """One machine of several: its own data folder, its own connections, under the role that keeps accounts."""
    folder = folder / name
    folder.mkdir()
    limits, engine = _limits(folder, **settings), db.engine(database, pool_size=4, role=ROLE)

    def transaction() -> AbstractContextManager[db.Tx]:
        return db.transaction(engine)

    try:
        yield limits, transaction
    finally:
        limits.close()
        engine.dispose()


def _attempts(limits: Limits, transaction: Any, addresses: list[str], now: datetime = NOW) -> int:
    return sum(_let_through(partial(limits.log_in, transaction, address=address, now=now), 1) for address in addresses)


def test_ten_thousand_attempts_from_one_address_are_refused_and_counted(database: str, tmp_path: Path) -> None:
    with _machine(database, tmp_path, "a") as one, _machine(database, tmp_path, "b") as other:
        through: list[int] = []
        threads = [
            threading.Thread(target=lambda it=it: through.append(_attempts(*it, ["203.0.113.1"] * (ATTEMPTS // 2)))) for it in (one, other)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(through) == 120
        assert _attempts(*other, ["203.0.113.2"]) == 1, "another address goes on"
        assert _attempts(*other, ["203.0.113.1"] * 3, NOW + timedelta(seconds=60)) == 2
        with one[1]() as tx:
            assert store.refused(tx, since=date(2026, 11, 24)) == {"log-in by address": ATTEMPTS - 120 + 1}


def test_ten_thousand_attempts_from_as_many_addresses_are_refused_and_counted(database: str, tmp_path: Path) -> None:
    addresses = [f"203.{at >> 16}.{at >> 8 & 255}.{at & 255}" for at in range(ATTEMPTS)]
    with _machine(database, tmp_path, "a") as (limits, transaction):
        limits.logged_in(transaction, address="198.51.100.1", now=NOW)
        assert _attempts(limits, transaction, addresses) == 3_000
        assert _attempts(limits, transaction, ["198.51.100.1"] * 2) == 2, "where someone logged in lately, the others do no harm"
        assert _attempts(limits, transaction, ["198.51.100.2"]) == 0
        with transaction() as tx:
            assert store.refused(tx, since=date(2026, 11, 24)) == {"log-in": ATTEMPTS - 3_000 + 1}
            assert store.refused(tx, since=date(2026, 11, 25)) == {}


def test_what_is_forgotten_had_nothing_to_say(database: str, tmp_path: Path) -> None:
    with _machine(database, tmp_path, "a", address_login_rate=60) as (limits, transaction):
        limits.logged_in(transaction, address="198.51.100.1", now=NOW)
        assert _attempts(limits, transaction, ["203.0.113.1"] * 70) == 60
        for later, gone in (
            (timedelta(minutes=50), 0),
            (timedelta(minutes=70), 1),
            (timedelta(hours=3), 1),
            (timedelta(days=29), 0),
            (timedelta(days=31), 1),
        ):
            with transaction() as tx:
                assert store.clean(tx, now=NOW + later) == gone


def test_no_address_is_kept(database: str, tmp_path: Path) -> None:
    with _machine(database, tmp_path, "a") as (limits, transaction):
        limits.log_in(transaction, address="203.0.113.77", now=NOW)
        limits.request("203.0.113.77", b"Bearer wgk_secret", now=NOW)
        with transaction() as tx:
            kept = repr(tx.exec_driver_sql("SELECT kind, key FROM rate_limit").fetchall())
    kept += (tmp_path / "a" / "data" / "run" / "limits.sqlite").read_bytes().decode("latin1")
    assert "log-in by address" in kept
    assert "203.0.113.77" not in kept
    assert "wgk_secret" not in kept


# --- a key with a rate of its own ------------------------------------------------------------------------------------


def test_a_key_asks_as_often_as_it_may_and_another_is_not_disturbed(client: TestClient, database: str) -> None:
    slow = persons.key(database, Grant(Role.ANALYST, "tiny"), rate_per_minute=8)
    free = persons.key(database, Grant(Role.ANALYST, "tiny"))
    statuses = [client.get("/api/v1/incidents", headers=slow).status_code for _ in range(4)]
    assert statuses == [200, 200, 429, 429]
    refused = client.get("/api/v1/incidents", headers=slow)
    assert (refused.json()["type"], int(refused.headers["Retry-After"]) > 0) == ("/problems/too-many-requests", True)
    assert client.get("/api/v1/incidents", headers=free).status_code == 200


def test_a_batch_counts_once(client: TestClient, database: str) -> None:
    slow = persons.key(database, Grant(Role.ANALYST, "tiny"), rate_per_minute=4)
    body = {"points": [{"id": 1, "lon": 121.4724, "lat": 31.2338}]}
    replies = [client.post("/api/v1/locate?datum=wgs84", json=body, headers=slow) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 429]
