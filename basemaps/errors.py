"""What the drawing room refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from grids.errors import Refusal


@dataclass(eq=False)
class UnknownLayer(Refusal):
    """A frame was given for a layer that a basemap does not have."""

    layer: str
    template: ClassVar[str] = "A basemap has no layer {layer}."
    mend: ClassVar[str] = "Use earth, water, landuse, roads, buildings, places or pois."


@dataclass(eq=False)
class BasemapNotBuilt(Refusal):
    """The tiles of a basemap could not be cut."""

    detail: str
    template: ClassVar[str] = "The basemap could not be built: {detail}"
    mend: ClassVar[str] = "Check that there is room on the disk and run 'wangge doctor'."
    translated: ClassVar[tuple[str, ...]] = ("detail",)
