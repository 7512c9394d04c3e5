"""Tiles: decoded by a library of others, the fields and ids the catalogue promises, sums that equal SQL."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import h3
import mapbox_vector_tile
import pytest
import sqlalchemy as sa

from gis import tiles
from gis.db import statement
from gis.errors import NotFound
from gis.layers import LAYERS, layer_named
from tests.tiny_city import NOON, act, load, redraw, take_in
from tests.tiny_pack import SOUTH, WEST
from tests.web_mercator import tile_of

KINDS = {"String": str, "Number": (int, float), "Boolean": bool}


@pytest.fixture
def tiny(database: str, tiny_pack: Path, tmp_path: Path) -> str:
    load(database, tiny_pack)
    take_in(database, tmp_path)
    return database


def features(url: str, layer: str, z: int) -> list[dict[str, Any]]:
    """The features of the tiles that hold the tiny city at a zoom, each id once."""
    found: dict[int, dict[str, Any]] = {}
    x0, y1 = tile_of(WEST, SOUTH, z)
    x1, y0 = tile_of(WEST + 0.0085, SOUTH + 0.0073, z)
    with act(url) as tx:
        for x in range(x0, x1 + 1):
            for y in range(y0, y1 + 1):
                encoded = tiles.tile(tx, layer_named(layer), z=z, x=x, y=y, at=NOON)
                for feature in mapbox_vector_tile.decode(encoded)[layer]["features"] if encoded else []:
                    found[feature["id"]] = feature
    return list(found.values())


@pytest.mark.parametrize("layer", LAYERS)
def test_every_layer_has_the_fields_of_the_catalogue_and_ids_that_fit(tiny: str, tiny_pack: Path, layer: str) -> None:
    if layer == "changes":
        redraw(tiny, tiny_pack)
    drawn = features(tiny, layer, 15)
    assert drawn
    fields = LAYERS[layer].fields
    for feature in drawn:
        assert set(feature["properties"]) <= set(fields)
        assert all(isinstance(value, KINDS[fields[name]]) for name, value in feature["properties"].items())
        assert 0 <= feature["id"] < 2**53


def test_counts_are_those_of_the_tables(tiny: str) -> None:
    with act(tiny) as tx:
        expected = {
            name: tx.execute(sa.text(f"SELECT count(*) FROM {name.replace('-', '_')}")).scalar_one()
            for name in ("block", "segment", "duty_grid")
        }
    assert len(features(tiny, "blocks", 14)) == expected["block"]
    assert len(features(tiny, "segments", 16)) == expected["segment"]
    assert len(features(tiny, "duty-grids", 12)) == expected["duty_grid"]
    assert len(features(tiny, "incidents", 14)) == 50


@pytest.mark.parametrize("z", [8, 10, 12, 14, 16])
def test_cells_add_up_to_all_incidents_at_every_zoom(tiny: str, z: int) -> None:
    drawn = features(tiny, "cells", z)
    assert sum(feature["properties"]["incidents"] for feature in drawn) == 50
    assert {feature["properties"]["resolution"] for feature in drawn} == {{8: 7, 10: 8, 12: 9, 14: 10, 16: 11}[z]}


def test_a_new_edition_takes_the_incidents_along(tiny: str, tiny_pack: Path) -> None:
    load(tiny, tiny_pack)
    assert sum(feature["properties"]["incidents"] for feature in features(tiny, "cells", 12)) == 50


def test_counts_of_cells_are_those_of_the_h3_library(tiny: str) -> None:
    with act(tiny) as tx:
        points = tx.execute(sa.text("SELECT ST_Y(geom), ST_X(geom) FROM incident")).all()
    expected = Counter(h3.cell_to_parent(h3.latlng_to_cell(lat, lon, 11), 9) for lat, lon in points)
    drawn = Counter(feature["properties"]["incidents"] for feature in features(tiny, "cells", 12) if feature["properties"]["incidents"])
    assert drawn == Counter(expected.values())


def test_feature_ids_are_the_same_at_every_zoom(tiny: str) -> None:
    at_13 = {feature["id"]: feature["properties"]["code"] for feature in features(tiny, "blocks", 13)}
    at_16 = {feature["id"]: feature["properties"]["code"] for feature in features(tiny, "blocks", 16)}
    assert at_13 == at_16


def test_nothing_is_an_empty_tile_and_outside_the_matrix_is_not_found(tiny: str) -> None:
    with act(tiny) as tx:
        assert tiles.tile(tx, layer_named("blocks"), z=14, x=0, y=0, at=NOON) == b""
        assert tiles.tile(tx, layer_named("blocks"), z=3, x=0, y=0, at=NOON) == b""
        for z, x, y in ((14, 1 << 14, 0), (14, 0, -1), (-1, 0, 0), (25, 0, 0)):
            with pytest.raises(NotFound):
                tiles.tile(tx, layer_named("blocks"), z=z, x=x, y=y, at=NOON)
    with pytest.raises(NotFound):
        layer_named("roads")


@pytest.mark.parametrize("layer", ["areas", "duty-grids", "blocks", "segments", "changes"])
def test_the_plan_of_a_tile_uses_the_spatial_index(tiny: str, layer: str) -> None:
    x, y = tile_of(WEST, SOUTH, 16)
    with act(tiny) as tx:
        tx.execute(sa.text("SET LOCAL enable_seqscan = off"))
        asked = statement(f"tiles/{layer.replace('-', '_')}").text
        plan = "\n".join(tx.execute(sa.text(f"EXPLAIN {asked}"), {"z": 16, "x": x, "y": y, "at": NOON}).scalars())
    assert "geom_index" in plan


def test_the_ids_of_the_incidents_of_a_tile_are_found_by_the_spatial_index(tiny: str) -> None:
    with act(tiny) as tx:
        tx.execute(sa.text("SET LOCAL enable_seqscan = off"))
        body = tx.execute(sa.text("SELECT prosrc FROM pg_proc WHERE proname = 'incident_ids_in'")).scalar_one()
        asked = body.replace("box", f"ST_MakeEnvelope({WEST}, {SOUTH}, {WEST + 0.001}, {SOUTH + 0.001}, 4326)")
        assert "incident_geom_index" in "\n".join(tx.execute(sa.text(f"EXPLAIN {asked}")).scalars())
        x, y = tile_of(WEST, SOUTH, 16)
        tile = sa.text(f"EXPLAIN {statement('tiles/incidents').text}")
        tx.execute(sa.text("SET LOCAL ROLE wangge_app"))
        plan = "\n".join(tx.execute(tile, {"z": 16, "x": x, "y": y, "at": NOON}).scalars())
    assert "incident_pkey" in plan
