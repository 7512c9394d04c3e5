"""`wangge grids`: divide a city and adopt the plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from api.commands import access
from api.commands.options import AsJson, CityCode
from api.console import _, bar, emit, out, table
from gis import db
from gis.actions.adopt_edition import adopt_edition
from gis.actions.draw_edition import draw_edition
from gis.settings import Settings

app = typer.Typer(
    help=_("Divide a city into cells, street units and duty grids."), no_args_is_help=True, rich_markup_mode=None, add_completion=False
)


@app.command(
    help=_(
        "Divide a loaded city and keep the plan as a draft edition, with its quality report. Example: wangge grids build --city helsinki"
    )
)
def build(city: CityCode = None, as_json: AsJson = False) -> None:
    settings = Settings()
    with access.engine(settings) as engine, bar() as progress, db.transaction(engine) as tx:
        code = access.the_city(tx, city)
        parts = access.kept_parts(settings, code, progress)
        drawn = draw_edition(tx, code, now=access.now(), progress=progress, draw=parts)
    if as_json:
        emit(
            {
                "city": code,
                "edition": drawn.number,
                "status": "draft",
                "generated_posts": drawn.generated_posts,
                "parts": parts.parts,
                "parts_drawn": parts.drawn,
                "quality": drawn.quality,
            }
        )
        return
    show_quality(
        _("{city}, draft edition {number}").format(city=code, number=drawn.number),
        drawn.quality,
        levels=list(drawn.quality["counts"]["areas"]),
    )
    if parts.drawn < parts.parts:
        out.print(_("Drawn anew: {drawn} of {parts} parts; the others are as they were kept.").format(drawn=parts.drawn, parts=parts.parts))
    out.print(_("Adopt it with: wangge grids adopt --city {city}").format(city=code), markup=False)


@app.command(help=_("Make a draft edition the city's plan; it never changes again. Example: wangge grids adopt --city helsinki"))
def adopt(
    city: CityCode = None,
    edition: Annotated[
        int | None, typer.Option("--edition", min=1, max=2**31 - 1, help=_("Number of the edition; the newest when not given."))
    ] = None,
    as_json: AsJson = False,
) -> None:
    with access.engine(Settings()) as engine, db.transaction(engine) as tx:
        code = access.the_city(tx, city)
        adopted = adopt_edition(tx, code, now=access.now(), number=edition)
    if as_json:
        emit({"city": code, "edition": adopted, "status": "adopted"})
    else:
        out.print(_("Adopted: edition {number} of {city}").format(number=adopted, city=code), markup=False)


def show_quality(title: str, quality: dict[str, Any], *, levels: Sequence[str]) -> None:
    """Print a quality report; ``levels`` are the keys of the levels from the top, for the database keeps no order of keys."""

    def by_level(values: dict[str, Any]) -> list[tuple[str, Any]]:
        return [(level, values[level]) for level in levels if level in values]

    counts = quality["counts"]
    blocks, segments, largest = quality["block_m2"], quality["segment_m"], quality["largest_block"]
    share = quality["statutory_share"]
    rows: list[tuple[str, str]] = [
        *((_("areas: {level}").format(level=level), f"{count:,}") for level, count in by_level(counts["areas"])),
        (_("blocks"), f"{counts['blocks']:,}"),
        (_("street segments"), f"{counts['segments']:,}"),
        (_("cells"), f"{counts['cells']:,}"),
        (_("duty grids"), f"{counts['duty_grids']:,}"),
        (_("gap between blocks, m²"), f"{quality['gap_m2']:.3f}"),
        (_("overlap of blocks, m²"), f"{quality['overlap_m2']:.3f}"),
        (_("overlap of source areas, m²"), f"{quality['source_overlap_m2']:.1f}"),
        *(
            (_("difference from source, {level}, m²").format(level=level), "–" if m2 is None else f"{m2:.1f}")
            for level, m2 in by_level(quality["source_difference_m2"])
        ),
        (_("block area m²: least, median, mean, greatest"), " · ".join(f"{blocks[key]:,.0f}" for key in ("min", "median", "mean", "max"))),
        (_("built-up blocks of one to three hectares"), "–" if share is None else f"{share:.0%}"),
        (_("slivers"), f"{quality['slivers']:,}"),
        (_("largest block"), f"{largest['code']} ({largest['area_m2']:,.0f} m²)"),
        (_("segment length m: least, median, greatest"), " · ".join(f"{segments.get(key, 0):,.1f}" for key in ("min", "median", "max"))),
        (_("segments joined to no other"), f"{quality['orphan_segments']:,}"),
        (_("segments inside one block"), f"{quality['segments_inside_one_block']:,}"),
    ]
    table(title, (_("measure"), _("value")), rows, right=(1,))
