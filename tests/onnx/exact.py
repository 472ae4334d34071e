"""Contracts of real models held against onnxruntime: ``python -m tests.onnx.exact [COUNT]``.

For each installed model, up to COUNT sizes inside the contract must run and up to COUNT outside
must fail, boundaries first. Sizes are small, so that large models end.
"""

from __future__ import annotations

import os
import random
import sys
import time
from itertools import zip_longest
from math import prod
from pathlib import Path
from typing import Any

import onnx

import asserts
from asserts.dialects.onnx import Contract
from tests.onnx.models import _array, dimensions, installed

SECONDS = float(os.environ.get("SECONDS", "20"))
"""A model gets no longer than this (the variable SECONDS of the environment)."""

DRAWN = 2000
"""Sizes that are drawn at random."""

SMALL = (1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 96)


def tried(symbols: dict[str, list[str]], found: Contract) -> list[dict[str, int]]:
    """Sizes of all dimensions: what the contract draws, then small ones, the smallest first."""
    drawn = []
    for sizes in [*found.sample(20), *(sizes for _, sizes in found.violations(5))]:
        own = {text: sizes[names[0]] for text, names in symbols.items()}
        if max(own.values(), default=0) <= 128:
            drawn.append(own)
    rng = random.Random(5)
    small = [{text: rng.choice(SMALL) for text in symbols} for _ in range(DRAWN)]
    return [*drawn, *sorted(small, key=lambda sizes: prod(sizes.values()))]


def inputs(model: Any, name: str, sizes: dict[str, int]) -> dict[str, Any]:
    """Inputs of these sizes."""
    constants = {t.name for t in model.graph.initializer}
    return {
        v.name: _array(v, sizes, name, random.Random(0))
        for v in model.graph.input
        if v.name not in constants
    }


def runs(session: Any, given: dict[str, Any]) -> bool:
    """Whether onnxruntime accepts these inputs."""
    try:
        session.run(None, given)
    except Exception:
        return False
    return True


def measured(path: Path, count: int) -> str:
    """One line of the answer for a model."""
    model = onnx.load(path, load_external_data=False)
    found = asserts.contract(model)
    session = _session(path)
    of = {where: name for name, where in found.names.items()}
    symbols = {
        text: [of[where] for where in axes if where in of]
        for text, axes in dimensions(model).items()
    }
    sides: tuple[list[Any], list[Any]] = ([], [])
    for sizes in tried(symbols, found):
        bound = {name: sizes[text] for text, names in symbols.items() for name in names}
        numbers = _numbers(model, path.name, found)
        side = sides[found.accepts({**bound, **numbers})]
        if sizes not in side:
            side.append(sizes)
    ran, wrong = [0, 0], []
    started = time.perf_counter()
    for pair in zip_longest(sides[0][:count], sides[1][:count]):
        for inside, sizes in enumerate(pair):
            if sizes is not None and time.perf_counter() - started < SECONDS:
                ran[inside] += 1
                if runs(session, inputs(model, path.name, sizes)) is not bool(inside):
                    wrong.append((sizes, "inside" if inside else "outside"))
    return f"{path.name}: {ran[1]} inside, {ran[0]} outside, {len(wrong)} wrong {wrong[:3]}"


def _numbers(model: Any, name: str, found: Contract) -> dict[str, int]:
    """The elements of integer inputs that are symbols of the contract."""
    given = inputs(model, name, dict.fromkeys(dimensions(model), 1))
    return {k: int(a.flat[0]) for k, a in given.items() if k in found.symbols}


def _session(path: Path) -> Any:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4
    return ort.InferenceSession(str(path), options, ["CPUExecutionProvider"])


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    for path in installed():
        sys.stdout.write(f"{measured(path, count)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
