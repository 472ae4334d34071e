"""Every fact that nobody checks at run time: listed with what enforces it, and attacked."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from asserts.graph import runtime
from asserts.graph.module import GraphModule
from asserts.trace import Spec, guarantees, trace
from asserts.trace.guarantees import ELEMENTS, ENTRY, GUARANTEES, guarantee_of
from asserts.trace.inputs import sizes_of_inputs
from asserts.trace.registry import numpy_functions
from asserts.trace.symarray import SymArray
from asserts.verify.numpy_programs import NumpySubject
from shapes.env.shape_env import ShapeEnv
from shapes.errors import ShapeproofError
from shapes.expr.nodes import symbol
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import free_symbols
from tests.asserts.trace.test_more_numpy import NEVER, PROGRAMS
from tests.asserts.trace.test_rules import ROWS, Row

# --------------------------------------------------------------------------- completeness


def traced(row: Row) -> GraphModule:
    return trace(row.function, *row.specs)


ALL = ROWS | {
    name: Row(one.function, one.specs) for name, one in PROGRAMS.items() if name not in NEVER
}


@pytest.mark.parametrize("name", ALL)
def test_every_stated_fact_has_a_row(name: str) -> None:
    module = traced(ALL[name])
    nodes = {node.name: node for node in module.graph.nodes}
    env = module.shape_env
    assert isinstance(env, ShapeEnv)
    for fact in env.axioms:
        assert fact.enforced_by is not None
        if fact.origin == "operation" and fact.node is not None:
            assert guarantee_of(nodes[fact.node]) is not None, (fact, nodes[fact.node])
        elif fact.origin == "operation":
            assert fact.operation == "every size"
        else:
            assert fact.origin in ENTRY


def bounded_by(row: Row, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The functions whose results' elements are said to be bounded; nothing is known of the
    elements of inputs."""
    found: list[Any] = []
    original = SymArray.__init__

    def noted(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        node = self._node
        if node.target is operator.getitem and isinstance(node.args[0].meta["val"], tuple):
            node = node.args[0]
        is_known = node.op == "get_attr" or any(s in bounded for s in node.all_input_nodes)
        if self._elements != (None, None) and not is_known:
            found.append(node.target)
        if self._elements != (None, None):
            bounded.add(self._node)

    bounded: set[Any] = set()
    monkeypatch.setattr(SymArray, "__init__", noted)
    traced(row)
    return found


@pytest.mark.parametrize("name", ALL)
def test_every_bound_of_elements_has_a_row(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for function in bounded_by(ALL[name], monkeypatch):
        assert function in ELEMENTS, function


# --------------------------------------------------------------------------- attacks

I8 = Spec(("n",), "int8")
I64 = Spec(("n",), "int64")
J64 = Spec(("m",), "int64")
F64 = Spec(("n",), "float64")
U8 = Spec(("n",), "uint8")
B = Spec(("n",), "bool")
BB = Spec(("n", "m"), "bool")
K = Spec.int("k")


def ends(x: Any) -> Any:
    """The smallest and the largest element as numbers that are read."""
    return int(x.min()), int(x.max())


ATTACKS: dict[str, list[tuple[Callable[..., Any], tuple[Any, ...]]]] = {
    "nonzero": [
        (lambda x: np.nonzero(x)[0].shape[0], (B,)),
        (lambda x: np.nonzero(x)[0].shape[0] + x.sum(), (I64,)),
        (lambda x: [ends(i) for i in np.nonzero(x)], (BB,)),
    ],
    "flatnonzero": [(lambda x: ends(np.flatnonzero(x)), (BB,))],
    "argwhere": [(lambda x: np.argwhere(x).shape[0], (I64,))],
    "extract": [(lambda x: np.extract(x > 1, x).shape[0], (I64,))],
    "compress": [(lambda x: np.compress(x, x, axis=0).shape[0], (B,))],
    "count_nonzero": [
        (lambda x: np.count_nonzero(x), (I64,)),
        (lambda x: ends(np.count_nonzero(x, axis=0)), (BB,)),
    ],
    "getitem": [(lambda x, y: (y[x].shape[0], x.sum()), (B, F64))],
    "unique": [
        (lambda x: np.unique(x).shape[0], (I64,)),
        (lambda x: np.unique(x).shape[0], (F64,)),
        (lambda x: [ends(p) for p in np.unique(x, True, True, True)[1:]], (I64,)),
    ],
    "union1d": [(lambda x, y: np.union1d(x, y).shape[0], (I64, J64))],
    "setxor1d": [
        (lambda x, y: np.setxor1d(x, y).shape[0], (I64, J64)),
        (lambda x, y: np.setxor1d(x, y, assume_unique=True).shape[0], (I64, J64)),
    ],
    "setdiff1d": [
        (lambda x, y: np.setdiff1d(x, y).shape[0], (I64, J64)),
        (lambda x, y: np.setdiff1d(x, y, assume_unique=True).shape[0], (I64, J64)),
    ],
    "intersect1d": [
        (lambda x, y: np.intersect1d(x, y).shape[0], (I64, J64)),
        (lambda x, y: np.intersect1d(x, y, assume_unique=True).shape[0], (I64, J64)),
    ],
    "repeat": [
        (lambda x, y: np.repeat(x, x).shape[0], (I64, J64)),
        (lambda x: np.repeat(x, np.nonzero(x)[0]).shape[0], (B,)),
    ],
    "bincount": [
        (lambda x: np.bincount(x).shape[0], (U8,)),
        (lambda x: np.bincount(x, minlength=5).shape[0], (I64,)),
        (lambda x: ends(np.bincount(x, minlength=3)), (U8,)),
        (lambda x: np.bincount(np.argsort(x)).shape[0], (I64,)),
    ],
    "item": [
        (lambda x: int(x[0]), (I8,)),
        (lambda x: int(x[0]), (U8,)),
        (lambda x: int((x + x)[0]), (I8,)),
        (lambda x: int((x - x[0])[0]), (U8,)),
        (lambda x: int(x.sum()), (I8,)),
        (lambda x: int(x.sum()), (B,)),
    ],
    "math_of": [
        (lambda k: math.isqrt(k), (K,)),
        (lambda k: math.factorial(k), (K,)),
        (lambda x, k: (math.comb(x.shape[0], k), math.perm(k), math.comb(k, 9)), (I64, K)),
    ],
    "argmax": [(lambda x: ends(np.argmax(x, axis=0)), (BB,))],
    "argmin": [(lambda x: ends(np.argmin(x, axis=1)), (BB,))],
    "nanargmax": [(lambda x: int(np.nanargmax(x)), (F64,))],
    "nanargmin": [(lambda x: int(np.nanargmin(x)), (F64,))],
    "argsort": [(lambda x: ends(np.argsort(x)), (F64,))],
    "argpartition": [(lambda x: ends(np.argpartition(x, 0)), (F64,))],
    "lexsort": [(lambda x: ends(np.lexsort((x, x))), (I64,))],
    "searchsorted": [
        (lambda x, y: ends(np.searchsorted(x, y)), (I64, J64)),
        (lambda x, y: ends(np.searchsorted(x, y, side="right")), (F64, J64)),
    ],
    "tril_indices": [
        (lambda x, y: [*map(ends, np.tril_indices(x.shape[0], 1, y.shape[0]))], (I64, J64))
    ],
    "triu_indices": [(lambda x: [ends(one) for one in np.triu_indices(x.shape[0], -1)], (I64,))],
    "tril_indices_from": [(lambda x: [ends(one) for one in np.tril_indices_from(x, -2)], (BB,))],
    "triu_indices_from": [(lambda x: [ends(one) for one in np.triu_indices_from(x, 1)], (BB,))],
    "digitize": [(lambda x, y: ends(np.digitize(y, x)), (I64, J64))],
    "cumsum": [
        (lambda x: ends(np.cumsum(x, axis=0)), (BB,)),
        (lambda x: ends(np.cumsum(x)), (BB,)),
    ],
    "sum": [(lambda x: ends(np.sum(x, axis=0)), (BB,))],
    "arange": [(lambda x: ends(np.arange(x.shape[0], 9, 2)), (I64,))],
    "take": [
        (lambda x, y: ends(np.take(np.argsort(x), y, mode="raise")), (I64, J64)),
        (lambda x, y: ends(np.take(np.argsort(x), y, mode="clip")), (I64, J64)),
        (lambda x, y: ends(np.take(np.argsort(x), y, mode="wrap")), (I64, J64)),
    ],
    "take_along_axis": [
        (lambda x, y: ends(np.take_along_axis(np.argsort(x), y, 0)), (I64, J64))
    ],
    "sort": [(lambda x: ends(np.sort(np.argsort(x))), (I64,))],
    "partition": [(lambda x: ends(np.partition(np.argsort(x), 0)), (I64,))],
    "zeros": [(lambda x: ends(np.zeros(x.shape[0], np.int8)), (I64,))],
    "ones": [(lambda x: ends(np.ones(x.shape[0], np.uint8)), (I64,))],
    "array": [
        (lambda k: ends(np.array(k)), (K,)),
        (lambda x, k: ends(np.array(k - x.shape[0], np.int16)), (I64, K)),
        (lambda x, k: ends(np.array([k, x.shape[0]])), (I64, K)),
        (lambda x: ends(np.array(x.shape[0] > 2)), (I64,)),
    ],
    "full": [(lambda x: ends(np.full(x.shape[0], x.shape[0])), (I64,))],
    "minimum": [(lambda x, y: ends(np.minimum(np.argsort(x), y.shape[0])), (I64, J64))],
    "maximum": [(lambda x, y: ends(np.maximum(np.argsort(x), y.shape[0])), (I64, J64))],
    "clip": [(lambda x: ends(np.clip(x, 1, 3)), (I64,))],
    "unravel_index": [
        (lambda x, y: [ends(i) for i in np.unravel_index(y, x.shape)], (BB, J64)),
        (lambda x, y: [ends(i) for i in np.unravel_index(y, (y.shape[0], 3), "F")], (BB, J64)),
        (lambda x, k: [ends(i) for i in np.unravel_index(x, (k, k - 1))], (I64, K)),
    ],
    "ravel_multi_index": [
        (lambda x, y: ends(np.ravel_multi_index((y, 0), x.shape, "clip")), (BB, J64)),
        (lambda x, y: ends(np.ravel_multi_index((y, y), x.shape, "wrap")), (BB, J64)),
        (lambda x, y: ends(np.ravel_multi_index((y, y), x.shape, order="F")), (BB, J64)),
        (lambda x, k: ends(np.ravel_multi_index((x,), (k,), "clip")), (I64, K)),
    ],
}


def names_of(table: dict[Any, Any]) -> set[str]:
    found = {runtime.item: "item", operator.getitem: "getitem"}
    return {found.get(function, function.__name__) for function in table}


def test_every_row_is_attacked() -> None:
    assert names_of(GUARANTEES) | names_of(ELEMENTS) == set(ATTACKS)
    assert all(numpy_functions(name) for name in set(ATTACKS) - {"item", "getitem", "math_of"})


def drawn(spec: Spec, sizes: dict[str, int], rng: np.random.Generator, kind: int) -> Any:
    """Ordinary elements, few different ones, sorted and unsorted ones, ends of the dtype."""
    shape = tuple(sizes[size] for size in spec.shape)
    dtype = spec.dtype
    if dtype.kind == "b":
        return rng.random(shape) < (0.0, 0.5, 1.0, 0.9)[kind % 4]
    if dtype.kind == "f":
        values: Any = rng.choice([np.nan, -1.5, 0.0, 2.0, np.inf], size=shape)
        return values.astype(dtype) if kind % 2 else rng.integers(0, 3, shape).astype(dtype)
    info = np.iinfo(dtype)
    largest = min(int(info.max), 200)
    low = max(int(info.min), -200)
    choices = (
        [0, 1],
        [1, 1, 2, 3],
        [low, -1 if low < 0 else 0, 0, 7, largest],
        [2],
    )[kind % 4]
    found = rng.choice(choices, size=shape).astype(dtype)
    return np.sort(found, axis=None).reshape(shape) if kind >= 4 else found


def broken_facts(module: GraphModule, inputs: list[Any]) -> list[str]:
    """The facts of operations that the values of a run refute."""
    subject = NumpySubject(module)
    placeholders = [n for n in module.graph.nodes if n.op == "placeholder"]
    sizes = sizes_of_inputs(module, placeholders, inputs)
    values = {symbol(name, "int"): size for name, size in sizes.items()}
    values.update(subject.measure(inputs))  # type: ignore[arg-type]
    env = module.shape_env
    assert isinstance(env, ShapeEnv)
    found = []
    for fact in env.axioms:
        if fact.origin != "operation" or not all(
            s in values for s in free_symbols(fact.claim)
        ):
            continue
        try:
            holds = bool(evaluate(fact.claim, values))
        except ShapeproofError:
            continue
        if not holds:
            found.append(f"{fact} for {values}")
    return found


CASES = [(name, i) for name, attacks in ATTACKS.items() for i in range(len(attacks))]


@pytest.mark.parametrize(("name", "index"), CASES)
def test_no_guarantee_can_be_broken(name: str, index: int) -> None:
    function, specs = ATTACKS[name][index]
    module = trace(function, *specs)
    rng = np.random.default_rng(0)
    for n in (0, 1, 2, 5):
        for m in (0, 1, 2, 4):
            for kind in range(8):
                sizes = {"n": n, "m": m}
                inputs = [
                    kind - 2 if spec is K else drawn(spec, sizes, rng, kind) for spec in specs
                ]
                with np.errstate(all="ignore"):
                    assert not broken_facts(module, inputs), inputs


def test_the_attack_finds_an_untrue_guarantee() -> None:
    """The one that was: elements that the caller promises to be different, and are not."""
    module = trace(lambda x, y: np.intersect1d(x, y, assume_unique=True).shape[0], I64, J64)
    env = module.shape_env
    assert isinstance(env, ShapeEnv)
    env.guarantee("u0 <= m", "np.intersect1d", "intersect1d")
    inputs = [np.array([1, 1, 1]), np.zeros(0, np.int64)]
    assert broken_facts(module, inputs)


def test_the_table_says_who_enforces_it() -> None:
    for row in (*GUARANTEES.values(), *ELEMENTS.values(), *ENTRY.values()):
        assert row.says
        assert isinstance(row.enforced_by, guarantees.EnforcedBy)
