"""The build hook builds only what changed, and a machine that cannot build the pages can still install."""

from __future__ import annotations

import gettext
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    """The hook's module, loaded from its file as hatchling does."""
    spec = importlib.util.spec_from_file_location("hatch_build", _ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree whose pages cannot be built: its lock file does not fit its package.json."""
    web = tmp_path / "web"
    (web / "src").mkdir(parents=True)
    (web / "src" / "main.ts").write_text("export {};\n", "utf-8")
    (web / "package.json").write_text('{"name": "w", "version": "1.0.0", "dependencies": {"preact": "1.0.0"}}', "utf-8")
    (web / "package-lock.json").write_text('{"name": "w", "lockfileVersion": 3, "packages": {}}', "utf-8")
    (tmp_path / "api").mkdir()
    return tmp_path


def test_digest_follows_sources_and_not_installed_packages(hook: ModuleType, tree: Path) -> None:
    web = tree / "web"
    before = hook.digest_of_sources(web)
    (web / "node_modules" / "preact").mkdir(parents=True)
    (web / "node_modules" / "preact" / "index.js").write_text("1", "utf-8")
    assert hook.digest_of_sources(web) == before
    (web / "src" / "main.ts").write_text("export const one = 1;\n", "utf-8")
    assert hook.digest_of_sources(web) != before


def test_a_build_that_fails_is_told_and_leaves_the_former_pages(hook: ModuleType, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANGGE_REQUIRE_WEB", raising=False)
    static = tree / "api" / "static"
    static.mkdir()
    (static / "index.html").write_text("former", "utf-8")
    reason = hook.make_all(tree)
    assert reason is not None
    assert "were not built" in reason
    assert (static / "index.html").read_text("utf-8") == "former"
    assert [path.name for path in (tree / "api").iterdir()] == ["static"]


def test_a_build_that_fails_is_an_error_where_pages_are_required(hook: ModuleType, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGE_REQUIRE_WEB", "1")
    with pytest.raises(RuntimeError, match="were not built"):
        hook.make_all(tree)


def test_pages_that_are_up_to_date_are_not_built_again(hook: ModuleType, tree: Path) -> None:
    static = tree / "api" / "static"
    static.mkdir()
    (static / ".stamp").write_text(hook.digest_of_sources(tree / "web"), "utf-8")
    assert hook.build_pages(tree) is False
    (tree / "web" / "src" / "other.ts").write_text("export {};\n", "utf-8")
    assert "were not built" in hook.make_all(tree)


def test_catalogues_are_compiled_beside_their_sources(hook: ModuleType, tree: Path) -> None:
    folder = tree / "gis" / "locale" / "zh_CN" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    (folder / "wangge.po").write_text(f'{head}msgid "Duty grids"\nmsgstr "责任网格"\n', "utf-8")
    assert hook.compile_catalogues(tree) == [folder / "wangge.mo"]
    with (folder / "wangge.mo").open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("Duty grids") == "责任网格"


def test_the_lock_file_names_no_registry() -> None:
    lock = (_ROOT / "web" / "package-lock.json").read_text("utf-8")
    assert '"resolved"' not in lock


def test_every_page_is_built_from_its_sources(hook: ModuleType) -> None:
    static = _ROOT / "api" / "static"
    assert (static / ".stamp").read_text("utf-8") == hook.digest_of_sources(_ROOT / "web"), (
        "api/static is older than web/: run ./wangge test"
    )
