"""Drawn parts as files: one for each part, named by the digest of all that it depends on, and complete or not there.

A file that cannot be read is as good as none: the part is drawn again.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from itertools import pairwise
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.code_digest import code_digest
from gis.errors import CityBusy
from gis.whole_files import written_whole
from grids.measure import Geometries
from grids.parts import Drawn, Part
from grids.segments import StreetEdges

_LOCK = ".lock"
_GEOMETRIES = ("polygons", "united_polygons", "lines")
_Arrays = dict[str, NDArray[Any]]


def digest(part: Part) -> str:
    """The name of a part by all that its drawing depends on but the cuts of its neighbours; where it stands in the city is left out."""
    found = hashlib.sha256(code_digest(__file__))
    found.update(repr((part.crs, part.cell_resolution, asdict(part.rules), part.area_codes.tolist())).encode())
    for field in fields(part.ground):
        value = getattr(part.ground, field.name)
        found.update(f"{field.name}:{-1 if value is None else len(value)}".encode())
        if value is not None:
            found.update(value.tobytes() if value.dtype == np.bool_ else b"".join(_wkb(value)))
    return found.hexdigest()[:40]


def digest_with_cuts(part_digest: str, cuts: Geometries) -> str:
    """The name of a part as it is drawn with all cuts that concern it."""
    return hashlib.sha256(b"".join([part_digest.encode(), *_wkb(cuts)])).hexdigest()[:40]


def write_cuts(path: Path, cuts: Geometries) -> None:
    """Keep the cuts of a part."""
    _write(path, _packed("cuts", cuts))


def read_cuts(path: Path) -> Geometries | None:
    """The cuts kept at ``path``; None when there are none that can be read."""
    kept = _read(path)
    return None if kept is None else _unpacked("cuts", kept)


def write_drawn(path: Path, drawn: Drawn) -> None:
    """Keep a drawn part, not placed yet."""
    arrays: _Arrays = {}
    for holder in (drawn, drawn.edges):
        for field in fields(holder):
            value = getattr(holder, field.name)
            if field.name in _GEOMETRIES:
                arrays |= _packed(field.name, value)
            elif field.name == "codes":
                arrays["codes"] = value.astype(str)
            elif field.name != "edges":
                arrays[field.name] = value
    _write(path, arrays)


def read_drawn(path: Path) -> Drawn | None:
    """The part kept at ``path``, not placed yet; None when there is none that can be read."""
    kept = _read(path)
    if kept is None:
        return None

    def value(name: str) -> Any:
        return _unpacked(name, kept) if name in _GEOMETRIES else kept[name].astype(object) if name == "codes" else kept[name]

    edges = StreetEdges(*(value(field.name) for field in fields(StreetEdges)))
    values: dict[str, Any] = {field.name: edges if field.name == "edges" else value(field.name) for field in fields(Drawn)}
    return Drawn(**values)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder of parts: two builds, of two databases even, would remove each other's files. Raises ``CityBusy``."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CityBusy("the plan", folder.name) from error
        yield


def forget_others(folder: Path, names: Iterable[str]) -> None:
    """Remove what earlier builds kept and ``names`` does not hold."""
    needed = {*names, _LOCK}
    for path in folder.iterdir():
        if path.name not in needed:
            path.unlink(missing_ok=True)


def _wkb(geometries: Geometries) -> list[bytes]:
    return [one or b"" for one in shapely.to_wkb(geometries).tolist()]


def _packed(name: str, geometries: Geometries) -> _Arrays:
    parts = _wkb(geometries)
    return {name: np.frombuffer(b"".join(parts), dtype=np.uint8), f"{name}_length": np.array([len(part) for part in parts], dtype=np.int64)}


def _unpacked(name: str, kept: _Arrays) -> Geometries:
    data, bounds = kept[name].tobytes(), np.concatenate([[0], np.cumsum(kept[f"{name}_length"])]).tolist()
    parts = np.empty(len(bounds) - 1, dtype=object)
    parts[:] = [data[start:end] for start, end in pairwise(bounds)]
    return np.asarray(shapely.from_wkb(parts), dtype=object)


def _write(path: Path, arrays: _Arrays) -> None:
    with written_whole(path) as file:
        np.savez(file, allow_pickle=False, **arrays)


def _read(path: Path) -> _Arrays | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            return {name: kept[name] for name in kept.files}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
