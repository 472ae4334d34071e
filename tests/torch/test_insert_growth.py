"""Our insertion pass takes linearly many steps, and its short ways lead to the same place."""

from __future__ import annotations

import copy
import operator
import pickle
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import sympy
import torch
from torch import fx
from torch.fx.experimental.proxy_tensor import make_fx

from asserts.conditions import known
from asserts.dialects.torch.answers import lazy as torch_lazy
from asserts.dialects.torch.answers.code import recompile_when_used
from asserts.dialects.torch.answers.graph import SCALAR_ASSERTS, TorchDialect
from asserts.dialects.torch.answers.lazy import computed
from asserts.dialects.torch.export.passes import insert_deferred_runtime_asserts
from asserts.dialects.torch.symbols.linear import Linear, linear_sum, text_of
from shapes import Facts, symbol
from shapes.expr.booleans import as_condition
from shapes.traversal.sympy import from_sympy
from shapes.witness.example import Condition

SIZES = (10, 20, 40)


def _read(n: int) -> tuple[fx.GraphModule, Any]:
    """A graph that reads n values, with two checks on each, and torch's environment."""

    def program(x: torch.Tensor) -> torch.Tensor:
        previous: Any = None
        for i in range(n):
            value = x[i].item()
            torch._check(value >= 2 + i % 5)
            if previous is not None:
                torch._check(2 * value <= previous + 1000)
            previous = value
        return x + previous

    module = make_fx(program, tracing_mode="symbolic")(torch.full((n,), 7))
    value = next(iter(module.graph.nodes)).meta["val"]
    return module, value.fake_mode.shape_env


def test_the_steps_of_insertion_grow_linearly(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: Counter[str] = Counter()

    def counting(owner: Any, name: str) -> None:
        original: Callable[..., Any] = getattr(owner, name)

        def counted(*args: Any, **options: Any) -> Any:
            counts[name] += 1
            return original(*args, **options)

        monkeypatch.setattr(owner, name, counted)

    traced = [_read(n) for n in SIZES]
    for name in ("bindings", "read_of", "computation_of", "value_of", "set_value"):
        counting(TorchDialect, name)
    for owner, name in ((Facts, "given"), (known, "entails"), (Condition, "holds"),
                        (fx.Graph, "create_node"), (torch_lazy._PutOff, "_resolved")):  # fmt: skip
        counting(owner, name)
    found = []
    for module, shape_env in traced:
        counts.clear()
        insert_deferred_runtime_asserts(module, shape_env, "growth")
        found.append(Counter(counts))

    small, medium, large = found
    assert large["given"] == large["entails"] == large["_resolved"] == 0
    for name in large:
        assert large[name] - medium[name] <= 2 * (medium[name] - small[name]) + 8, name


def test_every_check_is_there_and_values_are_as_torch_computes_them() -> None:
    module, shape_env = _read(5)

    insert_deferred_runtime_asserts(module, shape_env, "values")

    checks = [n for n in module.graph.nodes if n.target in SCALAR_ASSERTS]
    assert len(checks) == 9
    for node in module.graph.nodes:
        value = node.meta.get("val")
        if isinstance(value, (torch.SymInt, torch.SymBool)) and node.args:
            args = [getattr(a, "meta", {}).get("val", a) for a in node.args]
            if node.target in (operator.le, operator.mul, operator.add, operator.lt):
                assert value.node._expr == node.target(*args).node._expr
                assert value.node.pytype is node.target(*args).node.pytype
    assert module(torch.full((5,), 9)).tolist() == [18] * 5
    with pytest.raises(RuntimeError, match="u1"):
        module(torch.tensor([9, 1, 9, 9, 9]))


# --------------------------------------------------------------------------- relations

TORCHS = [sympy.Symbol(name, integer=True) for name in ("u700", "u701", "u7010", "u702")] + [
    sympy.Symbol(name, integer=True, positive=True) for name in ("s703", "s777")
]
OURS = {s: symbol(s.name) for s in TORCHS}
RELATIONS = (sympy.Le, sympy.Lt, sympy.Ge, sympy.Gt, sympy.Eq, sympy.Ne)


def _combination(draw: random.Random) -> Any:
    total = sympy.Integer(draw.choice([0, 0, 1, -1, 5, -7, 1000, 2**70]))
    for s in draw.sample(TORCHS, draw.randint(0, 4)):
        total = total + draw.choice([1, 1, -1, 2, -3, 17]) * s
    return total


def test_linear_relations_are_read_and_written_as_sympy_does() -> None:
    draw = random.Random(0)
    names = {s.name: ours for s, ours in OURS.items()}
    seen = 0
    for _ in range(1500):
        left, right = _combination(draw), _combination(draw)
        relation = draw.choice(RELATIONS)(left, right, evaluate=draw.random() < 0.5)
        assert linear_sum(left, OURS.__getitem__) is from_sympy(left, names)
        assert text_of(relation) == str(relation)
        linear = Linear.of(relation)
        if linear is not None:
            seen += 1
            condition = linear.condition(OURS.__getitem__)
            assert condition is as_condition(from_sympy(relation, names))
    assert seen > 1000


U0, U1 = TORCHS[:2]


@pytest.mark.parametrize("expr", [U0 * U1 <= 3, U0**2 < 4, sympy.Mod(U0, 2) <= 1, U0 + 1])
def test_what_is_no_linear_relation_is_left_to_the_general_way(expr: Any) -> None:
    assert Linear.of(expr) is None
    assert text_of(expr) == str(expr)


# --------------------------------------------------------------------------- values


def test_a_long_chain_of_values_is_computed_without_recursion() -> None:
    module, _ = _read(2)
    value = next(n.meta["val"] for n in module.graph.nodes if "unbacked_bindings" in n.meta)
    total = value
    for _ in range(3000):
        total = computed(operator.add, (total, 1))

    assert str(total) == "u0 + 3000"
    assert computed(operator.le, (total, 5)).node.pytype is bool
    assert computed(operator.add, (2, 3)) == 5


def test_a_value_of_inputs_has_the_hint_that_torch_gives_it() -> None:
    module, _ = _read(3)
    size = next(iter(module.graph.nodes)).meta["val"].shape[0]

    doubled = computed(operator.mul, (size, 2))

    assert doubled.node.hint == 6
    assert doubled.node.expr == (size * 2).node.expr
    assert bool(computed(operator.ge, (doubled, 6)))


# --------------------------------------------------------------------------- code


def _stale() -> fx.GraphModule:
    """A module whose graph has been changed and whose code is to follow."""
    module = fx.symbolic_trace(lambda x: x + 1)
    for node in module.graph.nodes:
        if node.op == "call_function":
            node.args = (node.args[0], 5)
    recompile_when_used(module)
    return module


@pytest.mark.parametrize(
    "used",
    [
        lambda module: module,
        copy.copy,
        copy.deepcopy,
        lambda module: pickle.loads(pickle.dumps(module)),
        lambda module: fx.GraphModule(module, module.graph),
        lambda module: module.recompile() and module,
    ],
)
def test_a_module_whose_code_is_to_follow_runs_its_new_graph(
    used: Callable[[Any], Any],
) -> None:
    module = used(_stale())

    assert module(torch.zeros(1)).item() == 5
    assert "5" in module.code
    assert "5" in _stale().code
    assert "5" in str(_stale())


def test_hooks_run_once_where_the_code_is_to_follow() -> None:
    module, calls = _stale(), []
    module.register_forward_hook(lambda *_: calls.append(1))

    module(torch.zeros(1))

    assert len(calls) == 1
