"""The pages keep to the content security policy that they come with, and the browser holds them to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.web.conftest import Visit

_LISTEN = "window.broken = []; addEventListener('securitypolicyviolation', event => window.broken.push([event.effectiveDirective, event.blockedURI]))"
_BROKEN = "window.broken"


def _visited(visit: Callable[..., Visit], path: str) -> tuple[Visit, Any]:
    seen = visit()
    seen.page.add_init_script(_LISTEN)
    return seen, seen.page.goto(f"{seen.base}{path}")


def test_the_map_breaks_no_policy(visit: Callable[..., Visit]) -> None:
    seen, answer = _visited(visit, "/map")
    seen.wait_until_drawn()
    box = seen.page.locator(".maplibregl-canvas").bounding_box()
    assert box is not None
    seen.page.mouse.click(box["x"] + box["width"] * 0.55, box["y"] + box["height"] * 0.5)
    seen.page.locator(".card h2").wait_for()
    seen.page.mouse.wheel(0, -800)
    seen.wait_until_drawn()
    assert seen.page.evaluate(_BROKEN) == []
    assert seen.errors == []
    assert "script-src 'self';" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_the_explained_interface_breaks_no_policy(visit: Callable[..., Visit]) -> None:
    seen, _ = _visited(visit, "/docs")
    seen.page.get_by_text("/api/v1/cities", exact=True).first.click()
    seen.page.get_by_role("button", name="Try it out").first.click()
    seen.page.get_by_role("button", name="Execute").first.click()
    seen.page.locator(".live-responses-table .response-col_status", has_text="200").first.wait_for()
    assert seen.page.evaluate(_BROKEN) == []
    assert seen.errors == []


@pytest.mark.parametrize("path", ["/map", "/docs"])
def test_the_browser_holds_a_page_to_its_policy(visit: Callable[..., Visit], path: str) -> None:
    seen, _ = _visited(visit, path)
    seen.page.locator("#app *, #docs *").first.wait_for(state="attached")
    seen.page.evaluate(
        """() => {
            for (const [name, values] of [['script', {textContent: 'window.ran = true'}], ['img', {src: 'http://192.0.2.1/a.png'}],
                ['style', {textContent: 'body { color: red }'}], ['iframe', {src: '/map'}]])
                document.body.append(Object.assign(document.createElement(name), values));
            fetch('http://192.0.2.1/').catch(() => {});
        }"""
    )
    seen.until("window.broken.length >= 5")
    broken = {directive for directive, _ in seen.page.evaluate(_BROKEN)}
    assert broken == {"script-src-elem", "img-src", "style-src-elem", "frame-src", "connect-src"}
    assert seen.page.evaluate("window.ran") is None
