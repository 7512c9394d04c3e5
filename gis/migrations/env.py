"""Alembic's entry: runs the revisions on the connection that `gis.db.migrate` hands over."""

from __future__ import annotations

from alembic import context
from geoalchemy2 import alembic_helpers

from gis.migrations.env_filter import is_ours
from gis.tables import metadata

if context.is_offline_mode():
    raise SystemExit("Migrations run on a database: use 'wangge migrate'.")

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_object=is_ours,
    process_revision_directives=alembic_helpers.writer,
    render_item=alembic_helpers.render_item,
)
with context.begin_transaction():
    context.run_migrations()
