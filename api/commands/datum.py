"""`wangge datum`: which datum a file's places are in, as far as a city's streets can tell."""

from __future__ import annotations

import codecs
import math
from pathlib import Path
from typing import Annotated, Any

import typer

from api.commands import access
from api.commands.options import AsJson, CityCode
from api.console import LANGUAGE, _, bar, emit, out, remark, table
from api.problems import EXIT_FINDINGS, EXIT_OK
from gis import datum_check, db
from gis.language import name_in
from gis.settings import Settings
from gis.store import cities
from grids.datum_evidence import LEAST_BEYOND_CHANCE, MIN_PLACES, WITHIN_M, Evidence, Reading, Verdict

_DATUMS: dict[Reading, list[str]] = {"wgs84": ["wgs84", "cgcs2000"], "gcj02": ["gcj02"], "bd09": ["bd09"]}

app = typer.Typer(help=_("See which datum a file's coordinates are in."), no_args_is_help=True, rich_markup_mode=None, add_completion=False)


@app.callback()
def _group() -> None:
    """Keep the word `check`: a group of one command would be the command itself."""


@app.command(
    help=_(
        "Compare a file's places with the streets of a loaded city, read in each datum. Writes nothing. Exit 6: cannot tell. Example:"
        " wangge datum check ./hydrants.csv --city tiny"
    )
)
def check(  # noqa: PLR0917 - every one is an argument or option of the command
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help=_("A file of points, lines or polygons, or a table with longitude and latitude."))
    ],
    city: CityCode = None,
    layer: Annotated[str | None, typer.Option("--layer", help=_("Layer of a file that has several."))] = None,
    crs: Annotated[str | None, typer.Option("--crs", help=_("CRS of a file that carries none, for example EPSG:4326."))] = None,
    encoding: Annotated[str | None, typer.Option("--encoding", help=_("Character encoding of a text file, for example gbk."))] = None,
    lon: Annotated[str | None, typer.Option("--lon", help=_("Column of a table with the longitude; lon unless said."))] = None,
    lat: Annotated[str | None, typer.Option("--lat", help=_("Column of a table with the latitude; lat unless said."))] = None,
    as_json: AsJson = False,
) -> None:
    how = datum_check.Reader(layer=layer, crs=crs, encoding=_known(encoding), lon=lon, lat=lat)
    with access.engine(Settings()) as engine, bar() as progress, db.transaction(engine) as tx:
        progress("comparing the places with the streets")
        code = access.the_city(tx, city)
        found = datum_check.check(tx, code, file, how=how)
        name = name_in(cities.find(tx, code).names, LANGUAGE)
    if as_json:
        emit(_document(file, found))
    else:
        if found.without_place:
            remark(_("{count} rows without a place were passed over.").format(count=found.without_place))
        title = _("{places} different places of {file}, read in each datum, and the streets of {city}")
        _show(title.format(places=f"{found.places:,}", file=file.name, city=name), found.verdict)
        out.print(_sentence(found.verdict), markup=False)
    raise typer.Exit(EXIT_OK if found.verdict.fits else EXIT_FINDINGS)


def _known(encoding: str | None) -> str | None:
    try:
        codecs.lookup(encoding or "utf-8")
    except LookupError:
        raise typer.BadParameter(_("a name of a character encoding, such as utf-8 or gbk"), param_hint="--encoding") from None
    return encoding


def _show(title: str, verdict: Verdict) -> None:
    heads = [_("read as"), _("inside the city"), *(_("within {metres} m").format(metres=f"{one:g}") for one in WITHIN_M)]
    heads += [_("median"), _("90 % within"), _("beyond chance")]
    table(title, heads, map(_row, verdict.evidence), right=range(1, len(heads)))
    if any(one.inside for one in verdict.evidence):
        out.print(_("In brackets: the same places moved by some hundred metres. Beyond chance: 0 as the moved ones, 1 all at a street."))


def _row(one: Evidence) -> list[str]:
    name = ", ".join(_DATUMS[one.reading])
    if not one.possible:
        return [name, _("only in mainland China"), *[""] * (len(WITHIN_M) + 3)]
    shares = [f"{_percent(share)} ({_percent(chance)})" for share, chance in zip(one.within, one.chance, strict=True)]
    nothing = not one.inside
    return [
        name,
        f"{one.inside:,} / {one.places:,}",
        *(["–"] * len(shares) if nothing else shares),
        _metres(one.median_m),
        _metres(one.p90_m),
        "–" if nothing else _rounded(one.beyond_chance),
    ]


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{100 * share:.1f} %"


def _rounded(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}"  # never minus zero


def _metres(length: float) -> str:
    return f"{length:,.1f} m" if math.isfinite(length) else "–"


def _sentence(verdict: Verdict) -> str:
    """The verdict as one sentence with what it rests on, and where there is only one datum, that too."""
    alone = not any(one.possible for one in verdict.evidence if one.reading != "wgs84")
    abroad = _("Outside mainland China only wgs84 and cgcs2000 are possible.") if alone else ""
    best = verdict.nearest
    said = _fits(best, best.fits_at) if verdict.fits and best and best.fits_at is not None else _cannot_tell(verdict)
    return f"{said}{abroad}" if said.endswith("。") else f"{said} {abroad}".rstrip()


def _fits(best: Evidence, at: int) -> str:
    template = _(
        "The file fits {datum}: {share} of the places lie within {metres} m of a street, of the same places moved by some hundred metres"
        " {chance}."
    )
    names = _(" or ").join(_DATUMS[best.reading])
    return template.format(datum=names, share=_percent(best.within[at]), metres=f"{WITHIN_M[at]:g}", chance=_percent(best.chance[at]))


def _cannot_tell(verdict: Verdict) -> str:
    reasons = {
        "too_few": _("Cannot tell: the file has {places} different places, and fewer than {least} decide nothing."),
        "outside": _("Cannot tell: in no datum do half of the places, and at least {least} of them, lie in the city."),
        "too_small": _("Cannot tell: the city is too small to compare the places with the same places moved by some hundred metres."),
        "off_the_streets": _(
            "Cannot tell: in no datum do the places follow the streets; {datum} comes nearest, {beyond} beyond chance where {wanted} is"
            " wanted, with a median distance of {median}."
        ),
        "ambiguous": _("Cannot tell: {datum} fits, but another datum fits almost as well."),
    }
    best = verdict.nearest or verdict.evidence[0]
    return reasons[verdict.reason or "off_the_streets"].format(
        places=best.places,
        least=MIN_PLACES,
        datum=_(" or ").join(_DATUMS[best.reading]),
        beyond=_rounded(best.beyond_chance),
        wanted=LEAST_BEYOND_CHANCE,
        median=_metres(best.median_m),
    )


def _document(file: Path, found: datum_check.Checked) -> dict[str, Any]:
    verdict = found.verdict
    return {
        "file": str(file),
        "city": found.city,
        "places": found.places,
        "rows_without_place": found.without_place,
        "fits": _DATUMS[verdict.fits] if verdict.fits else None,
        "reason": verdict.reason,
        "sentence": _sentence(verdict),
        "readings": [_reading(one) for one in verdict.evidence],
    }


def _reading(one: Evidence) -> dict[str, Any]:
    return {
        "datums": _DATUMS[one.reading],
        "possible": one.possible,
        "places": one.places,
        "inside": one.inside,
        "median_m": _number(one.median_m),
        "p90_m": _number(one.p90_m),
        "within": [
            {"metres": metres, "share": _number(share), "chance": _number(chance), "moved_as_good": _number(as_good)}
            for metres, share, chance, as_good in zip(WITHIN_M, one.within, one.chance, one.as_good, strict=True)
        ],
        "moved_copies": one.shifts,
        "beyond_chance": _number(one.beyond_chance),
    }


def _number(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None
