"""Measurements in turns: for each repeat and size, every engine once, each in a process.

An engine that ran out of time is not asked for larger sizes, nor again for this one; one
that lacks what is asked, or fails, is not asked again for the workload. What comes behind
the deadline of the whole run is left out, and named.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.engines import ENGINES
from tests.benchmarks.worker import MARK
from tests.benchmarks.workload import Workload

__all__ = ["Options", "Series", "run_workload"]

WAITING = 6
"""The limit of a measurement is CPU time; on a busy machine so many times of it may pass."""

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Options:
    """How to measure: `pythons` maps the name of a peer to its interpreter, `compiled` is a
    copy of the repository with the compiled build in place."""

    repeats: int = 3
    quick: bool = False
    timeout: float | None = None
    no_gc: bool = False
    pythons: Mapping[str, str] = field(default_factory=dict)
    compiled: Path | None = None
    deadline: float | None = None
    largest_only: bool = False

    def sizes(self, workload: Workload) -> tuple[int, ...]:
        sizes = workload.quick if self.quick else workload.sizes
        return sizes[-1:] if self.largest_only else sizes

    def wants(self, workload: Workload, size: int, engine: str) -> bool:
        """Whether the engine is asked for this size: loading a peer takes longer than a small
        job, so that in a quick run only the largest size is left for it."""
        if not self.quick or ENGINES[engine].peer == "ours":
            return True
        return size == max(self.sizes(workload)) and not ENGINES[engine].stepwise

    def python(self, engine: str) -> str:
        return self.pythons.get(ENGINES[engine].peer, sys.executable)

    def directory(self, engine: str) -> Path:
        """Where the engine runs: there the packages are found."""
        if ENGINES[engine].compiled and self.compiled is not None:
            return self.compiled
        return ROOT


@dataclass
class Series:
    """What one engine did in one workload: the records by size, and why there are none."""

    engine: str
    records: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    stopped: dict[int, str] = field(default_factory=dict)
    """By size, what went wrong there (``> 60 s``, an error)."""
    unsupported: str = ""


def run_workload(
    workload: Workload,
    engines: Sequence[str],
    options: Options,
    tell: Callable[[str], None] = lambda text: None,
) -> list[Series]:
    """All measurements of a workload, engines in turns."""
    series = {
        name: Series(name)
        for name in engines
        if (ENGINES[name].like or name) in workload.engines
    }
    for repeat in range(options.repeats):
        for size in options.sizes(workload):
            for one in series.values():
                if one.unsupported or any(size >= stopped for stopped in one.stopped):
                    continue
                if not options.wants(workload, size, one.engine):
                    continue
                if options.deadline is not None and time.monotonic() > options.deadline:
                    if not one.records.get(size):
                        one.stopped[size] = "left out: the run's time was over"
                    continue
                tell(f"{workload.name} {size} {one.engine} ({repeat + 1})")
                _measure(workload, size, one, options)
    return list(series.values())


def _measure(workload: Workload, size: int, series: Series, options: Options) -> None:
    limit = math.ceil(options.timeout or workload.timeout)
    command = [
        options.python(series.engine), "-m", "tests.benchmarks.worker",
        series.engine, workload.name, str(size),
    ]  # fmt: skip
    if options.no_gc:
        command.append("--no-gc")
    out, error, in_time = _within(command, limit, options.directory(series.engine))
    if not in_time:
        series.stopped[size] = f"> {limit} s"
        return
    for line in out.splitlines():
        if line.startswith(MARK):
            record = json.loads(line[len(MARK) :])
            if "unsupported" in record:
                series.unsupported = record["unsupported"]
            else:
                series.records.setdefault(size, []).append(record)
            return
    last = (error.strip().splitlines() or ["no output"])[-1]
    series.stopped[size] = f"failed: {last[:200]}"


def _within(command: Sequence[str], seconds: float, directory: Path) -> tuple[str, str, bool]:
    """What a process prints, and whether it ended within that CPU time.

    The time is read from outside: a limit that the kernel enforces makes the clock of the
    process coarse on some systems, and a thread would take part in what is measured.
    """
    ends = time.monotonic() + WAITING * seconds
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as error:
        process = subprocess.Popen(
            command, cwd=directory, env=environment(), stdout=out, stderr=error
        )
        try:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.2)
                    break
                if time.monotonic() > ends or _cpu_seconds(process.pid) > seconds:
                    return "", "", False
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        out.seek(0)
        error.seek(0)
        return out.read(), error.read(), True


def _cpu_seconds(pid: int) -> float:
    """CPU time of a process so far; 0 where the system does not tell."""
    try:
        fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        )
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def environment() -> dict[str, str]:
    """The environment of a measurement: the same order of sets everywhere, no logging, and
    compiled modules are kept, as they are for everybody who installs them."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONHASHSEED": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}
