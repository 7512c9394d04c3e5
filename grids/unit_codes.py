"""Codes of street units and duty grids, and the order in which they are numbered.

Blocks in a city with administrative codes carry the 15-digit unit-grid code: 12 digits of the community (6 district,
3 street, 3 community) and 3 of sequence, numbered west to east, north to south (DB11, CJ/T 349; DOMAIN.md §1.1). Other
units carry prefix, type letter, sequence and an ISO 7064 MOD 37,36 check character (DOMAIN.md §6). A code never holds an
H3 index, an owner or a department.
"""

from __future__ import annotations

import re

import numpy as np
import shapely
from numpy.typing import NDArray
from stdnum.iso7064 import mod_37_36

from grids.arrangement import Positions
from grids.measure import Geometries

_COMMUNITY_CODE = re.compile(r"\d{12}")
_MOST_BY_DIGITS = 999
Codes = NDArray[np.object_]


def block_codes(area_codes: Codes, area: Positions, polygons: Geometries) -> Codes:
    """The code (b,) of each block: its area's 12 digits and three more; a checked code where the area's code is not 12
    digits or the area has more than 999 blocks.

    ``area_codes`` (a,) are the lowest areas' codes, ``area`` (b,) says which of them each block lies in, ``polygons`` are
    in metres.
    """
    number = sequence_numbers(area, polygons)
    most = np.bincount(area, minlength=len(area_codes)) if len(area) else np.zeros(len(area_codes), dtype=np.int64)
    return np.array(
        [
            f"{area_codes[at]}{n:03d}"
            if _COMMUNITY_CODE.fullmatch(area_codes[at]) and most[at] <= _MOST_BY_DIGITS
            else checked(f"{area_codes[at]}-B-{n:04d}")
            for at, n in zip(area.tolist(), number.tolist(), strict=True)
        ],
        dtype=object,
    )


def segment_codes(prefixes: Codes, prefix: Positions, lines: Geometries) -> tuple[Codes, Codes, Codes]:
    """The codes (s,) of each segment, of its left side and of its right side: ``310101002-S-0123``, ``…-L`` and ``…-R``
    with their check characters."""
    number = sequence_numbers(prefix, lines)
    stems = [f"{prefixes[at]}-S-{n:04d}" for at, n in zip(prefix.tolist(), number.tolist(), strict=True)]
    return (
        np.array(stems, dtype=object),
        np.array([checked(f"{stem}-L") for stem in stems], dtype=object),
        np.array([checked(f"{stem}-R") for stem in stems], dtype=object),
    )


def duty_grid_code(prefix: str, number: int) -> str:
    """The code of the ``number``-th duty grid (责任网格) of an area, counted from 1."""
    return checked(f"{prefix}-G-{number:02d}-")


def checked(stem: str) -> str:
    """``stem`` with its check character appended: ISO 7064 MOD 37,36 over its letters and digits."""
    return f"{stem}{mod_37_36.calc_check_digit(re.sub(r'[^0-9A-Z]', '', stem.upper()))}"


def is_checked(code: str) -> bool:
    """Whether the last character of ``code`` is the check character of the rest."""
    return bool(code) and checked(code[:-1]) == code


def sequence_numbers(group: Positions, geometries: Geometries) -> Positions:
    """The number (n,), from 1 within each group, of geometries in metres: west to east in rows, the rows north to south.

    A row begins at the northernmost centre not yet in one and is as high as the group's units are on average; within a row
    the centre furthest west comes first. A reader who goes along the rows finds neighbours next to each other.
    """
    if len(geometries) == 0:
        return np.empty(0, dtype=np.int64)
    centres = shapely.get_coordinates(shapely.centroid(geometries))
    bounds = shapely.bounds(geometries)
    count = np.bincount(group)
    height_m = np.bincount(group, weights=bounds[:, 3] - bounds[:, 1]) / np.maximum(count, 1)
    southwards = np.lexsort((centres[:, 0], -centres[:, 1], group))
    row = np.empty(len(group), dtype=np.int64)
    row[southwards] = _rows(group[southwards].tolist(), centres[southwards, 1].tolist(), height_m.tolist())
    order = np.lexsort((-centres[:, 1], centres[:, 0], row))
    numbers = np.empty(len(group), dtype=np.int64)
    numbers[order] = np.arange(len(group)) - np.concatenate([[0], np.cumsum(count)])[group[order]] + 1
    return numbers


def _rows(groups: list[int], northings: list[float], height_m: list[float]) -> list[int]:
    """The row of each unit, given group by group from north to south; rows are numbered on from group to group."""
    rows: list[int] = []
    row, begun = -1, (-1, 0.0)
    for group, northing in zip(groups, northings, strict=True):
        if group != begun[0] or northing < begun[1] - height_m[group]:
            row, begun = row + 1, (group, northing)
        rows.append(row)
    return rows
