"""Sealing: personal text is kept only encrypted, under keys that the settings hold and the database does not.

Fernet (AES-128 in CBC mode with an HMAC of SHA-256) of the library `cryptography`, with MultiFernet for keys that change: the first of
`WANGGE_SEALING_KEYS` seals, every one opens. `wangge privacy reseal` seals everything anew under the first, after which the others
may go.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import unicodedata
from dataclasses import dataclass
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gis.account_errors import SealUnknown
from gis.settings import Settings, names_in

_TELEPHONE = re.compile(r"\+?[\d().\-/]{5,}")


@dataclass(frozen=True)
class Contact:
    """Who a person is and how to reach them: a name and a telephone number, mail address or the like."""

    name: str
    contact: str


@dataclass(frozen=True)
class Seal:
    """What seals and opens, and makes digests by which sealed things are found again."""

    _fernet: MultiFernet
    _digest_keys: tuple[bytes, ...]

    def sealed(self, contact: Contact) -> bytes:
        """A contact as it is kept; the same one is kept differently each time."""
        return self._fernet.encrypt(json.dumps([contact.name, contact.contact]).encode("utf-8"))

    def opened(self, sealed: bytes) -> Contact:
        """The contact that was sealed. Raises ``SealUnknown`` where no key of the settings opens it, or it is damaged."""
        try:
            name, contact = json.loads(self._fernet.decrypt(sealed))
        except InvalidToken as error:
            raise SealUnknown from error
        return Contact(name, contact)

    def resealed(self, sealed: bytes) -> bytes:
        """The same, sealed under the first key. Raises ``SealUnknown``."""
        try:
            return self._fernet.rotate(sealed)
        except InvalidToken as error:
            raise SealUnknown from error

    def digest(self, text: str) -> bytes:
        """The digest under the first key by which a contact is found, however it was written (see ``plain``)."""
        return self.digests(text)[0]

    def digests(self, text: str) -> tuple[bytes, ...]:
        """The digests of a text under every key, the first key's first: what was kept under an older key is found too."""
        said = plain(text).encode("utf-8")
        return tuple(hmac.digest(key, said, sha256) for key in self._digest_keys)


def plain(contact: str) -> str:
    """A contact without what may be written this way or that: case, blanks, widths of characters; of a telephone number everything but
    its digits, and the country code of China."""
    said = "".join(unicodedata.normalize("NFKC", contact).casefold().split())
    if not _TELEPHONE.fullmatch(said):
        return said
    digits = "".join(one for one in said if one.isdecimal())
    return digits.removeprefix("0086") if digits.startswith("0086") else digits.removeprefix("86") if said.startswith("+86") else digits


def seal_of(settings: Settings) -> Seal:
    """The seal of these settings. Without `WANGGE_SEALING_KEYS` its one key is derived from `WANGGE_SECRET_KEY`."""
    given = names_in(settings.sealing_keys.get_secret_value()) or [settings.secret_key.get_secret_value()]
    return Seal(
        MultiFernet([Fernet(base64.urlsafe_b64encode(_derived(key, "sealing"))) for key in given]),
        tuple(_derived(key, "digests of contacts") for key in given),
    )


def _derived(key: str, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=f"wangge {purpose}".encode()).derive(key.encode("utf-8"))
