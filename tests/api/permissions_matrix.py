"""Every route asked by every kind of person about every canary, and what differs from the table of `grids/permissions.py`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

import mapbox_vector_tile
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.rules import BY_LOGIN, RULES
from gis import db
from gis.layers import LAYERS
from gis.store import persons as entering
from grids.permissions import PUBLIC, Act, Grant, Person, Place, Thing, may
from tests import canaries, persons
from tests.canaries import CITY, Canary
from tests.tiny_city import act
from tests.tiny_pack import SOUTH, STEP_LAT, STEP_LON, WEST
from tests.web_mercator import tile_of

X, Y = tile_of(WEST + 2 * STEP_LON, SOUTH + 2 * STEP_LAT, 13)
HERE = {"lon": WEST + 0.4 * STEP_LON, "lat": SOUTH + 0.4 * STEP_LAT, "datum": "wgs84"}
_WORDS = re.compile(r"canary \w+ \d \d")
_CATEGORIES = re.compile(r"component:9\d{3}")
_NAMES = re.compile(r"(?:Owner|Deputy) \d")

Asked = dict[str, Any]
OURS = {"Sec-Fetch-Site": "same-origin"}
_OTHER = "/api/v1/accounts/of-nobody"


def _made(place: Place) -> Asked:
    """An account for a place, with a password that is too weak for anything to be made."""
    grant = {"role": "worker", "city": CITY, "level": place.level, "code": place.code}
    return {"method": "POST", "url": "/api/v1/accounts", "json": {"login": "of-nobody", "name": "x", "password": "x", "grant": grant}}


REQUESTS: dict[str, list[Asked]] = {
    "home": [{"url": "/"}],
    "mapPage": [{"url": "/map"}],
    "docsPage": [{"url": "/docs"}],
    "loginPage": [{"url": "/login"}],
    "healthz": [{"url": "/healthz"}],
    "readyz": [{"url": "/readyz"}],
    "version": [{"url": "/version"}],
    "basemap": [{"url": "/basemaps/tiny.pmtiles"}],
    "style": [{"url": "/styles/light.json"}],
    "tileJson": [{"url": f"/tiles/{layer}.json"} for layer in LAYERS],
    "tile": [{"url": f"/tiles/{layer}/{z}/{X << (z - 13)}/{Y << (z - 13)}.mvt"} for layer in LAYERS for z in (13, 14)],
    "listCities": [{"url": "/api/v1/cities"}],
    "listChanges": [{"url": "/api/v1/cities/tiny/editions/1/changes/2"}],
    "locate": [{"url": "/api/v1/locate", "params": HERE}],
    "locate_many": [
        {
            "method": "POST",
            "url": "/api/v1/locate",
            "params": {"datum": "wgs84"},
            "json": {"points": [{"id": "a", "lon": HERE["lon"], "lat": HERE["lat"]}]},
        },
    ],
    "listIncidents": [{"url": "/api/v1/incidents"}],
    "waysToLogIn": [{"url": "/api/v1/login"}],
    "logIn": [{"method": "POST", "url": "/api/v1/login", "json": {"login": "nobody"}}],
    "logInByProvider": [{"url": "/login/oidc"}],
    "providerCallback": [{"url": "/login/oidc/callback", "params": {"code": "x", "state": "x"}}],
    "logOut": [{"method": "POST", "url": "/api/v1/logout"}],
    "me": [{"url": "/api/v1/me"}],
    "listLogins": [{"url": "/api/v1/me/logins"}],
    "endLogin": [{"method": "DELETE", "url": "/api/v1/me/logins/2147483647"}],
    "endOtherLogins": [{"method": "DELETE", "url": "/api/v1/me/logins"}],
    # Too weak a password: refused once it is known who asks, and before anything is changed.
    "changePassword": [{"method": "POST", "url": "/api/v1/me/password", "json": {"old": "x", "new": "x"}}],
    "listOwnKeys": [{"url": "/api/v1/me/keys"}],
    "addOwnKey": [{"method": "POST", "url": "/api/v1/me/keys", "json": {"name": "x", "expires_at": "2099-01-01T00:00:00Z"}}],
    "revokeOwnKey": [{"method": "DELETE", "url": "/api/v1/me/keys/2147483647"}],
    "tileToken": [{"url": "/api/v1/tile-token"}],
    "listAccounts": [{"url": "/api/v1/accounts"}],
    "addAccount": [_made(Place("duty_grid", "of-no-city"))],
    "endAccount": [{"method": "DELETE", "url": _OTHER}],
    "setPassword": [{"method": "PUT", "url": f"{_OTHER}/password", "json": {"password": "x"}}],
    "giveGrant": [{"method": "POST", "url": f"{_OTHER}/grants", "json": {"role": "worker", "city": CITY}}],
    "endGrant": [{"method": "DELETE", "url": f"{_OTHER}/grants/2147483647"}],
    "listKeys": [{"url": "/api/v1/api-keys"}],
    "addKey": [
        {"method": "POST", "url": "/api/v1/api-keys", "json": {"account": "of-nobody", "name": "x", "expires_at": "2099-01-01T00:00:00Z"}}
    ],
    "revokeKey": [{"method": "DELETE", "url": "/api/v1/api-keys/2147483647"}],
    "incident": [{"url": "/api/v1/incidents/00000000-0000-0000-0000-000000000000"}],
    "incidentReporters": [{"url": "/api/v1/incidents/00000000-0000-0000-0000-000000000000/reporters"}],
}
"""One request or more of every route that has a rule; another about each place is added for incidents."""


@dataclass
class Matrix:
    """What was asked and what differed from the table."""

    planted: list[Canary]
    asked: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def differs(self, said: str, found: object, expected: object) -> None:
        """Count one comparison, and note it when the two differ."""
        self.asked[said.split(maxsplit=1)[0]] += 1
        if found != expected:
            self.wrong.append(f"{said}: {found!r}, and by the table {expected!r}")

    def readable(self, person: Person, what: Act) -> list[Canary]:
        """The canaries that the table opens to a person for an act."""
        return [one for one in self.planted if may(person, what, one.thing).allowed]


def people(url: str) -> Iterator[tuple[Person, dict[str, str], dict[str, str]]]:
    """Everybody who asks, and the headers of their requests with a key and with a log-in: nobody, and an account for each kind of grants."""
    yield PUBLIC, {}, {}
    for grants in canaries.persons():
        with act(url) as tx:
            account = persons.add_in(tx, *grants)
            by_key, by_login = persons.key_of(tx, account), persons.login_of(tx, account)
        yield Person(account, grants), by_key, by_login | OURS


def through_http(matrix: Matrix, client: TestClient, url: str, *, at_most: int | None = None) -> None:
    """Ask every route as everybody (or the first so many), about every place."""
    everybody = list(islice(people(url), at_most))
    for person, by_key, by_login in everybody:

        def get(asked: Asked, headers: dict[str, str] = by_key) -> Any:
            return client.request(**({"method": "GET"} | asked), headers=headers, follow_redirects=False)

        for operation, requests in REQUESTS.items():
            for asked in requests:
                _route(matrix, person, operation, get(asked, by_login if operation in BY_LOGIN else by_key), asked)
                if operation in BY_LOGIN and person.account is not None:
                    matrix.differs(f"by-key {operation} as {_called(person)}", get(asked).status_code, 403)
        _places(matrix, person, get)
        _single(matrix, person, get)
        _kept(matrix, person, partial(get, headers=by_login))
        _reporters(matrix, person, get)


def _route(matrix: Matrix, person: Person, operation: str, reply: Any, asked: Asked) -> None:
    rule = RULES[operation]
    verdict = None if rule is None else may(person, rule)
    refused = {True: None, False: 401 if person.account is None else 403}[verdict is None or verdict.allowed]
    if operation in ("changePassword", "addOwnKey") and person.account is None:
        refused = 401  # open to all who have an account, and nobody has none
    found = reply.status_code if reply.status_code in (401, 403) or reply.status_code >= 500 else None
    matrix.differs(f"{operation} {asked['url']} as {_called(person)}", found, refused)
    named = bool(_NAMES.search(reply.text)) or _named_in_tile(reply)
    if named and not may_in_city(person, Act.READ_NAMES):
        matrix.wrong.append(f"{operation} {asked['url']} names a person to {_called(person)}")
    if operation == "locate":
        matrix.differs(f"names as {_called(person)}", named, may_in_city(person, Act.READ_NAMES))
    readable = matrix.readable(person, Act.READ_INCIDENTS)
    if operation == "listCities" and reply.status_code == 200:
        total = len(matrix.planted)
        whole = any(grant.place is None and grant.department is None and _reads(grant) for grant in person.grants)
        matrix.differs(f"counts as {_called(person)}", reply.json()[0]["counts"]["incidents"], total if whole else total - total % 5)
    if asked["url"].startswith("/tiles/incidents/13/"):
        drawn = set(_CATEGORIES.findall(str(_features(reply))))
        matrix.differs(f"incidents-tile as {_called(person)}", drawn, {one.category for one in readable})
    if asked["url"].startswith("/tiles/cells/"):
        whole = any(grant.place is None and grant.department is None and _reads(grant) for grant in person.grants)
        counts = [one["properties"]["incidents"] for one in _features(reply)]
        matrix.differs(f"cells-tile as {_called(person)}", whole or all(count % 5 == 0 for count in counts), True)
    _shown(matrix, person, reply, asked["url"])


def _shown(matrix: Matrix, person: Person, reply: Any, url: str) -> None:
    """Nothing that is shown anywhere is a canary that the table does not open to a person."""
    told = set(_WORDS.findall(reply.text)) - {one.address for one in matrix.readable(person, Act.READ_ADDRESSES)}
    seen = set(_CATEGORIES.findall(reply.text)) - {one.category for one in matrix.readable(person, Act.READ_INCIDENTS)}
    if (told or seen) and not url.startswith("/api/v1/locate"):
        matrix.wrong.append(f"{url} shows {told | seen} to {_called(person)}")


def _places(matrix: Matrix, person: Person, get: Callable[[Asked], Any]) -> None:
    """The list of incidents of each place: inside, outside and above the person's part of the city; and of all that they may read."""
    home = canaries.ladder(canaries.HOME)
    asked = [*home, canaries.ladder(canaries.SIBLING)[2], canaries.ladder(canaries.SIBLING)[3], canaries.ladder(canaries.AWAY)[1]]
    ladders = [canaries.ladder(community) for community in canaries.GRIDS]
    addresses = {one.address for one in matrix.readable(person, Act.READ_ADDRESSES)}
    for place in asked:
        over = next(ladder[: ladder.index(place) + 1] for ladder in ladders if place in ladder)
        led = frozenset(grant.department for grant in person.grants if grant.department)
        allowed = may(person, Act.READ_INCIDENTS, Thing(CITY, frozenset(over), led)).allowed
        reply = get({"url": "/api/v1/incidents", "params": {"place": ":".join(place), "limit": 500}})
        matrix.differs(f"place {place} as {_called(person)}", reply.status_code, 200 if allowed else 401 if person.account is None else 403)
        if allowed:
            _listed(
                matrix, person, reply, [one for one in matrix.readable(person, Act.READ_INCIDENTS) if place in one.thing.places], addresses
            )
    if may(person, Act.READ_INCIDENTS).allowed:
        reply = get({"url": "/api/v1/incidents", "params": {"limit": 500}})
        _listed(matrix, person, reply, matrix.readable(person, Act.READ_INCIDENTS), addresses)


def _listed(matrix: Matrix, person: Person, reply: Any, expected: list[Canary], addresses: set[str]) -> None:
    found = {one["id"]: one["address"] for one in reply.json().get("incidents", [])}
    told = {str(one.id): one.address if one.address in addresses else None for one in expected}
    matrix.differs(f"rows as {_called(person)} of {reply.url}", found, told)


def _single(matrix: Matrix, person: Person, get: Callable[[Asked], Any]) -> None:
    """Each canary by its id: what is outside one's part is not found, as what does not exist."""
    for one in matrix.planted:
        reply = get({"url": f"/api/v1/incidents/{one.id}"})
        if not may(person, Act.READ_INCIDENTS).allowed:
            expected = 401 if person.account is None else 403
        else:
            expected = 200 if may(person, Act.READ_INCIDENTS, one.thing).allowed else 404
        matrix.differs(f"incident {one.address} as {_called(person)}", reply.status_code, expected)
        if reply.status_code == 200:
            address = one.address if may(person, Act.READ_ADDRESSES, one.thing).allowed else None
            matrix.differs(f"address {one.address} as {_called(person)}", reply.json()["address"], address)


def _kept(matrix: Matrix, person: Person, get: Callable[[Asked], Any]) -> None:
    """A new account for each place: refused outside and above the own part of the city, and inside it for its password alone."""
    for community in (canaries.HOME, canaries.AWAY):
        for depth, place in enumerate(canaries.ladder(community), start=1):
            thing = Thing(CITY, frozenset(canaries.ladder(community)[:depth]))
            allowed = may(person, Act.KEEP_ACCOUNTS, thing).allowed
            expected = 422 if allowed else 401 if person.account is None else 403
            matrix.differs(f"new-account of {place} as {_called(person)}", get(_made(place)).status_code, expected)


def _reporters(matrix: Matrix, person: Person, get: Callable[[Asked], Any]) -> None:
    """Who reported each canary: seen by whom the table opens it to, and by nobody else."""
    for one in matrix.planted:
        reply = get({"url": f"/api/v1/incidents/{one.id}/reporters"})
        allowed = may(person, Act.READ_CONTACTS, one.thing).allowed
        found = [said["name"] for said in reply.json()] if reply.status_code == 200 else None
        matrix.differs(f"reporters {one.address} as {_called(person)}", found, [f"reporter of {one.address}"] if allowed else None)


def through_sql(matrix: Matrix, url: str) -> None:
    """Read the tables themselves under the role of the app, with each person entered."""
    engine = db.engine(url, pool_size=1, role="wangge_app")
    everybody = list(people(url))
    try:
        for person, *_ in everybody:
            with db.transaction(engine) as tx:
                if person.account is not None:
                    entered = entering.enter_account(tx, person.account)
                    matrix.differs(f"entered as {_called(person)}", entered and entered.person, person)
                rows = set(tx.execute(sa.text("SELECT id FROM incident")).scalars())
                expected = {one.id for one in matrix.readable(person, Act.READ_INCIDENTS)}
                matrix.differs(f"sql-rows as {_called(person)}", rows, expected)
                found = set(tx.execute(sa.text("SELECT incident_ids_in(ST_MakeEnvelope(-180, -90, 180, 90, 4326))")).scalars())
                within = {one.id for one in matrix.planted if any(grant.covers(one.thing) and _reads(grant) for grant in person.grants)}
                matrix.differs(f"sql-ids as {_called(person)}", found <= within, True)
                reported = tx.execute(sa.text("SELECT count(*) FROM reporter")).scalar_one()
                matrix.differs(f"sql-reporters as {_called(person)}", reported, len(matrix.readable(person, Act.READ_CONTACTS)))
                ids = [one.id for one in matrix.planted]
                told = set(tx.execute(sa.text("SELECT address FROM addresses_of(:ids)"), {"ids": ids}).scalars())
                matrix.differs(
                    f"sql-addresses as {_called(person)}", told, {one.address for one in matrix.readable(person, Act.READ_ADDRESSES)}
                )
                posts = tx.execute(sa.text("SELECT bool_and(name <> owner) FROM duty_shown WHERE origin = 'given'")).scalar_one()
                matrix.differs(f"sql-posts as {_called(person)}", posts, may_in_city(person, Act.READ_NAMES))
                names = tx.execute(sa.text("SELECT count(*) FROM owner WHERE origin = 'given'")).scalar_one()
                matrix.differs(f"sql-names as {_called(person)}", names > 0, may_in_city(person, Act.READ_NAMES))
    finally:
        engine.dispose()


def may_in_city(person: Person, what: Act) -> bool:
    """Whether a person may do an act to the city of the canaries."""
    return may(person, what, Thing(CITY)).allowed


def _reads(grant: Grant) -> bool:
    return may(Person(1, (grant,)), Act.READ_INCIDENTS).allowed


def _features(reply: Any) -> list[dict[str, Any]]:
    if reply.status_code != 200:
        return []
    return [feature for layer in mapbox_vector_tile.decode(reply.content).values() for feature in layer["features"]]


def _named_in_tile(reply: Any) -> bool:
    if "mapbox" not in reply.headers.get("content-type", ""):
        return False
    return bool(_NAMES.search(str(_features(reply))))


def _called(person: Person) -> str:
    if person.account is None:
        return "nobody"
    return " and ".join(f"{one.role} of {_place(one.place)} {one.department or ''}".strip() for one in person.grants) or "no role"


def _place(place: Place | None) -> str:
    return "the city" if place is None else ":".join(place)
