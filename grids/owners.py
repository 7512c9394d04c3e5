"""Who answers for a duty grid: the first owner (网格负责人) while there is one, else the deputy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Post = Literal["owner", "deputy"]


@dataclass(frozen=True)
class Owner:
    """A person or post that answers for places. ``origin`` says whether it is real, given or generated for a demo."""

    code: str
    name: str
    origin: str


@dataclass(frozen=True)
class OnDuty:
    """Who holds the posts of one duty grid at one instant; None where nobody does."""

    owner: Owner | None = None
    deputy: Owner | None = None

    def answerable(self) -> Owner | None:
        """The one who answers: the owner, in the owner's absence the deputy, None when the next level has to."""
        return self.owner or self.deputy


def generated_owner(grid_code: str, post: Post) -> Owner:
    """An owner made up for a duty grid that a pack names nobody for; code and name say that it is generated."""
    letter = {"owner": "A", "deputy": "B"}[post]
    return Owner(f"{grid_code}-{letter}", f"{grid_code}-{letter} (generated · 生成)", "generated")


Period = tuple[datetime | None, datetime | None]
"""From an instant to another; None leaves that end open."""


def unheld(held: Iterable[Period]) -> list[Period]:
    """The periods in which none of the given ones runs, in order; all of time when there are none."""
    free: list[Period] = []
    since: datetime | None = None
    for begin, end in sorted(held, key=lambda period: (period[0] is not None, period[0])):
        if begin is not None and (since is None or begin > since):
            free.append((since, begin))
        if end is None:
            return free
        since = end if since is None else max(since, end)
    return [*free, (since, None)]
