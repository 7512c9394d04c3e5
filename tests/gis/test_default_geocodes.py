"""Default geocodes through the check and the import: found, flagged, counted nowhere, released when they are none, never lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mapbox_vector_tile
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from gis import tiles
from gis.actions.import_incidents import Imported, import_incidents
from gis.actions.load_city import load_city
from gis.layers import layer_named
from gis.pack_check import check
from gis.progress import silent
from gis.store import incidents
from grids.default_geocodes import nearby
from tests.tiny_city import NOON, act, load
from tests.tiny_pack import SOUTH, WEST, read_rows, replace, write_rows
from tests.web_mercator import tile_of

HALL = (121.4721, 31.2319)
BUSY = (121.4762, 31.2341)


def crowd(count: int, *, at: tuple[float, float], first: int, address: str | None) -> list[list[object]]:
    """Rows on one point: on streets of their own, or all at one address."""
    kinds = ["hole", "component:02001", "matter:06001", "matter:07001"]
    return [
        [
            f"C{n:05d}",
            "2026-10-05T10:00:00",
            kinds[n % 4],
            *at,
            address if address is not None else f"{n} {'ABCDEFGHIJKLMNOPQRST'[n % 20]} Street",
        ]
        for n in range(first, first + count)
    ]


def add(pack: Path, rows: list[list[object]]) -> None:
    header, there = read_rows(pack / "incidents.csv")
    write_rows(pack / "incidents.csv", header, [*there, *rows])


def take_in(url: str, pack: Path, folder: Path) -> Imported:
    with act(url) as tx:
        load_city(tx, pack, now=NOON, progress=silent)
        return import_incidents(tx, "tiny", "history", file=None, rejected_folder=folder, index_folder=folder, now=NOON, progress=silent)


def features(url: str, layer: str, z: int) -> list[dict[str, Any]]:
    """The features of the tiles that hold the tiny city, each id once."""
    found: dict[int, dict[str, Any]] = {}
    (x0, y1), (x1, y0) = tile_of(WEST, SOUTH, z), tile_of(WEST + 0.0085, SOUTH + 0.0073, z)
    with act(url) as tx:
        for x in range(x0, x1 + 1):
            for y in range(y0, y1 + 1):
                encoded = tiles.tile(tx, layer_named(layer), z=z, x=x, y=y, at=NOON)
                found |= {one["id"]: one for one in mapbox_vector_tile.decode(encoded)[layer]["features"]} if encoded else {}
    return list(found.values())


def placed(url: str, point: tuple[float, float]) -> set[tuple[object, ...]]:
    """How, place, edition and owner of the incidents on a point."""
    with act(url) as tx:
        return {
            tuple(row)
            for row in tx.execute(
                sa.text(
                    "SELECT how, cell, block_id, duty_grid_id, owner FROM incident WHERE geom = ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)"
                ),
                dict(zip(("lon", "lat"), point, strict=True)),
            )
        }


def test_a_default_point_is_flagged_and_a_busy_address_is_not(database: str, tiny_pack: Path, tmp_path: Path) -> None:
    add(tiny_pack, crowd(80, at=HALL, first=0, address=None) + crowd(90, at=BUSY, first=1000, address="7 Busy Road"))
    said = [finding for finding in check(tiny_pack) if finding.slug == "default-geocode"]
    assert [(finding.details["count"], finding.details["total"], finding.details["lon"], finding.details["lat"]) for finding in said] == [
        (80, 220, *HALL)
    ]
    load(database, tiny_pack)
    done = take_in(database, tiny_pack, tmp_path)
    assert (done.read, done.added, done.rejected) == (220, 220, 0)
    assert (done.default_geocodes, done.default_points) == (80, {HALL: 80})
    assert placed(database, HALL) == {("default_geocode", None, None, None, None)}
    [(how, *place)] = placed(database, BUSY)
    assert how == "inside"
    assert None not in place
    with act(database) as tx:
        counts = incidents.counts(tx, "tiny")
        assert counts["default_geocode"] == 80
        assert counts["total"] == 220
        assert counts["assigned"] == 140
    assert len(features(database, "incidents", 15)) == 140
    assert sum(cell["properties"]["incidents"] for cell in features(database, "cells", 15)) == 140


def test_a_later_import_makes_a_point_a_default_one_for_the_earlier_rows_too(database: str, tiny_pack: Path, tmp_path: Path) -> None:
    add(tiny_pack, crowd(40, at=HALL, first=0, address=None))
    load(database, tiny_pack)
    assert take_in(database, tiny_pack, tmp_path).default_geocodes == 0
    assert placed(database, HALL).pop()[0] == "inside"
    add(tiny_pack, crowd(40, at=HALL, first=40, address=None))
    done = take_in(database, tiny_pack, tmp_path)
    assert (done.added, done.already_there, done.default_geocodes) == (40, 90, 80)
    assert len(placed(database, HALL)) == 1


def test_what_was_flagged_gets_its_place_when_the_pack_turns_the_search_off(database: str, tiny_pack: Path, tmp_path: Path) -> None:
    add(tiny_pack, crowd(80, at=HALL, first=0, address=None))
    load(database, tiny_pack)
    assert take_in(database, tiny_pack, tmp_path).default_geocodes == 80
    replace(tiny_pack / "city.toml", 'key = "history"', 'key = "history"\nfind_default_points = false')
    assert [finding for finding in check(tiny_pack) if finding.slug == "default-geocode"] == []
    done = take_in(database, tiny_pack, tmp_path)
    assert (done.added, done.default_geocodes) == (0, 0)
    [(how, *place)] = placed(database, HALL)
    assert how == "inside"
    assert None not in place


def test_a_listed_point_is_flagged_however_few_its_rows(database: str, tiny_pack: Path, tmp_path: Path) -> None:
    add(tiny_pack, crowd(3, at=HALL, first=0, address="1 Hall"))
    listed = json.dumps([[round(HALL[0] + 2e-6, 6), HALL[1]], [121.0, 31.0]])
    replace(tiny_pack / "city.toml", 'key = "history"', f'key = "history"\ndefault_points = {listed}')
    assert [finding.details["count"] for finding in check(tiny_pack) if finding.slug == "default-geocode"] == [3]
    load(database, tiny_pack)
    assert take_in(database, tiny_pack, tmp_path).default_points == {HALL: 3}


def test_a_listed_point_of_another_country_is_refused(tiny_pack: Path) -> None:
    replace(tiny_pack / "city.toml", 'file = "incidents.csv", datum = "wgs84"', 'file = "incidents.csv", datum = "gcj02"')
    replace(tiny_pack / "city.toml", 'key = "history"', 'key = "history"\ndefault_points = [[-73.98, 40.74]]')
    [said] = [finding for finding in check(tiny_pack) if finding.slug == "bad-default-point"]
    assert said.severity == "error"
    assert said.text().startswith("History history lists the default point lon -73.98, lat 40.74, which cannot be in gcj02.")


def test_the_database_refuses_a_place_for_what_has_none(database: str, tiny_pack: Path, tmp_path: Path) -> None:
    load(database, tiny_pack)
    take_in(database, tiny_pack, tmp_path)
    for change in (
        "how = 'default_geocode'",
        "duty_grid_id = duty_grid_id % 4 + 1",
        "block_id = 9999",
        "segment_id = segment_id + 9999",
        "edition_id = 99",
    ):
        with pytest.raises(sa.exc.IntegrityError), act(database) as tx:
            tx.execute(sa.text(f"UPDATE incident SET {change} WHERE segment_id IS NOT NULL"))
    with act(database) as tx:
        tx.execute(sa.text("INSERT INTO owner (city, code, name, origin) VALUES ('tiny', 'nobody', 'Nobody', 'generated')"))
    with pytest.raises(sa.exc.IntegrityError, match="holds a post in its edition"), act(database) as tx:
        tx.execute(sa.text("UPDATE incident SET owner = 'nobody' WHERE segment_id IS NOT NULL"))


@given(st.floats(-180, 180), st.floats(-80, 80))
def test_nearby_holds_its_place_in_the_middle(lon: float, lat: float) -> None:
    west, south, east, north = nearby(lon, lat)
    assert west < lon < east
    assert south < lat < north
    assert (east + west) / 2 == pytest.approx(lon, abs=1e-9)
