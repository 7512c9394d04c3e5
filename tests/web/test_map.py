"""The map page as people use it: both languages, desk and phone, mouse and keyboard, and nothing from outside."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from gis.language import LANGUAGES

Visits = Callable[..., Any]

_SIZES = {"1366x768": (1366, 768), "390x844": (390, 844)}
_IMAGES = Path(__file__).parents[2] / "docs" / "images"
_SEEN_AT_FIRST = {
    "incidents": "incidents-point",
    "duty-grids": "duty-grids-fill",
    "blocks": "blocks-line",
    "segments": "segments-line",
    "areas": "areas-line",
}
_LOCALES = {"zh": "zh-CN", "en": "en-GB"}
_LAYERS = {"zh": "图层", "en": "Layers"}
_GENERATED = {"zh": "生成", "en": "generated"}


def _ask(base: str, path: str) -> Any:
    with urllib.request.urlopen(f"{base}{path}", timeout=30) as reply:
        return json.load(reply)


def _in(names: dict[str, str], language: str) -> str:
    return names.get(language) or names.get("en") or next(iter(names.values()), "")


def _middle(city: dict[str, Any]) -> tuple[float, float]:
    west, south, east, north = city["bounds"]
    return (west + east) / 2, (south + north) / 2


def _click_middle(visit: Any, *, share: float = 0.5) -> None:
    box = visit.page.locator(".maplibregl-canvas").bounding_box()
    visit.page.mouse.click(box["x"] + box["width"] * 0.55, box["y"] + box["height"] * share)
    visit.page.locator(".card h2").wait_for()
    visit.wait_until_drawn()


@pytest.fixture(scope="module")
def city(helsinki_server: str) -> dict[str, Any]:
    """What the server says of the loaded city."""
    cities = _ask(helsinki_server.rstrip("/"), "/api/v1/cities")
    return next(city for city in cities if city["code"] == "helsinki")


@pytest.mark.parametrize("size", _SIZES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_map_opens_with_its_layers_in_each_language_and_size(
    visit: Visits, city: dict[str, Any], language: str, size: str, tmp_path: Path
) -> None:
    width, height = _SIZES[size]
    opened = visit(width=width, height=height, locale=_LOCALES[language])
    opened.open()
    page = opened.page
    assert page.title() == f"{_in(city['names'], language)} · 网格 Wangge"
    assert page.evaluate("document.documentElement.lang") == {"zh": "zh-CN", "en": "en"}[language]
    expect(page.locator(".panel-head")).to_contain_text(_LAYERS[language])
    expect(page.locator(".notice")).to_have_text(_in(city["notice"], language))
    # Nobody is logged in, so no incident is shown; what else there is, is.
    drawn = {name for name, layer in _SEEN_AT_FIRST.items() if opened.drawn(layer) > 0}
    assert drawn == _SEEN_AT_FIRST.keys() - {"incidents"}
    opened.shows("roads-minor", "roads-major")
    folder = _IMAGES if os.environ.get("WANGGE_UPDATE_SCREENSHOTS") == "1" else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    if width > height:
        _click_middle(opened)
        opened.shows("selected-line")
        opened.wait_until_drawn()
    page.screenshot(path=folder / f"map-{language}-{size}.png")
    assert opened.violations() == []
    assert opened.hosts <= {"127.0.0.1", "localhost", "blob", "data"}
    assert opened.errors == []


def test_chinese_is_drawn_with_real_glyphs(visit: Visits) -> None:
    opened = visit(locale="zh-CN")
    opened.open()
    different = opened.page.evaluate(
        """() => {
            const draw = (text) => {
                const canvas = Object.assign(document.createElement('canvas'), {width: 64, height: 64});
                const pen = canvas.getContext('2d');
                pen.font = '48px ' + getComputedStyle(document.body).fontFamily;
                pen.fillText(text, 4, 52);
                return canvas.toDataURL();
            };
            return new Set(['网', '格', '街', '\\u{10ffff}', '\\u{10fffe}'].map(draw)).size;
        }"""
    )
    assert different >= 4, "the Chinese characters look alike: the machine has no Chinese font"


@pytest.mark.parametrize("language", LANGUAGES)
def test_click_tells_who_answers_and_marks_the_block(visit: Visits, city: dict[str, Any], language: str) -> None:
    opened = visit(locale=_LOCALES[language])
    opened.open()
    _click_middle(opened)
    lon, lat = opened.place()
    place = _ask(opened.base, f"/api/v1/locate?lon={lon}&lat={lat}&datum=wgs84")
    assert place["how"] in ("inside", "border")
    card = opened.page.locator(".card")
    # The middle of the city is its railway station, a special unit with an owner of its own.
    assert place["dispatch"]["level"] == "special_unit"
    owner = place["dispatch"]["by"]
    assert owner != place["owner"]
    expect(card).to_contain_text(place["dispatch"]["sentence"][language])
    # The badge says that a name is generated, so the heading does not say it again.
    badge = _GENERATED[language] if owner["generated"] else ""
    expect(card.locator("h2")).to_have_text(f"{owner['name'].split(' (generated')[0]} {badge}".strip())
    rungs = [_in(rung["names"], language) for rung in place["ladder"]]
    expect(card.locator(".rung-name")).to_have_text(rungs)
    assert place["ladder"][0]["level"] == "duty_grid"
    assert place["ladder"][-1]["level"] == city["levels"][0]["key"]
    expect(card).to_contain_text(place["cell"])
    expect(card).to_contain_text(place["street_unit"]["code"])
    expect(card).to_contain_text(place["segment"]["code"])
    opened.shows("selected-line")
    expect(opened.page.locator(".maplibregl-marker")).to_have_count(1)
    opened.page.keyboard.press("Escape")
    expect(card).to_have_count(0)
    opened.wait_until_drawn()
    opened.hides("selected-line")
    assert opened.errors == []


def test_place_outside_the_city_says_so(visit: Visits, city: dict[str, Any]) -> None:
    opened = visit()
    west, south, _, _ = city["bounds"]
    opened.open(f"lang=en&place={south - 0.05}/{west - 0.05}")
    expect(opened.page.locator(".card h2")).to_have_text("Outside the city")
    expect(opened.page.locator(".card")).to_contain_text(_in(city["names"], "en"))
    assert opened.errors == []


def test_language_switch_changes_page_and_map_without_reload(visit: Visits, city: dict[str, Any]) -> None:
    opened = visit(locale="zh-CN")
    opened.open("lang=zh")
    _click_middle(opened)
    page = opened.page
    page.evaluate("window.sameDocument = true")
    label = "window.wanggeMap.getStyle().layers.find(layer => layer.id === 'areas-label').layout['text-field']"
    drawn = "window.wanggeMap.queryRenderedFeatures({layers: ['areas-label', 'duty-grids-label']}).length"
    before = page.evaluate(label)
    assert page.evaluate(drawn) > 0
    page.get_by_role("button", name="English").click()
    expect(page.locator(".panel-head")).to_contain_text("Layers")
    expect(page.locator(".eyebrow")).to_have_text("Who answers here")
    opened.until(f"JSON.stringify({label}) !== {json.dumps(json.dumps(before, separators=(',', ':'), ensure_ascii=False))}")
    opened.wait_until_drawn()
    assert page.evaluate(drawn) > 0
    assert page.evaluate("window.sameDocument") is True
    assert page.title().startswith(_in(city["names"], "en"))
    assert "lang=en" in page.url
    assert page.locator(".maplibregl-canvas").get_attribute("aria-label").startswith("Map.")
    opened.shows("selected-line")
    assert opened.errors == []


def test_layers_are_switched_and_the_address_keeps_them(visit: Visits) -> None:
    opened = visit()
    opened.open("lang=en")
    page = opened.page
    page.get_by_label("H3 cells by incidents").check()
    page.get_by_label("Incidents", exact=False).first.uncheck()
    opened.wait_until_drawn()
    opened.shows("cells-fill")
    opened.hides("incidents-point")
    page.locator(".controls button").first.click()
    opened.wait_until_drawn()
    again = visit()
    again.open(page.url.split("#")[1])
    again.shows("cells-fill")
    again.hides("incidents-point")
    centre = "(({lng, lat}) => [lng, lat])(window.wanggeMap.getCenter())"
    assert again.page.evaluate(centre) == pytest.approx(page.evaluate(centre), abs=1e-4)
    assert again.page.evaluate("window.wanggeMap.getZoom()") == pytest.approx(page.evaluate("window.wanggeMap.getZoom()"), abs=0.02)


def test_keyboard_alone_reaches_the_map_and_its_answer(visit: Visits) -> None:
    opened = visit()
    opened.open("lang=en")
    page = opened.page
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the map")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".maplibregl-canvas")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".card .owner")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".card")).to_have_count(0)


@pytest.mark.parametrize("size", _SIZES)
def test_whatever_is_pressed_is_large_enough_and_nothing_overflows(visit: Visits, size: str) -> None:
    width, height = _SIZES[size]
    opened = visit(width=width, height=height)
    opened.open("lang=en")
    page = opened.page
    if width < height:
        page.locator(".panel-head").click()
        assert opened.violations() == []
    small = page.evaluate(
        """() => [...document.querySelectorAll('button, select, label')].filter(one => one.offsetParent)
            .map(one => [one.textContent || one.ariaLabel, one.getBoundingClientRect()])
            .filter(([, box]) => box.width < 44 || box.height < 44).map(([name]) => name)"""
    )
    assert small == []
    if width < height:
        page.locator(".panel-head").click()
    _click_middle(opened, share=0.3)
    assert opened.violations() == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    marker = page.locator(".maplibregl-marker").bounding_box()
    card = page.locator(".card").bounding_box()
    clear = marker["y"] + marker["height"] <= card["y"] or marker["x"] + marker["width"] <= card["x"]
    assert clear, "the card covers the place it tells about"


def test_server_that_does_not_answer_is_told_and_asked_again(visit: Visits) -> None:
    opened = visit()
    page = opened.page
    page.route("**/api/v1/cities", lambda route: route.abort())
    page.goto(f"{opened.base}/map#lang=en")
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer")
    expect(page.get_by_role("alert")).to_contain_text("./wangge demo")
    assert opened.violations() == []
    page.unroute("**/api/v1/cities")
    page.get_by_role("button", name="Try again").click()
    opened.wait_until_drawn()
    opened.shows("blocks-line")


def test_lookup_that_fails_is_told_in_the_card(visit: Visits) -> None:
    opened = visit()
    opened.open("lang=zh")
    opened.page.route("**/api/v1/locate*", lambda route: route.abort())
    box = opened.page.locator(".maplibregl-canvas").bounding_box()
    opened.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(opened.page.locator(".card").get_by_role("alert")).to_contain_text("服务器没有响应")
    opened.page.unroute("**/api/v1/locate*")
    opened.page.locator(".card").get_by_role("button", name="重试").click()
    expect(opened.page.locator(".card .owner")).to_be_visible()


def test_no_city_names_the_command_that_loads_one(visit: Visits) -> None:
    opened = visit()
    opened.page.route("**/api/v1/cities", lambda route: route.fulfill(json=[]))
    opened.page.goto(f"{opened.base}/map#lang=zh")
    expect(opened.page.locator(".screen")).to_contain_text("尚未载入城市")
    expect(opened.page.locator(".screen code")).to_have_text("./wangge demo")
    assert opened.violations() == []
    assert opened.errors == []
