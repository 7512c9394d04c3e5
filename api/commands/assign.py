"""`wangge assign`: who answers, for every point of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.commands import access
from api.commands.options import AsJson, At, AtCategory, CityCode, Datum, OutFile, Overwrite
from api.console import _, bar, emit, remark, table
from gis import db
from gis.assigning import assigner
from gis.assigning_files import assign_file
from gis.errors import MissingExtra
from gis.kept_indexes import folder_of, path_of
from gis.locating import Indexes
from gis.point_files import Declared
from gis.settings import Settings

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    help=_(
        "Write every row of a file of points again with its cell, street unit, segment, duty grid and owner. CSV, Parquet, GeoParquet, GeoPackage and what GDAL reads, of any size. Example: wangge assign points.csv --datum wgs84 --out assigned.parquet"
    )
)
def assign(  # noqa: PLR0917 - every one is an argument or option of the command
    file: Annotated[Path, typer.Argument(help=_("The file of points."), metavar="FILE")],
    target: OutFile,
    datum: Datum,
    city: CityCode = None,
    at: At = None,
    category: AtCategory = None,
    lon: Annotated[str, typer.Option("--lon", help=_("Column of the longitude, where the file has no geometry."))] = "lon",
    lat: Annotated[str, typer.Option("--lat", help=_("Column of the latitude, where the file has no geometry."))] = "lat",
    layer: Annotated[str | None, typer.Option("--layer", help=_("Layer of a file with several; the first when not given."))] = None,
    encoding: Annotated[
        str | None, typer.Option("--encoding", help=_("Encoding of the texts of a CSV or Shapefile, such as gbk; UTF-8 when not given."))
    ] = None,
    prefix: Annotated[str, typer.Option("--prefix", help=_("What the names of the added columns begin with."))] = "",
    overwrite: Overwrite = False,
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler",
            metavar="ADDRESS",
            help=_("Address of a Dask scheduler whose workers see the same folders: Parquet in, a folder of Parquet files out."),
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    settings = Settings()
    with bar() as progress:
        progress("reading the edition")
        with access.engine(settings) as engine, db.transaction(engine) as tx:
            code = access.the_city(tx, city)
            folder = folder_of(settings.data_dir)
            asked = assigner(tx, Indexes(folder), city=code, at=access.instant(at), category=category)
            index_file = path_of(tx, asked.labels.edition_id, folder)
        declared = Declared(datum, lon, lat, layer, encoding, prefix)
        if scheduler is None:
            done = assign_file(file, target, asked, declared, threads=settings.processes, overwrite=overwrite, progress=progress)
        else:
            try:
                from gis.assigning_dask import assign_on_cluster
            except ImportError as error:
                raise MissingExtra("dask") from error
            done = assign_on_cluster(
                file, target, asked, declared, index_file=index_file, scheduler=scheduler, overwrite=overwrite, progress=progress
            )
    if as_json:
        emit(
            {
                "city": code,
                "edition": asked.labels.edition_number,
                "file": str(target.resolve()),
                "format": done.form,
                "rows": done.rows,
                "how": done.how,
            }
        )
        return
    remark(
        _("{rows} rows, edition {edition} of {city}: {file}").format(
            rows=f"{done.rows:,}", edition=asked.labels.edition_number, city=code, file=target
        )
    )
    found = {
        "inside": _("inside a street unit"),
        "border": _("on a border"),
        "nearest": _("in no street unit, but a street is near"),
        "outside": _("outside the city"),
        "unplaced": _("without coordinates"),
    }
    table(_("Assigned"), (_("found"), _("rows")), [(found[how], f"{done.how[how]:,}") for how in found], right=(1,))
