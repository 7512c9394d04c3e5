"""The service's settings: one frozen object, made at a door (CLI, HTTP app, worker) and handed down."""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_LEAST_KEY = 32
_DEFAULT_SECRET = "development-only"  # noqa: S105 - refused in production below
_LONGEST_SECRET = 4096
# An origin as a browser sends it (RFC 6454, section 6.2): no path, no final slash, lower case.
_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
# https (OpenID Connect Discovery, section 3); http only to a provider on this machine, for trials.
_ISSUER = re.compile(r"(https://[^/?#@\s]+|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?)(/[^?#\s]*)?")


def default_data_dir() -> Path:
    """The user's data folder; for root a system folder, because PostgreSQL drops to an account that cannot enter /root."""
    if os.geteuid() == 0:
        return Path("/var/lib/wangge")
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "wangge"


def names_in(listed: str) -> list[str]:
    """The names of a comma-separated setting, without blanks and empty ones."""
    return [name for one in listed.split(",") if (name := one.strip())]


def _secret_of(file: Path) -> str:
    """The one line of a file; empty when it cannot be read or is anything else."""
    try:
        with file.open(encoding="utf-8") as opened:
            text = opened.read(_LONGEST_SECRET + 1).strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return "" if len(text) > _LONGEST_SECRET or "\n" in text else text


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Settings(BaseSettings):
    """Everything that may differ between two installations. Documented in docs/settings.md."""

    model_config = SettingsConfigDict(env_prefix="WANGGE_", frozen=True, extra="ignore", hide_input_in_errors=True)

    database_url_file: Path | None = Field(None, description="File that holds the database's URL, instead of WANGGE_DATABASE_URL.")
    database_url: SecretStr | None = Field(
        None,
        validate_default=True,
        description="SQLAlchemy or libpq URL of a PostGIS database; unset: a private cluster in the data folder.",
    )
    data_dir: Path = Field(default_factory=default_data_dir, description="Folder of the private cluster, basemaps and files.")
    environment: Literal["development", "production"] = Field("development", description="Production refuses default secrets.")
    secret_key_file: Path | None = Field(None, description="File that holds the secret key, instead of WANGGE_SECRET_KEY.")
    secret_key: SecretStr = Field(
        SecretStr(_DEFAULT_SECRET), validate_default=True, description="Key from which the service derives its own secrets."
    )
    sealing_keys: SecretStr = Field(
        SecretStr(""),
        description="Keys that seal what is kept of reporters, comma-separated: the first seals, all open; empty: one from the secret key.",
    )
    keep_logins_days: int = Field(180, ge=1, description="Days that a login stays listed after it is over.")
    keep_contacts_days: int = Field(365, ge=1, description="Days that the contact of a reporter is kept.")
    keep_rejected_days: int = Field(90, ge=1, description="Days that files of rejected rows stay in the data folder.")
    oidc_issuer: str = Field("", description="URL of the OpenID Connect provider; empty: none, and no outside host is asked anything.")
    oidc_client_id: str = Field("", description="What the provider calls this service.")
    oidc_client_secret_file: Path | None = Field(None, description="File that holds the secret, instead of WANGGE_OIDC_CLIENT_SECRET.")
    oidc_client_secret: SecretStr = Field(
        SecretStr(""), validate_default=True, description="Secret that the provider gave this service; empty: it gave none."
    )
    oidc_name: str = Field("", description="What the button of the log-in page calls the provider; empty: the provider's host.")
    host: str = Field("127.0.0.1", description="Address to listen on; in development only loopback.")
    port: int = Field(8600, ge=0, le=65535, description="TCP port to listen on; 0 takes a free one.")
    hosts: str = Field(
        "localhost,127.0.0.1,[::1]",
        description="Names under which the service may be asked, comma-separated; the name that a proxy passes on must be among them.",
    )
    trusted_proxies: str = Field(
        "127.0.0.1,::1",
        description="Addresses and networks of proxies whose X-Forwarded-For and -Proto are believed, comma-separated; empty: none.",
    )
    cors_origins: str = Field(
        "", description="Origins whose pages may read answers and send the login cookie, comma-separated; empty: none."
    )
    address_rate: int = Field(12_000, ge=0, description="Requests a minute from one client address; 0: no limit.")
    credential_rate: int = Field(3_000, ge=0, description="Requests a minute with one login or key; 0: no limit.")
    address_login_rate: int = Field(120, ge=1, description="Log-in attempts an hour from one client address.")
    login_rate: int = Field(3_000, ge=1, description="Log-in attempts an hour from all addresses together.")
    pool_size: int = Field(8, ge=1, le=200, description="Database connections a process holds at most, and threads that answer requests.")
    processes: int = Field(default_factory=_cores, ge=1, le=256, description="Processes that draw a city's parts; unset: one a core.")
    statement_timeout_s: float = Field(30.0, gt=0, description="Seconds after which the database ends a statement of a request.")
    body_limit_mb: int = Field(256, ge=1, le=100_000, description="Megabytes that a body of points may have at most.")
    log_format: Literal["text", "json"] = Field("text", description="Log lines for people or for machines.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least important line that is logged.")

    @field_validator("database_url_file", "secret_key_file", "oidc_client_secret_file", mode="before")
    @classmethod
    def _no_file(cls, path: object) -> object:
        return None if path == "" else path

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, listed: str) -> str:
        for origin in names_in(listed):
            if not _ORIGIN.fullmatch(origin):
                raise ValueError("WANGGE_CORS_ORIGINS must list origins, each as https://name or https://name:port; '*' is none")
        return listed

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, listed: str) -> str:
        for network in names_in(listed):
            try:
                ipaddress.ip_network(network)
            except ValueError:
                raise ValueError("WANGGE_TRUSTED_PROXIES must list addresses or networks, for example 127.0.0.1,10.0.0.0/8") from None
        return listed

    @field_validator("database_url", "secret_key", "oidc_client_secret", mode="before")
    @classmethod
    def _from_its_file(cls, given: object, info: ValidationInfo) -> object:
        """Secrets may come from files: an environment is inherited by every child process and shown in `/proc`."""
        given = None if given == "" and info.field_name == "database_url" else given
        file = info.data.get(f"{info.field_name}_file")
        if file is None:
            return given
        said = isinstance(given, str)  # the default is no text
        if said:
            raise ValueError("set this variable or the one of this name with _FILE, not both")
        secret = _secret_of(file)
        if not secret:
            raise ValueError("the file that the variable of this name with _FILE names cannot be read, or is not one line of text")
        return secret

    @field_validator("data_dir")
    @classmethod
    def _a_folder(cls, folder: Path) -> Path:
        if folder.exists() and not folder.is_dir():
            raise ValueError("WANGGE_DATA_DIR must name a folder, and it names a file")
        return folder.absolute()

    @field_validator("oidc_issuer")
    @classmethod
    def _is_an_issuer(cls, issuer: str) -> str:
        if not issuer:
            return issuer
        if not _ISSUER.fullmatch(issuer):
            raise ValueError("WANGGE_OIDC_ISSUER must be the https URL of the provider, exactly as it names itself, without query and #")
        return issuer

    @model_validator(mode="after")
    def _oidc_is_whole(self) -> Self:
        if self.oidc_issuer and not self.oidc_client_id:
            raise ValueError("WANGGE_OIDC_CLIENT_ID must be set when WANGGE_OIDC_ISSUER is")
        return self

    @model_validator(mode="after")
    def _refuse_default_secret(self) -> Self:
        if self.environment != "production":
            return self
        if self.secret_key.get_secret_value() in ("", _DEFAULT_SECRET):
            raise ValueError("WANGGE_SECRET_KEY must be set when WANGGE_ENVIRONMENT is production")
        # What is derived from a key is as hard to guess as the key is.
        if any(len(key) < _LEAST_KEY for key in (self.secret_key.get_secret_value(), *names_in(self.sealing_keys.get_secret_value()))):
            raise ValueError("In production WANGGE_SECRET_KEY and each of WANGGE_SEALING_KEYS must have at least 32 characters")
        return self
