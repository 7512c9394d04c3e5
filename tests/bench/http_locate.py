"""How fast one question is answered: in the process, and over HTTP by a running server under a steady load.

    .venv/bin/python tests/bench/http_locate.py [PACK] [--rate 500] [--clients 8] [--seconds 20]        (about a minute)

The pack (helsinki when not named) is prepared by the real command in a data folder of its own and served by `wangge serve`. Each
client keeps one connection and asks at its own fixed instants, whether or not the answer before has come in time: a late answer
delays those after it, and counts as late as it is. Random points in the city's bounds. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from gis import db
from gis.kept_indexes import folder_of
from gis.locating import Indexes
from gis.settings import Settings

ROOT = Path(__file__).parents[2]
QUESTIONS = 100_000


def in_process(data_dir: Path) -> dict[str, Any]:
    """Microseconds of one look-up of cell, block and segment, in a process that holds the prepared index."""
    engine = db.engine(db.database_url(Settings(data_dir=data_dir)), pool_size=1)
    with db.transaction(engine) as tx:
        indexes = Indexes(folder_of(data_dir))
        indexes.refresh(tx)
        indexes.prepare(tx)
        (plan,) = indexes.in_force(tx, datetime.now(UTC))
    engine.dispose()
    west, south, east, north = bounds_of(plan.index.blocks)
    chance = np.random.default_rng(5)
    points = np.stack([chance.uniform(west, east, QUESTIONS), chance.uniform(south, north, QUESTIONS)], axis=1).tolist()
    took_ns = np.empty(QUESTIONS)
    for at, (lon, lat) in enumerate(points):
        began = time.perf_counter_ns()
        plan.index.locate_one(lon, lat)
        took_ns[at] = time.perf_counter_ns() - began
    return {"questions": QUESTIONS, **{name: round(float(np.percentile(took_ns, share)) / 1e3, 1) for name, share in SHARES.items()}}


SHARES = {"p50": 50, "p99": 99, "p99_9": 99.9}


def bounds_of(polygons: Any) -> tuple[float, float, float, float]:
    """West, south, east and north of polygons."""
    import shapely

    west, south, east, north = shapely.total_bounds(polygons).tolist()
    return west, south, east, north


def over_http(port: int, box: tuple[float, float, float, float], *, rate: float, clients: int, seconds: float) -> dict[str, Any]:
    """Milliseconds from the instant a question was due to the last byte of its answer."""
    took_s: list[list[float]] = [[] for _ in range(clients)]
    # The clients share one interpreter: without this their own turns and collections would be counted as the server's.
    gc.disable()
    sys.setswitchinterval(0.0002)
    starts = time.perf_counter() + 0.5
    threads = [
        threading.Thread(
            target=_ask,
            args=(port, box, number, took),
            kwargs={"starts": starts + number / rate, "every_s": clients / rate, "seconds": seconds},
        )
        for number, took in enumerate(took_s)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    all_ms = np.concatenate([np.array(took) for took in took_s]) * 1e3
    return {
        "clients": clients,
        "asked_a_second": rate,
        "answered_a_second": round(len(all_ms) / seconds, 1),
        "answers": len(all_ms),
        **{f"{name}_ms": round(float(np.percentile(all_ms, share)), 2) for name, share in SHARES.items()},
    }


def _ask(
    port: int, box: tuple[float, float, float, float], number: int, took: list[float], *, starts: float, every_s: float, seconds: float
) -> None:
    chance = np.random.default_rng(number)
    west, south, east, north = box
    points = np.stack([chance.uniform(west, east, 4096), chance.uniform(south, north, 4096)], axis=1).tolist()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = connection.makefile("rb")
        for at in range(int(seconds / every_s)):
            due = starts + at * every_s
            time.sleep(max(0.0, due - time.perf_counter()))
            lon, lat = points[at % len(points)]
            connection.sendall(f"GET /api/v1/locate?lon={lon}&lat={lat}&datum=wgs84 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            status, length = reader.readline(), 0
            while (line := reader.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            reader.read(length)
            if b" 200 " not in status:
                raise SystemExit(f"the server said {status!r}")
            took.append(time.perf_counter() - due)


def main() -> None:
    """Prepare, serve, ask, tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pack", nargs="?", default="helsinki")
    parser.add_argument("--rate", type=float, default=500.0)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wangge-bench-") as folder:
        data_dir = Path(folder)
        data_dir.chmod(0o755)
        own = os.environ | {"WANGGE_DATA_DIR": folder}
        subprocess.run([str(ROOT / "wangge"), "demo", asked.pack, "--no-serve", "--json"], env=own, stdout=subprocess.DEVNULL, check=True)
        found: dict[str, Any] = {"pack": asked.pack, "in_process_us": in_process(data_dir)}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = subprocess.Popen(
            [str(ROOT / "wangge"), "serve", "--port", str(port)], env=own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            until = time.monotonic() + 60
            while True:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/cities", timeout=5) as reply:
                        (city,) = json.load(reply)
                    break
                except OSError:
                    if time.monotonic() > until:
                        raise
                    time.sleep(0.2)
            time.sleep(3)  # the index is prepared in the background: it and the first questions are not what is measured
            box = tuple(city["bounds"])
            over_http(port, box, rate=100, clients=asked.clients, seconds=15)
            found["over_http"] = over_http(port, box, rate=asked.rate, clients=asked.clients, seconds=asked.seconds)
        finally:
            server.terminate()
            server.wait()
            subprocess.run([str(ROOT / "wangge"), "stop"], env=own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
