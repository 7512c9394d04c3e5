"""Loading a pack: all of it or nothing, again without harm, and never by two at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from gis import cluster as private
from gis import tables
from gis.actions.load_city import load_city
from gis.errors import BadPack, Busy
from gis.migrations import run
from gis.progress import silent
from gis.store import cities
from tests.tiny_city import NOON, act
from tests.tiny_pack import write_tiny_pack


def rows(url: str) -> dict[str, int]:
    with act(url) as tx:
        return {
            table.name: tx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in tables.metadata.sorted_tables
        }


def test_a_pack_is_loaded_once_and_again_when_it_has_changed(database: str, tiny_pack: Path) -> None:
    with act(database) as tx:
        assert load_city(tx, tiny_pack, now=NOON, progress=silent).changed
    first = rows(database)
    assert first["source_area"] == 7
    assert first["street"] > 0
    with act(database) as tx:
        assert not load_city(tx, tiny_pack, now=NOON, progress=silent).changed
    (tiny_pack / "README.txt").write_text("a new file")
    with act(database) as tx:
        assert load_city(tx, tiny_pack, now=NOON, progress=silent).changed
    assert rows(database) == first


def test_a_pack_with_errors_leaves_the_database_as_it_was(database: str, tiny_pack: Path) -> None:
    before = rows(database)
    (tiny_pack / "roads.geojson").write_text("")
    with pytest.raises(BadPack) as refused, act(database) as tx:
        load_city(tx, tiny_pack, now=NOON, progress=silent)
    assert [finding.slug for finding in refused.value.findings] == ["empty-file"]
    assert rows(database) == before


def test_two_loads_of_one_city_do_not_mix(database: str, tiny_pack: Path) -> None:
    with act(database) as tx, act(database) as other:
        load_city(tx, tiny_pack, now=NOON, progress=silent)
        with pytest.raises(Busy):
            load_city(other, tiny_pack, now=NOON, progress=silent)


def test_an_interruption_between_two_steps_leaves_nothing(database: str, tiny_pack: Path) -> None:
    before = rows(database)

    def interrupt(step: str, done: int = 0, total: int | None = None) -> None:
        if step == "loading streets":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), act(database) as tx:
        load_city(tx, tiny_pack, now=NOON, progress=interrupt)
    assert rows(database) == before


def test_the_basemap_job_exists_exactly_when_the_load_commits(database: str, tiny_pack: Path) -> None:
    waiting = sa.text("SELECT args ->> 'city' FROM procrastinate_jobs WHERE status = 'todo'")
    with act(database) as tx:
        load_city(tx, tiny_pack, now=NOON, progress=silent)
        tx.get_transaction().rollback()
    with act(database) as tx:
        assert tx.execute(waiting).scalars().all() == []
    for text in ("one", "two"):
        (tiny_pack / "note.txt").write_text(text)
        with act(database) as tx:
            load_city(tx, tiny_pack, now=NOON, progress=silent)
    with act(database) as tx:
        assert tx.execute(waiting).scalars().all() == ["tiny"]


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["program", "postmaster"])
def test_kill_9_in_the_middle_of_a_load_loses_nothing_and_the_load_runs_again(test_folder: Path, victim: str) -> None:
    """A cluster of its own: the program is caught inside its transaction, the one or the other is killed, the next start recovers."""
    home = test_folder / f"killed-{victim}"
    home.mkdir(mode=0o755)
    folder = write_tiny_pack(home / "tiny")
    cluster = private.ensure(home)
    run.migrate(cluster.url())
    before = rows(cluster.url())
    command = [sys.executable, "-c", _STUCK_LOAD, cluster.url(), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=Path(__file__).parents[2]) as program:
        assert program.stdout is not None
        assert program.stdout.readline().strip() == "in the middle"
        postmaster = int((home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
        os.kill({"program": program.pid, "postmaster": postmaster}[victim], signal.SIGKILL)
    cluster = private.ensure(home)
    until = time.monotonic() + 30
    while True:
        try:
            with act(cluster.url()) as tx:
                assert cities.codes(tx) == []
                load_city(tx, folder, now=NOON, progress=silent)
            break
        except Busy:  # the killed program's session may outlive it for a moment
            assert time.monotonic() < until
            time.sleep(0.2)
    after = rows(cluster.url())
    assert before["street"] == 0 < after["street"]
    cluster.stop()


_STUCK_LOAD = """
import sys, time
from pathlib import Path
from gis.actions.load_city import load_city
from tests.tiny_city import NOON, act

def progress(step, done=0, total=None):
    if step == "loading categories and owners":
        print("in the middle", flush=True)
        time.sleep(20)

with act(sys.argv[1]) as tx:
    load_city(tx, Path(sys.argv[2]), now=NOON, progress=progress)
"""
