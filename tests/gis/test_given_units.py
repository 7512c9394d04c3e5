"""A city that has its grid already keeps it: codes, dates, owners and polygons to the letter, or a refusal that measures why not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import shapely
import sqlalchemy as sa

from gis.actions.load_city import load_city
from gis.errors import BadPack
from gis.pack_check import check
from gis.progress import silent
from gis.store import editions, owners
from gis.store.geometry import geometries
from tests.tiny_city import NOON, act, load
from tests.tiny_pack import read_rows, replace, write_rows

GIVEN_BLOCKS = """given = { source = { file = "blocks.geojson", datum = "wgs84", origin = "given" }, columns = { names = { zh = "name" }, valid_from = "since" } }"""
GIVEN_GRIDS = """source = { file = "grids.geojson", datum = "wgs84", origin = "given" }
columns = { names = { zh = "name" }, valid_from = "since" }"""


def feature(code: str, polygon: shapely.Polygon) -> dict[str, Any]:
    properties = {"code": code, "name": f"格{code[-3:]}", "since": "2019-07-01"}
    return {"type": "Feature", "properties": properties, "geometry": json.loads(shapely.to_geojson(polygon))}


def write(path: Path, features: list[dict[str, Any]]) -> None:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False), encoding="utf-8")


def halves(polygon: shapely.Polygon) -> tuple[shapely.Polygon, shapely.Polygon]:
    """The west and the east half of a box."""
    west, south, east, north = polygon.bounds
    middle = round((west + east) / 2, 6)
    return shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)


@pytest.fixture
def given_pack(tiny_pack: Path) -> Path:
    """The tiny city with two given blocks in each community, and two given duty grids of two communities each."""
    communities = json.loads((tiny_pack / "communities.geojson").read_text())["features"]
    boxes = {one["properties"]["code"]: shapely.from_geojson(json.dumps(one["geometry"])) for one in communities}
    blocks = [feature(f"{code}{at:03d}", half) for code, box in boxes.items() for at, half in zip((7, 42), halves(box), strict=True)]
    districts: dict[str, list[str]] = {}
    for code in boxes:
        districts.setdefault(code[:9], []).append(code)
    grids = [
        feature(f"{district}-G-{at}", shapely.union_all([boxes[code] for code in codes]))
        for at, (district, codes) in enumerate(districts.items(), 1)
    ]
    write(tiny_pack / "blocks.geojson", blocks)
    write(tiny_pack / "grids.geojson", grids)
    replace(tiny_pack / "city.toml", 'derived = "one_per_lowest_area"', GIVEN_GRIDS)
    replace(tiny_pack / "city.toml", "[blocks]\n", f"[blocks]\n{GIVEN_BLOCKS}\n")
    header, rows = read_rows(tiny_pack / "owners.csv")
    area = header.index("area")
    first = [[*row[:area], grids[0]["properties"]["code"], *row[area + 1 :]] for row in rows[:1]]
    write_rows(tiny_pack / "owners.csv", header, first)
    return tiny_pack


def test_given_blocks_and_grids_come_out_to_the_letter(database: str, given_pack: Path) -> None:
    assert [finding for finding in check(given_pack) if finding.severity == "error"] == []
    load(database, given_pack)
    wanted = {one["properties"]["code"]: one for one in json.loads((given_pack / "blocks.geojson").read_text())["features"]}
    with act(database) as tx:
        rows = tx.execute(sa.text("SELECT code, origin, valid_from, ST_AsBinary(geom) AS wkb FROM block ORDER BY id")).all()
        assert [row.code for row in rows] == sorted(wanted)
        assert {(row.origin, row.valid_from.isoformat()) for row in rows} == {("given", "2019-07-01")}
        for row, shape in zip(rows, geometries([row.wkb for row in rows]), strict=True):
            assert shapely.equals_identical(
                shapely.normalize(shape), shapely.normalize(shapely.from_geojson(json.dumps(wanted[row.code]["geometry"])))
            )
        grids = tx.execute(sa.text("SELECT code, names ->> 'zh' AS name, origin, valid_from FROM duty_grid ORDER BY id")).all()
        assert [(row.code, row.origin, row.valid_from.isoformat()) for row in grids] == [
            (one["properties"]["code"], "given", "2019-07-01") for one in json.loads((given_pack / "grids.geojson").read_text())["features"]
        ]
        assert grids[0].name.startswith("格")
        held = owners.on_duty_at(tx, editions.current(tx, "tiny").id, NOON)
        assert held[1].owner is not None
        assert held[1].owner.origin != "generated" or "generated" not in held[1].owner.name
        assert tx.execute(sa.text("SELECT count(*) FROM segment_face WHERE block_id IS NOT NULL")).scalar_one() > 0


def test_given_grids_alone_hold_whole_drawn_blocks(database: str, given_pack: Path) -> None:
    replace(given_pack / "city.toml", f"{GIVEN_BLOCKS}\n", "")
    load(database, given_pack)
    with act(database) as tx:
        astray = "SELECT count(*) FROM block JOIN duty_grid g ON g.id = block.duty_grid_id WHERE NOT ST_Covers(g.geom, block.geom)"
        assert tx.execute(sa.text(astray)).scalar_one() == 0
        assert tx.execute(sa.text("SELECT DISTINCT origin FROM block")).scalars().all() == ["generated"]


def test_a_gap_and_an_overlap_are_refused_and_both_measured(database: str, given_pack: Path) -> None:
    features = json.loads((given_pack / "blocks.geojson").read_text())["features"]
    first, second, third = (shapely.from_geojson(json.dumps(one["geometry"])) for one in features[:3])
    west, south, east, north = first.bounds
    features[0]["geometry"] = json.loads(shapely.to_geojson(shapely.box(west, south, east + 0.0002, north)))
    west, south, east, north = third.bounds
    features[2]["geometry"] = json.loads(shapely.to_geojson(shapely.box(west + 0.0003, south, east, north)))
    write(given_pack / "blocks.geojson", features)
    errors = {finding.slug: finding.details for finding in check(given_pack) if finding.severity == "error"}
    assert errors.keys() == {"overlap", "gap"}
    assert all(1_000 < details["m2"] < 100_000 for details in errors.values())
    with pytest.raises(BadPack), act(database) as tx:
        load_city(tx, given_pack, now=NOON, progress=silent)
    assert second.is_valid


@pytest.mark.parametrize(
    ("code", "slug"),
    [("31010100100107", "malformed-code"), ("999999999999001", "malformed-code"), ("", "no-code"), ("second", "duplicate-code")],
)
def test_codes_that_are_none_are_refused(given_pack: Path, code: str, slug: str) -> None:
    features = json.loads((given_pack / "blocks.geojson").read_text())["features"]
    features[0]["properties"]["code"] = features[1]["properties"]["code"] if code == "second" else code
    write(given_pack / "blocks.geojson", features)
    found = [finding.slug for finding in check(given_pack) if finding.severity == "error"]
    assert slug in found
