"""The catalogue of map layers: what each is called, from which zoom it shows, and which fields it has.

Tiles, TileJSON and the map's style all read this, so that a layer is described once. A layer's statement is
`gis/sql/tiles/<name with underscores>.sql`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gis.errors import NotFound

FieldType = Literal["String", "Number", "Boolean"]


@dataclass(frozen=True)
class Layer:
    """One layer: its name in URLs and in tiles, its title by language, zooms, and the type of each field."""

    name: str
    titles: dict[str, str]
    min_zoom: int
    max_zoom: int
    fields: dict[str, FieldType]


LAYERS: dict[str, Layer] = {
    layer.name: layer
    for layer in (
        Layer(
            "areas",
            {"en": "Areas", "zh": "区划"},
            4,
            16,
            {"code": "String", "name": "String", "name_zh": "String", "level": "String", "rank": "Number"},
        ),
        Layer("cells", {"en": "Cells", "zh": "网格单元（H3）"}, 6, 16, {"resolution": "Number", "incidents": "Number"}),
        Layer("blocks", {"en": "Blocks", "zh": "街区单元"}, 12, 16, {"code": "String", "built_up": "Boolean", "duty_grid": "String"}),
        Layer("segments", {"en": "Street segments", "zh": "路段"}, 13, 16, {"code": "String", "name": "String", "road_class": "String"}),
        Layer(
            "duty-grids",
            {"en": "Duty grids", "zh": "责任网格"},
            10,
            16,
            {"code": "String", "name": "String", "name_zh": "String", "owner": "String"},
        ),
        Layer("incidents", {"en": "Incidents", "zh": "事件"}, 13, 16, {"category": "String"}),
        Layer(
            "changes",
            {"en": "Changes between editions", "zh": "版次变化"},
            8,
            16,
            {
                "kind": "String",
                "change": "String",
                "old_code": "String",
                "new_code": "String",
                "area_m2": "Number",
                "incidents": "Number",
                "old_owner": "String",
                "new_owner": "String",
            },
        ),
    )
}


def layer_named(name: str) -> Layer:
    """The layer of that name; raises ``NotFound``."""
    if name not in LAYERS:
        raise NotFound("layer", name)
    return LAYERS[name]
