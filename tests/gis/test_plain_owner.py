"""A database whose owner is no superuser: what `deploy/extensions.sql` prepares is all that `wangge migrate` and the service need."""

from __future__ import annotations

import uuid
from pathlib import Path

import alembic.command
import alembic.config
import sqlalchemy as sa

from gis import db
from gis.migrations import run
from gis.schema import require_schema
from gis.store import permissions
from tests.rooms import ROOT
from tests.tiny_city import act


def test_an_owner_that_is_no_superuser_can_migrate_and_serve(empty_database: str) -> None:
    plain, name = "plain_" + uuid.uuid4().hex, sa.make_url(empty_database).database
    prepared = (ROOT / "deploy" / "extensions.sql").read_text("utf-8")
    with act(empty_database) as tx:
        tx.execute(sa.text(f"CREATE ROLE {plain}"))
        tx.execute(sa.text(f"ALTER DATABASE {name} OWNER TO {plain}"))
    for _again in range(2):
        with act(empty_database) as tx:
            db.psycopg_connection(tx).execute(prepared)
    engine = db.engine(empty_database, pool_size=1, role=plain)
    with db.transaction(engine) as tx:
        config = alembic.config.Config()
        config.set_main_option("script_location", str(Path(run.__file__).parent))
        config.attributes["connection"] = tx
        alembic.command.upgrade(config, "head")
        permissions.write(tx)
    with db.transaction(engine) as tx:
        for role in ("wangge_app", "wangge_identity"):
            tx.execute(sa.text(f"SET LOCAL ROLE {role}"))
            assert tx.execute(sa.text("SELECT count(*) FROM edition")).scalar_one() == 0
            tx.execute(sa.text("RESET ROLE"))
        require_schema(tx)
        assert tx.execute(sa.text("SELECT count(*) FROM permission")).scalar_one() > 0
    engine.dispose()
    with act(empty_database) as tx:
        assert not tx.execute(sa.text("SELECT rolsuper FROM pg_roles WHERE rolname = :plain"), {"plain": plain}).scalar_one()
        tx.execute(sa.text(f"REASSIGN OWNED BY {plain} TO CURRENT_USER"))
        tx.execute(sa.text(f"DROP OWNED BY {plain}"))
        tx.execute(sa.text(f"DROP ROLE {plain}"))
