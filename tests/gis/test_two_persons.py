"""Two persons make a plan: who has drawn an edition does not adopt it, by the act and by the database itself."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from gis import db, passwords, tables
from gis.account_errors import AdoptionRefused
from gis.actions import change_password, log_in
from gis.actions.adopt_edition import adopt_edition
from gis.actions.draw_edition import draw_edition
from gis.actions.give_grant import give_grant
from gis.actions.load_city import load_city
from gis.progress import silent
from gis.store import accounts
from grids.permissions import Grant, Place, Role
from tests import persons
from tests.tiny_city import NOON, act

CHIEF = Grant(Role.DUTY_CHIEF, "tiny")
HASH = passwords.hashed("four words do very well")


@pytest.fixture
def drawn(database: str, tiny_pack: Path) -> tuple[str, int, str]:
    """A database with a draft, the account that drew it, a duty chief too, and its login."""
    with act(database) as tx:
        load_city(tx, tiny_pack, now=NOON, progress=silent)
        account = persons.add_in(tx, CHIEF, Grant(Role.ANALYST, "tiny"))
        draw_edition(tx, "tiny", now=NOON, progress=silent, by=account)
        login = tx.execute(sa.select(tables.account.c.login).where(tables.account.c.id == account)).scalar_one()
    return database, account, login


def test_who_has_drawn_an_edition_does_not_adopt_it(drawn: tuple[str, int, str]) -> None:
    url, _, login = drawn
    with pytest.raises(AdoptionRefused, match="nobody adopts an edition that they have drawn"), act(url) as tx:
        adopt_edition(tx, "tiny", now=NOON, by=login)
    with act(url) as tx:
        assert tx.execute(sa.select(tables.edition.c.status)).scalar_one() == "draft"


def test_the_database_itself_refuses_one_person_twice(drawn: tuple[str, int, str]) -> None:
    url, account, _ = drawn
    with pytest.raises(sa.exc.IntegrityError, match="edition_two_persons_check"), act(url) as tx:
        tx.execute(sa.update(tables.edition).values(status="adopted", adopted_at=NOON, adopted_by=account))


def test_another_duty_chief_adopts_it_and_both_are_kept(drawn: tuple[str, int, str]) -> None:
    url, account, _ = drawn
    with act(url) as tx:
        other = persons.add_in(tx, CHIEF)
        login = tx.execute(sa.select(tables.account.c.login).where(tables.account.c.id == other)).scalar_one()
        adopt_edition(tx, "tiny", now=NOON, by=login)
        edition = tables.edition.c
        assert tx.execute(sa.select(edition.drawn_by, edition.adopted_by, edition.status)).one() == (account, other, "adopted")


@pytest.mark.parametrize(
    ("grant", "reason"),
    [
        (Grant(Role.ADMINISTRATOR, "tiny"), "no duty chief"),
        (Grant(Role.DUTY_CHIEF, "tiny", Place("district", "310101")), "no such role for the whole city"),
    ],
)
def test_who_has_no_such_part_is_told_why(drawn: tuple[str, int, str], grant: Grant, reason: str) -> None:
    url, _, _ = drawn
    with act(url) as tx:
        login = tx.execute(sa.select(tables.account.c.login).where(tables.account.c.id == persons.add_in(tx, grant))).scalar_one()
    with pytest.raises(AdoptionRefused, match=reason), act(url) as tx:
        adopt_edition(tx, "tiny", now=NOON, by=login)


def chief(tx: db.Tx, login: str, *, granted_by: int | None = None, password_set_by: int | None = None) -> None:
    accounts.create(tx, login, name="Chief", now=NOON, password_hash=HASH, password_set_by=password_set_by)
    give_grant(tx, login, CHIEF, granted_by=granted_by, now=NOON)


def administrator(tx: db.Tx, login: str, *, granted_by: int) -> int:
    number = accounts.create(tx, login, name="Sock", now=NOON)
    give_grant(tx, login, Grant(Role.ADMINISTRATOR, "tiny"), granted_by=granted_by, now=NOON)
    return number


def adopts(tx: db.Tx, login: str) -> bool:
    """Whether an account adopts the draft; the refusal must be that of a hand in it."""
    with suppress(AdoptionRefused):
        adopt_edition(tx, "tiny", now=NOON, by=login)
        return True
    with pytest.raises(AdoptionRefused, match="set the account's password"):
        adopt_edition(tx, "tiny", now=NOON, by=login)
    return False


def test_whose_password_or_role_comes_from_who_has_drawn_it_is_no_other_person(drawn: tuple[str, int, str]) -> None:
    url, account, _ = drawn
    with act(url) as tx:
        sock = administrator(tx, "sock", granted_by=administrator(tx, "sock-of-sock", granted_by=account))
        chief(tx, "by-grant", granted_by=account)
        chief(tx, "by-sock", granted_by=sock)
        chief(tx, "by-password", password_set_by=account)
        chief(tx, "by-password-of-sock", password_set_by=sock)
        chief(tx, "by-new-password")
        change_password.set_password(tx, "by-new-password", HASH, by=account, now=NOON)
        chief(tx, "by-reset", password_set_by=account)
        assert [one for one in ("by-grant", "by-sock", "by-password", "by-password-of-sock", "by-new-password") if adopts(tx, one)] == []
        # Whoever knew the first password may have taken the second as well.
        tried = log_in.attempt(tx, "by-reset", now=NOON)
        log_in.admit(tx, tried, device="a phone", new=passwords.hashed("another four words do"), now=NOON)
        assert not adopts(tx, "by-reset")
        # A command on the machine sets it anew.
        change_password.set_password(tx, "by-reset", HASH, now=NOON)
        assert adopts(tx, "by-reset")


def test_one_fitting_role_that_comes_from_somebody_else_is_enough(drawn: tuple[str, int, str]) -> None:
    url, account, _ = drawn
    with act(url) as tx:
        chief(tx, "both", granted_by=account)
        assert not adopts(tx, "both")
        give_grant(tx, "both", CHIEF, now=NOON)
        assert adopts(tx, "both")
