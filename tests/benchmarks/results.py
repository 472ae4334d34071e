"""The results of a run, and their JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.analysis import Ratio, Row
from tests.benchmarks.imports import Import

__all__ = ["Results", "loaded", "saved"]


@dataclass
class Results:
    """What the tables are made of: `versions` by peer, `missing` peers, the least number of
    repeats."""

    rows: list[Row] = field(default_factory=list)
    ratios: list[Ratio] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    repeats: int = 0

    def take(self, other: Results) -> None:
        """Take over what another run has measured, in the place of what is here. A run
        without peers has no ratios: those stay, beside its rows."""
        compared = {ratio.workload for ratio in other.ratios}
        again = {(row.workload, row.engine): row for row in other.rows}
        kept = [
            again.pop((row.workload, row.engine), row)
            for row in self.rows
            if row.workload not in compared
        ]
        self.rows = [*kept, *again.values()]
        self.ratios = [r for r in self.ratios if r.workload not in compared] + other.ratios
        self.imports = other.imports or self.imports
        self.versions.update(other.versions)
        self.missing = [name for name in self.missing if name not in other.versions]
        known = (*self.missing, *self.versions)
        self.missing += [name for name in other.missing if name not in known]
        self.repeats = min(self.repeats or other.repeats, other.repeats)


def saved(results: Results, path: Path) -> None:
    """Write the results as JSON."""
    path.write_text(json.dumps(asdict(results), indent=1) + "\n", encoding="utf-8")


def loaded(paths: Sequence[Path]) -> Results:
    """The results of one or several runs, later ones in the place of earlier ones."""
    results = Results()
    for path in paths:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        results.take(
            Results(
                [Row(**_hashable(row)) for row in found["rows"]],
                [Ratio(**ratio) for ratio in found["ratios"]],
                [Import(**one) for one in found["imports"]],
                found["versions"],
                found["missing"],
                found["repeats"],
            )
        )
    return results


def _hashable(row: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in row.items()}
