"""Who holds the posts of a place and who of them is away, from what the statements of `gis/sql` say of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from grids.owners import Away, OnDuty, Owner, Period, Shift, away


def holders(posts: Mapping[str, Mapping[str, Any]], at: datetime) -> OnDuty:
    """Who holds the posts of a place at ``at``, and why they are not on duty if so; ``posts`` by post the
    owner's ``code``, ``name`` and ``origin``, the ``leaves`` that run at ``at``, and all ``shifts``."""
    found = {post: Owner(held["code"], held["name"], held["origin"]) for post, held in posts.items()}
    gone = {post: _away(held, at) for post, held in posts.items()}
    return OnDuty(found.get("owner"), found.get("deputy"), gone.get("owner"), gone.get("deputy"))


def _away(held: Mapping[str, Any], at: datetime) -> Away | None:
    if not held["leaves"] and not held["shifts"]:
        return None
    leaves: list[Period] = [(None, leave["until"] and _instant(leave["until"], leave["zone"])) for leave in held["leaves"] or ()]
    return away(at, leaves=leaves, shifts=[_shift(shift) for shift in held["shifts"] or ()])


def _instant(said: str, zone: str) -> datetime:
    return datetime.fromisoformat(said).astimezone(ZoneInfo(zone))


def _shift(said: Mapping[str, Any]) -> Shift:
    return Shift(frozenset(said["days"]), time.fromisoformat(said["from"]), time.fromisoformat(said["to"]), ZoneInfo(said["zone"]))
