"""Indexes as files: a file that is damaged is as good as none, and what killed processes left goes."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
import shapely
from structlog.testing import capture_logs

from gis import kept_indexes
from grids import packing
from grids.locate import Index
from grids.measure import Plane

WEST, SOUTH, STEP = 121.47, 31.23, 0.002
INDEX = Index(
    np.array([shapely.box(WEST + STEP * at, SOUTH, WEST + STEP * (at + 1), SOUTH + STEP) for at in range(3)]),
    np.array([shapely.LineString([(WEST, SOUTH), (WEST + 3 * STEP, SOUTH)])]),
    Plane("EPSG:32651"),
    10,
)
PLACE = WEST + STEP / 2, SOUTH + STEP / 3


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The file of an index."""
    path = tmp_path / "indexes" / "one.index"
    kept_indexes.keep(INDEX, path)
    return path


def test_what_is_kept_is_read(kept: Path) -> None:
    index = kept_indexes.read(kept)
    assert index is not None
    assert index.locate_one(*PLACE) == INDEX.locate_one(*PLACE)


def test_a_damaged_file_is_as_good_as_none(kept: Path) -> None:
    whole = kept.read_bytes()
    named = whole.find(b"EPSG")
    for at in [*range(200), *range(named, named + 10)]:
        for harm in (1, 0x80, 0xFF):
            harmed = bytearray(whole)
            harmed[at] ^= harm
            kept.write_bytes(harmed)
            index = kept_indexes.read(kept)
            assert index is None or index.locate_one(*PLACE) == INDEX.locate_one(*PLACE), (at, harm)
    for cut in (b"", whole[:40], whole[:-1], whole + b"more", np.random.default_rng(1).bytes(1000)):
        kept.write_bytes(cut)
        with capture_logs() as told:
            assert kept_indexes.read(kept) is None
        assert [(one["event"], one["file"]) for one in told] == [("kept index not read", str(kept))]


def test_a_geometry_that_is_damaged_where_no_digest_looks_is_as_good_as_none(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "_SMALL", 0)
    kept_indexes.keep(INDEX, kept)
    whole, wkb = kept.read_bytes(), shapely.to_wkb(INDEX.segments[0])
    for harmed in (wkb[:1] + b"\xff" + wkb[2:], wkb[:5] + b"\xff" + wkb[6:]):
        kept.write_bytes(whole.replace(wkb, harmed))
        assert kept_indexes.read(kept) is None


def test_a_file_that_is_not_there_is_nothing_to_tell(tmp_path: Path) -> None:
    with capture_logs() as told:
        assert kept_indexes.read(tmp_path / "none.index") is None
    assert told == []


def test_a_fault_of_the_program_is_not_taken_for_damage(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(_: object) -> Index:
        raise TypeError

    monkeypatch.setattr(Index, "unpacked", read)
    with pytest.raises(TypeError):
        kept_indexes.read(kept)


def test_a_good_index_in_a_folder_that_may_only_be_read_is_read(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "read-only")

    monkeypatch.setattr(Path, "touch", denied)
    assert kept_indexes.read(kept) is not None


def test_unfinished_files_of_killed_processes_go_after_an_hour(kept: Path) -> None:
    old, new = kept.with_suffix(".1-1.new"), kept.with_suffix(".2-2.new")
    for path, age_s in ((old, 4_000), (new, 600)):
        path.write_bytes(b"half")
        written = time.time() - age_s
        os.utime(path, (written, written))
    kept_indexes.keep(INDEX, kept)
    assert sorted(kept.parent.iterdir()) == sorted([kept, new])
