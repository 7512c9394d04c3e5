"""Where the built pages lie (`web/`, built by the build hook)."""

from __future__ import annotations

from pathlib import Path

STATIC = Path(__file__).parent / "static"
