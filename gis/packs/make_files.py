"""What the makers of the demo packs have in common: where a package keeps its data, areas grown from face to face, files written.

The same values give the same bytes.
"""

from __future__ import annotations

import csv
import heapq
import json
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.random import default_rng

DECIMALS = 7


def data_of(package: str, inside: str) -> Path:
    """The path ``inside`` an installed package."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{package.replace('_', '-')} is not installed: install the extra 'packs', or give the path of its {inside}.")
    return Path(spec.origin).parent / inside


def grown(faces: Any, seeds: Any, first: Iterable[tuple[int, int]]) -> Any:
    """For each face (f,) the number of the seed that reaches it first, walking from face to face over shared borders; -1: none.

    ``first`` are pairs of a seed and the face it starts at; of those waiting, the face whose middle is nearest to its seed is next.
    """
    tree = shapely.STRtree(faces)
    near: dict[int, list[int]] = {at: [] for at in range(len(faces))}
    for one, other in tree.query(faces, predicate="touches").T.tolist():
        if shapely.intersection(faces[one], faces[other]).length > 0.0:
            near[one].append(other)
    middles = shapely.centroid(faces)
    queue = [(0.0, seed, face) for seed, face in first]
    heapq.heapify(queue)
    owner = np.full(len(faces), -1)
    while queue:
        _, seed, face = heapq.heappop(queue)
        if owner[face] >= 0:
            continue
        owner[face] = seed
        for other in near[face]:
            if owner[other] < 0:
                heapq.heappush(queue, (float(seeds[seed].distance(middles[other])), seed, other))
    return owner


def one_piece(shapes: Any, *, code: str) -> Any:
    """The union of the faces of the area ``code``, which must be one polygon without holes."""
    united: Any = shapely.normalize(shapely.coverage_union_all(shapes))
    if united.geom_type != "Polygon" or united.interiors:
        raise SystemExit(f"{code} is not one piece without holes")
    return united


def category_chances(registry: Path, *, seed: int) -> tuple[list[str], Any]:
    """Every category of the registry, a few of them common and most of them rare, as in any city's counter."""
    with registry.open(encoding="utf-8", newline="") as file:
        keys = [f"{row['kind']}:{row['code']}" for row in csv.DictReader(file)]
    weights = default_rng(seed).pareto(1.2, len(keys)) + 0.05
    return keys, weights / weights.sum()


def rounded(shapes: Any) -> Any:
    """Shapes on a grid of about a centimetre; a vertex that two shapes share stays shared."""
    return shapely.transform(shapes, lambda xy: np.round(xy, DECIMALS))


def write_geojson(path: Path, rows: Iterable[tuple[dict[str, Any], Any]]) -> None:
    """Write records with their shapes, one feature a line."""
    features = [
        json.dumps({"type": "Feature", "properties": record, "geometry": shapely.geometry.mapping(shape)}, ensure_ascii=False)
        for record, shape in rows
    ]
    path.write_text('{"type": "FeatureCollection", "features": [\n' + ",\n".join(features) + "\n]}\n", "utf-8")


def write_csv(path: Path, header: list[str], rows: Iterable[Iterable[str]]) -> None:
    """Write rows below their header, with line feeds on every system."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
