"""The map as a MapLibre style: a pure function of theme, language and city.

The style names no glyphs, no sprite and no outside host: text is drawn from the fonts of the machine that shows it.
Basemap and overlays are laid in one sandwich (ground, overlay fills, buildings and roads, overlay lines, points,
labels), so that streets stay readable above the colours of the grids.

A layer that belongs to an overlay carries ``metadata["wangge:overlay"]``; the whole style carries the overlays in
``metadata["wangge:overlays"]`` and their legend in ``metadata["wangge:legend"]``, so a page needs nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from basemaps.legend import OVERLAYS, SHOWN_AT_FIRST, legend
from basemaps.palette import PALETTES, Palette, Theme
from gis.language import Language, name_in

Layer = dict[str, Any]

_FALLBACK_FONTS = [
    "Noto Sans CJK SC",
    "PingFang SC",
    "Microsoft YaHei",
    "Noto Sans",
    "sans-serif",
]
# The renderer takes the weight from the first name of a stack and the shapes from the first family that is installed.
_REGULAR = ["Wangge Regular", *_FALLBACK_FONTS]
_MEDIUM = ["Wangge Medium", *_FALLBACK_FONTS]
_BOLD = ["Wangge Bold", *_FALLBACK_FONTS]

_MAJOR = ["highway", "major_road", "medium_road"]
_GREEN = [
    "park",
    "forest",
    "wood",
    "heath",
    "wetland",
    "scrub",
    "grass",
    "meadow",
    "garden",
    "village_green",
    "cemetery",
    "golf_course",
    "nature_reserve",
    "recreation_ground",
]
_BUILT = ["residential", "commercial", "retail", "industrial", "construction", "military", "school", "university", "college", "hospital"]
_PAVED = ["pedestrian", "square", "parking", "pier", "playground", "pitch", "railway"]
_LABEL_ZOOMS = {"areas": 12, "duty-grids": 13}
_ROUND = {"line-cap": "round", "line-join": "round"}


@dataclass(frozen=True)
class MapCity:
    """What a style must know of the city it shows: code, names by language, bounds in degrees (west, south, east, north) and credit."""

    code: str
    names: Mapping[str, str]
    bounds: tuple[float, float, float, float]
    attribution: str = ""
    area_levels: int = 4
    """How many levels of areas the ladder has, the city among them: what is named at which zoom follows from it."""


def style(theme: Theme, language: Language, *, city: MapCity, base_url: str = "") -> dict[str, Any]:
    """The MapLibre style (version 8) of ``city``.

    ``base_url`` (scheme and host, without a final slash) goes before every path; empty gives paths that a page of
    this server resolves itself. Pure: the same arguments give an equal document.
    """
    palette = PALETTES[theme]
    west, south, east, north = city.bounds
    return {
        "version": 8,
        "name": f"Wangge · {name_in(city.names, language)}",
        "center": [round((west + east) / 2, 6), round((south + north) / 2, 6)],
        "zoom": 13,
        "metadata": {
            "wangge:theme": theme,
            "wangge:language": language,
            "wangge:city": city.code,
            "wangge:bounds": [west, south, east, north],
            "wangge:overlays": [{"layer": layer, "visible": layer in SHOWN_AT_FIRST} for layer in OVERLAYS],
            "wangge:legend": [asdict(entry) for entry in legend(language, theme=theme)],
        },
        "sources": _sources(city, base_url),
        "layers": [
            *_ground(palette),
            *_overlay_fills(palette),
            *_water(palette),
            *_buildings(palette),
            *_cells(palette),
            *_changes(palette),
            *_roads(palette),
            *_overlay_lines(palette),
            *_selected(palette),
            *_incidents(palette),
            *_base_labels(palette, language),
            *_overlay_labels(palette, language, lowest_rank=max(1, city.area_levels - 1)),
        ],
    }


def _sources(city: MapCity, base_url: str) -> dict[str, Any]:
    """The basemap, one source an overlay, and for labels of polygons the same tiles from far.

    A polygon that is cut by tiles would be named once in each; the tiles of ``_LABEL_ZOOMS`` are so wide that it
    seldom is, and they are drawn on at every deeper zoom.
    """
    basemap = {"type": "vector", "url": f"pmtiles://{base_url}/basemaps/{city.code}.pmtiles", "attribution": city.attribution}
    overlays = {layer: {"type": "vector", "url": f"{base_url}/tiles/{layer}.json"} for layer in OVERLAYS}
    labels = {
        f"{layer}-labels": {"type": "vector", "tiles": [f"{base_url}/tiles/{layer}/{{z}}/{{x}}/{{y}}.mvt"], "maxzoom": zoom}
        for layer, zoom in _LABEL_ZOOMS.items()
    }
    return {"basemap": basemap, **overlays, **labels}


def _base(identifier: str, kind: str, source_layer: str, **rest: Any) -> Layer:
    return {"id": identifier, "type": kind, "source": "basemap", "source-layer": source_layer, **rest}


def _overlay(identifier: str, kind: str, overlay: str, **rest: Any) -> Layer:
    metadata = {"wangge:overlay": overlay}
    layer: Layer = {"id": identifier, "type": kind, "source": overlay, "source-layer": overlay, "metadata": metadata} | rest
    if overlay not in SHOWN_AT_FIRST:
        layer["layout"] = {**layer.get("layout", {}), "visibility": "none"}
    return layer


def _by_zoom(*stops: float | list[Any], base: float = 1.5) -> list[Any]:
    """Zoom, value, zoom, value …: values that grow smoothly with the zoom."""
    return ["interpolate", ["exponential", base], ["zoom"], *stops]


def _kind_in(kinds: list[str]) -> list[Any]:
    return ["in", ["get", "kind"], ["literal", kinds]]


def _base_name(language: Language) -> list[Any]:
    keys = ["name:zh", "name:zh-Hans", "name"] if language == "zh" else ["name:en", "name"]
    return ["coalesce", *(["get", key] for key in keys)]


def _overlay_name(language: Language) -> list[Any]:
    keys = ["name_zh", "name"] if language == "zh" else ["name", "name_zh"]
    return ["coalesce", *(["get", key] for key in keys), ""]


def _ground(palette: Palette) -> list[Layer]:
    landuse = [
        ("landuse-built", _BUILT, palette.built),
        ("landuse-paved", _PAVED, palette.paved),
        ("landuse-green", _GREEN, palette.green),
    ]
    return [
        {"id": "beyond", "type": "background", "paint": {"background-color": palette.beyond}},
        _base("earth", "fill", "earth", paint={"fill-color": palette.earth}),
        *(_base(name, "fill", "landuse", filter=_kind_in(kinds), paint={"fill-color": colour}) for name, kinds, colour in landuse),
    ]


def _water(palette: Palette) -> list[Layer]:
    """Over the colours of the grids, which would muddy it, and not quite opaque, so that the grids still show."""
    area, course = ["==", ["geometry-type"], "Polygon"], ["==", ["geometry-type"], "LineString"]
    return [
        _base("water", "fill", "water", filter=area, paint={"fill-color": palette.water, "fill-opacity": 0.8}),
        _base(
            "waterways",
            "line",
            "water",
            filter=course,
            layout=_ROUND,
            paint={"line-color": palette.water, "line-width": _by_zoom(10, 0.6, 16, 5)},
        ),
    ]


def _buildings(palette: Palette) -> list[Layer]:
    opacity = ["interpolate", ["linear"], ["zoom"], 13, 0, 14.5, 0.8]
    paint = {"fill-color": palette.building, "fill-outline-color": palette.building_edge, "fill-opacity": opacity}
    return [_base("buildings", "fill", "buildings", minzoom=13, paint=paint)]


def _roads(palette: Palette) -> list[Layer]:
    minor, major = ["==", ["get", "kind"], "minor_road"], _kind_in(_MAJOR)
    path = {"line-color": palette.path, "line-width": _by_zoom(14, 0.6, 18, 2), "line-dasharray": [2, 1.5]}
    rail = {"line-color": palette.rail, "line-width": _by_zoom(12, 0.6, 18, 2)}
    streets = [
        ("roads-minor-edge", 13, minor, palette.road_edge, _by_zoom(12, 1.4, 15, 5.4, 18, 17)),
        ("roads-major-edge", 6, major, palette.road_edge, _by_zoom(8, 1.4, 12, 3.4, 15, 8.6, 18, 24)),
        ("roads-minor", 12, minor, palette.road, _by_zoom(12, 0.6, 15, 4, 18, 15)),
        ("roads-major", 5, major, palette.road_major, _by_zoom(8, 0.8, 12, 2.2, 15, 7, 18, 22)),
    ]
    return [
        _base("roads-path", "line", "roads", minzoom=14.5, filter=["==", ["get", "kind"], "path"], paint=path),
        _base("roads-rail", "line", "roads", minzoom=12, filter=["==", ["get", "kind"], "rail"], paint=rail),
        *(
            _base(name, "line", "roads", minzoom=zoom, filter=kinds, layout=_ROUND, paint={"line-color": colour, "line-width": width})
            for name, zoom, kinds, colour, width in streets
        ),
    ]


def _overlay_fills(palette: Palette) -> list[Layer]:
    """Under water, buildings and roads: the colours of duty grids, and a veil over blocks."""
    by_id: list[Any] = ["match", ["%", ["to-number", ["id"], 0], len(palette.duty_grids)]]
    for remainder, colour in enumerate(palette.duty_grids):
        by_id += [remainder, colour]
    by_id.append(palette.duty_grids[0])
    return [
        _overlay("duty-grids-fill", "fill", "duty-grids", paint={"fill-color": by_id, "fill-opacity": 0.36}),
        _overlay("blocks-fill", "fill", "blocks", paint={"fill-color": palette.halo, "fill-opacity": 0.12}),
    ]


def _cells(palette: Palette) -> list[Layer]:
    count: list[Any] = ["coalesce", ["get", "incidents"], 0]
    classes = [value for step in palette.cell_steps for value in step]
    fill = {"fill-color": ["step", count, "rgba(0, 0, 0, 0)", *classes], "fill-opacity": 0.78}
    return [_overlay("cells-fill", "fill", "cells", paint=fill)]


def _changes(palette: Palette) -> list[Layer]:
    """The ground that changed: blocks as colours, the duty grids' as broad lines around it."""
    colour: list[Any] = ["match", ["get", "change"]]
    for kinds, one in palette.changes:
        colour += [list(kinds), one]
    colour.append(palette.selected)
    of_blocks, of_grids = ["==", ["get", "kind"], "block"], ["==", ["get", "kind"], "duty_grid"]
    fill = {"fill-color": colour, "fill-outline-color": palette.halo, "fill-opacity": 0.6}
    line = {"line-color": colour, "line-width": _by_zoom(8, 1, 14, 3, 18, 6)}
    return [
        _overlay("changes-fill", "fill", "changes", filter=of_blocks, paint=fill),
        _overlay("changes-line", "line", "changes", filter=of_grids, paint=line),
    ]


def _overlay_lines(palette: Palette) -> list[Layer]:
    """Above the roads: where each overlay ends. Areas high on the ladder (low rank) have the broader border."""
    rank: list[Any] = ["coalesce", ["get", "rank"], 3]
    broad: list[Any] = ["max", 1.3, ["-", 4.2, ["*", 0.95, rank]]]
    thin: list[Any] = ["max", 0.7, ["-", 2.4, ["*", 0.6, rank]]]
    lines = [
        ("cells-line", "cells", 12, {"line-color": palette.cell_edge, "line-width": _by_zoom(12, 0.3, 16, 1), "line-opacity": 0.55}),
        (
            "blocks-line",
            "blocks",
            12,
            {"line-color": palette.block, "line-width": _by_zoom(12, 0.3, 15, 0.9, 18, 1.8), "line-opacity": 0.6},
        ),
        (
            "segments-line",
            "segments",
            13,
            {"line-color": palette.segment, "line-width": _by_zoom(13, 0.6, 15, 1.6, 18, 4), "line-opacity": 0.7},
        ),
        ("duty-grids-line", "duty-grids", 8, {"line-color": palette.duty_grid_edge, "line-width": _by_zoom(10, 0.6, 15, 2, 18, 3.5)}),
        (
            "areas-halo",
            "areas",
            4,
            {
                "line-color": palette.halo,
                "line-width": _by_zoom(10, 2.5, 16, ["max", 2.5, ["-", 7, ["*", 1.5, rank]]]),
                "line-opacity": 0.5,
            },
        ),
        ("areas-line", "areas", 4, {"line-color": palette.area, "line-width": _by_zoom(10, thin, 16, broad), "line-dasharray": [3, 1.8]}),
    ]
    return [
        _overlay(name, "line", overlay, minzoom=zoom, layout=_ROUND if name != "areas-line" else {"line-join": "round"}, paint=paint)
        for name, overlay, zoom, paint in lines
    ]


def _selected(palette: Palette) -> list[Layer]:
    """The block of the place that was asked about; the page sets the filter, at first nothing passes it."""
    shared = {
        "metadata": {"wangge:role": "selected-block"},
        "source": "blocks",
        "source-layer": "blocks",
        "filter": ["==", ["get", "code"], ""],
    }
    fill = {"fill-color": palette.selected, "fill-opacity": 0.2}
    line = {"line-color": palette.selected, "line-width": _by_zoom(12, 2, 18, 4)}
    return [
        {"id": "selected-fill", "type": "fill", **shared, "paint": fill},
        {"id": "selected-line", "type": "line", **shared, "layout": {"line-join": "round"}, "paint": line},
    ]


def _incidents(palette: Palette) -> list[Layer]:
    """Small and pale from far, so that many together read as a density; clear dots from near."""
    paint = {
        "circle-color": palette.incident,
        "circle-radius": _by_zoom(10, 0.9, 13, 1.3, 15, 2.6, 18, 7),
        "circle-opacity": ["interpolate", ["linear"], ["zoom"], 10, 0.25, 14, 0.6, 16, 0.85],
        "circle-stroke-color": palette.incident_edge,
        "circle-stroke-width": ["interpolate", ["linear"], ["zoom"], 14.5, 0, 16, 1],
        "circle-stroke-opacity": 0.9,
    }
    return [_overlay("incidents-point", "circle", "incidents", paint=paint)]


def _label(fonts: list[str], size: Any, **layout: Any) -> dict[str, Any]:
    return {"text-font": fonts, "text-size": size, "text-max-width": 8, "text-padding": 10, **layout}


def _base_labels(palette: Palette, language: Language) -> list[Layer]:
    named: list[Any] = ["has", "name"]
    off_path = ["all", named, ["!=", ["get", "kind"], "path"]]
    green = ["all", named, _kind_in(_GREEN)]
    along = {"symbol-placement": "line", "symbol-spacing": 320, "text-padding": 6}
    labels = [
        ("water", 12, 24, named, palette.text_water, _label(_REGULAR, 12)),
        ("landuse", 15, 24, green, palette.text_green, _label(_REGULAR, 11)),
        ("roads", 14, 24, off_path, palette.text_soft, _label(_REGULAR, _by_zoom(14, 11, 18, 14, base=1), **along)),
        ("pois", 16.5, 24, named, palette.text_soft, _label(_REGULAR, 11)),
        ("places", 6, 16, named, palette.text_soft, _label(_MEDIUM, _by_zoom(8, 12, 15, 15, base=1))),
    ]
    name = _base_name(language)
    halo = {"text-halo-color": palette.halo, "text-halo-width": 1.4}
    return [
        _base(
            f"label-{source_layer}",
            "symbol",
            source_layer,
            minzoom=least,
            maxzoom=most,
            filter=kinds,
            layout={"text-field": name, **layout},
            paint={"text-color": colour, **halo},
        )
        for source_layer, least, most, kinds, colour, layout in labels
    ]


def _overlay_labels(palette: Palette, language: Language, *, lowest_rank: int) -> list[Layer]:
    """Last, so that they win the room: who answers for a place matters more than what a shop is called."""
    halo = {"text-halo-color": palette.halo, "text-halo-width": 1.8}
    name = _overlay_name(language)
    rank: list[Any] = ["coalesce", ["get", "rank"], 3]
    with_owner = ["format", name, {}, "\n", {}, ["coalesce", ["get", "owner"], ""], {"font-scale": 0.86}]
    grid_name = ["step", ["zoom"], ["format", name, {}], 16, with_owner]
    area = _label(_BOLD, _by_zoom(8, 11, 15, ["-", 17, rank], base=1), **{"text-padding": 16, "symbol-sort-key": rank})
    grid = _label(_MEDIUM, _by_zoom(15, 12, 17, 14, base=1), **{"text-padding": 28, "text-max-width": 13})
    shared = {"layout": {"text-field": name, **area}, "paint": {"text-color": palette.area, **halo}}
    # The tiles that name areas from afar hold the ranks 1 to 3; the city itself is named by the page. From near only
    # the lowest levels are named, because an area is then larger than the screen. A filter sees whole zooms only.
    from_afar: list[Any] = ["all", [">", rank, 0], ["<", rank, 4]]
    high = [
        "step",
        ["zoom"],
        from_afar,
        *(part for zoom, least in ((13, lowest_rank - 1), (14, lowest_rank)) for part in (zoom, [*from_afar, [">=", rank, least]])),
    ]
    return [
        _overlay("areas-label", "symbol", "areas", source="areas-labels", minzoom=7.5, maxzoom=15, filter=high, **shared),
        _overlay("areas-label-low", "symbol", "areas", minzoom=14, maxzoom=15.5, filter=[">=", rank, 4], **shared),
        _overlay(
            "duty-grids-label",
            "symbol",
            "duty-grids",
            source="duty-grids-labels",
            minzoom=15,
            layout={"text-field": grid_name, **grid},
            paint={"text-color": palette.text, **halo},
        ),
    ]
