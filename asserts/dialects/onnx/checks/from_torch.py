"""What a torch program checks, as checks of the model that was exported from it.

A symbol of the program is a number that some node defines: a size of an input or of a run-time
value, or a number that is read from a tensor. It is the same number in the model if the model
has that value. An input is found by its name, or by its place if there are as many; another
value by its name, if the model notes that the same call made it (the exporter keeps the call
and its line), and has the same element type and rank.

Limits: nested graphs (of `torch.cond` and the like) are not carried over, and what is asserted
of floating-point numbers is not; the report says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from onnx import NodeProto, helper

from asserts.conditions.lift import lift
from asserts.conditions.report import Row
from asserts.dialects.hosts import Adapter, adapter_of
from asserts.dialects.onnx.checks.scopes import Scope, scopes_of
from asserts.dialects.onnx.checks.stated import Check
from asserts.dialects.onnx.infer.model import Inferred
from asserts.dialects.onnx.infer.symbols import Read
from asserts.dialects.onnx.model.types import Tensor
from asserts.errors import GraphError
from asserts.passes.discharge import Policy
from asserts.passes.insert import InsertRuntimeAsserts
from shapes.expr import TRUE, BoolExpr, Expr, IntExpr
from shapes.prove import Effort
from shapes.traversal import free_symbols, substitute

__all__ = ["carried_over"]

CALL = "pkg.torch.onnx.fx_node"
LINES = "pkg.torch.onnx.stack_trace"
"""What the exporter notes of a node: the call that it comes from, and the lines of that."""

READS_A_NUMBER = ("aten.item.default", "aten._local_scalar_dense.default")


def carried_over(
    program: Any, inferred: Inferred, policy: Policy, effort: str | Effort
) -> tuple[list[Check], list[Row]]:
    """The checks of a program for a model, and rows for those that have no place in it.

    Raises `GraphError` for what is not a torch program.
    """
    adapter = adapter_of(program)
    if adapter is None or not hasattr(program, "graph_signature"):
        raise GraphError(f"{type(program).__name__} is not a torch ExportedProgram")
    whole = InsertRuntimeAsserts(policy=policy, effort=effort)(program).program
    adapter = adapter_of(whole)
    assert adapter is not None
    values = _Values(whole, adapter, inferred)
    checks: dict[BoolExpr, Check] = {}
    lost: list[Row] = []
    for claim, text, words, message, by_user in _stated(adapter):
        carried, note = values.carried(claim)
        if carried is None:
            note = f"not carried over: {note}"
            lost.append(
                Row(text, words, "unplaced", message=message, note=note, by_user=by_user)
            )
        elif carried is not TRUE and carried not in checks:
            checks[carried] = Check(
                carried, words, message, by_user, reads=values.reads_of(carried)
            )
    return list(checks.values()), lost


Statement = tuple["BoolExpr | None", str, str, "str | None", bool]


def _stated(adapter: Adapter) -> Iterator[Statement]:
    """What a program checks: condition, text, who states it, message, whether by a person."""
    dialect, module = adapter.dialect, adapter.graph_module
    if dialect.constraints is not None:
        for fact in dialect.constraints.entry_facts(module):
            yield fact.claim, str(fact.claim), "the torch program, of its inputs", None, False
    for inner in dialect.modules(module):
        for one in lift(inner.graph, dialect):
            info = dialect.info_of(one.node)
            where = f" ({info.location})" if info.location else ""
            message = info.message if info.by_user else None
            claim = one.whole if one.claim is not None and inner is module else None
            words = f"the torch program{where}"
            yield claim, info.condition, words, message, info.by_user


class _Values:
    """The numbers of a program, in a model."""

    def __init__(self, program: Any, adapter: Adapter, inferred: Inferred) -> None:
        self._inferred = inferred
        self._scope: Scope = scopes_of(inferred.source.graph, inferred)[""]
        self._inputs = _inputs(program, inferred)
        self._known: dict[Expr, IntExpr] = {}
        self._missing: dict[Expr, str] = {}
        self._reads: dict[str, Read] = {}
        for node in adapter.graph_module.graph.nodes:
            for symbol, path in adapter.dialect.bindings(node).items():
                if symbol not in self._known:
                    self._bind(symbol, node, path)

    def carried(self, claim: BoolExpr | None) -> tuple[BoolExpr | None, str]:
        """A condition on numbers of the model, or None and why there is none."""
        if claim is None:
            return None, "its condition is in a nested graph, or cannot be read"
        for symbol in free_symbols(claim):
            if symbol not in self._known:
                return None, self._missing.get(symbol, f"no value of the model is {symbol}")
        found = substitute(claim, self._known)
        return (found, "") if isinstance(found, BoolExpr) else (None, "it is not a condition")

    def reads_of(self, claim: BoolExpr) -> tuple[tuple[str, Read], ...]:
        """The symbols of a condition that inference does not find."""
        names = [symbol.name for symbol in free_symbols(claim)]
        return tuple((name, self._reads[name]) for name in names if name in self._reads)

    def _bind(self, symbol: Expr, node: Any, path: Any) -> None:
        read = self._read(node, path)
        if read is None:
            words = "".join(f".{step[0]}({step[1]})" for step in path)
            self._missing[symbol] = f"no value of the model is {node.name}{words}"
            return
        self._known[symbol] = self._number(read)
        self._missing.pop(symbol, None)

    def _number(self, read: Read) -> IntExpr:
        """A number of the model as inference spells it, if it is read at that very place: of
        two sizes with one name, nothing but a check says that they are equal."""
        found = self._scope.type_of(read.value)
        known = self._spelled(found, read) if isinstance(found, Tensor) else None
        if known is not None and self._shows(known, read):
            return known
        made = self._inferred.symbols.found(read)
        self._reads[made.name] = read
        return made

    def _spelled(self, found: Tensor, read: Read) -> IntExpr | None:
        if read.step == "size":
            return None if found.shape is None else found.shape[read.index]
        elements = found.elements
        known = None if elements is None else elements.reshape(-1)[read.index]
        return known if isinstance(known, IntExpr) else None

    def _shows(self, known: IntExpr, read: Read) -> bool:
        if read.value in self._inputs.values():
            shown = self._scope.readings.get(getattr(known, "name", ""))
            return known.is_constant or (shown is not None and shown.read == read)
        return True

    # ------------------------------------------------------------------ finding values

    def _read(self, node: Any, path: Any) -> Read | None:
        if len(path) == 1 and path[0][0] == "size":
            name = self._value(node)
            return None if name is None else Read("", name, "size", int(path[0][1]))
        if not path and str(node.target) in READS_A_NUMBER:
            name = self._value(node.args[0])
            return None if name is None else Read("", name, "element", 0)
        if not path and node.op == "placeholder":
            name = self._inputs.get(node.name)
            return None if name is None else Read("", name, "element", 0)
        return None

    def _value(self, node: Any) -> str | None:
        """The value of the model that a tensor of the program is."""
        name = self._inputs.get(node.name) if node.op == "placeholder" else node.name
        if name is None or not _alike(self._scope.type_of(name), node.meta.get("val")):
            return None
        if node.op == "placeholder":
            return str(name)
        place = self._scope.makers.get(name)
        made_so = place is not None and _made_by(self._scope.graph.node[place], node)
        return str(name) if made_so else None


def _inputs(program: Any, inferred: Inferred) -> dict[str, str]:
    """The model's inputs by the names of the program's."""
    users = [name for name in program.graph_signature.user_inputs if isinstance(name, str)]
    constants = {tensor.name for tensor in inferred.source.graph.initializer}
    given = [v.name for v in inferred.source.graph.input if v.name not in constants]
    by_name = {name: name for name in users if name in given}
    if len(by_name) < len(users) and len(users) == len(given):
        return dict(zip(users, given, strict=True))
    return by_name


def _alike(found: Any, value: Any) -> bool:
    """Whether a value of the model has the element type and rank of a tensor of torch."""
    if not isinstance(found, Tensor) or not hasattr(value, "dtype"):
        return False
    if found.shape is not None and len(found.shape) != value.ndim:
        return False
    kind = str(value.dtype).removeprefix("torch.")
    try:
        return bool(helper.tensor_dtype_to_np_dtype(found.dtype) == np.dtype(kind))
    except (TypeError, KeyError):
        return False


def _made_by(made: NodeProto, node: Any) -> bool:
    """Whether the exporter notes that a call of the program made a node."""
    notes = {entry.key: entry.value for entry in made.metadata_props}
    call = notes.get(CALL, "")
    target = f"target=torch.ops.{node.target}]"
    if not call.startswith(f"%{node.name} ") or target not in call:
        return False
    lines = node.meta.get("stack_trace")
    return lines is None or LINES not in notes or notes[LINES].strip() == str(lines).strip()
