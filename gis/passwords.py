"""Passwords: which are taken, how they are kept, and whether one fits.

Kept as argon2id with the library's own parameters (RFC 9106), under a salt of its own each. The rule follows NIST SP 800-63B: length
and nothing about kinds of characters; Unicode is normalised (NFKC), so that one password fits on every keyboard.
"""

from __future__ import annotations

import secrets
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gis.account_errors import WeakPassword

LEAST_LENGTH = 12
LONGEST = 256

_HASHER = PasswordHasher()


def require_fit(password: str, login: str) -> None:
    """Refuse (``WeakPassword``) a password that is too short or too long, is the account's login, or is one character over and over."""
    plain = _plain(password)
    if not _is_text(plain) or not LEAST_LENGTH <= len(plain) <= LONGEST or plain.casefold() == login.casefold() or len(set(plain)) == 1:
        raise WeakPassword(LEAST_LENGTH, LONGEST)


def hashed(password: str) -> str:
    """The hash to keep of a password. Takes about 64 MB and a tenth of a second: that is its purpose."""
    return _HASHER.hash(_plain(password))


def fits(kept: str | None, password: str) -> bool:
    """Whether a password is the one of a kept hash. None, for no such account, fits nothing and takes as long."""
    if len(password) > LONGEST or not _is_text(password):
        password, kept = "", None
    try:
        return _HASHER.verify(_of_nobody() if kept is None else kept, _plain(password)) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def same(one: str, other: str) -> bool:
    """Whether two that were typed are one password."""
    return _plain(one) == _plain(other)


def _is_text(password: str) -> bool:
    # JSON can say half a character (a lone surrogate), which no encoding has.
    try:
        password.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _plain(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


@cache
def _of_nobody() -> str:
    return _HASHER.hash(secrets.token_urlsafe(32))
