"""Adopt an edition: from now on the draft is the city's plan, and it never changes again."""

from __future__ import annotations

from datetime import datetime

from gis.account_errors import AdoptionRefused
from gis.db import Tx, lock
from gis.store import accounts, editions, grants, persons
from gis.store.accounts import Account
from grids.permissions import Act, Ground, Person, Thing, may

_WORDS = {
    Ground.OWN_WORK: "nobody adopts an edition that they have drawn.",
    Ground.ELSEWHERE: "the account has no such role for the whole city.",
    Ground.OTHER_DEPARTMENT: "the account has the role for one department only.",
    Ground.NO_ROLE: "the account is no duty chief.",
}


def adopt_edition(tx: Tx, city: str, *, now: datetime, number: int | None = None, by: str | None = None) -> int:
    """Adopt edition ``number`` of ``city`` (the newest one when None) and return its number; the one before is retired.

    ``by`` is the login of the account that stands for it, None for the machine's operator. Raises ``NotFound``, ``Conflict`` when it is
    no draft, ``AccountEnded``, and ``AdoptionRefused`` for who has drawn it, or is no duty chief of the whole city.
    """
    lock(tx, "the plan", city)
    edition = editions.find(tx, city, number)
    standing = None if by is None else _allowed(tx, by, city, number=edition.number, drawn_by=edition.drawn_by, now=now)
    editions.adopt(tx, edition.id, now=now, by=standing)
    return int(edition.number)


def _allowed(tx: Tx, login: str, city: str, *, number: int, drawn_by: int | None, now: datetime) -> int:
    account = accounts.find_standing(tx, login)
    entered = persons.enter_account(tx, account.id)
    verdict = may(entered.person if entered else Person(account.id), Act.ADOPT_EDITION, Thing(city, doer=drawn_by))
    if not verdict.allowed:
        raise AdoptionRefused(login, city, number, _WORDS[verdict.ground])
    if drawn_by is not None and not _is_another(tx, account, city, drawn_by, now):
        raise AdoptionRefused(login, city, number, "who has drawn it has set the account's password, or made it a duty chief.")
    return account.id


def _is_another(tx: Tx, account: Account, city: str, drawn_by: int, now: datetime) -> bool:
    """Whether an account speaks for somebody else than who has drawn the edition: they have not set its password, by whatever
    administrator, and it has a fitting role that does not come from them."""
    if account.password_set_by is not None and drawn_by in grants.behind(tx, account.password_set_by):
        return False
    fitting = [
        given
        for given in grants.listed(tx, [account.id])[account.id]
        if given.in_force(now) and may(Person(account.id, (given.grant,)), Act.ADOPT_EDITION, Thing(city)).allowed
    ]
    return any(given.granted_by is None or drawn_by not in grants.behind(tx, given.granted_by) for given in fitting)
