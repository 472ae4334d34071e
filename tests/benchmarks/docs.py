"""``docs/performance.md``: the part between the marks is written from one run.

What stands outside of the marks is written by hand and stays.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.benchmarks.analysis import Ratio, Row
from tests.benchmarks.engines import ENGINES
from tests.benchmarks.picture import draw
from tests.benchmarks.report import aims_table, imports_table, number, times_table
from tests.benchmarks.results import Results
from tests.benchmarks.runner import ROOT, Options, environment
from tests.benchmarks.workload import Workload

__all__ = ["BEGIN", "END", "PAGE", "write_docs"]

PAGE = ROOT / "docs" / "performance.md"
PICTURE = ROOT / "docs" / "performance.svg"
LISTED = 6
"""Functions shown of a profile."""
STEEPEST = 1.1
"""The exponent that growth is to stay below; times are noisy, steps are counted by a test."""
BEGIN = "<!-- measured: written by `python -m tests.benchmarks --write-docs` -->"
END = "<!-- end of what was measured -->"


def write_docs(workloads: Mapping[str, Workload], results: Results, options: Options) -> None:
    """Replace the measured part of the page, and the picture."""
    rows, ratios = results.rows, results.ratios
    draw(ratios, PICTURE)
    parts = [
        BEGIN,
        _machine(results, options),
        "### Ratios\n",
        (
            "How many times our CPU time a peer took, at the largest size that both did, in brackets"
            " the aim. **short**: the aim is missed.\n"
        ),
        aims_table(workloads, ratios),
        f"\n![Ratios by workload]({PICTURE.name})\n",
        "### What falls short\n",
        _short(ratios, options),
        _steep(workloads, rows),
        "### Imports\n",
        imports_table(results.imports),
        "\n### All times\n",
        (
            "Medians of CPU milliseconds; growth is the exponent between neighbouring sizes; memory"
            " is what the process needed beyond the loaded engine, at its peak.\n"
        ),
        times_table(rows),
        "",
        END,
    ]
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    PAGE.write_text(head + "\n".join(parts) + tail, encoding="utf-8")


def _machine(results: Results, options: Options) -> str:
    named = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    lines = [
        (
            f"- Machine: {_processor()}, {os.cpu_count()} cores, {platform.system()};"
            f" CPython {platform.python_version()}; load {os.getloadavg()[0]:.1f} at the end."
        ),
        f"- Engines: {named}.",
        (
            f"- Medians; each figure was measured at least {results.repeats} times; garbage collection"
            f" {'off' if options.no_gc else 'as it is by default'}."
        ),
    ]
    if results.missing:
        lines.append(f"- Not installed, and left out: {', '.join(results.missing)}.")
    return "\n".join(lines) + "\n"


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.machine()


def _short(ratios: Sequence[Ratio], options: Options) -> str:
    """What misses an aim, with where the time goes."""
    parts = []
    for workload in dict.fromkeys(r.workload for r in ratios):
        missed = [r for r in ratios if r.workload == workload and r.aim and r.value < r.aim]
        engines = list(dict.fromkeys(r.ours for r in missed if not ENGINES[r.ours].compiled))
        if "ours" in engines and "ours-expr" in engines:
            engines.remove("ours-expr")  # it spends its time where `ours` does
        for engine in engines:
            against = ", ".join(
                f"{r.peer} {number(r.value)}{_compiled(r, ratios)} of {r.aim:,.4g}"
                for r in missed
                if r.ours == engine
            )
            size = max(r.size for r in missed)
            lines = profile_lines(engine, workload, size, options)
            parts.append(f"**{workload}, {engine}** ({against}):\n\n{lines}\n")
    return "\n".join(parts) or "No aim is missed.\n"


def _compiled(missed: Ratio, ratios: Sequence[Ratio]) -> str:
    """The ratio of the compiled build, if it was measured."""
    for r in ratios:
        if (r.workload, r.peer) == (missed.workload, missed.peer) and (
            ENGINES[r.ours].compiled and ENGINES[r.ours].like == missed.ours
        ):
            return f", compiled {number(r.value)},"
    return ""


def _steep(workloads: Mapping[str, Workload], rows: Sequence[Row]) -> str:
    """Where our time grew faster than it should from the second largest size to the largest."""
    found = [
        f"{row.workload} {row.engine} {row.exponents[-1]:.2f}"
        for row in rows
        if workloads[row.workload].growth
        and ENGINES[row.engine].peer == "ours"
        and row.exponents
        and row.exponents[-1] > STEEPEST
    ]
    told = ", ".join(found) or "none"
    return f"Growth above an exponent of {STEEPEST} by time, at the largest size: {told}.\n"


def profile_lines(engine: str, workload: str, size: int, options: Options) -> str:
    """The functions with the most own time, as a block of text."""
    done = subprocess.run(
        [
            options.pythons.get(ENGINES[engine].peer, sys.executable),
            "-m", "tests.benchmarks.profile", engine, workload, str(size),
        ],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()[:LISTED] or [done.stderr.strip()[-200:]]
    return "\n".join(["```", *lines, "```"])
