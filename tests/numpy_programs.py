"""Small numpy programs at random, as graphs and as they are
(``python -m tests.fuzz --programs N --seed S``).

A program is a list of steps over named arrays and integers: counts and sums of arrays of any
integer dtype, conversions, orders, writes in place, run-time numbers, slices, reshapes, and
checks in any order. The judge is the function itself: the graph with all checks, those with
fewer, and a saved one accept what it accepts, compute the same, and change no input; what a
check stops in the function, a check (and not numpy) stops in the graph. The passes must be
inverse and idempotent.
"""

from __future__ import annotations

import random
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

import asserts
from asserts.dialects.numpy.codec import NumpyCodec
from asserts.errors import GraphError, InputError, RuntimeAssertionError, TraceError
from asserts.graph.equality import explain_difference
from asserts.graph.json import from_json, to_json
from asserts.graph.module import GraphModule
from asserts.trace import Spec, trace
from shapes import ShapeproofError
from tests.asserts.behaviour import same_value

Names = Mapping[str, int]
Values = dict[str, Any]
Size = Callable[[Names], int]

INPUTS = 60
"""Inputs on which one program is run."""

DTYPES = ("bool", "int8", "uint8", "int16", "uint32", "int64", "uint64")
NARROW = ("int8", "uint8", "int16", "int64")

SIZES: dict[str, Size] = {
    "2": lambda n: 2,
    "a": lambda n: n["a"],
    "b": lambda n: n["b"],
    "2*a": lambda n: 2 * n["a"],
    "2*b": lambda n: 2 * n["b"],
    "2*a + 1": lambda n: 2 * n["a"] + 1,
    "3*a + 1": lambda n: 3 * n["a"] + 1,
    "a + b": lambda n: n["a"] + n["b"],
}
SHAPES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("a",), ("a",)), (("a",), ("b",)), (("2*a",), ("3*a + 1",)), (("2*a",), ("b",)),
    (("a", "2"), ("a",)), (("a + b",), ("a",)), (("a", "b"), ("b",)), (("2",), ("a",)),
    (("2*a",), ("2*a + 1",)), (("a", "2*a"), ("2*b",)),
)  # fmt: skip

CONDITIONS: tuple[tuple[str, Callable[[int, int, int, int], Any]], ...] = (
    ("{0} >= {3}", lambda i, j, k, c: i >= c),
    ("{0} <= {3} + 2", lambda i, j, k, c: i <= c + 2),
    ("{0} <= {1}", lambda i, j, k, c: i <= j),
    ("{0} + {1} <= {2}", lambda i, j, k, c: i + j <= k),
    ("{0} + {1} >= {3}", lambda i, j, k, c: i + j >= c),
    ("{0} % 2 == 0", lambda i, j, k, c: i % 2 == 0),
    ("{0} == {1}", lambda i, j, k, c: i == j),
    ("{0} != {3}", lambda i, j, k, c: i != c),
    ("{0} + {1} == {2}", lambda i, j, k, c: i + j == k),
    ("{0} * {1} == {2}", lambda i, j, k, c: i * j == k),
    ("{0} // {1} >= {3}", lambda i, j, k, c: i // j >= c),
)
ARITHMETIC: tuple[tuple[str, Callable[[int, int, int], Any]], ...] = (
    ("{0} + {1}", lambda i, j, c: i + j),
    ("{2}*{0} - {1}", lambda i, j, c: c * i - j),
    ("{0} // {1}", lambda i, j, c: i // j),
    ("{0} % {1}", lambda i, j, c: i % j),
    ("{0} // {2}", lambda i, j, c: i // c),
)


def _written(x: Any) -> Any:
    changed = x.astype("int64")
    changed[0:1] = 1
    changed += changed
    return changed


ARRAYS: tuple[tuple[str, Callable[[Any, Any, str, int], Any]], ...] = (
    ("{0}.astype('{2}')", lambda x, y, d, c: x.astype(d)),
    ("clip({0}, {3}, 200) as {2}", lambda x, y, d, c: np.clip(x.astype("int64"), c, 200).astype(d)),
    ("sort({0})", lambda x, y, d, c: np.sort(x, axis=None)),
    ("{0}.T.ravel()", lambda x, y, d, c: x.T.ravel()),
    ("{0}.ravel()", lambda x, y, d, c: x.ravel()),
    ("{0} > {3}", lambda x, y, d, c: x > c),
    ("where({0} != 0, {1}, 1)", lambda x, y, d, c: np.where(x != 0, y, 1)),
    ("concatenate({0}, {1})", lambda x, y, d, c: np.concatenate([x.ravel(), y.ravel()])),
    ("pad({0}, 1)", lambda x, y, d, c: np.pad(x, 1)),
    ("{0} - {1}", lambda x, y, d, c: x.astype("int64") - y.astype("int64")),
    ("written({0})", lambda x, y, d, c: _written(x)),
)
FLAT: tuple[tuple[str, Callable[[Any, Any, Any], Any]], ...] = (
    ("{0}[{0} != 0]", lambda x, i, j: x[x != 0]),
    ("nonzero({0})[0]", lambda x, i, j: np.nonzero(x)[0]),
    ("flatnonzero({0})", lambda x, i, j: np.flatnonzero(x)),
    ("unique({0})", lambda x, i, j: np.unique(x)),
    ("repeat({0})", lambda x, i, j: np.repeat(x, np.clip(x.astype("int64"), 0, 3))),
    ("{0}[{1}:]", lambda x, i, j: x[i:]),
    ("{0}[:{1}]", lambda x, i, j: x[:i]),
    # (with a -1 for numpy to infer, a traced reshape takes no other negative number)
    ("{0}.reshape({1}, -1).ravel()", lambda x, i, j: x.reshape(i, -1).ravel()),
    ("{0}[: {1} // {2}]", lambda x, i, j: x[: i // j]),
    ("zeros({1})", lambda x, i, j: np.zeros(i, "int64")),
    ("pad({0}, (0, {1}))", lambda x, i, j: np.pad(x, (0, i))),
)
NUMBERS: tuple[tuple[str, Callable[[Any, Any, Any], Any]], ...] = (
    ("int(k[0])", lambda x, k, d: int(k[0])),
    ("int(k[1])", lambda x, k, d: int(k[1])),
    ("int({0}.sum())", lambda x, k, d: int(x.sum())),
    ("int({0}.astype('{1}').sum())", lambda x, k, d: int(x.astype(d).sum())),
    ("int({0}.max())", lambda x, k, d: int(x.max())),
    ("count_nonzero({0})", lambda x, k, d: int(np.count_nonzero(x))),
)


class NumpyProgram:
    """The program of that number: its text, the function, its specs, and inputs."""

    def __init__(self, number: int) -> None:
        self.random = random.Random(number)
        self.number = number
        self.shapes = self.random.choice(SHAPES)
        self.dtypes = tuple(self.random.choice(DTYPES) for _ in range(2))
        self.text: list[str] = []
        self._steps: list[tuple[str, Callable[[Values], Any]]] = []
        self._flat = [name for name, sizes in zip("xy", self.shapes) if len(sizes) == 1]
        self._arrays = ["x", "y"]
        self._integers: list[str] = []
        for name, sizes in zip("xy", self.shapes):
            for axis in range(len(sizes)):
                self._size(name, axis)
        steps = (self._number, self._array, self._flat_array, self._sum, self._check)
        for _ in range(self.random.randint(3, 9)):
            self.random.choices(steps, (4, 4, 5, 1, 7))[0]()

    # ------------------------------------------------------------------ steps

    def _enter(self, kept: list[str], text: str, step: Callable[[Values], Any]) -> str:
        name = f"v{len(self._steps)}"
        self.text.append(f"{name} = {text}")
        self._steps.append((name, step))
        kept.append(name)
        return name

    def _size(self, name: str, axis: int) -> None:
        self._enter(
            self._integers, f"{name}.shape[{axis}]", lambda v: v[name].shape[axis]
        )

    def _some(self, among: Sequence[str], count: int) -> list[str]:
        return [self.random.choice(among) for _ in range(count)]

    def _number(self) -> None:
        text, call = self.random.choice(NUMBERS)
        (x,), d = self._some(self._arrays, 1), self.random.choice(NARROW)
        self._enter(self._integers, text.format(x, d), lambda v: call(v[x], v["k"], d))

    def _array(self) -> None:
        text, call = self.random.choice(ARRAYS)
        x, y = self._some(self._arrays, 2)
        d, c = self.random.choice(NARROW), self.random.choice((-200, -1, 0, 1, 3))
        self._enter(self._arrays, text.format(x, y, d, c), lambda v: call(v[x], v[y], d, c))

    def _flat_array(self) -> None:
        if not self._flat:
            return
        text, call = self.random.choice(FLAT)
        (x,), (i, j) = self._some(self._flat, 1), self._some(self._integers, 2)
        name = self._enter(self._flat, text.format(x, i, j), lambda v: call(v[x], v[i], v[j]))
        self._arrays.append(name)
        self._size(name, 0)

    def _sum(self) -> None:
        text, call = self.random.choice(ARITHMETIC)
        (i, j), c = self._some(self._integers, 2), self.random.randint(1, 3)
        self._enter(self._integers, text.format(i, j, c), lambda v: call(v[i], v[j], c))

    def _check(self) -> None:
        text, holds = self.random.choice(CONDITIONS)
        i, j, k = self._some([*self._integers, *self._integers[-3:]], 3)
        c, number = self.random.randint(-1, 6), len(self._steps)
        message = f"check {number}" if self.random.random() < 0.8 else None
        self.text.append(f"check({text.format(i, j, k, c)}, {message!r})")
        self._steps.append(
            ("", lambda v: asserts.check(holds(v[i], v[j], v[k], c), message))
        )

    # ------------------------------------------------------------------ use

    def __str__(self) -> str:
        return "\n".join((f"{self.shapes} {self.dtypes}", *self.text))

    def __call__(self, x: Any, y: Any, k: Any) -> Any:
        values: Values = {"x": x, "y": y, "k": k}
        for name, step in self._steps:
            values[name] = step(values)
        return tuple(values[name] for name in (*self._arrays, *self._integers))

    def specs(self) -> dict[str, Spec]:
        """What its inputs are specified as."""
        shapes = [tuple(2 if s == "2" else s for s in sizes) for sizes in self.shapes]
        x, y = (Spec(sizes, dtype) for sizes, dtype in zip(shapes, self.dtypes))
        return {"x": x, "y": y, "k": Spec((2,), "int64")}

    def inputs(self, number: int) -> tuple[Any, ...]:
        """Inputs of which most are of specified sizes."""
        choice = random.Random(f"{self.number} {number}")
        names = {name: choice.choice((0, 0, 1, 1, 2, 3, 4, 5)) for name in "ab"}
        arrays = []
        for sizes, dtype in zip(self.shapes, self.dtypes):
            off = 1 if choice.random() < 0.1 else 0
            shape = [SIZES[size](names) + off for size in sizes]
            arrays.append(_filled(choice, shape, dtype))
        near = [-2, -1, 0, 1, 2, 3, 4, 5, 6, *arrays[0].shape, *arrays[1].shape]
        return *arrays, np.array([choice.choice(near) for _ in range(2)], "int64")

    def fits(self, inputs: Sequence[Any]) -> bool:
        """Whether the sizes are those that were specified, for some values of the names."""
        wanted = [size for sizes in self.shapes for size in sizes]
        there = [size for array in inputs[:2] for size in array.shape]
        return any(
            all(SIZES[size]({"a": a, "b": b}) == own for size, own in zip(wanted, there))
            for a, b in product(range(13), repeat=2)
        )


def _filled(choice: random.Random, shape: Sequence[int], dtype: str) -> Any:
    """An array of small numbers, or of those at the ends of its dtype."""
    among = [0, 1]
    if dtype != "bool":
        ends = np.iinfo(dtype)
        small = [n for n in (-2, -1, 0, 0, 0, 1, 1, 1, 2, 3, 5) if n >= ends.min]
        among = small if choice.random() < 0.8 else [ends.min, 0, 1, ends.max]
    count = int(np.prod(shape))
    return np.array([choice.choice(among) for _ in range(count)], dtype).reshape(shape)


def _outcome(run: Callable[..., Any], inputs: Sequence[Any]) -> Any:
    """What it returns, with its inputs behind it; or what it raises."""
    given = [array.copy() for array in inputs]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return run(*given), tuple(given)
        except Exception as error:
            return error


def _forms(program: GraphModule) -> Iterator[tuple[str, GraphModule]]:
    """The graphs that must do what the function does."""
    for policy in ("keep-all", "preserve-user", "strict"):
        checked = asserts.insert(program, policy=policy).graph_module  # type: ignore[arg-type]
        yield policy, checked
        saved = from_json(to_json(checked, NumpyCodec()), NumpyCodec())
        yield f"{policy}, saved and minimised", asserts.minimise(saved).graph_module


def _laws(program: GraphModule) -> Iterator[str]:
    """Insertion is undone by removal, and done once."""
    clean = program.copy()
    clean.graph.eliminate_dead_code()
    for policy in ("keep-all", "preserve-user", "strict"):
        checked = asserts.insert(program, policy=policy).graph_module  # type: ignore[arg-type]
        twice = asserts.insert(checked, policy=policy).graph_module  # type: ignore[arg-type]
        for law, found, wanted in (
            ("inserted twice", twice, checked),
            ("removed", asserts.remove(checked).graph_module, clean),
        ):
            difference = explain_difference(found, wanted)
            if difference is not None:
                yield f"{policy}, {law}: {difference}"


def _wrong(found: Any, wanted: Any, is_specified: bool) -> str | None:
    """How a graph's outcome disagrees with the function's."""
    if isinstance(wanted, Exception) or not is_specified:
        if not isinstance(found, Exception):
            return "is accepted"
        guarded = isinstance(wanted, RuntimeAssertionError)
        if guarded and not isinstance(found, (RuntimeAssertionError, InputError)):
            return f"is stopped by {found!r} instead of a check"
        return None
    if isinstance(found, Exception):
        return f"is rejected: {found!r}"
    return None if same_value(found, wanted) else f"gives {found} instead of {wanted}"


def disagreements(number: int, seen: Counter[str] | None = None) -> Iterator[str]:
    """What graphs of a program do otherwise than the function."""
    seen = Counter() if seen is None else seen
    written = NumpyProgram(number)
    try:
        program = trace(written, **written.specs())
    except (ShapeproofError, TraceError, GraphError, ArithmeticError, ValueError, IndexError):
        seen["programs refused"] += 1
        return
    seen["programs traced"] += 1
    yield from _laws(program)
    forms = list(_forms(program))
    for place in range(INPUTS):
        inputs = written.inputs(place)
        wanted, is_specified = _outcome(written, inputs), written.fits(inputs)
        accepted = is_specified and not isinstance(wanted, Exception)
        seen["inputs accepted" if accepted else "inputs rejected"] += 1
        for name, graph in forms:
            wrong = _wrong(_outcome(graph, inputs), wanted, is_specified)
            if wrong is not None:
                yield f"{name}: {', '.join(map(repr, inputs))} {wrong}"


def run(programs: int, seed: int, write: Callable[[str], object]) -> int:
    """Try programs, write what is wrong, and count it."""
    bad = 0
    seen = Counter[str]()
    for number in range(seed, seed + programs):
        try:
            found = list(disagreements(number, seen))
        except Exception as error:  # a crash is a disagreement too
            found = [f"crashed: {type(error).__name__}: {error}"]
        if found:
            bad += 1
            shown = "\n".join(f"  {line}" for line in found[:4])
            again = f"python -m tests.fuzz --programs 1 --seed {number}"
            write(f"{again}\n{NumpyProgram(number)}\n{shown}\n\n")
    for what, times in sorted(seen.items()):
        write(f"    {times:8} {what}\n")
    write(f"{programs} programs from seed {seed}: {bad} disagreements\n")
    return bad
