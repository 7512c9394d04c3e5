"""Every message of the program, found in its source, and the Chinese catalogue that translates them.

A message is English text in the code that a door hands to gettext; `collect` knows the places where it may stand.
`python -m tests.docs.messages` brings the catalogue up to date: it adds new messages without a translation, removes
those that are gone, and keeps the order of the source. A message that cannot be read from the source as it stands
(an f-string, a sum) is an error, because it could never be translated.
"""

from __future__ import annotations

import ast
import io
import string
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[2]
CATALOGUE = ROOT / "gis" / "locale" / "zh_CN" / "LC_MESSAGES" / "wangge.po"
ROOMS = ("grids", "gis", "basemaps", "api")

_HEADER = r"""# The Chinese of Wangge's messages. Kept by: python -m tests.docs.messages
msgid ""
msgstr ""
"Project-Id-Version: Wangge\n"
"Language: zh_CN\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"

"""
_TRANSLATORS = {"_", "say", "translate"}
_TELLERS = {"progress", "step"}
_PARTS = ("template", "mend")
_TABLES = {"_WORDS"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def collect(root: Path = ROOT) -> Found:
    """All messages of the four rooms, in the order of the source, and the places where one cannot be read."""
    trees = {path: ast.parse(path.read_text("utf-8")) for room in ROOMS for path in sorted((root / room).rglob("*.py"))}
    carriers = {name: fields for tree in trees.values() for name, fields in _carriers(tree)}
    found = Found()
    for path, tree in trees.items():
        _Reader(path.relative_to(root).as_posix(), tree, carriers, found).read()
    return found


def placeholders(message: str) -> set[tuple[str, str, str]]:
    """The places that a message is filled in at: name, conversion and format of each."""
    return {(name, conversion or "", form or "") for _, name, form, conversion in string.Formatter().parse(message) if name is not None}


def translations(path: Path = CATALOGUE) -> dict[str, str]:
    """English to Chinese as the catalogue has it, also where the Chinese is still empty."""
    with path.open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file, abort_invalid=True) if message.id}


def update(path: Path = CATALOGUE) -> list[str]:
    """Write the catalogue again for what the source says now; the messages that have no translation yet."""
    found = collect()
    known = translations(path) if path.exists() else {}
    catalogue = Catalog(locale="zh_CN", fuzzy=False)
    for message, places in found.messages.items():
        files = dict.fromkeys(place.rsplit(":", 1)[0] for place in places)
        entry = catalogue.add(message, known.get(message, ""), locations=[(file, None) for file in files])
        entry.flags.clear()  # babel takes "50 % of" for a format of its own
    path.parent.mkdir(parents=True, exist_ok=True)
    written = io.BytesIO()
    write_po(written, catalogue, width=10_000, omit_header=True)
    path.write_bytes(_HEADER.encode() + written.getvalue().rstrip() + b"\n")
    return [message for message in found.messages if not known.get(message)]


def _carriers(tree: ast.Module) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """Classes whose `translated` fields hold messages: each with position and name of those fields among its own and inherited ones."""
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    for name, node in classes.items():
        chain = _line(node, classes)
        words = next((_assigned(one)["translated"] for one in chain if "translated" in _assigned(one)), None)
        if isinstance(words, ast.Tuple):
            names = list(dict.fromkeys(said for one in reversed(chain) for said in _fields(one)))
            wanted = [word.value for word in words.elts if isinstance(word, ast.Constant)]
            yield name, [(names.index(str(word)), str(word)) for word in wanted if word in names]


def _line(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> list[ast.ClassDef]:
    """A class and those above it in the same module, nearest first."""
    above = [classes[base.id] for base in node.bases if isinstance(base, ast.Name) and base.id in classes]
    return [node, *(one for base in above for one in _line(base, classes))]


def _assigned(node: ast.ClassDef) -> dict[str, ast.expr]:
    pairs = {}
    for one in node.body:
        target = one.targets[0] if isinstance(one, ast.Assign) else one.target if isinstance(one, ast.AnnAssign) else None
        if isinstance(target, ast.Name) and one.value is not None:
            pairs[target.id] = one.value
    return pairs


def _fields(node: ast.ClassDef) -> list[str]:
    """The dataclass fields that a class declares."""
    return [
        one.target.id
        for one in node.body
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and "ClassVar" not in ast.unparse(one.annotation)
    ]


@dataclass
class Found:
    """Messages with the places where they stand (file:line), and the places where there is one that cannot be read."""

    messages: dict[str, list[str]] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)


class _Reader:
    """Reads the messages of one module."""

    def __init__(self, file: str, tree: ast.Module, carriers: dict[str, list[tuple[int, str]]], found: Found) -> None:
        self.file, self.tree, self.carriers, self.found = file, tree, carriers, found
        self.above = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}

    def read(self) -> None:
        nodes = [node for node in ast.walk(self.tree) if isinstance(node, (ast.Call, ast.ClassDef, ast.Assign))]
        for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):
            if isinstance(node, ast.Call):
                for expression in self.said_in(node):
                    self.keep(expression)
            elif isinstance(node, ast.ClassDef):
                self.read_class(node)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in _TABLES:
                for expression in node.value.values if isinstance(node.value, ast.Dict) else [node.value]:
                    self.keep(expression)

    def read_class(self, node: ast.ClassDef) -> None:
        """`template` and `mend` of a class, and the words that a translated field may be."""
        assigned = _assigned(node)
        for name in _PARTS:
            if name in assigned:
                self.keep(assigned[name])
        words = assigned.get("translated")
        wanted = {word.value for word in words.elts if isinstance(word, ast.Constant)} if isinstance(words, ast.Tuple) else set()
        for one in node.body:
            if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
                has_words = one.target.id in wanted or one.target.id in dict(map(reversed, self.carriers.get(node.name, [])))
                if has_words and isinstance(one.annotation, ast.Subscript) and ast.unparse(one.annotation.value) == "Literal":
                    choices = one.annotation.slice
                    for choice in choices.elts if isinstance(choices, ast.Tuple) else [choices]:
                        self.keep(choice)
                elif has_words and one.value is not None:
                    self.keep(one.value)

    def said_in(self, call: ast.Call) -> Iterator[ast.expr]:
        """The expressions of a call that are messages."""
        name = call.func.id if isinstance(call.func, ast.Name) else call.func.attr if isinstance(call.func, ast.Attribute) else ""
        yield from (keyword.value for keyword in call.keywords if keyword.arg in _PARTS)
        if name in _TRANSLATORS | _TELLERS:
            yield from call.args[:1]
        elif name == "Finding":
            yield from call.args[1:3]
        elif name in {"_refusal", "Kind"}:
            yield from call.args[2:3]
        elif name == "lock":
            yield from call.args[1:2]
        elif name == "ValueError" and self.in_a_model(call):
            yield from call.args[:1]
        for at, member in self.carriers.get(name, []):
            yield from call.args[at : at + 1]
            yield from (keyword.value for keyword in call.keywords if keyword.arg == member)

    def in_a_model(self, node: ast.AST) -> bool:
        """Whether pydantic runs this: it tells the words of a `ValueError` of a validator."""
        while node := self.above.get(node):  # type: ignore[assignment] - ends with the module
            if isinstance(node, ast.FunctionDef) and any("validator" in ast.unparse(one) for one in node.decorator_list):
                return True
        return False

    def keep(self, expression: ast.expr) -> None:
        """Keep what an expression says; note it when that cannot be read."""
        for said in self.resolved(expression):
            if said.value is None:
                self.found.unreadable.append(f"{self.file}:{said.line}: {said.source}")
            elif said.value:
                self.found.messages.setdefault(said.value, []).append(f"{self.file}:{said.line}")

    def resolved(self, expression: ast.expr) -> Iterator[_Said]:
        """The texts that an expression can be; nothing for what was said elsewhere (a parameter, a member, a look-up)."""
        match expression:
            case ast.Constant(value=str(text)):
                yield _Said(text, expression.lineno, "")
            case ast.JoinedStr() | ast.BinOp():
                yield _Said(None, expression.lineno, ast.unparse(expression))
            case _:
                for choice in self.choices(expression):
                    yield from self.resolved(choice)

    def choices(self, expression: ast.expr) -> list[ast.expr]:
        """The expressions of which this one is one."""
        match expression:
            case ast.IfExp():
                return [expression.body, expression.orelse]
            case ast.BoolOp():
                return expression.values
            case ast.Name():
                return list(self.values_of(expression))
            case ast.Call(func=ast.Attribute(attr="get")):
                return expression.args[1:2]
        return []

    def values_of(self, name: ast.Name) -> Iterator[ast.expr]:
        """What is assigned to a name in the function around it and in those around that, else in the module."""
        scope: ast.AST | None = self.above.get(name)
        while scope is not None:
            if isinstance(scope, (*_FUNCTIONS, ast.Module)):
                values = list(_assignments(scope, name.id))
                yield from values
                if values:
                    return
            scope = self.above.get(scope)


def _assignments(scope: ast.AST, name: str) -> Iterator[ast.expr]:
    for node in ast.walk(scope):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            if isinstance(target, ast.Name) and target.id == name:
                yield node.value
            elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                yield from (value for one, value in zip(target.elts, node.value.elts, strict=True) if ast.unparse(one) == name)


@dataclass(frozen=True)
class _Said:
    value: str | None
    line: int
    source: str


if __name__ == "__main__":
    for untranslated in update():
        sys.stdout.write(f"not translated: {untranslated}\n")
