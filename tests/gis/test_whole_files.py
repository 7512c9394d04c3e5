"""Files that are in their place whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from gis.whole_files import made_whole, written_whole


def allowed() -> None:
    """Nothing against it."""


def test_a_file_takes_its_place_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.index"
    path.write_bytes(b"as it was")
    with written_whole(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"as it was"
    assert path.read_bytes() == b"new"
    with made_whole(path, ".txt", last=allowed) as unfinished:
        unfinished.write_text("newer")
        (unfinished.parent / "beside").write_text("made by some programs")
        assert path.read_bytes() == b"new"
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("a.index", "newer")]


def test_what_breaks_off_or_is_refused_at_the_end_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.index"
    path.write_bytes(b"as it was")

    def refuse() -> None:
        raise PermissionError

    def half_written() -> None:
        with written_whole(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    def half_made() -> None:
        with made_whole(path, ".txt", last=allowed) as unfinished:
            unfinished.write_text("half")
            raise KeyboardInterrupt

    def refused() -> None:
        with made_whole(path, ".txt", last=refuse) as unfinished:
            unfinished.write_text("whole")

    for work, broken in ((half_written, KeyboardInterrupt), (half_made, KeyboardInterrupt), (refused, PermissionError)):
        with pytest.raises(broken):
            work()
        assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("a.index", b"as it was")]
