"""What a browser opens: the map page, its style, and the basemaps."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import FileResponse, RedirectResponse

from api.deps import BaseUrl, Calling, Held
from api.errors import PageNotBuilt
from api.static_files import STATIC
from basemaps.files import basemap_path
from basemaps.palette import Theme
from basemaps.style import MapCity, style
from gis.errors import NoCityDivided, NotFound
from gis.language import Language
from gis.store import cities
from grids.permissions import Act

router = APIRouter(tags=["maps"])


@router.get("/", operation_id="home", include_in_schema=False)
def home() -> RedirectResponse:
    """The map is the first page until there is a public one."""
    return RedirectResponse("/map")


@router.get("/map", operation_id="mapPage", include_in_schema=False)
def map_page() -> FileResponse:
    """The map page."""
    return _page("index.html")


@router.get("/login", operation_id="loginPage", include_in_schema=False)
def login_page() -> FileResponse:
    """The page on which one logs in and out."""
    return _page("login.html")


@router.get("/docs", operation_id="docsPage", include_in_schema=False)
def docs_page() -> FileResponse:
    """The programming interface, explained; everything it needs is served from here."""
    return _page("docs.html")


def _page(name: str) -> FileResponse:
    if not (STATIC / name).is_file():
        raise PageNotBuilt
    return FileResponse(STATIC / name, headers={"Cache-Control": "no-cache"})


@router.get("/styles/{theme}.json", operation_id="style")
def map_style(caller: Calling, base_url: BaseUrl, *, theme: Theme, city: str | None = None, lang: Language = "en") -> dict[str, Any]:
    """The MapLibre style of a city (the last loaded one when none is named)."""
    with caller.enter(Act.READ_PLAN) as (tx, _person):
        row = next((row for row in cities.summaries(tx) if row["bounds"] and city in (None, row["code"])), None)
    if row is None:
        raise NotFound("city with an adopted edition", city) if city else NoCityDivided()
    area_levels = sum(level["kind"] == "area" for level in row["levels"])
    shown = MapCity(row["code"], row["names"], tuple(row["bounds"]), row["attribution"], area_levels=area_levels)
    return style(theme, lang, city=shown, base_url=base_url)


@router.get("/basemaps/{city}.pmtiles", operation_id="basemap", response_class=FileResponse)
def basemap(held: Held, city: str) -> FileResponse:
    """A city's basemap as one PMTiles archive; range requests are answered."""
    path = basemap_path(held.settings.data_dir, city)
    if not path.is_file():
        raise NotFound("basemap", city)
    return FileResponse(path, media_type="application/vnd.pmtiles", headers={"Cache-Control": "no-cache"})
