"""How often a client may ask and may try to log in: the limits of the settings, at the edge and at the door of the log-in route.

A client address, a login or a key may make so many requests a minute; this is counted in a file that every process of a data folder
shares (`gis/limits.py`), so that an ordinary request costs no word to the database. Log-in attempts are counted in the database, for
every machine (`gis/store/limits.py`): by address, and of all addresses together, because what is tried from ten thousand addresses
shows at none of them. An address from which someone has logged in lately is let in past the last one: else whoever uses it up would
lock everyone out. What one account may be tried is its own affair (`gis/store/accounts.py`).

Addresses, logins and keys are kept as keyed digests that live as long as they matter.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import sqlite3
from collections import Counter
from collections.abc import Callable, MutableMapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import structlog

from api.errors import TooManyRequests
from gis.db import Tx
from gis.limits import Limit, LocalLimits
from gis.settings import Settings
from gis.store import limits as store

Transaction = Callable[[], AbstractContextManager[Tx]]

_KNOWN = "address of a log-in"
_KNOWN_FOR = timedelta(days=30)
_CLEANED_EVERY = 512
_EVERYONE = b""


@dataclass
class Limits:
    """The limits of a running app and where they are counted; to be closed."""

    by_address: Limit | None
    by_credential: Limit | None
    login_by_address: Limit
    logins: Limit
    local: LocalLimits
    secret: bytes = field(repr=False)
    _told: Counter[str] = field(default_factory=Counter)
    _attempts: int = 0

    def request(self, address: str, credential: bytes | None, *, now: datetime) -> None:
        """Let one request of an address (see ``client_of``; empty: this machine itself, which has no limit) and of a credential, as
        it was sent, go on; or refuse it with ``TooManyRequests``."""
        if address and self.by_address is not None:
            self._take(self.by_address, address.encode(), now)
        if credential is not None and self.by_credential is not None:
            self._take(self.by_credential, credential, now)

    def limited(self, kind: str, key: str, *, per_minute: int, now: datetime) -> None:
        """Let one go on of what ``kind`` names, for ``key`` (an account, an API key with a rate of its own), or refuse it with
        ``TooManyRequests``. A quarter of a minute's may come at once. Costs no database; may be called from a thread."""
        self._take(_a_minute(kind, per_minute), key.encode(), now)

    def log_in(self, transaction: Transaction, *, address: str, now: datetime) -> None:
        """Let an attempt to log in from ``address`` go on, or refuse it with ``TooManyRequests``, which says nothing of any account.

        To be called before a password is looked at, outside any transaction: it opens one of its own, which counts whatever
        becomes of the request. Waits for the database, so not on the event loop.
        """
        key = self._digest(address.encode())
        with transaction() as tx:
            failed = self.login_by_address
            wait_s = store.take(tx, failed, key, now=now)
            if not wait_s:
                failed = self.logins
                wait_s = store.take(tx, failed, _EVERYONE, now=now)
                if wait_s and store.is_known(tx, _KNOWN, key, now=now):
                    wait_s = 0.0
            if wait_s:
                store.count_refusal(tx, failed.kind, now=now)
            self._attempts += 1
            if self._attempts % _CLEANED_EVERY == 0:
                store.clean(tx, now=now)
        if wait_s:
            self._refuse(failed, wait_s)

    def logged_in(self, transaction: Transaction, *, address: str, now: datetime) -> None:
        """Remember that someone has logged in from ``address``."""
        with transaction() as tx:
            store.know(tx, _KNOWN, self._digest(address.encode()), until=now + _KNOWN_FOR)

    def close(self) -> None:
        """Close the file in which requests are counted."""
        self.local.close()

    def _take(self, limit: Limit, key: bytes, now: datetime) -> None:
        try:
            wait_s = self.local.take(limit, self._digest(key), now=now)
        except (sqlite3.Error, OSError) as error:
            # No room on the disk, for example: whoever is here to mend that must not be shut out by it.
            self._tell("requests are not counted", reason=str(error))
            return
        if wait_s:
            self._refuse(limit, wait_s)

    def _refuse(self, limit: Limit, wait_s: float) -> None:
        self._tell("too many requests", kind=limit.kind)
        raise TooManyRequests(max(1, math.ceil(wait_s)))

    def _tell(self, event: str, **details: str) -> None:
        # At 1, 2, 4, 8 …: a flood must not become a flood of log lines.
        line = event + details.get("kind", "")
        self._told[line] += 1
        if (count := self._told[line]) & (count - 1) == 0:
            structlog.get_logger().warning(event, count=count, **details)

    def _digest(self, key: bytes) -> bytes:
        return hashlib.blake2b(key, key=self.secret, digest_size=16, person=b"rate limits").digest()


def limits_of(settings: Settings) -> Limits:
    """The limits that the settings name."""
    return Limits(
        by_address=_a_minute("request by address", settings.address_rate) if settings.address_rate else None,
        by_credential=_a_minute("request by credential", settings.credential_rate) if settings.credential_rate else None,
        login_by_address=Limit("log-in by address", settings.address_login_rate, 3_600, settings.address_login_rate),
        logins=Limit("log-in", settings.login_rate, 3_600, settings.login_rate),
        local=LocalLimits(settings.data_dir / "run" / "limits.sqlite"),
        secret=hashlib.sha256(settings.secret_key.get_secret_value().encode()).digest(),
    )


@lru_cache(maxsize=64)
def _a_minute(kind: str, many: int) -> Limit:
    return Limit(kind, many, 60, max(1, many // 4))


def client_of(scope: MutableMapping[str, Any]) -> str:
    """The network address that a request counts for; empty when it comes from this machine, by no proxy that names its client.

    Behind a trusted proxy the server has put the client of X-Forwarded-For here. Of IPv6 it is the network of 64 bits, which is
    what one subscriber has (RFC 6177); else one machine would have 2**64 addresses to try from.
    """
    client = scope.get("client")
    if not client:
        return ""
    # The server gives a client that a proxy has named the port 0. Such a client is not this machine, whatever it is called.
    return _network(client[0]) or ("127.0.0.1" if client[1] == 0 else "")


@lru_cache(maxsize=8_192)
def _network(host: str) -> str:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host[:64]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return "" if address.is_loopback else str(ipaddress.ip_network((address, 64), strict=False))
        address = address.ipv4_mapped
    return "" if address.is_loopback else str(address)
