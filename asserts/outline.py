"""What a picture of a program shows: its nodes, what uses what, and where its checks stand.

One form for programs of every kind. A check of a report is the assert node that makes it, if
the program has one, and else a box of its own behind the node where it holds.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from asserts.conditions.report import Report, Row
from asserts.dialects.hosts import adapter_of, is_onnx
from asserts.errors import ASSERT_FAILED, GraphError
from asserts.graph.printing import user_line

__all__ = ["Box", "Outline", "outline"]

Role = Literal["input", "operation", "part", "assert", "check", "output"]

LONGEST: Final = 44
"""Characters of a label."""

MOST_TITLE: Final = 300
"""Characters of the whole text of a node."""


@dataclass(frozen=True)
class Box:
    """A node: what it shows, and as what.

    `role` is "part" for a node that is there for asserts alone, "check" for a check without a
    node. `shape` is what is known of the result, `line` the line of the user's code, `check`
    the number of its row in the report.
    """

    name: str
    text: str
    role: Role
    title: str
    shape: str = ""
    line: str = ""
    check: int | None = None


@dataclass(frozen=True)
class Outline:
    """Boxes in the program's order, and edges from what is used to what uses it, by name.
    `left_out` is how many nodes are not shown."""

    boxes: tuple[Box, ...]
    edges: tuple[tuple[str, str], ...]
    left_out: int = 0

    def near_checks(self, most: int) -> Outline:
        """At most `most` boxes: those of checks, and then the nearest to them."""
        if len(self.boxes) <= most:
            return self
        beside = defaultdict(list)
        for a, b in self.edges:
            beside[a].append(b)
            beside[b].append(a)
        first = [b.name for b in self.boxes if b.role in ("assert", "check")]
        first += [b.name for b in self.boxes]
        kept: dict[str, None] = {}
        for start in first:
            waiting = deque([start])
            while waiting and len(kept) < most:
                name = waiting.popleft()
                if name not in kept:
                    kept[name] = None
                    waiting.extend(beside[name])
        boxes = tuple(box for box in self.boxes if box.name in kept)
        edges = tuple((a, b) for a, b in self.edges if a in kept and b in kept)
        return Outline(boxes, edges, self.left_out + len(self.boxes) - len(boxes))


def outline(program: object, report: Report | None = None) -> Outline:
    """The outline of a program, with the checks of a report about it.

    Bodies of control flow are not opened. Raises `GraphError` for what is not a program.
    """
    rows = report.rows if report is not None else ()
    if is_onnx(program):
        boxes, edges, rows_of = _onnx(program, rows)
    else:
        boxes, edges, rows_of = _graph(program, rows)
    found = {name: replace(boxes[name], check=row) for name, row in rows_of.items()}
    boxes = {**boxes, **found}
    shown = set(rows_of.values())
    for number, row in enumerate(rows):
        if number not in shown:
            box = Box(f"check {number}", cut(row.condition), "check", row.condition,
                      line=row.location or "", check=number)  # fmt: skip
            boxes[box.name] = box
            if row.place in boxes:
                edges.append((row.place, box.name))
    return Outline(tuple(boxes.values()), tuple(dict.fromkeys(edges)))


def cut(text: str) -> str:
    """The text as a label."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


Found = tuple[dict[str, Box], list[tuple[str, str]], dict[str, int]]
"""Boxes by name, edges, and the rows that have a node, by the name of it."""


def _parts(
    order: Sequence[object], users: Mapping[Any, Iterable[object]], asserted: set[Any]
) -> set[Any]:
    """The nodes that are used by asserts and by each other only."""
    parts: set[Any] = set()
    for node in reversed(order):
        using = list(users.get(node, ()))
        if using and all(one in asserted or one in parts for one in using):
            parts.add(node)
    return parts


# ------------------------------------------------------------- our graphs and torch's


def _graph(program: object, rows: Sequence[Row]) -> Found:
    adapter = adapter_of(program, copy=False)
    if adapter is None:
        raise GraphError(f"a {type(program).__name__} is not a program that can be drawn")
    names = adapter.names()
    nodes = list(adapter.graph_module.graph.nodes)
    asserted = {node for node in nodes if adapter.dialect.is_assert(node)}
    inner = [node for node in nodes if node.op != "placeholder"]
    parts = _parts(inner, {node: node.users for node in inner}, asserted)
    boxes = {}
    for node in nodes:
        role = _role(node, node in asserted, node in parts)
        boxes[node.name] = replace(_box(node, role), shape=_renamed(_shape(node), names))
    edges = [(used.name, node.name) for node in nodes for used in node.all_input_nodes]
    said = {}
    for node in nodes:
        if node in asserted:
            info = adapter.dialect.info_of(node)
            condition = _renamed(info.condition, names)
            boxes[node.name] = replace(boxes[node.name], text=cut(condition))
            said[node.name] = condition, info.message
    return boxes, edges, _rows_of(said, rows)


def _rows_of(
    said: Mapping[str, tuple[str, str | None]], rows: Sequence[Row]
) -> dict[str, int]:
    """The row of each assert: one with its condition, and its message if there are several."""
    waiting = dict(enumerate(rows))
    found = {}
    for exact in (True, False):
        for name, (condition, message) in said.items():
            for number, row in waiting.items():
                same = row.condition == condition and (not exact or row.message == message)
                if same and name not in found:
                    found[name] = number
            waiting.pop(found.get(name, -1), None)
    return found


def _renamed(text: str, names: Mapping[str, str]) -> str:
    if not text:
        return text
    return Report("", (Row(text, "", "kept"),)).renamed(names).rows[0].condition


def _role(node: Any, is_assert: bool, is_part: bool) -> Role:
    if is_assert:
        return "assert"
    if node.op in ("placeholder", "output"):
        return "input" if node.op == "placeholder" else "output"
    return "part" if is_part else "operation"


def _box(node: Any, role: Role) -> Box:
    texts = [one for one in node.args if isinstance(one, str)] if role == "assert" else []
    text = texts[0] if texts else f"{node.name}: {_called(node)}"
    arguments = ", ".join(map(str, node.args))
    title = _ADDRESS.sub("", f"{node.name} = {_called(node)}({arguments})")[:MOST_TITLE]
    return Box(node.name, cut(text), role, title, line=user_line(node) or "")


_ADDRESS: Final = re.compile(r" at 0x[0-9a-f]+")
"""What Python writes of an object that has no better text."""


def _called(node: Any) -> str:
    if node.op in ("placeholder", "output"):
        return "input" if node.op == "placeholder" else "output"
    return str(getattr(node.target, "__name__", node.target))


def _shape(node: Any) -> str:
    value = node.meta.get("val")
    if value is None or isinstance(value, (tuple, list)):
        return ""
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is None or dtype is None or not str(dtype).startswith("torch."):
        return cut(str(value))
    return f"{str(dtype).removeprefix('torch.')}[{', '.join(map(str, shape))}]"


# ------------------------------------------------------------------------------ ONNX


def _onnx(model: object, rows: Sequence[Row]) -> Found:
    from asserts.dialects.onnx.checks.writing import is_ours
    from asserts.dialects.onnx.infer.order import used
    from asserts.dialects.onnx.model.reading import load_model

    graph = load_model(model).graph
    constants = {tensor.name for tensor in graph.initializer}
    values = (*graph.value_info, *graph.input, *graph.output)
    types = {one.name: _declared(one) for one in values}
    boxes = {
        f"in {one.name}": Box(f"in {one.name}", cut(f"{one.name}: input"), "input", one.name,
                              shape=types[one.name])
        for one in graph.input if one.name not in constants
    }  # fmt: skip
    makers = {one.name: f"in {one.name}" for one in graph.input if one.name not in constants}
    edges: list[tuple[str, str]] = []
    asserted: dict[str, str] = {}
    for node in graph.node:
        outputs = [name for name in node.output if name]
        name = outputs[0] if outputs else node.name
        sources = sorted({makers[n] for n in used(node) if n in makers})
        edges.extend((source, name) for source in sources)
        makers.update(dict.fromkeys(outputs, name))
        condition = _asserted(node.name) if is_ours(node) else None
        if condition is not None:
            asserted[name] = condition
        boxes[name] = _onnx_box(node, name, types.get(name, ""), condition, is_ours(node))
    for one in graph.output:
        boxes[f"out {one.name}"] = Box(f"out {one.name}", cut(f"{one.name}: output"), "output",
                                       one.name, shape=types[one.name])  # fmt: skip
        if one.name in makers:
            edges.append((makers[one.name], f"out {one.name}"))
    said = {name: (condition, None) for name, condition in asserted.items()}
    return boxes, edges, _rows_of(said, rows)


def _asserted(name: str) -> str | None:
    """The condition of an assert, which is in the name of its node."""
    if not name.startswith(ASSERT_FAILED):
        return None
    return name.removeprefix(ASSERT_FAILED).partition(", stated by ")[0].rpartition(" (")[0]


def _onnx_box(node: Any, name: str, shape: str, condition: str | None, ours: bool) -> Box:
    role: Role = "operation" if not ours else "part" if condition is None else "assert"
    named = f": {node.name}" if node.name and not ours else ""
    text = condition or f"{node.op_type}{named}"
    inputs, outputs = ", ".join(node.input), ", ".join(node.output)
    title = f"{outputs} = {node.op_type}({inputs})"[:MOST_TITLE]
    return Box(name, cut(text), role, title, shape=shape)


def _declared(value: Any) -> str:
    """The type of a value, as it stands in the file."""
    from onnx import TensorProto

    tensor = value.type.tensor_type
    if not tensor.elem_type:
        return ""
    kind: str = TensorProto.DataType.Name(tensor.elem_type).lower()
    if not tensor.HasField("shape"):
        return kind
    dims = (d.dim_param or (str(d.dim_value) if d.HasField("dim_value") else "?")
            for d in tensor.shape.dim)  # fmt: skip
    return f"{kind}[{', '.join(dims)}]"
