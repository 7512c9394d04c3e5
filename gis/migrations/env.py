"""Alembic's entry: runs the revisions on the connection that `gis.db.migrate` hands over."""

from __future__ import annotations

from alembic import context
from geoalchemy2 import alembic_helpers

from gis.tables import metadata


def include_object(thing: object, name: str | None, type_: str, reflected: bool, compare_to: object) -> bool:
    """What the schema comparison looks at: our tables, not those of PostGIS or of the job queue."""
    if type_ == "table" and name is not None and (name.startswith("procrastinate_") or name == "spatial_ref_sys"):
        return False
    ours: bool = alembic_helpers.include_object(thing, name, type_, reflected, compare_to)  # type: ignore[no-untyped-call]
    return ours


if context.is_offline_mode():
    raise SystemExit("Migrations run on a database: use 'wangge migrate'.")

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_object=include_object,
    process_revision_directives=alembic_helpers.writer,
    render_item=alembic_helpers.render_item,
)
with context.begin_transaction():
    context.run_migrations()
