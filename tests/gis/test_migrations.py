"""A database of an earlier release is brought up with what it holds."""

from __future__ import annotations

from pathlib import Path

import alembic.command
import alembic.config
import sqlalchemy as sa

from gis.migrations import run
from tests.tiny_city import act

_BEFORE = """
INSERT INTO city (code, names, attribution, time_zone, languages, metric_crs, cell_resolution, block_rules, has_built_up, pack, pack_folder, pack_digest, loaded_at)
VALUES ('old', '{}', '', 'Asia/Shanghai', '{zh}', 'EPSG:32651', 10, '{}', false, '{}', '', '', now());
INSERT INTO category (city, kind, code, names, answers_on, lowest_level, lead_kind) VALUES ('old', 'matter', '06001', '{"en": "Rubbish"}', 'area', 'duty_grid', 'owner');
INSERT INTO owner VALUES ('old', 'O1', 'One', 'given'), ('old', 'O2', 'Two', 'given');
INSERT INTO edition (city, number, status, pack_digest, metric_crs, cell_resolution, levels, quality, drawn_at) VALUES ('old', 1, 'draft', '', 'EPSG:32651', 10, '[]', '{}', now());
INSERT INTO area (edition_id, id, rank, code, area_m2, geom) VALUES (1, 1, 0, 'A', 1, ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))', 4326));
INSERT INTO duty_grid (edition_id, id, code, area_id, origin, geom) VALUES (1, 1, 'G', 1, 'generated', ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))', 4326));
INSERT INTO duty (edition_id, duty_grid_id, area_id, city, owner, name, origin, post, during) VALUES
    (1, 1, NULL, 'old', 'O1', 'One', 'given', 'owner', tstzrange(NULL, NULL)),
    (1, 1, NULL, 'old', 'O2', 'Two', 'given', 'deputy', tstzrange('2026-01-01', NULL)),
    (1, NULL, 1, 'old', 'O2', 'Two', 'given', 'owner', tstzrange(NULL, NULL));
UPDATE edition SET status = 'adopted', adopted_at = now() WHERE id = 1;
"""


def test_duties_and_categories_of_the_release_before_are_kept(empty_database: str) -> None:
    """Duties of an adopted edition come to the new columns, and what a category said holds for all of the past."""
    with act(empty_database) as tx:
        config = alembic.config.Config()
        config.set_main_option("script_location", str(Path(run.__file__).parent))
        config.attributes["connection"] = tx
        alembic.command.upgrade(config, "0006")
        tx.exec_driver_sql(_BEFORE)
    run.migrate(empty_database)
    with act(empty_database) as tx:
        duties = tx.execute(sa.text("SELECT place_kind, place_id, owner, post, lower(during) IS NULL FROM duty ORDER BY id")).all()
        assert [tuple(duty) for duty in duties] == [
            ("duty_grid", 1, "O1", "owner", True),
            ("duty_grid", 1, "O2", "deputy", False),
            ("area", 1, "O2", "owner", True),
        ]
        rule = "SELECT lowest_level FROM category_rule WHERE tstzrange(recorded_at, withdrawn_at) @> timestamptz '1990-01-01'"
        assert tx.execute(sa.text(rule)).scalars().all() == ["duty_grid"]
