"""The launcher on a small project of its own: real uv, real environments, nothing fetched, only chosen programs on the PATH."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parents[1]
_TOOLS = [
    "sh",
    "bash",
    "cat",
    "cksum",
    "cut",
    "dirname",
    "basename",
    "env",
    "find",
    "grep",
    "id",
    "kill",
    "ln",
    "mkdir",
    "mv",
    "printf",
    "readlink",
    "rm",
    "sed",
    "sleep",
    "sort",
    "tail",
    "touch",
]

# A build backend in the project itself, so that building needs no package index. It leaves a mark for every build.
_BACKEND = """
import base64, hashlib, os, pathlib, time, zipfile


def build_editable(folder, config_settings=None, metadata_directory=None):
    if os.environ.get("BUILD_FAILS"):
        raise SystemExit("the build was told to fail")
    time.sleep(float(os.environ.get("BUILD_SECONDS", "0")))
    root = pathlib.Path.cwd()
    if not os.environ.get("NO_PAGES"):
        (root / "api" / "static").mkdir(parents=True, exist_ok=True)
        (root / "api" / "static" / "index.html").touch()
    elif os.environ.get("WANGGE_REQUIRE_WEB"):
        raise SystemExit("the pages are wanted")
    with open(root / "builds.log", "a") as file:
        file.write("built\\n")
    files = {
        "wangge.pth": f"{root}\\n",
        "wangge-1.dist-info/METADATA": "Metadata-Version: 2.1\\nName: wangge\\nVersion: 1\\n",
        "wangge-1.dist-info/WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        "wangge-1.dist-info/entry_points.txt": "[console_scripts]\\nwangge = cli:main\\n",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},{len(text)}\\n"
        for name, text in files.items()
    )
    files["wangge-1.dist-info/RECORD"] = record + "wangge-1.dist-info/RECORD,,\\n"
    with zipfile.ZipFile(pathlib.Path(folder) / "wangge-1-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return "wangge-1-py3-none-any.whl"
"""
_CLI = "import os, sys\n\n\ndef main():\n    print('ran', sys.argv[1:], os.getcwd())\n    return int(os.environ.get('CLI_CODE', '0'))\n"


class Project:
    """A copy of the launcher with a project that it can build, and a PATH that holds only what is put there."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "the project"
        self.bin = folder / "bin"
        self.bin.mkdir()
        for tool in _TOOLS:
            found = shutil.which(tool)
            if found:
                (self.bin / tool).symlink_to(found)
        (self.bin / "python3").symlink_to(sys.executable)
        uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        assert uv, "uv is a package of the tests' lock file"
        (self.bin / "uv").symlink_to(uv)
        for name in ("chromium", "fc-list"):
            self.program(name, "echo Noto")
        for name, text in {
            "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n[project]\nname = "wangge"\nversion = "1"\n',
            "backend.py": _BACKEND,
            "cli.py": _CLI,
            "hatch_build.py": "",
            "requirements.lock": "",
            "tests/requirements.lock": "",
            "web/page.ts": "",
            "gis/locale/zh.po": "",
        }.items():
            file = self.root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        shutil.copy(_REPOSITORY / "wangge", self.root / "wangge")

    def program(self, name: str, script: str) -> None:
        """Put a program on the PATH that is a line of shell."""
        file = self.bin / name
        file.unlink(missing_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def environment(self, **more: str) -> dict[str, str]:
        home = self.root.parent / "home"
        home.mkdir(exist_ok=True)
        return {"PATH": str(self.bin), "HOME": str(home), "UV_OFFLINE": "1", "UV_PYTHON_DOWNLOADS": "never", **more}

    def run(self, *arguments: str, launcher: Path | None = None, cwd: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
        command = [str(launcher or self.root / "wangge"), *arguments]
        return subprocess.run(
            command, cwd=cwd or self.root.parent, env=self.environment(**more), capture_output=True, text=True, check=False, timeout=120
        )

    def builds(self) -> int:
        log = self.root / "builds.log"
        return len(log.read_text().splitlines()) if log.exists() else 0


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_the_first_run_makes_what_it_needs_and_the_second_only_runs(project: Project) -> None:
    first = project.run("doctor", "--json", "two words")
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("ran ['doctor', '--json', 'two words']")
    assert "making the environment .venv" in first.stderr
    second = project.run("doctor")
    assert second.stderr == ""
    assert second.stdout.startswith("ran ['doctor']")
    assert project.builds() == 1


def test_the_exit_code_and_the_folder_of_the_caller_are_kept(project: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    done = project.run("--version", cwd=elsewhere, CLI_CODE="6")
    assert done.returncode == 6
    assert done.stdout.rstrip().endswith(str(elsewhere))


def test_it_works_through_symlinks(project: Project, tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("the project/wangge")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "two").symlink_to("../one")
    done = project.run("--help", launcher=tmp_path / "links" / "two")
    assert done.returncode == 0, done.stderr
    assert (project.root / ".venv").is_dir()


@pytest.mark.parametrize("name", ["pyproject.toml", "hatch_build.py", "web/page.ts", "web/new.ts", "gis/locale/zh.po"])
def test_it_builds_again_when_a_source_of_the_build_changed(project: Project, name: str) -> None:
    project.run("--help")
    with (project.root / name).open("a") as file:
        file.write("\n# changed\n")
    assert "building" in project.run("--help").stderr
    assert project.builds() == 2
    assert project.run("--help").stderr == ""


def test_what_a_build_leaves_in_web_does_not_ask_for_another(project: Project) -> None:
    project.run("--help")
    for name in ("web/node_modules/a/index.js", "web/dist/page.js", "web/tsconfig.tsbuildinfo"):
        (project.root / name).parent.mkdir(parents=True, exist_ok=True)
        (project.root / name).write_text("made")
    assert project.run("--help").stderr == ""


def test_a_changed_lock_is_installed_and_the_programs_come_back(project: Project) -> None:
    project.run("--help")
    (project.root / "requirements.lock").write_text("# another\n")
    done = project.run("--help")
    assert done.returncode == 0, done.stderr
    assert "installing the packages of the lock file (product)" in done.stderr
    (project.root / "tests/requirements.lock").write_text("# another\n")
    assert project.run("--help").stderr == ""


def test_a_failed_build_is_said_and_done_again(project: Project) -> None:
    failed = project.run("--help", BUILD_FAILS="1")
    assert failed.returncode == 1
    assert "could not be made" in failed.stderr.splitlines()[-1]
    assert failed.stdout == ""
    assert project.run("--help").returncode == 0


def test_pages_that_cannot_be_built_are_told_once_and_stop_only_the_tests(project: Project) -> None:
    done = project.run("doctor", NO_PAGES="1")
    assert done.returncode == 0
    assert "./wangge --rebuild" in done.stderr
    again = project.run("doctor", NO_PAGES="1")
    assert again.stderr == ""
    assert project.builds() == 1
    project.program("pytest", "true")
    assert project.run("test", "--version", NO_PAGES="1").returncode == 1
    assert project.run("--rebuild").stdout == ""
    assert (project.root / "api/static/index.html").exists()
    assert project.run("test", "--version", NO_PAGES="1").returncode == 0


@pytest.mark.parametrize("harm", ["killed", "broken-python", "half-made"])
def test_a_harmed_environment_heals(project: Project, harm: str) -> None:
    venv = project.root / ".venv"
    if harm == "killed":
        command = [str(project.root / "wangge"), "--help"]
        started = subprocess.Popen(command, env=project.environment(BUILD_SECONDS="60"), stderr=subprocess.DEVNULL, start_new_session=True)
        until = time.monotonic() + 60
        while not (venv / "locks.stamp").exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        os.killpg(started.pid, signal.SIGKILL)
        started.wait()
    elif harm == "broken-python":
        project.run("--help")
        (venv / "bin" / "python").unlink()
        (venv / "bin" / "python").symlink_to("/nowhere/python3")
    else:
        (venv / "bin").mkdir(parents=True)
        (venv / "bin" / "python").write_text("")
    done = project.run("--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ran")


def test_a_moved_project_is_made_again(project: Project, tmp_path: Path) -> None:
    project.run("--help")
    project.root = project.root.rename(tmp_path / "moved")
    done = project.run("--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ran")


def test_launchers_at_one_time_build_once(project: Project) -> None:
    racers = [
        subprocess.Popen(
            [str(project.root / "wangge"), str(n)],
            env=project.environment(BUILD_SECONDS="1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(4)
    ]
    said = [racer.communicate(timeout=120) for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0, 0], said
    assert project.builds() == 1
    assert any("waiting for another launcher" in err for _, err in said), said


def test_an_environment_of_the_tests_serves_the_product(project: Project) -> None:
    project.program("pytest", 'echo "pytest $*"')
    done = project.run("test", "-k", "some thing")
    assert done.returncode == 0, done.stderr
    assert "lock file (test)" in done.stderr
    assert done.stdout == "pytest -k some thing\n"
    assert project.run("--help").stderr == ""


def test_test_runs_every_check_and_tells_which_failed_and_how_many_tests_ran(project: Project) -> None:
    tools = ("ruff", "mypy", "lint-imports", "deptry", "shellcheck", "hadolint")
    for tool in tools:
        project.program(tool, f'echo "{tool} $*"')
    project.program("mypy", "exit 3")
    project.program(
        "pytest",
        'echo "pytest $*"; for a; do case "$a" in --junit-xml=*) echo "<testsuites><testsuite name=\\"p\\" errors=\\"0\\" tests=\\"41\\" time=\\"1\\">" >"${a#*=}";; esac; done',
    )
    (project.root / "tests" / "supply_chain.py").write_text("import sys\nprint(sys.argv[1:])\n")
    done = project.run("test")
    assert done.returncode == 1
    for line in (
        "ruff format --check .",
        "ruff check .",
        "lint-imports",
        "deptry .",
        "shellcheck wangge .ci/run",
        "hadolint Dockerfile",
        "known vulnerabilities",
        "bill of materials",
        "pytest -n 2",
    ):
        assert line in done.stdout
    assert done.stderr.splitlines()[-2:] == ["wangge: 41 tests", "wangge: failed: mypy"]
    project.program("mypy", "exit 0")
    done = project.run("test", LANG="zh_CN.UTF-8")
    assert done.returncode == 0
    assert done.stderr.splitlines()[-2:] == ["wangge: 共 41 项测试", "wangge: 全部检查通过"]


def test_a_missing_package_without_a_way_to_install_it_is_one_line_for_an_administrator(project: Project) -> None:
    (project.bin / "chromium").unlink()
    project.program("apt-get", "exit 99")
    project.program("apt-cache", "true")
    project.program("id", "echo 1000")
    project.program("sudo", "exit 1")
    done = project.run("test", "--version")
    assert done.returncode == 1
    command = "sudo sh -c 'apt-get update && DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 apt-get install -y --no-install-recommends chromium'"
    assert done.stderr == f"wangge: missing system packages. Ask an administrator to run once: {command}\n"
    assert not (project.root / ".venv").exists()
    assert project.run("--help").returncode == 0  # the product needs no browser


@pytest.mark.parametrize("account", ["root", "sudo"])
def test_a_missing_package_is_installed_where_that_is_allowed(project: Project, account: str) -> None:
    (project.bin / "chromium").unlink()
    log = project.root / "apt.log"
    project.program("apt-get", f'echo "apt-get $*" >>"{log}"; [ "$1" = update ] || {{ echo "#!/bin/sh" >"{project.bin}/chromium"; }}')
    project.program("apt-cache", "true")
    project.program("id", "echo 0" if account == "root" else "echo 1000")
    project.program("sudo", '[ "$1" = -n ] && shift && exec "$@"')
    (project.bin / "true").symlink_to("/bin/true")
    project.program("pytest", "true")
    done = project.run("test", "--version")
    assert done.returncode == 0, done.stderr
    assert log.read_text().splitlines() == ["apt-get update", "apt-get install -y --no-install-recommends chromium"]
    assert done.stderr.index("installing the system packages chromium") == len("wangge: ")  # said before it is done


def test_another_system_is_told_what_to_install(project: Project) -> None:
    (project.bin / "chromium").unlink()
    done = project.run("test", "--version", LC_ALL="zh_CN.UTF-8")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "缺少：chromium" in done.stderr


def test_an_old_python_is_refused_in_one_line(project: Project) -> None:
    (project.bin / "python3").unlink()
    project.program("python3", 'case "$2" in *version_info*) exit 1;; *platform*) echo 3.9.2;; esac')
    done = project.run("--help")
    assert done.returncode == 1
    assert done.stderr.startswith("wangge: Python 3.11 or newer is needed, and this machine has 3.9.2.")
    assert len(done.stderr.splitlines()) == 1


def test_ci_runs_the_same_and_both_are_programs() -> None:
    for name in ("wangge", ".ci/run"):
        assert (_REPOSITORY / name).stat().st_mode & stat.S_IXUSR
    assert "./wangge test" in (_REPOSITORY / ".ci/run").read_text()
