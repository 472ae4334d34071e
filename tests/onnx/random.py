"""Random models judged by onnxruntime: ``python -m tests.onnx.random --count N [--first SEED]``.

Of every model (`random_models`), at some sizes on both sides of its contract:

- inferred shapes, and elements of small integers, are what onnxruntime computes;
- sizes inside the contract run, sizes outside fail; where operations require something of data
  too, sizes inside may fail;
- with asserts the model computes the same bits where it runs, and stops where it fails, with
  the message of an assert if its requirements are all exact.

Long runs are made in processes of 25 models each, since some inputs end onnxruntime's process.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import asserts
from asserts.dialects.onnx import Contract
from asserts.dialects.onnx.answers.describe import is_met
from asserts.dialects.onnx.running import ENDING
from asserts.errors import ASSERT_FAILED
from shapes.expr import FALSE
from shapes.traversal import free_symbols
from tests.onnx.exact import inputs, is_left_to_data, is_marked, session_of
from tests.onnx.random_models import drawn, filled
from tests.onnx.running import Verdicts, all_values, bindings, judged

__all__ = ["Judgement", "judge"]

SIZES = 36
"""So many sizes are tried of a model."""
CHUNK = 25

@dataclass
class Judgement:
    """What was tried of a model, and what is wrong."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def judge(model: Any, seed: int = 0, sizes: int = SIZES) -> Judgement:
    """Hold what is said of a model, and the model with asserts, against onnxruntime."""
    found = asserts.contract(model)
    checked = asserts.insert(model)
    run = _Run(model, found, checked.program, seed)
    run.unasserted = [row.condition for row in checked.report.with_outcome("unplaced")]
    fatal = any(one.op_type in ENDING for one in model.graph.node)
    tried = (given for given in _tried(found, seed) if not fatal or 0 not in given.values())
    for given in itertools.islice(tried, sizes):
        run.at(given)
    return run.judgement


def _tried(found: Contract, seed: int) -> Iterator[dict[str, int]]:
    """Sizes that the contract draws on both sides, then small ones."""
    names = list(found.symbols)
    if not names:
        yield {}
        return
    rng, seen = random.Random(seed), set[tuple[int, ...]]()
    known = [*found.sample(8), *(sizes for _, sizes in found.violations(2))]
    small = ({name: rng.choice(_reach(found, name)) for name in names} for _ in range(400))
    for sizes in itertools.chain((s for s in known if max(s.values()) <= 64), small):
        key = tuple(sizes.values())
        if key not in seen:
            seen.add(key)
            yield sizes


def _reach(found: Contract, name: str) -> range:
    """The numbers that are tried: elements of inputs may be negative."""
    env = found.inferred.symbols.env
    return range(7) if env.symbols[name].size_like else range(-2, 4)


class _Run:
    """A model that is run at some sizes, beside itself with asserts."""

    def __init__(self, model: Any, found: Contract, checked: Any, seed: int) -> None:
        self._model, self._found = model, found
        self._fill = functools.partial(filled, seed=seed)
        self._plain = session_of(model.SerializeToString())
        self._checked = session_of(checked.SerializeToString())
        exposed = all_values(model)
        self._names = [value.name for value in exposed.graph.output]
        self._exposed = session_of(exposed.SerializeToString())
        whole = not found.inferred.notes
        self._decided = whole and not found.data
        self._exact = whole and all(one.exact for one in (*found.requirements, *found.data))
        self.unasserted: list[str] = []
        self.judgement = Judgement()

    def at(self, sizes: dict[str, int]) -> None:
        """Try these sizes."""
        given = inputs(self._found, self._model, sizes, self._fill)
        accepted, marked = self._found.accepts(sizes), is_marked(self._found, sizes)
        left = is_left_to_data(self._found, sizes)
        plain, error = _outcome(self._plain, given)
        checked, message = _outcome(self._checked, given)
        self.judgement.counts["inside" if accepted else "outside"] += 1
        if accepted is bool(self._found.broken(sizes)):
            self._wrong(
                sizes, f"accepted: {accepted}, but broken: {self._found.broken(sizes)}"
            )
        self.judgement.counts["run" if plain is not None else "fail"] += 1
        idle = self._is_idle(given)
        if plain is None and accepted and self._decided and not idle:
            self._wrong(sizes, f"inside the contract, but: {error}")
        if plain is not None and not (accepted or marked or left):
            self._wrong(sizes, "outside the contract, but it runs")
        if (not accepted and marked) or idle:
            self.judgement.counts["unclear"] += 1
            return
        sound = plain is None or not accepted or self._hold_shapes(sizes, given)
        if plain is not None:
            if checked is None:
                self._wrong(sizes, f"runs, but with asserts: {message}")
            elif sound and not all(map(_same, plain, checked)):
                self._wrong(sizes, "with asserts it computes something else")
        if plain is None and checked is not None:
            self._wrong(sizes, f"with asserts it runs, but without: {error}")
        if plain is None and checked is None and self._exact and not (self.unasserted or left):
            self.judgement.counts["stopped"] += 1
            if ASSERT_FAILED not in message:
                self._wrong(sizes, f"stopped by something else: {message}")

    def _is_idle(self, given: dict[str, Any]) -> bool:
        """Whether a loop makes no turn: which sizes of what it stacks are 0 then depends on how
        much onnxruntime knows of them."""
        nodes = self._model.graph.node
        loops = [one for one in nodes if one.op_type == "Loop" and len(one.output) > 1]
        if not loops:
            return False
        actual, _ = _outcome(self._exposed, given)
        if actual is None:  # (for the rank that onnxruntime takes then, it may be)
            return any(array.size == 0 for array in given.values())
        arrays = dict(zip(self._names, actual, strict=True))
        return any(arrays[one.output[1]].shape[0] == 0 for one in loops)

    def _hold_shapes(self, sizes: dict[str, int], given: dict[str, Any]) -> bool:
        """Hold shapes against a run; whether it does all that is required of data (results
        may be memory that nothing was written to otherwise)."""
        actual, error = _outcome(self._exposed, given)
        if actual is None:
            self._wrong(sizes, f"every value cannot be computed: {error}")
            return True
        verdicts, inferred = Verdicts(), self._found.inferred
        values = bindings(inferred, given)
        for name, array in zip(self._names, actual, strict=True):
            judged(inferred, name, inferred.types.get(name), array, values, verdicts)
        if any(_breaks(one, values) for one in self._found.data):
            self.judgement.counts["unclear"] += 1
            return False
        self.judgement.counts["dimensions"] += verdicts.checked
        for one in verdicts.wrong:
            self._wrong(sizes, one)
        return True

    def _wrong(self, sizes: dict[str, int], what: str) -> None:
        self.judgement.wrong.append(f"{sizes}: {what}")


def _outcome(session: Any, given: dict[str, Any]) -> tuple[list[Any] | None, str]:
    try:
        return session.run(None, given), ""
    except Exception as error:
        return None, str(error)


def _breaks(one: Any, values: dict[Any, int]) -> bool:
    """Whether a run does not do what the contract requires of data, only sufficiently."""
    known = set(free_symbols(one.whole)) <= values.keys()
    return known and one.only_sufficient is not FALSE and not is_met(one.whole, values)


def _same(a: Any, b: Any) -> bool:
    """Whether two results are equal bit by bit."""
    x, y = np.asarray(a), np.asarray(b)
    return x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()


# ------------------------------------------------------------------------ long runs


def _alone(first: int, count: int) -> None:
    """Models of one process: a line each, the seed before it is judged."""
    for seed in range(first, first + count):
        sys.stdout.write(f"seed {seed}\n")
        sys.stdout.flush()
        try:
            found = judge(drawn(seed), seed)
        except Exception as error:
            found = Judgement(wrong=[f"{type(error).__name__}: {error}"])
        counts = " ".join(f"{name}={n}" for name, n in found.counts.items())
        sys.stdout.write(f"counts {counts}\n")
        for one in found.wrong[:3]:
            sys.stdout.write(f"wrong {seed} {' '.join(one.split())[:400]}\n")


def _chunk(first: int, count: int, totals: Counter[str]) -> int:
    """Judge models in a process of their own; the seed with which to go on."""
    options = ["--alone", "--first", str(first), "--count", str(count)]
    command = [sys.executable, "-m", "tests.onnx.random", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    last = first - 1
    for line in done.stdout.splitlines():
        word, _, rest = line.partition(" ")
        if word == "seed":
            last = int(rest)
        elif word == "counts":
            totals["models"] += 1
            for part in rest.split():
                name, _, n = part.partition("=")
                totals[name] += int(n)
        elif word == "wrong":
            totals["wrong"] += 1
            sys.stdout.write(f"{rest}\n")
    if done.returncode:
        totals["ended"] += 1
        said = done.stderr.strip().splitlines()[-1:]
        sys.stdout.write(f"{last} the process ended ({done.returncode}): {said}\n")
        return last + 1
    return first + count


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.alone:
        _alone(asked.first, asked.count)
        return
    totals: Counter[str] = Counter()
    at, end = asked.first, asked.first + asked.count
    while at < end:
        at = _chunk(at, min(CHUNK, end - at), totals)
        sys.stdout.flush()
    sys.stdout.write(", ".join(f"{n:,} {name}" for name, n in totals.items()) + "\n")


if __name__ == "__main__":
    main()
