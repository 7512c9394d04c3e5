"""Who may do what, where: the one table of roles and acts, and the verdict on one act with its reason.

A role is granted on a part of the ladder: a whole city, an area with all below it, or one duty grid; that of a department only for
the categories which that department leads. Nothing above or beside that part is reached. PostgreSQL keeps a copy of the table
(`permission`, written by `wangge migrate`) and applies it to every row, so what is refused here is not found there either.

Sources of the roles: the supervision centre's (受理员, 监督员, 值班长) and command centre's (派遣员) posts and the departments of
CJJ/T 106, with the grid's own (网格员, 网格长) and the application's (analyst, administrator). Separation of duties: nobody checks
their own work or adopts their own edition, and whoever keeps the accounts keeps no record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class Role(StrEnum):
    """What a person is in a part of a city. ``PUBLIC`` is everybody, logged in or not; it is never granted."""

    WORKER = "worker"
    LEAD = "lead"
    INTAKE = "intake"
    DISPATCHER = "dispatcher"
    DEPARTMENT = "department"
    CHECKER = "checker"
    ANALYST = "analyst"
    DUTY_CHIEF = "duty_chief"
    ADMINISTRATOR = "administrator"
    PUBLIC = "public"


class Act(StrEnum):
    """What can be done. A route names one (`api/rules.py`), and so does a policy of the database."""

    READ_PLAN = "read_plan"
    """Editions, areas, blocks, segments, cells, duty grids, changes; who answers where, by code."""
    READ_COUNTS = "read_counts"
    """How many incidents there are; to whom may not read them, small numbers are not told."""
    READ_NAMES = "read_names"
    """The names of real people who hold posts, and their absences."""
    READ_INCIDENTS = "read_incidents"
    READ_ADDRESSES = "read_addresses"
    """The address in an incident's report, which may be somebody's home."""
    READ_CONTACTS = "read_contacts"
    """Who reported an incident, and how to reach them."""
    CHECK_WORK = "check_work"
    ADOPT_EDITION = "adopt_edition"
    KEEP_ACCOUNTS = "keep_accounts"
    """Accounts, their grants and keys, in one's own part of the city."""
    ANSWER_SUBJECTS = "answer_subjects"
    """Give a person what is kept of them, or erase it."""
    KEEP_OWN_ACCOUNT = "keep_own_account"
    """Log in and out, see one's devices, change one's password."""


_FIELD = frozenset({Role.WORKER, Role.LEAD})
_CENTRE = frozenset({Role.INTAKE, Role.DISPATCHER, Role.CHECKER, Role.DUTY_CHIEF})
_HANDLERS = _FIELD | _CENTRE | {Role.DEPARTMENT}
_EVERYBODY = frozenset(Role)

PERMISSIONS: Mapping[Act, frozenset[Role]] = MappingProxyType(
    {
        Act.READ_PLAN: _EVERYBODY,
        Act.READ_COUNTS: _EVERYBODY,
        Act.READ_NAMES: _EVERYBODY - {Role.PUBLIC},
        Act.READ_INCIDENTS: _HANDLERS | {Role.ANALYST},
        Act.READ_ADDRESSES: _HANDLERS,
        Act.READ_CONTACTS: frozenset({Role.INTAKE, Role.DUTY_CHIEF}),
        Act.CHECK_WORK: frozenset({Role.CHECKER}),
        Act.ADOPT_EDITION: frozenset({Role.DUTY_CHIEF}),
        Act.KEEP_ACCOUNTS: frozenset({Role.ADMINISTRATOR}),
        Act.ANSWER_SUBJECTS: frozenset({Role.ADMINISTRATOR}),
        Act.KEEP_OWN_ACCOUNT: _EVERYBODY,
    }
)
"""The roles that an act is open to, each in its own part of a city."""

NOT_OF_OWN = frozenset({Act.CHECK_WORK, Act.ADOPT_EDITION, Act.KEEP_ACCOUNTS})
"""Acts that nobody does to their own work, their own edition or their own account."""

IN_THE_WHOLE_CITY = frozenset({Act.READ_NAMES})
"""Acts that a fitting grant on any part of a city opens in all of it, for every department: whoever works there has to know whom to call."""

LEAST_COUNT = 5
"""The smallest number of incidents that is told to whom may not read them: fewer could be one household's."""


def told_count(counted: int, *, exact: bool) -> int:
    """A number of incidents as it is told: as it is to whom may read them all, else in steps of ``LEAST_COUNT``, rounded down.

    A number below the least is then nought, and the difference between a cell and those in it tells no smaller one.
    """
    return counted if exact else counted - counted % LEAST_COUNT


class Place(NamedTuple):
    """A rung of the ladder: the key of its level and its code (a code may stand on two levels)."""

    level: str
    code: str


@dataclass(frozen=True)
class Grant:
    """A role in a part of a city: the whole of it when ``place`` is None; for one department's categories when ``department`` is set."""

    role: Role
    city: str
    place: Place | None = None
    department: str | None = None

    def covers(self, thing: Thing) -> bool:
        """Whether a thing lies in the part of the city that the grant is for."""
        return thing.city == self.city and (self.place is None or self.place in thing.places)


@dataclass(frozen=True)
class Person:
    """Who acts: an account with the grants that are in force; nobody in particular when ``account`` is None."""

    account: int | None = None
    grants: tuple[Grant, ...] = ()


PUBLIC = Person()


@dataclass(frozen=True)
class Thing:
    """What an act is done to: where it is (``places`` from the city's first level down to its own), the departments that lead its
    category, and the account whose work it is, None where it is nobody's."""

    city: str
    places: frozenset[Place] = field(default_factory=frozenset)
    departments: frozenset[str] = field(default_factory=frozenset)
    doer: int | None = None


class Ground(StrEnum):
    """Why a verdict is what it is; the first two allow."""

    OPEN_TO_ALL = "open_to_all"
    GRANTED = "granted"
    NOT_LOGGED_IN = "not_logged_in"
    NO_ROLE = "no_role"
    ELSEWHERE = "elsewhere"
    """Beside or above every part that a fitting role is granted on."""
    OTHER_DEPARTMENT = "other_department"
    OWN_WORK = "own_work"


@dataclass(frozen=True)
class Verdict:
    """Whether an act is allowed, on which ground, and by which grant when one allows it."""

    allowed: bool
    ground: Ground
    grant: Grant | None = None


def may(person: Person, act: Act, thing: Thing | None = None) -> Verdict:
    """Whether a person may do an act to a thing; without one, whether anywhere at all.

    Of several grants that allow it the first in their order is named. A refusal names the nearest miss: another department before
    another place, that before no fitting role.
    """
    roles = PERMISSIONS[act]
    if Role.PUBLIC in roles:
        return Verdict(True, Ground.OPEN_TO_ALL)
    if person.account is None:
        return Verdict(False, Ground.NOT_LOGGED_IN)
    wide = act in IN_THE_WHOLE_CITY
    steps: list[tuple[Ground, Callable[[Grant], bool]]] = [(Ground.NO_ROLE, lambda grant: grant.role in roles)]
    if thing is not None:
        steps += [
            (Ground.ELSEWHERE, lambda grant: grant.city == thing.city if wide else grant.covers(thing)),
            (Ground.OTHER_DEPARTMENT, lambda grant: wide or grant.department is None or grant.department in thing.departments),
            (Ground.OWN_WORK, lambda _: not (act in NOT_OF_OWN and thing.doer == person.account)),
        ]
    left = person.grants
    for ground, fits in steps:
        left = tuple(filter(fits, left))
        if not left:
            return Verdict(False, ground)
    return Verdict(True, Ground.GRANTED, left[0])


def reaching(person: Person, act: Act, city: str) -> list[Grant]:
    """The grants by which a person may do an act somewhere in a city; none when only what is open to all allows it."""
    return [grant for grant in person.grants if grant.city == city and grant.role in PERMISSIONS[act]]
