"""Judging a city pack: everything that is wrong with it, where, and how to mend it. Reads all of it, writes nothing.

An error stops the pack from being loaded. A warning does not: it names rows that will be left out, or small
differences that the dividing of the city mends as docs/city-packs.md says.
"""

from __future__ import annotations

from pathlib import Path

from gis.city_pack import CityPack, read_city_toml
from gis.errors import Finding
from gis.pack_check_areas import check_areas
from gis.pack_check_incidents import check_history
from gis.pack_check_layers import check_layers
from gis.pack_check_lists import Codes, check_categories, check_owners
from gis.pack_check_rosters import check_departments, check_rosters, check_special_units
from gis.pack_findings import Findings
from gis.pack_sources import read_areas, read_given_units


def check(folder: Path) -> list[Finding]:
    """All findings on the pack in ``folder``, errors and warnings, at most 20 rows of one kind of fault in one file.

    Never raises for a fault of the pack. Files are only judged when `city.toml` itself can be read.
    """
    found = Findings()
    pack = found.attempt(read_city_toml, folder)
    if pack is not None:
        _check_files(folder, pack, found)
    return found.all()


def _check_files(folder: Path, pack: CityPack, found: Findings) -> None:
    city = check_areas(folder, pack, found)
    check_layers(folder, pack, found, city=city)
    codes = city.codes
    grids = pack.levels[-1]
    if grids.source is not None:
        drawn = found.attempt(read_areas, folder, grids)
        codes = None if drawn is None or codes is None else codes | {str(code) for code in drawn["code"].dropna()}
    keys = check_categories(folder, pack, found)
    taken = city.upper_codes | (codes or frozenset())
    units = check_special_units(folder, pack, found, city=city, taken=taken)
    owners = check_owners(folder, pack, found, codes=Codes(codes, city.upper_codes, units, _given_blocks(folder, pack, found)))
    check_rosters(folder, pack, found, owners=owners)
    areas = None if city.codes is None else city.codes | city.upper_codes
    check_departments(folder, pack, found, keys=keys, areas=areas)
    for history in pack.incidents:
        check_history(folder, pack, history, found, city=city, keys=keys)


def _given_blocks(folder: Path, pack: CityPack, found: Findings) -> frozenset[str] | None:
    """The codes of the blocks that the city has already, for duties of one; None where blocks are drawn, or cannot be read."""
    if pack.blocks.given is None or pack.owners is None:
        return None
    units = found.attempt(read_given_units, folder, pack.blocks.given.source, pack.blocks.given.columns)
    return None if units is None else frozenset(str(code) for code in units["code"].dropna())
