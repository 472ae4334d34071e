"""Contracts held against onnxruntime: ``python -m tests.onnx.exact [--count N] [NAME ...]``.

For each installed model and each small one of the tests, up to N sizes inside the contract must
run and up to N outside must fail, boundaries first (200 each, unless told otherwise). Sizes of
which the contract says that it is only sufficient may run. Sizes are small, so that large models
end; a model that has fewer distinct sizes in reach is tried with all that were found.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import onnx
from onnx import helper

import asserts
from asserts.dialects.onnx import Contract
from asserts.dialects.onnx.answers.contract import FATAL
from asserts.dialects.onnx.answers.describe import is_met
from asserts.dialects.onnx.model.types import Tensor
from shapes.expr import FALSE, TRUE, constant
from shapes.traversal import evaluate, substitute
from tests.onnx import selecting_models, small_models
from tests.onnx.models import SPECIAL, installed

SECONDS = float(os.environ.get("SECONDS", "300"))
"""A model gets no longer than this (the variable SECONDS of the environment)."""

SWEPT = 1100
"""Boundaries of a size are looked for below this."""
EDGES = 14
"""So many boundaries of a size are tried, the least first."""
USUAL = 160
"""Sizes go up to this, or to the last boundary that is tried."""

SMALL = (0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 96)

Sizes = dict[str, int]


@dataclass
class Sides:
    """Sizes inside a contract, sizes outside, and what came of running them."""

    inside: list[Sizes] = field(default_factory=list)
    outside: list[Sizes] = field(default_factory=list)
    wrong: list[tuple[Sizes, str]] = field(default_factory=list)

    @property
    def figures(self) -> str:
        """The counts."""
        return (
            f"{len(self.inside)} inside, {len(self.outside)} outside, {len(self.wrong)} wrong"
        )


# ------------------------------------------------------------------------ sizes


def sides(found: Contract, fixed: Mapping[str, Sequence[int]], count: int) -> Sides:
    """Up to `count` sizes inside and outside, boundaries first, then small ones.

    `fixed` has the numbers that an element of an input may be. Sizes that would end
    onnxruntime's process are left out.
    """
    fatal = [one.whole for one in found.requirements if one.operator in FATAL]
    found_sides, seen = Sides(), set[tuple[int, ...]]()
    edges = boundaries(found, fixed)
    for given in _candidates(found, edges, fixed, 60 * count):
        key = tuple(given.values())
        if key in seen:
            continue
        seen.add(key)
        values = {found.symbols[name]: n for name, n in given.items()}
        if 0 not in given.values() or all(is_met(one, values) for one in fatal):
            side = found_sides.inside if found.accepts(given) else found_sides.outside
            if len(side) < count:
                side.append(given)
        if min(len(found_sides.inside), len(found_sides.outside)) == count:
            break
    return found_sides


def boundaries(found: Contract, fixed: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
    """For each size the numbers on both sides of where the contract changes its answer, if the
    other sizes are those of a sample."""
    edges: dict[str, list[int]] = {name: [] for name in found.symbols}
    for sample in found.sample(6, seed=2):
        start = {**sample, **{name: numbers[0] for name, numbers in fixed.items()}}
        for name in found.symbols:
            if name not in fixed and len(edges[name]) < EDGES:
                known = edges[name]
                known += [n for n in _changes(found, start, name) if n not in known]
                del known[EDGES:]
    return edges


def _changes(found: Contract, sample: Sizes, name: str) -> Iterator[int]:
    before = found.accepts({**sample, name: 0})
    for n in range(1, SWEPT):
        now = found.accepts({**sample, name: n})
        if now is not before:
            yield from (n - 1, n)
        before = now


def _candidates(
    found: Contract,
    edges: Mapping[str, list[int]],
    fixed: Mapping[str, Sequence[int]],
    most: int,
) -> Iterator[Sizes]:
    """Sizes: all boundaries with each other; then random ones and samples with one size
    changed, the smallest first."""
    rng = random.Random(5)
    names = list(found.symbols)
    first = [fixed.get(name) or edges[name][:4] or [1, 2] for name in names]
    corners = list(itertools.islice(itertools.product(*first), 400))
    yield from (dict(zip(names, corner, strict=True)) for corner in corners)
    usual = USUAL if len(names) > 1 else 2 * USUAL
    pools = {
        name: fixed.get(name) or sorted({*edges[name], *SMALL, *_line(edges[name], usual)})
        for name in names
    }
    drawn = [_drawn(pools, fixed, rng) for _ in range(most)]
    for sample in found.sample(40, seed=3):
        if max(sample.values(), default=0) <= SWEPT:
            drawn.append({**sample, **_chosen(fixed, rng)})
            drawn += [
                {**sample, **_chosen(fixed, rng), name: rng.choice(pools[name])}
                for name in names
            ]
    yield from sorted(drawn, key=lambda sizes: prod(n + 1 for n in sizes.values()))


def _line(edges: Sequence[int], usual: int) -> Iterator[int]:
    """All sizes up to the usual ones, and up to the last boundary in steps."""
    yield from range(usual)
    yield from range(usual, max(edges, default=0), 7)


def _chosen(fixed: Mapping[str, Sequence[int]], rng: random.Random) -> Sizes:
    return {name: rng.choice(numbers) for name, numbers in fixed.items()}


def _drawn(
    pools: Mapping[str, Sequence[int]], fixed: Mapping[str, Sequence[int]], rng: random.Random
) -> Sizes:
    """Random sizes, small ones more often; some have the same number."""
    reach = {name: rng.choice((12, 40, len(pool))) for name, pool in pools.items()}
    sizes = {name: rng.choice(pool[: reach[name]]) for name, pool in pools.items()}
    free = [name for name in sizes if name not in fixed]
    if len(free) > 1 and rng.random() < 0.6:
        chosen = rng.sample(free, rng.randint(2, len(free)))
        sizes.update(dict.fromkeys(chosen, sizes[chosen[0]]))
    return sizes


# ------------------------------------------------------------------------ running


def inputs(
    found: Contract,
    model: Any,
    sizes: Mapping[str, int],
    filled: Callable[[Any, Any], Any] = np.ones,
) -> dict[str, Any]:
    """Inputs of these sizes, of ones or what `filled` makes of a shape and an element type;
    elements that are symbols have their numbers."""
    values: dict[Any, int] = {found.symbols[name]: n for name, n in sizes.items()}
    constants = {t.name for t in model.graph.initializer}
    made = {}
    for one in model.graph.input:
        known = found.inferred.types[one.name]
        if one.name in constants or not isinstance(known, Tensor):
            continue
        shape = [int(evaluate(d, values)) for d in known.shape or ()]
        array = filled(shape, helper.tensor_dtype_to_np_dtype(known.dtype))
        if known.elements is not None and array.dtype.kind in "iu":
            array.flat[:] = [int(evaluate(e, values)) for e in known.elements.flat]
        made[one.name] = array
    return made


def runs(session: Any, given: dict[str, Any]) -> bool:
    """Whether onnxruntime accepts these inputs."""
    try:
        session.run(None, given)
    except Exception:
        return False
    return True


def is_marked(found: Contract, sizes: Mapping[str, int]) -> bool:
    """Whether the contract says that it is only sufficient for something that these sizes
    break: what behind it is required is of no account then."""
    values = {found.symbols[name]: n for name, n in sizes.items()}
    broken = [one.requirement for one in found.check(sizes)]
    given = {symbol: constant(n) for symbol, n in values.items()}
    return any(substitute(one.only_sufficient, given) is TRUE for one in broken)


def is_left_to_data(found: Contract, sizes: Mapping[str, int]) -> bool:
    """Whether data may make needless what these sizes break."""
    broken = [one.requirement for one in found.check(sizes)]
    return any(found.left_to_data(one) is not FALSE for one in broken)


def held(model: Any, session: Any, found: Contract, tried: Sides, seconds: float) -> Sides:
    """What onnxruntime says of these sizes; those of both sides in turns, as time allows."""
    ran, end = Sides(), time.monotonic() + seconds
    for pair in itertools.zip_longest(tried.inside, tried.outside):
        for sizes, side in zip(pair, (ran.inside, ran.outside), strict=True):
            if sizes is not None and time.monotonic() < end:
                side.append(sizes)
                accepted = side is ran.inside
                does = runs(session, inputs(found, model, sizes))
                unclear = does and (is_marked(found, sizes) or is_left_to_data(found, sizes))
                if does is not accepted and not unclear:
                    ran.wrong.append((sizes, "inside" if accepted else "outside"))
    return ran


def session_of(model: Any) -> Any:
    """A session of a model (its bytes or path), on one thread and without optimizations, which
    may leave out an operation with its requirements."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(model, options, ["CPUExecutionProvider"])


def measured(
    model: Any, source: Any, name: str, count: int, seconds: float = SECONDS
) -> Sides:
    """A model tried at `count` sizes on each side."""
    found = asserts.contract(model)
    special = next((v for k, v in SPECIAL.items() if k in name), {})
    fixed = {symbol: special[symbol] for symbol in found.symbols if symbol in special}
    return held(model, session_of(source), found, sides(found, fixed, count), seconds)


def _models() -> Iterator[tuple[str, Callable[[], tuple[Any, Any]]]]:
    for path in installed():
        yield (
            path.name,
            lambda path=path: (onnx.load(path, load_external_data=False), str(path)),
        )
    for name, make in {**small_models.MODELS, **selecting_models.MODELS}.items():
        yield name, lambda make=make: ((made := make()), made.SerializeToString())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("names", nargs="*", help="parts of the names of models")
    asked = parser.parse_args()
    total = Sides()
    for name, load in _models():
        if not asked.names or any(part in name for part in asked.names):
            model, source = load()
            one = measured(model, source, name, asked.count)
            sys.stdout.write(f"{name}: {one.figures} {one.wrong[:3] or ''}\n")
            sys.stdout.flush()
            total.inside += one.inside
            total.outside += one.outside
            total.wrong += one.wrong
    sys.stdout.write(f"together: {total.figures}\n")


if __name__ == "__main__":
    main()
