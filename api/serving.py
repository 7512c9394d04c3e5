"""The HTTP server of one process: where it may listen, and how it starts and ends."""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Callable

import uvicorn

from api.app import create_app
from api.errors import DemoLoginsLeft, NotLoopback, PortTaken
from api.logs import configure_logs
from api.running import holding
from gis import db
from gis.schema import require_schema
from gis.settings import Settings, names_in
from gis.store import accounts

_TURN_S = 0.0005
"""So long a thread may compute while another waits: an answer takes about a millisecond, and the thread that takes requests in should
not wait for ten of them at once (Python's own turn is 5 ms)."""

_MOST_CONNECTIONS = 1_000
"""More at once are answered 503: each takes memory, whoever it is."""


def serve(settings: Settings, *, port: int | None, ready: Callable[[str], None]) -> None:
    """Serve until told to stop. ``ready`` is told the address once requests are taken.

    Beyond loopback only in production, which has a secret key of its own. Raises ``NotLoopback``, ``PortTaken``, ``AlreadyRunning``
    when this data folder is served already, ``SchemaBehind``, and ``DemoLoginsLeft`` in production.
    """
    wanted = settings.port if port is None else port
    if settings.environment == "development":
        _require_loopback(settings.host)
    with holding(settings.data_dir, "serve"), _listening(settings.host, wanted) as listener:
        url = db.database_url(settings)
        _require_ready(settings, url)
        configure_logs(settings)
        config = uvicorn.Config(
            create_app(settings, database_url=url),
            log_config=None,
            access_log=settings.log_level == "debug",
            lifespan="on",
            server_header=False,
            limit_concurrency=_MOST_CONNECTIONS,
            forwarded_allow_ips=names_in(settings.trusted_proxies),
        )
        sys.setswitchinterval(_TURN_S)
        server = uvicorn.Server(config)
        host, bound = listener.getsockname()[:2]
        address = f"http://[{host}]:{bound}" if ":" in host else f"http://{host}:{bound}"
        ready(address)
        server.run(sockets=[listener])


def _require_ready(settings: Settings, url: str) -> None:
    engine = db.engine(url, pool_size=1)
    try:
        with db.transaction(engine) as tx:
            require_schema(tx)
            if settings.environment == "production" and (left := accounts.generated_logins(tx)):
                raise DemoLoginsLeft(" ".join(left))
    finally:
        engine.dispose()


def _require_loopback(host: str) -> None:
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise NotLoopback(host)


def _listening(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=256)
    except OSError as error:
        raise PortTaken(host, port) from error
