"""`wangge export`: an edition's polygons and lines as a file for other programs."""

from __future__ import annotations

from typing import Annotated

import typer

from api.commands import access
from api.commands.options import AsJson, CityCode, FileFormat, OutFile, Overwrite
from api.console import _, bar, emit, out
from gis import db
from gis.actions.export_layer import export_layer
from gis.settings import Settings

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    help=_(
        "Write the blocks, duty grids, cells or segments that an edition was judged by, exactly as they are kept, to a file for other programs. Example: wangge export street-units --format geoparquet --out street-units.parquet"
    )
)
def export(  # noqa: PLR0917 - every one is an argument or option of the command
    layer: Annotated[str, typer.Argument(help=_("street-units, duty-grids, cells or segments."), metavar="LAYER")],
    target: OutFile,
    form: FileFormat = None,
    city: CityCode = None,
    edition: Annotated[
        int | None, typer.Option("--edition", min=1, max=2**31 - 1, help=_("Number of the edition; the adopted one when not given."))
    ] = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    with access.engine(Settings()) as engine, bar() as progress, db.transaction(engine) as tx:
        code = access.the_city(tx, city)
        done = export_layer(
            tx, code, layer, out=target, form=form, number=edition, overwrite=overwrite, now=access.now(), progress=progress
        )
    size = target.stat().st_size
    if as_json:
        emit(
            {
                "city": code,
                "edition": done.edition,
                "layer": layer,
                "format": done.form,
                "file": str(target.resolve()),
                "features": done.features,
                "bytes": size,
            }
        )
    else:
        said = _("{features} features of {layer}, edition {edition} of {city}: {file} ({megabytes} MB)")
        told = said.format(
            features=f"{done.features:,}", layer=layer, edition=done.edition, city=code, file=target, megabytes=f"{size / 1e6:,.1f}"
        )
        out.print(told, markup=False)
