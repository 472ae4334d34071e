"""What torch's graphs say: which nodes assert, read sizes, compute scalars, bind symbols.

A `TorchDialect` serves one program, because symbols are those of its environment. Values of
new nodes are computed by torch itself, from the symbolic values of their arguments.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import fx
from torch.fx.experimental.symbolic_shapes import (
    CallMethodKey,
    ConvertIntKey,
    DivideByKey,
    InnerTensorKey,
)
from torch.utils import _pytree as pytree

from asserts.conditions.points import can_stop
from asserts.dialects.base import AssertInfo, Claim, Conduct, Dialect, Path
from asserts.dialects.torch.answers.calls import (
    ATEN,
    CHECKS,
    EFFECTFUL,
    GENERIC,
    METADATA,
    PASSED_OVER,
    PRESERVED,
    RANGES,
    READS_BY_METHOD,
    SCALAR_ASSERTS,
    SIZE_READS,
    argument_of,
    condition_of,
    plain_target,
    range_of,
    text_of,
    token_of,
    torch_fn,
    trace_of,
    user_line,
)
from asserts.dialects.torch.answers.constraints import TorchConstraints
from asserts.dialects.torch.answers.effects import TorchEffects
from asserts.dialects.torch.answers.folding import TorchFolding
from asserts.dialects.torch.answers.guarantees import guarantees
from asserts.dialects.torch.answers.lazy import computed
from asserts.dialects.torch.answers.memory import TorchMemory
from asserts.dialects.torch.answers.metadata import redundant_metadata_asserts
from asserts.dialects.torch.answers.saving import assert_target
from asserts.dialects.torch.answers.signatures import TorchSignature
from asserts.dialects.torch.answers.sizes import certain_sizes, is_exact_size
from asserts.dialects.torch.answers.tracepoints import TorchTracepoints
from asserts.dialects.torch.answers.values import TorchValues
from asserts.dialects.torch.symbols import ops as torch_ops
from asserts.dialects.torch.symbols.loaded import Doubts, lost_place
from asserts.dialects.torch.symbols.shape_env import (
    TorchEnv,
    UnreadableError,
    is_unbacked,
)
from asserts.errors import GraphError
from asserts.graph.module import KEPT_META
from shapes.base import Location
from shapes.errors import ShapeproofError
from shapes.expr import TRUE, Expr, Kind, Op, as_condition, make

if TYPE_CHECKING:
    from asserts.conditions.lift import Lifter

__all__ = [
    "CHECKS",
    "METADATA",
    "PRESERVED",
    "RANGES",
    "SCALAR_ASSERTS",
    "TorchDialect",
    "copied",
    "is_exact_size",
]


class TorchDialect(Dialect):
    """The answers for torch's graphs; one instance serves one program."""

    name = "torch"

    def __init__(self, symbols: TorchEnv | None = None, key: str = "val") -> None:
        self.symbols = TorchEnv(None) if symbols is None else symbols
        self.key = key
        self.signature = TorchSignature()
        self.judges_metadata = False
        """Whether asserts of dtype, device and layout count as asserts that may follow."""
        self._certain: dict[Any, dict[Any, str]] = {}
        self.saved = False  # whether the graph is to be what an exported program may contain
        self._bindings: dict[fx.Node, Mapping[Expr, Path]] = {}
        self._divided: dict[Expr, tuple[Expr, Any, Any]] = {}
        self._unsure: set[fx.Node] = set()
        self._sizes: dict[fx.Node, list[Expr | None]] = {}
        self._doubts: Doubts | None = None
        self._lifters: dict[Any, Lifter] = {}
        self._values: dict[fx.Node, Expr] = {}

    # ------------------------------------------------------------------ interfaces

    @property
    def memory(self) -> TorchMemory:
        return TorchMemory(self.symbols, self.key, self.signature)

    @property
    def effects(self) -> TorchEffects:
        return TorchEffects(self.key, self.signature.program is not None)

    @property
    def values(self) -> TorchValues:
        return TorchValues(self.symbols, self.key)

    @property
    def folding(self) -> TorchFolding:
        return TorchFolding(self.key, self.signature, self.memory)

    @property
    def constraints(self) -> TorchConstraints:
        return TorchConstraints(self)

    @property
    def tracepoints(self) -> TorchTracepoints:
        return TorchTracepoints(self.key)

    # ------------------------------------------------------------------ programs

    def accepts(self, program: object) -> bool:
        return isinstance(program, fx.GraphModule)

    def modules(self, graph_module: Any) -> Iterable[Any]:
        return (m for m in graph_module.modules() if isinstance(m, fx.GraphModule))

    def copy(self, graph_module: Any) -> Any:
        return copied(graph_module)

    def lint(self, graph_module: Any) -> None:
        for module in self.modules(graph_module):
            try:
                module.graph.lint()
            except (RuntimeError, AssertionError) as error:
                raise GraphError(f"not a valid graph: {error}") from error

    def sweep(self, graph: Any) -> bool:
        """Only what reads sizes and computes scalars, and cannot raise: torch's callers keep
        lists of the names of other nodes."""
        changed = False
        for node in reversed(list(graph.nodes)):
            if node.users or node.op == "placeholder" or self.bindings(node):
                continue
            if self._can_raise(node):
                continue
            if self.read_of(node) is not None or self.computation_of(node) is not None:
                graph.erase_node(node)
                changed = True
        return changed

    def _can_raise(self, node: Any) -> bool:
        """Whether what a node computes of numbers may have no value. (What was written by an
        insertion has one.)"""
        if "runtime_assert" in node.meta:
            return False
        try:
            return can_stop(node, self, self.symbols.env.facts)
        except (ShapeproofError, TypeError):
            return True

    def is_node(self, argument: object) -> bool:
        return isinstance(argument, fx.Node)

    # ------------------------------------------------------------------ asserts

    def is_assert(self, node: Any) -> bool:
        return node.op == "call_function" and (
            node.target in SCALAR_ASSERTS
            or node.target in EFFECTFUL
            or node.target is METADATA
        )

    def is_used(self, node: Any) -> bool:
        """(The token of a functional assert stands for nothing.)"""
        return bool(node.users) and node.target not in EFFECTFUL

    def erase_assert(self, node: Any) -> None:
        """(What took the token of a functional assert takes the one before it.)"""
        if node.target in EFFECTFUL:
            node.replace_all_uses_with(token_of(node))
        node.graph.erase_node(node)

    def is_user_assert(self, node: Any) -> bool:
        """Whether a person wrote the check."""
        if node.target in CHECKS or node.meta.get(PRESERVED) is True:
            return True
        if plain_target(node) not in (ATEN._assert_scalar.default, ATEN._assert_async.msg):
            return False
        # The mark is not saved with a program, but only a person words a message freely.
        message = argument_of(node, 1, "assert_msg")
        return isinstance(message, str) and not message.startswith(GENERIC)

    def claim_of(self, node: Any, expr_of: Callable[[Any], Expr | None]) -> Claim:
        if node.target is METADATA:
            return self._of_metadata(node)
        if plain_target(node) in RANGES:
            return range_of(node, expr_of)
        return Claim.of(condition_of(node), expr_of)

    def _of_metadata(self, node: Any) -> Claim:
        """Whether an assert of dtype, device or layout follows is decided by dataflow."""
        if not self.judges_metadata:
            return Claim(None, "it asserts dtype, device or layout, which are not numbers")
        graph = node.graph
        if graph not in self._certain:
            at_root = self.signature.names_inputs_of(graph)
            own = self.signature.own_inputs() if at_root else ()
            self._certain[graph] = dict(redundant_metadata_asserts(graph, own))
        why = self._certain[graph].get(node)
        if why is None:
            return Claim(None, "nothing before it makes that certain")
        return Claim(TRUE, why)

    def info_of(self, node: Any) -> AssertInfo:
        if node.target is METADATA:
            wanted = ", ".join(f"{k}={v}" for k, v in node.kwargs.items() if v is not None)
            return AssertInfo(f"{node.args[0]} has {wanted}", location=user_line(node))
        condition = condition_of(node)
        message = argument_of(node, 1, "message", "assert_msg", "msg")
        return AssertInfo(
            condition=self._condition_text(node, condition),
            message=message if isinstance(message, str) else None,
            location=user_line(node),
            by_user=self.is_user_assert(node),
        )

    def _condition_text(self, node: Any, condition: Any) -> str:
        """What an assert checks. torch may know by now that it holds; what is enforced is what
        its nodes compute."""
        value = self.value_of(condition) if self.is_node(condition) else None
        if value is None or value.is_constant:
            found = self._lifter(node.graph).expr_of(condition)
            value = found if found is not None else value
        return str(condition if value is None else value)

    def _lifter(self, graph: Any) -> Lifter:
        from asserts.conditions.lift import Lifter

        found = self._lifters.get(graph)
        if found is None:
            found = self._lifters[graph] = Lifter(graph, self)
        return found

    def create_assert(
        self, graph: Any, condition: Any, info: AssertInfo, values: Mapping[str, Any]
    ) -> Any:
        target, argument = assert_target(graph, condition, self.key)
        node = self.create_call(graph, target, (argument, text_of(condition, info)))
        node.meta[self.key] = None
        node.meta["torch_fn"] = torch_fn(target)
        if info.by_user:
            node.meta[PRESERVED] = True
        return node

    # ------------------------------------------------------------------ reads

    def create_read(self, graph: Any, node: Any, step: tuple[Any, ...]) -> Any:
        kind = step[0]
        if kind == "size":
            return graph.call_function(ATEN.sym_size.int, (node, step[1]))
        if kind == "stride":
            return graph.call_function(ATEN.sym_stride.int, (node, step[1]))
        if kind == "offset":
            return graph.call_function(ATEN.sym_storage_offset.default, (node,))
        if kind == "item":
            return graph.call_function(operator.getitem, (node, step[1]))
        if kind == "int":
            return graph.call_function(torch.sym_ite, (node, 1, 0))
        if kind == "attr":
            return graph.call_function(getattr, (node, step[1]))
        if kind == "method":
            return graph.call_method(step[1], (node,))
        if kind == "divide" and isinstance(step[1], int):
            return graph.call_function(operator.floordiv, (node, step[1]))
        raise GraphError(f"`{node.name}` cannot be read by {step!r}")

    def read_of(self, node: Any) -> tuple[Any, tuple[Any, ...]] | None:
        arguments = node.args
        if not arguments or not isinstance(arguments[0], fx.Node):
            return None
        source = arguments[0]
        if node.op == "call_method":
            return self._method_read(node, source)
        if node.op != "call_function":
            return None
        kind = SIZE_READS.get(node.target)
        if kind in ("offset", "numel"):
            return source, (kind,)
        if kind is not None and len(arguments) == 2 and isinstance(arguments[1], int):
            return source, (kind, self._dimension(source, arguments[1]))
        if node.target is operator.getitem and isinstance(arguments[1], int):
            return source, ("item", arguments[1])
        if node.target is getattr:
            return source, ("attr", arguments[1])
        if node.target is torch.sym_ite and arguments[1:] == (1, 0):
            return source, ("int",)
        return None

    def _method_read(self, node: Any, source: Any) -> tuple[Any, tuple[Any, ...]] | None:
        kind = READS_BY_METHOD.get(node.target)
        if kind == "offset":
            return source, ("offset",)
        if kind is None or len(node.args) != 2 or not isinstance(node.args[1], int):
            return None
        return source, (kind, self._dimension(source, node.args[1]))

    def _dimension(self, source: Any, index: int) -> int:
        value = source.meta.get(self.key)
        return index % value.dim() if index < 0 and isinstance(value, torch.Tensor) else index

    # ------------------------------------------------------------------ scalars

    def create_call(
        self, graph: Any, target: Callable[..., Any], arguments: tuple[Any, ...]
    ) -> Any:
        """torch looks through the arguments of a new node with a slow traversal, which is half
        of what a node costs; these are given afterwards, unless hooks watch."""
        owner = graph.owning_module
        if owner is None or getattr(owner, "_create_node_hooks", None):
            return graph.call_function(target, arguments)
        node = graph.call_function(target)
        node.args = arguments
        return node

    def create_operator(
        self, call: Callable[..., Any], op: Op, arguments: Sequence[Any]
    ) -> Any:
        return torch_ops.create_operator(call, op, arguments, self.saved)

    def computation_of(self, node: Any) -> tuple[Callable[..., Expr], Sequence[Any]] | None:
        if node.op != "call_function" or node.kwargs:
            return None
        build = torch_ops.builder_of(node.target)
        tensor = isinstance(node.meta.get(self.key), torch.Tensor)
        if build is None or (tensor and node.target is not ATEN.scalar_tensor.default):
            return None  # the same functions also compute with tensors
        if node.target is torch.sym_sum:
            return (lambda *terms: build(terms)), tuple(node.args[0])
        return build, node.args

    def as_written(self, claim: Expr) -> Expr:
        return torch_ops.as_written(claim)

    def value_of(self, node: Any) -> Expr | None:
        stated = self._values.get(node)
        if stated is not None:
            return stated
        if node in self._unsure:
            return self._certain_value(node)
        return self.symbols.value_of(node.meta.get(self.key))

    def _certain_value(self, node: Any) -> Expr | None:
        """What is certain of a node whose stated value is not to be believed: a size that is
        followed from what is bound, and a condition that is bound as a number."""
        for symbol, path in self.bindings(node).items():
            if path in ((), (("int",),)):
                return symbol if path == () else make("Eq", symbol, 1)
        read = self.read_of(node)
        if read is None or read[1][0] != "size" or len(read[1]) != 2:
            return None
        return self._believed_size(read[0], read[1][1])

    def _believed_size(self, source: Any, dim: int) -> Expr | None:
        """A size of a result, as far as it is to be believed."""
        if source in self._unsure:
            sizes = self._sizes.get(source)
            return sizes[dim] if sizes is not None and dim < len(sizes) else None
        value = source.meta.get(self.key)
        known = isinstance(value, torch.Tensor) and dim < value.dim()
        return self.symbols.value_of(value.shape[dim]) if known else None

    def set_value(self, node: Any, value: Expr | None) -> None:
        """The value that torch itself computes for the node, from those of its arguments
        (maybe later: see `lazy`)."""
        if value is not None:
            self._values[node] = value
        if self.key in node.meta:
            return
        arguments = [a.meta.get(self.key) if isinstance(a, fx.Node) else a for a in node.args]
        target = node.target
        if node.op == "call_method":
            target, arguments = getattr(arguments[0], target), arguments[1:]
        node.meta[self.key] = computed(target, arguments)
        node.meta.setdefault("torch_fn", torch_fn(node.target))

    def metadata_beside(self, node: Any, location: Location | None) -> Mapping[str, Any]:
        found = {key: node.meta[key] for key in KEPT_META if node.meta.get(key) is not None}
        if location is not None:
            found["stack_trace"] = trace_of(location)
        return found

    def passes_over(self, node: Any) -> bool:
        if node.op != "call_function" or self.is_assert(node):
            return bool(node.op == "get_attr")
        symbolic = any(self.is_node(a) for a in node.args[1:])
        if self.read_of(node) is not None:
            return True
        if self.computation_of(node) is not None:
            return node.target not in torch_ops.PARTIAL or not symbolic
        if node.target not in PASSED_OVER or symbolic:
            return False
        return not any(map(_has_run_time_size, node.all_input_nodes))

    def conduct_of(self, nodes: Iterable[Any]) -> Mapping[Any, Conduct]:
        return {node: Conduct.PURE for node in nodes if self.passes_over(node)}

    # ------------------------------------------------------------------ symbols

    def bindings(self, node: Any) -> Mapping[Expr, Path]:
        found = self._bindings.get(node)
        if found is None:
            found = self._bindings[node] = self._found_bindings(node)
        return found

    def _found_bindings(self, node: Any) -> Mapping[Expr, Path]:
        if node.op == "placeholder":
            return self._of_input(node)
        stated = node.meta.get("unbacked_bindings")
        if not stated:
            return self._lost_bindings(node)
        found: dict[Expr, Path] = {}
        for symbol, key_path in stated.items():
            ours = self.symbols.symbol(symbol)
            path = self._steps(key_path)
            found[ours] = path
            if path and path[-1][0] == "divide":
                whole = self.symbols.auxiliary(f"whole_{ours.name}")
                found[whole] = path[:-1]
                self._divided.setdefault(ours, (whole, path[-1][1], node))
        return found

    def _lost_bindings(self, node: Any) -> Mapping[Expr, Path]:
        """What a node binds that does not say so: torch's own symbols where these are known,
        else one of ours."""
        implied = {} if self._doubts is None else self._doubts.implied.get(node, {})
        if implied:
            return {self.symbols.symbol(symbol): path for symbol, path in implied.items()}
        doubtful = self._doubts is None or node in self._unsure
        place = lost_place(node, self.key) if doubtful else None
        if place is None:
            return {}
        floats = place == () and isinstance(node.meta.get(self.key), (float, torch.SymFloat))
        kind: Kind = "float" if floats else "int"
        return {self.symbols.auxiliary(f"u_{node.name}", kind): place}

    def _of_input(self, node: Any) -> Mapping[Expr, Path]:
        """The symbols that an input binds by being it, or a size of it. Of a nested graph the
        sizes may have been replaced; then they are symbols of ours."""
        value = node.meta.get(self.key)
        replaced = self._doubts is not None and self._doubts.is_inner_input(node)
        if not isinstance(value, torch.Tensor):
            symbol = self.symbols.value_of(value)
            if symbol is None or replaced:
                return {}
            return {symbol: ()} if symbol.is_symbol else {}
        places: list[tuple[Any, tuple[Any, ...]]] = []
        places += [(size, ("size", i)) for i, size in enumerate(value.size())]
        if value.layout is torch.strided:
            places += [(s, ("stride", i)) for i, s in enumerate(value.stride())]
            places.append((value.storage_offset(), ("offset",)))
        found: dict[Expr, Path] = {}
        for number, step in places:
            symbolic = isinstance(number, torch.SymInt) and not replaced
            symbol = self.symbols.value_of(number) if symbolic else None
            if symbol is not None and symbol.is_symbol:
                found.setdefault(symbol, (step,))
            elif node in self._unsure and step[0] == "size":
                own = self.symbols.auxiliary(f"u_{node.name}_{step[1]}")
                found[own] = (step,)
        return found

    def _steps(self, key_path: Iterable[Any]) -> Path:
        """torch's key path as steps of ours. Raises `GraphError` for an unknown kind."""
        steps: list[tuple[Any, ...]] = []
        for key in key_path:
            if isinstance(key, CallMethodKey):
                kind = READS_BY_METHOD.get(key.name)
                steps.append((kind,) if kind is not None else ("method", key.name))
            elif isinstance(key, pytree.SequenceKey):
                if steps and steps[-1] in (("size",), ("stride",)):
                    steps[-1] = (steps[-1][0], key.idx)
                else:
                    steps.append(("item", key.idx))
            elif isinstance(key, ConvertIntKey):
                steps.append(("int",))
            elif isinstance(key, DivideByKey):
                steps.append(("divide", self._divisor(key.divisor)))
            elif isinstance(key, InnerTensorKey):
                steps.append(("attr", key.inner_name))
            else:
                raise GraphError(f"a symbol is bound by an unknown kind of key: {key!r}")
        return tuple(steps)

    def _divisor(self, divisor: Any) -> Any:
        found = self.symbols.value_of(divisor)
        if found is None:
            raise GraphError(f"a symbol is bound by a division by {divisor!r}")
        return found.value if found.is_constant else found

    # ------------------------------------------------------------------ environment

    def environment(self, graph_module: Any) -> Any:
        return self.symbols.env

    def learn(self, graph_module: Any) -> None:
        """State what the graph itself ensures: sizes are not negative, inputs are as their
        metadata says, divided values are whole."""
        modules = list(self.modules(graph_module))
        self._doubts = Doubts(modules, self.key, self.symbols.source)
        self._unsure |= self._doubts.unsure
        self._bindings.clear()
        bound: set[Expr] = set()
        for module in modules:
            self._sizes.update(certain_sizes(module.graph, self, self._unsure))
            entry = module is modules[0]
            for claim, who in guarantees(module.graph, self, bound, entry):
                self.symbols.guarantee(claim, who)
        for node in modules[0].graph.find_nodes(op="placeholder"):
            self._learn_input(node.meta.get(self.key))
        for symbol, (whole, divisor, node) in self._divided.items():
            exact = as_condition(make("Eq", make("Mod", whole, divisor), 0))
            text = f"{whole.name} % {divisor} == 0"
            self.symbols.check(exact, text, origin="operation", operation=node.name)
            quotient = as_condition(make("Eq", symbol, make("FloorDiv", whole, divisor)))
            self.symbols.guarantee(quotient, "how the symbol is read")

    def size_of(self, node: Any, dim: int) -> Expr | None:
        """A size of a result, if it is sure."""
        number = self._believed_size(node, dim)
        return number if number is not None and is_exact_size(number) else None

    def _learn_input(self, value: Any) -> None:
        """A dimension that torch has set equal to another one is checked by the caller. One
        that it has set equal to ``s0 + 1``, say, or to a number, is not where ``s0`` is a
        dimension itself, unless a guard says so (see `guards`)."""
        if not isinstance(value, torch.Tensor):
            return
        for size in value.size():
            if not isinstance(size, torch.SymInt):
                continue
            written, learned = size.node._expr, size.node.expr
            if written == learned or not learned.is_Symbol:
                continue
            if is_unbacked(written) or is_unbacked(learned):
                continue  # that is what a check says, and nothing else
            try:
                equal = make("Eq", self.symbols.read(written), self.symbols.read(learned))
            except UnreadableError:
                continue
            self.symbols.entry_fact(as_condition(equal))


def copied(graph_module: Any) -> Any:
    """A module with copies of its graph and of every nested one; parameters and constants are
    shared. (`copy.deepcopy` follows torch's tracing state, and fails on its tensors.)"""
    graph = fx.Graph()
    new_of: dict[fx.Node, fx.Node] = {}
    for node in graph_module.graph.nodes:
        new_of[node] = graph.node_copy(node, new_of.__getitem__)
        new_of[node].name = node.name  # (a copy of one named `input` is given another name)
    graph._codegen = copy.deepcopy(graph_module.graph._codegen)
    made = fx.GraphModule(graph_module, graph, type(graph_module).__name__)
    made.meta.update(graph_module.meta)
    for name, child in graph_module.named_children():
        if isinstance(child, fx.GraphModule):
            made.add_submodule(name, copied(child))
    return made


def _has_run_time_size(node: fx.Node) -> bool:
    """Whether how many elements a tensor has is only known when the program runs. (What torch
    has learned of a size since is not looked at: a check may be where it has learned it.)"""
    value = node.meta.get("val", node.meta.get("example_value"))
    if not isinstance(value, torch.Tensor):
        return False
    symbolic = (one.node._expr for one in value.shape if isinstance(one, torch.SymInt))
    return any(is_unbacked(symbol) for expr in symbolic for symbol in expr.free_symbols)
