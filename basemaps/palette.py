"""The themes of the map as data: a new theme is one more entry here, and nothing else changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Theme = Literal["light"]


@dataclass(frozen=True)
class Palette:
    """The colours of one theme, as CSS hexadecimal; every text colour is legible on ``earth`` (WCAG AA)."""

    beyond: str
    """Where the basemap has nothing."""
    earth: str
    green: str
    built: str
    paved: str
    water: str
    building: str
    building_edge: str
    road: str
    road_major: str
    road_edge: str
    path: str
    rail: str
    text: str
    text_soft: str
    text_water: str
    text_green: str
    halo: str
    area: str
    block: str
    segment: str
    incident: str
    incident_edge: str
    selected: str
    duty_grid_edge: str
    duty_grids: tuple[str, ...]
    cell_edge: str
    cell_steps: tuple[tuple[int, str], ...]
    """Least number of incidents of a class, and its colour; rising, the first above zero."""
    changes: tuple[tuple[tuple[str, ...], str], ...]
    """Kinds of change between two editions (``grids.comparison.CHANGES``) that share a colour, and the colour."""


PALETTES: dict[Theme, Palette] = {
    "light": Palette(
        beyond="#efede7",
        earth="#f6f4ef",
        green="#dde9d0",
        built="#f0ede6",
        paved="#ebe8e1",
        water="#b9d5e4",
        building="#e7e2d8",
        building_edge="#d6cfc2",
        road="#ffffff",
        road_major="#fdf1d3",
        road_edge="#d5cec0",
        path="#cfc6b6",
        rail="#b3aca0",
        text="#2b3440",
        text_soft="#566270",
        text_water="#2f6384",
        text_green="#46683a",
        halo="#ffffff",
        area="#5b3a8c",
        block="#57606d",
        segment="#0f6f80",
        incident="#c2410c",
        incident_edge="#ffffff",
        selected="#0b57a4",
        duty_grid_edge="#3f4a5a",
        duty_grids=(
            "#7fb2e5",
            "#f0a868",
            "#8ccb8c",
            "#d69ccb",
            "#e6cd66",
            "#6cc3bb",
            "#e58f8f",
            "#a99be0",
        ),
        cell_edge="#9a5b34",
        cell_steps=(
            (1, "#fdecc0"),
            (5, "#fbc878"),
            (10, "#f19a4d"),
            (25, "#d8622f"),
            (50, "#a3321c"),
        ),
        changes=(
            (("created",), "#1f8a4c"),
            (("removed",), "#c62839"),
            (("split", "merged"), "#7a3fb0"),
            (("moved",), "#1769b5"),
            (("renamed", "another_duty_grid", "another_area"), "#b07a12"),
        ),
    ),
}
