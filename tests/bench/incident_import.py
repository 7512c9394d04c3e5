"""How long a million incidents take to be read, located, and imported and assigned, and how much memory the importing process needs.

    .venv/bin/python tests/bench/incident_import.py [ROWS]        (after `./wangge test`, which makes the environment; about three minutes)

The pack nyc is loaded, divided and adopted by the real command in a data folder of its own. Its incidents are then multiplied
by a seeded generator: scattered around, eight in a hundred put on one default point. The import is measured as a whole, ended
by its commit; reading and locating are measured alone before it (in the import they run beside the database's work). Memory is the
highest resident size of the importing process, PostgreSQL apart; the seconds of processor time that program and database need tell
what the machine would do without other work. Prints one JSON document.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import sqlalchemy as sa

from gis import db
from gis.actions.import_incidents import import_incidents
from gis.city_pack import read_city_toml
from gis.pack_incidents import read_incidents
from gis.progress import silent
from gis.settings import Settings
from gis.store import editions

ROOT = Path(__file__).parents[2]
PACK = ROOT / "gis" / "packs" / "nyc"
HISTORY = "demo_2026"
SEED = 20261124
DEFAULT_POINT = (-73.98765, 40.74321)
DEFAULT_SHARE = 0.08
NOW = datetime.now(UTC) + timedelta(hours=1)  # after the adoption


def write_history(path: Path, rows: int) -> None:
    """As many incidents as asked for, like those of the pack: the same bytes from the same seed."""
    known = pd.read_parquet(PACK / "incidents.parquet")
    chance = np.random.default_rng(SEED)
    like = known.iloc[chance.integers(0, len(known), rows)].reset_index(drop=True)
    lost = chance.random(rows) < DEFAULT_SHARE
    like["id"] = [f"BENCH-{n:08d}" for n in range(rows)]
    like["lon"] = np.where(lost, DEFAULT_POINT[0], like["lon"] + chance.normal(0, 0.002, rows))
    like["lat"] = np.where(lost, DEFAULT_POINT[1], like["lat"] + chance.normal(0, 0.0015, rows))
    like.to_parquet(path, index=False)


def prepare(data_dir: Path) -> None:
    """Load, divide and adopt the pack."""
    for command in (["city", "load", str(PACK)], ["grids", "build", "--city", "nyc"], ["grids", "adopt", "--city", "nyc"]):
        environment = os.environ | {"WANGGE_DATA_DIR": str(data_dir)}
        done = subprocess.run([str(ROOT / "wangge"), *command], env=environment, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 6):
            raise SystemExit(f"wangge {' '.join(command)} failed:\n{done.stderr}")


def alone(data_dir: Path, path: Path) -> dict[str, Any]:
    """Seconds to read the file, and to locate what it holds, without the database's work."""
    pack, began = read_city_toml(PACK), time.monotonic()
    frames = [frame[["lon", "lat"]] for frame, _ in read_incidents(PACK, pack.incidents[0], pack, file=path)]
    read_s, engine = time.monotonic() - began, db.engine(db.database_url(Settings(data_dir=data_dir)))
    with db.transaction(engine) as tx:
        began = time.monotonic()
        index = editions.index(tx, editions.find(tx, "nyc").id)
        index.locate(np.zeros(1), np.zeros(1))
        index_s, began = time.monotonic() - began, time.monotonic()
    for frame in frames:
        index.locate(frame["lon"].to_numpy(), frame["lat"].to_numpy())
    engine.dispose()
    return {"read_s": round(read_s, 1), "index_s": round(index_s, 1), "locate_s": round(time.monotonic() - began, 1)}


def whole(data_dir: Path, path: Path) -> dict[str, Any]:
    """Seconds to import and assign the file, from its opening to the commit, and what came of it."""
    engine, began, marks = db.engine(db.database_url(Settings(data_dir=data_dir))), time.monotonic(), dict[str, float]()

    def mark(step: str, done: int = 0, total: int | None = None) -> None:
        silent(step, done, total)
        marks[step] = time.monotonic() - began

    with db.transaction(engine) as tx:
        server = psutil.Process(tx.execute(sa.text("SELECT pg_backend_pid()")).scalar_one())
        done = import_incidents(
            tx, "nyc", HISTORY, file=path, rejected_folder=data_dir / "rejected", index_folder=data_dir / "indexes", now=NOW, progress=mark
        )
        server_cpu = server.cpu_times()
    seconds = time.monotonic() - began
    engine.dispose()
    own = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "rows": done.read,
        "added": done.added,
        "default_geocodes": done.default_geocodes,
        "default_points": len(done.default_points),
        "import_s": round(seconds, 1),
        "of_it_default_geocodes_and_commit_s": round(seconds - marks["looking for default geocodes"], 1),
        "rows_per_s": round(done.read / seconds),
        "cpu_of_the_program_s": round(own.ru_utime + own.ru_stime, 1),
        "cpu_of_the_database_s": round(server_cpu.user + server_cpu.system, 1),
        "peak_mb": round(own.ru_maxrss * 1024 / 1e6),
    }


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        data_dir, path = Path(folder), Path(folder) / "history.parquet"
        data_dir.chmod(0o755)
        write_history(path, rows)
        try:
            prepare(data_dir)
            # A process for each, so that the memory of one is not that of the other.
            with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
                measured = pool.apply(alone, (data_dir, path)) | pool.apply(whole, (data_dir, path))
        finally:
            subprocess.run(
                [str(ROOT / "wangge"), "stop"], env=os.environ | {"WANGGE_DATA_DIR": str(data_dir)}, check=True, capture_output=True
            )
    sys.stdout.write(json.dumps(measured | {"cores": os.cpu_count()}, indent=2) + "\n")


if __name__ == "__main__":
    main()
