"""`wangge account` and the log-ins of `wangge demo`, as their operator runs them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gis import passwords
from gis.actions import log_in
from gis.credentials import digest_of
from gis.store import accounts, grants, logins
from grids.permissions import Role
from tests.api.conftest import Run
from tests.rich_pack import write_rich_pack
from tests.tiny_city import act, load

PASSWORD = "four words do very well"  # noqa: S105 - of tests
Type = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def city(database: str, tiny_pack: Path) -> str:
    """A database with the tiny city."""
    load(database, tiny_pack)
    return database


@pytest.fixture
def typed(database: str, tmp_path: Path) -> Type:
    """Run the command line with bytes on its standard input."""

    def run(said: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("WANGGE_", "LC_", "LANG"))}
        settings = {"WANGGE_DATABASE_URL": database, "WANGGE_DATA_DIR": str(tmp_path / "data")}
        return subprocess.run(
            [sys.executable, "-m", "api.cli", *arguments], env=plain | settings, input=said, capture_output=True, check=False
        )

    return run


def told(done: subprocess.CompletedProcess[Any]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def person(url: str, kind: str, token: str) -> Any:
    with act(url) as tx:
        return tx.execute(sa.text("SELECT enter(:kind, :digest)"), {"kind": kind, "digest": digest_of(token)}).scalar_one()


def test_an_account_from_its_first_day_to_its_last(city: str, wangge: Run, typed: Type) -> None:
    made = typed(PASSWORD.encode() + b"\n", "account", "add", "mei.chen", "--name", "陈梅", "--password-stdin", "--json")
    assert told(made) == {"login": "mei.chen", "name": "陈梅"}
    given = wangge(
        "account", "grant", "mei.chen", "worker", "--level", "community", "--code", "310101001001", "--to", "2099-01-01T00:00Z", "--json"
    )
    number = told(given)["grant"]
    [mei] = told(wangge("account", "list", "--json"))
    assert (mei["login"], mei["password"], mei["origin"]) == ("mei.chen", True, "given")
    assert mei["grants"][0]["number"] == number
    assert [mei["grants"][0][name] for name in ("role", "city", "level", "code")] == ["worker", "tiny", "community", "310101001001"]
    shown = wangge("account", "list", LANG="zh_CN.UTF-8").stdout
    assert "陈梅" in shown
    assert "2099-01-01" in shown
    assert told(wangge("account", "revoke", "mei.chen", str(number), "--json"))["ended"] == number
    assert wangge("account", "revoke", "mei.chen", str(number)).returncode == 3
    assert told(wangge("account", "list", "--json"))[0]["grants"] == []
    assert told(wangge("account", "end", "mei.chen", "--json")) == {"ended": ["mei.chen"]}
    assert told(wangge("account", "list", "--json")) == []
    assert told(wangge("account", "list", "--all", "--json"))[0]["ended_at"]
    assert wangge("account", "end", "mei.chen").returncode == 4


def test_devices_are_listed_and_logged_out_and_a_new_password_logs_all_out(database: str, wangge: Run, typed: Type) -> None:
    told(typed(PASSWORD.encode(), "account", "add", "mei", "--name", "Mei", "--password-stdin", "--json"))
    with act(database) as tx:
        account_id = accounts.find(tx, "mei").id
        begun = [logins.add(tx, account_id, device=device, now=datetime.now(UTC)) for device in ("a phone", "a [bold]desk", "a wall")]
    listed = told(wangge("account", "logins", "list", "mei", "--json"))
    assert [one["device"] for one in listed] == ["a wall", "a [bold]desk", "a phone"]
    assert "a [bold]desk" in wangge("account", "logins", "list", "mei").stdout
    assert told(wangge("account", "logins", "end", "mei", str(begun[0].id), "--json"))["ended"] == 1
    assert wangge("account", "logins", "end", "mei", str(begun[0].id)).returncode == 3
    assert [person(database, "login", one.token) is not None for one in begun] == [False, True, True]
    assert told(wangge("account", "logins", "end", "mei", "--json"))["ended"] == 2
    assert told(wangge("account", "logins", "list", "mei", "--json")) == []
    with act(database) as tx:
        last = logins.add(tx, account_id, device="a phone", now=datetime.now(UTC))
    assert told(typed(b"another one of them\r\n", "account", "password", "mei", "--password-stdin", "--json")) == {
        "login": "mei",
        "ended_logins": 1,
    }
    assert person(database, "login", last.token) is None
    with act(database) as tx:
        tried = log_in.attempt(tx, "mei", now=datetime.now(UTC))
    assert passwords.fits(tried.password_hash, "another one of them")


def test_a_key_is_shown_once_listed_and_revoked(database: str, wangge: Run) -> None:
    told(wangge("account", "add", "wall-map", "--name", "Map in the hall", "--machine", "--json"))
    made = told(
        wangge("account", "key", "add", "wall-map", "--name", "hall", "--layer", "blocks", "--layer", "areas", "--rate", "60", "--json")
    )
    assert person(database, "api_key", made["key"])["layers"] == ["blocks", "areas"]
    [key] = told(wangge("account", "key", "list", "wall-map", "--json"))
    assert (key["id"], key["name"], key["rate_per_minute"], key["revoked_at"]) == (made["number"], "hall", 60, None)
    assert made["key"] not in json.dumps(key)
    shown = wangge("account", "key", "add", "wall-map", "--name", "another")
    assert shown.stdout.startswith("wgk_")
    assert "once" in shown.stderr
    assert told(wangge("account", "key", "revoke", "wall-map", str(made["number"]), "--json")) == {
        "login": "wall-map",
        "revoked": made["number"],
    }
    assert person(database, "api_key", made["key"]) is None
    assert person(database, "api_key", shown.stdout.strip())
    assert wangge("account", "key", "revoke", "wall-map", str(made["number"])).returncode == 3
    assert "revoked" in wangge("account", "key", "list", "wall-map").stdout


def test_who_comes_through_a_provider_needs_no_password(wangge: Run) -> None:
    provider = {"WANGGE_OIDC_ISSUER": "https://id.example", "WANGGE_OIDC_CLIENT_ID": "wangge"}
    assert wangge("account", "add", "lin", "--name", "Lin", "--oidc-subject", "2482").returncode == 2
    assert wangge("account", "add", "lin", "--name", "Lin", "--oidc-subject", "2482", **provider).returncode == 0
    assert wangge("account", "add", "lin2", "--name", "Lin", "--oidc-subject", "2482", **provider).returncode == 4
    [lin] = told(wangge("account", "list", "--json"))
    assert (lin["issuer"], lin["subject"], lin["password"]) == ("https://id.example", "2482", False)


REFUSED = [
    (("add", "Mei", "--name", "Mei", "--machine"), 5, "cannot be the login"),
    (("add", "mei", "--name", " ", "--machine"), 5, "cannot be a name"),
    (("add", "mei", "--name", "Mei"), 2, "--password-stdin"),
    (("add", "mei"), 2, "--name"),
    (("password", "nobody", "--password-stdin"), 5, "too easily guessed"),
    (("end", "nobody"), 3, "no account 'nobody'"),
    (("grant", "nobody", "worker", "--city", "tiny"), 3, "no account"),
    (("grant", "known", "worker", "--city", "atlantis"), 3, "no city 'atlantis'"),
    (("grant", "known", "worker", "--level", "district"), 2, "--code"),
    (("grant", "known", "worker", "--level", "district", "--code", "310109"), 3, "no place '310109'"),
    (("grant", "known", "worker", "--level", "province", "--code", "31"), 3, "no level 'province'"),
    (("grant", "known", "king"), 2, "king"),
    (("grant", "known", "public"), 5, "public already"),
    (("grant", "known", "department"), 5, "code of a department"),
    (("grant", "known", "worker", "--to", "2020-01-01T00:00Z"), 5, "before its end"),
    (("grant", "known", "worker", "--to", "2099-01-01T00:00"), 5, "which instant"),
    (("grant", "known", "worker", "--from", "soon"), 5, "which instant"),
    (("logins", "list", "nobody"), 3, "no account"),
    (("logins", "end", "known", "7"), 3, "no device"),
    (("key", "add", "nobody", "--name", "x"), 3, "no account"),
    (("key", "add", "known", "--name", "x", "--layer", "rivers"), 3, "rivers"),
    (("key", "add", "known", "--name", "x", "--days", "366"), 2, "365"),
    (("key", "add", "known", "--name", "x", "--rate", "0"), 2, "--rate"),
    (("key", "revoke", "known", "9"), 3, "no key"),
    (("key", "revoke", "known", "9" * 20), 2, "2147483647"),
]


def test_what_makes_no_sense_is_refused_with_a_sentence(city: str, wangge: Run) -> None:
    told(wangge("account", "add", "known", "--name", "Known", "--machine", "--json"))
    for arguments, code, said in REFUSED:
        done = wangge("account", *arguments)
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), (arguments, done.stderr)
        assert said in done.stderr, arguments


@pytest.mark.parametrize("said", [b"", b"\n", b"short\n", b"\xff\xfe\xff\xfe\xff\xfe\xff\xfe\xff\xfe\xff\xfe\n", b"a" * 100_000])
def test_bad_passwords_on_standard_input_are_refused_and_make_no_account(database: str, typed: Type, said: bytes) -> None:
    done = typed(said, "account", "add", "mei", "--name", "Mei", "--password-stdin")
    assert done.returncode in (2, 5)
    assert b"Traceback" not in done.stderr
    with act(database) as tx:
        assert accounts.listed(tx, ended=True) == []


def test_the_demo_makes_a_log_in_for_each_role_and_shows_it_once(database: str, wangge: Run, tmp_path: Path) -> None:
    pack = str(write_rich_pack(tmp_path / "rich"))
    first = wangge("demo", pack, "--no-serve")
    assert first.returncode == 0, first.stderr
    with act(database) as tx:
        made = accounts.listed(tx)
        given = grants.listed(tx, [one.id for one in made])
    assert {one.login for one in made} == {role.replace("_", "-") for role in Role if role is not Role.PUBLIC}
    assert {one.origin for one in made} == {"generated"}
    parts = {one.login: [each.grant for each in given[one.id]] for one in made}
    assert {login: (one.role.replace("_", "-"), one.place and one.place.level, one.department) for login, [one] in parts.items()} == {
        "worker": ("worker", "duty_grid", None),
        "lead": ("lead", "district", None),
        "intake": ("intake", "district", None),
        "dispatcher": ("dispatcher", "district", None),
        "department": ("department", None, "urban"),
        "checker": ("checker", "district", None),
        "analyst": ("analyst", "district", None),
        "duty-chief": ("duty-chief", None, None),
        "administrator": ("administrator", None, None),
    }
    shown = {cells[1].strip(): cells[2].strip() for line in first.stdout.splitlines() if (cells := line.split("│"))[1:] and len(cells) == 6}
    with act(database) as tx:
        tried = log_in.attempt(tx, "duty-chief", now=datetime.now(UTC))
    assert passwords.fits(tried.password_hash, shown["duty-chief"])
    again = wangge("demo", pack, "--no-serve", "--json")
    assert {one["password"] for one in told(again)["accounts"]} == {None}
    assert "wangge account password" in wangge("demo", pack, "--no-serve").stderr
    with act(database) as tx:
        assert grants.listed(tx, [one.id for one in made]) == given


def test_the_demo_leaves_accounts_of_ones_own_and_ended_ones_alone(database: str, wangge: Run, tiny_pack: Path) -> None:
    told(wangge("account", "add", "worker", "--name", "A real worker", "--machine", "--json"))
    assert {one["login"] for one in told(wangge("demo", str(tiny_pack), "--no-serve", "--json"))["accounts"]}.isdisjoint({"worker"})
    assert wangge("account", "end", "lead").returncode == 0
    assert {one["login"] for one in told(wangge("demo", str(tiny_pack), "--no-serve", "--json"))["accounts"]}.isdisjoint({"worker", "lead"})
    [worker] = [one for one in told(wangge("account", "list", "--json")) if one["login"] == "worker"]
    assert (worker["origin"], worker["grants"]) == ("given", [])


def test_in_production_no_log_in_of_a_demo_is_made_and_none_is_served(database: str, wangge: Run, tiny_pack: Path) -> None:
    production = {"WANGGE_ENVIRONMENT": "production", "WANGGE_SECRET_KEY": "k" * 32}
    assert told(wangge("demo", str(tiny_pack), "--no-serve", "--json", **production))["accounts"] == []
    with act(database) as tx:
        assert accounts.listed(tx, ended=True) == []
    assert len(told(wangge("demo", str(tiny_pack), "--no-serve", "--json"))["accounts"]) == 9
    refused = wangge("serve", "--port", "0", **production)
    assert refused.returncode == 4
    [mend] = re.findall("wangge (account end .*)", refused.stderr)
    assert wangge(*mend.split()).returncode == 0
    with act(database) as tx:
        assert accounts.generated_logins(tx) == []
