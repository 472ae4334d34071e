"""torch's exported programs as subjects of `asserts.verify`.

Tensors are made from numpy arrays; a dtype that numpy has not is converted. A program is run
as its caller would (`ExportedProgram.module()`), so the checks at its entry count. Buffers
that it changes are compared like results. What a run changes, in a program or a model, is put
back after it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from asserts.dialects import torch as torch_dialect  # first: it looks at torch's version

# isort: split
import torch
from torch.export import ExportedProgram
from torch.utils import _pytree as pytree

from asserts.conditions.lift import LiftedAssert, lift
from asserts.dialects.torch.answers.graph import TorchDialect
from asserts.dialects.torch.answers.names import input_names, source_names
from asserts.dialects.torch.export.programs import dialect_for
from asserts.dialects.torch.export.state import unchanged
from asserts.dialects.torch.symbols.enforced import at_entry
from asserts.errors import GraphError
from asserts.verify.numpy_programs import array_text
from asserts.verify.probe import Probe
from asserts.verify.subject import Condition, Input, Number, Trial
from shapes.expr import BoolExpr, Expr, as_expr
from shapes.traversal import free_symbols, show

__all__ = ["TorchSubject", "subjects"]

SEED = 0
"""Of torch's own random numbers, before every run."""


def subjects(first: Any, second: Any) -> tuple[TorchSubject, Any]:
    """Both programs; the second may be anything that is called like the first.

    Raises `GraphError` for programs that cannot be compared.
    """
    if not isinstance(first, ExportedProgram):
        kind = type(first).__name__
        raise GraphError(f"an exported program of torch's is needed, not {kind}")
    one = TorchSubject(first)
    if isinstance(second, ExportedProgram):
        if first.call_spec.in_spec != second.call_spec.in_spec:
            raise GraphError(
                "the programs take different inputs: "
                f"({', '.join(map(str, one.inputs))}) and "
                f"({', '.join(map(str, TorchSubject(second).inputs))})"
            )
        return one, TorchSubject(second)
    if callable(second) and not hasattr(second, "shape_env"):
        return one, _Called(one, second)
    kinds = f"{type(first).__name__} and {type(second).__name__}"
    raise GraphError(f"{kinds} cannot be compared: both must be programs of one framework")


class TorchSubject:
    """An exported program that is tried."""

    def __init__(self, program: ExportedProgram) -> None:
        self._program = program
        self._graph = program.graph_module.graph
        self._dialect: TorchDialect = dialect_for(program, program.graph_module)
        self._users = _user_nodes(program)
        self._own = _own_values(program)
        self._probe = Probe(self._graph, self._dialect.bindings, self._execute)
        self.inputs: Sequence[Input] = _inputs(program, self._users, self._dialect)
        self.run_time: Sequence[Expr] = self._probe.symbols
        self.names: Mapping[str, str] = source_names(
            program, program.graph_module, self._dialect
        )
        axioms = self._dialect.symbols.env.axioms
        lifted = [one for one in lift(self._graph, self._dialect) if one.claim is not None]
        ensured = [f.claim for f in axioms if not at_entry(f)]
        self.sure: Sequence[BoolExpr] = self._in_time(ensured, lifted)
        entry = [f.claim for f in axioms if at_entry(f)]
        self.conditions: Sequence[Condition] = self._conditions(entry, lifted)
        self._module: Any = None

    def _in_time(
        self, ensured: Sequence[BoolExpr], lifted: Sequence[LiftedAssert]
    ) -> list[BoolExpr]:
        """What operations ensure of run-time values, without what only an operation behind a
        check of such a value ensures: inputs that break the check never come to it."""
        place = {node: index for index, node in enumerate(self._graph.nodes)}
        bound = {
            symbol: index
            for node, index in place.items() if node.op != "placeholder"
            for symbol in self._dialect.bindings(node)
        }  # fmt: skip
        checked: dict[Expr, int] = {}
        for one in lifted:
            for symbol in free_symbols(one.whole):
                if symbol in bound:
                    checked.setdefault(symbol, place[one.node])

        def in_time(claim: BoolExpr) -> bool:
            symbols = free_symbols(claim)
            begins = max((bound.get(s, 0) for s in symbols), default=0)
            return all(checked.get(s, begins) >= begins for s in symbols)

        return [claim for claim in ensured if in_time(claim)]

    def _conditions(
        self, entry: Sequence[BoolExpr], lifted: Sequence[LiftedAssert]
    ) -> list[Condition]:
        names = self.names
        claims = dict(zip(entry, entry))
        for one in lifted:
            if one.claim is not None:
                claims.setdefault(one.whole, one.claim)
        return [
            Condition(show(claim, lambda name: names.get(name, name)), whole, whole in entry)
            for whole, claim in claims.items()
        ]

    def _execute(self, node: Any, value_of: Callable[[Any], Any]) -> Any:
        if node.op == "get_attr":
            found: Any = self._program.graph_module
            for part in str(node.target).split("."):
                found = getattr(found, part)
            return found
        args = torch.fx.node.map_arg(node.args, value_of)
        kwargs = torch.fx.node.map_arg(node.kwargs, value_of)
        if node.op == "call_method":
            return getattr(args[0], node.target)(*args[1:], **kwargs)
        return node.target(*args, **kwargs)

    def measure(self, inputs: Sequence[Any]) -> Mapping[Expr, Number]:
        """The values of run-time symbols."""
        if not self.run_time:
            return {}
        known: dict[Any, Any] = {}
        for node in self._graph.nodes:
            if node.op == "placeholder" and node.name in self._own:
                known[node] = self._own[node.name].clone()
        known.update(zip(self._users, self._tensors(inputs)))
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._probe.values(known)

    def _tensors(self, inputs: Sequence[Any]) -> list[Any]:
        return [_tensor(value, node) for value, node in zip(inputs, self._users)]

    def arguments(self, inputs: Sequence[Any]) -> tuple[list[Any], Any, Any]:
        """The flat arguments, and how a call has them."""
        flat = self._tensors(inputs)
        args, kwargs = pytree.tree_unflatten(list(flat), self._program.call_spec.in_spec)
        return flat, args, kwargs

    def run(self, inputs: Sequence[Any]) -> Any:
        """The result, and inputs and buffers as they are afterwards; the program's own are put
        back."""
        module = self._runnable()
        flat, args, kwargs = self.arguments(inputs)
        with unchanged(*self._own_state(module)):
            result = called(module, args, kwargs)
            buffers = {name: value.clone() for name, value in module.named_buffers()}
        return result, flat, buffers

    def _runnable(self) -> Any:
        """The program as a module."""
        if self._module is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._module = self._program.module()
        return self._module

    def _own_state(self, module: Any) -> list[Any]:
        """The tensors that belong to the program; the model has the same ones."""
        constants = [one for one in self._program.constants.values() if _is_tensor(one)]
        return [*module.parameters(), *module.buffers(), *constants]

    def difference(self, first: Any, second: Any) -> str | None:
        """How two results differ; floats may differ by rounding, as
        `torch.testing.assert_close` allows it."""
        for a, b, word in zip(first, second, ("the results", "changed inputs", "buffers")):
            if isinstance(a, dict) and isinstance(b, dict) and word == "buffers":
                common = a.keys() & b.keys()  # (a function has none)
                a, b = ({name: one[name] for name in common} for one in (a, b))
            how = _difference(a, b)
            if how is not None:
                return f"{word} differ: {how}"
        return None

    def shown(self, trial: Trial) -> str:
        """Name, dtype, shape and content of every input."""
        pairs = zip(self.inputs, trial.inputs)
        return "\n".join(f"{given.name} = {array_text(value)}" for given, value in pairs)


class _Called:
    """Anything that is called with the inputs of a program."""

    def __init__(self, like: TorchSubject, function: Callable[..., Any]) -> None:
        self._like = like
        self._function = function
        self.inputs: Sequence[Input] = ()

    def run(self, inputs: Sequence[Any]) -> Any:
        """The result, and inputs and buffers as they are afterwards; all state of a model's is
        put back."""
        flat, args, kwargs = self._like.arguments(inputs)
        with unchanged(self._function):
            result = called(self._function, args, kwargs)
            buffers = self._buffers()
        return result, flat, buffers

    def _buffers(self) -> dict[str, Any]:
        """Those that the program has, too."""
        if not isinstance(self._function, torch.nn.Module):
            return {}
        return {name: value.clone() for name, value in self._function.named_buffers()}


def called(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """The function's result, with torch's random numbers from a fixed seed."""
    with torch.random.fork_rng(devices=[]), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(SEED)
        return function(*args, **kwargs)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)


def _user_nodes(program: ExportedProgram) -> list[Any]:
    """The placeholders of the caller's arguments, in their order."""
    own = set(_own_values(program))
    tokens = set(program.graph_signature.input_tokens)
    return [
        node
        for node in program.graph_module.graph.nodes
        if node.op == "placeholder" and node.name not in own and node.name not in tokens
    ]


def _own_values(program: ExportedProgram) -> dict[str, Any]:
    """Parameters, buffers and constants, by placeholder."""
    signature = program.graph_signature
    found: dict[str, Any] = {}
    for own in (
        signature.inputs_to_parameters,
        signature.inputs_to_buffers,
        signature.inputs_to_lifted_tensor_constants,
    ):
        for name, target in own.items():
            value = program.state_dict.get(target, program.constants.get(target))
            if isinstance(value, torch.Tensor):
                found[name] = value.detach()
    return found


def _inputs(
    program: ExportedProgram, users: Sequence[Any], dialect: TorchDialect
) -> list[Input]:
    named = input_names(program)
    examples: list[Any] = [None] * len(users)
    if program.example_inputs is not None:
        flat = pytree.tree_leaves(program.example_inputs)
        if len(flat) == len(users):
            examples = flat
    return [
        _input(named.get(node.name, node.name), node.meta.get("val"), example, dialect)
        for node, example in zip(users, examples)
    ]


def _input(name: str, value: Any, example: Any, dialect: TorchDialect) -> Input:
    if isinstance(value, torch.Tensor):
        sizes = [dialect.symbols.value_of(size) for size in value.shape]
        shape = tuple(as_expr(0) if size is None else size for size in sizes)
        dtype = str(value.dtype).removeprefix("torch.")
        return Input(name, shape, _numpy_dtype(dtype), example=_array(example))
    if isinstance(value, (torch.SymInt, torch.SymFloat, torch.SymBool)):
        expr = dialect.symbols.value_of(value)
        return Input(name, value=expr, dtype=type(value).__name__, example=example)
    return Input(name, example=example if example is not None else value)


def _numpy_dtype(name: str) -> str:
    """numpy's dtype that stands for one of torch's."""
    try:
        return str(np.dtype(name))
    except TypeError:
        return "float32"


def _array(example: Any) -> Any:
    if not isinstance(example, torch.Tensor):
        return None
    plain = example.detach().cpu()
    try:
        return plain.numpy().copy()
    except TypeError:
        return plain.to(torch.float32).numpy().copy()


def _tensor(value: Any, node: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    stated = node.meta.get("val")
    made = torch.from_numpy(value.copy())
    if isinstance(stated, torch.Tensor):
        if _numpy_dtype(str(stated.dtype).removeprefix("torch.")) != str(stated.dtype)[6:]:
            made = made.to(stated.dtype)
        made = made.to(stated.device)
    return made


def _difference(first: Any, second: Any) -> str | None:
    one, first_spec = pytree.tree_flatten(first)
    other, second_spec = pytree.tree_flatten(second)
    if first_spec != second_spec:
        return f"their structure is {first_spec} and {second_spec}"
    for a, b in zip(one, other):
        if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
            try:
                torch.testing.assert_close(a, b, equal_nan=True)
            except AssertionError as error:
                lines = [line for line in str(error).splitlines() if line.strip()]
                return "; ".join(lines[:3])
        elif not (a == b or (a != a and b != b)):
            return f"{a!r} and {b!r}"
    return None


assert torch_dialect  # imported for what it checks
