"""What a check has found so far: every kind of fault, the first rows of each by number, the rest as a count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gis.errors import BadPack, Finding

MOST_ROWS_NAMED = 20
T = TypeVar("T")


@dataclass
class Findings:
    """Findings in the order in which they were added, at most ``MOST_ROWS_NAMED`` of one kind in one file."""

    kept: list[Finding] = field(default_factory=list)
    counts: Counter[tuple[str, str | None, str]] = field(default_factory=Counter)

    def add(self, findings: Iterable[Finding]) -> None:
        """Keep these findings, or count them where there are already enough of their kind."""
        for finding in findings:
            kind = (finding.slug, finding.file, finding.severity)
            self.counts[kind] += 1
            if self.counts[kind] <= MOST_ROWS_NAMED and finding not in self.kept:
                self.kept.append(finding)

    def attempt(self, read: Callable[..., T], *arguments: Any, **options: Any) -> T | None:
        """What ``read`` gives, or None when it refuses the pack; its findings are then added."""
        try:
            return read(*arguments, **options)
        except BadPack as refusal:
            self.add(refusal.findings)
            return None

    def all(self) -> list[Finding]:
        """Everything found, and for each kind that was cut short how many more rows have it."""
        more = [
            Finding(
                "more-rows",
                "{count} more rows have the same fault ({fault}).",
                file=file,
                severity="error" if severity == "error" else "warning",
                details={"count": count - MOST_ROWS_NAMED, "fault": slug},
            )
            for (slug, file, severity), count in self.counts.items()
            if count > MOST_ROWS_NAMED
        ]
        return self.kept + more
