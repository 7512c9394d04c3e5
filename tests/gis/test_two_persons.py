"""Two persons make a plan: who has drawn an edition does not adopt it, by the act and by the database itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from gis import tables
from gis.account_errors import AdoptionRefused
from gis.actions.adopt_edition import adopt_edition
from gis.actions.draw_edition import draw_edition
from gis.actions.load_city import load_city
from gis.progress import silent
from grids.permissions import Grant, Place, Role
from tests import persons
from tests.tiny_city import NOON, act

CHIEF = Grant(Role.DUTY_CHIEF, "tiny")


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
