"""The tiny pack with all that can be said of who answers: special units, shifts, leave, departments, duties over the ladder."""

from __future__ import annotations

from pathlib import Path

from tests.tiny_pack import COMMUNITIES, feature, read_rows, square, write_features, write_rows, write_tiny_pack

A, B, C, D = COMMUNITIES

CITY_TOML = """
[[special_units]]
source = { file = "special_units.geojson", datum = "wgs84", origin = "generated" }
columns = { names = { en = "name_en", zh = "name_zh" } }

[shifts]
source = { file = "shifts.csv" }

[leaves]
source = { file = "leaves.csv" }

[departments]
source = { file = "departments.csv" }

[department_leads]
source = { file = "department_leads.csv" }
"""

PARK, SCHOOL, MARKET = "P-1", "P-2", "P-3"
"""The school lies in the park; the market lies over the border of two communities and has no owner."""


def write_rich_pack(folder: Path) -> Path:
    """Write the pack into ``folder``, which is made, and give the folder back."""
    write_tiny_pack(folder)
    path = folder / "city.toml"
    path.write_text(path.read_text("utf-8") + CITY_TOML, "utf-8")
    write_features(
        folder / "special_units.geojson",
        [
            feature("Polygon", [square(0.1, 0.1, 0.8, 0.8)], code=PARK, name_en="Park", name_zh="公园"),
            feature("Polygon", [square(0.2, 0.2, 0.2, 0.2)], code=SCHOOL, name_en="School", name_zh="学校"),
            feature("Polygon", [square(1.8, 0.5, 0.4, 0.2)], code=MARKET, name_en="Market", name_zh="菜场"),
        ],
    )
    header, rows = read_rows(folder / "owners.csv")
    rows += [
        ["K1", "Park keeper", PARK, "owner"],
        ["S1", "Head of school", SCHOOL, "owner"],
        ["S2", "Deputy of school", SCHOOL, "deputy"],
        ["W1", "Officer of the West District", "310101", "owner"],
    ]
    write_rows(folder / "owners.csv", header, rows)
    write_rows(
        folder / "shifts.csv",
        ["owner", "days", "from", "to"],
        [
            ["S1", "mon-fri", "08:00", "16:00"],
            ["S2", "mon-fri", "08:00", "18:00"],
            ["O1", "mon-sun", "06:00", "22:00"],
            ["D1", "mon-sun", "22:00", "06:00"],
        ],
    )
    write_rows(folder / "leaves.csv", ["owner", "from", "to"], [["K1", "2026-06-10", "2026-06-20"], ["O2", "2026-06-01", "2026-07-01"]])
    write_rows(
        folder / "departments.csv",
        ["code", "name_en", "name_zh"],
        [
            ["urban", "Urban Management", "城管执法局"],
            ["water", "Water Authority", "水务局"],
            ["west", "West District Bureau", "西区管理局"],
        ],
    )
    write_rows(
        folder / "department_leads.csv",
        ["department", "category", "area", "from", "to"],
        [
            ["urban", "matter:07*", "", "", ""],
            ["urban", "component:02*", "", "", "2026-07-01"],
            ["water", "component:02*", "", "2026-07-01", ""],
            ["west", "matter:07*", "310101", "", ""],
            ["water", "component:01001", "", "", ""],
        ],
    )
    return folder
