"""Persons: who asks, found by what only they have, and entered into the transaction, so that the policies of the database see them too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from gis.db import Tx
from grids.permissions import Grant, Person, Place, Role

_ENTER = sa.text("SELECT enter(:kind, :digest)")
_ENTER_ACCOUNT = sa.text("SELECT enter_account(:account)")


@dataclass(frozen=True)
class Entered:
    """A person who was entered into a transaction, and how: ``layers`` are those that an API key is for, None for all."""

    person: Person
    login: str
    name: str
    kind: Literal["person", "machine"]
    credential: int | None = None
    layers: frozenset[str] | None = None
    rate_per_minute: int | None = None


def enter(tx: Tx, kind: Literal["login", "api_key"], digest: bytes) -> Entered | None:
    """The person with this login or API key (the SHA-256 of its token), who from here on is the person of the transaction.

    None where the credential is not, or no longer, good; then the transaction stays nobody's.
    """
    return _entered(tx.execute(_ENTER, {"kind": kind, "digest": digest}).scalar_one())


def enter_account(tx: Tx, account: int) -> Entered | None:
    """The person of an account that somebody else vouches for (a signed tile token); None where the account has ended."""
    return _entered(tx.execute(_ENTER_ACCOUNT, {"account": account}).scalar_one())


def _entered(said: dict[str, Any] | None) -> Entered | None:
    if said is None:
        return None
    return Entered(
        Person(said["account"], tuple(map(_grant, said["grants"]))),
        said["login"],
        said["name"],
        said["kind"],
        said.get("credential"),
        None if said.get("layers") is None else frozenset(said["layers"]),
        said.get("rate_per_minute"),
    )


def _grant(said: dict[str, Any]) -> Grant:
    place = None if said["level"] is None else Place(said["level"], said["code"])
    return Grant(Role(said["role"]), said["city"], place, said["department"])
