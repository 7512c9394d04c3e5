"""How fast points find their polygons: `grids.raster_index` against geopandas.sjoin, shapely's STRtree and PostGIS, in one run.

    .venv/bin/python tests/bench/locate.py [--points 2000000] [--postgis-points 200000] [--no-postgis]        (about five minutes)

A made-up seamless partition of a box the size of Shanghai with wiggly shared edges, denser in the middle; points half spread
evenly, half in the middle. Times are CPU time of one thread (`time.process_time`; that of PostGIS is wall time of a serial
plan, on a sample, scaled by the number of points), the least of several runs. Prints one JSON document. Every answer is
compared with that of sjoin (the lowest position of those that intersect).
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import psycopg
import shapely

from gis import cluster
from gis.threads import in_order
from grids import raster_index
from grids.locate import Index
from grids.measure import Floats, Geometries, Plane
from grids.raster_index import RasterIndex

BOX = (120.85, 30.67, 122.0, 31.88)
MIDDLE, SPREAD = (121.47, 31.23), (0.16, 0.14)
COUNTS = (2_000, 20_000)
LARGEST = 40_000
RUNS = 5


def partition(count: int) -> Geometries:
    """About ``count`` polygons: cells by Voronoi whose edges are bent into six pieces; a valid coverage of the box."""
    chance = np.random.default_rng(1)
    evenly = chance.uniform(BOX[:2], BOX[2:], (count // 2, 2))
    middle = chance.normal(MIDDLE, SPREAD, (2 * count, 2))
    middle = middle[((middle > BOX[:2]) & (middle < BOX[2:])).all(axis=1)][: count - count // 2]
    clip = shapely.box(*BOX)
    straight = shapely.voronoi_polygons(shapely.multipoints(np.concatenate([evenly, middle])), extend_to=clip, only_edges=True)
    at, line = shapely.get_coordinates(shapely.get_parts(straight), return_index=True)
    same = line[1:] == line[:-1]
    start, step = at[:-1][same], (at[1:] - at[:-1])[same]
    share = np.linspace(0, 1, 7)
    aside = chance.uniform(-0.1, 0.1, (len(start), 7)) * np.sin(np.pi * share)
    aside[:, [0, -1]] = 0
    normal = np.stack([-step[:, 1], step[:, 0]], axis=1)
    bent = start[:, None] + share[None, :, None] * step[:, None] + aside[..., None] * normal[:, None]
    net = shapely.intersection(shapely.union_all(shapely.linestrings(bent)), clip)
    polygons = shapely.get_parts(shapely.polygonize(shapely.get_parts(shapely.union_all([net, clip.exterior]))))
    assert shapely.coverage_is_valid(polygons)
    return polygons


def spread_points(count: int) -> Floats:
    """Points (n, 2) in random order, half spread over the box, half in its middle."""
    chance = np.random.default_rng(7)
    evenly = chance.uniform(BOX[:2], BOX[2:], (count // 2, 2))
    middle = chance.normal(MIDDLE, (0.12, 0.10), (count - count // 2, 2)).clip(np.add(BOX[:2], 0.01), np.subtract(BOX[2:], 0.01))
    return chance.permutation(np.concatenate([evenly, middle]))


def on_borders(polygons: Geometries, count: int) -> Floats:
    """Half vertices, half middles of edges (n, 2)."""
    chance = np.random.default_rng(8)
    at = shapely.get_coordinates(polygons)
    some = chance.integers(0, len(at) - 1, count)
    return np.where(np.arange(count)[:, None] % 2 == 0, at[some], (at[some] + at[some + 1]) / 2)


def hardest(polygons: Geometries, count: int) -> Floats:
    """Places on borders, points at the height of a vertex, points at the length of one, and all a step of floating point beside."""
    chance = np.random.default_rng(9)
    at = shapely.get_coordinates(polygons)
    quarter = count // 8
    high = np.stack([chance.uniform(BOX[0], BOX[2], quarter), chance.choice(at[:, 1], quarter)], axis=1)
    long = np.stack([chance.choice(at[:, 0], quarter), chance.uniform(BOX[1], BOX[3], quarter)], axis=1)
    places = np.concatenate([on_borders(polygons, count - 2 * quarter), high, long])
    beside = np.nextafter(places, np.where(chance.random(places.shape) < 0.5, -np.inf, np.inf))
    return np.where(chance.random(places.shape) < 0.5, places, beside)


def seconds_of(work: Callable[[], Any], *, runs: int = RUNS, clock: Callable[[], float] = time.process_time) -> tuple[float, Any]:
    """The least seconds of several runs, and what the last one gave."""
    least, given = np.inf, None
    for _ in range(runs):
        start = clock()
        given = work()
        least = min(least, clock() - start)
    return least, given


def lowest(point: Any, polygon: Any, points: int) -> Any:
    """Of each point's polygons the lowest position, -1 for none."""
    found = np.full(points, np.iinfo(np.int64).max)
    np.minimum.at(found, point, polygon)
    return np.where(found == np.iinfo(np.int64).max, -1, found)


def by_sjoin(points: gpd.GeoDataFrame, polygons: gpd.GeoDataFrame) -> tuple[float, Any]:
    """CPU seconds and answers of geopandas.sjoin; making the points is not counted."""
    spent, joined = seconds_of(lambda: gpd.sjoin(points, polygons, predicate="intersects", how="inner"), runs=2)
    return spent, lowest(joined.index.to_numpy(), joined["index_right"].to_numpy(), len(points))


def compared(index: RasterIndex, at: Floats, *, peers: bool = True) -> dict[str, Any]:
    """The index and its peers on the same points."""
    xs, ys = np.ascontiguousarray(at[:, 0]), np.ascontiguousarray(at[:, 1])
    ours, (block, how) = seconds_of(lambda: index.find(xs, ys))
    points = gpd.GeoDataFrame(geometry=shapely.points(at), crs="EPSG:4326")
    sjoin, said = by_sjoin(points, gpd.GeoDataFrame(geometry=index.polygons, crs="EPSG:4326"))
    row = {
        "points": len(at),
        "million_points_per_s": round(len(at) / ours / 1e6, 1),
        "ns_per_point": round(ours / len(at) * 1e9, 1),
        "sjoin_ns_per_point": round(sjoin / len(at) * 1e9),
        "times_sjoin": round(sjoin / ours, 1),
        "differing": int((block != said).sum()),
        "on_border": int((how == 2).sum()),
    }
    if peers:
        tree = shapely.STRtree(index.polygons)
        spent, (point, polygon) = seconds_of(lambda: tree.query(points.geometry.to_numpy(), predicate="intersects"), runs=2)
        row |= {"times_strtree": round(spent / ours, 1), "differing_strtree": int((block != lowest(point, polygon, len(at))).sum())}
    return row


def two_cores(index: RasterIndex, at: Floats) -> dict[str, Any]:
    """Wall seconds of five times the points on one thread and on two, alternating, the least of many: other work shows."""
    at = np.random.default_rng(10).permutation(np.tile(at, (5, 1)))
    xs, ys = np.ascontiguousarray(at[:, 0]), np.ascontiguousarray(at[:, 1])
    ends = np.linspace(0, len(xs), 17).astype(np.int64).tolist()
    pieces = [slice(*both) for both in pairwise(ends)]

    def on_threads(threads: int) -> None:
        for _ in in_order(pieces, lambda piece: index.find(xs[piece], ys[piece]), threads=threads):
            pass

    one, two = np.inf, np.inf
    for _ in range(12):
        one = min(one, seconds_of(lambda: on_threads(1), runs=1, clock=time.perf_counter)[0])
        two = min(two, seconds_of(lambda: on_threads(2), runs=1, clock=time.perf_counter)[0])
    return {"one_thread_s": round(one, 4), "two_threads_s": round(two, 4), "times": round(one / two, 2)}


def singles(index: RasterIndex, at: Floats) -> dict[str, float]:
    """Microseconds of one look-up among 20,000 different points."""
    took = []
    for x, y in at[:20_000].tolist():
        start = time.perf_counter_ns()
        index.find_one(x, y)
        took.append(time.perf_counter_ns() - start)
    return {"median_us": round(float(np.median(took)) / 1e3, 2), "p99_us": round(float(np.percentile(took, 99)) / 1e3, 2)}


def kept(polygons: Geometries) -> dict[str, float]:
    """Seconds to save and to load an index with its polygons, mapped, and its size."""
    index = Index(polygons, polygons[:0], Plane("EPSG:32651"), 10)
    index.prepare()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "index.npy"
        save, _ = seconds_of(lambda: np.save(file, index.packed()), runs=1, clock=time.perf_counter)
        load, again = seconds_of(lambda: Index.unpacked(np.load(file, mmap_mode="r")), runs=3, clock=time.perf_counter)
        assert repr(again.locate_one(*MIDDLE)) == repr(index.locate_one(*MIDDLE))  # the distance to no segment is NaN
        return {"save_s": round(save, 3), "load_s": round(load, 3), "mb": round(file.stat().st_size / 1e6, 1)}


def whole_answers(polygons: Geometries, at: Floats) -> dict[str, Any]:
    """Cell, block, nearest segment, side and distance together: the segments are the polygons' borders, cut at their corners."""
    borders = shapely.get_parts(shapely.line_merge(shapely.union_all(shapely.boundary(polygons))))
    index = Index(polygons, borders, Plane("EPSG:32651"), 10)
    build_s, _ = seconds_of(index.prepare, runs=1)
    xs, ys = np.ascontiguousarray(at[:, 0]), np.ascontiguousarray(at[:, 1])
    pieces = [slice(first, first + 100_000) for first in range(0, len(at), 100_000)]

    def on_threads(threads: int) -> None:
        for _ in in_order(pieces, lambda piece: index.locate(xs[piece], ys[piece]), threads=threads):
            pass

    on_threads(2)
    one, two = (min(seconds_of(lambda n=n: on_threads(n), runs=1, clock=time.perf_counter)[0] for _ in range(4)) for n in (1, 2))
    took_ns = []
    for x, y in at[:20_000].tolist():
        start = time.perf_counter_ns()
        index.locate_one(x, y)
        took_ns.append(time.perf_counter_ns() - start)
    return {
        "segments": len(borders),
        "build_cpu_s": round(build_s, 2),
        "us_per_point_wall": round(one / len(at) * 1e6, 2),
        "two_threads_times": round(one / two, 2),
        "one_median_us": round(float(np.median(took_ns)) / 1e3, 2),
        "one_p99_us": round(float(np.percentile(took_ns, 99)) / 1e3, 2),
    }


def by_postgis(polygons: Geometries, at: Floats, block: Any) -> dict[str, Any]:
    """Wall seconds of a serial join on a GiST index in a private cluster of its own, and the answers compared."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # the server runs under an account of its own when this one is root's
        made = cluster.ensure(Path(folder), durable=False)
        try:
            url = made.url(cluster.DATABASE).replace("postgresql+psycopg", "postgresql")
            with psycopg.connect(url) as tx:
                tx.execute("SET max_parallel_workers_per_gather = 0; SET jit = off")
                for table, shapes in (("polygons", polygons), ("points", shapely.points(at))):
                    tx.execute(f"CREATE TEMP TABLE {table} (id int, geom geometry)")
                    with tx.cursor().copy(f"COPY {table} FROM STDIN") as rows:
                        for number, wkb in enumerate(np.asarray(shapely.to_wkb(shapes, hex=True)).tolist()):
                            rows.write_row((number, wkb))
                    tx.execute(f"CREATE INDEX ON {table} USING gist (geom)") if table == "polygons" else None
                    tx.execute(f"ANALYZE {table}")
                statement = "SELECT p.id, min(u.id) FROM points p JOIN polygons u ON ST_Intersects(u.geom, p.geom) GROUP BY p.id"
                spent, found = seconds_of(lambda: tx.execute(statement).fetchall(), runs=2, clock=time.perf_counter)
        finally:
            made.stop()
    point, polygon = np.array(found, dtype=np.int64).T
    answers = lowest(point, polygon, len(at))
    return {"points": len(at), "us_per_point_wall": round(spent / len(at) * 1e6, 2), "differing": int((answers != block).sum())}


def largest() -> dict[str, Any]:
    """Building for the largest number of units, in this process alone: CPU seconds, and its peak memory with polygons and points."""
    polygons = partition(LARGEST)
    at = spread_points(2_000_000)
    raster_index.build(polygons[:50]).find(at[:5000, 0], at[:5000, 1])
    spent, index = seconds_of(lambda: raster_index.build(polygons), runs=1)
    wall, _ = seconds_of(lambda: index.find(at[:, 0], at[:, 1]), runs=1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "polygons": len(polygons),
        "build_cpu_s": round(spent, 1),
        "find_2m_cpu_s": round(wall, 3),
        "peak_mb": round(peak / 1024),
    }


def measured(count: int, at: Floats, postgis: int) -> dict[str, Any]:
    """Everything on one number of polygons."""
    polygons = partition(count)
    build, index = seconds_of(lambda: raster_index.build(polygons), runs=1)
    index.find(at[:5000, 0], at[:5000, 1])  # loads the compiled look-up
    hard = at.copy()
    hard[:: len(at) // (len(at) // 50)] = on_borders(polygons, len(hard[:: len(at) // (len(at) // 50)]))
    cell = np.floor((at - BOX[:2]) * 500).astype(np.int64)
    row: dict[str, Any] = {
        "polygons": len(polygons),
        "vertices_each": round(float(shapely.get_num_coordinates(polygons).mean()), 1),
        "build_cpu_s": round(build, 2),
        "random": compared(index, at),
        "sorted": compared(index, at[np.lexsort((cell[:, 0], cell[:, 1]))]),
        "two_percent_on_borders": compared(index, hard),
        "adversarial": compared(index, hardest(polygons, 400_000), peers=False),
        "two_cores": two_cores(index, at),
        "single": singles(index, at),
        "whole_answers": whole_answers(polygons, at[:1_000_000]),
        "kept": kept(polygons),
    }
    if postgis:
        some = np.concatenate([at[: postgis - postgis // 50], on_borders(polygons, postgis // 50)])
        row["postgis"] = by_postgis(polygons, some, index.find(some[:, 0], some[:, 1])[0])
        row["postgis"]["times"] = round(row["postgis"]["us_per_point_wall"] * 1e3 / row["two_percent_on_borders"]["ns_per_point"])
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=2_000_000)
    parser.add_argument("--postgis-points", type=int, default=200_000)
    parser.add_argument("--no-postgis", action="store_true")
    parser.add_argument("--largest", action="store_true", help="only build for the largest number of units")
    asked = parser.parse_args()
    if asked.largest:
        sys.stdout.write(json.dumps(largest()))
        return
    at = spread_points(asked.points)
    rows = [measured(count, at, 0 if asked.no_postgis else asked.postgis_points) for count in COUNTS]
    few, many = (row["random"]["ns_per_point"] for row in rows)
    alone = subprocess.run([sys.executable, __file__, "--largest"], capture_output=True, text=True, check=True)
    said = {"python": platform.python_version(), "by_count": rows, "growth": round(many / few, 2), "largest": json.loads(alone.stdout)}
    sys.stdout.write(json.dumps(said, indent=2) + "\n")


if __name__ == "__main__":
    main()
