"""Adopt an edition: from now on the draft is the city's plan, and it never changes again."""

from __future__ import annotations

from datetime import datetime

from gis.account_errors import AdoptionRefused
from gis.db import Tx, lock
from gis.store import accounts, editions, persons
from grids.permissions import Act, Ground, Thing, may

_REASONS = {
    Ground.OWN_WORK: "nobody adopts an edition that they have drawn.",
    Ground.ELSEWHERE: "the account has no such role for the whole city.",
    Ground.OTHER_DEPARTMENT: "the account has the role for one department only.",
}
_NO_ROLE = "the account is no duty chief."


def adopt_edition(tx: Tx, city: str, *, now: datetime, number: int | None = None, by: str | None = None) -> int:
    """Adopt edition ``number`` of ``city`` (the newest one when None) and return its number; the one before is retired.

    ``by`` is the login of the account that stands for it, None for the machine's operator. Raises ``NotFound``, ``Conflict`` when it is
    no draft, ``AccountEnded``, and ``AdoptionRefused`` for who has drawn it, or is no duty chief of the whole city.
    """
    lock(tx, "the plan", city)
    edition = editions.find(tx, city, number)
    editions.adopt(tx, edition.id, now=now, by=None if by is None else _allowed(tx, by, city, edition.number, edition.drawn_by))
    return int(edition.number)


def _allowed(tx: Tx, login: str, city: str, number: int, drawn_by: int | None) -> int:
    account = accounts.find_standing(tx, login).id
    entered = persons.enter_account(tx, account)
    verdict = may(entered.person, Act.ADOPT_EDITION, Thing(city, doer=drawn_by)) if entered else None
    if verdict is None or not verdict.allowed:
        raise AdoptionRefused(login, city, number, _REASONS.get(verdict.ground, _NO_ROLE) if verdict else _NO_ROLE)
    return account
