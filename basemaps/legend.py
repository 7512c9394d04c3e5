"""The legend: which overlays a map has and what their colours mean, from the palette that the style draws with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from basemaps.palette import PALETTES, Palette, Theme
from gis.language import Language, translator

OVERLAYS = ("incidents", "duty-grids", "blocks", "segments", "areas", "cells", "changes")
"""Every overlay, in the order of the layer panel. Each is a tile layer of the same name."""

SHOWN_AT_FIRST = frozenset({"incidents", "duty-grids", "blocks", "segments", "areas"})
"""Cells and changes are off at first: they lie over the duty grids' colours."""


@dataclass(frozen=True)
class Swatch:
    """One mark of the legend: its form, its colours as CSS (more than one for a set of colours) and what it means."""

    form: Literal["fill", "line", "dash", "point", "set"]
    colours: tuple[str, ...]
    label: str


@dataclass(frozen=True)
class LegendEntry:
    """What one overlay shows."""

    layer: str
    title: str
    swatches: tuple[Swatch, ...]


def legend(language: Language, *, theme: Theme = "light") -> list[LegendEntry]:
    """The legend's entries in the order of the layer panel, in ``language``, with the colours of ``theme``."""
    _ = translator(language)
    palette = PALETTES[theme]
    entries = {
        "incidents": (
            _("Incidents"),
            (Swatch("point", (palette.incident,), _("one incident")),),
        ),
        "duty-grids": (
            _("Duty grids"),
            (Swatch("set", palette.duty_grids, _("one colour a grid; colours repeat")),),
        ),
        "blocks": (
            _("Blocks (street units)"),
            (Swatch("line", (palette.block,), _("bounded by streets")),),
        ),
        "segments": (
            _("Street segments"),
            (Swatch("line", (palette.segment,), _("street between two junctions")),),
        ),
        "areas": (
            _("Areas"),
            (Swatch("dash", (palette.area,), _("border of an area")),),
        ),
        "cells": (_("H3 cells by incidents"), _cell_swatches(palette, _)),
        "changes": (_("Changes between editions"), _change_swatches(palette, _)),
    }
    return [LegendEntry(layer, *entries[layer]) for layer in OVERLAYS]


def _cell_swatches(palette: Palette, _: Callable[[str], str]) -> tuple[Swatch, ...]:
    least = [step for step, _colour in palette.cell_steps]
    labels = [str(first) if first == following - 1 else f"{first}–{following - 1}" for first, following in pairwise(least)]
    labels.append(_("{first} or more").format(first=least[-1]))
    return tuple(Swatch("fill", (colour,), label) for (_least, colour), label in zip(palette.cell_steps, labels, strict=True))


def _change_swatches(palette: Palette, _: Callable[[str], str]) -> tuple[Swatch, ...]:
    labels = (
        _("new unit"),
        _("unit removed"),
        _("split or merged"),
        _("moved to another unit"),
        _("another code, name, duty grid or area"),
    )
    return tuple(Swatch("fill", (colour,), label) for (_kinds, colour), label in zip(palette.changes, labels, strict=True))
