"""Which code made a kept file: another release of this program, or of what it draws with, makes all of them again."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import pyproj
import shapely


@cache
def code_digest(keeper: str) -> bytes:
    """The digest of the code that draws and finds, and of the module ``keeper`` (its ``__file__``), which says how it is kept."""
    found = hashlib.sha256(Path(keeper).read_bytes())
    libraries = (f"{name} {version(name)}" for name in ("h3ronpy", "numpy", "pyproj", "scipy", "shapely"))
    found.update(" · ".join([*libraries, shapely.geos_version_string, pyproj.proj_version_str]).encode())
    for module in sorted((one for one in files("grids").iterdir() if one.name.endswith(".py")), key=lambda one: one.name):
        found.update(module.name.encode() + b"\0" + module.read_bytes())
    return found.digest()
