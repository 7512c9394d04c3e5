"""Load a city pack: everything it says goes into the database in one transaction, or nothing does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from gis import jobs, pack_check, pack_rosters, pack_sources
from gis.city_pack import CityPack, digest_of, read_city_toml
from gis.db import Tx, lock
from gis.errors import BadPack, Finding
from gis.progress import Progress
from gis.store import cities, owners, rosters
from gis.store.special_units import KIND as SPECIAL_UNIT
from grids.departments import Department, Lead
from grids.owners import Owner


@dataclass(frozen=True)
class Loaded:
    """A loaded city: whether anything was new, what the check remarked, and how many rows each part has."""

    city: str
    changed: bool
    remarks: tuple[Finding, ...]
    rows: dict[str, int]


def load_city(tx: Tx, folder: Path, *, now: datetime, progress: Progress) -> Loaded:
    """Load the pack in ``folder``, over what an earlier load of the same city wrote. Editions and incidents stay.

    The basemap is built from the same files by a job. A pack whose files are those of the last load is left as it is. Raises ``BadPack`` when the check finds errors, and
    ``Busy`` when another process loads the same city.
    """
    pack = read_city_toml(folder)
    lock(tx, "the plan", pack.code)
    digest = digest_of(folder)
    known = cities.find_loaded(tx, pack.code)
    if known is not None and known.pack_digest == digest:
        cities.move_pack(tx, pack.code, folder.resolve())
        return Loaded(pack.code, changed=False, remarks=(), rows={})
    progress("checking the pack")
    findings = tuple(pack_check.check(folder))
    if any(finding.severity == "error" for finding in findings):
        raise BadPack(str(folder), findings)
    cities.save(tx, pack, folder=folder.resolve(), digest=digest, now=now)
    rows = _save_sources(tx, pack, folder, progress) | _save_rosters(tx, pack, folder, now)
    jobs.defer(tx, jobs.BUILD_BASEMAP, waiting_once_as=jobs.basemap_key(pack.code), city=pack.code)
    return Loaded(pack.code, changed=True, remarks=findings, rows=rows)


def _save_sources(tx: Tx, pack: CityPack, folder: Path, progress: Progress) -> dict[str, int]:
    city = pack.code
    rows: dict[str, int] = {}
    named_parents: list[str] = []
    for rank, level in reversed(list(enumerate(pack.area_levels))):
        progress("loading areas", len(rows), len(pack.area_levels))
        if level.source is None:
            rows[level.key] = cities.save_derived_areas(tx, city, rank, sorted(set(named_parents)), origin="given")
            continue
        areas = pack_sources.read_areas(folder, level)
        named_parents = [parent for parent in areas["parent"] if parent is not None]
        rows[level.key] = cities.save_areas(tx, city, rank, areas, origin=level.source.origin)
    grids = pack.levels[-1]
    if pack.blocks.given is not None:
        progress("loading given blocks")
        given = pack_sources.read_given_units(folder, pack.blocks.given.source, pack.blocks.given.columns)
        rows["given_blocks"] = cities.save_given_units(tx, city, "block", given)
    if grids.source is not None:
        progress("loading given duty grids")
        rows["given_duty_grids"] = cities.save_given_units(
            tx, city, "duty_grid", pack_sources.read_given_units(folder, grids.source, grids.columns)
        )
    progress("loading streets")
    rows["streets"] = cities.save_streets(tx, city, pack_sources.read_roads(folder, pack.roads), origin=pack.roads.source.origin)
    rows["barriers"] = cities.save_barriers(tx, city, pack_sources.read_barriers(folder, pack.barriers))
    built_up = pack_sources.read_built_up(folder, pack.blocks)
    if built_up is not None:
        progress("loading built-up land")
        rows["built_up"] = cities.save_built_up(tx, city, built_up)
    if pack.special_units:
        progress("loading special units")
        read = [pack_sources.read_given_units(folder, part.source, part.columns) for part in pack.special_units]
        rows["special_units"] = sum(cities.save_given_units(tx, city, SPECIAL_UNIT, units) for units in read)
    progress("loading categories and owners")
    rows["owners"] = owners.save_source(tx, city, _source_duties(pack, folder))
    return rows


def _save_rosters(tx: Tx, pack: CityPack, folder: Path, now: datetime) -> dict[str, int]:
    """Record what the pack says now of categories, shifts, leave and departments; what it said before and says no more is withdrawn."""
    city, zone = pack.code, pack.time_zone
    categories = pack_sources.read_categories(folder, pack.categories)
    rows = {"categories": cities.save_categories(tx, city, categories)}
    fields = ("kind", "code", "names", "answers_on", "lowest_level", "lead_kind")
    rules = [{field: row[field] for field in fields} for row in categories.to_dict("records")]
    rosters.say_category_rules(tx, city, rules, said_by="pack", now=now)
    shifts = pack_rosters.read_shifts(folder, pack.shifts).to_dict("records") if pack.shifts else []
    worked = (rosters.WeeklyShift(row["owner"], row["weekdays"], row["from_time"], row["to_time"]) for row in shifts)
    rows["shifts"] = rosters.say_shifts(tx, city, worked, time_zone=zone, said_by="pack", now=now)
    leaves = pack_rosters.read_leaves(folder, pack.leaves, time_zone=zone).to_dict("records") if pack.leaves else []
    away = (rosters.Leave(row["owner"], _instant(row["from_at"]), _instant(row["to_at"])) for row in leaves)
    rows["leaves"] = rosters.say_leaves(tx, city, away, time_zone=zone, said_by="pack", now=now)
    rows["department_leads"] = rosters.say_leads(tx, city, _leads(pack, folder), said_by="pack", now=now)
    return {part: count for part, count in rows.items() if count or part == "categories"}


def _leads(pack: CityPack, folder: Path) -> list[rosters.TimedLead]:
    if pack.departments is None or pack.department_leads is None:
        return []
    departments = pack_rosters.read_departments(folder, pack.departments)
    names = dict(zip(departments["code"], departments["names"], strict=True))
    rows = pack_rosters.read_department_leads(folder, pack.department_leads, time_zone=pack.time_zone).to_dict("records")
    return [
        rosters.TimedLead(
            Lead(Department(row["department"], names[row["department"]]), row["category"], row["area"]),
            _instant(row["from_at"]),
            _instant(row["to_at"]),
        )
        for row in rows
    ]


def _source_duties(pack: CityPack, folder: Path) -> list[owners.SourceDuty]:
    if pack.owners is None:
        return []
    origin = pack.owners.source.origin
    rows = pack_sources.read_owners(folder, pack.owners, time_zone=pack.time_zone).to_dict("records")
    return [
        owners.SourceDuty(
            row["area"],
            Owner(row["code"], row["name"] or row["code"], origin),
            row["post"],
            _instant(row["from_at"]),
            _instant(row["to_at"]),
        )
        for row in rows
    ]


def _instant(at: pd.Timestamp) -> datetime | None:
    return None if pd.isna(at) else at.to_pydatetime()
