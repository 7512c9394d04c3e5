"""Where the program begins: Ctrl-C ends it quietly even while it still imports itself."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    try:
        from api.cli import main as run

        run()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
