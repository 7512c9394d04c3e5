"""The files of this project, for tests that look at all of them."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("grids", "gis", "basemaps", "api")
_MADE = {"node_modules", "dist", "build", "static", "__pycache__"}


def files() -> list[Path]:
    """Every file that belongs to the project: nothing that is installed, built or cached."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(
            one for one in folders if one not in _MADE and not one.endswith(".egg-info") and (one == ".ci" or one[0] != ".")
        )
        found += [Path(folder, name) for name in sorted(names) if not name.startswith(".venv")]
    return found


def python_modules() -> list[Path]:
    """The modules of the four rooms."""
    return [path for path in files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in ROOMS]


def load_all_modules() -> None:
    """Import every module of the four rooms but those that only a tool runs (migrations, makers of packs)."""
    for path in python_modules():
        parts = path.relative_to(ROOT).with_suffix("").parts
        if "migrations" not in parts and "packs" not in parts:
            importlib.import_module(".".join(parts).removesuffix(".__init__"))
