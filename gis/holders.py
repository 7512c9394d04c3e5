"""Who holds the posts of a place and who of them is away, from what the statements of `gis/sql` say of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from grids.owners import Away, OnDuty, Owner, Period, Shift, away


def holders(posts: Iterable[Mapping[str, Any]], at: datetime) -> OnDuty:
    """Who holds the posts of a place at ``at``, and why they are not on duty if so. ``posts`` are the duties: ``post``, the owner's
    ``code``, ``name`` and ``origin``, the ``leaves`` that run at ``at``, and all ``shifts``.

    Of several deputies the first on duty in the order of their codes; the first of all when none is.
    """
    found = sorted(((held["post"], held["code"], owner_of(held), why_away(held, at)) for held in posts), key=lambda one: one[:2])
    owner = next(((who, gone) for post, _, who, gone in found if post == "owner"), (None, None))
    deputies = sorted(((who, gone) for post, _, who, gone in found if post == "deputy"), key=lambda one: one[1] is not None)
    deputy = deputies[0] if deputies else (None, None)
    return OnDuty(owner[0], deputy[0], owner[1], deputy[1])


def owner_of(held: Mapping[str, Any]) -> Owner:
    """Who holds a duty, under the name of that time."""
    return Owner(held["code"], held["name"], held["origin"])


def why_away(held: Mapping[str, Any], at: datetime) -> Away | None:
    """Why the holder of a duty is not on duty at ``at``, None when he is."""
    if not held["leaves"] and not held["shifts"]:
        return None
    leaves: list[Period] = [(None, leave["until"] and _instant(leave["until"], leave["zone"])) for leave in held["leaves"] or ()]
    return away(at, leaves=leaves, shifts=[_shift(shift) for shift in held["shifts"] or ()])


def _instant(said: str, zone: str) -> datetime:
    return datetime.fromisoformat(said).astimezone(ZoneInfo(zone))


def _shift(said: Mapping[str, Any]) -> Shift:
    return Shift(frozenset(said["days"]), time.fromisoformat(said["from"]), time.fromisoformat(said["to"]), ZoneInfo(said["zone"]))
