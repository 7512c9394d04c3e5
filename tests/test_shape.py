"""Rules of the code's shape that neither ruff nor import-linter can see."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from gis.layers import LAYERS
from tests.rooms import ROOT, files, python_modules

MODULES = python_modules()
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "service", "services"}
# Joined here, so that this file does not hold what it looks for.
UNWANTED = ["../" + "shared", *(f"{host}.{end}" for host, end in (
    ("pypi", "org"), ("files.pythonhosted", "org"), ("registry.npmjs", "org"), ("registry.yarnpkg", "com"), ("registry.npmmirror", "com"),
    ("tuna.tsinghua.edu", "cn"), ("mirrors.aliyun", "com"), ("static.crates", "io"), ("proxy.golang", "org"),
))]  # fmt: skip
ABSOLUTE = re.compile(r"(?<![\w./-])/" + r"work/")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imports_of(path: Path) -> set[str]:
    """The modules that a file imports, by their full names."""
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def calls_in(path: Path) -> Iterator[str]:
    """What a file calls, as it is written: ``np.random.default_rng()``, ``open(path)``."""
    yield from (ast.unparse(node) for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call))


def public_functions(folder: str) -> list[Callable[..., object]]:
    """The public functions of the modules of a folder, but for those of store/geometry.py, which reads no rows."""
    found = []
    for path in sorted((ROOT / folder).glob("*.py")):
        module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
        found += [
            thing
            for name, thing in vars(module).items()
            if inspect.isfunction(thing) and thing.__module__ == module.__name__ and name[0] != "_" and path.name != "geometry.py"
        ]
    return found


# --- every file ----------------------------------------------------------------------------------------------------


def test_no_file_names_a_registry_or_a_folder_of_one_machine() -> None:
    seen, bad = 0, []
    for path in files():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        seen += 1
        bad += [f"{name_of(path)}: {word}" for word in UNWANTED if word in text]
        bad += [f"{name_of(path)}: {found[0]}" for found in ABSOLUTE.finditer(text)]
    assert seen > 150
    assert bad == []


def test_modules_are_short_and_named_for_what_they_hold() -> None:
    pages = [path for path in files() if path.suffix in (".ts", ".tsx")]
    assert len(MODULES) > 60
    assert len(pages) > 10
    assert {name_of(path): lines for path in (*MODULES, *pages) if (lines := len(path.read_text("utf-8").splitlines())) > 400} == {}
    assert [name_of(path) for path in files() if path.suffix in (".py", ".ts", ".tsx") and path.stem in BANNED_NAMES] == []


# --- the rooms -----------------------------------------------------------------------------------------------------


def test_grids_reads_no_clock_environment_or_file() -> None:
    outside = {"os", "sys", "io", "time", "pathlib", "random", "secrets", "uuid", "logging", "subprocess", "threading", "tempfile"}
    reading = re.compile(
        r"open\(|print\(|input\(|.*\.(now|today|utcnow|read_text|read_bytes)\(|np\.random\.(?!default_rng\(.+\)|Generator)"
    )
    modules = [path for path in MODULES if path.relative_to(ROOT).parts[0] == "grids"]
    assert len(modules) > 10
    for path in modules:
        assert {name.partition(".")[0] for name in imports_of(path)} & outside == set(), name_of(path)
        assert [call for call in calls_in(path) if reading.match(call)] == [], name_of(path)


def test_no_geometry_in_python_on_the_tile_path() -> None:
    geometry = {"shapely", "geopandas", "geoalchemy2", "numpy", "grids"}
    for name in ("gis/tiles.py", "api/routes/tiles.py"):
        named = [one for one in imports_of(ROOT / name) if not one.startswith("grids.permissions")]
        assert {one.partition(".")[0] for one in named} & geometry == set(), name


def test_store_and_actions_never_end_a_transaction() -> None:
    paths = [path for path in MODULES if path.relative_to(ROOT).parts[:2] in (("gis", "store"), ("gis", "actions"))]
    assert len(paths) > 8
    ending = re.compile(r".*\.(commit|rollback|begin|begin_nested|connect)\(|.*transaction\(|.*(?i:['\"]\s*(commit|rollback)\b)")
    assert {name_of(path): ended for path in paths if (ended := [call for call in calls_in(path) if ending.match(call)])} == {}


@pytest.mark.parametrize("act", public_functions("gis/actions"), ids=lambda act: act.__name__)
def test_an_act_takes_the_transaction_first_and_the_instant_by_name(act: Callable[..., object]) -> None:
    parameters = inspect.signature(act).parameters
    assert next(iter(parameters)) == "tx"
    assert parameters["now"].kind is inspect.Parameter.KEYWORD_ONLY


@pytest.mark.parametrize("function", public_functions("gis/store"), ids=lambda function: f"{function.__module__}.{function.__name__}")
def test_a_function_of_the_store_takes_the_transaction_first(function: Callable[..., object]) -> None:
    parameters = inspect.signature(function).parameters
    assert next(iter(parameters)) == "tx"
    assert "now" not in parameters or parameters["now"].kind is inspect.Parameter.KEYWORD_ONLY


# --- statements ----------------------------------------------------------------------------------------------------

STATEMENTS = sorted((ROOT / "gis" / "sql").rglob("*.sql"))


@pytest.mark.parametrize("path", STATEMENTS, ids=name_of)
def test_every_statement_says_its_purpose_and_parameters(path: Path) -> None:
    text = path.read_text("utf-8")
    purpose, parameters = text.splitlines()[:2]
    assert re.match(r"-- Purpose: \w", purpose)
    assert re.match(r"-- Parameters: \w", parameters)
    head = re.match(r"(--.*\n)+", text)
    assert head is not None
    asked = set(re.findall(r"(?<![:\w]):([a-z]\w*)", text[head.end() :]))
    told = head[0].partition("-- Parameters:")[2]
    assert [name for name in sorted(asked) if not re.search(rf"\b{name}\b", told)] == []


def test_every_statement_is_used_and_every_one_used_is_there() -> None:
    code = "\n".join(path.read_text("utf-8") for path in MODULES if path.relative_to(ROOT).parts[0] == "gis")
    used = set(re.findall(r"\b(?:statement\(|document\(tx, )\"([\w/]+)\"", code)) | {f"tiles/{name.replace('-', '_')}" for name in LAYERS}
    assert used == {str(path.relative_to(ROOT / "gis" / "sql").with_suffix("")) for path in STATEMENTS}
