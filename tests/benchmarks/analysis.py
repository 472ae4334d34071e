"""From measurements to medians, exponents of growth, ratios and remarks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from tests.benchmarks.engines import ENGINES
from tests.benchmarks.runner import Series
from tests.benchmarks.workload import Workload

__all__ = ["Ratio", "Row", "ratios", "rows"]


@dataclass(frozen=True)
class Row:
    """One engine in one workload: medians by size (None where there is none)."""

    workload: str
    engine: str
    sizes: tuple[int, ...]
    cpu_ms: tuple[float | None, ...]
    memory_mb: tuple[float | None, ...]
    """What the process needed beyond the engine as loaded, at its peak."""
    peak_mb: tuple[float | None, ...]
    exponents: tuple[float, ...]
    remark: str


@dataclass(frozen=True)
class Ratio:
    """A peer's time divided by ours, at the largest size that both did (more is better)."""

    workload: str
    ours: str
    peer: str
    size: int
    value: float
    aim: float | None


def rows(workload: Workload, measured: Sequence[Series], sizes: Sequence[int]) -> list[Row]:
    """The rows of a workload, remarks on answers included."""
    return [_row(workload, one, tuple(sizes), measured) for one in measured]


def _row(
    workload: Workload, one: Series, sizes: tuple[int, ...], measured: Sequence[Series]
) -> Row:
    cpu = tuple(_median(one.records.get(n), "cpu_ms") for n in sizes)
    loaded = tuple(_median(one.records.get(n), "loaded_mb") for n in sizes)
    peak = tuple(_median(one.records.get(n), "peak_mb") for n in sizes)
    memory = tuple(None if a is None or b is None else b - a for a, b in zip(loaded, peak))
    growing = [(n, t) for n, t in zip(sizes, cpu) if t]
    exponents = tuple(
        math.log(t / s) / math.log(n / m) for (m, s), (n, t) in pairwise(growing)
    )
    remarks = [one.unsupported] if one.unsupported else []
    remarks += [f"N={size}: {why}" for size, why in one.stopped.items()]
    remarks += _judged(workload, one, measured)
    remarks += _notes(one)
    return Row(
        workload.name, one.engine, sizes, cpu, memory, peak, exponents, "; ".join(remarks)
    )


def _median(records: list[dict[str, Any]] | None, key: str) -> float | None:
    return median(record[key] for record in records) if records else None


def _judged(workload: Workload, one: Series, measured: Sequence[Series]) -> list[str]:
    """What is wrong with the answers, if anything is; each remark once."""
    remarks: dict[str, None] = {}
    for size, records in one.records.items():
        expected = _expected(workload, size, measured)
        for record in records:
            answer = record["answer"]
            if workload.judge is not None:
                told = workload.judge(expected, answer)
            else:
                told = "" if answer == expected else f"WRONG at N={size}"
            if told:
                remarks[told] = None
    return list(remarks)


def _expected(workload: Workload, size: int, measured: Sequence[Series]) -> Any:
    if workload.expected is not None:
        return workload.expected(size)
    for one in measured:
        if one.records.get(size):
            return one.records[size][0]["answer"]
    return None


def _notes(one: Series) -> list[str]:
    if not one.records:
        return []
    last = one.records[max(one.records)][-1]
    return [f"{name}: {value}" for name, value in last["notes"].items()]


def ratios(workload: Workload, found: Sequence[Row]) -> list[Ratio]:
    """Each engine of ours against each engine of the peers."""
    ours = [row for row in found if ENGINES[row.engine].peer == "ours"]
    others = [row for row in found if ENGINES[row.engine].peer != "ours"]
    made = []
    for mine in ours:
        for peer in others:
            ratio = _ratio(workload, mine, peer)
            if ratio is not None:
                made.append(ratio)
    return made


def _ratio(workload: Workload, mine: Row, peer: Row) -> Ratio | None:
    aim = workload.aims.get(peer.engine)
    pairs = [
        (size, a, b) for size, a, b in zip(mine.sizes, mine.cpu_ms, peer.cpu_ms) if a and b
    ]
    if not pairs:
        return None
    size, a, b = pairs[-1]
    return Ratio(workload.name, mine.engine, peer.engine, size, b / a, aim)
