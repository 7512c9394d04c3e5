"""Wangge in a notebook: the same answers as at every other door, for a GeoDataFrame.

    from api.notebooks import assign
    answered = assign(points, datum="wgs84")

The database is the one of the settings (``WANGGE_DATABASE_URL``, else the private cluster of ``WANGGE_DATA_DIR``).
"""

from __future__ import annotations

from datetime import UTC, datetime

import geopandas

from gis import db
from gis.assigning import Assigner, assigner
from gis.assigning_frames import assign_frame
from gis.kept_indexes import folder_of
from gis.locating import Indexes
from gis.schema import require_schema
from gis.settings import Settings
from gis.store.cities import the_city


def plan(city: str | None = None, *, at: datetime | None = None, category: str | None = None) -> Assigner:
    """What answers for a city (the only one loaded when not named) as of ``at`` (None: now), for a category (kind:code) or any.

    Held and used again it saves reading the edition for every frame. Raises what ``gis.assigning.assigner`` does.
    """
    settings = Settings()
    engine = db.engine(db.database_url(settings), pool_size=1)
    try:
        with db.transaction(engine) as tx:
            require_schema(tx)
            indexes = Indexes(folder_of(settings.data_dir))
            return assigner(tx, indexes, city=the_city(tx, city), at=at or datetime.now(UTC), category=category)
    finally:
        engine.dispose()


def assign(points: geopandas.GeoDataFrame, *, datum: str, asked: Assigner | None = None, prefix: str = "") -> geopandas.GeoDataFrame:
    """The frame with cell, street_unit, segment, side, offset_m, duty_grid, owner, level and how for each point.

    ``datum`` is what the coordinates are measured from (wgs84, cgcs2000, gcj02, bd09); ``asked`` is a ``plan``, made now when not
    given. Raises what ``gis.assigning_frames.assign_frame`` does.
    """
    return assign_frame(points, asked or plan(), datum=datum, threads=Settings().processes, prefix=prefix)
