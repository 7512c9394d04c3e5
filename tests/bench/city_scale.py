"""How long the demo packs take from nothing, step by step, with the memory each step holds; and the cells of the largest alone.

    .venv/bin/python tests/bench/city_scale.py [PACK ...]        (after `./wangge test`; all four packs: about ten minutes)

Every pack is prepared by the real command on an empty data folder of its own. Of shanghai the cells are then measured alone:
covered by overlap, each cell's share in every block, on all cores, and written into PostGIS with its indexes and checks, in a
transaction that is rolled back. Prints one JSON document.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from gis import db, kept_parts, tables
from gis.settings import Settings
from gis.store import editions
from grids import cells
from grids.dividing import cell_units
from grids.measure import Plane
from grids.parts import Drawn

ROOT = Path(__file__).parents[2]
PACKS = ("soho", "helsinki", "nyc", "shanghai")


def demo(pack: str, data_dir: Path) -> dict[str, Any]:
    """The report of one demo on an empty data folder."""
    command = [str(ROOT / "wangge"), "demo", pack, "--no-serve", "--json"]
    finished = subprocess.run(command, env=os.environ | {"WANGGE_DATA_DIR": str(data_dir)}, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise SystemExit(f"the demo of {pack} failed:\n{finished.stderr}")
    said: dict[str, Any] = json.loads(finished.stdout)
    found, counts = said["incidents"], said["city"]["quality"]["counts"]
    return {
        "counts": counts | {"owners": said["city"]["owners"]},
        "incidents": {"assigned": found["assigned"], "not_assigned": found["total"] - found["assigned"]},
        "seconds": said["seconds"],
        "all_s": round(sum(said["seconds"].values()), 1),
        "peak_mb": said["peak_memory_mb"],
        "gap_m2": said["city"]["quality"]["gap_m2"],
        "overlap_m2": said["city"]["quality"]["overlap_m2"],
    }


def shares_of(path: Path, crs: str, resolution: int) -> Drawn:
    """The kept part with its cells found and shared out again, without the polygons that nobody asks for afterwards."""
    drawn = kept_parts.read_drawn(path)
    if drawn is None:
        raise SystemExit(f"{path} cannot be read")
    covering = cells.covering(drawn.united_polygons, resolution)
    plane = Plane(crs)
    at, block, share = cells.shares(covering, plane.to_metres(drawn.polygons), plane, areas=plane.to_metres(drawn.united_polygons))
    nothing = drawn.polygons[:0]
    edges = replace(drawn.edges, lines=nothing)
    return replace(drawn, polygons=nothing, united_polygons=nothing, edges=edges, shared_cell=covering[at], shared_block=block, share=share)


def cells_alone(data_dir: Path) -> dict[str, Any]:
    """Seconds for the cells of the shanghai pack, whose parts the demo before has kept."""
    settings = Settings(data_dir=data_dir)
    engine = db.engine(db.database_url(settings), pool_size=1)
    folder = data_dir / "parts" / "shanghai"
    paths = [path for path in sorted(folder.glob("*.npz")) if not path.stem.endswith("-cuts")]
    with engine.connect() as tx:
        edition = tx.execute(
            sa.text("SELECT id, metric_crs, cell_resolution FROM edition WHERE city = 'shanghai' AND status = 'adopted'")
        ).one()
        copy = _with_blocks_alone(tx, edition.id)
        began = time.monotonic()
        with ProcessPoolExecutor(settings.processes, mp_context=multiprocessing.get_context("forkserver")) as pool:
            same = repeat(edition.metric_crs), repeat(edition.cell_resolution)
            shared = list(pool.map(shares_of, paths, *same, chunksize=4))
        order = np.argsort(np.concatenate([part.codes for part in shared]), kind="stable")
        number = np.empty(len(order), dtype=np.int64)
        number[order] = np.arange(len(order))
        units = cell_units(shared, number, edition.cell_resolution)
        found_s = time.monotonic() - began
        editions.add_cells(tx, copy, units)
        all_s = time.monotonic() - began
        tx.rollback()
    engine.dispose()
    return {
        "cells": int((units.resolution == edition.cell_resolution).sum()),
        "shares": len(units.share),
        "found_s": round(found_s, 1),
        "written_s": round(all_s - found_s, 1),
        "all_s": round(all_s, 1),
    }


def _with_blocks_alone(tx: db.Tx, edition_id: int) -> int:
    """A draft with the areas, duty grids and blocks of an edition, and no cells yet."""
    made = tx.execute(
        sa.text(
            "INSERT INTO edition (city, number, status, pack_digest, metric_crs, cell_resolution, levels, quality, drawn_at)"
            " SELECT city, number + 1, 'draft', pack_digest, metric_crs, cell_resolution, levels, quality, drawn_at"
            " FROM edition WHERE id = :id RETURNING id"
        ),
        {"id": edition_id},
    ).scalar_one()
    for table in (tables.area, tables.duty_grid, tables.block):
        kept = [column for column in table.columns if column.name != "edition_id"]
        rows = sa.select(sa.literal(made), *kept).where(table.c.edition_id == edition_id)
        tx.execute(sa.insert(table).from_select(["edition_id", *(column.name for column in kept)], rows))
    return int(made)


def main(packs: list[str]) -> None:
    measured: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        for pack in packs or PACKS:
            data_dir = Path(folder) / pack
            measured[pack] = demo(pack, data_dir)
            if pack == "shanghai":
                measured[pack]["cells_alone"] = cells_alone(data_dir)
            subprocess.run([str(ROOT / "wangge"), "stop"], env=os.environ | {"WANGGE_DATA_DIR": str(data_dir)}, check=True)
    measured["cores"] = os.cpu_count()
    sys.stdout.write(json.dumps(measured, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
