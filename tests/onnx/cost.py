"""What runtime asserts cost: ``python -m tests.onnx.cost``.

A small model with 0 to 16 asserts gives the microseconds of each; the installed models, at the
sizes of one run, give the share of a whole run. With and without asserts are run in turns in
one process on one thread, and the least processor time of each is compared. A model without
asserts against itself is the noise.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
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


def accepted(proto: Any, name: str) -> dict[str, Any] | None:
    """Random inputs that a model accepts."""
    rng = seeded(7)
    for _ in range(60):
        given = drawn(proto, name, rng)
        with suppress(Exception):
            runner(proto, given)()
            return given
    return None


def whole(path: Any) -> str:
    """The share of a model's run that its asserts take."""
    proto = onnx.load(path)
    changed = asserts.insert(proto)
    count = len(changed.report.with_outcome("inserted"))
    if not changed.modified:
        return f"{path.name}: no assert"
    given = accepted(proto, path.name)
    if given is None:
        return f"{path.name}: {count} asserts, no inputs found that it accepts"
    runs = [runner(one, given) for one in (proto, proto, changed.program)]
    first, second, third = least(runs)
    share = 100 * (third / min(first, second) - 1)
    noise = 100 * (max(first, second) / min(first, second) - 1)
    sizes = {name: array.shape for name, array in given.items()}
    return (
        f"{path.name}: {count} asserts, {1e3 * first:.2f} ms at {sizes}, "
        f"with asserts {share:+.2f} % (noise {noise:.2f} %)"
    )


def main() -> None:
    sys.stdout.write(f"{small()}\n")
    for path in installed():
        sys.stdout.write(f"{whole(path)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
