"""Importing a history: nothing lost, nothing twice, each incident with the place and owner that an independent join gives it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import sqlalchemy as sa

from gis import tables
from gis.actions.import_incidents import Imported, import_incidents
from gis.actions.load_city import load_city
from gis.errors import Conflict, NotFound
from gis.progress import silent
from gis.store import incidents
from tests.tiny_city import NOON, act, load


def run(url: str, folder: Path, file: Path | None = None) -> Imported:
    with act(url) as tx:
        return import_incidents(tx, "tiny", "history", file=file, rejected_folder=folder, index_folder=folder, now=NOON, progress=silent)


def spoil(pack: Path) -> None:
    """Six bad rows, one without a place, one outside the city."""
    path = pack / "incidents.csv"
    header, *lines = path.read_text().splitlines()
    first = lines[0].split(",")
    names = header.split(",")

    def row(**changed: str) -> str:
        return ",".join(changed.get(name, value) for name, value in zip(names, first, strict=True))

    bad = [
        row(id="X1", reported_at="soon"),
        row(id="X2", category="nonsense"),
        row(id="X3", lon="NaN"),
        row(),
        row(id=""),
        row(id="X4", address="a\0b"),
    ]
    path.write_text("\n".join([header, *lines, *bad, row(id="U1", lon="", lat="", address="Lane 5"), row(id="O1", lon="121.9")]) + "\n")


def test_every_row_is_added_there_already_or_rejected_with_its_reason(database: str, tiny_pack: Path, tmp_path: Path) -> None:
    spoil(tiny_pack)
    load(database, tiny_pack)
    done = run(database, tmp_path / "rejected")
    assert (done.read, done.added, done.already_there, done.rejected) == (58, 52, 0, 6)
    assert done.rejected_file is not None
    with done.rejected_file.open() as file:
        said = list(csv.DictReader(file))
    assert [line["reason_code"] for line in said] == ["bad-time", "unknown-category", "not-a-number", "duplicate-id", "no-id", "nul-byte"]
    assert [int(line["row"]) for line in said] == [52, 53, 54, 55, 56, 57]
    assert said[0]["reported_at"] == "soon"
    assert said[2]["lon"] == "NaN"
    again = run(database, tmp_path / "rejected")
    assert (again.read, again.added, again.already_there, again.rejected) == (58, 0, 52, 6)
    with act(database) as tx:
        counts = incidents.counts(tx, "tiny")
    assert counts["total"] == 52
    assert counts["unplaced"] == 1
    assert counts["outside"] == 1
    assert counts["assigned"] == counts["inside"] + counts.get("border", 0) == 50


def test_places_and_owners_are_those_of_a_join_in_postgis(database: str, tiny_pack: Path, tmp_path: Path) -> None:
    load(database, tiny_pack)
    run(database, tmp_path)
    with act(database) as tx:
        judged = tx.execute(
            sa.text("""
            SELECT incident.block_id, min(block.id), incident.duty_grid_id, min(block.duty_grid_id), incident.owner, min(duty.owner)
            FROM incident
            JOIN block ON ST_Intersects(block.geom, incident.geom)
            LEFT JOIN duty ON duty.place_kind = 'duty_grid' AND duty.place_id = incident.duty_grid_id AND duty.post = 'owner' AND duty.during @> CAST(:at AS timestamptz)
            GROUP BY incident.id
            """),
            {"at": NOON},
        ).all()
        assert len(judged) == 50
        for block, expected_block, grid, _, owner, expected_owner in judged:
            assert block == expected_block
            assert grid is not None
            assert owner == expected_owner is not None
        nearest = tx.execute(
            sa.text("""
            SELECT incident.offset_m, (SELECT min(ST_Distance(ST_Transform(segment.geom, 32651), ST_Transform(incident.geom, 32651))) FROM segment)
            FROM incident WHERE segment_id IS NOT NULL
            """)
        ).all()
        assert len(nearest) > 40
        for found_m, expected_m in nearest:
            assert found_m == pytest.approx(expected_m, abs=0.01)


def test_an_incident_keeps_the_edition_it_was_assigned_in(database: str, tiny_pack: Path, tmp_path: Path) -> None:
    load(database, tiny_pack)
    run(database, tmp_path)
    load(database, tiny_pack)
    run(database, tmp_path)
    with act(database) as tx:
        numbers = sa.select(tables.edition.c.number).join(tables.incident, tables.incident.c.edition_id == tables.edition.c.id).distinct()
        assert tx.execute(numbers).scalars().all() == [1]


def test_a_file_of_ones_own_is_read_by_the_columns_of_the_history(database: str, tiny_pack: Path, tmp_path: Path) -> None:
    load(database, tiny_pack)
    own = tmp_path / "more.csv"
    header, first, *_ = (tiny_pack / "incidents.csv").read_text().splitlines()
    own.write_text(f"{header}\nNEW1,{first.split(',', 1)[1]}\n")
    done = run(database, tmp_path, own)
    assert (done.read, done.added) == (1, 1)


def test_what_cannot_be_imported_is_refused(database: str, tiny_pack: Path, tmp_path: Path) -> None:
    with act(database) as tx:
        load_city(tx, tiny_pack, now=NOON, progress=silent)
    with pytest.raises(Conflict, match="adopted edition"):
        run(database, tmp_path)
    load(database, tiny_pack)
    with act(database) as tx, pytest.raises(NotFound, match="letters"):
        import_incidents(tx, "tiny", "letters", file=None, rejected_folder=tmp_path, index_folder=tmp_path, now=NOON, progress=silent)
