"""`wangge grids`: divide a city and adopt the plan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from api.commands import access
from api.commands.options import AsJson, By, CityCode, FileFormat, Overwrite
from api.console import _, bar, emit, out, table
from gis import db
from gis.actions.adopt_edition import adopt_edition
from gis.actions.compare_editions import Compared, compare_editions
from gis.actions.draw_edition import draw_edition
from gis.layer_files import format_named, write_layer
from gis.settings import Settings
from gis.store import accounts, comparisons

MOST_PEOPLE_NAMED = 20
"""So many people are named in the table; all of them with --json."""

app = typer.Typer(
    help=_("Divide a city into cells, street units and duty grids."), no_args_is_help=True, rich_markup_mode=None, add_completion=False
)


@app.command(
    help=_(
        "Divide a loaded city and keep the plan as a draft edition, with its quality report. Example: wangge grids build --city helsinki"
    )
)
def build(city: CityCode = None, by: By = None, as_json: AsJson = False) -> None:
    settings = Settings()
    named = access.somebody(settings, by)
    with access.engine(settings) as engine, bar() as progress, db.transaction(engine) as tx:
        code = access.the_city(tx, city)
        parts = access.kept_parts(settings, code, progress)
        account = None if named is None else accounts.find_standing(tx, named).id
        drawn = draw_edition(tx, code, now=access.now(), progress=progress, draw=parts, by=account)
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
    by: By = None,
    as_json: AsJson = False,
) -> None:
    settings = Settings()
    named = access.somebody(settings, by)
    with access.engine(settings) as engine, db.transaction(engine) as tx:
        code = access.the_city(tx, city)
        adopted = adopt_edition(tx, code, now=access.now(), number=edition, by=named)
    if as_json:
        emit({"city": code, "edition": adopted, "status": "adopted"})
    else:
        out.print(_("Adopted: edition {number} of {city}").format(number=adopted, city=code), markup=False)


@app.command(
    help=_(
        "Say what changed between two editions: units created, split, merged, moved, the incidents on their ground, and who gains or loses ground; keep it for the map. Example: wangge grids compare helsinki"
    )
)
def compare(  # noqa: PLR0917 - every one is an argument or option of the command
    city: Annotated[str | None, typer.Argument(help=_("Code of the city; needed only when several are loaded."), metavar="CITY")] = None,
    old: Annotated[
        int | None,
        typer.Argument(min=1, max=2**31 - 1, help=_("Number of the older edition; the one adopted before the newer one when not given.")),
    ] = None,
    new: Annotated[
        int | None,
        typer.Argument(min=1, max=2**31 - 1, help=_("Number of the newer edition; the draft, else the adopted one when not given.")),
    ] = None,
    target: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help=_("A file to write the changed ground to as a map layer."))
    ] = None,
    form: FileFormat = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    chosen = None if target is None else format_named(form, target)
    with access.engine(Settings()) as engine, bar() as progress:
        with db.transaction(engine) as tx:
            code = access.the_city(tx, city)
            done = compare_editions(tx, code, old=old, new=new, now=access.now(), progress=progress)
        if target is not None and chosen is not None:  # what was found is kept, whether the file can be written or not
            with db.transaction(engine) as tx:
                changed = comparisons.features(tx, done.old_id, done.new_id)
                write_layer(changed, target, form=chosen, overwrite=overwrite, progress=progress)
    if as_json:
        file = None if target is None else str(target.resolve())
        emit({"city": code, "old": done.old, "new": done.new, **done.summary, "pieces": done.changes, "file": file})
        return
    show_comparison(code, done)
    if target is not None:
        out.print(_("Changed ground, {count} pieces: {file}").format(count=f"{done.changes:,}", file=target), markup=False)


def words() -> dict[str, str]:
    """Every kind of change in the user's language, in the order in which they are told."""
    return {
        "created": _("created"),
        "removed": _("removed"),
        "split": _("split"),
        "merged": _("merged"),
        "moved": _("moved"),
        "renamed": _("renamed"),
        "another_duty_grid": _("in another duty grid"),
        "another_area": _("in another area"),
    }


def show_comparison(city: str, done: Compared) -> None:
    """Print what changed: blocks and duty grids by kind of change, then whom most of it concerns."""
    columns = (_("change"), _("units"), _("ground, m²"), _("incidents on it"))
    titles = {
        "blocks": _("Blocks of {city}: {before} in edition {old}, {after} in edition {new}"),
        "duty_grids": _("Duty grids of {city}: {before} in edition {old}, {after} in edition {new}"),
    }
    for kind, title in titles.items():
        found = done.summary[kind]
        by_change = [(said, found["changes"][name]) for name, said in words().items()]
        rows = [
            (said, f"{one['units']:,}", f"{one['area_m2']:,.0f}", f"{one['incidents']:,}") for said, one in by_change if any(one.values())
        ]
        rows.append((_("ground under another code"), "", f"{found['changed_m2']:,.0f}", ""))
        said = title.format(city=city, old=done.old, new=done.new, before=f"{found['before']:,}", after=f"{found['after']:,}")
        table(said, columns, rows, right=(1, 2, 3))
    people = done.summary["people"]
    posts = {"owner": _("owner"), "deputy": _("deputy")}
    named = [
        (
            f"{one['code']} {one['name']}",
            posts[one["post"]],
            *(f"{one[key]:,.0f}" for key in ("lost_m2", "gained_m2", "lost_incidents", "gained_incidents")),
        )
        for one in people[:MOST_PEOPLE_NAMED]
    ]
    heads = (_("who"), _("post"), _("loses, m²"), _("gains, m²"), _("loses, incidents"), _("gains, incidents"))
    if named:
        table(_("Owners and deputies whose ground changes: {count}").format(count=f"{len(people):,}"), heads, named, right=(2, 3, 4, 5))
    else:
        out.print(_("Nobody's ground changes."), markup=False)


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
