"""The demo packs as they are committed, and the scripts beside them that made them."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import gis

PACKS = Path(gis.__file__).parent / "packs"
LICENCE = "DATA-LICENCE.md"


def maker_of(key: str) -> ModuleType:
    """The script that made the pack ``key``; it is imported only by who asks, for it is not in the wheel."""
    return importlib.import_module(f"gis.packs.make_{key}")


def untold_files(folder: Path) -> list[str]:
    """Files of a pack whose origin its licence does not tell."""
    told = (folder / LICENCE).read_text("utf-8")
    return [path.name for path in folder.iterdir() if f"`{path.name}`" not in told and path.name != LICENCE]


def differences(made: Path, folder: Path) -> list[str]:
    """Files of a pack that was made again that are not, byte for byte, those of ``folder``, on either side."""
    names = {path.name for path in made.iterdir()} ^ {path.name for path in folder.iterdir() if path.name != LICENCE}
    both = {path.name for path in made.iterdir()} - names
    return sorted(names | {name for name in both if (made / name).read_bytes() != (folder / name).read_bytes()})
