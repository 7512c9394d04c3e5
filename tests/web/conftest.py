"""A headless browser for the tests of the pages: the machine's own chromium, driven by playwright."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, TimeoutError, sync_playwright

ROOT = Path(__file__).parents[2]
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
# Maps are drawn by software here, and nothing of the browser's own may call home.
_FLAGS = (
    *("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-quic"),
)
PATIENCE_MS = 60_000
_COUNT = "window.wanggeMap.queryRenderedFeatures({layers}).length"


@dataclass
class Visit:
    """One open page, what it said on its console, and every host it asked something of."""

    page: Page
    base: str
    errors: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def open(self, hash_: str = "") -> None:
        """Open the map at ``#hash_`` and wait until all of it is drawn."""
        self.page.goto(f"{self.base}/map#{hash_}")
        self.wait_until_drawn()

    def until(self, expression: str, argument: object = None) -> None:
        """Wait until an expression is true in the page; raises playwright's ``TimeoutError``.

        Asked from here again and again: playwright's own waiting evaluates text in the page, which the page's policy forbids.
        """
        until = time.monotonic() + PATIENCE_MS / 1000
        while not self.page.evaluate(expression, argument):
            if time.monotonic() > until:
                raise TimeoutError(f"never true: {expression}")
            self.page.wait_for_timeout(50)

    def wait_until_drawn(self) -> None:
        """Wait until the map shows all that it was asked to show."""
        self.until("window.wanggeReady === true")

    def drawn(self, *layers: str) -> int:
        """How many features of these style layers are on the screen at this moment."""
        return int(self.page.evaluate(f"layers => {_COUNT}", list(layers)))

    def shows(self, *layers: str) -> None:
        """Wait until something of these style layers is on the screen; raises playwright's ``TimeoutError``."""
        self.until(f"layers => {_COUNT} > 0", list(layers))

    def hides(self, *layers: str) -> None:
        """Wait until nothing of these style layers is on the screen; raises playwright's ``TimeoutError``."""
        self.until(f"layers => {_COUNT} === 0", list(layers))

    def place(self) -> tuple[float, float]:
        """Longitude and latitude of the place that the address names."""
        place = self.page.evaluate("new URLSearchParams(location.hash.slice(1)).get('place')")
        lat, lon = (float(part) for part in place.split("/"))
        return lon, lat

    def violations(self) -> list[dict[str, Any]]:
        """What axe finds against WCAG 2.2 A and AA on the page as it is."""
        self.page.evaluate(AXE.read_text("utf-8"))
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
        found = self.page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)
        return [{"id": one["id"], "nodes": [node["html"] for node in one["nodes"]]} for one in found["violations"]]


def _chromium() -> str | None:
    named = os.environ.get("WANGGE_CHROMIUM")
    return named or next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's chromium; `./wangge test` installs it where it is missing."""
    path = _chromium()
    assert path, "no chromium on this machine: run `./wangge test`, which installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, helsinki_server: str) -> Iterator[Callable[..., Visit]]:
    """Opens a fresh page (own storage, own cache) of a size and language on the server with helsinki loaded."""
    contexts = []

    def begin(*, width: int = 1366, height: int = 768, locale: str = "en-GB") -> Visit:
        context = browser.new_context(viewport={"width": width, "height": height}, locale=locale, reduced_motion="reduce")
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        visit = Visit(page, helsinki_server.rstrip("/"))
        page.on("console", lambda message: visit.errors.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: visit.errors.append(str(error)))
        page.on("request", lambda request: visit.hosts.add(urlsplit(request.url).hostname or urlsplit(request.url).scheme))
        return visit

    yield begin
    for context in contexts:
        context.close()
