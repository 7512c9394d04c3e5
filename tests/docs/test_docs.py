"""The documents say what there is: settings, refusals, dependencies, commands, files, links."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from api.cli import app
from api.problems import KINDS
from gis.settings import Settings
from grids.errors import Refusal
from tests.rooms import ROOT, files, load_all_modules, python_modules

PAGES = [path for path in files() if path.suffix == ".md"]
INVARIANTS, CODEMAP = "What there is none of", "Codemap"


def page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def section(text: str, title: str) -> str:
    return text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of every line of a table but its rules."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def table(text: str) -> dict[str, list[str]]:
    """Rows of all tables by the bare text of their first cell."""
    return {cells[0].strip("` "): cells[1:] for cells in rows(text)}


# --- settings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_explained_in_both_languages(name: str) -> None:
    default, _unit, english, chinese = table(page("docs/settings.md"))[f"WANGGE_{name.upper()}"]
    assert re.search(r"[a-z]{3}", english)
    assert re.search(r"[\u4e00-\u9fff]{2}", chinese)
    declared = Settings.model_fields[name].get_default()
    if isinstance(declared, str | int | float):
        assert default == f"`{declared:g}`" if isinstance(declared, float) else default == f"`{declared}`"


def test_no_setting_is_explained_that_there_is_not() -> None:
    explained = {name for name in table(page("docs/settings.md")) if name.startswith("WANGGE_")}
    assert explained - {f"WANGGE_{name.upper()}" for name in Settings.model_fields} == {"WANGGE_LANGUAGE", "WANGGE_REQUIRE_WEB"}


# --- refusals ------------------------------------------------------------------------------------------------------


def refusals(kind: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    load_all_modules()
    for one in kind.__subclasses__():
        if one.__module__.partition(".")[0] in ("api", "basemaps", "gis", "grids"):
            yield one
            yield from refusals(one)


@pytest.mark.parametrize("refusal", sorted(refusals(), key=lambda one: one.__qualname__), ids=lambda one: one.__qualname__)
def test_every_refusal_has_a_kind_and_is_explained_as_it_is_told(refusal: type[Refusal]) -> None:
    kind = next((KINDS[one] for one in refusal.__mro__ if one in KINDS), None)
    assert kind is not None, "missing in api.problems.KINDS"
    status, exit_code, english, chinese = table(page("docs/problems.md"))[refusal.slug()]
    assert (status, exit_code) == (str(kind.status), str(kind.exit_code))
    assert english
    assert re.search(r"[\u4e00-\u9fff]{2}", chinese)


def test_no_refusal_is_explained_that_there_is_not() -> None:
    explained = {name for name in table(page("docs/problems.md")) if re.fullmatch(r"[a-z]+(-[a-z]+)*", name)}
    assert explained - {refusal.slug() for refusal in refusals()} == {"invalid-request", "unexpected"}


# --- dependencies --------------------------------------------------------------------------------------------------


def direct_dependencies() -> dict[str, set[str]]:
    """The packages of each part of docs/dependencies.md, as the project files name them."""
    project = tomllib.loads(page("pyproject.toml"))
    optional = project["project"]["optional-dependencies"]
    web = json.loads(page("web/package.json"))
    named = {
        "Product": project["project"]["dependencies"],
        "Build": project["build-system"]["requires"],
        "Test": optional["test"],
        "Makers of demo packs": optional["packs"],
    }
    plain = {part: {re.split(r"[\[;<>=~! ]", one, maxsplit=1)[0] for one in packages} for part, packages in named.items()}
    return plain | {"Web": set(web["dependencies"]) | set(web["devDependencies"])}


@pytest.mark.parametrize("part", direct_dependencies())
def test_every_direct_dependency_has_its_reason_and_licence(part: str) -> None:
    explained = table(section(page("docs/dependencies.md"), part))
    del explained["Package"]
    assert set(explained) == direct_dependencies()[part]
    assert [name for name, (why, licence) in explained.items() if not why or not licence] == []


# --- commands ------------------------------------------------------------------------------------------------------


def commands(group: Any, path: str = "wangge") -> Iterator[tuple[str, Any]]:
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if hasattr(command, "list_commands"):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example_and_json_and_is_explained(name: str) -> None:
    command = COMMANDS[name]
    assert re.search(rf"{re.escape(name)}(\s|$)", command.help)
    assert "--json" in [flag for parameter in command.params for flag in parameter.opts]
    [row] = [cells for cells in rows(page("docs/cli.md")) if re.match(rf"`{re.escape(name)}[ `]", cells[0])]
    assert row[-1].startswith(f"`{name}")
    assert re.search(r"[\u4e00-\u9fff]{2}", row[2])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_in_its_synopsis(name: str) -> None:
    [synopsis] = [cells[0] for cells in rows(page("docs/cli.md")) if re.match(rf"`{re.escape(name)}[ `]", cells[0])]
    flags = {flag for parameter in COMMANDS[name].params for flag in (*parameter.opts, *parameter.secondary_opts) if flag.startswith("--")}
    assert {flag for flag in flags if flag not in synopsis} <= {"--json", "--help"}


# --- architecture --------------------------------------------------------------------------------------------------


def test_the_codemap_names_every_module_and_only_files_that_there_are() -> None:
    named = set(re.findall(r"`([\w./-]+\.\w+)`", section(page("ARCHITECTURE.md"), CODEMAP)))
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []
    modules = {str(path.relative_to(ROOT)) for path in python_modules() if path.name != "__init__.py"}
    assert sorted(modules - named) == []


def test_every_test_that_holds_an_invariant_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", section(page("ARCHITECTURE.md"), INVARIANTS))
    assert len(named) > 10
    assert [f"{file}::{test}" for file, test in named if f"def {test}" not in page(file)] == []


def test_architecture_fits_in_a_sitting_and_links_every_decision() -> None:
    text = page("ARCHITECTURE.md")
    assert len(text.splitlines()) <= 200
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [path.name for path in decisions if f"docs/decisions/{path.name}" not in text] == []
    for number, path in enumerate(decisions, 1):
        assert path.name.startswith(f"{number:04d}-")
        assert re.findall(r"^## (.+)$", path.read_text("utf-8"), re.MULTILINE) == ["Context", "Decision", "Consequences"]


# --- every page ----------------------------------------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        if not there.exists() or (anchor and anchor not in anchors(there)):
            lost.append(target)
    assert lost == []


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readme_has_the_two_commands_a_picture_and_what_is_generated(name: str) -> None:
    text = page(name)
    assert "\n./wangge demo\n" in text
    assert "\n./wangge test\n" in text
    assert re.search(r"!\[.+\]\(docs/images/map-(en|zh)-1366x768\.png\)", text)
    assert re.search(r"Generated|生成的部分", text)


def test_both_readmes_have_the_same_parts() -> None:
    def shape(text: str) -> list[int]:
        return [len(re.findall(pattern, text, re.MULTILINE)) for pattern in (r"^## ", r"^```", r"^\| ", r"^- ", r"\]\(")]

    assert shape(page("README.md")) == shape(page("README.zh-CN.md"))


def test_verify_and_check_are_never_swapped() -> None:
    words = table(page("docs/glossary.md"))
    assert (words["verify"][0], words["check"][0]) == ("核实", "核查")
    assert "核查" in words["verify"][-1]
    assert "核实" in words["check"][-1]
