"""What is refused about accounts and about what is kept of people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gis.errors import Conflict
from grids.errors import Refusal


@dataclass(eq=False)
class WeakPassword(Refusal):
    """A password that is too short, or could be guessed at once."""

    least: int
    longest: int
    template: ClassVar[str] = "This password is too easily guessed, or too long."
    mend: ClassVar[str] = (
        "Take {least} to {longest} characters of any kind, which are not the login and not one character over and over; a few words do."
    )


@dataclass(eq=False)
class BadLogin(Refusal):
    """A text cannot be the login of an account."""

    login: str
    template: ClassVar[str] = "{login!r} cannot be the login of an account."
    mend: ClassVar[str] = "Take 2 to 63 of a-z, 0-9, '.', '_' and '-', with a letter or digit first."


@dataclass(eq=False)
class BadName(Refusal):
    """A text cannot be the name of an account or of a key."""

    name: str
    template: ClassVar[str] = "{name!r} cannot be a name."
    mend: ClassVar[str] = "Take 1 to 200 characters that can be printed."


@dataclass(eq=False)
class LoginTaken(Conflict):
    """An account has this login already, or had it; a login stands for one person for ever."""

    login: str
    template: ClassVar[str] = "There is, or was, an account {login!r}."
    mend: ClassVar[str] = "Take another login: what is recorded under this one stays that person's."


@dataclass(eq=False)
class SubjectTaken(Conflict):
    """Another account stands already for this person of an OpenID Connect provider."""

    issuer: str
    subject: str
    template: ClassVar[str] = "Another account is linked to {subject!r} of {issuer}."
    mend: ClassVar[str] = "See it with 'wangge account list --all'."


@dataclass(eq=False)
class AccountEnded(Conflict):
    """Something was to be done to an account that has ended."""

    login: str
    template: ClassVar[str] = "The account {login!r} has ended."
    mend: ClassVar[str] = "Make a new one with 'wangge account add'."


@dataclass(eq=False)
class NoGrant(Refusal):
    """A grant that cannot be given as it was asked for."""

    reason: str
    template: ClassVar[str] = "This cannot be granted: {reason}"
    mend: ClassVar[str] = "docs/accounts.md names the roles and what each needs."
    translated: ClassVar[tuple[str, ...]] = ("reason",)


@dataclass(eq=False)
class NotAPeriod(Refusal):
    """A grant that would end before it begins."""

    template: ClassVar[str] = "A grant needs a beginning that comes before its end."
    mend: ClassVar[str] = "Mend its beginning or its end."


@dataclass(eq=False)
class NoExpiry(Refusal):
    """A key that would expire in the past, or later than a key may."""

    at: str
    longest_days: int
    template: ClassVar[str] = "A key cannot expire at {at}."
    mend: ClassVar[str] = "Take an instant from now to {longest_days} days ahead."


@dataclass(eq=False)
class KeyOfAPerson(Conflict):
    """Somebody asked for an API key of another person's account: it would act in that person's name, whatever they may do later."""

    login: str
    template: ClassVar[str] = "The account {login} is a person's: nobody else makes keys for it."
    mend: ClassVar[str] = "Make an account of the kind machine for a program; a person makes keys of their own (POST /api/v1/me/keys)."


@dataclass(eq=False)
class LogInRefused(Refusal):
    """A log-in failed. That it says no more, of unknown, locked and ended accounts alike, is meant."""

    template: ClassVar[str] = "The log-in was refused."
    mend: ClassVar[str] = (
        "Check login and password. After several wrong passwords an account waits, up to an hour; whoever keeps the accounts can set a new one."
    )


@dataclass(eq=False)
class OneTimePassword(Refusal):
    """The password was set by somebody else: it lets nobody in but who takes another one with it."""

    template: ClassVar[str] = (
        "This password was set for you by somebody else. It is good for choosing your own, and for nothing before that."
    )
    mend: ClassVar[str] = "Log in with it once more and give a password of your own, another one, beside it (field new)."


@dataclass(eq=False)
class PasswordOfProvider(Conflict):
    """Somebody wanted to set the password of another who logs in through an OpenID Connect provider: it would be a way around that."""

    login: str
    template: ClassVar[str] = "{login} logs in through the OpenID Connect provider, so nobody sets a password for them."
    mend: ClassVar[str] = "Have it mended at the provider; the operator of the machine can set a password with 'wangge account password'."


@dataclass(eq=False)
class AccountNotEnded(Conflict):
    """A person is to be erased whose account still stands."""

    login: str
    template: ClassVar[str] = "The account {login} has not ended, so its person is not erased."
    mend: ClassVar[str] = "End it first: wangge account end {login}."


@dataclass(eq=False)
class SealUnknown(Refusal):
    """Something sealed that no key of the settings opens."""

    template: ClassVar[str] = "What is kept of a reporter was sealed under a key that the settings do not name, or it is damaged."
    mend: ClassVar[str] = "Add the earlier key to WANGGE_SEALING_KEYS, after the new one."


@dataclass(eq=False)
class NobodyNamed(Refusal):
    """An act for which somebody must stand was done by nobody in particular."""

    template: ClassVar[str] = "In production an edition is drawn and adopted by two persons, and nobody was named."
    mend: ClassVar[str] = "Name the account with --as."


@dataclass(eq=False)
class AdoptionRefused(Conflict):
    """A person may not adopt an edition: it is their own, or they have no part in it."""

    login: str
    city: str
    number: int
    reason: str
    template: ClassVar[str] = "{login} may not adopt edition {number} of {city}: {reason}"
    mend: ClassVar[str] = "Let a duty chief of the whole city adopt it who has not drawn it."
    translated: ClassVar[tuple[str, ...]] = ("reason",)
