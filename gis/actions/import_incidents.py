"""Import an incident history: every row is taken in with its place, grid and owner, or written down with its reason."""

from __future__ import annotations

import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha1
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from gis import assigning
from gis.city_pack import CityPack, IncidentHistory
from gis.db import Tx, lock
from gis.errors import NotFound
from gis.exchange import to_wgs84
from gis.locating import Indexes
from gis.pack_incidents import read_incidents, rows_expected
from gis.progress import Progress
from gis.rejections import ENDING, Rejections
from gis.store import cities, editions, incidents
from gis.store.geometry import points_wkb
from grids.default_geocodes import LISTED_REACH_M, crowded_from, is_default, nearby
from grids.locate import How
from grids.measure import Floats

_INCIDENTS = uuid.UUID("6f0d5a52-4c9b-5c0c-9a49-5a1f6f1a3c1e")
"""Namespace of the ids that imported incidents get, so that the same row of a history has the same id everywhere."""


@dataclass
class Imported:
    """What became of a history's rows: read = added + already there + rejected."""

    history: str
    read: int = 0
    added: int = 0
    rejected: int = 0
    rejected_file: Path | None = None
    default_points: dict[incidents.Point, int] = field(default_factory=dict)
    """The history's default points with the incidents on each, those of earlier imports included."""

    @property
    def default_geocodes(self) -> int:
        """Incidents of the history that lie on a default point."""
        return sum(self.default_points.values())

    @property
    def already_there(self) -> int:
        """Rows that an earlier import took in."""
        return self.read - self.added - self.rejected


def import_incidents(
    tx: Tx, city: str, history_key: str, *, file: Path | None, rejected_folder: Path, index_folder: Path, now: datetime, progress: Progress
) -> Imported:
    """Take in a history of the city's pack, from ``file`` instead of the pack's own when given.

    Each incident is assigned in the adopted edition: cell, block, nearest segment and side, duty grid, and who answers
    at ``now``. Running it again adds nothing. For many rows the edition's index is kept in ``index_folder``. Rejected rows go with
    their reasons to a CSV in ``rejected_folder``.
    Raises ``NotFound`` for an unknown city or history, ``Conflict`` before the first adopted edition, ``BadPack`` when
    the file as a whole cannot be read.
    """
    lock(tx, "the incidents", city)
    row = cities.find(tx, city)
    pack = CityPack.model_validate(row.pack)
    history = _history(pack, history_key)
    done = Imported(history_key)
    total = rows_expected(Path(row.pack_folder), history, file=file)
    assigner = _Assigner(assigning.assigner(tx, Indexes(index_folder), city=city, at=now, points=total))
    progress("importing incidents", 0, total)
    path = rejected_folder / f"{city}-{history_key}{f'-{file.stem}' if file else ''}{ENDING}"
    # The database takes in one chunk while the next is read and located; the transaction is used by one thread at a time.
    with Rejections(path, history) as rejections, ThreadPoolExecutor(1, "incidents") as pool:
        added: Future[int] | None = None
        for frame, findings in read_incidents(Path(row.pack_folder), history, pack, file=file):
            done.read += len(frame) + len(findings)
            done.rejected += len(findings)
            rejections.write(findings)
            rows = assigner.rows(frame, city=city, history=history)
            done.added += added.result() if added else 0
            added = pool.submit(
                incidents.add, tx, rows, city=city, history=history.key, origin=history.source.origin, edition_id=assigner.edition_id
            )
            progress("importing incidents", done.read, total)
        done.added += added.result() if added else 0
    done.rejected_file = rejections.file
    if done.added:
        incidents.analyse(tx)
    progress("looking for default geocodes")
    _flag_default_geocodes(tx, city, history, assigner)
    done.default_points = incidents.default_points(tx, city, history.key)
    return done


def _flag_default_geocodes(tx: Tx, city: str, history: IncidentHistory, assigner: _Assigner) -> None:
    """Bring the flags of a whole history up to what its rows and its pack say now, those of earlier imports included."""
    wanted: set[incidents.Point] = set()
    if history.default_points:
        listed = np.array(history.default_points, dtype=np.float64)
        for lon, lat in zip(*to_wgs84(listed[:, 0], listed[:, 1], datum=str(history.source.datum)), strict=True):
            wanted.update(incidents.points_near(tx, city, history.key, nearby(float(lon), float(lat), reach_m=LISTED_REACH_M)))
    if history.find_default_points:
        whole = incidents.whole(tx, city, history.key)
        least = crowded_from(whole.placed)
        for point in incidents.crowded_points(tx, city, history.key, least=least):
            if is_default(incidents.crowd(tx, city, history.key, point, nearby=nearby(*point), least=least), whole):
                wanted.add(point)
    freed = sorted(set(incidents.default_points(tx, city, history.key)) - wanted)
    if freed:
        lons, lats = np.array(freed, dtype=np.float64).T
        places = pa.table(assigner.answers(lons, lats)).to_pylist()
        incidents.release_points(tx, city, history.key, dict(zip(freed, places, strict=True)), edition_id=assigner.edition_id)
    incidents.flag_default_points(tx, city, history.key, sorted(wanted), edition_id=assigner.edition_id)


def _history(pack: CityPack, key: str) -> IncidentHistory:
    found = [history for history in pack.incidents if history.key == key]
    if not found:
        raise NotFound("incident history", key)
    return found[0]


@dataclass(frozen=True)
class _Assigner:
    """Turns rows of a history into rows of the record, each with its place in one edition and who answers there."""

    asked: assigning.Assigner

    @property
    def edition_id(self) -> int:
        """The edition in which rows are assigned."""
        return self.asked.labels.edition_id

    def rows(self, frame: pd.DataFrame, *, city: str, history: IncidentHistory) -> pa.Table:
        """The columns that ``incidents.add`` takes, for a chunk of ``read_incidents``."""
        lons, lats = frame["lon"].to_numpy(np.float64), frame["lat"].to_numpy(np.float64)
        ids = pa.array(frame["source_id"])
        categories = pa.array(frame["category"]).dictionary_encode()
        kinds, codes = ([key.partition(":")[part] for key in categories.dictionary.to_pylist()] for part in (0, 2))
        told = {
            "id": _uuids(f"{city}/{history.key}/", ids.to_numpy(zero_copy_only=False).tolist()),
            "source_id": ids,
            "category_kind": pa.array(kinds, type=pa.string()).take(categories.indices),
            "category_code": pa.array(codes, type=pa.string()).take(categories.indices),
            "reported_at": pa.array(frame["reported_at"]),
            "reported_precision": pa.array(["second", "day"]).take(pa.array(frame["day_only"].to_numpy(dtype=np.int8))),
            "address": pa.array(frame["address"], from_pandas=True),
            "geom": points_wkb(lons, lats, for_copy=True),
        }
        return pa.table(told | self.answers(lons, lats))

    def answers(self, lons: Floats, lats: Floats) -> dict[str, pa.Array]:
        """How, cell, block, segment, side, offset, duty grid and owner of each point."""
        places, answer = self.asked.found(lons, lats)
        said = self.asked.labels
        inside = places.block >= 0
        street = inside & (places.segment >= 0)
        grids = said.grid_of_block[places.block] if len(said.grid_of_block) else places.block
        how = np.where(places.how == How.NEAREST, How.OUTSIDE, places.how)  # a street near by makes no incident the city's
        return {
            "how": assigning.how_words(how, lons, lats),
            "cell": pa.array(places.cell.astype(np.int64), mask=places.cell == 0),
            "block_id": pa.array(places.block + 1, mask=~inside),
            "segment_id": pa.array(places.segment + 1, mask=~street),
            "side": pa.array(editions.SIDES).take(pa.array(places.side, mask=~street)),
            "offset_m": pa.array(places.offset_m, mask=~street),
            "duty_grid_id": pa.array(grids + 1, mask=~inside),
            "owner": said.owners.take(pa.array(answer, mask=answer < 0)),
        }


def _uuids(prefix: str, keys: list[str]) -> pa.Array:
    """The name-based ids (RFC 9562, version 5) of ``prefix`` + key, as text of 32 digits: what ``uuid.uuid5`` gives, by the array."""
    start = _INCIDENTS.bytes + prefix.encode()
    digests = b"".join([sha1(start + key.encode(), usedforsecurity=False).digest()[:16] for key in keys])
    bytes_of = np.frombuffer(digests, dtype=np.uint8).reshape(-1, 16).copy()
    bytes_of[:, 6] = bytes_of[:, 6] & 0x0F | 0x50
    bytes_of[:, 8] = bytes_of[:, 8] & 0x3F | 0x80
    return pa.array(np.frombuffer(bytes_of.tobytes().hex().encode("ascii"), dtype="S32")).cast(pa.string())
