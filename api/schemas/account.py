"""The wire shapes of accounts: of one's own, and of those that somebody keeps."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr

from gis.store.accounts import Account
from gis.store.api_keys import Key
from gis.store.grants import Given
from grids.permissions import Grant, Place, Role

Code = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Said = Annotated[str, Field(max_length=1_000)]
Password = Annotated[SecretStr, Field(max_length=4_000)]
PersonRole = Literal["worker", "lead", "intake", "dispatcher", "department", "checker", "analyst", "duty_chief", "administrator"]


class LogInIn(BaseModel):
    """What a person logs in with. ``new`` is the password that they take from here on; one that somebody else has set needs it."""

    login: Said
    password: Password
    new: Password | None = None


class NewPasswordIn(BaseModel):
    """Another password for one's own account."""

    old: Password
    new: Password


class PasswordIn(BaseModel):
    """The password that an account gets for one log-in."""

    password: Password


class WaysOut(BaseModel):
    """How one can log in: always by password, and through ``provider``, by its name, when there is one."""

    provider: str | None


class GrantOut(BaseModel):
    """A role in a part of a city: the whole of it when ``level`` and ``code`` are null."""

    role: PersonRole
    city: str
    level: str | None
    code: str | None
    department: str | None

    @classmethod
    def of(cls, grant: Grant) -> GrantOut:
        """The shape of a grant."""
        level, code = grant.place or (None, None)
        return cls(role=grant.role.value, city=grant.city, level=level, code=code, department=grant.department)


class WhoOut(BaseModel):
    """An account, by what it is called."""

    login: str
    name: str
    kind: Literal["person", "machine"]


class MeOut(BaseModel):
    """Who asks: null for nobody in particular, and then without grants."""

    account: WhoOut | None
    grants: list[GrantOut]


class LoginOut(BaseModel):
    """A device that is logged in; ``current`` is the one that asks."""

    number: int
    device: str
    began_at: datetime
    seen_at: datetime
    expires_at: datetime
    current: bool


class GrantIn(BaseModel):
    """A role to give, from now on and for good where no instants are said."""

    role: PersonRole
    city: Code
    level: Code | None = None
    code: Code | None = None
    department: Code | None = None
    begins_at: datetime | None = None
    ends_at: datetime | None = None

    def grant(self) -> Grant:
        """The grant that is meant; a level or a code without the other names no place."""
        place = Place(self.level or "", self.code or "") if self.level is not None or self.code is not None else None
        return Grant(Role(self.role), self.city, place, self.department)


class AccountIn(BaseModel):
    """An account to make, with its first grant: an account that is nowhere would be kept by nobody."""

    login: Said
    name: Said
    kind: Literal["person", "machine"] = "person"
    password: Password | None = None
    oidc_subject: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")] | None = None
    grant: GrantIn


class KeptGrantOut(GrantOut):
    """A grant of an account that somebody keeps."""

    number: int
    begins_at: datetime | None
    ends_at: datetime | None


class AccountOut(WhoOut):
    """An account that somebody keeps, with its grants that are in force or to come. ``one_time_password``: its person has not yet taken
    a password of their own."""

    origin: Literal["given", "generated"]
    has_password: bool
    one_time_password: bool
    oidc: bool
    locked_until: datetime | None
    created_at: datetime
    grants: list[KeptGrantOut]

    @classmethod
    def of(cls, one: Account, given: list[Given], *, now: datetime) -> AccountOut:
        """The shape of an account with its grants."""
        grants = [
            KeptGrantOut(**GrantOut.of(each.grant).model_dump(), number=each.id, begins_at=each.from_at, ends_at=each.to_at)
            for each in given
            if each.stands(now)
        ]
        locked = one.locked_until_at if one.locked_until_at is not None and one.locked_until_at > now else None
        return cls(
            login=one.login,
            name=one.name,
            kind=one.kind,
            origin=one.origin,
            has_password=one.has_password,
            one_time_password=one.must_change,
            oidc=one.subject is not None,
            locked_until=locked,
            created_at=one.created_at,
            grants=grants,
        )


class OwnKeyIn(BaseModel):
    """A key to make for oneself."""

    name: Said
    layers: Annotated[list[Code], Field(min_length=1, max_length=50)] | None = None
    rate_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    expires_at: datetime


class KeyIn(OwnKeyIn):
    """A key to make for the account of a program."""

    account: Said


class KeyOut(BaseModel):
    """A key as it is known after it was made: by its first characters. ``own``: the account itself has made it."""

    number: int
    account: str
    own: bool
    name: str
    start: str
    layers: list[str] | None
    rate_per_minute: int | None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    used_at: datetime | None

    @classmethod
    def of(cls, key: Key, login: str) -> KeyOut:
        """The shape of a key of an account."""
        return cls(
            number=key.id,
            account=login,
            own=key.made_by == key.account_id,
            name=key.name,
            start=key.start,
            layers=None if key.layers is None else list(key.layers),
            rate_per_minute=key.rate_per_minute,
            created_at=key.created_at,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
            used_at=key.used_at,
        )


class NewKeyOut(BaseModel):
    """A new key, shown this once."""

    number: int
    key: str
    expires_at: datetime


class TileTokenOut(BaseModel):
    """What opens map tiles for ten minutes, as ``?token=``; null for nobody in particular, who needs none."""

    token: str | None
    expires_at: datetime | None


class NewGrantOut(BaseModel):
    """The number of a new grant."""

    number: int
