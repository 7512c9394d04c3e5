"""How long `./wangge demo` takes until the page answers, first and second start, and how much memory it needs.

    .venv/bin/python tests/bench/demo_start.py        (after `./wangge test`, which makes the environment)

Starts the real launcher on an empty data folder, waits for an answer of `/map`, stops it, and starts it again. Memory is the
highest sum of the resident sizes of the program and all its children, PostgreSQL apart. Prints one JSON document.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
PATIENCE_S = 300.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def resident_mb(process: psutil.Process) -> float:
    """Resident memory of a process and its children, in MB; 0 for what has just ended."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            if one.name() != "postgres":
                total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 1e6


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def start(environment: dict[str, str]) -> dict[str, float]:
    """Seconds until the map page answers, and the highest memory until then."""
    port = free_port()
    began, most_mb = time.monotonic(), 0.0
    with subprocess.Popen([str(ROOT / "wangge"), "demo", "--port", str(port)], env=environment, stdout=subprocess.DEVNULL) as program:
        tree = psutil.Process(program.pid)
        while not answers(f"http://127.0.0.1:{port}/map"):
            if program.poll() is not None or time.monotonic() - began > PATIENCE_S:
                raise SystemExit("the demo did not come up; run ./wangge demo to see why")
            most_mb = max(most_mb, resident_mb(tree))
            time.sleep(0.02)
        seconds = time.monotonic() - began
        most_mb = max(most_mb, resident_mb(tree))
        subprocess.run([str(ROOT / "wangge"), "stop"], env=environment, check=True, stdout=subprocess.DEVNULL)
    return {"seconds": round(seconds, 2), "peak_mb": round(most_mb)}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        environment = os.environ | {"WANGGE_DATA_DIR": folder}
        measured: dict[str, Any] = {"first": start(environment), "second": start(environment)}
    measured["cores"] = os.cpu_count()
    sys.stdout.write(json.dumps(measured, indent=2) + "\n")


if __name__ == "__main__":
    main()
