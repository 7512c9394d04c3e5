"""Which schema this release needs, and whether a database has it. `gis/migrations/run.py` brings one there."""

from __future__ import annotations

import sqlalchemy as sa

from gis.db import Tx
from gis.errors import NoDatabase, SchemaBehind

SCHEMA = "0009"
"""The newest revision in `gis/migrations/versions`; a test holds the two together, so that asking needs no Alembic."""


def require_schema(tx: Tx) -> None:
    """Refuse (``SchemaBehind``) a database whose schema is not the one this release needs."""
    known = tx.execute(sa.text("SELECT to_regclass('alembic_version') IS NOT NULL")).scalar_one()
    found = tx.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none() if known else None
    if found != SCHEMA:
        raise SchemaBehind(found or "none", SCHEMA)


def postgis_version(tx: Tx) -> str:
    """The version of PostGIS in this database; raises ``NoDatabase`` where it is missing."""
    found = tx.execute(sa.text("SELECT extversion FROM pg_extension WHERE extname = 'postgis'")).scalar_one_or_none()
    if found is None:
        raise NoDatabase("the database has no PostGIS extension")
    return str(found)
