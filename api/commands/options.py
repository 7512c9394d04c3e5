"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.console import _

AsJson = Annotated[bool, typer.Option("--json", help=_("Print one JSON document instead of text."))]
CityCode = Annotated[str | None, typer.Option("--city", help=_("Code of the city; needed only when several are loaded."))]
PackFolder = Annotated[Path, typer.Argument(help=_("Folder of the city pack (it holds city.toml)."), metavar="PATH")]
Port = Annotated[int | None, typer.Option("--port", min=0, max=65535, help=_("TCP port; 0 takes a free one."))]
OutFile = Annotated[Path, typer.Option("--out", metavar="FILE", help=_("The file to write."))]
FileFormat = Annotated[
    str | None,
    typer.Option("--format", metavar="FORMAT", help=_("geoparquet, gpkg, fgb or geojson; the one of the file's ending when not given.")),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help=_("Write over a file that is there."))]
Datum = Annotated[
    str, typer.Option("--datum", help=_("What the coordinate is measured from: wgs84, cgcs2000, gcj02 or bd09. Never guessed."))
]
At = Annotated[
    str | None,
    typer.Option("--at", help=_("The instant of the question, with its offset from UTC: 2026-11-24T08:30:00+08:00; now when not given.")),
]
AtCategory = Annotated[str | None, typer.Option("--category", help=_("What it is about, as kind:code; who answers depends on it."))]
By = Annotated[str | None, typer.Option("--as", metavar="LOGIN", help=_("Login of the account that stands for it; needed in production."))]
