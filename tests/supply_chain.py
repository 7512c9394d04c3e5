"""What the program is made of: every locked package is looked up in a list of known vulnerabilities, and a bill of materials is written.

    .venv/bin/python -m tests.supply_chain audit     fails when a locked package has a known vulnerability
    .venv/bin/python -m tests.supply_chain sbom      writes build/sbom.cdx.json; fails when a locked package of the product is not in it

A list of vulnerabilities is asked first for a package that is known to have some. One that does not tell of them (no network, an index
that has only files) cannot be asked; that is said, and nothing fails. It all ends within a minute.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
SBOM = ROOT / "build" / "sbom.cdx.json"
KNOWN_BAD = "jinja2==2.10"
"""CVE-2019-10906 and more; every list has had them for years."""

_LISTS = (["--vulnerability-service", "pypi"], ["--vulnerability-service", "osv"])
_MINUTE_S = 60.0


@dataclass(frozen=True)
class Audit:
    """What a list said of some packages: those with vulnerabilities ("name version: ids"), how many it knew, those it did not."""

    vulnerable: list[str]
    known: int
    unknown: list[str]


def locked(lock: Path) -> dict[str, str]:
    """Name to version of the packages of a lock file that are for this machine."""
    found = {}
    for line in lock.read_text("utf-8").splitlines():
        if line and not line.startswith(("#", " ")):
            wanted = Requirement(line.removesuffix("\\").strip())
            if wanted.marker is None or wanted.marker.evaluate():
                (pin,) = wanted.specifier
                found[canonicalize_name(wanted.name)] = pin.version
    return found


def ask(source: list[str], packages: dict[str, str], *, until: float) -> Audit | None:
    """What a list says of packages; None when it cannot be asked before the instant ``until`` of the monotonic clock."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "packages.txt"
        wanted.write_text("".join(f"{name}=={version}\n" for name, version in packages.items()))
        words = [
            "--requirement",
            str(wanted),
            "--no-deps",
            "--disable-pip",
            "--format",
            "json",
            "--progress-spinner",
            "off",
            "--timeout",
            "5",
        ]
        command = [sys.executable, "-m", "pip_audit", *source, *words, "--cache-dir", folder]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=max(0.1, until - time.monotonic()))
            told: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
        except (subprocess.TimeoutExpired, ValueError, KeyError):
            return None
    return Audit(
        [f"{one['name']} {one['version']}: {_sentence(one['vulns'])}" for one in told if one.get("vulns")],
        sum("skip_reason" not in one for one in told),
        [one["name"] for one in told if "skip_reason" in one],
    )


def _sentence(faults: list[dict[str, Any]]) -> str:
    return "; ".join(
        f"{fault['id']}, mended in {', '.join(fault['fix_versions'])}" if fault["fix_versions"] else f"{fault['id']}, not mended yet"
        for fault in faults
    )


def audit(lock: Path, sources: tuple[list[str], ...] = _LISTS) -> int:
    """Ask the first list that can be asked, tell, and return the exit code."""
    until = time.monotonic() + _MINUTE_S
    name, _, version = KNOWN_BAD.partition("==")
    packages = locked(lock)
    for source in sources:
        probe = ask(source, {name: version}, until=until)
        if probe is None or not probe.vulnerable:
            continue
        found = ask(source, packages, until=until)
        if found is None:
            break
        sys.stdout.write("".join(f"vulnerable: {one}\n" for one in found.vulnerable))
        if found.unknown:
            sys.stdout.write(f"not in the list, so not looked up: {', '.join(found.unknown)}\n")
        sys.stdout.write(
            f"{found.known} of {len(packages)} locked packages looked up, {len(found.vulnerable)} with a known vulnerability\n"
        )
        return 1 if found.vulnerable else 0
    sys.stdout.write(
        f"NOT AUDITED: no list of vulnerabilities could be asked about the {len(packages)} locked packages "
        f"(each was asked for {KNOWN_BAD} first, which has known ones). Run this check where the package index can be reached.\n"
    )
    return 0


def sbom(lock: Path, out: Path) -> int:
    """Write the bill of materials of this environment, look for every locked package in it, tell, and return the exit code."""
    out.parent.mkdir(exist_ok=True)
    words = ["environment", "--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible", "--output-format", "JSON"]
    subprocess.run([sys.executable, "-m", "cyclonedx_py", *words, "--output-file", str(out), sys.executable], check=True, timeout=_MINUTE_S)
    wanted, found = locked(lock), components(json.loads(out.read_text("utf-8")))
    missing = [f"{name}=={version}" for name, version in wanted.items() if found.get(name) != version]
    sys.stdout.write("".join(f"missing in the bill of materials: {one}\n" for one in missing))
    sys.stdout.write(f"{out.name}: {len(found)} components, {len(wanted) - len(missing)} of {len(wanted)} locked packages of the product\n")
    return 1 if missing else 0


def components(document: dict[str, Any]) -> dict[str, str]:
    """Name to version of the components of a CycloneDX document."""
    return {canonicalize_name(one["name"]): one.get("version", "") for one in document.get("components", [])}


def main() -> int:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("check", choices=["audit", "sbom"])
    check = parser.parse_args().check
    return audit(ROOT / "tests" / "requirements.lock") if check == "audit" else sbom(ROOT / "requirements.lock", SBOM)


if __name__ == "__main__":
    sys.exit(main())
