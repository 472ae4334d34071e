"""The guards of an exported program: what is checked at its entry besides ranges.

An exported program checks the guards that it carries as text, and no others. The environment
of a loaded program has further ones, made while its asserts were read: these are the asserts,
and nothing else checks them. So facts are taken from the text alone, and a program that is
built anew must carry the text on (torch makes it again from the environment, which after
loading does not know the names of inputs any more).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch
from torch.export import ExportedProgram

from asserts.dialects.torch.symbols.shape_env import TorchEnv
from shapes.errors import ShapeproofError
from shapes.expr import as_condition, conjunction
from shapes.traversal import show

__all__ = ["keep_guards", "state_checked_guards"]


def keep_guards(old: ExportedProgram, new: ExportedProgram) -> ExportedProgram:
    """The new program, which checks the guards of the old one."""
    new._guards_code = list(old._guards_code)
    return new


def state_checked_guards(program: ExportedProgram, symbols: TorchEnv) -> None:
    """State the guards that the program checks at entry; what cannot be read is left out."""
    if not program._guards_code:
        return
    named = dict(_sizes_by_source(program, symbols))
    if not named:
        return
    ordered = sorted(named, key=len, reverse=True)
    sources = re.compile("|".join(map(re.escape, ordered)))
    for code in program._guards_code:
        text = sources.sub(lambda found: named[found[0]], code)
        try:
            spelled = symbols.env.spelled(text)
            claim = conjunction(spelled.defined, as_condition(spelled.expr))
        except ShapeproofError:
            continue
        symbols.entry_fact(claim)


def _sizes_by_source(
    program: ExportedProgram, symbols: TorchEnv
) -> Iterator[tuple[str, str]]:
    """The text by which guards name a size of an input, and our expression for it."""
    from asserts.dialects.torch.answers.names import input_names

    named = input_names(program)
    users = set(program.graph_signature.user_inputs)
    for node in program.graph_module.graph.nodes:
        value = node.meta.get("val")
        if node.op != "placeholder" or node.name not in users:
            continue
        head, bracket, rest = named.get(node.name, node.name).partition("[")
        source = f"L['{head}']{bracket}{rest}"
        if isinstance(value, torch.Tensor):
            for dim, size in enumerate(value.shape):
                expr = symbols.value_of(size)
                if expr is not None:
                    yield f"{source}.size()[{dim}]", f"({show(expr)})"
        elif isinstance(value, torch.SymInt):
            expr = symbols.value_of(value)
            if expr is not None:
                yield source, f"({show(expr)})"
