"""Fixtures of the remembering room."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tiny_pack import write_tiny_pack


@pytest.fixture
def tiny_pack(tmp_path: Path) -> Path:
    """The folder of a tiny good city pack, to be read as it is or broken in one way."""
    return write_tiny_pack(tmp_path / "tiny")
