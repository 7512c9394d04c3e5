"""The images, the composition and the units of an operator, read as their engines read them."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

_REPOSITORY = Path(__file__).resolve().parents[1]
_DOCKERFILE = (_REPOSITORY / "Dockerfile").read_text(encoding="utf-8")
_COMPOSE: dict[str, Any] = yaml.safe_load((_REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"))
_SERVICES: dict[str, Any] = _COMPOSE["services"]
_UNITS = sorted((_REPOSITORY / "docs" / "systemd").glob("*.service"))


def stages() -> dict[str, list[str]]:
    """The instructions of each stage of the Dockerfile, continued lines joined."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in re.sub(r"\\\n\s*", " ", _DOCKERFILE).splitlines():
        if match := re.match(r"FROM \S+ AS (\w+)", line):
            name = match[1]
            found[name] = [line]
        elif line and not line.startswith("#"):
            found[name].append(line)
    return found


def named_images() -> list[str]:
    own = {service["image"] for service in _SERVICES.values() if "build" in service}
    return re.findall(r"^FROM (\S+)", _DOCKERFILE, re.MULTILINE) + [
        service["image"] for service in _SERVICES.values() if service["image"] not in own
    ]


def test_the_services_are_the_five_of_the_operators_guide() -> None:
    assert set(_SERVICES) == {"postgis", "migrate", "api", "worker", "proxy"}


@pytest.mark.parametrize("image", named_images())
def test_images_are_named_by_tag_and_by_no_host(image: str) -> None:
    assert re.fullmatch(r"([a-z]+/)?[a-z]+:\d[\w.-]*", image)


@pytest.mark.parametrize("name", _SERVICES)
def test_every_service_is_hardened(name: str) -> None:
    service = _SERVICES[name]
    assert service["read_only"] is True
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service


@pytest.mark.parametrize("name", _SERVICES)
def test_no_service_runs_as_root(name: str) -> None:
    service = _SERVICES[name]
    if "build" in service:
        users = [line.split()[1] for line in stages()[service["build"]["target"]] if line.startswith("USER ")]
        assert users
        assert int(users[-1]) > 0
        assert "user" not in service
    else:
        assert service["user"] not in {"root", "0"}


@pytest.mark.parametrize("name", _SERVICES)
def test_every_service_that_stays_is_watched(name: str) -> None:
    service = _SERVICES[name]
    if name == "migrate":
        assert service["restart"] == "no"
        assert service["healthcheck"] == {"disable": True}
        return
    assert service["restart"] == "unless-stopped"
    in_image = "build" in service and any(line.startswith("HEALTHCHECK ") for line in stages()[service["build"]["target"]])
    assert in_image or service["healthcheck"]["test"]


def test_they_start_in_order() -> None:
    assert _SERVICES["migrate"]["depends_on"]["postgis"]["condition"] == "service_healthy"
    for name in ("api", "worker"):
        assert _SERVICES[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert _SERVICES["migrate"]["command"] == ["migrate"]


def test_the_service_listens_on_loopback_and_only_this_machine_reaches_the_proxy() -> None:
    assert _SERVICES["api"]["network_mode"] == "service:proxy"
    assert not any("WANGGE_HOST" in service.get("environment", {}) for service in _SERVICES.values())
    published = {name: service["ports"] for name, service in _SERVICES.items() if "ports" in service}
    assert published == {"proxy": ["127.0.0.1:8443:8443"]}
    assert "reverse_proxy 127.0.0.1:8600" in (_REPOSITORY / "deploy" / "Caddyfile").read_text()
    assert "tls internal" in (_REPOSITORY / "deploy" / "Caddyfile").read_text()
    assert _COMPOSE["networks"]["inside"] == {"internal": True}


def test_it_does_not_start_without_its_secrets() -> None:
    for name in ("migrate", "api", "worker"):
        settings = _SERVICES[name]["environment"]
        assert settings["WANGGE_ENVIRONMENT"] == "production"
        assert settings["WANGGE_SECRET_KEY"].startswith("${WANGGE_SECRET_KEY:?")
        assert "${WANGGE_DATABASE_PASSWORD:?" in settings["WANGGE_DATABASE_URL"]
    assert _SERVICES["postgis"]["environment"]["POSTGRES_PASSWORD"].startswith("${WANGGE_DATABASE_PASSWORD:?")


def test_what_must_survive_is_in_named_volumes() -> None:
    used = {volume.split(":")[0] for service in _SERVICES.values() for volume in service.get("volumes", []) if not volume.startswith("./")}
    assert used == set(_COMPOSE["volumes"])
    for service in _SERVICES.values():
        for volume in service.get("volumes", []):
            if volume.startswith("./"):
                source, _, mode = volume.split(":")
                assert (_REPOSITORY / source).is_file()
                assert mode == "ro"


def test_the_runtime_image_gets_the_lock_and_the_wheel_and_nothing_else() -> None:
    runtime = stages()["wangge"]
    assert [line for line in runtime if line.startswith(("COPY", "ADD"))] == ["COPY --from=build /opt/wangge /opt/wangge"]
    build = " ".join(stages()["build"])
    assert "--require-hashes --compile-bytecode requirements.lock" in build
    assert "--no-deps --compile-bytecode /dist/*.whl" in build
    assert "WANGGE_REQUIRE_WEB=1" in build


def test_the_build_sees_every_source_of_the_wheel_and_no_more() -> None:
    lines = (_REPOSITORY / ".dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines
    assert {
        "api",
        "basemaps",
        "gis",
        "grids",
        "web",
        "hatch_build.py",
        "pyproject.toml",
        "requirements.lock",
        "tests/requirements.lock",
    } <= allowed
    for line in stages()["proxy"]:
        if line.startswith("COPY "):
            assert line.split()[1].split("/")[0] in allowed
    assert not {".git", ".venv", "tests", "docs"} & allowed


def test_the_engine_accepts_the_composition(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("this machine has no docker with the compose plugin")
    command = [
        docker,
        "compose",
        "--project-directory",
        str(_REPOSITORY),
        "-f",
        str(_REPOSITORY / "docker-compose.yml"),
        "config",
        "--quiet",
    ]
    without = {name: value for name, value in os.environ.items() if not name.startswith("WANGGE_")}
    refused = subprocess.run(command, env=without, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "WANGGE_" in refused.stderr
    secrets = {"WANGGE_SECRET_KEY": "k", "WANGGE_DATABASE_PASSWORD": "p"}
    accepted = subprocess.run(command, env=without | secrets, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert accepted.returncode == 0, accepted.stderr


class _Unit(configparser.RawConfigParser):
    def optionxform(self, optionstr: str) -> str:
        return optionstr


@pytest.mark.parametrize("file", _UNITS, ids=lambda file: file.name)
def test_units_are_hardened_and_run_as_their_own_account(file: Path) -> None:
    unit = _Unit()
    unit.read(file)
    service = unit["Service"]
    assert service["User"] == "wangge"
    assert service["StateDirectory"] == "wangge"
    assert service["ProtectSystem"] == "strict"
    for switch in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "ProtectKernelTunables", "RestrictSUIDSGID"):
        assert service[switch] == "yes"
    assert service["CapabilityBoundingSet"] == ""
    assert service["Restart"] == "on-failure"
    assert "WANGGE_DATA_DIR=/var/lib/wangge" in service["Environment"]


def test_the_units_are_the_api_which_migrates_first_and_the_worker() -> None:
    assert [file.name for file in _UNITS] == ["wangge-api.service", "wangge-worker.service"]
    api, worker = (file.read_text() for file in _UNITS)
    assert "ExecStartPre=/opt/wangge/.venv/bin/wangge migrate\nExecStart=/opt/wangge/.venv/bin/wangge serve\n" in api
    assert "ExecStart=/opt/wangge/.venv/bin/wangge worker\n" in worker


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("this machine has no systemd-analyze")
    for file in _UNITS:
        # The program is not installed on the machine that runs the tests; everything else is checked.
        copy = tmp_path / file.name
        copy.write_text(file.read_text().replace("/opt/wangge/.venv/bin/wangge", "/bin/true"))
    checked = subprocess.run(
        [analyze, "verify", "--man=no", *(str(tmp_path / file.name) for file in _UNITS)], capture_output=True, text=True, check=False
    )
    assert [line for line in checked.stderr.splitlines() if "wangge" in line] == []
