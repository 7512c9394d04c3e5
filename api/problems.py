"""The one table from refusals to what a caller sees: HTTP status and exit code, as RFC 9457 problem details.

The command line prints the same text and, with --json, the same document. docs/problems.md describes each kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from api.errors import (
    BodyTooLarge,
    CrossSiteRequest,
    NotAllowed,
    NotLoggedIn,
    NotLoopback,
    NulCharacter,
    PageNotBuilt,
    PortTaken,
    ProviderFailed,
    TooManyRequests,
    UnknownMediaType,
)
from api.plain import plain
from basemaps.errors import BasemapNotBuilt, UnknownLayer
from gis.account_errors import (
    BadLogin,
    BadName,
    LogInRefused,
    NobodyNamed,
    NoExpiry,
    NoGrant,
    NotAPeriod,
    OneTimePassword,
    SealUnknown,
    WeakPassword,
)
from gis.errors import (
    AxesSwapped,
    BadFile,
    BadPack,
    BeforeFirstEdition,
    Busy,
    ColumnsTaken,
    Conflict,
    DatumOutsideItsCountry,
    DraftNotWritten,
    ExportNotWritten,
    IndexNotSeen,
    MissingExtra,
    NoAreasFound,
    NoCluster,
    NoDatabase,
    NotALeave,
    NotAnInstant,
    NotFound,
    NothingToDraft,
    NotOnCluster,
    SchemaBehind,
    UnknownCategory,
    UnknownExportFormat,
    WorkerLost,
)
from gis.language import Language, translator
from grids.errors import BadCoordinate, NotAPartition, OutsideItsArea, Refusal, UnfitGivenUnits, UnknownDatum

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_NOT_FOUND, EXIT_CONFLICT, EXIT_INVALID, EXIT_FINDINGS, EXIT_INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 130


@dataclass(frozen=True)
class Kind:
    """How one kind of refusal is told: HTTP status, exit code and title."""

    status: int
    exit_code: int
    title: str


KINDS: dict[type[Refusal], Kind] = {
    NulCharacter: Kind(422, EXIT_INVALID, "NUL character"),
    NotLoggedIn: Kind(401, EXIT_FAILED, "Not logged in"),
    NotAllowed: Kind(403, EXIT_FAILED, "Not allowed"),
    NotFound: Kind(404, EXIT_NOT_FOUND, "Not found"),
    Conflict: Kind(409, EXIT_CONFLICT, "Conflict"),
    Busy: Kind(409, EXIT_CONFLICT, "Busy"),
    BeforeFirstEdition: Kind(404, EXIT_NOT_FOUND, "No edition yet"),
    UnknownCategory: Kind(404, EXIT_NOT_FOUND, "No such category"),
    NotAnInstant: Kind(422, EXIT_INVALID, "Not an instant"),
    NotALeave: Kind(422, EXIT_INVALID, "Not a leave"),
    LogInRefused: Kind(401, EXIT_FAILED, "Log-in refused"),
    OneTimePassword: Kind(403, EXIT_FAILED, "One-time password"),
    WeakPassword: Kind(422, EXIT_INVALID, "Not a password"),
    BadLogin: Kind(422, EXIT_INVALID, "Not a login"),
    BadName: Kind(422, EXIT_INVALID, "Not a name"),
    NoGrant: Kind(422, EXIT_INVALID, "Not a grant"),
    NotAPeriod: Kind(422, EXIT_INVALID, "Not a period"),
    NobodyNamed: Kind(422, EXIT_USAGE, "Nobody named"),
    NoExpiry: Kind(422, EXIT_INVALID, "Not an expiry"),
    AxesSwapped: Kind(422, EXIT_INVALID, "Axes swapped"),
    ColumnsTaken: Kind(422, EXIT_INVALID, "Columns taken"),
    BodyTooLarge: Kind(413, EXIT_INVALID, "Body too large"),
    CrossSiteRequest: Kind(403, EXIT_FAILED, "Request from another site"),
    TooManyRequests: Kind(429, EXIT_FAILED, "Too many requests"),
    UnknownMediaType: Kind(415, EXIT_INVALID, "Unknown media type"),
    BadPack: Kind(422, EXIT_INVALID, "City pack with faults"),
    BadFile: Kind(422, EXIT_INVALID, "File with faults"),
    UnknownDatum: Kind(422, EXIT_INVALID, "Datum not declared"),
    DatumOutsideItsCountry: Kind(422, EXIT_INVALID, "Datum not in use here"),
    BadCoordinate: Kind(422, EXIT_INVALID, "Not a coordinate"),
    OutsideItsArea: Kind(422, EXIT_INVALID, "Metric CRS does not cover the city"),
    UnfitGivenUnits: Kind(422, EXIT_INVALID, "Given units do not fit"),
    NotAPartition: Kind(422, EXIT_INVALID, "City cannot be divided"),
    NothingToDraft: Kind(422, EXIT_INVALID, "No files for a city pack"),
    NoAreasFound: Kind(422, EXIT_INVALID, "No areas for a city pack"),
    DraftNotWritten: Kind(500, EXIT_FAILED, "Draft not written"),
    UnknownExportFormat: Kind(422, EXIT_INVALID, "Unknown format"),
    ExportNotWritten: Kind(500, EXIT_FAILED, "Layer not written"),
    UnknownLayer: Kind(422, EXIT_INVALID, "Unknown basemap layer"),
    BasemapNotBuilt: Kind(500, EXIT_FAILED, "Basemap not built"),
    MissingExtra: Kind(503, EXIT_FAILED, "Packages missing"),
    NoCluster: Kind(503, EXIT_FAILED, "No cluster"),
    NotOnCluster: Kind(422, EXIT_INVALID, "Not for a cluster"),
    IndexNotSeen: Kind(500, EXIT_FAILED, "Index not seen"),
    WorkerLost: Kind(500, EXIT_FAILED, "Worker lost"),
    NoDatabase: Kind(503, EXIT_FAILED, "No database"),
    SealUnknown: Kind(500, EXIT_FAILED, "Sealed under another key"),
    SchemaBehind: Kind(503, EXIT_FAILED, "Schema behind"),
    ProviderFailed: Kind(502, EXIT_FAILED, "Log-in service not available"),
    PageNotBuilt: Kind(503, EXIT_FAILED, "Page not built"),
    NotLoopback: Kind(403, EXIT_USAGE, "Address refused"),
    PortTaken: Kind(409, EXIT_CONFLICT, "Port in use"),
}


def kind_of(refusal: Refusal) -> Kind:
    """The kind of a refusal: its class's own, or that of the nearest class above it."""
    return next((KINDS[one] for one in type(refusal).__mro__ if one in KINDS), Kind(400, EXIT_FAILED, "Refused"))


def document_of(refusal: Refusal, language: Language) -> dict[str, Any]:
    """The problem details of a refusal, its fields as extension members, in one language."""
    say = translator(language)
    kind = kind_of(refusal)
    members = {name: value for name, value in refusal.details().items() if name != "findings"}
    if isinstance(refusal, BadPack):
        members["findings"] = [finding_document(finding, language) for finding in refusal.findings]
    document: dict[str, Any] = plain(members)
    return document | {
        "type": f"/problems/{refusal.slug()}",
        "title": say(kind.title),
        "status": kind.status,
        "exit_code": kind.exit_code,
        "detail": refusal.text(say),
    }


def finding_document(finding: Any, language: Language) -> dict[str, Any]:
    """One finding of a pack check as plain data."""
    return {
        "slug": finding.slug,
        "severity": finding.severity,
        "file": finding.file,
        "row": finding.row,
        "text": finding.text(translator(language)),
        "mend": translator(language)(finding.mend).format(**finding.details),
        "details": plain(finding.details),
    }
