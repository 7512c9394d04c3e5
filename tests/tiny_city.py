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
        import_incidents(tx, "tiny", "history", file=None, rejected_folder=rejected_folder, now=NOON, progress=silent)
