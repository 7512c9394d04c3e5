"""Where basemaps are kept."""

from __future__ import annotations

from pathlib import Path


def basemap_path(data_dir: Path, city: str) -> Path:
    """Where the basemap of a city is kept; a name that is no city's code leads nowhere."""
    folder = data_dir / "basemaps"
    return folder / f"{city}.pmtiles" if city.isidentifier() else folder / "none"
