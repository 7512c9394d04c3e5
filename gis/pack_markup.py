"""GML and KML files are read through to their end before GDAL sees them: what they say, and what they would have fetched.

Both are XML, which can name things elsewhere: entities, linked features, layers on another host. A file that does is
refused; one that passes holds all of its places itself.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal
from xml.parsers import expat

from gis.errors import Finding

Markup = Literal["gml", "kml"]

_GML = "http://www.opengis.net/gml"
_NAMES = {"gml": "GML", "kml": "KML"}
_XLINK = "http://www.w3.org/1999/xlink href"
# Elements of KML that are nothing but the address of a layer to be fetched.
_FETCHES = {"NetworkLink", "NetworkLinkControl"}


def fault_of_markup(path: Path, name: str, kind: Markup) -> Finding | None:
    """What keeps a GML or KML file from being read safely, with the line as its row; None when nothing does."""
    reader = _Reader(kind)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = lambda element, attributes: reader.begin(element, attributes, parser.CurrentLineNumber)
    parser.StartDoctypeDeclHandler = lambda *_: reader.note("a document type", parser.CurrentLineNumber)
    parser.StartNamespaceDeclHandler = lambda _, uri: reader.uris.add(uri or "")
    try:
        with path.open("rb") as file:
            parser.ParseFile(file)
    except (expat.ExpatError, ValueError, LookupError) as error:
        reason = expat.ErrorString(error.code) if isinstance(error, expat.ExpatError) else str(error)
        mend = "Export it again, or check that it was copied completely."
        row = None if reader.empty else parser.ErrorLineNumber
        return Finding("unreadable", "The file cannot be read: {reason}", mend, file=name, row=row, details={"reason": reason})
    if not reader.is_of_its_kind:
        template = "The file ends in {ending!r}, but its content is not {format}."
        mend = "Give the file the ending of what it is, or export it again."
        return Finding("wrong-format", template, mend, file=name, details={"ending": path.suffix, "format": _NAMES[kind]})
    if reader.elsewhere is not None:
        what, line = reader.elsewhere
        template = "The file refers to something outside itself ({what}); nothing is fetched."
        mend = "Export it again with everything in the file."
        return Finding("refers-elsewhere", template, mend, file=name, row=line, details={"what": what})
    return None


class _Reader:
    """What is known of a file so far: its root, its namespaces, and the first thing in it that is elsewhere."""

    def __init__(self, kind: Markup) -> None:
        self.kind = kind
        self.root: str | None = None
        self.uris: set[str] = set()
        self.elsewhere: tuple[str, int] | None = None

    @property
    def empty(self) -> bool:
        return self.root is None

    @property
    def is_of_its_kind(self) -> bool:
        local = (self.root or "").rpartition(" ")[2]
        if self.kind == "kml":
            return local == "kml"
        return local.endswith("Collection") and any(uri.startswith(_GML) for uri in self.uris)

    def begin(self, element: str, attributes: dict[str, Any], line: int) -> None:
        local = element.rpartition(" ")[2]
        self.root = self.root or element
        if self.kind == "kml" and local in _FETCHES:
            self.note(local, line)
        href = attributes.get(_XLINK, "#")
        # urn: is the name of a definition, not a place; # is within the file.
        if self.kind == "gml" and not re.match(r"#|urn:", href) and re.search(r"[Mm]ember|[Pp]roperty|[Gg]eometry", local):
            self.note(href[:80], line)

    def note(self, what: str, line: int) -> None:
        self.elsewhere = self.elsewhere or (what, line)
