"""The HTTP app: routes, problems, and what a running process holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from api import edges, responses
from api.deps import Running
from api.errors import TooManyRequests
from api.limits import limits_of
from api.oidc import provider_of
from api.routes import account, accounts, cities, comparisons, health, incidents, locate, locate_many, oidc, pages, tiles
from api.static_files import STATIC
from gis import db
from gis.adoptions import followed
from gis.kept_indexes import folder_of
from gis.locating import Indexes
from gis.sealing import seal_of
from gis.settings import Settings, names_in
from grids.errors import Refusal

_IDENTITY_POOL = 2
"""Connections on which accounts are kept: a log-in is rare, and its long step, the password's hash, needs none."""


def create_app(settings: Settings, *, database_url: str) -> FastAPI:
    """The app over one database. Nothing is read from the environment, and no outside host is named in any page."""

    limits = limits_of(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # A request holds a connection and a thread together: more of one than of the other would only wait.
        to_thread.current_default_thread_limiter().total_tokens = settings.pool_size
        limit_s = settings.statement_timeout_s
        engine = db.engine(database_url, pool_size=settings.pool_size, statement_timeout_s=limit_s, role="wangge_app")
        identity = db.engine(database_url, pool_size=_IDENTITY_POOL, statement_timeout_s=limit_s, role="wangge_identity")
        indexes = Indexes(folder_of(settings.data_dir))
        app.state.running = Running(
            settings,
            engine,
            identity,
            indexes,
            seal_of(settings),
            limits,
            uploads=CapacityLimiter(settings.pool_size),
            uploads_of_nobody=CapacityLimiter(settings.pool_size),
            batches=CapacityLimiter(max(1, settings.pool_size // 4)),
        )
        try:
            with followed(engine, indexes):
                yield
        finally:
            limits.close()
            identity.dispose()
            engine.dispose()

    app = FastAPI(title="Wangge", version=version("wangge"), lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.limits = limits
    app.state.provider = provider_of(settings)
    # The last one that is added is the first that a request passes.
    # Loopback is no wall when a page elsewhere can make its own name point here (DNS rebinding): only our names are answered.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=names_in(settings.hosts), www_redirect=False)
    app.add_middleware(GZipMiddleware, minimum_size=1_000, compresslevel=1)
    app.add_middleware(edges.Edges, settings=settings, limits=limits)
    if origins := names_in(settings.cors_origins):
        app.add_middleware(CORSMiddleware, allow_origins=origins, allow_credentials=True, **edges.CORS)
    app.add_exception_handler(Refusal, responses.refusal_response)
    app.add_exception_handler(TooManyRequests, edges.too_many_response)
    app.add_exception_handler(RequestValidationError, responses.validation_response)
    app.add_exception_handler(HTTPException, responses.http_response)
    app.add_exception_handler(Exception, edges.unexpected_response)
    for routes in (health, account, accounts, oidc, cities, comparisons, incidents, locate, locate_many, tiles, pages):
        # First, so that a refused method is told of both.
        app.include_router(_with_head(routes.router))
        app.include_router(routes.router)
    app.mount("/static", StaticFiles(directory=STATIC, check_dir=False), name="static")
    return app


def _with_head(router: APIRouter) -> APIRouter:
    """The GET routes of a router, taking HEAD too, which HTTP requires (RFC 9110, section 9.1) and FastAPI leaves out.

    They are left out of the OpenAPI document, which would give the two methods of a route one operation id. The server sends
    no body in reply to HEAD.
    """
    both = APIRouter(include_in_schema=False)
    for route in router.routes:
        if isinstance(route, APIRoute) and "GET" in (route.methods or ()):
            both.add_api_route(
                route.path,
                route.endpoint,
                methods=["GET", "HEAD"],
                response_model=route.response_model,
                response_class=route.response_class,
                status_code=route.status_code,
            )
    return both
