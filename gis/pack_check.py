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
from gis.pack_check_lists import check_categories, check_owners
from gis.pack_findings import Findings
from gis.pack_sources import read_areas


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
    if pack.owners is not None:
        check_owners(folder, pack, found, codes=codes, upper_codes=city.upper_codes)
    for history in pack.incidents:
        check_history(folder, pack, history, found, city=city, keys=keys)
