"""What runtime asserts cost: ``python -m tests.onnx.cost``.

A small model with 0 to 16 asserts gives the microseconds of each, by the least processor time of
runs in turns. The installed models give the share of a whole run, at the smallest and the
largest of some random sizes: with and without asserts are run in turns, in one process on one
thread, and the median of the differences is taken. A model without asserts against itself is
the noise.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import onnx
import onnxruntime

import asserts
from asserts.dialects import onnx as onnx_dialect
from tests.onnx.build import model, node, value
from tests.onnx.models import drawn, installed
from tests.onnx.running import seeded

TURNS = 15
DRAWN = 12


def least(runs: list[Callable[[], Any]], turns: int = TURNS, inner: int = 1) -> list[float]:
    """The least seconds of each, run in turns."""
    best = [float("inf")] * len(runs)
    for _ in range(turns):
        for i, run in enumerate(runs):
            started = time.process_time()
            for _ in range(inner):
                run()
            best[i] = min(best[i], (time.process_time() - started) / inner)
    return best


def runner(program: Any, given: dict[str, Any]) -> Callable[[], Any]:
    """A run of a model on one thread."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    content = program.SerializeToString()
    session = onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])
    return lambda: session.run(None, given)


def small() -> str:
    """Microseconds per assert, in a model that does next to nothing else."""
    proto = model([node("Relu", ["x"], ["y"])], [value("x", ["n", "m"])], ["y"])
    counts = (0, 1, 4, 16)
    runs = [proto]
    for count in counts[1:]:
        checks = [f"n != {100 + i}" for i in range(count)]
        runs.append(onnx_dialect.insert(proto, checks, policy="keep-all").program)
    given = {"x": np.ones((12, 4), np.float32)}
    times = least([runner(one, given) for one in runs], inner=200)
    shown = [f"{count}: {1e6 * t:.1f}" for count, t in zip(counts, times, strict=True)]
    each = 1e6 * (times[-1] - times[1]) / (counts[-1] - 1)
    first = 1e6 * (times[1] - times[0])
    return (
        f"microseconds by asserts: {', '.join(shown)}; the first {first:.1f}, each {each:.1f}"
    )


def accepted(proto: Any, name: str) -> list[dict[str, Any]]:
    """Random inputs that a model accepts: the smallest and the largest."""
    rng, found = seeded(7), []
    for _ in range(60):
        given = drawn(proto, name, rng)
        with suppress(Exception):
            runner(proto, given)()
            found.append(given)
        if len(found) == DRAWN:
            break
    found.sort(key=lambda given: sum(array.size for array in given.values()))
    return [found[0], found[-1]] if found else []


def differences(
    runs: list[Callable[[], Any]], seconds: float = 12
) -> tuple[float, list[float]]:
    """The median seconds of the first, and the medians of what each takes more than it, run
    in turns of some milliseconds."""
    inner = max(1, round(0.004 / least(runs[:1], 3)[0]))
    order, first = list(range(len(runs))), []
    more: list[list[float]] = [[] for _ in runs]
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(first) < TURNS:
        random.shuffle(order)
        taken = {i: least([runs[i]], 1, inner)[0] for i in order}
        first.append(taken[0])
        for i, times in enumerate(more):
            times.append(taken[i] - taken[0])
    return statistics.median(first), [statistics.median(times) for times in more]


def whole(path: Any) -> Iterator[str]:
    """The share of a model's run that its asserts take."""
    proto = onnx.load(path)
    changed = asserts.insert(proto)
    count = len(changed.report.with_outcome("inserted"))
    if not changed.modified:
        yield f"{path.name}: no assert"
        return
    for given in accepted(proto, path.name):
        runs = [runner(one, given) for one in (proto, proto, changed.program)]
        taken, (_, noise, more) = differences(runs)
        sizes = {name: array.shape for name, array in given.items()}
        yield (
            f"{path.name}: {count} asserts, {1e6 * taken:.0f} us at {sizes}, with asserts "
            f"{1e6 * more:+.1f} us, {100 * more / taken:+.2f} % "
            f"(itself {100 * noise / taken:+.2f} %)"
        )


def main() -> None:
    sys.stdout.write(f"{small()}\n")
    for path in installed():
        for line in whole(path):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
