"""Which department leads (主管部门): it takes over what the grid has begun; who is first on the spot stays so (DOMAIN.md §6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Names = dict[str, str]


@dataclass(frozen=True)
class Department:
    """A department by the names it had when it was said to lead."""

    code: str
    names: Names


@dataclass(frozen=True)
class Lead:
    """A department leads a category (its key), or all whose keys begin alike (``matter:06*``): in one area, or (None) everywhere."""

    department: Department
    category: str
    area: str | None = None

    def is_of(self, key: str) -> bool:
        """Whether it leads the category with this key."""
        return key.startswith(self.category[:-1]) if self.category.endswith("*") else key == self.category


def leading(leads: Iterable[Lead], key: str, areas: Sequence[str]) -> Department | None:
    """The department that leads the category ``key`` at a place in ``areas`` (codes, the lowest first), None when none is named.

    The category itself goes before a class of categories, a smaller class before a larger one, and of the same the lower area before
    the higher and that before the whole city.
    """
    order = {area: at for at, area in reversed([*enumerate(areas)])}
    fitting = [lead for lead in leads if lead.is_of(key) and (lead.area is None or lead.area in order)]
    if not fitting:
        return None
    return min(
        fitting,
        key=lambda lead: (
            lead.category.endswith("*"),
            -len(lead.category),
            len(order) if lead.area is None else order[lead.area],
            lead.department.code,
        ),
    ).department
