"""The wire shape of an answer to "who answers here"."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from api.schemas.dispatch import DispatchOut, OwnerOut
from gis.language import name_in
from gis.locating import Answer
from gis.store.places import Segment

Names = dict[str, str]


class StreetUnitOut(BaseModel):
    """The block that holds the place."""

    code: str
    kind: Literal["block"] = "block"
    area_m2: float
    built_up: bool


class SegmentOut(BaseModel):
    """The nearest street segment, the side of it the place is on, and how far away it is."""

    code: str
    side_code: str
    name: str
    names: Names
    road_class: str | None
    side: Literal["left", "right"]
    offset_m: float


class DutyGridOut(BaseModel):
    """The duty grid of the block."""

    code: str
    names: Names


class RungOut(BaseModel):
    """One rung of the ladder above the place, the lowest first."""

    level: str
    level_names: Names
    code: str
    names: Names


class EditionRefOut(BaseModel):
    """The edition that was asked."""

    city: str
    number: int


class LocateOut(BaseModel):
    """Who answers for a place. All but ``how``, ``cell``, the point, and a street near by ("nearest") are null outside every city."""

    lon: float
    lat: float
    how: Literal["inside", "border", "nearest", "outside"]
    cell: str
    street_unit: StreetUnitOut | None = None
    segment: SegmentOut | None = None
    duty_grid: DutyGridOut | None = None
    owner: OwnerOut | None = None
    deputy: OwnerOut | None = None
    ladder: list[RungOut] = []
    dispatch: DispatchOut | None = None
    edition: EditionRefOut | None = None

    @classmethod
    def of(cls, answer: Answer) -> LocateOut:
        """The wire shape of an answer."""
        point = {"lon": answer.lon, "lat": answer.lat, "how": answer.how, "cell": answer.cell, "segment": _segment(answer)}
        said = answer.standing
        if said is None:
            return cls.model_validate(point)
        return cls.model_validate(
            point
            | {
                "street_unit": StreetUnitOut(code=said.block, area_m2=round(said.block_m2, 1), built_up=said.built_up),
                "duty_grid": DutyGridOut(code=said.duty_grid, names=said.duty_grid_names),
                "owner": OwnerOut.of(said.on_duty.owner),
                "deputy": OwnerOut.of(said.on_duty.deputy),
                "ladder": [
                    RungOut(level=rung.level, level_names=rung.level_names, code=rung.code, names=rung.names) for rung in said.ladder
                ],
                "dispatch": DispatchOut.of(said, side=answer.side),
                "edition": EditionRefOut(city=said.city, number=said.edition_number),
            }
        )


def _segment(answer: Answer) -> SegmentOut | None:
    said, beside = answer.standing, answer.beside
    if said is not None and said.segment is not None and said.segment_sides is not None:
        beside = Segment(said.segment, said.segment_sides, said.segment_names, said.road_class or "")
    if beside is None or answer.offset_m is None:
        return None
    side: Literal["left", "right"] = "left" if answer.side == "left" else "right"
    return SegmentOut(
        code=beside.code,
        side_code=beside.sides[side == "right"],
        name=name_in(beside.names, "en"),
        names=beside.names,
        road_class=beside.road_class or None,
        side=side,
        offset_m=round(answer.offset_m, 2),
    )
