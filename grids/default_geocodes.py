"""Which points of an incident history are default geocodes: where a source puts what it could not place.

A default point looks busy, and one owner drowns in it. What tells it from a place where much happens is that its rows have
nothing else in common: a busy address is one address, while on a default point the addresses are those of the whole city,
or there are none. So a point is one only when its rows are many in number, many as a share, many beside their neighbours,
and mixed. Each threshold is a choice of this project, made so that the busiest real address of 40,000 published requests
(38 rows) is far below it, and explained in docs/city-packs.md.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

LEAST_ROWS = 50
"""Fewer rows on one point are never a default geocode."""
LEAST_SHARE = 0.001
"""Nor is a smaller share of the history's placed rows."""
TIMES_NEIGHBOUR = 5
"""Nor is a point with fewer than this many times the rows of the busiest other point nearby: a busy quarter explains it."""
NEIGHBOUR_M = 500.0
"""How far to each side nearby reaches."""
LEAST_NAMES = 10
"""So many streets or compounds at one point are not one address …"""
MOST_OF_ONE_NAME = 0.5
"""… unless one of them has more than this share of the rows."""
LEAST_SHARE_BY_KIND = 0.01
"""Without addresses only the mix of categories speaks, which is weaker: the share must be larger …"""
LIKE_THE_CITY = 0.8
"""… and the mix at least this much as rich as the whole history's."""
LEAST_KINDS = 3.0
"""A history with fewer kinds of incident (effective number) has no mix that could speak."""
LISTED_REACH_M = 1.0
"""A point that the pack lists takes in what lies so near: the digits of lists and files differ."""

_METRES_OF_A_DEGREE = 111_195.0  # of latitude, on a sphere of 6,371 km

# Numbers and signs of an address, half and full width: without them the flats of one compound have one name.
_NOT_A_NAME = str.maketrans("", "", "0123456789０１２３４５６７８９ \t\r\n\u3000.,;:-_/\\#()[]'\"，。、；：－—（）【】")


def crowded_from(placed: int) -> int:
    """The fewest rows on one point that can make it a default geocode, in a history of ``placed`` rows with coordinates."""
    return max(LEAST_ROWS, math.ceil(LEAST_SHARE * placed))


def place_name(address: str) -> str:
    """An address without its numbers and signs: what remains is the street or the compound."""
    return address.translate(_NOT_A_NAME)


def effective_kinds(rows_by_kind: Iterable[int]) -> float:
    """How many equally frequent kinds would be as mixed (inverse Simpson index); 0 without rows."""
    counts = [rows for rows in rows_by_kind if rows > 0]
    total = sum(counts)
    return total * total / sum(rows * rows for rows in counts) if counts else 0.0


def crowd_of(said: Iterable[tuple[str | None, str, int]], *, neighbour: int) -> Crowd:
    """The rows on one point, counted from (address or None, category, how many rows say both).

    ``neighbour`` is the number of rows on the busiest other point within ``NEIGHBOUR_M`` that is itself below ``crowded_from``; 0: none.
    """
    names, kinds, bare = Counter[str](), Counter[str](), 0
    for address, kind, rows in said:
        kinds[kind] += rows
        if address is None:
            bare += rows
        else:
            names[place_name(address)] += rows
    rows = kinds.total()
    return Crowd(rows, rows - bare, len(names), max(names.values(), default=0), effective_kinds(kinds.values()), neighbour)


def nearby(lon: float, lat: float, *, reach_m: float = NEIGHBOUR_M) -> tuple[float, float, float, float]:
    """West, south, east and north of the box that reaches ``reach_m`` to each side of a place, in degrees (EPSG:4326)."""
    north_deg = reach_m / _METRES_OF_A_DEGREE
    east_deg = north_deg / max(math.cos(math.radians(lat)), 0.01)
    return lon - east_deg, lat - north_deg, lon + east_deg, lat + north_deg


def is_default(crowd: Crowd, whole: Whole) -> bool:
    """Whether the rows on one point are there only because their source did not know better."""
    if crowd.rows < crowded_from(whole.placed) or crowd.rows < TIMES_NEIGHBOUR * crowd.neighbour:
        return False
    if 2 * crowd.with_address >= crowd.rows:
        return crowd.names >= LEAST_NAMES and crowd.of_commonest_name <= MOST_OF_ONE_NAME * crowd.with_address
    if 2 * whole.with_address >= whole.placed:
        return True
    mixed = whole.kinds >= LEAST_KINDS and crowd.kinds >= LIKE_THE_CITY * whole.kinds
    return mixed and crowd.rows >= LEAST_SHARE_BY_KIND * whole.placed


@dataclass(frozen=True)
class Crowd:
    """The rows on one exact point: how many, how many of them with an address, how many different names those have and
    how many rows the commonest of them, the effective number of categories, and the rows of the busiest neighbour."""

    rows: int
    with_address: int
    names: int
    of_commonest_name: int
    kinds: float
    neighbour: int


@dataclass(frozen=True)
class Whole:
    """A history's rows with coordinates: how many, how many of them with an address, the effective number of categories."""

    placed: int
    with_address: int
    kinds: float
