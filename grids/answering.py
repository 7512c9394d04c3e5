"""Who answers for every place of an edition at one instant, for many points at once: the same as ``grids.dispatch`` says of each.

The chain of a point is its special units, the side of its segment, its block, and the block's ladder of duty grid and areas. What
answers on the ladder depends on the block alone, and whether a special unit or side answers on itself alone; so each is judged once
(by ``dispatch``), and points are looked up in arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grids.arrangement import Positions
from grids.dispatch import Category, Rung, answering, dispatch
from grids.owners import Owner


@dataclass(frozen=True)
class Answer:
    """Who answers: the owner, the key of the level, and the code of the place that the duty is of."""

    owner: Owner
    level: str
    code: str


@dataclass(frozen=True)
class Answering:
    """Positions in ``answers`` by place, -1 where the place itself does not answer: of each block (b,) with its ladder, of each
    side of each segment (s, 2; left, right), of each special unit (u,). Places by position, as ``grids.locate`` gives them."""

    answers: tuple[Answer, ...]
    of_block: Positions
    of_side: Positions
    of_special_unit: Positions

    def special_units(self) -> NDArray[np.bool_]:
        """Which special units (u,) answer; what ``SpecialUnits.first`` takes as ``among``."""
        return self.of_special_unit >= 0

    def at(self, *, block: Positions, segment: Positions, side: Positions, special_unit: Positions) -> Positions:
        """The position in ``answers`` of who answers at each point (n,), -1 for nobody and outside the city.

        ``block``, ``segment`` and ``special_unit`` are positions, -1 for none; ``side`` is 0 left, 1 right. ``special_unit`` is the
        first of those that answer.
        """
        inside = block >= 0
        found = _taken(self.of_block, block)
        street = inside & (segment >= 0)
        by_side = _taken(self.of_side.reshape(-1), np.where(street, 2 * segment + np.maximum(side, 0), -1))
        found = np.where(by_side >= 0, by_side, found)
        by_unit = _taken(self.of_special_unit, np.where(inside, special_unit, -1))
        return np.where(by_unit >= 0, by_unit, found)


def _taken(table: Positions, at: Positions) -> Positions:
    """The table's values at positions, -1 where the position is -1."""
    if len(table) == 0:
        return np.full(len(at), -1, dtype=np.int64)
    return np.where(at >= 0, table[np.maximum(at, 0)], -1)


@dataclass(frozen=True)
class Places:
    """What an edition says of its places: ``ladders`` are the different ladders, the duty grid first, each rung with who is on duty,
    and ``ladder_of_block`` (b,) says which of them each block has; the rest are places over the ladder with a duty of their
    own, by position: blocks, (segment, side), special units. ``segments`` and ``special_units`` say how many there are."""

    ladders: Sequence[Sequence[Rung]]
    ladder_of_block: Positions
    blocks: Mapping[int, Rung]
    segments: int
    sides: Mapping[tuple[int, int], Rung]
    special_units: Mapping[int, Rung]
    special_unit_count: int


def judged(places: Places, category: Category | None) -> Answering:
    """Who answers for every place, for a category or (None) whatever it is about."""
    numbers: dict[Answer, int] = {}

    def number(chain: Sequence[Rung]) -> int:
        chosen = answering(dispatch(chain, category))
        if chosen is None or chosen.by is None:
            return -1
        answer = Answer(chosen.by, chosen.rung.level, chosen.rung.code)
        return numbers.setdefault(answer, len(numbers))

    def alone(rung: Rung, ladder: Sequence[Rung]) -> int:
        """Whether a place over the ladder answers itself; the ladder tells which levels there are."""
        first = dispatch([rung, *ladder], category)[0]
        return number([rung, *ladder]) if answering([first]) else -1

    any_ladder = places.ladders[0] if places.ladders else ()
    of_ladder = np.array([number(ladder) for ladder in places.ladders], dtype=np.int64)
    of_block = _taken(of_ladder, places.ladder_of_block)
    for at, rung in places.blocks.items():
        of_block[at] = number([rung, *places.ladders[places.ladder_of_block[at]]])
    of_side = np.full((places.segments, 2), -1, dtype=np.int64)
    for (segment, side), rung in places.sides.items():
        of_side[segment, side] = alone(rung, any_ladder)
    of_special_unit = np.full(places.special_unit_count, -1, dtype=np.int64)
    for at, rung in places.special_units.items():
        of_special_unit[at] = alone(rung, any_ladder)
    return Answering(tuple(numbers), of_block, of_side, of_special_unit)
