"""The page that explains the programming interface: whole, and without an outside host."""

from __future__ import annotations

from collections.abc import Callable

from tests.web.conftest import Visit


def test_the_interface_is_explained_from_this_server_alone(visit: Callable[..., Visit]) -> None:
    seen = visit()
    seen.page.goto(f"{seen.base}/docs")
    seen.page.get_by_text("/api/v1/locate", exact=True).first.wait_for()
    assert seen.page.get_by_text("/tiles/{layer}/{z}/{x}/{y}.mvt", exact=True).count() == 1
    assert seen.hosts == {"127.0.0.1"}
    assert seen.errors == []
