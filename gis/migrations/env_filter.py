"""What a schema comparison looks at."""

from __future__ import annotations

from geoalchemy2 import alembic_helpers


def is_ours(thing: object, name: str | None, type_: str, reflected: bool, compare_to: object) -> bool:
    """Whether a table, column or index is ours, and not PostGIS's or the job queue's."""
    if type_ == "table" and name is not None and (name.startswith("procrastinate_") or name == "spatial_ref_sys"):
        return False
    ours: bool = alembic_helpers.include_object(thing, name, type_, reflected, compare_to)  # type: ignore[no-untyped-call]
    return ours
