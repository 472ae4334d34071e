"""Tables as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tests.benchmarks.analysis import Ratio, Row
from tests.benchmarks.engines import ENGINES
from tests.benchmarks.imports import Import
from tests.benchmarks.workload import Workload

__all__ = ["PEERS", "aims_table", "imports_table", "markdown", "number", "times_table"]

PEERS = ("torch", "jax", "tvm")
"""The peers proper; the others are tools that do a part of the work."""


def markdown(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    made = [f"| {' | '.join(header)} |", f"|{'|'.join('---' for _ in header)}|"]
    made += [f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines]
    return "\n".join(made)


def number(value: float | None) -> str:
    """Three digits that count."""
    if value is None:
        return "–"
    if value >= 100:
        return f"{value:,.0f}"
    return (
        f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"
    )


def times_table(rows: Sequence[Row]) -> str:
    """Medians by size, exponents, memory and remarks, engine by engine."""
    lines = [_times(row) for row in rows]
    header = ("", "engine", "N", "CPU ms", "growth", "memory, MB", "remarks")
    return markdown(header, lines)


def _times(row: Row) -> tuple[str, ...]:
    return (
        row.workload,
        row.engine,
        " / ".join(f"{n:,}" for n in row.sizes),
        " / ".join(number(t) for t in row.cpu_ms),
        ", ".join(f"{e:.1f}" for e in row.exponents),
        number(max((m for m in row.memory_mb if m is not None), default=None)),
        row.remark,
    )


def aims_table(workloads: Mapping[str, Workload], ratios: Sequence[Ratio]) -> str:
    """One line for each workload and engine of ours: the ratio against each peer, beside the
    aim; what falls short is marked. Tools that do one thing have a table of their own."""
    engines = [r for r in ratios if ENGINES[r.peer].peer in PEERS]
    tools = [r for r in ratios if ENGINES[r.peer].peer not in PEERS]
    tables = [_ratio_table(workloads, group) for group in (engines, tools) if group]
    return "\n\n".join(tables)


def _ratio_table(workloads: Mapping[str, Workload], ratios: Sequence[Ratio]) -> str:
    peers = list(dict.fromkeys(r.peer for r in ratios))
    lines = []
    named = {(r.workload, r.ours, r.peer): r for r in ratios}
    for pair in dict.fromkeys((r.workload, r.ours) for r in ratios):
        size = max(r.size for r in ratios if (r.workload, r.ours) == pair)
        cells = [_cell(named.get((*pair, peer)), size) for peer in peers]
        title = workloads[pair[0]].title
        lines.append((pair[0], f"{title}, {size:,}", pair[1], *cells))
    return markdown(("", "workload", "", *peers), lines)


def imports_table(imports: Sequence[Import]) -> str:
    """What importing costs above a bare interpreter."""
    lines = [
        (f"`{one.statement}`", number(one.cpu_ms), number(one.peak_mb), str(one.modules))
        for one in imports
    ]
    return markdown(("statement", "CPU ms", "peak MB", "modules"), lines)


def _cell(ratio: Ratio | None, size: int) -> str:
    """The ratio; its size, where that is not the one of the line; the aim, where there is
    one."""
    if ratio is None:
        return "–"
    told = [f"N={ratio.size:,}"] if ratio.size != size else []
    if ratio.aim is not None:
        short = "" if ratio.value >= ratio.aim else ", **short**"
        told.append(f"aim {ratio.aim:,.4g}{short}")
    return number(ratio.value) + (f" ({'; '.join(told)})" if told else "")
