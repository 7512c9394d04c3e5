"""What the speaking room itself refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gis.errors import Conflict
from grids.errors import Refusal
from grids.permissions import Ground


@dataclass(eq=False)
class NotLoopback(Refusal):
    """The server was asked to listen beyond this machine while it is set up for development."""

    host: str
    template: ClassVar[str] = (
        "The server may not listen on {host} in development: its secret key is known to everyone, and a demo's log-ins may exist."
    )
    mend: ClassVar[str] = "Use 127.0.0.1, or set WANGGE_ENVIRONMENT=production and a WANGGE_SECRET_KEY of your own."


@dataclass(eq=False)
class PortTaken(Refusal):
    """Another program listens on the port."""

    host: str
    port: int
    template: ClassVar[str] = "Port {port} on {host} is in use by another program."
    mend: ClassVar[str] = "Stop it ('wangge stop' when it is an older Wangge), or choose another port with --port."


@dataclass(eq=False)
class AlreadyRunning(Conflict):
    """This data folder has its server, or its worker, already."""

    process: str
    folder: str
    template: ClassVar[str] = "'wangge {process}' runs already for the data folder {folder}."
    mend: ClassVar[str] = "Stop it with 'wangge stop', or set WANGGE_DATA_DIR to another folder."


@dataclass(eq=False)
class DemoLoginsLeft(Conflict):
    """The log-ins of a demo, whose passwords were shown on a screen, would be served in production."""

    logins: str
    template: ClassVar[str] = "The log-ins of a demo are still good: {logins}."
    mend: ClassVar[str] = "End them first: wangge account end {logins}"


@dataclass(eq=False)
class ProviderFailed(Refusal):
    """The OpenID Connect provider of the settings could not be asked who somebody is."""

    reason: str
    template: ClassVar[str] = "The log-in service is not available: {reason}."
    mend: ClassVar[str] = "Try again later, or log in with a password; whoever runs Wangge finds the reason in its log."
    translated: ClassVar[tuple[str, ...]] = ("reason",)


@dataclass(eq=False)
class PageNotBuilt(Refusal):
    """The map page was not built when the program was installed."""

    template: ClassVar[str] = "The map page is not built."
    mend: ClassVar[str] = "Run './wangge doctor' in the project's folder; the programming interface works without it."


@dataclass(eq=False)
class BodyTooLarge(Refusal):
    """The body of a request is larger than this installation takes."""

    limit_mb: int
    template: ClassVar[str] = "The body of the request is larger than {limit_mb} MB."
    mend: ClassVar[str] = "Send it in parts, or assign the file with 'wangge assign'; WANGGE_BODY_LIMIT_MB sets the limit."


@dataclass(eq=False)
class SmallBodyTooLarge(BodyTooLarge):
    """The body of a request is larger than any that its address takes."""

    mend: ClassVar[str] = "No valid body at this address is as large; only points to be located may be (POST /api/v1/locate)."


@dataclass(eq=False)
class CrossSiteRequest(Refusal):
    """A page of another site tried to change something with the login that the browser holds."""

    template: ClassVar[str] = "The request came from a page of another site, or does not say where it came from."
    mend: ClassVar[str] = "Use Wangge's own pages; a program uses an API key; WANGGE_CORS_ORIGINS lists the origins that may."


@dataclass(eq=False)
class TooManyRequests(Refusal):
    """More requests or log-in attempts came than are allowed."""

    retry_after_s: int
    template: ClassVar[str] = "There were too many requests."
    mend: ClassVar[str] = "Try again in {retry_after_s} seconds."


@dataclass(eq=False)
class UnknownMediaType(Refusal):
    """The body of a request is of a kind that is not read."""

    said: str
    known: str
    template: ClassVar[str] = "Points of the kind {said!r} are not read."
    mend: ClassVar[str] = "Send one of these and say so in Content-Type: {known}."


@dataclass(eq=False)
class NotLoggedIn(Refusal):
    """Nobody is logged in, or what was sent to say who asks is not good; which of them is not told."""

    template: ClassVar[str] = "You are not logged in."
    mend: ClassVar[str] = "Log in, or send a valid API key."


_WORDS = {
    Ground.NO_ROLE: "none of your roles includes it",
    Ground.ELSEWHERE: "your roles are for other places",
    Ground.OTHER_DEPARTMENT: "your role is for another department",
    Ground.OWN_WORK: "nobody does this to their own work",
    "other_layer": "the API key is for other map layers",
    "by_key": "it takes a log-in, and you came with an API key",
}


@dataclass(eq=False)
class NotAllowed(Refusal):
    """The person who asks may not do this; ``ground`` is that of the verdict, ``reason`` the same in words."""

    ground: str
    reason: str
    template: ClassVar[str] = "You may not do this: {reason}."
    mend: ClassVar[str] = "Whoever keeps the accounts of the city can grant a role."
    translated: ClassVar[tuple[str, ...]] = ("reason",)

    @classmethod
    def because(cls, ground: str) -> NotAllowed:
        """The refusal for a ground of ``grids.permissions``."""
        return cls(str(ground), _WORDS[ground])


@dataclass(eq=False)
class NulCharacter(Refusal):
    """The address of a request has a NUL character in it."""

    template: ClassVar[str] = "The address of the request has a NUL character (%00), which stands in no text."
    mend: ClassVar[str] = "Leave it out."
