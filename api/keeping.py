"""Which accounts an administrator keeps: those whose every grant lies in the own part of the city; never one's own.

An account is where its grants are that are in force or to come; when none are, where the ended ones were. So nobody gets at what an
account may do elsewhere by a new password of it, and an account without any grant is kept by commands of the machine alone.

Nobody is given anything by an administrator whom they have made one themselves, by however many others: that would be their own hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from api.deps import Caller, require
from api.errors import NotLoggedIn
from gis.db import Tx
from gis.errors import NotFound
from gis.store import accounts, grants
from gis.store.accounts import Account
from gis.store.grants import Given
from grids.permissions import Act, Grant, Ground, Person, Place, Thing, Verdict, may


@dataclass(frozen=True)
class Keeper:
    """Somebody who keeps accounts, in a transaction under `wangge_identity`."""

    tx: Tx
    person: Person
    now: datetime
    _above: dict[tuple[str, Place], frozenset[Place]] = field(default_factory=dict)

    def kept(self) -> list[tuple[Account, list[Given]]]:
        """The accounts that stand and are kept, by login, each with all its grants."""
        found = accounts.listed(self.tx)
        given = grants.listed(self.tx, [one.id for one in found])
        return [(one, given[one.id]) for one in found if self._verdict(one, given[one.id]).allowed]

    def require_account(self, login: str) -> Account:
        """The account of a login that stands and is kept. Raises ``NotFound`` where it is not (there, or kept), ``AccountEnded``, and
        ``NotAllowed`` for one's own."""
        found = accounts.find(self.tx, login)
        verdict = self._verdict(found, grants.listed(self.tx, [found.id])[found.id])
        if verdict.ground is Ground.OWN_WORK or found.id == self.person.account:
            require(Verdict(False, Ground.OWN_WORK))
        if not verdict.allowed:
            # That there is such an account elsewhere is nobody's business here.
            raise NotFound("account", login)
        return accounts.find_standing(self.tx, login)

    def require_grant(self, grant: Grant, *, doer: int | None) -> None:
        """Refuse a grant that reaches beyond the own part of the city, or to one whose hand may be in one's own (``NotAllowed``), and one
        that no place is for (``NotFound``)."""
        places = grants.require_place(self.tx, grant.city, grant.place)
        require(may(self.person, Act.KEEP_ACCOUNTS, _thing(grant, places, doer)))
        if doer is not None and self.person.account is not None and doer in grants.behind(self.tx, self.person.account):
            require(Verdict(False, Ground.OWN_WORK))

    def _verdict(self, account: Account, given: list[Given]) -> Verdict:
        standing = [one for one in given if one.stands(self.now)] or given
        verdicts = [self._of_grant(one.grant, account.id) for one in standing]
        return next((one for one in verdicts if not one.allowed), verdicts[0] if verdicts else Verdict(False, Ground.ELSEWHERE))

    def _of_grant(self, grant: Grant, doer: int) -> Verdict:
        verdict = may(self.person, Act.KEEP_ACCOUNTS, _thing(grant, frozenset(), doer))
        if verdict.ground is not Ground.ELSEWHERE or grant.place is None:
            return verdict
        key = (grant.city, grant.place)
        if key not in self._above:
            self._above[key] = grants.places_above(self.tx, *key)
        return may(self.person, Act.KEEP_ACCOUNTS, _thing(grant, self._above[key], doer))


@contextmanager
def keeping(caller: Caller, now: datetime) -> Iterator[Keeper]:
    """A transaction for somebody who keeps accounts somewhere. Raises ``NotLoggedIn``, and ``NotAllowed`` also for an API key: one
    that was stolen must not be able to make itself accounts that outlast it."""
    with caller.keep(Act.KEEP_ACCOUNTS) as (tx, entered):
        if entered is None:
            raise NotLoggedIn
        caller.require_login()
        yield Keeper(tx, entered.person, now)


def _thing(grant: Grant, places: frozenset[Place], doer: int | None) -> Thing:
    departments = frozenset() if grant.department is None else frozenset({grant.department})
    return Thing(grant.city, places, departments, doer)
