"""`wangge export` as a user runs it: a file and a sentence, or a refusal that says how to mend it."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import geopandas
import pytest

from gis.layer_files import FORMATS
from tests.api.conftest import Run
from tests.tiny_city import load

ASKED = {"street-units": "geoparquet", "segments": "gpkg", "cells": "fgb", "duty-grids": "geojson"}


@pytest.mark.parametrize("layer", ASKED)
def test_a_layer_becomes_a_file(wangge: Run, database: str, tiny_pack: Path, tmp_path: Path, layer: str) -> None:
    load(database, tiny_pack)
    form = ASKED[layer]
    out = tmp_path / f"layer{FORMATS[form].ending}"
    done = wangge("export", layer, "--format", form, "--out", str(out), "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told == {
        "city": "tiny",
        "edition": 1,
        "layer": layer,
        "format": form,
        "file": str(out),
        "features": len(geopandas.read_parquet(out) if form == "geoparquet" else geopandas.read_file(out)),
        "bytes": out.stat().st_size,
    }
    assert "writing the layer" in done.stderr


def test_the_ending_says_the_format_and_the_sentence_says_what_was_written(
    wangge: Run, database: str, tiny_pack: Path, tmp_path: Path
) -> None:
    load(database, tiny_pack)
    done = wangge("export", "duty-grids", "--out", str(tmp_path / "grids.fgb"), "--city", "tiny", "--edition", "1")
    assert done.stdout.startswith("4 features of duty-grids, edition 1 of tiny: ")


def test_what_cannot_be_exported_is_refused_with_its_exit_code(wangge: Run, database: str, tiny_pack: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken.fgb"
    taken.write_text("mine")
    out = str(tmp_path / "x.fgb")
    assert wangge("export", "cells", "--out", out).returncode == 3
    load(database, tiny_pack)
    refused = {
        ("blocks", "--out", out): (3, "street-units, duty-grids, cells, segments"),
        ("cells", "--out", out, "--format", "shp"): (5, "geoparquet, gpkg, fgb, geojson"),
        ("cells", "--out", out, "--city", "atlantis"): (3, "atlantis"),
        ("cells", "--out", out, "--edition", "7"): (3, "tiny 7"),
        ("cells", "--out", out, "--edition", "0"): (2, "--edition"),
        ("cells",): (2, "--out"),
        ("cells", "--out", str(taken)): (4, "--overwrite"),
        ("cells", "--out", str(tmp_path / "none" / "x.fgb")): (1, "folder is not there"),
    }
    for arguments, (code, said) in refused.items():
        done = wangge("export", *arguments)
        assert (done.returncode, done.stdout) == (code, ""), arguments
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["taken.fgb"]


@pytest.mark.parametrize("form", ["geoparquet", "gpkg", "fgb", "geojson"])
def test_a_disk_without_room_is_told_and_nothing_is_left(database: str, tiny_pack: Path, tmp_path: Path, form: str) -> None:
    load(database, tiny_pack)
    out = tmp_path / "layer"
    environment = os.environ | {"WANGGE_DATABASE_URL": database, "WANGGE_DATA_DIR": str(tmp_path / "data"), "LANG": "C"}
    command = [sys.executable, "-m", "api.cli", "export", "cells", "--format", form, "--out", str(out)]
    done = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000)),
    )
    assert done.returncode == 1, done.stderr
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith((".", "layer"))] == []
