"""Parts drawn on several processes and kept: equal to one drawing, resumed after a kill, redrawn only where the ground changed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely

from gis import drawing, kept_parts
from gis.drawing import Kept
from gis.errors import CityBusy, WorkerLost
from gis.progress import silent
from grids.blocks import BlockRules
from grids.dividing import divide
from grids.edition import City, Plan
from tests.grids.test_parts import city as city_of

SIDE = 6
STEP_M = 400.0


def big_city() -> City:
    """36 communities in six streets/towns with a street every 37 metres: enough to be worth several processes."""
    corners = [(STEP_M * x, STEP_M * y) for x in range(SIDE) for y in range(SIDE)]
    areas = np.array([shapely.box(x, y, x + STEP_M, y + STEP_M) for x, y in corners])
    length_m = SIDE * STEP_M
    lines = [shapely.LineString([(at, -5), (at + 90, length_m + 5)]) for at in np.arange(3, length_m, 37)]
    lines += [shapely.LineString([(-5, at), (length_m + 5, at + 40)]) for at in np.arange(5, length_m, 41)]
    return replace(city_of(areas, [at // SIDE for at in range(len(areas))], np.array(lines), np.array([])), rules=BlockRules(min_m2=900))


def fingerprint(plan: Plan) -> list[bytes]:
    shapes = (plan.blocks.polygons, plan.segments.lines, plan.areas.polygons)
    numbers = (plan.cells.cells, plan.cells.share, plan.cells.shared_block, plan.segments.faces.block, plan.segments.faces.from_m)
    return [b"".join(shapely.to_wkb(one).tolist()) for one in shapes] + [one.tobytes() for one in numbers]


def drawn_by(kept: Kept, of: City) -> Plan:
    return divide(of, progress=lambda _: None, draw=kept)


@pytest.fixture
def always_a_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "_WORTH_A_POOL", 0)


@pytest.mark.usefixtures("always_a_pool")
def test_several_processes_draw_what_one_draws_and_nothing_twice(tmp_path: Path) -> None:
    here = fingerprint(divide(big_city(), progress=lambda _: None))
    told: list[tuple[str, int, int | None]] = []
    first = Kept(tmp_path / "parts", 2, lambda step, done=0, total=None: told.append((step, done, total)))
    assert fingerprint(drawn_by(first, big_city())) == here
    assert (first.parts, first.drawn) == (6, 6)
    done = [done for step, done, _ in told if step == "blocks"]
    assert done == sorted(done)
    assert done[-1] == told[-1][2]
    again = Kept(tmp_path / "parts", 2, silent)
    assert fingerprint(drawn_by(again, big_city())) == here
    assert again.drawn == 0


def test_a_change_in_one_place_draws_only_the_parts_it_touches(tmp_path: Path) -> None:
    before = drawn_by(Kept(tmp_path / "parts", 1, silent), big_city())
    changed = big_city()
    middle = shapely.centroid(changed.levels[-1].polygons[0])
    inside = shapely.LineString([middle, shapely.Point(middle.x + 1e-4, middle.y + 1e-4)])
    changed = replace(
        changed,
        streets=np.append(np.array([inside]), changed.streets),
        street_names=np.append(changed.street_names[:1], changed.street_names),
        street_classes=np.append(changed.street_classes[:1], changed.street_classes),
    )
    kept = Kept(tmp_path / "parts", 1, silent)
    after = drawn_by(kept, changed)
    assert 1 <= kept.drawn <= 2
    assert fingerprint(after) == fingerprint(divide(changed, progress=lambda _: None))
    far = [code for code in before.blocks.codes if not code.startswith(("C0", "C10", "C11"))]
    assert far
    by_code = [dict(zip(plan.blocks.codes, shapely.to_wkb(plan.blocks.polygons), strict=True)) for plan in (before, after)]
    assert all(by_code[0][code] == by_code[1][code] for code in far)


def test_a_damaged_file_is_as_good_as_none(tmp_path: Path) -> None:
    here = fingerprint(drawn_by(Kept(tmp_path / "parts", 1, silent), big_city()))
    for at, path in enumerate(sorted((tmp_path / "parts").glob("*.npz"))):
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2] if at % 2 else b"")
    again = Kept(tmp_path / "parts", 1, silent)
    assert fingerprint(drawn_by(again, big_city())) == here
    assert again.drawn == 6
    once_more = Kept(tmp_path / "parts", 1, silent)
    assert fingerprint(drawn_by(once_more, big_city())) == here
    assert once_more.drawn == 0


def test_two_builds_do_not_share_a_folder(tmp_path: Path) -> None:
    with kept_parts.held(tmp_path / "parts"), pytest.raises(CityBusy):
        drawn_by(Kept(tmp_path / "parts", 1, silent), big_city())


def _end_this_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_is_ended_from_outside_is_told_as_such() -> None:
    with drawing._pool(2) as pool, pytest.raises(WorkerLost, match="WANGGE_PROCESSES"):
        drawing._run(pool, {0: _end_this_process}, sizes=[1], done=drawing._Done(silent, 1))


KILLED = """
import sys
from pathlib import Path
from gis import drawing, kept_parts
from gis.progress import silent
from tests.gis.test_drawing import big_city, drawn_by

if __name__ == "__main__":
    drawing._WORTH_A_POOL = 0
    drawn_by(drawing.Kept(Path(sys.argv[1]), 2, silent), big_city())
"""


def test_a_killed_build_leaves_no_process_and_goes_on_where_it_was(tmp_path: Path) -> None:
    parts, script = tmp_path / "parts", tmp_path / "killed.py"
    script.write_text(KILLED)
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(root)}
    process = subprocess.Popen([sys.executable, str(script), str(parts)], env=environment, cwd=root, start_new_session=True)
    _wait_for(lambda: parts.is_dir() and len(list(parts.glob("*.npz"))) > 7)
    process.send_signal(signal.SIGKILL)
    process.wait()
    _wait_for(lambda: not _alive(process.pid))
    complete = len([path for path in parts.glob("*.npz") if not path.stem.endswith("-cuts")])
    kept = Kept(parts, 1, silent)
    plan = drawn_by(kept, big_city())
    assert kept.drawn == 6 - complete
    assert fingerprint(plan) == fingerprint(divide(big_city(), progress=lambda _: None))
    assert not list(parts.glob("*.new"))


def _wait_for(happened: Callable[[], bool], *, at_most_s: float = 60.0) -> None:
    until = time.monotonic() + at_most_s
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.01)


def _alive(session: int) -> bool:
    """Whether a process of the session is left."""
    found = subprocess.run(["ps", "-o", "pid=", "-s", str(session)], capture_output=True, text=True, check=False)
    return bool(found.stdout.strip())
