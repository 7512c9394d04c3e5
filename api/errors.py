"""What the speaking room itself refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gis.errors import Conflict
from grids.errors import Refusal


@dataclass(eq=False)
class NotLoopback(Refusal):
    """The server was asked to listen beyond this machine, which it may not before accounts exist."""

    host: str
    template: ClassVar[str] = "The server may not listen on {host}: there are no accounts yet, so anyone could read and change everything."
    mend: ClassVar[str] = "Use 127.0.0.1, and a tunnel or a proxy with its own log-in to reach it from elsewhere."


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
class UnknownMediaType(Refusal):
    """The body of a request is of a kind that is not read."""

    said: str
    known: str
    template: ClassVar[str] = "Points of the kind {said!r} are not read."
    mend: ClassVar[str] = "Send one of these and say so in Content-Type: {known}."
