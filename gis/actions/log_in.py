"""Log in with a password: two acts, because between them the password is hashed, for which no transaction is kept open.

``attempt`` counts the try and says what to try the password on; ``admit`` begins the login once it has fitted. A password that somebody
else has set begins none unless its person takes another one in the same step.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gis.account_errors import LogInRefused, OneTimePassword
from gis.actions.change_password import change_password
from gis.credentials import digest_of
from gis.db import Tx
from gis.limits import Limit
from gis.store import accounts, limits, logins

OF_DEVICE = Limit("log-in on a known device", 10, 3_600, 5)
"""How many passwords are tried on a browser for an account that has logged in on it before."""


@dataclass(frozen=True)
class Device:
    """A browser on which somebody has logged in: its name, which nobody else has, and the ids of the accounts."""

    name: str
    accounts: tuple[int, ...]

    def key(self, account_id: int) -> bytes:
        """Under what the tries for an account are counted."""
        return digest_of(f"{self.name} {account_id}")


@dataclass(frozen=True)
class Attempt:
    """A try to log in; both None where nothing fits, which the caller finds out no sooner than with a wrong password. ``once``: the
    password is good for nothing but taking another; ``key``: under what it was counted, when that was on a known device."""

    account_id: int | None = None
    password_hash: str | None = None
    once: bool = False
    key: bytes | None = None


def attempt(tx: Tx, login: str, *, now: datetime, device: Device | None = None) -> Attempt:
    """Count a try to log in. The caller must commit before the password is looked at: a try that is given up has been one too.

    On a ``device`` where the account has logged in before the try counts against that device alone, so that an account which others
    have made wait lets its person in. Elsewhere it counts against the account.
    """
    known = None if device is None else accounts.find_password(tx, login, device.accounts)
    if device is not None and known is not None:
        key = device.key(known[0])
        return Attempt() if limits.take(tx, OF_DEVICE, key, now=now) else Attempt(*known, key=key)
    counted = accounts.count_attempt(tx, login, now=now)
    return Attempt() if counted is None else Attempt(*counted)


def admit(tx: Tx, tried: Attempt, *, device: str, now: datetime, new: str | None = None) -> logins.Begun:
    """Begin the login of a try whose password fitted; ``new`` is the hash of the password that the account takes from here on.

    Raises ``LogInRefused`` when the account has ended or changed meanwhile, and ``OneTimePassword`` where another one must be taken.
    """
    if tried.account_id is None or tried.password_hash is None:
        raise LogInRefused
    # What others have tried elsewhere stays counted when its person comes in on a device of their own.
    stands = accounts.forget_failures if tried.key is None else accounts.has_password
    if not stands(tx, tried.account_id, tried.password_hash):
        raise LogInRefused
    if tried.key is not None:
        limits.forget(tx, OF_DEVICE, tried.key)
    if new is not None:
        change_password(tx, tried.account_id, new, instead_of=tried.password_hash, login=None, now=now)
    elif tried.once:
        raise OneTimePassword
    return logins.add(tx, tried.account_id, device=device, now=now)


def admit_by_provider(tx: Tx, issuer: str, subject: str, *, device: str, now: datetime) -> logins.Begun:
    """Begin the login of a person whom an OpenID Connect provider has named. Raises ``LogInRefused`` unless an account was made for them.

    An account that takes no passwords at present lets its person in: the provider keeps its own count of wrong ones.
    """
    found = accounts.find_by_provider(tx, issuer, subject)
    if found is None or found.ended_at is not None:
        raise LogInRefused
    return logins.add(tx, found.id, device=device, now=now)
