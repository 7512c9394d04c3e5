"""The worker: does the jobs that transactions have asked for, and only those that committed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import procrastinate
import structlog

from basemaps.build import BasemapReport, build
from basemaps.files import basemap_path
from gis import db, rejections
from gis.actions.delete_expired import delete_expired
from gis.basemap_layers import basemap_ground
from gis.jobs import BUILD_BASEMAP, DELETE_EXPIRED, QUEUE, basemap_key, withdraw
from gis.personal_fields import keep_days
from gis.progress import Progress, silent
from gis.settings import Settings
from gis.store.deletions import Deletion


def build_basemap(settings: Settings, url: str, city: str, *, progress: Progress) -> BasemapReport:
    """Build the basemap of a loaded city into the data folder; the old one stays until the new one is whole.

    A build that still waits for a worker is withdrawn: this one has done its work.
    """

    def tell(_: str, share: float) -> None:
        progress("drawing the basemap", round(share * 100), 100)

    engine = db.engine(url, pool_size=1)
    try:
        with db.transaction(engine) as tx:
            ground = basemap_ground(tx, city)
            out = basemap_path(settings.data_dir, city)
            report = build(ground.layers, out, name=ground.name, attribution=ground.attribution, bounds=ground.bounds, progress=tell)
            withdraw(tx, waiting_once_as=basemap_key(city))
    finally:
        engine.dispose()
    return report


def worker_app(settings: Settings, url: str) -> procrastinate.App:
    """The job queue's app with every job that this release knows."""
    # A worker that was down at the time of a daily job does it when it comes up.
    connector = procrastinate.PsycopgConnector(conninfo=db.libpq_url(url))
    app = procrastinate.App(connector=connector, periodic_defaults={"max_delay": 86_400})

    @app.task(name=BUILD_BASEMAP, queue=QUEUE, retry=procrastinate.RetryStrategy(max_attempts=3, wait=5))
    def basemap(city: str) -> None:
        report = build_basemap(settings, url, city, progress=silent)
        structlog.get_logger().info("basemap built", city=city, bytes=report.bytes, seconds=round(report.seconds, 2))

    # Once a day, in the hour in which a city sleeps.
    @app.periodic(cron="17 3 * * *")
    @app.task(name=DELETE_EXPIRED, queue=QUEUE, queueing_lock=DELETE_EXPIRED, pass_context=False)
    def expired(timestamp: int) -> None:
        for one in deleted_expired(settings, url, now=datetime.fromtimestamp(timestamp, UTC)):
            structlog.get_logger().info("deleted", kind=one.kind, rows=one.rows, before=one.before and one.before.isoformat())

    return app


def deleted_expired(settings: Settings, url: str, *, now: datetime) -> list[Deletion]:
    """Delete what of people has been kept long enough by the settings, and return what went."""
    engine, folder = db.engine(url, pool_size=1), settings.data_dir / "rejected"
    try:
        with db.transaction(engine) as tx:
            done = delete_expired(tx, keep_days(settings), rejected_folder=folder, now=now)
        rejections.remove(folder, now - timedelta(days=settings.keep_rejected_days))
        return done
    finally:
        engine.dispose()


def work(settings: Settings, url: str, *, once: bool) -> None:
    """Do jobs until told to stop, or with ``once`` until none is left that is due."""

    async def run() -> None:
        app = worker_app(settings, url)
        async with app.open_async():
            await app.run_worker_async(queues=[QUEUE], wait=not once, install_signal_handlers=not once, concurrency=1)

    asyncio.run(run())
