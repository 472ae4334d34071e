"""Graphs as text that reads like the Python they stand for.

    class GraphModule:
        def forward(self, x: f64[b, 128], n: int = 2):
            # model.py:12 in f: y = x + n
            add: f64[b, 128] = x + n
            return add

The annotations come from `meta["val"]`: its `describe()` if it has one, dtype and shape of
an array, `str()` of anything else. The text is for people: it is not parsed again.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from asserts.graph.graph import Graph, Node
from shapes.base import shown_file

if TYPE_CHECKING:
    from asserts.graph.module import GraphModule

__all__ = [
    "describe_value",
    "format_argument",
    "format_graph",
    "format_module",
    "format_node",
    "format_target",
    "user_line",
]

_INDENT: Final = "    "
_WIDTH: Final = 95
_MAX_TEXT: Final = 200

_INFIX_OF: Final[dict[object, str]] = {
    operator.add: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.truediv: "/",
    operator.floordiv: "//",
    operator.mod: "%",
    operator.pow: "**",
    operator.matmul: "@",
    operator.lshift: "<<",
    operator.rshift: ">>",
    operator.and_: "&",
    operator.or_: "|",
    operator.xor: "^",
    operator.lt: "<",
    operator.le: "<=",
    operator.eq: "==",
    operator.ne: "!=",
    operator.gt: ">",
    operator.ge: ">=",
    operator.is_: "is",
    operator.is_not: "is not",
}
_PREFIX_OF: Final[dict[object, str]] = {
    operator.neg: "-",
    operator.pos: "+",
    operator.invert: "~",
    operator.not_: "not ",
}

# By identity, because not everything that can be called can be hashed.
_INFIX: Final = {id(function): symbol for function, symbol in _INFIX_OF.items()}
_PREFIX: Final = {id(function): symbol for function, symbol in _PREFIX_OF.items()}


def format_module(module: GraphModule) -> str:
    """A module with its nested ones as classes inside, each at its first place."""
    paths = {id(nested): path for path, nested in module.named_modules()}
    blocks = [_class_text(module.class_name, module.graph)]
    for nested in module.modules():
        if nested is not module:
            title = f"{paths[id(nested)]}({nested.class_name})"
            blocks.append(_indented(_class_text(title, nested.graph)))
    return "\n\n".join(blocks)


def _class_text(title: str, graph: Graph) -> str:
    return f"class {title}:\n{_indented(format_graph(graph))}"


def _indented(text: str) -> str:
    return "\n".join(_INDENT + line if line else line for line in text.splitlines())


def format_graph(graph: Graph) -> str:
    """The graph as a function `forward`, with a comment where the user's line changes."""
    parameters = ["self", *map(_parameter, graph.find_nodes(op="placeholder"))]
    header = f"def forward({', '.join(parameters)}):"
    if len(header) > _WIDTH:
        inside = "".join(f"{_INDENT}{p},\n" for p in parameters)
        header = f"def forward(\n{inside}):"
    body = list(_body_lines(graph)) or ["pass"]
    return "\n".join([header, *(_INDENT + line for line in body)])


def _body_lines(graph: Graph) -> Iterator[str]:
    shown: str | None = None
    for node in graph.nodes:
        if node.op == "placeholder":
            continue
        line = user_line(node)
        if line and line != shown and node.op != "output":
            yield f"# {line}"
            shown = line
        yield format_node(node)


def _parameter(node: Node) -> str:
    text = node.name + _annotation(node)
    if not node.args:
        return text
    equals = " = " if _annotation(node) else "="
    return text + equals + format_argument(node.args[0])


def _annotation(node: Node) -> str:
    if "val" not in node.meta:
        return ""
    return f": {describe_value(node.meta['val'])}"


def format_node(node: Node) -> str:
    """One node as a line: `name: value = call`."""
    if node.op == "placeholder":
        return _parameter(node)
    if node.op == "output":
        return f"return {', '.join(map(format_argument, node.args))}"
    return f"{node.name}{_annotation(node)} = {_call(node)}"


def _call(node: Node) -> str:
    if node.op == "get_attr":
        return _path(node)
    if node.op == "call_module":
        return f"{_path(node)}({_arguments(node.args, node.kwargs)})"
    if node.op == "call_method" and node.args:
        receiver = format_argument(node.args[0])
        return f"{receiver}.{node.target}({_arguments(node.args[1:], node.kwargs)})"
    return _operator(node) or f"{_callee(node)}({_arguments(node.args, node.kwargs)})"


def _callee(node: Node) -> str:
    return format_target(node.target) if callable(node.target) else repr(node.target)


def _operator(node: Node) -> str | None:
    """Operators and subscripts as Python writes them; None for everything else."""
    if node.kwargs:
        return None
    shown = [format_argument(argument) for argument in node.args]
    if len(shown) == 1:
        prefix = _PREFIX.get(id(node.target))
        return prefix + shown[0] if prefix else None
    if len(shown) != 2:
        return None
    if node.target is operator.getitem:
        return f"{shown[0]}[{_subscript(node.args[1])}]"
    infix = _INFIX.get(id(node.target))
    if infix == "**" and shown[0].startswith("-"):
        shown[0] = f"({shown[0]})"
    return f"{shown[0]} {infix} {shown[1]}" if infix else None


def _subscript(index: object) -> str:
    if isinstance(index, slice):
        ends = [None if x is None else format_argument(x) for x in (index.start, index.stop)]
        text = f"{ends[0] or ''}:{ends[1] or ''}"
        return text if index.step is None else f"{text}:{format_argument(index.step)}"
    if isinstance(index, tuple) and index and not hasattr(index, "_fields"):
        parts = ", ".join(map(_subscript, index))
        return parts if len(index) > 1 else f"{parts},"
    return format_argument(index)


def _path(node: Node) -> str:
    """`self.a.b`, with `getattr` for a part that isn't an identifier (`layers.0`)."""
    text = "self"
    for part in str(node.target).split("."):
        text = f"{text}.{part}" if part.isidentifier() else f'getattr({text}, "{part}")'
    return text


def _arguments(args: tuple[object, ...], kwargs: dict[str, object]) -> str:
    shown = [format_argument(argument) for argument in args]
    shown += [f"{key}={format_argument(value)}" for key, value in kwargs.items()]
    return ", ".join(shown)


def format_argument(a: object) -> str:
    """An argument as Python writes it, nodes by their names."""
    if isinstance(a, Node):
        return a.name
    if isinstance(a, tuple):
        inside = ", ".join(map(format_argument, a))
        if hasattr(a, "_fields"):
            return f"{type(a).__name__}({inside})"
        return f"({inside},)" if len(a) == 1 else f"({inside})"
    if isinstance(a, list):
        return f"[{', '.join(map(format_argument, a))}]"
    if isinstance(a, dict):
        entries = (f"{k!r}: {format_argument(v)}" for k, v in a.items())
        return "{" + ", ".join(entries) + "}"
    if isinstance(a, slice):
        return f"slice({', '.join(map(format_argument, (a.start, a.stop, a.step)))})"
    if a is Ellipsis:
        return "..."
    if isinstance(a, int) and not isinstance(a, bool):
        return _integer(a)
    if callable(a) and hasattr(a, "__name__"):
        return format_target(a)
    return _one_line(_safe(repr, a))


def _integer(value: int) -> str:
    # Python refuses to write out very long integers in decimal; hexadecimal is free.
    return repr(value) if value.bit_length() < 4096 else hex(value)


def format_target(target: object) -> str:
    """A function's name with its module's, as a user would write it."""
    name = getattr(target, "__qualname__", None) or getattr(target, "__name__", None)
    if not isinstance(name, str):
        return _one_line(_safe(str, target))
    name = name.replace("<locals>.", "")
    module = getattr(target, "__module__", None)
    if not isinstance(module, str) or module == "builtins":
        return name
    return f"{module.lstrip('_')}.{name}"


def describe_value(value: object) -> str:
    """A value in a few characters: `f64[b, 128]`, `(f64[3], int)`, `u0`."""
    if callable(getattr(value, "describe", None)) and not isinstance(value, type):
        return _one_line(_safe(lambda v: v.describe(), value))
    if isinstance(value, (tuple, list)) and not hasattr(value, "dtype"):
        inside = ", ".join(map(describe_value, value))
        if isinstance(value, list):
            return f"[{inside}]"
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if dtype is not None and isinstance(shape, (tuple, list)):
        return _one_line(f"{_short_dtype(dtype)}[{', '.join(map(str, shape))}]")
    if isinstance(value, int) and not isinstance(value, bool):
        return _integer(value)
    return _one_line(_safe(str, value))


def _short_dtype(dtype: object) -> str:
    """float64 → f64, int32 → i32, uint8 → u8, complex64 → c64; others by name."""
    name = str(dtype).rpartition(".")[2]
    parts = re.fullmatch(r"(float|int|uint|complex|bfloat)(\d+)", name)
    if parts is None:
        return name
    short = {"float": "f", "int": "i", "uint": "u", "complex": "c", "bfloat": "bf"}
    return short[parts[1]] + parts[2]


def _safe(show: Callable[[Any], object], value: object) -> str:
    """The text of a value; printing a graph must not fail because one value can't."""
    try:
        return str(show(value))
    except Exception as error:
        return f"<{type(value).__name__}: {type(error).__name__}>"


def _one_line(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _MAX_TEXT else flat[: _MAX_TEXT - 3] + "..."


def user_line(node: Node) -> str | None:
    """The innermost line of `meta["stack_trace"]`, as `file:line in function: code`."""
    trace = node.stack_trace
    if not trace or not trace.strip():
        return None
    frames = list(
        re.finditer(r'File "([^"\n]*)", line (\d+)(?:, in (\S+))?[^\n]*\n?([^\n]*)', trace)
    )
    if not frames:
        return _one_line(trace.strip().splitlines()[-1])
    file, line, function, code = frames[-1].groups()
    where = f"{shown_file(file)}:{line}" + (f" in {function}" if function else "")
    return _one_line(f"{where}: {code.strip()}" if code.strip() else where)
