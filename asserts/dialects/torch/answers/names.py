"""Symbols of an exported program in the words of its author.

A program keeps where its inputs come from, and for every node the line of code that it was
traced from. So a size of an input gets the input's name (``x.shape[0]``), a value that is
read at run time the variable that the line assigns it to (``k`` for ``k = n.item()``), and
otherwise the way in which the graph reads it (``n[0].item()``). No two symbols share a name:
where the words are not enough, torch's own name stands behind them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any, Final

import torch
from torch import fx
from torch.export import ExportedProgram
from torch.utils import _pytree as pytree

from asserts.dialects.torch.answers.graph import TorchDialect
from asserts.dialects.torch.symbols.lines import line_of
from shapes.expr import Expr

__all__ = ["input_names", "source_names"]

_ATEN: Final = torch.ops.aten
_READERS: Final = ("item", "tolist")
_SAME_VALUE: Final = frozenset(
    (_ATEN.detach.default, _ATEN.alias.default, _ATEN.clone.default)
)
_DEEPEST: Final = 3
"""Operations that may stand in one name."""


def source_names(program: Any, module: Any, dialect: TorchDialect) -> dict[str, str]:
    """The author's words for symbols, by torch's name, for one graph module of a program;
    those that have no better name are left out."""
    given = input_names(program) if isinstance(program, ExportedProgram) else {}
    found: dict[str, list[str]] = {}
    reads = _Reads(module, dialect, given)
    for node in module.graph.nodes:
        for symbol, path in dialect.bindings(node).items():
            if symbol.is_symbol and symbol.name not in found:
                found[symbol.name] = list(reads.words(node, symbol, path))
    return _distinct(found)


def input_names(program: ExportedProgram) -> dict[str, str]:
    """What the inputs of the graph are to a caller, by placeholder: arguments with the way
    into them (``batch['ids']``), parameters and buffers of the module."""
    signature = program.graph_signature
    named: dict[str, str] = {}
    for own in (
        signature.inputs_to_parameters,
        signature.inputs_to_buffers,
        signature.inputs_to_lifted_tensor_constants,
    ):
        named.update({name: f"self.{target}" for name, target in own.items()})
    arguments = list(_arguments(program))
    users = [name for name in signature.user_inputs if isinstance(name, str)]
    if len(arguments) == len(signature.user_inputs):
        pairs = zip(signature.user_inputs, arguments)
        named.update({name: text for name, text in pairs if isinstance(name, str)})
    else:
        named.update({name: name for name in users})
    return named


def _arguments(program: ExportedProgram) -> Iterator[str]:
    """The arguments of a call in the order of the graph, each with the way into it."""
    spec = program.call_spec.in_spec
    if spec is None:
        return
    flat = pytree.tree_unflatten(range(spec.num_leaves), spec)
    calls = program.module_call_graph
    signature = calls[0].signature if calls else None
    names = list(getattr(signature, "forward_arg_names", None) or ())
    for path, _ in pytree.tree_flatten_with_path(flat)[0]:
        which, key, *rest = path
        if which.idx == 0:  # positional
            head = names[key.idx] if key.idx < len(names) else f"args[{key.idx}]"
        else:
            head = str(key.key)
        yield head + pytree.keystr(tuple(rest))


def _distinct(found: Mapping[str, list[str]]) -> dict[str, str]:
    """For every symbol its first words that no other symbol has."""
    count: dict[str, int] = {}
    for words in found.values():
        for text in set(words):
            count[text] = count.get(text, 0) + 1
    named: dict[str, str] = {}
    for name, words in found.items():
        own = next((text for text in words if count[text] == 1), None)
        if own is not None:
            named[name] = own
        elif words:
            named[name] = f"{words[-1]} [{name}]"
    return named


class _Reads:
    """The words of one graph for what its nodes compute."""

    def __init__(self, module: Any, dialect: TorchDialect, inputs: Mapping[str, str]) -> None:
        self._dialect = dialect
        self._inputs = inputs
        self._on_line: dict[str, list[Any]] = {}
        for node in module.graph.nodes:
            trace = node.meta.get("stack_trace")
            if isinstance(trace, str):
                self._on_line.setdefault(trace, []).append(node)

    def words(self, node: fx.Node, symbol: Expr, path: object) -> Iterator[str]:
        """Possible names of a symbol that a node binds, the best first."""
        if node.op != "placeholder":
            variable = self._variable(node, symbol, path)
            if variable is not None:
                yield variable
        yield _with_path(self._text(node, _DEEPEST), path)

    def _variable(self, node: fx.Node, symbol: Expr, path: Any) -> str | None:
        """The variable that the line of code assigns the value to, if that is certain."""
        location = line_of(node)
        target, value = _assignment(location.code if location else "")
        if target is None:
            return None
        nodes = self._on_line[node.meta["stack_trace"]]
        if path == ():
            scalars = [n for n in nodes if () in self._dialect.bindings(n).values()]
            return _scalar_target(target, value, scalars, node)
        if isinstance(target, ast.Name) and path[-1][0] == "size":
            return self._sized(target.id, symbol, nodes)
        return None

    def _sized(self, variable: str, symbol: Expr, nodes: list[Any]) -> str | None:
        """A dimension of what the line computes last, if it is the symbol by itself."""
        tensors = [n for n in nodes if isinstance(n.meta.get("val"), torch.Tensor)]
        if not tensors:
            return None
        for dim, size in enumerate(tensors[-1].meta["val"].shape):
            if self._dialect.symbols.value_of(size) is symbol:
                return f"{variable}.shape[{dim}]"
        return None

    def _text(self, node: fx.Node, depth: int) -> str:
        """What a node computes, as code."""
        if not isinstance(node, torch.fx.Node):
            return str(node)
        if node.op == "placeholder":
            return self._inputs.get(node.name, node.name)
        arguments = node.args
        if node.op != "call_function" or not arguments or depth == 0:
            return str(node.name)
        first = arguments[0]
        if node.target in (_ATEN.item.default, _ATEN._local_scalar_dense.default):
            return f"{self._text(first, depth)}.item()"
        if node.target in _SAME_VALUE:
            return self._text(first, depth)
        if node.target is _ATEN.select.int and arguments[1] == 0:
            return f"{self._text(first, depth)}[{self._text(arguments[2], depth - 1)}]"
        read = self._dialect.read_of(node)
        if read is not None and read[1][0] == "item":
            if getattr(first, "target", None) is _ATEN.unbind.int:
                first = first.args[0]
            return f"{self._text(first, depth)}[{read[1][1]}]"
        if read is not None and read[1][0] == "size":
            return f"{self._text(first, depth)}.shape[{read[1][1]}]"
        inner = ", ".join(self._text(a, depth - 1) for a in node.all_input_nodes[:2])
        name = getattr(node.target, "_opname", None) or getattr(node.target, "__name__", "")
        return f"{name}({inner})" if name else str(node.name)


def _with_path(text: str, path: Any) -> str:
    for step in path:
        kind = step[0]
        if kind == "size":
            text = f"{text}.shape[{step[1]}]"
        elif kind == "stride":
            text = f"{text}.stride({step[1]})"
        elif kind == "offset":
            text = f"{text}.storage_offset()"
        elif kind == "item":
            text = f"{text}[{step[1]}]"
        elif kind == "attr":
            text = f"{text}.{step[1]}"
        elif kind == "method":
            text = f"{text}.{step[1]}()"
        elif kind == "int":
            text = f"int({text})"
        elif kind == "divide":
            text = f"({text} // {step[1]})"
    return text


def _assignment(code: str) -> tuple[ast.expr | None, ast.expr | None]:
    """Target and value of a line that is one plain assignment."""
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError):
        return None, None
    if len(body) != 1 or not isinstance(body[0], ast.Assign) or len(body[0].targets) != 1:
        return None, None
    return body[0].targets[0], body[0].value


def _scalar_target(
    target: ast.expr, value: ast.expr | None, scalars: list[Any], node: fx.Node
) -> str | None:
    """The variable for one of the numbers that the line reads, all of which it assigns."""
    targets = target.elts if isinstance(target, ast.Tuple) else [target]
    values = value.elts if isinstance(value, ast.Tuple) else [value]
    names = [t.id for t in targets if isinstance(t, ast.Name)]
    if len(names) != len(targets) or len(names) != len(scalars):
        return None
    if not all(_only_reads(v) for v in values):
        return None
    return names[scalars.index(node)]


def _only_reads(value: ast.expr | None) -> bool:
    """``n.item()``, ``box.tolist()``, ``int(n)``."""
    if not isinstance(value, ast.Call):
        return False
    if isinstance(value.func, ast.Attribute):
        return value.func.attr in _READERS and not value.args
    return isinstance(value.func, ast.Name) and value.func.id in ("int", "float")
