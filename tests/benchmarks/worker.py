"""One measurement in a fresh process: ``python -m tests.benchmarks.worker ENGINE WORKLOAD N``.

Prints one line of JSON. CPU time is that of the whole process, all of its threads; the
garbage collector runs as it does by default unless ``--no-gc`` is given. Memory is the peak
resident set that the kernel reports for this process image.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import time
from typing import Any

__all__ = ["MARK", "measure", "peak_memory"]

MARK = "measured: "
_KEPT: list[Any] = []
"""What must live until the process ends (TVM aborts if scopes are dropped in any order)."""


def measure(engine_name: str, workload_name: str, size: int, no_gc: bool) -> dict[str, Any]:
    """Times in milliseconds, memory in MB, and the answer; `unsupported` instead if the
    engine cannot do this."""
    from tests.benchmarks.engines import ENGINES
    from tests.benchmarks.engines.base import UnsupportedError
    from tests.benchmarks.workload import all_workloads

    workload = all_workloads()[workload_name]
    try:
        engine = ENGINES[engine_name]()
        _KEPT.append(engine)
        version = engine.version()
        before = peak_memory()
        started = time.process_time()
        task = workload.prepare(engine, size)
        prepared = time.process_time() - started
    except UnsupportedError as error:
        return {"unsupported": str(error)}
    gc.collect()
    if no_gc:
        gc.disable()
    cpu, wall = time.process_time(), time.perf_counter()
    result = task.run()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = peak_memory()
    gc.enable()
    return {
        "cpu_ms": 1000 * cpu,
        "wall_ms": 1000 * wall,
        "setup_ms": 1000 * prepared,
        "loaded_mb": before,
        "peak_mb": peak,
        "version": version,
        "answer": task.answer(result),
        "notes": dict(task.notes(result)),
    }


def peak_memory() -> float:
    """The peak resident set in MB.

    `getrusage` would count what the parent held before this image was loaded, so the
    kernel's own figure for the image is read where there is one.
    """
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) / 1024
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    engine, workload, size, *options = sys.argv[1:]
    found = measure(engine, workload, int(size), "--no-gc" in options)
    print(MARK + json.dumps(found), flush=True)
    os._exit(0)  # without the interpreter's own end (see `_KEPT`)


if __name__ == "__main__":
    sys.setrecursionlimit(20_000)
    main()
