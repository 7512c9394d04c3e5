"""Keys of single purposes, derived from the one secret of the settings: what leaks of one says nothing of another."""

from __future__ import annotations

from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc.jwk import OctKey

from gis.settings import Settings


def signing_key(settings: Settings, purpose: str) -> OctKey:
    """The key (256 bits) with which tokens of a purpose are signed; the same for all servers of one secret key."""
    return _derived(settings.secret_key.get_secret_value(), purpose)


@lru_cache(maxsize=8)
def _derived(secret: str, purpose: str) -> OctKey:
    # RFC 5869; the secret has entropy of its own, so no salt is needed (section 3.1).
    derived = HKDF(SHA256(), 32, salt=None, info=f"wangge {purpose}".encode()).derive(secret.encode())
    return OctKey.import_key(derived)
