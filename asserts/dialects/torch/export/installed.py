"""Our passes inside torch, for the time of a ``with`` block.

torch refers to its insertion pass by name in several modules; each of these names is
replaced, and put back when the last block that asked for it ends. Blocks nest, and run in
several threads at once: torch has one set of modules, so while any block is open all
threads use our passes.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch

from asserts.dialects.torch.export import (
    assuming,
    conversions,
    examples,
    identity,
    questions,
    run_along,
    seen,
    slices,
    unordered,
)
from asserts.dialects.torch.export import decide as torch_decide
from asserts.dialects.torch.export.assuming import (
    asserting_answers,
    asserting_jumps,
    asserting_numbers,
    asserting_results,
    asserting_variables,
)
from asserts.dialects.torch.export.general import assuming_no_size
from asserts.dialects.torch.export.identity import reading_truths, truths
from asserts.dialects.torch.export.jumps import interpreters, jumping
from asserts.dialects.torch.export.passes import insert_deferred_runtime_asserts
from asserts.dialects.torch.export.remove import remove_runtime_asserts
from asserts.dialects.torch.export.run_along import remembering_examples
from asserts.dialects.torch.export.rungs import Rung, ladder
from asserts.dialects.torch.export.settling import quiet, settling
from asserts.dialects.torch.export.slices import reading_ends
from asserts.dialects.torch.export.traces import starting_again
from asserts.dialects.torch.export.unordered import exact_floats
from asserts.dialects.torch.symbols import record as torch_record
from asserts.dialects.torch.symbols import truncation
from asserts.dialects.torch.symbols.arguments import naming_arguments

__all__ = ["installed"]

_NAME = "insert_deferred_runtime_asserts"

_PLACES = (
    "torch.fx.passes.runtime_assert",
    "torch._export.utils",
    "torch.export.exported_program",
    "torch._higher_order_ops.utils",
    "torch._higher_order_ops.invoke_subgraph",
    "torch._dynamo.output_graph",
)
"""The modules of torch that name the insertion pass (`fx.experimental.proxy_tensor` imports
it from the first one when it needs it)."""

_ASKING = (
    torch_decide, torch_record, assuming, conversions, examples, identity, questions,
    run_along, seen, slices, unordered,
)  # fmt: skip
"""Our modules whose functions run between the user's line and torch's questions."""

_LOCK = threading.RLock()
_DEPTH = 0
_DECIDING: list[tuple[Rung, ...]] = []
"""The ladders of the blocks that are open."""

_UNCHECKED = 0
_UNDO: list[Callable[[], None]] = []


@contextmanager
def installed(decide: bool | str = False, check_guards: bool = True) -> Iterator[None]:
    """torch.export and torch.compile use our passes inside the block.

    With `decide`, questions that depend on data are answered before torch raises an error
    (see `rungs`): ``True`` takes all ways that assume nothing, the name of a rung those up to
    it; ``"example"`` takes the branch of the example inputs, and asserts it, where nothing
    else decides. Of several open blocks the longest ladder counts.

    Guards count as enforced, as they are in compiled code and by ``program.module()``; who
    will call ``program.module(check_guards=False)`` says so here, too, and nothing rests on
    guards then: what they would discharge is checked in the graph.

    Nested blocks, blocks in several threads and exceptions are fine: torch's own passes are
    back when the last block has ended.
    """
    rungs = ladder(decide)
    _enter(rungs, check_guards)
    try:
        yield
    finally:
        _leave(rungs, check_guards)


def _enter(rungs: tuple[Rung, ...], check_guards: bool) -> None:
    global _DEPTH, _UNCHECKED
    with _LOCK:
        if _DEPTH == 0:
            try:
                _swap_all()
            except BaseException:
                _restore()
                raise
        _DEPTH += 1
        _DECIDING.append(rungs)
        _UNCHECKED += not check_guards


def _leave(rungs: tuple[Rung, ...], check_guards: bool) -> None:
    global _DEPTH, _UNCHECKED
    with _LOCK:
        _DEPTH -= 1
        _DECIDING.remove(rungs)
        _UNCHECKED -= not check_guards
        if _DEPTH == 0:
            _restore()


def _restore() -> None:
    while _UNDO:
        _UNDO.pop()()


def _swap_all() -> None:
    from torch.fx.experimental.sym_node import SymNode
    from torch.fx.experimental.symbolic_shapes import ShapeEnv

    for place in _PLACES:
        _swap(importlib.import_module(place), _NAME, _inserting)
    _swap(SymNode, "expect_true", torch_record.recording_expect_true(SymNode.expect_true))
    evaluate = torch_decide.deciding(ShapeEnv.evaluate_expr, _rungs, _guards_are_checked)
    _swap(ShapeEnv, "evaluate_expr", evaluate)
    asserting = torch_decide.asserting(ShapeEnv._is_python_assert, _rungs)
    _swap(ShapeEnv, "_is_python_assert", asserting)
    _swap(ShapeEnv, "simplify", truncation.exactly(ShapeEnv.simplify))
    for kind, name, operation in list(exact_floats()):
        _swap(kind, name, operation)
    for kind, name, operation in list(truths()):
        _swap(kind, name, operation)
    _swap_for_examples()
    _swap_for_branches()
    from torch._export.passes.remove_runtime_assertions import _RemoveRuntimeAssertionsPass

    _swap(_RemoveRuntimeAssertionsPass, "call", _removing)
    from torch._dynamo.output_graph import OutputGraph

    _swap(OutputGraph, "remove_unused_graphargs", _keeping_checks(OutputGraph))
    for kind in interpreters():
        _swap(kind, "dispatch_table", jumping(kind, lambda: bool(_rungs())))
    _overlook(str(module.__file__) for module in _ASKING)


def _swap_for_examples() -> None:
    from torch._library.fake_impl import FakeImplCtx
    from torch.export import _trace

    importlib.import_module("torch.export._draft_export")  # (it takes the name for good)
    allocate = FakeImplCtx.create_unbacked_symint
    _swap(FakeImplCtx, "create_unbacked_symint", assuming_no_size(allocate, _assumes_nothing))
    from torch._subclasses.fake_tensor import FakeTensorMode

    _swap(FakeTensorMode, "from_tensor", remembering_examples(FakeTensorMode.from_tensor))
    _swap(_trace, "_non_strict_export", quiet(starting_again(_trace._non_strict_export)))
    _swap(_trace, "_strict_export", quiet(naming_arguments(_trace._strict_export)))
    _swap(_trace, "_export", settling(_trace._export, lambda: bool(_rungs())))
    from torch._export.non_strict_utils import _NonStrictTorchFunctionHandler as Handler

    override = reading_ends(Handler._override, lambda: bool(_rungs()))
    _swap(Handler, "_override", reading_truths(override))


def _swap_for_branches() -> None:
    from torch._dynamo import symbolic_convert
    from torch._dynamo.variables import SymNodeVariable
    from torch.fx.experimental import proxy_tensor
    from torch.fx.experimental.sym_node import SymNode

    for name in ("bool_", "int_"):
        _swap(SymNode, name, asserting_answers(getattr(SymNode, name)))
    evaluate = SymNodeVariable.evaluate_expr
    _swap(SymNodeVariable, "evaluate_expr", asserting_numbers(evaluate))
    create = staticmethod(asserting_variables(SymNodeVariable.create))
    _swap(SymNodeVariable, "create", create)
    _swap(proxy_tensor, "_sym_register", asserting_results(proxy_tensor._sym_register))
    jump = symbolic_convert.guard_bool
    _swap(symbolic_convert, "guard_bool", asserting_jumps(jump))


def _assumes_nothing() -> bool:
    """Whether the questions are answered that come of assuming less than torch."""
    return any(rung.name == "general" for rung in _rungs())


def _rungs() -> tuple[Rung, ...]:
    """The longest ladder of the blocks that are open."""
    return max(_DECIDING, key=len, default=())


def _swap(owner: Any, name: str, new: Any) -> None:
    old = vars(owner).get(name, getattr(owner, name))  # (a method of a class is not bound)
    setattr(owner, name, new)
    _UNDO.append(lambda: setattr(owner, name, old))


def _overlook(files: Iterable[str]) -> None:
    """torch names the line of the user that asked for something: it is none of ours."""
    from torch.fx.experimental.symbolic_shapes import uninteresting_files

    known = uninteresting_files()
    for file in set(files) - known:
        known.add(file)
        _UNDO.append(partial(known.discard, file))


def _keeping_checks(owner: Any) -> Callable[[Any], None]:
    """dynamo's `remove_unused_graphargs`, which leaves checks of computed values where they
    are: it drops those that hold because of what torch has learned from them."""
    original = owner.remove_unused_graphargs

    def remove_unused_graphargs(self: Any) -> None:
        nodes = self.graph.nodes
        checks = [n for n in nodes if n.target is torch._check and n.all_input_nodes]
        for node in checks:
            node.target = _kept_check
        try:
            original(self)
        finally:
            for node in checks:
                node.target = torch._check

    return remove_unused_graphargs


def _kept_check(*_: Any) -> None:
    """Stands for `torch._check` while dynamo looks for what it need not keep."""


def _inserting(gm: Any, shape_env: Any, name: str, export: bool = False) -> None:
    """Our insertion where torch calls its own."""
    insert_deferred_runtime_asserts(
        gm, shape_env, name, export, check_guards=_guards_are_checked()
    )


def _guards_are_checked() -> bool:
    """Unless stated otherwise: blocks in all threads share our passes."""
    return _UNCHECKED == 0


def _removing(self: Any, graph_module: Any) -> Any:
    """Our removal where torch calls its own."""
    from torch.fx.passes.infra.pass_base import PassResult

    return PassResult(graph_module, remove_runtime_asserts(graph_module).modified)
