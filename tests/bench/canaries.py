"""Requests that nobody thought of, as each role in turn, against a served city with canaries in every area.

    .venv/bin/python -m tests.bench.canaries [--each 2000] [--seed 1]        (20,000 requests; about ten minutes)

Schemathesis makes them from the service's own OpenAPI document, good ones and bad ones; half are given words that the city knows (its
codes, its layers, the ids of its canaries), so that they get further than the first check. Each role is granted on one community.
Counted: requests, statuses, canaries and names that were shown, and of these the ones from outside (none may be), answers of 500 and above
(none may be). Prints one JSON document; ends with 1 when something was found.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import socket
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import requests
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode

from api.app import create_app
from api.logs import configure_logs
from gis import cluster as private
from gis import db
from gis.layers import LAYERS
from gis.settings import Settings
from grids.permissions import PUBLIC, Act, Grant, Person, Role, may
from tests import canaries, persons
from tests.canaries import Canary
from tests.tiny_city import act, redraw
from tests.tiny_pack import SOUTH, STEP_LAT, STEP_LON, WEST
from tests.web_mercator import tile_of

_SHOWN = re.compile(rb"canary \w+ \d \d|component:9\d{3}|(?:Owner|Deputy) \d")
_LIMIT_S = 30


@dataclass
class Found:
    """What came of the requests of one role."""

    role: str
    asked: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    shown: int = 0
    from_outside: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def roles() -> list[tuple[str, tuple[Grant, ...]]]:
    """Nobody, and each role on the community ``HOME``."""
    home = canaries.ladder(canaries.HOME)[2]
    granted = [(role.value, (Grant(role, canaries.CITY, home, "water" if role is Role.DEPARTMENT else None),)) for role in Role]
    return [(name, () if name == Role.PUBLIC else grants) for name, grants in granted]


def hunt(address: str, url: str, planted: Sequence[Canary], *, each: int, chance: int) -> Iterator[Found]:
    """Ask ``each`` requests as each role of the service at ``address``, whose database is at ``url``; ``chance`` is the seed."""
    document = requests.get(f"{address}/openapi.json", timeout=_LIMIT_S).json()
    schema = schemathesis.openapi.from_dict(document)
    operations = [found.ok() for found in schema.get_all_operations()]
    # Where canaries are is asked more often than the rest.
    telling = [one for one in operations if "incidents" in one.path or "tiles" in one.path]
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    made = st.one_of(*(one.as_strategy(mode) for one in (*operations, *telling, *telling, *telling) for mode in modes))
    season = _seasoning(random.Random(chance), planted)
    for number, (name, grants) in enumerate(roles()):
        person, headers = PUBLIC, dict[str, str]()
        if grants:
            with act(url) as tx:
                account = persons.add_in(tx, *grants)
                person, headers = Person(account, grants), persons.key_of(tx, account)
        found = Found(name)
        with requests.Session() as session:
            ask = _asker(found, session, address, headers, words_of(planted, person))
            while found.asked < each:
                _drawn(
                    made,
                    lambda case, ask=ask: ask(season(case)),
                    count=each - found.asked,
                    chance=chance + number * 1_000_000 + found.asked,
                )
        yield found


def words_of(planted: Sequence[Canary], person: Person) -> Callable[[str], bool]:
    """Whether a word that only canaries, or people of the city, have is for a person."""
    readable = {one.category for one in planted if may(person, Act.READ_INCIDENTS, one.thing).allowed}
    addresses = {one.address for one in planted if may(person, Act.READ_ADDRESSES, one.thing).allowed}
    named = may(person, Act.READ_NAMES).allowed
    return lambda word: word in readable or word in addresses or (named and word.startswith(("Owner", "Deputy")))


def _drawn(made: st.SearchStrategy[Case], ask: Callable[[Case], None], *, count: int, chance: int) -> None:
    @seed(chance)
    @settings(max_examples=count, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(made)
    def asked(case: Case) -> None:
        ask(case)

    asked()


def _asker(
    found: Found, session: requests.Session, address: str, headers: dict[str, str], is_for: Callable[[str], bool]
) -> Callable[[Case], None]:
    def ask(case: Case) -> None:
        sent = case.as_transport_kwargs(base_url=address, headers=headers)
        for credential in ("cookies", "params"):
            sent.setdefault(credential, {})
        request = session.prepare_request(
            requests.Request(**{name: sent.get(name) for name in ("method", "url", "headers", "params", "data", "json")})
        )
        request.headers.update(headers)
        reply = session.send(request, timeout=_LIMIT_S, allow_redirects=False)
        found.asked += 1
        found.statuses[reply.status_code] += 1
        said = f"{request.method} {request.url} {(request.body or b'')[:200]!r}"
        if reply.status_code >= 500:
            found.failed.append(f"{said}: {reply.status_code} {reply.text[:300]}")
        # A refusal repeats what was asked; that tells nothing.
        asked = unquote_plus(str(request.url)) + str(request.body or "")
        for word in {word.decode() for word in _SHOWN.findall(reply.content)}:
            if is_for(word):
                found.shown += 1
            elif word not in asked:
                found.from_outside.append(f"{said}: {word}")

    return ask


def _seasoning(chance: random.Random, planted: Sequence[Canary]) -> Callable[[Case], Case]:
    """Give half of the requests words that the city knows."""
    known: dict[str, list[Any]] = {
        "city": [canaries.CITY],
        "place": [":".join(place) for community in canaries.GRIDS for place in canaries.ladder(community)],
        "category": sorted({one.category for one in planted}),
        "layer": list(LAYERS),
        "incident_id": [str(one.id) for one in planted] + [str(uuid.UUID(int=0))],
        "limit": [1, 7, 500],
        "datum": ["wgs84", "cgcs2000"],
        "lon": [WEST + step * STEP_LON for step in (0.3, 1.7, 2.4, 3.6)],
        "lat": [SOUTH + step * STEP_LAT for step in (0.3, 1.7, 2.4, 3.6)],
        "old": [1],
        "new": [2],
        "theme": ["light", "dark"],
        "since": ["2026-01-01T00:00:00Z"],
        "until": ["2027-01-01T00:00:00Z"],
    }

    def season(case: Case) -> Case:
        if chance.random() < 0.5:
            for container in (case.path_parameters, case.query):
                if not isinstance(container, dict):
                    continue
                for name in container:
                    if name in known:
                        container[name] = chance.choice(known[name])
                if {"z", "x", "y"} <= container.keys():
                    z = chance.randint(12, 16)
                    x, y = tile_of(WEST + chance.uniform(0, 4) * STEP_LON, SOUTH + chance.uniform(0, 4) * STEP_LAT, z)
                    container.update(z=z, x=x, y=y)
        return case

    return season


@contextmanager
def served(url: str, data_dir: Path, *, as_owner: bool = False) -> Iterator[str]:
    """The service over a database, on a port of its own, with no limit on how often it is asked; ``as_owner``: as the owner of the
    tables, to whom no policy applies, as no service runs."""
    own = Settings(data_dir=data_dir, pool_size=4, address_rate=0, credential_rate=0, log_level="error")
    listener = socket.create_server(("127.0.0.1", 0))
    app = create_app(own, database_url=url)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.05)
        if as_owner:
            app.state.running = replace(app.state.running, engine=db.engine(url, pool_size=own.pool_size))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def planted_city(url: str, folder: Path) -> list[Canary]:
    """The canaries of `tests/canaries.py`, and a draft beside the plan."""
    planted = canaries.plant(url, folder)
    redraw(url, folder / "canaries")
    return planted


def main() -> None:
    """Plant, serve, hunt, tell."""
    from gis.migrations.run import migrate

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    configure_logs(Settings(log_level="error"))
    with tempfile.TemporaryDirectory(prefix="wangge-canaries-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        cluster = private.ensure(folder, durable=False)
        try:
            url = cluster.url()
            migrate(url)
            planted = planted_city(url, folder)
            began = time.monotonic()
            found = []
            with served(url, folder) as address:
                for one in hunt(address, url, planted, each=asked.each, chance=asked.seed):
                    found.append(one)
                    sys.stderr.write(f"{one.role}: {one.asked}, {len(one.from_outside)} from outside, {len(one.failed)} failed\n")
            took_s = round(time.monotonic() - began)
        finally:
            cluster.stop()
    total = {"requests": sum(one.asked for one in found), "canaries": len(planted), "seconds": took_s}
    sys.stdout.write(json.dumps(total | {"roles": [vars(one) for one in found]}, indent=2) + "\n")
    sys.exit(any(one.from_outside or one.failed for one in found))


if __name__ == "__main__":
    main()
