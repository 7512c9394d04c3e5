"""What a route is handed: what the app holds, who asks, the instant of the request, its own address.

Everything here is found without waiting, and so is a coroutine: what is no coroutine FastAPI runs in a thread, which takes longer
than the thing itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Annotated, Literal

from anyio import CapacityLimiter
from fastapi import Depends, Request

from api import tile_tokens
from api.errors import NotAllowed, NotLoggedIn, NulCharacter
from api.hashing import Hashing
from api.limits import Limits
from gis import db
from gis.locating import Indexes
from gis.sealing import Seal
from gis.settings import Settings
from gis.store import persons
from grids.permissions import PUBLIC, Act, Ground, Person, Verdict, may

LOGIN_COOKIE = "wangge_login"
"""The cookie that holds the token of a login."""

KEY_START = "wgk_"
"""What every API key begins with."""


@dataclass(frozen=True)
class Running:
    """What a running app holds: its settings, its engines and the indexes of the adopted editions.

    ``engine`` runs under the role `wangge_app`, which sees what the person of a transaction may see; ``identity`` under
    `wangge_identity`, which keeps accounts and reads nothing else.
    """

    settings: Settings
    engine: db.Engine
    identity: db.Engine
    indexes: Indexes
    seal: Seal
    """What unseals the contacts of reporters."""

    limits: Limits
    """How often who may ask."""

    uploads: CapacityLimiter
    """How many bodies of many points may come in at once from persons, and of nobody: each is a file until it is answered."""

    uploads_of_nobody: CapacityLimiter

    batches: CapacityLimiter
    """How many bodies of many points are answered at once: each works on all cores, and single questions go on."""

    hashing: Hashing = field(default_factory=Hashing)
    """Where passwords are hashed."""

    def reading(self) -> AbstractContextManager[db.Tx]:
        """A connection of nobody that only reads, each statement by itself."""
        return db.reading(self.engine)

    def transaction(self) -> AbstractContextManager[db.Tx]:
        """A transaction of nobody, opened by the route itself: it runs in a thread, and may wait. Whoever reads or changes anything of
        a city takes that of ``Caller.enter``."""
        return db.transaction(self.engine)

    def identity_transaction(self) -> AbstractContextManager[db.Tx]:
        """A transaction in which accounts, logins, keys and grants are read and written, and nothing else."""
        return db.transaction(self.identity)


@dataclass(frozen=True)
class Credential:
    """What a request brings to say who asks: the SHA-256 of a login's token or of an API key, or the account that a tile token names.

    ``bad`` is one that cannot be good whatever the database holds.
    """

    kind: Literal["login", "api_key", "tile", "bad"]
    digest: bytes = b""
    account: int = 0
    layers: frozenset[str] | None = None


@dataclass(frozen=True)
class Caller:
    """Who asks, as the request says it; nobody has looked yet whether it is so."""

    held: Running
    credential: Credential | None

    @contextmanager
    def enter(self, act: Act, *, layer: str | None = None, counted: bool = True) -> Iterator[tuple[db.Tx, Person]]:
        """A transaction for the request in which its person is known to the database, with that person, who may do ``act`` somewhere.

        Nobody in particular gets a connection that only reads, each statement by itself: no cursor, lock or setting lasts from one
        statement to the next. A request that enters twice is ``counted`` once against the rate of its key.

        ``layer`` is the map layer that is asked for: an API key for some layers opens nothing else. Without a credential the person
        is nobody in particular, and no statement is needed to know it. Raises ``NotLoggedIn`` for a credential that is not good, or
        where none is and one is needed, and ``NotAllowed`` where no grant allows the act anywhere.
        """
        if self.credential is None:
            require(may(PUBLIC, act))
            # Nobody changes nothing, and holds nothing in the transaction.
            with self.held.reading() as tx:
                yield tx, PUBLIC
            return
        if self.credential.kind == "bad":
            raise NotLoggedIn
        with self.held.transaction() as tx:
            entered = self._entered(tx, self.credential, counted=counted)
            if entered is None:
                raise NotLoggedIn
            if entered.layers is not None and layer not in entered.layers:
                raise NotAllowed.because("other_layer")
            require(may(entered.person, act))
            yield tx, entered.person

    @contextmanager
    def keep(self, act: Act, *, any_layers: bool = False) -> Iterator[tuple[db.Tx, persons.Entered | None]]:
        """A transaction in which accounts are kept (see ``Running.identity_transaction``), with who asks, None for nobody in particular.

        An API key for some map layers opens only what takes ``any_layers``. Raises as ``enter`` does.
        """
        if self.credential is None:
            require(may(PUBLIC, act))
            with self.held.identity_transaction() as tx:
                yield tx, None
            return
        if self.credential.kind in ("bad", "tile"):
            raise NotLoggedIn
        with self.held.identity_transaction() as tx:
            entered = self._entered(tx, self.credential, counted=True)
            if entered is None:
                raise NotLoggedIn
            if entered.layers is not None and not any_layers:
                raise NotAllowed.because("other_layer")
            require(may(entered.person, act))
            yield tx, entered

    @property
    def has_login(self) -> bool:
        """Whether who asks comes by a device's login."""
        return self.credential is not None and self.credential.kind == "login"

    def require_login(self) -> None:
        """Refuse (``NotAllowed``) who comes by an API key: a key that was stolen must not be able to make itself others."""
        if not self.has_login:
            raise NotAllowed.because("by_key")

    def _entered(self, tx: db.Tx, credential: Credential, *, counted: bool) -> persons.Entered | None:
        """The person that a credential is of; raises ``TooManyRequests`` for an API key with a rate of its own that is used up."""
        if credential.kind == "tile":
            vouched = persons.enter_account(tx, credential.account)
            return None if vouched is None else replace(vouched, layers=credential.layers)
        entered = persons.enter(tx, "login" if credential.kind == "login" else "api_key", credential.digest)
        if counted and entered is not None and entered.rate_per_minute is not None:
            self.held.limits.limited("API key", str(entered.credential), per_minute=entered.rate_per_minute, now=datetime.now(UTC))
        return entered


def require(verdict: Verdict) -> None:
    """Refuse what a verdict does not allow (``NotLoggedIn``, ``NotAllowed``)."""
    if verdict.ground is Ground.NOT_LOGGED_IN:
        raise NotLoggedIn
    if not verdict.allowed:
        raise NotAllowed.because(verdict.ground)


def credential_of(request: Request) -> Credential | None:
    """What a request brings to say who asks, None when nothing: an API key, else a tile token where tiles are asked for, else a login."""
    said = request.headers.get("authorization")
    if said is not None:
        scheme, _, token = said.partition(" ")
        key = token.strip()
        # Whoever sends this header means to be known: what is not understood is refused, not passed over.
        good = scheme.lower() == "bearer" and key.startswith(KEY_START)
        return Credential("api_key", _digest(key)) if good else Credential("bad")
    if request.url.path.startswith("/tiles/") and "token" in request.query_params:
        return _vouched(request)
    login = request.cookies.get(LOGIN_COOKIE)
    return None if login is None else Credential("login", _digest(login))


def _vouched(request: Request) -> Credential:
    settings: Settings = request.app.state.running.settings
    try:
        token = tile_tokens.read(settings, request.query_params["token"], now=datetime.now(UTC))
    except NotLoggedIn:
        return Credential("bad")
    return Credential("tile", account=token.account, layers=token.layers)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


async def running(request: Request) -> Running:
    """What the app of this request holds."""
    held: Running = request.app.state.running
    return held


async def caller(request: Request) -> Caller:
    """Who asks. Raises ``NulCharacter`` for an address with one: PostgreSQL takes it in no text."""
    if b"%00" in request.scope["query_string"] or "\0" in request.scope["path"]:
        raise NulCharacter
    return Caller(request.app.state.running, credential_of(request))


async def now() -> datetime:
    """The instant of the request."""
    return datetime.now(UTC)


async def base_url(request: Request) -> str:
    """Scheme and host under which the caller sees this service, without a final slash."""
    return str(request.base_url).rstrip("/")


Held = Annotated[Running, Depends(running)]
Calling = Annotated[Caller, Depends(caller)]
Now = Annotated[datetime, Depends(now)]
BaseUrl = Annotated[str, Depends(base_url)]
