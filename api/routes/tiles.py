"""Vector tiles and the TileJSON that describes them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from api.deps import BaseUrl, Calling, Now
from gis import tiles
from gis.layers import layer_named
from gis.store import cities
from grids.permissions import Act

router = APIRouter(prefix="/tiles", tags=["tiles"])


@router.get("/{layer}.json", operation_id="tileJson")
def tile_json(caller: Calling, base_url: BaseUrl, layer: str) -> dict[str, Any]:
    """The TileJSON 3 document of a layer."""
    with caller.enter(Act.READ_PLAN, layer=layer) as (tx, _person):
        said = cities.summaries(tx)
    boxes = [row["bounds"] for row in said if row["bounds"]]
    bounds = (
        [min(box[0] for box in boxes), min(box[1] for box in boxes), max(box[2] for box in boxes), max(box[3] for box in boxes)]
        if boxes
        else None
    )
    credits_ = ", ".join(dict.fromkeys(row["attribution"] for row in said if row["attribution"]))
    return tiles.tilejson(layer_named(layer), base_url=base_url, bounds=bounds, attribution=credits_)


@router.get(
    "/{layer}/{z}/{x}/{y}.mvt",
    operation_id="tile",
    response_class=Response,
    responses={200: {"content": {"application/vnd.mapbox-vector-tile": {}}}, 204: {"description": "Nothing to show here."}},
)
def tile(caller: Calling, now: Now, *, layer: str, z: int, x: int, y: int) -> Response:
    """One vector tile of the adopted editions, of the incidents those that the one who asks may read; 204 where there is nothing."""
    with caller.enter(Act.READ_PLAN, layer=layer) as (tx, _person):
        encoded = tiles.tile(tx, layer_named(layer), z=z, x=x, y=y, at=now)
    headers = {"Cache-Control": "private, no-cache"}
    if not encoded:
        return Response(status_code=204, headers=headers)
    return Response(encoded, media_type="application/vnd.mapbox-vector-tile", headers=headers)
