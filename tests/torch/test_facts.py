"""What proofs of torch's programs rest on: every fact is enforced, and none is assumed."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._sympy.value_ranges import ValueRanges

import asserts
from asserts.dialects.torch import installed
from asserts.dialects.torch.export import decide
from asserts.dialects.torch.export.programs import dialect_for, shape_env_of
from asserts.dialects.torch.export.verify import TorchSubject
from asserts.dialects.torch.symbols.computed import COMPUTED
from asserts.dialects.torch.symbols.enforced import CLAMPED, ENFORCED, ENTRY
from asserts.dialects.torch.symbols.loaded import _UNTAGGED, is_unbacked
from asserts.dialects.torch.symbols.shape_env import TorchEnv
from shapes.expr.booleans import as_condition
from shapes.expr.nodes import make, symbol
from shapes.facts.bounds import bounds
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import free_symbols
from tests.torch.torch_help import accepts, asserts_of, reloaded

AUTO = torch.export.Dim.AUTO
Inputs = tuple[Tensor, ...]


def module(function: Callable[..., Any]) -> nn.Module:
    class Made(nn.Module):
        def forward(self, *inputs: Tensor) -> Any:
            return function(*inputs)

    return Made()


def exported(function: Callable[..., Any], *example: Tensor) -> Any:
    shapes = {"inputs": tuple({0: AUTO} if t.dim() else None for t in example)}
    with installed():
        return torch.export.export(module(function), example, dynamic_shapes=shapes)


# --------------------------------------------------------------------------- the list


def narrowed(x: Tensor, n: Tensor) -> Any:
    k = n.item()
    torch._check(k >= 0)
    torch._check(k <= x.shape[0])
    return torch.narrow(x, 0, 0, k) + 1


def sliced(x: Tensor, n: Tensor) -> Any:
    k = n.item()
    return x[k:].sum() + x[:k].sum()


def rounded(x: Tensor, n: Tensor) -> Any:
    torch._check(torch.sym_float(n.item()) * 0.5 <= 2.25)
    return x + n


def converted(x: Tensor, n: Tensor) -> Any:
    torch._check_tensor_all(x > n)
    return x + 1


def computed(x: Tensor, n: Tensor) -> Any:
    quarter = torch.div(x.shape[0], 4, rounding_mode="trunc").item()  # type: ignore[call-overload]
    return x + quarter + n


def clamped(x: Tensor, n: Tensor) -> Any:
    return x[: x.clamp(min=1, max=3)[0].item()] * 2 + n


PROGRAMS: dict[str, Callable[[Tensor, Tensor], Any]] = {
    "aten.nonzero.default": lambda x, n: (x > n).nonzero() * 2,
    "aten._unique2.default": lambda x, n: torch.unique(x) + n,
    "aten.unique_consecutive.default": lambda x, n: torch.unique_consecutive(x) + n,
    "aten.index.Tensor": lambda x, n: x[x > n] * 2,
    "aten.masked_select.default": lambda x, n: x.masked_select(x > n) * 2,
    "aten.narrow.default": narrowed,
    "aten.slice.Tensor": sliced,
    "64-bit integers": rounded,
    "a conversion of a condition": converted,
    COMPUTED: computed,
    CLAMPED: clamped,
    "every size": lambda x, n: (x > n).nonzero() * 2,
    ENTRY: lambda x, n: x + n,
}
"""A program in which a fact of each name is stated. Those that are not here have no function
that an exported program calls, or are stated for subclasses of tensors."""

WHILE_TRACING = ("64-bit integers", "aten.narrow.default")
"""What is only stated while torch traces, before it knows better."""


def test_every_name_has_a_program() -> None:
    left = {"how the symbol is read", "aten.index.Tensor_hacked_twin", "aten.narrow_copy.default"}

    assert PROGRAMS.keys() | left == ENFORCED.keys()


@pytest.mark.parametrize(
    ("name", "again"),
    [*((name, False) for name in PROGRAMS), *((name, True) for name in [*PROGRAMS][::3])],
)
def test_facts_hold_in_every_run(name: str, again: bool) -> None:
    """On inputs of any size, those included which torch assumes that there are not."""
    program = exported(PROGRAMS[name], torch.arange(4), torch.tensor(2))
    subject = TorchSubject(reloaded(program) if again else program)
    facts = subject._dialect.symbols.env.axioms
    seen: set[str] = set()

    for size, number in itertools.product((0, 1, 2, 5), (-1, 0, 1, 2, 5)):
        for content in (torch.arange(size), torch.zeros(size, dtype=torch.int64) + number):
            inputs = [content.numpy(), np.array(number)]
            values = dict(subject.measure(inputs))
            values |= {s: size for s in subject.inputs[0].shape or () if s.is_symbol}
            for fact in facts:
                if values.keys() >= set(free_symbols(fact.claim)):
                    seen.add(str(fact.operation))
                    assert evaluate(fact.claim, values), (fact, inputs)
    assert again or name in seen or name in WHILE_TRACING


def test_what_nothing_enforces_is_refused() -> None:
    claim = as_condition(make("Ge", symbol("s0"), 2))

    with pytest.raises(ValueError, match="nothing is known to enforce what torch assumes"):
        TorchEnv(None).guarantee(claim, "torch assumes")


# --------------------------------------------------------------------------- assumptions


def related(condition: Callable[[Any, Any], Any]) -> Callable[[Tensor, Tensor], Any]:
    """A run-time value, and a size that torch assumes to be at least 2."""

    def checked(x: Tensor, n: Tensor) -> Any:
        k = n.item()
        torch._check(x.shape[0] > 0)
        torch._check(condition(k, x.shape[0]))
        return x.sum() + k

    return checked


RELATIONS: list[Callable[[Any, Any], Any]] = [
    lambda k, s: k // s >= 1,
    lambda k, s: k >= s,
    lambda k, s: k > s,
    lambda k, s: k == s,
    lambda k, s: k >= 2 * s - 1,
    lambda k, s: k + 2 >= s,
    lambda k, s: k <= 5 - s,
    lambda k, s: k < -s,
    lambda k, s: 3 * k >= s * 2,
    lambda k, s: k * s >= 4,
    lambda k, s: k == s + 1,
    lambda k, s: k == 3 * s,
    lambda k, s: 2 * k == s * 4,
    lambda k, s: k - s >= 0,
    lambda k, s: k >= torch.sym_max(s, 3),
    lambda k, s: k <= torch.sym_min(-s, 3),
    lambda k, s: (k >= s) | (k == -7),
    lambda k, s: (k >= s) & (k <= 2 * s),
    lambda k, s: k // s == 2,
    lambda k, s: k % s == 0,
]


def traced_again(program: Any) -> Any:
    with installed():
        return program.run_decompositions()


@pytest.mark.parametrize("index", range(len(RELATIONS)))
def test_a_range_that_rests_on_an_assumption_is_not_asserted(index: int) -> None:
    function = related(RELATIONS[index])
    example = next(
        (torch.ones(s), torch.tensor(k))
        for s in (3, 4, 2) for k in range(-8, 13)
        if accepts(module(function), (torch.ones(s), torch.tensor(k)))
    )  # fmt: skip
    try:
        program = exported(function, *example)
    except torch._dynamo.exc.UserError:
        pytest.skip("torch does not export it")
    tried = [(torch.ones(s), torch.tensor(k)) for s in (1, 2, 5) for k in range(-9, 14)]
    eager = [accepts(module(function), inputs) for inputs in tried]
    forms: tuple[Callable[[Any], Any], ...] = (
        traced_again,
        lambda program: asserts.minimise(program).program,
        lambda program: asserts.insert(program).program,
    )

    for made in (program, forms[index % len(forms)](program)):
        assert [accepts(made.module(), inputs) for inputs in tried] == eager


def test_a_chain_of_relations() -> None:
    def checked(x: Tensor, n: Tensor) -> Any:
        a, b, c = n.tolist()
        torch._check(a >= x.shape[0])
        torch._check(b >= a + 1)
        torch._check(c <= -b)
        return x.sum() + c

    program = exported(checked, torch.ones(3), torch.tensor([3, 4, -4]))

    assert accepts(program.module(), (torch.ones(1), torch.tensor([1, 2, -2])))
    assert not accepts(program.module(), (torch.ones(1), torch.tensor([0, 2, -2])))
    assert not accepts(program.module(), (torch.ones(1), torch.tensor([1, 1, -2])))
    assert not accepts(program.module(), (torch.ones(1), torch.tensor([1, 2, -1])))


def test_a_declared_range_is_asserted_beside_a_relation() -> None:
    def checked(x: Tensor, n: Tensor) -> Any:
        k = n.item()
        torch._check(k <= x.shape[0])
        torch._constrain_as_size(k, 2, 5)
        return x.sum() + torch.ones(k).sum()

    program = exported(checked, torch.ones(3), torch.tensor(2))

    for made in (program, asserts.minimise(program).program):
        for size, number in itertools.product((1, 2, 4, 8), range(-1, 8)):
            inputs = (torch.ones(size), torch.tensor(number))
            assert accepts(made.module(), inputs) == (2 <= number <= min(5, size))


# --------------------------------------------------------------------------- what is believed


def test_the_operations_whose_sizes_depend_on_data_are_known() -> None:
    """Every operator of torch's that takes plain tensors, on contents that differ: where sizes
    do, a tag or our list says so."""
    tags = (torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape)
    unknown = set()
    for operator in _operators():
        if any(tag in operator.tags for tag in tags) or operator._opname in _UNTAGGED:
            continue
        for dtype in (torch.int64, torch.bool, torch.float32):
            if len(set(_shapes(operator, dtype))) > 1:
                unknown.add(str(operator))

    assert unknown == set()


CRASHING = ("_native_batch_norm_legit", "_thnn_differentiable_gru_cell_backward")
"""Operators that end the process on operands which are not theirs."""


def _operators() -> list[Any]:
    names = {s.name for s in torch._C._jit_get_all_schemas() if s.name.startswith("aten::")}
    packets = [getattr(torch.ops.aten, name[6:], None) for name in sorted(names)]
    return [
        getattr(packet, overload)
        for packet in packets
        if packet is not None and packet.__name__ not in CRASHING
        for overload in packet.overloads()
        if _takes_plain_tensors(getattr(packet, overload)._schema)
    ]


def _takes_plain_tensors(schema: Any) -> bool:
    required = [str(a.type) for a in schema.arguments if not a.has_default_value()]
    simple = all(kind in ("Tensor", "int", "SymInt", "number", "bool") for kind in required)
    return simple and "Tensor" in required and not schema.is_mutable and bool(schema.returns)


def _shapes(operator: Any, dtype: torch.dtype) -> list[Any]:
    found = []
    for content in (torch.zeros(4), torch.ones(4), torch.tensor([0.0, 1.0, 1.0, 2.0])):
        arguments = [
            content.to(dtype) if str(a.type) == "Tensor" else 1
            for a in operator._schema.arguments
            if not a.has_default_value()
        ]
        try:
            result = operator(*arguments)
        except Exception:  # operands that are not its own
            continue
        results = result if isinstance(result, (tuple, list)) else (result,)
        found.append(tuple(tuple(r.shape) for r in results if isinstance(r, Tensor)))
    return found


def derived(m: Tensor, x: Tensor) -> Any:
    """Sizes of results that follow from what is bound."""
    chosen = torch.where(m)[0]
    torch._check(chosen.shape[0] == 3)
    moved = (chosen + 1).abs() * chosen
    torch._check(moved.shape[0] <= 3, lambda: "moved")
    torch._check(x[moved % 2].shape[0] >= 3, lambda: "taken")
    torch._check((moved + x[:1]).shape[0] == 3, lambda: "stretched")
    return moved.sum()


@pytest.mark.parametrize("again", [False, True], ids=["exported", "loaded"])
def test_sizes_that_follow_from_what_is_bound_prove_what_follows(again: bool) -> None:
    program = exported(derived, torch.arange(6) < 3, torch.arange(4))
    given = reloaded(program) if again else program

    made = asserts.minimise(given, policy="strict").program

    assert len(asserts_of(made)) == 1
    for true in range(6):
        inputs = (torch.arange(6) < true, torch.arange(4))
        assert accepts(made.module(), inputs) == (true == 3)


def test_nothing_is_believed_of_what_comes_from_a_replaced_number() -> None:
    program = reloaded(exported(derived, torch.arange(6) < 3, torch.arange(4)))
    dialect = dialect_for(program, program.graph_module)
    named = {node.name: node for node in program.graph.nodes}

    assert named["where"] in dialect._unsure
    assert named["m" if "m" in named else "inputs_0"] not in dialect._unsure


def test_a_range_that_is_narrowed_in_place_is_read_anew() -> None:
    program = exported(lambda x, n: x[x > n] * 2, torch.arange(4), torch.tensor(2))
    shape_env = shape_env_of(program.graph_module)
    known = decide.known(shape_env, True)
    assert decide.known(shape_env, True) is known

    narrowed = next(s for s in shape_env.var_to_range if not is_unbacked(s))
    shape_env.var_to_range[narrowed] &= ValueRanges(3, 9)

    again = decide.known(shape_env, True)
    assert bounds(again.env.facts, again.symbol(narrowed)).int_bounds() == (3, 9)
