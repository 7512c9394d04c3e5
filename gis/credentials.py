"""What a device or a program shows to be known, and how accounts and keys may be called: a random token, of which only the SHA-256 is kept."""

from __future__ import annotations

import hashlib
import secrets

from gis.account_errors import BadName

KEY_PREFIX = "wgk_"
"""What every API key begins with, so that programs which look for lost secrets find them."""

_LONGEST_NAME = 200


def new_token() -> str:
    """A token for a login: 256 random bits that may stand in a cookie."""
    return secrets.token_urlsafe(32)


def new_key() -> str:
    """An API key."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def digest_of(token: str) -> bytes:
    """What is kept of a token or key. One round of SHA-256 is enough: nobody guesses 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def require_name(name: str) -> None:
    """Refuse (``BadName``) what cannot be written as the name of an account or key on one line."""
    if not (0 < len(name.strip()) <= _LONGEST_NAME and name.isprintable()):
        raise BadName(name[:_LONGEST_NAME])
