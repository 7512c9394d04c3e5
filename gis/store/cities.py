"""Cities: what a pack said, kept beside the editions drawn from it."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from gis import tables
from gis.city_pack import CityPack
from gis.db import Tx, copy, ewkb, statement
from gis.errors import NoCityLoaded, NotFound, SeveralCities
from gis.store.geometry import geometries, objects
from grids.blocks import BlockRules
from grids.edition import City, GivenUnits, Level, SourceAreas

if TYPE_CHECKING:  # slow to import, and here only for what callers hand over
    import geopandas
    import pandas as pd


def save(tx: Tx, pack: CityPack, *, folder: Path, digest: str, now: datetime) -> None:
    """Write the city itself and its ladder, over what was there. Sources and lists are written apart."""
    values = {
        "code": pack.code,
        "names": pack.names,
        "notice": pack.notice,
        "attribution": pack.attribution,
        "time_zone": pack.time_zone,
        "languages": pack.languages,
        "metric_crs": pack.metric_crs,
        "cell_resolution": pack.cell_resolution,
        "block_rules": asdict(_rules(pack)),
        "has_built_up": pack.blocks.built_up is not None,
        "pack": pack.model_dump(mode="json", exclude_unset=True),
        "pack_folder": str(folder),
        "pack_digest": digest,
        "loaded_at": now,
    }
    tx.execute(
        insert(tables.city)
        .values(values)
        .on_conflict_do_update(index_elements=["code"], set_={k: v for k, v in values.items() if k != "code"})
    )
    for table in (tables.source_area, tables.given_unit, tables.street, tables.barrier, tables.built_up, tables.level):
        tx.execute(sa.delete(table).where(table.c.city == pack.code))
    ladder = [
        {"city": pack.code, "rank": rank, "key": level.key, "kind": level.kind, "names": level.names}
        for rank, level in enumerate(pack.levels)
    ]
    tx.execute(sa.insert(tables.level), ladder)


def move_pack(tx: Tx, code: str, folder: Path) -> None:
    """Note where the pack of a city lies now; histories and basemaps are read from there."""
    city = tables.city
    tx.execute(sa.update(city).where(city.c.code == code, city.c.pack_folder != str(folder)).values(pack_folder=str(folder)))


def _rules(pack: CityPack) -> BlockRules:
    blocks = pack.blocks
    return BlockRules(blocks.min_m2, blocks.max_m2, blocks.max_open_m2, blocks.built_up_share)


def save_areas(tx: Tx, city: str, rank: int, areas: geopandas.GeoDataFrame, *, origin: str) -> int:
    """Write the source areas of one level (columns of ``read_areas``); returns how many."""
    polygons = shapely.force_2d(areas.geometry.to_numpy())
    multi = objects(None if one is None else shapely.MultiPolygon(shapely.get_parts(one).tolist()) for one in polygons)
    rows = zip(areas["code"], areas["parent"], map(_json, areas["names"]), ewkb(multi), strict=True)
    columns = ("city", "rank", "code", "parent_code", "names", "origin", "geom")
    return copy(tx, tables.source_area, columns, ((city, rank, code, parent, names, origin, geom) for code, parent, names, geom in rows))


def save_derived_areas(tx: Tx, city: str, rank: int, codes: list[str], *, origin: str) -> int:
    """Write areas that are only known by the codes their children name; their polygons come with the edition."""
    columns = ("city", "rank", "code", "names", "origin")
    return copy(tx, tables.source_area, columns, ((city, rank, code, _json({"en": code}), origin) for code in codes))


def save_given_units(tx: Tx, city: str, kind: str, units: geopandas.GeoDataFrame) -> int:
    """Write the blocks or duty grids (``kind`` block or duty_grid) that a city has already; columns of ``read_given_units``."""
    polygons = ewkb(shapely.force_2d(units.geometry.to_numpy()))
    rows = zip(units["code"], map(_json, units["names"]), units["valid_from"], polygons, strict=True)
    return copy(tx, tables.given_unit, ("city", "kind", "code", "names", "valid_from", "geom"), ((city, kind, *row) for row in rows))


def save_streets(tx: Tx, city: str, roads: geopandas.GeoDataFrame, *, origin: str) -> int:
    """Write the street network (columns of ``read_roads``); returns how many lines."""
    rows = zip(map(_json, roads["names"]), roads["road_class"], ewkb(shapely.force_2d(roads.geometry.to_numpy())), strict=True)
    columns = ("city", "id", "names", "road_class", "origin", "geom")
    return copy(tx, tables.street, columns, ((city, at, names, kind, origin, geom) for at, (names, kind, geom) in enumerate(rows, 1)))


def save_barriers(tx: Tx, city: str, barriers: geopandas.GeoDataFrame) -> int:
    """Write the barriers (columns of ``read_barriers``); returns how many lines."""
    rows = zip(barriers["kind"], ewkb(shapely.force_2d(barriers.geometry.to_numpy())), strict=True)
    return copy(tx, tables.barrier, ("city", "id", "kind", "geom"), ((city, at, kind, geom) for at, (kind, geom) in enumerate(rows, 1)))


def save_built_up(tx: Tx, city: str, polygons: geopandas.GeoSeries) -> int:
    """Write built-up land; returns how many polygons."""
    mended = shapely.make_valid(shapely.force_2d(polygons.to_numpy()))
    return copy(tx, tables.built_up, ("city", "id", "geom"), ((city, at, geom) for at, geom in enumerate(ewkb(mended), 1)))


def save_categories(tx: Tx, city: str, categories: pd.DataFrame) -> int:
    """Add or renew the categories (columns of ``read_categories``). One that incidents name stays though a pack drops it."""
    fields = ("answers_on", "lowest_level", "lead_kind")
    rows = [
        {name: row[name] for name in ("kind", "code", "names", *fields)}
        | {"city": city, "duplicate_radius_m": _number(row["duplicate_radius_m"])}
        for row in categories.to_dict("records")
    ]
    if rows:
        adding = insert(tables.category)
        renewed = {name: adding.excluded[name] for name in ("names", "duplicate_radius_m", *fields)}
        tx.execute(adding.on_conflict_do_update(index_elements=["city", "kind", "code"], set_=renewed), rows)
    return len(rows)


def find(tx: Tx, code: str) -> sa.Row[Any]:
    """The row of one city; raises ``NotFound``."""
    row = tx.execute(sa.select(tables.city).where(tables.city.c.code == code)).one_or_none()
    if row is None:
        raise NotFound("city", code)
    return row


def find_loaded(tx: Tx, code: str) -> sa.Row[Any] | None:
    """The row of one city, None when it was never loaded."""
    return tx.execute(sa.select(tables.city).where(tables.city.c.code == code)).one_or_none()


def codes(tx: Tx) -> list[str]:
    """The codes of all loaded cities, the last loaded first."""
    return list(tx.execute(sa.select(tables.city.c.code).order_by(tables.city.c.loaded_at.desc(), tables.city.c.code)).scalars())


def summaries(tx: Tx) -> list[dict[str, Any]]:
    """Every city with its adopted edition, bounds and counts, the last loaded first."""
    return [dict(row) for row in tx.execute(statement("city_summary")).mappings()]


def ground(tx: Tx, code: str) -> City:
    """What the city is divided from, as `grids.dividing` takes it; raises ``NotFound``."""
    row = find(tx, code)
    streets = tx.execute(
        sa.select(tables.street.c.names, tables.street.c.road_class, _wkb(tables.street)).where(tables.street.c.city == code).order_by("id")
    ).all()
    barriers = _lines(tx, tables.barrier, code)
    return City(
        crs=row.metric_crs,
        cell_resolution=row.cell_resolution,
        levels=_source_levels(tx, code),
        streets=geometries([street.wkb for street in streets]),
        street_names=objects(street.names for street in streets),
        street_classes=objects(street.road_class for street in streets),
        barriers=barriers,
        built_up=_lines(tx, tables.built_up, code) if row.has_built_up else None,
        rules=BlockRules(**row.block_rules),
        given_blocks=_given_units(tx, code, "block"),
        given_grids=_given_units(tx, code, "duty_grid"),
    )


def _given_units(tx: Tx, code: str, kind: str) -> GivenUnits | None:
    unit = tables.given_unit
    chosen = sa.select(unit.c.code, unit.c.names, unit.c.valid_from, _wkb(unit)).where(unit.c.city == code, unit.c.kind == kind)
    rows = tx.execute(chosen.order_by(unit.c.code)).all()
    if not rows:
        return None
    dates = objects(row.valid_from.isoformat() if row.valid_from else None for row in rows)
    return GivenUnits(objects(row.code for row in rows), objects(row.names for row in rows), geometries([row.wkb for row in rows]), dates)


def ladder(tx: Tx, code: str) -> list[Level]:
    """The levels of the city's ladder, the city first, the duty grid last."""
    rows = tx.execute(sa.select(tables.level).where(tables.level.c.city == code).order_by("rank"))
    return [Level(row.key, row.rank, row.kind, row.names) for row in rows]


def _source_levels(tx: Tx, code: str) -> tuple[SourceAreas, ...]:
    def read(level: Level) -> SourceAreas:
        source = tables.source_area
        chosen = sa.select(source.c.code, source.c.parent_code, source.c.names, _wkb(source)).where(
            source.c.city == code, source.c.rank == level.rank
        )
        rows = tx.execute(chosen.order_by(source.c.code)).all()
        polygons = geometries([row.wkb for row in rows])
        derived = bool(len(polygons)) and bool(shapely.is_missing(polygons).all())
        parents = objects(row.parent_code for row in rows)
        return SourceAreas(
            level, objects(row.code for row in rows), parents, objects(row.names for row in rows), None if derived else polygons
        )

    return tuple(read(level) for level in ladder(tx, code) if level.kind == "area")


def _wkb(table: sa.Table) -> sa.Label[Any]:
    return sa.func.ST_AsBinary(table.c.geom).label("wkb")


def _lines(tx: Tx, table: sa.Table, code: str) -> np.ndarray[Any, np.dtype[np.object_]]:
    return geometries(tx.execute(sa.select(_wkb(table)).where(table.c.city == code).order_by("id")).scalars().all())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def the_city(tx: Tx, code: str | None) -> str:
    """``code`` when that city is loaded, else the only loaded one. Raises ``NotFound``, or ``SeveralCities``."""
    if code is not None:
        return str(find(tx, code).code)
    loaded = codes(tx)
    if not loaded:
        raise NoCityLoaded
    if len(loaded) > 1:
        raise SeveralCities(", ".join(loaded))
    return loaded[0]
