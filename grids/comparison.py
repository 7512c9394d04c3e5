"""Two editions compared: which ground has another unit, what became of every unit, and whose ground grew or shrank.

Units are blocks, or duty grids. What counts is ground, not codes alone: a unit goes on in another when more than half of the one lies
in the other. Of this relation, which pairs old units with new ones,

* an old unit with no partner is removed, a new one with none is created;
* an old unit with several partners is split, a new one with several is merged; both may hold of one pair;
* of two that are each other's only partner the new one is the old one, moved when its shape is another, renamed when its code or
  name is, and given to another duty grid or area when that is.

A unit without a partner whose code stands elsewhere in the other edition has moved. Everything is symmetric: comparing the other way
round swaps created with removed and split with merged, and leaves the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from grids.arrangement import Positions
from grids.edition import Texts
from grids.measure import Floats, Geometries, areas_m2, lengths_m
from grids.unit_codes import Codes

Change = Literal["created", "removed", "split", "merged", "moved", "renamed", "another_duty_grid", "another_area"]
CHANGES: tuple[Change, ...] = ("created", "removed", "split", "merged", "moved", "renamed", "another_duty_grid", "another_area")
"""Every kind of change, in the order in which they are told."""

UNCHANGED = -1

LEAST_M2, LEAST_WIDTH_M = 1.0, 0.02
"""Ground counts from this area and this mean width on: less is what is left of drawing the same line again, on a grid of 1 cm."""

_WIDE_M2 = 1000.0
"""From this area on nothing in a city is narrower than ``LEAST_WIDTH_M``: it would be 50 km long."""


@dataclass(frozen=True)
class Units:
    """The blocks or duty grids (n,) of one edition, which do not overlap.

    ``wkb`` holds their polygons as WKB in EPSG:4326. ``names`` holds what they are called besides their code (None: nothing);
    ``duty_grids`` and ``areas`` the codes of what they belong to, None where that does not apply.
    """

    codes: Codes
    wkb: NDArray[np.object_]
    areas_m2: Floats
    names: Texts
    duty_grids: Texts
    areas: Texts


@dataclass(frozen=True)
class Ground:
    """The ground of both editions in pieces (k,) that each lie in one old and one new unit.

    ``old`` and ``new`` are positions, -1 where the other edition has no unit; ``wkb`` holds polygons in EPSG:4326, ``area_m2`` is
    geodesic. Pieces below ``LEAST_M2`` or ``LEAST_WIDTH_M`` are left out.
    """

    old: Positions
    new: Positions
    wkb: NDArray[np.object_]
    area_m2: Floats


@dataclass(frozen=True)
class Comparison:
    """What changed. ``change`` (k,) says for each piece of ``ground`` what happened to it, as a position in ``CHANGES``, or
    ``UNCHANGED``; ``units`` how many units each change befell, the old ones for removed and split, the new ones for the others."""

    ground: Ground
    change: NDArray[np.int8]
    units: dict[Change, int]

    @property
    def changed(self) -> Positions:
        """The positions of the pieces that changed."""
        return np.flatnonzero(self.change != UNCHANGED)


def compare(old: Units, new: Units) -> Comparison:
    """What became of the units of ``old`` in ``new``. Either may be empty. Codes are unique within an edition."""
    ground = common_ground(old, new)
    kin = _related(ground, len(old.codes), len(new.codes))
    old_partners = np.bincount(ground.old[kin], minlength=len(old.codes))
    new_partners = np.bincount(ground.new[kin], minlength=len(new.codes))
    removed, created, elsewhere = _without_partner(old, new, old_partners == 0, new_partners == 0)
    split, merged = old_partners > 1, new_partners > 1
    same_code = _same(old.codes, new.codes, ground)
    change = np.full(len(ground.old), UNCHANGED, dtype=np.int8)
    both = (ground.old >= 0) & (ground.new >= 0)
    was_removed, was_created = _taken(removed, ground.old), _taken(created, ground.new)
    was_split, was_merged = kin & _taken(split, ground.old), kin & _taken(merged, ground.new)
    label = _first(
        (~both & was_created, "created"),
        (~both & was_removed, "removed"),
        (was_split & ~was_merged, "split"),
        (was_merged & ~was_split, "merged"),
        (kin & ~was_split & ~was_merged & _mutual(ground), "renamed"),
        (~kin & was_created & ~was_removed, "created"),
        (~kin & was_removed & ~was_created, "removed"),
        otherwise="moved",
    )
    change[~same_code] = label[~same_code]
    attributes: list[tuple[NDArray[np.bool_], Change]] = [
        (same_code & ~_same(old.names, new.names, ground), "renamed"),
        (same_code & ~_same(old.duty_grids, new.duty_grids, ground), "another_duty_grid"),
        (same_code & ~_same(old.areas, new.areas, ground), "another_area"),
    ]
    for where, name in attributes:
        change[where & (change == UNCHANGED)] = CHANGES.index(name)
    alone = kin & ~was_split & ~was_merged
    units: dict[Change, int] = {
        "created": int(created.sum()),
        "removed": int(removed.sum()),
        "split": int(split.sum()),
        "merged": int(merged.sum()),
        "moved": int((alone & _reshaped(ground)).sum()) + elsewhere,
        "renamed": int((alone & ~(same_code & _same(old.names, new.names, ground))).sum()),
        "another_duty_grid": int((alone & ~_same(old.duty_grids, new.duty_grids, ground)).sum()),
        "another_area": int((alone & ~_same(old.areas, new.areas, ground)).sum()),
    }
    return Comparison(ground, change, units)


def changed_m2(old: Units, new: Units, ground: Ground) -> float:
    """The ground whose unit has another code, or that only one edition covers."""
    return float(ground.area_m2[~_same(old.codes, new.codes, ground)].sum())


def ground_by_holder(old: Texts, new: Texts, ground: Ground, weights: Floats) -> dict[str, tuple[float, float]]:
    """How much of ``weights`` (k,) each holder loses and gains; those who do neither are left out.

    ``old`` and ``new`` hold for each old and new unit the code of who answers for it, None for nobody.
    """
    before, after = of_pieces(old, ground.old), of_pieces(new, ground.new)
    moved = before != after
    found: dict[str, tuple[float, float]] = {}
    for loser, winner, weight in zip(before[moved], after[moved], weights[moved].tolist(), strict=True):
        if loser is not None:
            lost, gained = found.get(loser, (0.0, 0.0))
            found[loser] = lost + weight, gained
        if winner is not None:
            lost, gained = found.get(winner, (0.0, 0.0))
            found[winner] = lost, gained + weight
    return found


def common_ground(old: Units, new: Units) -> Ground:
    """The ground of both editions in pieces. Units with the same polygon, byte by byte, are paired without any geometry."""
    at = {polygon: position for position, polygon in enumerate(new.wkb.tolist())}
    partner = np.array([at.get(polygon, -1) for polygon in old.wkb.tolist()], dtype=np.int64)
    as_before = np.flatnonzero(partner >= 0)
    left = np.flatnonzero(partner < 0)
    others = np.ones(len(new.wkb), dtype=bool)
    others[partner[as_before]] = False
    arrived = np.flatnonzero(others)
    pieces = _overlay(_polygons(old.wkb[left]), _polygons(new.wkb[arrived]))
    rest_old, rest_new, rest = pieces
    return Ground(
        np.concatenate([as_before, _through(left, rest_old)]),
        np.concatenate([partner[as_before], _through(arrived, rest_new)]),
        np.concatenate([old.wkb[as_before], np.asarray(shapely.to_wkb(rest), dtype=object)]),
        np.concatenate([old.areas_m2[as_before], areas_m2(rest)]),
    )


def _overlay(old: Geometries, new: Geometries) -> tuple[Positions, Positions, Geometries]:
    """Polygons of two coverings cut by each other: positions in both, -1 for none, and the pieces that count."""
    at_new, at_old = shapely.STRtree(old).query(new, predicate="intersects")
    order = np.lexsort((at_new, at_old))
    at_old, at_new = at_old[order], at_new[order]
    shared = _areal(shapely.intersection(old[at_old], new[at_new]))
    lost, won = _areal(_without(old, at_old, shared)), _areal(_without(new, at_new, shared))
    enough = _counts(shared)
    at_old, at_new, shared = at_old[enough], at_new[enough], shared[enough]
    gone, come = np.flatnonzero(_counts(lost)), np.flatnonzero(_counts(won))
    return (
        np.concatenate([at_old, gone, np.full(len(come), -1)]),
        np.concatenate([at_new, np.full(len(gone), -1), come]),
        np.concatenate([shared, lost[gone], won[come]]),
    )


def _counts(polygons: Geometries) -> NDArray[np.bool_]:
    """Which polygons are ground, and not what is left of a line that was drawn twice."""
    area_m2 = areas_m2(polygons)
    counts: NDArray[np.bool_] = area_m2 >= LEAST_M2
    small = np.flatnonzero(counts & (area_m2 < _WIDE_M2))
    parts, of = shapely.get_parts(polygons[small], return_index=True)
    rings, of_part = shapely.get_rings(parts, return_index=True)
    around_m = np.bincount(of[of_part], weights=lengths_m(rings), minlength=len(small))
    counts[small] = 2 * area_m2[small] >= LEAST_WIDTH_M * around_m
    return counts


def _without(units: Geometries, at: Positions, pieces: Geometries) -> Geometries:
    """What is left of each unit when its pieces are taken away; nothing where they make up its area."""
    rest = np.full(len(units), shapely.Polygon(), dtype=object)
    covered = np.bincount(at, weights=areas_m2(pieces), minlength=len(units))
    open_ground = np.flatnonzero(areas_m2(units) - covered >= LEAST_M2)
    order = np.argsort(at, kind="stable")
    first, last = (np.searchsorted(at[order], open_ground, side=side) for side in ("left", "right"))
    for unit, begin, end in zip(open_ground.tolist(), first.tolist(), last.tolist(), strict=True):
        rest[unit] = shapely.difference(units[unit], shapely.union_all(pieces[order[begin:end]]))
    return rest


def _areal(geometries: Geometries) -> Geometries:
    """The polygons of each geometry, empty where it has none: two that touch share lines and points too."""
    areal = np.full(len(geometries), shapely.Polygon(), dtype=object)
    kind = shapely.get_type_id(geometries)
    plain = (kind == shapely.GeometryType.POLYGON) | (kind == shapely.GeometryType.MULTIPOLYGON)
    areal[plain] = geometries[plain]
    for at in np.flatnonzero(kind == shapely.GeometryType.GEOMETRYCOLLECTION).tolist():
        parts = [part for part in geometries[at].geoms if part.geom_type == "Polygon"]
        areal[at] = parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
    return areal


def _related(ground: Ground, olds: int, news: int) -> NDArray[np.bool_]:
    """Which pieces (k,) make their two units go on in each other: more than half of the one, or of the other."""
    return (ground.new >= 0) & (ground.old >= 0) & (_most(ground.old, ground, olds) | _most(ground.new, ground, news))


def _most(unit: Positions, ground: Ground, count: int) -> NDArray[np.bool_]:
    """Which pieces are more than half of their unit."""
    there = unit >= 0
    whole = np.bincount(unit[there], weights=ground.area_m2[there], minlength=count)
    return there & (ground.area_m2 > whole[unit] / 2) if count else there


def _mutual(ground: Ground) -> NDArray[np.bool_]:
    """Which pieces are more than half of both their units."""
    olds, news = int(ground.old.max(initial=-1)) + 1, int(ground.new.max(initial=-1)) + 1
    return _most(ground.old, ground, olds) & _most(ground.new, ground, news)


def _reshaped(ground: Ground) -> NDArray[np.bool_]:
    """Which pieces (k,) lie in an old or new unit that has other pieces too."""
    olds, news = (np.bincount(unit[unit >= 0], minlength=1) for unit in (ground.old, ground.new))
    return (olds[ground.old] > 1) | (news[ground.new] > 1)


def _without_partner(
    old: Units, new: Units, gone: NDArray[np.bool_], come: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], int]:
    """Which units are removed, which created, and how many of those without a partner stand elsewhere under their code."""
    moved = set(old.codes[gone].tolist()) & set(new.codes[come].tolist())
    left, arrived = (np.array([code in moved for code in units.codes.tolist()], dtype=bool) for units in (old, new))
    return gone & ~left, come & ~arrived, len(moved)


def _same(old: Texts, new: Texts, ground: Ground) -> NDArray[np.bool_]:
    """Where both units of a piece have the same value; never where there is only one unit."""
    same: NDArray[np.bool_] = (of_pieces(old, ground.old) == of_pieces(new, ground.new)) & (ground.old >= 0) & (ground.new >= 0)
    return same


def of_pieces(values: Texts, at: Positions) -> Texts:
    """The value (k,) of each piece's unit from the values (n,) of all units, None where a piece has no unit."""
    found: Texts = np.append(np.asarray(values, dtype=object), np.array([None], dtype=object))[at]
    return found


def _taken(flags: NDArray[np.bool_], at: Positions) -> NDArray[np.bool_]:
    """The flag of each piece's unit, False where there is none."""
    return np.append(flags, False)[at]


def _first(*cases: tuple[NDArray[np.bool_], Change], otherwise: Change) -> NDArray[np.int8]:
    return np.select([where for where, _ in cases], [CHANGES.index(name) for _, name in cases], CHANGES.index(otherwise)).astype(np.int8)


def _through(positions: Positions, at: Positions) -> Positions:
    """Positions among the rest as positions among all; -1 stays."""
    return np.where(at >= 0, np.append(positions, -1)[at], -1)


def _polygons(wkb: Iterable[Any]) -> Geometries:
    return np.asarray(shapely.from_wkb(np.asarray(wkb, dtype=object)), dtype=object)
