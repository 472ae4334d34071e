"""Runtime asserts in a model: put in, taken out, made fewer.

An assert is a condition, and a `Gather` from a table of one element: element 0 if the
condition holds, element 1, which there is not, otherwise. onnxruntime stops there and shows
the node's name, which is the message. Every input passes through a `Reshape` to its own shape
plus what the asserts gather (0), so all work on it comes behind them, and no optimizer can
take them out without changing what is computed.

What is asserted: the conditions of the model's contract, as far as they are exact, and
conditions that the caller adds. What is asserted is also kept as text in the model's metadata;
`remove` takes all of it out again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, ValueInfoProto

from asserts.conditions.report import Report, Row
from asserts.dialects.onnx.answers.contract import Contract, contract, fewest, proved
from asserts.dialects.onnx.answers.writing import MARK, OLDEST, Writer, is_writable
from asserts.dialects.onnx.infer.model import Inferred
from asserts.dialects.onnx.infer.symbols import identifier
from asserts.dialects.onnx.model.reading import load_model, opsets_of
from asserts.dialects.onnx.model.types import Tensor
from asserts.errors import GraphError
from shapes.expr import BoolExpr
from shapes.facts import Proof
from shapes.traversal import free_symbols, parse

__all__ = ["Changed", "insert", "minimise", "remove", "report", "stated"]

KEY: Final = "shapeproof.asserts"
"""The entry of the metadata that has the asserts."""


@dataclass(frozen=True)
class Changed:
    """The model after a change, whether it was modified, and what happened."""

    program: ModelProto
    modified: bool
    report: Report


@dataclass(frozen=True)
class Check:
    """A condition to assert, who states it, and the user's own message."""

    condition: BoolExpr
    stated_by: str
    message: str | None = None
    by_user: bool = False


def insert(model: Any, checks: Iterable[Any] = ()) -> Changed:
    """The model with an assert for every condition of its contract, and for the caller's own
    `checks`: texts, or pairs of a text and a message.

    What follows from nothing, or from the other checks, is not asserted. The given model stays
    as it is. Raises `GraphError` for what is not a model.
    """
    given = load_model(model)
    bare = _without(given)
    found = contract(bare)
    kept, own = list(stated(given, found)), list(_own_checks(found))
    asked = [_read(found, one) for one in checks]
    rows, wanted = _chosen(found, [*kept, *own, *asked])
    if given is not bare and _texts(wanted) == _recorded(given):
        return Changed(given, False, _report([_present(row) for row in rows]))
    if not wanted:
        return Changed(bare, bare is not given, _report(rows))
    after, counts = _with(bare, found.inferred, wanted)
    return Changed(after, True, _report(_counted(rows, counts)))


def remove(model: Any) -> Changed:
    """The model without asserts, as it was before `insert`."""
    given = load_model(model)
    rows = [
        Row(entry["condition"], entry["stated_by"], "removed", message=entry.get("message"))
        for entry in _recorded(given)
    ]
    bare = _without(given)
    return Changed(bare, bare is not given, _report(rows))


def minimise(model: Any) -> Changed:
    """The model without those asserts that the others imply."""
    given = load_model(model)
    bare = _without(given)
    if bare is given:
        return Changed(given, False, _report([]))
    found = contract(bare)
    rows, wanted = _chosen(found, list(stated(given, found)))
    if _texts(wanted) == _recorded(given):
        return Changed(given, False, _report([_present(row) for row in rows]))
    if not wanted:
        return Changed(bare, True, _report(rows))
    after, counts = _with(bare, found.inferred, wanted)
    kept = [replace(row, outcome="kept") if row.outcome == "inserted" else row for row in rows]
    return Changed(after, True, _report(_counted(kept, counts)))


def report(model: Any) -> Report:
    """What `insert` would say; the model stays as it is."""
    return insert(model).report


def _report(rows: Sequence[Row]) -> Report:
    return Report("runtime asserts", tuple(rows))


def _counted(rows: Sequence[Row], counts: Mapping[str, int]) -> list[Row]:
    """The rows with the number of nodes that each assert has."""
    return [replace(row, nodes=counts.get(row.condition, 0)) for row in rows]


def _present(row: Row) -> Row:
    return replace(row, outcome="present") if row.outcome == "inserted" else row


# ------------------------------------------------------------------------ what is asserted


def _own_checks(found: Contract) -> Iterator[Check]:
    """The exact conditions of the contract, each with the first operation that needs it."""
    exact = [one for one in found.requirements if one.exact]
    for condition in fewest(found, [one.whole for one in exact]):
        symbols = set(free_symbols(condition))
        source = next((r for r in exact if symbols <= set(free_symbols(r.whole))), None)
        words = "the model" if source is None else f"{source.node} ({source.operator})"
        yield Check(condition, words)


def _read(found: Contract, check: Any) -> Check:
    """A caller's check."""
    text, message = (check, None) if isinstance(check, str) else check
    symbols = {**found.symbols, **dict(_by_spelling(found))}
    condition = parse(text, symbols)
    if not isinstance(condition, BoolExpr):
        raise GraphError(f"`{text}` is not a condition")
    return Check(condition, "the caller", message, by_user=True)


def _by_spelling(found: Contract) -> Iterator[tuple[str, Any]]:
    for name, text in found.inferred.symbols.spelled.items():
        if name in found.symbols and text == identifier(text):
            yield text, found.symbols[name]


def stated(given: ModelProto, found: Contract) -> Iterator[Check]:
    """The asserts that are in a model already."""
    for entry in _recorded(given):
        condition = parse(entry["condition"], found.symbols)
        assert isinstance(condition, BoolExpr)
        message = entry.get("message")
        yield Check(condition, entry["stated_by"], message, bool(entry.get("by_user")))


def _recorded(model: ModelProto) -> list[dict[str, Any]]:
    for entry in model.metadata_props:
        if entry.key == KEY:
            return list(json.loads(entry.value))
    return []


def _texts(checks: Sequence[Check]) -> list[dict[str, Any]]:
    return [
        {
            "condition": str(check.condition),
            "stated_by": check.stated_by,
            **({"message": check.message} if check.message else {}),
            **({"by_user": True} if check.by_user else {}),
        }
        for check in checks
    ]


def _chosen(found: Contract, checks: Sequence[Check]) -> tuple[list[Row], list[Check]]:
    """What becomes of every check, and those that are asserted: what the caller states stays
    unless nothing or another statement of the caller implies it."""
    distinct = list({check.condition: check for check in checks}.values())
    kept = [check for check in distinct if is_writable(check.condition)]
    proofs: dict[BoolExpr, Proof] = {}
    for check in sorted(kept, key=lambda check: check.by_user):
        others = [c for c in kept if c is not check and (c.by_user or not check.by_user)]
        proof = proved(found, check.condition, [c.condition for c in others])
        if proof is not None:
            proofs[check.condition] = proof
            kept = [c for c in kept if c is not check]
    return [_row(check, kept, proofs) for check in distinct], kept


def _row(check: Check, kept: Sequence[Check], proofs: Mapping[BoolExpr, Proof]) -> Row:
    text = str(check.condition)
    proof = proofs.get(check.condition)
    row = Row(text, check.stated_by, "inserted", message=check.message, by_user=check.by_user)
    if check in kept:
        return row
    if proof is not None:
        return replace(row, outcome="discharged", proof=proof)
    return replace(row, outcome="unplaced", note="it has no form in standard operators")


# ------------------------------------------------------------------------ in


def _with(
    model: ModelProto, inferred: Inferred, checks: Sequence[Check]
) -> tuple[ModelProto, dict[str, int]]:
    """A copy of the model with these asserts at entry, and the number of nodes of each."""
    version = opsets_of(model.opset_import).get("", OLDEST)
    if version < OLDEST:
        raise GraphError(f"asserts need operator set {OLDEST}, but the model has {version}")
    after = ModelProto()
    after.CopyFrom(model)
    dtypes = {n: t.dtype for n, t in inferred.types.items() if isinstance(t, Tensor)}
    writer = Writer(inferred.symbols.origins, dtypes)
    gathered, counts = [], {}
    for check in checks:
        before = len(writer.nodes)
        gathered.append(_asserted(writer, check, inferred))
        counts[str(check.condition)] = len(writer.nodes) - before
    zero = gathered[0]
    for one in gathered[1:]:
        zero = writer.node("Add", [zero, one])
    renamed = {name: _guarded(writer, name, zero) for name in _guardable(model, inferred)}
    _rename(after.graph, renamed)
    for place, node in enumerate(writer.nodes):
        after.graph.node.insert(place, node)
    after.graph.initializer.extend(writer.constants)
    after.graph.value_info.extend(_typed(after.graph, renamed))
    after.metadata_props.add(key=KEY, value=json.dumps(_texts(checks)))
    return after, counts


def _asserted(writer: Writer, check: Check, inferred: Inferred) -> str:
    """The assert: 0 where the condition holds, nothing otherwise."""
    from onnx import TensorProto

    truth = writer.node("Cast", [writer.write(check.condition)], to=TensorProto.INT64)
    index = writer.node("Sub", [writer.numbers(1), truth])
    result = writer.node("Gather", [writer.numbers(0), index], "assert")
    writer.nodes[-1].name = _message(check, inferred)
    return result


def _message(check: Check, inferred: Inferred) -> str:
    origins = inferred.symbols.origins
    where = ", ".join(
        f"{s.name} = {origins[s.name].where}" for s in free_symbols(check.condition)
    )
    text = f"runtime assert failed: {check.condition} ({where}), stated by {check.stated_by}"
    return f"{text}: {check.message}" if check.message else text


def _guarded(writer: Writer, name: str, zero: str) -> str:
    """The input in its own shape, once the asserts have held."""
    target = writer.node("Add", [writer.shape_of(name), zero])
    return writer.node("Reshape", [name, target], f"guarded/{name}")


def _typed(graph: GraphProto, renamed: Mapping[str, str]) -> Iterator[ValueInfoProto]:
    """The types of guarded inputs, with the sizes that are numbers, so that onnxruntime
    optimizes the rest as before; without names, by which an optimizer could see that nothing
    is reshaped."""
    for value in graph.input:
        if value.name in renamed:
            typed = ValueInfoProto(name=renamed[value.name], type=value.type)
            for dim in typed.type.tensor_type.shape.dim:
                dim.ClearField("dim_param")
            yield typed


def _guardable(model: ModelProto, inferred: Inferred) -> Iterator[str]:
    """The inputs that have axes."""
    constants = {t.name for t in model.graph.initializer}
    for value in model.graph.input:
        found = inferred.types.get(value.name)
        if value.name not in constants and isinstance(found, Tensor) and found.shape:
            yield value.name


def _rename(graph: GraphProto, names: Mapping[str, str]) -> None:
    """Let all nodes use other values, in subgraphs too unless they have their own."""
    for node in graph.node:
        if not _is_ours(node):
            _rename_node(node, names)


def _rename_node(node: NodeProto, names: Mapping[str, str]) -> None:
    for i, name in enumerate(node.input):
        if name in names:
            node.input[i] = names[name]
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            inner = attribute.g
            own = {v.name for v in inner.input} | {t.name for t in inner.initializer}
            own |= {name for one in inner.node for name in one.output}
            _rename(inner, {a: b for a, b in names.items() if a not in own})


def _is_ours(node: NodeProto) -> bool:
    return any(name.startswith(MARK) for name in node.output)


# ------------------------------------------------------------------------ out


def _without(model: ModelProto) -> ModelProto:
    """The model without asserts: itself if it has none, otherwise a copy."""
    if not any(_is_ours(node) for node in model.graph.node):
        return model
    after = ModelProto()
    after.CopyFrom(model)
    graph = after.graph
    names = {
        node.output[0]: node.input[0]
        for node in graph.node
        if node.op_type == "Reshape" and "/guarded/" in node.output[0] and _is_ours(node)
    }
    _rename(graph, names)
    _drop(graph.node, _is_ours)
    _drop(graph.initializer, lambda tensor: tensor.name.startswith(MARK))
    _drop(graph.value_info, lambda value: value.name.startswith(MARK))
    _drop(after.metadata_props, lambda entry: entry.key == KEY)
    return after


def _drop(repeated: Any, gone: Any) -> None:
    for i in reversed(range(len(repeated))):
        if gone(repeated[i]):
            del repeated[i]
