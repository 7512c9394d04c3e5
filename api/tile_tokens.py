"""Tile tokens: ten minutes of reading map tiles for an account, in the address of a tile, where a map library can put no header.

JSON Web Tokens signed with HS256 and nothing else, under a key derived for them alone. Whether the account still stands and what it may
read is asked anew for each tile; only that somebody vouched for it is read from the token.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from joserfc import jwt
from joserfc.errors import JoseError

from api.derived_keys import signing_key
from api.errors import NotLoggedIn
from gis.settings import Settings

LASTS = timedelta(minutes=10)
SKEW_S = 60
"""How far the clocks of two servers may differ."""

_AUDIENCE, _ALGORITHM, _LONGEST = "wangge tiles", "HS256", 4_096
_PURPOSE = "tile token"


@dataclass(frozen=True)
class TileToken:
    """What a token vouches for: an account, and the layers that it opens, None for all that the account may read."""

    account: int
    layers: frozenset[str] | None = None


def signed(settings: Settings, token: TileToken, *, now: datetime) -> tuple[str, datetime]:
    """A token as it is sent, and until when it is good."""
    expires_at = now + LASTS
    claims = {"aud": _AUDIENCE, "sub": str(token.account), "iat": int(now.timestamp()), "exp": int(expires_at.timestamp())}
    layers = {} if token.layers is None else {"layers": sorted(token.layers)}
    return jwt.encode({"alg": _ALGORITHM}, claims | layers, signing_key(settings, _PURPOSE)), expires_at


def read(settings: Settings, sent: str, *, now: datetime) -> TileToken:
    """What a token that was sent vouches for.

    Raises ``NotLoggedIn`` unless it is whole, signed by us with HS256 for tiles, and good at ``now``, give or take ``SKEW_S``.
    """
    if len(sent) > _LONGEST:
        raise NotLoggedIn
    try:
        claims = jwt.decode(sent, signing_key(settings, _PURPOSE), algorithms=[_ALGORITHM]).claims
        _registry(now).validate(claims)
        layers = claims.get("layers")
        return TileToken(int(claims["sub"]), None if layers is None else frozenset(map(str, layers)))
    except (JoseError, ValueError, TypeError):
        raise NotLoggedIn from None


def _registry(now: datetime) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=SKEW_S,
        aud={"essential": True, "value": _AUDIENCE},
        sub={"essential": True},
        iat={"essential": True},
        exp={"essential": True},
    )
