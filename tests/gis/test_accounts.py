"""Accounts: passwords and lock-out, logins, keys and grants, and what the database lets each of them in by."""

from __future__ import annotations

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from gis import db, passwords
from gis.account_errors import (
    AccountEnded,
    BadLogin,
    BadName,
    LogInRefused,
    LoginTaken,
    NoExpiry,
    NoGrant,
    NotAPeriod,
    SubjectTaken,
    WeakPassword,
)
from gis.account_tables import account
from gis.actions import change_password, end_account, log_in
from gis.actions.give_grant import give_grant
from gis.credentials import digest_of
from gis.errors import NoAdoptedEdition, NotFound
from gis.store import accounts, api_keys, grants, logins
from grids.permissions import Grant, Place, Role
from tests.tiny_city import act, load

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
RIGHT, WRONG = "four words do very well", "no words do very well"
HASH = passwords.hashed(RIGHT)
A_MINUTE = timedelta(minutes=1)


def now() -> datetime:
    """The clock of the database, which decides what is in force."""
    return datetime.now(UTC)


def make(url: str, login: str = "mei", **values: Any) -> int:
    with act(url) as tx:
        return accounts.create(tx, login, name="Mei", password_hash=HASH, now=NOW, **values)


def enter(url: str, login: str, password: str, at: datetime) -> logins.Begun | None:
    """Log in as the HTTP app does it: the try is counted in a transaction of its own, then the password is looked at."""
    with act(url) as tx:
        tried = log_in.attempt(tx, login, now=at)
    if not passwords.fits(tried.password_hash, password):
        return None
    with act(url) as tx:
        return log_in.admit(tx, tried, device="a phone", now=at)


def entered(url: str, kind: str, token: str) -> Any:
    """What the database says to who shows a token."""
    with act(url) as tx:
        return tx.execute(sa.text("SELECT enter(:kind, :digest)"), {"kind": kind, "digest": digest_of(token)}).scalar_one()


# --- passwords -----------------------------------------------------------------------------------------------------


@given(st.text(alphabet=st.characters(), max_size=300))
def test_a_password_is_taken_for_its_length_alone_unless_it_is_the_login_or_one_character(password: str) -> None:
    plain = unicodedata.normalize("NFKC", password)
    try:
        passwords.require_fit(password, "mei")
        taken = True
    except WeakPassword:
        taken = False
    whole = not any("\ud800" <= letter <= "\udfff" for letter in plain)
    assert taken == (whole and 12 <= len(plain) <= 256 and len(set(plain)) > 1)


@pytest.mark.parametrize("password", ["", "eleven char", "m" * 12, "啊" * 40, "x" * 257, "Mei.From.The.Station", "a" * 10_000])
def test_a_password_that_is_short_endless_the_login_or_one_character_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        passwords.require_fit(password, "mei.from.the.station")


def test_a_hash_fits_its_password_only_and_is_another_each_time() -> None:
    assert HASH.startswith("$argon2id$")
    assert RIGHT not in HASH
    assert passwords.fits(HASH, RIGHT)
    assert passwords.hashed(RIGHT) != HASH
    assert not any(passwords.fits(HASH, wrong) for wrong in (WRONG, "", RIGHT + " ", "x" * 100_000, "\ud800" * 12))
    assert not passwords.fits(None, RIGHT)
    assert not passwords.fits("no hash at all", RIGHT)
    assert passwords.fits(passwords.hashed("ｗｉｄｅ　ｌｅｔｔｅｒｓ"), "wide letters")


# --- accounts ------------------------------------------------------------------------------------------------------


def test_an_account_is_made_found_listed_and_ended(database: str) -> None:
    mei = make(database)
    with act(database) as tx:
        machine = accounts.create(tx, "tiles-1", kind="machine", name="瓦片服务", now=NOW)
        assert [one.login for one in accounts.listed(tx)] == ["mei", "tiles-1"]
        assert accounts.find(tx, "tiles-1").has_password is False
        assert accounts.find_by_id(tx, machine) == accounts.find(tx, "tiles-1")
        end_account.end_account(tx, "mei", now=NOW)
    with act(database) as tx:
        assert [one.login for one in accounts.listed(tx)] == ["tiles-1"]
        assert [one.login for one in accounts.listed(tx, ended=True)] == ["mei", "tiles-1"]
        found = accounts.find_by_id(tx, mei)
        assert found is not None
        assert found.ended_at == NOW
        with pytest.raises(AccountEnded):
            accounts.find_standing(tx, "mei")
        with pytest.raises(LoginTaken):
            accounts.create(tx, "mei", name="Another Mei", now=NOW)


@pytest.mark.parametrize("login", ["", "m", "Mei", "mei chen", "-mei", "a" * 64, "梅", "mei\n", "mei\x00"])
def test_what_cannot_be_a_login_is_refused_and_never_found(database: str, login: str) -> None:
    with act(database) as tx:
        with pytest.raises(BadLogin):
            accounts.create(tx, login, name="Mei", now=NOW)
        with pytest.raises(NotFound):
            accounts.find(tx, login)
        assert accounts.count_attempt(tx, login, now=NOW) is None


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "x" * 201, "\x00", "\ud800"])
def test_what_cannot_be_a_name_is_refused(database: str, name: str) -> None:
    with act(database) as tx, pytest.raises(BadName):
        accounts.create(tx, "mei", name=name, now=NOW)


def test_one_account_stands_for_one_person_of_a_provider(database: str) -> None:
    provider = ("https://id.example", "248289761001")
    mei = make(database, provider=provider)
    with act(database) as tx:
        assert accounts.find_by_provider(tx, *provider) == accounts.find_by_id(tx, mei)
        assert accounts.find_by_provider(tx, "https://other.example", "248289761001") is None
        with pytest.raises(SubjectTaken):
            accounts.create(tx, "mei2", name="Mei", provider=provider, now=NOW)
        begun = log_in.admit_by_provider(tx, *provider, device="a desk", now=now())
        with pytest.raises(LogInRefused):
            log_in.admit_by_provider(tx, "https://id.example", "nobody", device="a desk", now=NOW)
    assert entered(database, "login", begun.token)["account"] == mei
    with act(database) as tx:
        end_account.end_account(tx, "mei", now=now())
        with pytest.raises(LogInRefused):
            log_in.admit_by_provider(tx, *provider, device="a desk", now=now())


# --- wrong passwords -----------------------------------------------------------------------------------------------


def test_after_five_wrong_passwords_an_account_waits_twice_as_long_each_time_and_at_most_an_hour(database: str) -> None:
    make(database)
    at, waits = NOW, []
    for _ in range(13):
        with act(database) as tx:
            assert log_in.attempt(tx, "mei", now=at).password_hash == HASH
            locked_until_at = accounts.find(tx, "mei").locked_until_at
        waits.append(0 if locked_until_at is None else (locked_until_at - at) / A_MINUTE)
        at = locked_until_at or at
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_the_right_password_is_refused_too_while_an_account_waits_and_then_sets_the_count_to_nought(database: str) -> None:
    mei = make(database)
    for _ in range(5):
        assert enter(database, "mei", WRONG, NOW) is None
    assert enter(database, "mei", RIGHT, NOW + A_MINUTE - timedelta(seconds=1)) is None
    assert enter(database, "mei", RIGHT, NOW + A_MINUTE) is not None
    with act(database) as tx:
        found = accounts.find_by_id(tx, mei)
        assert found is not None
        assert (found.failures, found.locked_until_at) == (0, None)


def test_wrong_passwords_are_forgotten_a_day_after_the_last_one(database: str) -> None:
    make(database)
    for _ in range(5):
        enter(database, "mei", WRONG, NOW)
    a_day = NOW + timedelta(days=1)
    with act(database) as tx:
        assert log_in.attempt(tx, "mei", now=a_day).password_hash == HASH
        assert accounts.find(tx, "mei").failures == 6
    with act(database) as tx:
        assert log_in.attempt(tx, "mei", now=a_day + timedelta(days=1, seconds=1)).password_hash == HASH
        found = accounts.find(tx, "mei")
        assert (found.failures, found.locked_until_at) == (1, None)


def test_on_a_device_where_the_account_has_logged_in_tries_are_counted_beside_those_of_others(database: str) -> None:
    mei, lin = make(database), make(database, "lin")
    device, other = log_in.Device("a", (lin, mei)), log_in.Device("b", (lin,))

    def tried(on: log_in.Device | None, at: datetime, login: str = "mei") -> log_in.Attempt:
        with act(database) as tx:
            return log_in.attempt(tx, login, now=at, device=on)

    for _ in range(5):
        tried(None, NOW)
    assert tried(None, NOW) == tried(other, NOW) == log_in.Attempt()
    with act(database) as tx:
        before = accounts.find(tx, "mei")
    for _ in range(3):
        mine = tried(device, NOW)
        assert mine.password_hash == HASH
    with act(database) as tx:
        assert log_in.admit(tx, mine, device="a phone", now=NOW)
        assert accounts.find(tx, "mei") == before
    # A right password has set the device's count to nought, so five more may be tried at once, and then one each six minutes.
    assert [tried(device, NOW).account_id for _ in range(6)] == [mei] * 5 + [None]
    assert tried(device, NOW, "lin").account_id == lin
    assert [tried(device, NOW + 6 * A_MINUTE).account_id for _ in range(2)] == [mei, None]
    with act(database) as tx:
        assert accounts.find(tx, "mei") == before
        end_account.end_account(tx, "lin", now=NOW)
    assert tried(device, NOW, "lin") == log_in.Attempt()


def test_a_device_lets_nobody_in_whose_account_has_ended_or_changed_meanwhile(database: str) -> None:
    device = log_in.Device("a", tuple(make(database, login) for login in ("ends", "changes")))
    with act(database) as tx:
        ends, changes = (log_in.attempt(tx, login, now=NOW, device=device) for login in ("ends", "changes"))
        end_account.end_account(tx, "ends", now=NOW)
        change_password.set_password(tx, "changes", passwords.hashed(WRONG), now=NOW)
        for one in (ends, changes):
            with pytest.raises(LogInRefused):
                log_in.admit(tx, one, device="a phone", now=NOW)


def test_a_try_during_the_wait_does_not_prolong_it(database: str) -> None:
    make(database)
    for _ in range(50):
        enter(database, "mei", "", NOW)
    with act(database) as tx:
        found = accounts.find(tx, "mei")
    assert (found.failures, found.locked_until_at) == (5, NOW + A_MINUTE)


def test_many_wrong_passwords_at_once_are_tried_no_more_often_than_after_each_other(database: str) -> None:
    make(database)
    engine = db.engine(database, pool_size=8)

    def tried(_: int) -> bool:
        with db.transaction(engine) as tx:
            return log_in.attempt(tx, "mei", now=NOW).password_hash is not None

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(tried, range(64))) == 5
    engine.dispose()


def test_thousands_of_wrong_passwords_do_no_harm(database: str) -> None:
    make(database)
    with act(database) as tx:
        tx.execute(sa.update(account).values(failures=2_000_000_000))
        assert log_in.attempt(tx, "mei", now=NOW).password_hash == HASH
        assert accounts.find(tx, "mei").locked_until_at == NOW + timedelta(hours=1)


def test_no_try_waits_for_the_disk_whether_there_is_such_an_account_or_not(database: str) -> None:
    make(database)
    for login in ("mei", "nobody", "no login"):
        with act(database) as tx:
            tx.execute(sa.text("SET LOCAL synchronous_commit = on"))
            log_in.attempt(tx, login, now=NOW)
            assert tx.execute(sa.text("SHOW synchronous_commit")).scalar_one() == "off", login


def test_who_has_no_account_no_password_or_has_ended_is_tried_on_nothing(database: str) -> None:
    make(database, "gone")
    with act(database) as tx:
        accounts.create(tx, "machine", kind="machine", name="Tiles", now=NOW)
        end_account.end_account(tx, "gone", now=NOW)
        for login in ("nobody", "gone", "machine", "' OR 1=1 --"):
            tried = log_in.attempt(tx, login, now=NOW)
            assert tried == log_in.Attempt()
            with pytest.raises(LogInRefused):
                log_in.admit(tx, tried, device="a phone", now=NOW)


def test_an_account_that_ends_or_changes_while_its_password_is_hashed_lets_nobody_in(database: str) -> None:
    for login in ("ends", "changes"):
        make(database, login)
    with act(database) as tx:
        ends, changes = (log_in.attempt(tx, login, now=NOW) for login in ("ends", "changes"))
        end_account.end_account(tx, "ends", now=NOW)
        change_password.set_password(tx, "changes", passwords.hashed(WRONG), now=NOW)
        for tried in (ends, changes):
            with pytest.raises(LogInRefused):
                log_in.admit(tx, tried, device="a phone", now=NOW)


# --- logins --------------------------------------------------------------------------------------------------------


def test_a_login_lets_in_until_it_ends_expires_or_its_account_ends(database: str) -> None:
    mei = make(database)
    first, second = (enter(database, "mei", RIGHT, now()) for _ in range(2))
    old = enter(database, "mei", RIGHT, now() - logins.LASTS)
    assert first
    assert second
    assert old
    assert entered(database, "login", first.token) == {
        "account": mei,
        "login": "mei",
        "name": "Mei",
        "kind": "person",
        "grants": [],
        "credential": first.id,
        "layers": None,
        "rate_per_minute": None,
    }
    assert entered(database, "login", old.token) is None
    assert entered(database, "login", first.token[:-1]) is None
    assert entered(database, "api_key", first.token) is None
    with act(database) as tx:
        assert {one.id for one in logins.listed(tx, mei, now=now())} == {first.id, second.id}
        assert logins.end(tx, mei, first.id, now=now())
        assert not logins.end(tx, mei, first.id, now=now())
        assert not logins.end(tx, mei + 1, second.id, now=now())
    assert entered(database, "login", first.token) is None
    assert entered(database, "login", second.token) is not None
    with act(database) as tx:
        end_account.end_account(tx, "mei", now=now())
    assert entered(database, "login", second.token) is None


def test_no_token_is_kept_and_what_a_device_says_of_itself_is_shortened(database: str) -> None:
    mei = make(database)
    with act(database) as tx:
        begun = logins.add(tx, mei, device="\x1b[2Jphone\x00" + "x" * 1_000, now=now())
        [one] = logins.listed(tx, mei, now=now())
        assert one.device.startswith("[2Jphonexxx")
        assert len(one.device) == 120
        kept = str(tx.execute(sa.text("SELECT login::text FROM login")).scalar_one())
    assert begun.token not in kept
    assert digest_of(begun.token).hex() in kept


def test_a_new_password_logs_all_other_devices_out(database: str) -> None:
    mei = make(database)
    mine, other = (enter(database, "mei", RIGHT, now()) for _ in range(2))
    assert mine
    assert other
    with act(database) as tx:
        assert change_password.change_password(tx, mei, passwords.hashed(WRONG), instead_of=HASH, login=mine.id, now=now()) == 1
        with pytest.raises(LogInRefused):
            change_password.change_password(tx, mei, HASH, instead_of=HASH, login=mine.id, now=now())
    assert entered(database, "login", mine.token)
    assert entered(database, "login", other.token) is None
    assert enter(database, "mei", RIGHT, now()) is None
    with act(database) as tx:
        assert change_password.set_password(tx, "mei", HASH, now=now()) == 1
    assert entered(database, "login", mine.token) is None
    assert enter(database, "mei", RIGHT, now()) is not None


# --- keys ----------------------------------------------------------------------------------------------------------


def test_a_key_lets_in_with_its_layers_and_rate_until_it_is_revoked(database: str) -> None:
    mei = make(database)
    with act(database) as tx:
        number, key = api_keys.create(
            tx, mei, name="wall map", layers=["blocks", "areas", "blocks"], rate_per_minute=60, expires_at=now() + A_MINUTE, now=now()
        )
        _, other = api_keys.create(tx, mei, name="another", expires_at=now() + api_keys.LONGEST, now=now())
        kept = str(tx.execute(sa.text("SELECT string_agg(api_key::text, ' ') FROM api_key")).scalar_one())
    assert key.startswith("wgk_")
    assert key not in kept
    said = entered(database, "api_key", key)
    assert (said["account"], said["layers"], said["rate_per_minute"], said["credential"]) == (mei, ["blocks", "areas"], 60, number)
    assert entered(database, "api_key", other)["layers"] is None
    assert entered(database, "login", key) is None
    with act(database) as tx:
        used = api_keys.find(tx, number)
        assert used is not None
        assert used.used_at is not None
        assert key.startswith(used.start)
        assert len(used.start) == 10
        assert [one.id for one in api_keys.listed(tx, mei)] == [number + 1, number]
        assert not api_keys.revoke(tx, mei + 1, number, now=now())
        assert api_keys.revoke(tx, mei, number, now=now())
        assert not api_keys.revoke(tx, mei, number, now=now())
    assert entered(database, "api_key", key) is None
    assert entered(database, "api_key", other) is not None


def test_a_key_expires(database: str) -> None:
    mei = make(database)
    with act(database) as tx:
        before = now() - timedelta(days=2)
        _, key = api_keys.create(tx, mei, name="old", expires_at=before + timedelta(days=1), now=before)
    assert entered(database, "api_key", key) is None


@pytest.mark.parametrize("days", [-1, 0, 366, 40_000])
def test_a_key_that_would_have_expired_or_last_too_long_is_refused(database: str, days: int) -> None:
    mei = make(database)
    with act(database) as tx, pytest.raises(NoExpiry):
        api_keys.create(tx, mei, name="long", expires_at=NOW + timedelta(days=days), now=NOW)


def test_a_key_for_a_layer_that_there_is_not_is_refused(database: str) -> None:
    mei = make(database)
    with act(database) as tx, pytest.raises(NotFound):
        api_keys.create(tx, mei, name="map", layers=["blocks", "rivers"], expires_at=NOW + A_MINUTE, now=NOW)


# --- grants --------------------------------------------------------------------------------------------------------


@pytest.fixture
def city(database: str, tiny_pack: Path) -> str:
    """A database with the tiny city and the account mei."""
    load(database, tiny_pack)
    make(database)
    return database


def granted(url: str) -> list[tuple[str, str | None, str | None]]:
    begun = enter(url, "mei", RIGHT, now())
    assert begun
    return [(one["role"], one["level"], one["code"]) for one in entered(url, "login", begun.token)["grants"]]


def test_grants_are_in_force_from_when_they_are_given_until_they_end(city: str) -> None:
    at = now()
    with act(city) as tx:
        worker = give_grant(tx, "mei", Grant(Role.WORKER, "tiny", Place("community", "310101001001")), now=at)
        give_grant(tx, "mei", Grant(Role.ANALYST, "tiny"), from_at=at - 2 * A_MINUTE, to_at=at - A_MINUTE, now=at)
        later = give_grant(tx, "mei", Grant(Role.CHECKER, "tiny"), from_at=at + timedelta(days=1), now=at)
        mei = accounts.find(tx, "mei").id
    assert granted(city) == [("worker", "community", "310101001001")]
    with act(city) as tx:
        given = grants.listed(tx, [mei, mei + 1])
        assert given[mei + 1] == []
        assert [one.grant.role for one in given[mei] if one.stands(now())] == [Role.WORKER, Role.CHECKER]
        for number in (worker, later):
            assert not grants.end(tx, mei + 1, number, now=now())
            assert grants.end(tx, mei, number, now=now())
            assert not grants.end(tx, mei, number, now=now())
        kept = grants.listed(tx, [mei])[mei]
        assert len(kept) == 3
        assert not any(one.stands(now()) for one in kept)
    assert granted(city) == []


def test_a_place_of_a_grant_is_told_with_all_above_it(city: str) -> None:
    with act(city) as tx:
        grid = tx.execute(sa.text("SELECT code FROM duty_grid ORDER BY code LIMIT 1")).scalar_one()
        found = grants.require_place(tx, "tiny", Place("duty_grid", grid))
        assert found == {
            Place("city", "310100"),
            Place("district", "310101"),
            Place("community", "310101001001"),
            Place("duty_grid", grid),
        }
        assert grants.require_place(tx, "tiny", None) == frozenset()
        assert grants.places_above(tx, "tiny", Place("district", "310109")) == frozenset()


NO_GRANTS = [
    (Grant(Role.WORKER, "atlantis"), NotFound),
    (Grant(Role.WORKER, "tiny", Place("province", "31")), NotFound),
    (Grant(Role.WORKER, "tiny", Place("district", "310109")), NotFound),
    (Grant(Role.WORKER, "tiny", Place("community", "310101")), NotFound),
    (Grant(Role.PUBLIC, "tiny"), NoGrant),
    (Grant(Role.DEPARTMENT, "tiny"), NoGrant),
]


@pytest.mark.parametrize(("grant", "refusal"), NO_GRANTS)
def test_a_grant_that_makes_no_sense_is_refused(city: str, grant: Grant, refusal: type[Exception]) -> None:
    with act(city) as tx, pytest.raises(refusal):
        give_grant(tx, "mei", grant, now=NOW)


def test_a_grant_to_nobody_or_over_no_time_is_refused(city: str) -> None:
    with act(city) as tx:
        with pytest.raises(NotFound):
            give_grant(tx, "nobody", Grant(Role.WORKER, "tiny"), now=NOW)
        with pytest.raises(NotAPeriod):
            give_grant(tx, "mei", Grant(Role.WORKER, "tiny"), to_at=NOW, now=NOW)
        end_account.end_account(tx, "mei", now=NOW)
        with pytest.raises(AccountEnded):
            give_grant(tx, "mei", Grant(Role.WORKER, "tiny"), now=NOW)


def test_a_city_without_a_plan_has_no_places_to_grant(city: str) -> None:
    with act(city) as tx:
        tx.execute(sa.text("UPDATE edition SET status = 'retired', retired_at = now()"))
        with pytest.raises(NoAdoptedEdition):
            give_grant(tx, "mei", Grant(Role.WORKER, "tiny", Place("district", "310101")), now=NOW)


# --- under which role ----------------------------------------------------------------------------------------------


def test_accounts_are_kept_under_a_role_that_reads_nothing_else_and_not_under_that_of_the_app(city: str) -> None:
    engine = db.engine(city, pool_size=1, role="wangge_identity")
    with db.transaction(engine) as tx:
        accounts.create(tx, "lin", name="Lin", password_hash=HASH, now=now())
        give_grant(tx, "lin", Grant(Role.LEAD, "tiny", Place("district", "310101")), now=now())
        tried = log_in.attempt(tx, "lin", now=now())
        begun = log_in.admit(tx, tried, device="a phone", now=now())
        assert tx.execute(sa.text("SELECT enter('login', :digest)"), {"digest": digest_of(begun.token)}).scalar_one()
        end_account.end_account(tx, "mei", now=now())
    for statement in ("SELECT * FROM incident", "SELECT * FROM owner", "DELETE FROM account", "UPDATE city SET code = 'x'"):
        with pytest.raises(DBAPIError, match="permission denied"), db.transaction(engine) as tx:
            tx.execute(sa.text(statement))
    engine.dispose()
    engine = db.engine(city, pool_size=1, role="wangge_app")
    for name in ("account", "login", "api_key", "role_grant"):
        with pytest.raises(DBAPIError, match="permission denied"), db.transaction(engine) as tx:
            tx.execute(sa.text(f"SELECT * FROM {name}"))
    engine.dispose()
