"""At IPython's prompt the objects that people get show their text."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import numpy as np
import pytest

import asserts
import shapes
from asserts.trace import trace
from shapes import ShapeEnv

PLAIN = {
    "Check", "Congruence", "Dim", "Facts", "GuardFunction", "IntInfinity", "Pass", "Pipeline",
    "InsertRuntimeAsserts", "MinimiseRuntimeAsserts", "RemoveRuntimeAsserts", "Status",
    "SymbolInfo", "ValueRanges",
}  # fmt: skip
"""What is shown by its repr, which makes it again."""


@asserts.contract
def contracted(x: Annotated[np.ndarray, "f8[n, 2*m]"]) -> Any:
    return x


def objects() -> list[Any]:
    env = ShapeEnv()
    env.size("n", 5)
    env.assume("n >= 2")
    assert env["n"] > 3
    verdict = env.prove("n >= 1")
    broken = env.prove("n >= 9").counterexample
    program = trace(lambda x: x.reshape(2, -1), ("n",))
    result = asserts.insert(program)
    return [
        env, env["n"], env["n"] > 7, env["n"] / 2, env["n"].expr, verdict, verdict.proof, broken,
        env.axioms[0], env.guards[0], env.explain_bounds("n"), env.suggest("n >= 9")[0],
        program, program.graph, result.report, asserts.verify(result.program, program),
        contracted.contract,
    ]  # fmt: skip


class Printer:
    """What IPython hands to the method."""

    def __init__(self) -> None:
        self.shown = ""

    def text(self, text: str) -> None:
        self.shown += text


def test_objects_show_their_text() -> None:
    for one in objects():
        printer = Printer()
        one._repr_pretty_(printer, False)
        assert printer.shown == str(one), type(one)
    printer = Printer()
    result = asserts.insert(trace(lambda x: x[0], ("n",)))
    result._repr_pretty_(printer, False)  # type: ignore[arg-type]
    assert printer.shown == str(result.report)


def test_every_public_class_is_shown() -> None:
    for module in (shapes, asserts):
        for name in module.__all__:
            value = getattr(module, name)
            if not inspect.isclass(value) or issubclass(value, Exception):
                continue
            assert hasattr(value, "_repr_pretty_") != (name in PLAIN), name


def test_ipython_uses_it() -> None:
    pretty = pytest.importorskip("IPython.lib.pretty").pretty
    for one in objects():
        assert pretty(one) == str(one)
