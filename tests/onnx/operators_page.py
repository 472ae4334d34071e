"""The page of ONNX's operators: ``python -m tests.onnx.operators_page`` writes it.

It is read from the rules themselves: what a rule infers from the columns of its record, what it
requires from the reasons in its calls of `need`, `same` and `fail`, and what it guarantees of
sizes that data decide from its calls of `fresh`; all of that through every function that the
rule calls.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import onnx.defs

from asserts.dialects.onnx.infer import control
from asserts.dialects.onnx.model import elements
from asserts.dialects.onnx.rules import merging, record, table
from asserts.dialects.onnx.rules.record import TABLE, Operator

PAGE = Path(__file__).parents[2] / "docs" / "onnx-operators.md"

MODULES: tuple[ModuleType, ...] = (*table.FAMILIES, control, merging, elements)

TENSORS = {
    "arange": "the step is 0",
    "broadcast": "sizes differ and neither is 1",
    "broadcast_dim": "sizes differ and neither is 1",
    "broadcast_to": "a size is neither 1 nor that of the result",
    "concatenate": "sizes beside the joined axis differ",
    "einsum": "sizes of one letter differ",
    "expand_dims": "there is no such axis",
    "matmul": "inner sizes differ",
    "reduce": "there is no such axis",
    "slice_length": "the step is 0",
    "squeeze": "a squeezed axis is not 1",
    "transpose": "the permutation does not fit",
}
"""What functions of `shapes.tensors` require."""

HEAD = """\
# ONNX operators

Written by `python -m tests.onnx.operators_page` from the rules; a test compares.

- *inferred*: sizes of the results; values, where the elements of small integer tensors are
  followed; bounds, where the least and the greatest element are.
- *fails where*: what an operator does not accept, which the contract and the asserts keep away.
- *guaranteed*: sizes that only data decide, with their ranges as the rules have them.

Operators of one row have one rule. Without a rule are `{unknown}` and all operators of unknown
domains: of their results nothing is known, and the notes of the answer say so.

| operators | inferred | fails where | guaranteed |
|---|---|---|---|
"""


@dataclass
class Facts:
    """What was read from a rule."""

    reasons: dict[str, None] = field(default_factory=dict)
    fresh: dict[str, None] = field(default_factory=dict)


@cache
def _functions(module: ModuleType) -> dict[str, list[ast.AST]]:
    """The functions and methods of a module by name; lambdas by their line."""
    found: dict[str, list[ast.AST]] = {}
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.FunctionDef):
            found.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.Lambda):
            found.setdefault(f"<lambda>{node.lineno}", []).append(node)
    return found


def _read(function: Callable[..., Any]) -> Facts:
    facts, seen = Facts(), set[int]()
    module = inspect.getmodule(function)
    code = getattr(function, "__code__", None)
    if module not in MODULES or code is None:
        return facts
    name = function.__qualname__.split(".")[0]
    name = f"<lambda>{code.co_firstlineno}" if "<lambda>" in name else name
    left = [(module, node) for node in _functions(module).get(name, ())]
    while left:
        module, node = left.pop()
        if id(node) not in seen:
            seen.add(id(node))
            left += _visit(module, node, facts)
    return facts


def _visit(module: ModuleType, function: ast.AST, facts: Facts) -> Iterator[Any]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            _note(module, function, node, facts)
        if isinstance(node, ast.Name):
            yield from _named(module, node.id, facts)
        if isinstance(node, ast.Attribute) and node.attr not in dir(record.Call):
            yield from ((module, one) for one in _functions(module).get(node.attr, ()))


def _named(module: ModuleType, name: str, facts: Facts) -> Iterator[Any]:
    found = getattr(module, name, None)
    home = inspect.getmodule(found) if inspect.isfunction(found) else None
    if name in TENSORS and home not in MODULES:
        facts.reasons[TENSORS[name]] = None
    if home in MODULES:
        yield from ((home, one) for one in _functions(home).get(name, ()))
    elif inspect.isclass(found) and found.__module__ == module.__name__:
        yield from ((module, one) for one in _functions(module).get("__init__", ()))


def _note(module: ModuleType, function: ast.AST, call: ast.Call, facts: Facts) -> None:
    """A call that requires something, or makes a size."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    place = {"need": 1, "same": 2, "fail": 0}.get(name)
    if place is not None and len(call.args) > place:
        for text in _texts(module, function, call.args[place]):
            facts.reasons[text] = None
    if name == "rank_is" and isinstance(call.args[1], ast.Constant):
        facts.reasons[f"an input has not {call.args[1].value} axes"] = None
    if name == "fresh" and call.args:
        label = next((f"`{t}`" for t in _texts(module, function, call.args[0])), "a size")
        first = 2 if ast.unparse(call.func).endswith("symbols.fresh") else 1
        ends = [ast.unparse(one) for one in call.args[first : first + 2]]
        facts.fresh[_ranged(label, ends)] = None


def _ranged(label: str, ends: list[str]) -> str:
    low = ends[0] if ends else "0"
    low = "0" if low == "ZERO" else low
    if low == "None":
        return f"{label}, any integer"
    return f"{label} from `{low}`" + (f" to `{ends[1]}`" if len(ends) > 1 else "")


def _texts(module: ModuleType, function: ast.AST, given: ast.AST) -> Iterator[str]:
    """The words that an expression makes; what is put into them is left out."""
    if isinstance(given, ast.Constant) and isinstance(given.value, str):
        yield given.value
    elif isinstance(given, ast.JoinedStr):
        parts = (p.value if isinstance(p, ast.Constant) else "…" for p in given.values)
        yield "".join(map(str, parts))
    elif isinstance(given, ast.Lambda):
        yield from _texts(module, function, given.body)
    elif isinstance(given, ast.Call) and isinstance(given.func, ast.Attribute):
        for one in _functions(module).get(given.func.attr, ()):
            for node in ast.walk(one):
                if isinstance(node, ast.Return) and node.value is not None:
                    yield from _texts(module, one, node.value)
    elif isinstance(given, ast.Name):
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == given.id:
                yield from _texts(module, function, node.value)


# ------------------------------------------------------------------------ the page


def _row(operator: Operator) -> tuple[str, str, str]:
    functions = (operator.shapes, operator.elements, operator.span, operator.types)
    facts = Facts()
    for function in functions:
        if function is not None:
            found = _read(function)
            facts.reasons |= found.reasons
            facts.fresh |= found.fresh
    parts = ["types" if operator.types is not None else "sizes"]
    parts += ["values"] if operator.elements is not None else []
    parts += ["bounds"] if operator.span is not None else []
    return ", ".join(parts), _listed(facts.reasons), _listed(facts.fresh)


def _listed(texts: dict[str, None]) -> str:
    return "; ".join(sorted(text.replace("|", "\\|") for text in texts))


def page() -> str:
    """The whole page."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for (domain, name), operator in TABLE.records.items():
        rows.setdefault(_row(operator), []).append(f"{domain}.{name}" if domain else name)
    for name, function in control.CONTROL.items():
        found = _read(function)
        row = ("types, of every graph", _listed(found.reasons), _listed(found.fresh))
        rows.setdefault(row, []).append(name)
    bodies, unknown = [], []
    for domain, name in sorted({(s.domain, s.name) for s in onnx.defs.get_all_schemas()}):
        if (domain, name) in TABLE.records or (domain == "" and name in control.CONTROL):
            continue
        schema = onnx.defs.get_schema(name, domain=domain)
        whole = f"{domain}.{name}" if domain else name
        (bodies if schema.has_function else unknown).append(whole)
    if bodies:
        rows["as its function", "where its function does", ""] = bodies
    lines = [
        f"| {', '.join(sorted(names))} | {' | '.join(row)} |"
        for row, names in sorted(rows.items(), key=lambda item: sorted(item[1]))
    ]
    head = HEAD.replace("{unknown}", ", ".join(unknown))
    return re.sub(r"  +", " ", head + "\n".join(lines)) + "\n"


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
