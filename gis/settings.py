"""The service's settings: one frozen object, made at a door (CLI, HTTP app, worker) and handed down."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_DEFAULT_SECRET = "development-only"  # noqa: S105 - refused in production below


def default_data_dir() -> Path:
    """The user's data folder; for root a system folder, because PostgreSQL drops to an account that cannot enter /root."""
    if os.geteuid() == 0:
        return Path("/var/lib/wangge")
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "wangge"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Settings(BaseSettings):
    """Everything that may differ between two installations. Documented in docs/settings.md."""

    model_config = SettingsConfigDict(env_prefix="WANGGE_", frozen=True, extra="ignore")

    database_url: SecretStr | None = Field(
        None, description="SQLAlchemy or libpq URL of a PostGIS database; unset: a private cluster in the data folder."
    )
    data_dir: Path = Field(default_factory=default_data_dir, description="Folder of the private cluster, basemaps and files.")
    environment: Literal["development", "production"] = Field("development", description="Production refuses default secrets.")
    secret_key: SecretStr = Field(SecretStr(_DEFAULT_SECRET), description="Key from which the service derives its own secrets.")
    host: str = Field("127.0.0.1", description="Address to listen on; only loopback is allowed until accounts exist.")
    port: int = Field(8600, ge=0, le=65535, description="TCP port to listen on; 0 takes a free one.")
    hosts: str = Field(
        "localhost,127.0.0.1,[::1]",
        description="Names under which the service may be asked, comma-separated; the name that a proxy passes on must be among them.",
    )
    pool_size: int = Field(8, ge=1, le=200, description="Database connections a process holds at most, and threads that answer requests.")
    processes: int = Field(default_factory=_cores, ge=1, le=256, description="Processes that draw a city's parts; unset: one a core.")
    statement_timeout_s: float = Field(30.0, gt=0, description="Seconds after which the database ends a statement of a request.")
    body_limit_mb: int = Field(256, ge=1, le=100_000, description="Megabytes that the body of a request may have at most.")
    log_format: Literal["text", "json"] = Field("text", description="Log lines for people or for machines.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least important line that is logged.")

    @field_validator("database_url", mode="before")
    @classmethod
    def _empty_is_unset(cls, url: object) -> object:
        return None if url == "" else url

    @field_validator("data_dir")
    @classmethod
    def _a_folder(cls, folder: Path) -> Path:
        if folder.exists() and not folder.is_dir():
            raise ValueError("WANGGE_DATA_DIR must name a folder, and it names a file")
        return folder.absolute()

    @model_validator(mode="after")
    def _refuse_default_secret(self) -> Self:
        if self.environment == "production" and self.secret_key.get_secret_value() == _DEFAULT_SECRET:
            raise ValueError("WANGGE_SECRET_KEY must be set when WANGGE_ENVIRONMENT is production")
        return self
