"""What row-level security costs: the same questions over HTTP under the role of the app and as the owner of the tables, in one run.

    .venv/bin/python -m tests.bench.row_security [PACK] [--copies 9] [--each 400]        (about five minutes)

The pack (nyc when not named) is prepared by the real command in a data folder of its own, and its incidents are written again so many
times, each a minute later. Two services in one process answer over that database, one under `wangge_app`, one as the owner, to whom no
policy applies; every question goes to both in turn, so that other work on the machine slows both alike. Prints one JSON document: the
median milliseconds of each and their ratio, and the plans of the statements of the list.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import requests
import sqlalchemy as sa

from gis import db
from gis.db import statement
from gis.settings import Settings
from gis.store import persons as entering
from grids.permissions import Grant, Place, Role
from tests import persons
from tests.bench.canaries import served
from tests.tiny_city import act
from tests.web_mercator import tile_of

ROOT = Path(__file__).parents[2]
_COPY = """
    INSERT INTO incident (id, city, history, source_id, category_kind, category_code, reported_at, address, origin, geom,
        edition_id, how, cell, block_id, segment_id, side, offset_m, duty_grid_id, owner)
    SELECT gen_random_uuid(), city, history, source_id || '-' || n, category_kind, category_code, reported_at + n * interval '1 minute',
        address, origin, geom, edition_id, how, cell, block_id, segment_id, side, offset_m, duty_grid_id, owner
    FROM incident, generate_series(1, :copies) AS n
"""
_BUSIEST = """
    SELECT level, code, count(*) AS incidents, rank FROM incident JOIN grid_within USING (grid)
    WHERE incident.city = :city GROUP BY level, code, rank ORDER BY rank, incidents DESC
"""


def grown(url: str, copies: int) -> tuple[str, int, list[float]]:
    """The one city of the database with its incidents written again; its code, how many there are now, its bounds."""
    with act(url) as tx:
        tx.execute(sa.text(_COPY), {"copies": copies})
        box = "SELECT array[st_xmin(e), st_ymin(e), st_xmax(e), st_ymax(e)] FROM (SELECT st_extent(geom) AS e FROM incident) AS extent"
        city, total = tx.execute(sa.text("SELECT city, count(*) FROM incident GROUP BY city")).one()
        bounds = tx.execute(sa.text(box)).scalar_one()
    engine = db.engine(url, pool_size=1)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE incident"))
    engine.dispose()
    return city, total, list(bounds)


def places(url: str, city: str) -> dict[str, Place]:
    """The busiest place of each level."""
    with act(url) as tx:
        found: dict[str, Place] = {}
        for row in tx.execute(sa.text(_BUSIEST), {"city": city}):
            found.setdefault(row.level, Place(row.level, row.code))
    return found


def measured(addresses: dict[str, str], asked: list[dict[str, Any]], headers: dict[str, str]) -> dict[str, float]:
    """The median milliseconds of questions asked of each service in turn, and the ratio of the first to the second."""
    took: dict[str, list[float]] = {name: [] for name in addresses}
    with requests.Session() as session:
        for number, question in enumerate(asked):
            for name, address in addresses.items():
                began = time.perf_counter()
                reply = session.get(address + question["url"], params=question.get("params"), headers=headers, timeout=60)
                spent = time.perf_counter() - began
                if reply.status_code not in (200, 204):
                    raise SystemExit(f"{reply.status_code} {reply.url} {reply.text[:300]}")
                if number >= len(asked) // 10:  # the first warm up
                    took[name].append(spent)
    of_each = {name: round(1e3 * statistics.median(spent), 2) for name, spent in took.items()}
    app, owner = of_each.values()
    return {**of_each, "ratio": round(app / owner, 2)}


def plan(url: str, name: str, grant: Grant, asked: dict[str, Any]) -> list[str]:
    """The plan of a statement under the role of the app, with a person entered."""
    account = persons.add(url, grant)
    engine = db.engine(url, pool_size=1, role="wangge_app")
    with db.transaction(engine) as tx:
        entering.enter_account(tx, account)
        if name == "incident_newest_in_grids":
            asked = asked | {"grids": list(tx.execute(sa.text("SELECT my_grids('read_incidents')")).scalars())}
        lines = list(tx.execute(sa.text(f"EXPLAIN (ANALYZE, COSTS off, TIMING off) {statement(name).text}"), asked).scalars())
    engine.dispose()
    return lines


def questions(city: str, box: list[float], each: int) -> dict[str, list[dict[str, Any]]]:
    """What is asked: random points of the city, pages of the list, tiles of incidents and of cells in its middle."""
    chance = np.random.default_rng(5)
    west, south, east, north = box
    points = zip(chance.uniform(west, east, each).tolist(), chance.uniform(south, north, each).tolist(), strict=True)
    x, y = tile_of((west + east) / 2, (south + north) / 2, 14)
    return {
        "locate": [{"url": "/api/v1/locate", "params": {"lon": lon, "lat": lat, "datum": "wgs84"}} for lon, lat in points],
        "list": [{"url": "/api/v1/incidents", "params": {"city": city}}] * each,
        "incidents-tile": [{"url": f"/tiles/incidents/14/{x + at % 3}/{y + at // 3 % 3}.mvt"} for at in range(each // 4)],
        "cells-tile": [{"url": f"/tiles/cells/14/{x + at % 3}/{y + at // 3 % 3}.mvt"} for at in range(each // 4)],
    }


def main() -> None:
    """Prepare, grow, serve twice, ask, tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pack", nargs="?", default="nyc")
    parser.add_argument("--copies", type=int, default=9)
    parser.add_argument("--each", type=int, default=400)
    said = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wangge-bench-") as folder:
        data_dir = Path(folder)
        data_dir.chmod(0o755)
        own = os.environ | {"WANGGE_DATA_DIR": folder}
        subprocess.run([str(ROOT / "wangge"), "demo", said.pack, "--no-serve", "--json"], env=own, stdout=subprocess.DEVNULL, check=True)
        try:
            url = db.database_url(Settings(data_dir=data_dir))
            city, total, box = grown(url, said.copies)
            found = {"pack": said.pack, "incidents": total, **_asked(url, data_dir, city, box, said.each)}
        finally:
            subprocess.run([str(ROOT / "wangge"), "stop"], env=own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


def _asked(url: str, data_dir: Path, city: str, box: list[float], each: int) -> dict[str, Any]:
    busiest = places(url, city)
    grants = {
        "checker of the city": Grant(Role.CHECKER, city),
        **{f"lead of {place.level} {place.code}": Grant(Role.LEAD, city, place) for place in busiest.values()},
        "department of the city": Grant(Role.DEPARTMENT, city, None, _department(url, city)),
    }
    asked = questions(city, box, each)
    found: dict[str, Any] = {}
    with served(url, data_dir) as app, served(url, data_dir, as_owner=True) as owner:
        addresses = {"wangge_app_ms": app, "owner_ms": owner}
        measured(addresses, asked["locate"][:50], {})
        found["locate, nobody"] = measured(addresses, asked["locate"], {})
        found["cells-tile, nobody"] = measured(addresses, asked["cells-tile"], {})
        for who, grant in grants.items():
            headers = persons.key(url, grant)
            if who.startswith("checker"):
                found[f"locate, {who}"] = measured(addresses, asked["locate"], headers)
            found[f"list, {who}"] = measured(addresses, asked["list"], headers)
            found[f"incidents-tile, {who}"] = measured(addresses, asked["incidents-tile"], headers)
    page = {"city": city, "kind": None, "code": None, "since": None, "until": None, "before_at": None, "before_id": None, "limit": 101}
    last = list(busiest.values())[-1]
    plans = {
        "incident_newest": plan(url, "incident_newest", Grant(Role.CHECKER, city), page),
        "incident_newest_in_grids": plan(url, "incident_newest_in_grids", Grant(Role.LEAD, city, last), page),
    }
    return {"medians": found, "plans": plans}


def _department(url: str, city: str) -> str:
    """A department of the city, made to lead everything that departments lead when it has none."""
    with act(url) as tx:
        named = tx.execute(sa.text("SELECT min(department) FROM department_lead WHERE city = :city"), {"city": city}).scalar_one()
        if named is None:
            lead = "INSERT INTO department_lead (city, said_by, category, department, names, during, recorded_at) VALUES (:city, 'command', '*', 'all', '{}', tstzrange('2020-01-01', NULL), '2020-01-01')"
            tx.execute(sa.text(lead), {"city": city})
    return str(named or "all")


if __name__ == "__main__":
    main()
