"""The tiny pack of `tests/tiny_pack.py` taken through the main job: loaded, divided, adopted, its incidents imported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from gis import db
from gis.actions.adopt_edition import adopt_edition
from gis.actions.draw_edition import draw_edition
from gis.actions.import_incidents import import_incidents
from gis.actions.load_city import load_city
from gis.progress import silent
from tests.tiny_pack import read_features, replace, write_features

NOON = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
"""The instant of every act of these tests: noon in Shanghai."""


@contextmanager
def act(url: str) -> Iterator[db.Tx]:
    """One transaction on a database, as a door opens it."""
    engine = db.engine(url, pool_size=1)
    try:
        with db.transaction(engine) as tx:
            yield tx
    finally:
        engine.dispose()


def load(url: str, folder: Path) -> None:
    """Load the pack and make its division the city's plan."""
    with act(url) as tx:
        load_city(tx, folder, now=NOON, progress=silent)
        draw_edition(tx, "tiny", now=NOON, progress=silent)
        adopt_edition(tx, "tiny", now=NOON)


def take_in(url: str, rejected_folder: Path) -> None:
    """Import and assign the pack's incidents."""
    with act(url) as tx:
        import_incidents(
            tx, "tiny", "history", file=None, rejected_folder=rejected_folder, index_folder=rejected_folder, now=NOON, progress=silent
        )


def redraw(url: str, folder: Path, *, now: datetime = NOON) -> None:
    """Close two streets of the pack, hand a community to another owner, and draw what comes of it as a draft beside the plan."""
    roads = read_features(folder / "roads.geojson")
    write_features(
        folder / "roads.geojson", [one for one in roads if one["properties"]["name_en"] not in ("East Street 1", "North Street 3")]
    )
    replace(folder / "owners.csv", "O2,Owner 2", "O9,Owner 9")
    with act(url) as tx:
        load_city(tx, folder, now=now, progress=silent)
        draw_edition(tx, "tiny", now=now, progress=silent)
