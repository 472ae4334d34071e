"""Branches of the program's own that torch decides by what it assumes of sizes.

Torch takes a dynamic size for one of at least 2. ``if x.shape[0] == 1`` is false for it
without a guard, and what it has derived with that assumption answers other questions. The
program that is traced goes that way for every size, while its range admits 0 and 1. So an
answer that torch gives to the program's own code is compared with what is enforced so far; if
that does not imply it, the branch is asserted: at entry for sizes of inputs, else where the
values are first known.

Guarantees: no answer is changed. What the program wrote is judged, not what torch has made of
it; where the other way only raises, the check has that message. Nothing is asserted where the
other way computes the same: a branch that only tells something, an operand beside which
another one decides.
Limits: `torch.export.export` only. What torch's own functions ask (`torch.nn.functional`,
kernels, decompositions) is theirs, and so are `guard_or_false` and the like, by which the
program says that either answer will do. A check stands at entry also behind a write.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import fx
from torch._dynamo.variables import SymNodeVariable
from torch.fx.experimental.proxy_tensor import get_proxy_mode
from torch.fx.experimental.symbolic_shapes import ShapeEnv as TorchShapeEnv

from asserts.conditions.report import Decision
from asserts.dialects.torch.export.advice import is_users
from asserts.dialects.torch.export.beside import makes_no_difference
from asserts.dialects.torch.export.decide import count_of_answers, known
from asserts.dialects.torch.export.decisions import note_decision
from asserts.dialects.torch.export.idle import is_idle
from asserts.dialects.torch.export.interpreted import DYNAMO
from asserts.dialects.torch.export.jumps import put_check
from asserts.dialects.torch.export.questions import Question
from asserts.dialects.torch.export.raised import own_check
from asserts.dialects.torch.export.telling import untold
from asserts.dialects.torch.export.traces import trace_in_force
from asserts.dialects.torch.symbols.growing import GrowingEnv
from asserts.dialects.torch.symbols.lines import line_of
from asserts.dialects.torch.symbols.record import computed_by, record_check, traced
from asserts.dialects.torch.symbols.shape_env import UnreadableError
from shapes.base import Location
from shapes.errors import ContradictionError, ShapeproofError, UndefinedError
from shapes.expr import BoolExpr, Expr, as_condition, conjunction, make, negation
from shapes.facts import Fact, Facts
from shapes.prove import entails
from shapes.traversal import defined, free_symbols

__all__ = [
    "asserting_answers", "asserting_jumps", "asserting_numbers", "asserting_results",
    "asserting_variables",
]  # fmt: skip

EFFORT: Final = "default"

_TORCH: Final = os.path.dirname(torch.__file__) + os.sep
_PASSED: Final = frozenset((
    "__bool__", "__index__", "__int__", "_assert", "__torch_function__",
    "handle_torch_function", "promote", "binary_magic_impl", "rbinary_magic_impl",
    "sym_float", "sym_int",
))  # fmt: skip
"""Functions of torch's through which Python asks a number, and calls of `torch._assert` go."""

_INTERPRETER: Final = os.path.join(_TORCH, "fx", "interpreter.py")
"""What runs the graph that dynamo has made of a program."""

_RUNNING: Final = os.path.join(_TORCH, "_dynamo", "utils.py")
"""Where dynamo runs an operation that it has put into its graph."""

_COMPUTING: Final = frozenset(
    os.path.join(_TORCH, *path)
    for path in (
        ("__init__.py",), ("overrides.py",), ("_export", "non_strict_utils.py"),
        ("fx", "experimental", "proxy_tensor.py"), ("fx", "experimental", "sym_node.py"),
        ("fx", "experimental", "recording.py"),
    )
)  # fmt: skip
"""Modules of torch's by which numbers are computed."""

_POLYFILLS: Final = os.path.join(_TORCH, "_dynamo", "polyfills") + os.sep
"""What dynamo reads in place of functions of Python's that are written in C."""

_ASSUMED: Final = "exported with `{}` as for sizes of at least 2"
_REASON: Final = "torch takes sizes for at least 2"

_ANSWERED: WeakKeyDictionary[TorchShapeEnv, set[tuple[Expr, bool]]] = WeakKeyDictionary()
"""What is enforced already, or asserted."""


# --------------------------------------------------------------------------- who asks


def asserting_answers(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """torch's `SymNode.bool_` or `SymNode.int_`, by which Python asks a symbolic number for
    its truth or its value."""

    def answered(self: Any) -> Any:
        before = count_of_answers()
        answer = original(self)
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and _is_passed(frame.f_code):
            frame = frame.f_back
        if frame is not None and count_of_answers() == before:
            file = frame.f_code.co_filename
            if _is_own(file):
                _asked_by_python(self, answer, frame)
            elif file == _RUNNING and frame.f_code.co_name == "run_node":
                _asked_by_node(self, answer, frame)
        return answer

    return answered


def asserting_results(original: Callable[..., None]) -> Callable[..., None]:
    """The `_sym_register` of torch's tracer, which is told the results of what is computed
    with numbers. One that is a number itself is in the program as such, where it is given to
    an operation. (Solutions of checks are not looked at: what is computed with them is read as
    it was written.)"""

    def register(tracer: Any, func: Any, args: Any, out: Any) -> None:
        original(tracer, func, args, out)
        if isinstance(out, torch.SymInt) and out.node._expr.is_number:
            frame: FrameType | None = sys._getframe(1)
            while frame is not None and frame.f_code.co_filename in _COMPUTING:
                frame = frame.f_back
            if frame is not None and _is_own(frame.f_code.co_filename):
                _asked_by_python(out.node, int(out.node._expr), frame, tracer)

    return register


def _is_passed(code: CodeType) -> bool:
    return code.co_name in _PASSED and code.co_filename.startswith(_TORCH)


@lru_cache(maxsize=1024)
def _is_own(file: str) -> bool:
    """Whether it is the program's own code: neither torch's nor ours (it may come from a text,
    or a graph); or what runs the graph that is made of it."""
    return is_users(file) or file.startswith("<") or file == _INTERPRETER


def _asked_by_python(
    node: Any, answer: Any, frame: FrameType | None, tracer: Any = None
) -> None:
    is_result = tracer is not None
    mode = get_proxy_mode()
    tracer = mode.tracer if tracer is None and mode is not None else tracer
    if trace_in_force() is None or tracer is None or node.shape_env is None:
        return
    claim = _stated(traced(node, tracer), answer)
    if claim is None:  # (nothing in the graph computes it)
        claim = _read(node, answer)
    if claim is None or (is_result and _is_solved(node.shape_env, claim)):
        return
    _judge(_Asked(node.shape_env, claim, answer, _line_run(frame)))


def _is_solved(shape_env: TorchShapeEnv, claim: BoolExpr) -> bool:
    """Whether torch has put other values for some of the symbols."""
    replaced = {symbol.name for symbol in shape_env.replacements}
    return any(symbol.name in replaced for symbol in free_symbols(claim))


def _line_run(frame: FrameType | None) -> Location | None:
    """The line of the program that a node of a graph was made from, which runs; None if no
    graph does."""
    while frame is not None and frame.f_code.co_filename == _INTERPRETER:
        if frame.f_code.co_name == "run_node":
            found = line_of(frame.f_locals["n"])
            where = None if found is None else (found.file, found.line, found.function)
            return None if where is None else Location(*where)
        frame = frame.f_back
    return None


def asserting_numbers(original: Callable[..., Any]) -> Callable[..., Any]:
    """The `SymNodeVariable.evaluate_expr` of dynamo's, by which it asks for the value of a
    number in the program that it reads."""

    def evaluate_expr(self: Any, output_graph: Any = None) -> Any:
        before = count_of_answers()
        answer = original(self, output_graph)
        if count_of_answers() == before:
            _asked_by_dynamo(self, answer)
        return answer

    return evaluate_expr


def asserting_variables(original: Callable[..., Any]) -> Callable[..., Any]:
    """The `SymNodeVariable.create` of dynamo's, which makes what stands for a computed number
    (see `asserting_results`)."""

    def create(tx: Any, proxy: Any, sym_num: Any = None, **options: Any) -> Any:
        made = original(tx, proxy, sym_num, **options)
        number = getattr(made, "sym_num", None)
        if isinstance(number, torch.SymInt) and number.node._expr.is_number:
            _asked_by_dynamo(made, int(number.node._expr), is_result=True)
        return made

    return create


def asserting_jumps(original: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """The `guard_bool` of dynamo's, by which it asks whether a number is 0, to jump by it."""

    def guard_bool(number: Any) -> bool:
        before = count_of_answers()
        answer = original(number)
        variable = sys._getframe(1).f_locals.get("value")
        if hasattr(variable, "sym_num") and count_of_answers() == before:
            _asked_by_dynamo(variable, answer)
        return answer

    return guard_bool


def _asked_by_dynamo(variable: Any, answer: Any, is_result: bool = False) -> None:
    interpreter = _interpreter(sys._getframe(1))
    if interpreter is None or not _is_own(_file_of(interpreter)):
        return
    node = getattr(variable.sym_num, "node", None)
    if node is None or node.shape_env is None:
        return
    proxied = getattr(variable.as_proxy(), "node", None)
    computed = None
    if isinstance(proxied, fx.Node):
        computed = computed_by(proxied, node.shape_env, "example_value")
    claim = _stated(computed, answer)
    if claim is None:
        claim = _read(node, answer)
    if claim is None or (is_result and _is_solved(node.shape_env, claim)):
        return
    _judge(_Asked(node.shape_env, claim, answer, None, (interpreter, variable)))


def _asked_by_node(number: Any, answer: Any, frame: FrameType) -> None:
    """(What dynamo runs has asked for the number: its result is a constant.)"""
    interpreter: Any = _interpreter(frame)
    if interpreter is None:
        return
    for node in frame.f_locals["node"].all_input_nodes:
        value = node.meta.get("example_value")
        if getattr(value, "node", None) is number:
            proxy = fx.Proxy(node, interpreter.output.current_tracer)
            _asked_by_dynamo(SymNodeVariable(proxy, value), answer)
            return


def _interpreter(frame: FrameType | None) -> Any:
    """What reads the program for an export; None if nothing does."""
    found: Any
    while frame is not None:
        if frame.f_code.co_filename == DYNAMO:
            found = frame.f_locals.get("self")
            if hasattr(found, "symbolic_locals"):
                is_exported = found.output.export or trace_in_force() is not None
                return found if is_exported else None
        frame = frame.f_back
    return None


def _file_of(interpreter: Any) -> str:
    """Where the code is that asks: not in what stands for functions that are written in C."""
    file = interpreter.f_code.co_filename
    while file.startswith(_POLYFILLS) and getattr(interpreter, "parent", None) is not None:
        interpreter = interpreter.parent
        file = interpreter.f_code.co_filename
    return str(file)


# --------------------------------------------------------------------------- what is judged


def _stated(found: Expr | None, answer: Any) -> BoolExpr | None:
    """The condition that is asked for, or that the number is what it is said to be."""
    if found is None or found.is_constant:
        return None
    if isinstance(found, BoolExpr):
        return found
    if found.kind != "int":
        return None
    if isinstance(answer, bool):
        return as_condition(make("Ne", found, 0))
    return as_condition(make("Eq", found, int(answer)))


def _read(node: Any, answer: Any) -> BoolExpr | None:
    """The same, of what torch states of a number."""
    with suppress(UnreadableError):
        return _stated(known(node.shape_env, True).read(node._expr), answer)
    return None


class _Asked(NamedTuple):
    """A condition that torch has answered; the line of a graph's node that asks; and what
    reads the program and its variable, where dynamo does."""

    shape_env: TorchShapeEnv
    claim: BoolExpr
    answer: Any
    where: Location | None = None
    read: tuple[Any, Any] | None = None

    @property
    def truth(self) -> bool:
        """Whether the condition holds where the program goes on."""
        return self.answer is not False


def _judge(asked: _Asked) -> None:
    """Assert the answer, unless what is enforced implies it."""
    answered = _ANSWERED.setdefault(asked.shape_env, set())
    if (asked.claim, asked.truth) in answered:
        return
    symbols = known(asked.shape_env, True)
    needed = asked.claim if asked.truth else negation(asked.claim)
    if not _is_enforced(symbols, asked, needed):
        question = _Branch(asked, symbols)
        same = _the_same(question, negation(needed))
        if same is not None:  # (here: another branch may ask for the same)
            _note(asked, Decision("general", *_shown(question, asked), same))
            return
        _require(question, asked, needed)
    answered.add((asked.claim, asked.truth))


def _is_enforced(symbols: GrowingEnv, asked: _Asked, needed: BoolExpr) -> bool:
    if _implied(symbols.env.facts, needed):
        return True
    return asked.read is not None and _implied(
        _with_checks_read(symbols, asked.read[0]), needed
    )


def _with_checks_read(symbols: GrowingEnv, interpreter: Any) -> Facts:
    """What is known, with the checks in the graph that dynamo makes, of which torch's
    environment is told when that is traced again."""
    facts = symbols.env.facts
    graph = interpreter.output.graph
    for node in graph.find_nodes(op="call_function", target=torch._check):
        held = node.args[0]
        if isinstance(held, fx.Node):
            claim = computed_by(held, symbols.source, "example_value")
            with suppress(ShapeproofError):
                if isinstance(claim, BoolExpr):
                    facts = facts.given(Fact(claim, "check"))
    return facts


def _implied(facts: Facts, claim: BoolExpr) -> bool:
    """Whether a condition has a value, and holds: eager mode raises where it has none."""
    with suppress(ContradictionError, UndefinedError, ShapeproofError):
        return entails(facts, conjunction(defined(claim), claim), EFFORT) is not None
    return False


class _Branch(Question):
    """A question that torch has answered."""

    def __init__(self, asked: _Asked, symbols: GrowingEnv) -> None:
        super().__init__(asked.shape_env, None, symbols)
        self.__dict__["claim"] = asked.claim
        if asked.where is not None:  # (the innermost code of the user's is who exports)
            self.__dict__.update(asker=None, places=[])
        self._where = asked.where

    @property
    def line(self) -> str:
        return super().line if self._where is None else str(self._where)

    @property
    def location(self) -> Location | None:
        return super().location if self._where is None else self._where


def _require(question: _Branch, asked: _Asked, needed: BoolExpr) -> None:
    """Assert the side that is traced."""
    shown = _shown(question, asked)
    own = own_check(question)
    if own is not None and own.goes_on is asked.truth:
        decision = Decision("check", *shown, own.reason, message=own.message)
    else:
        text, where = question.spelled(needed), question.line or "the program"
        message = f"{_ASSUMED.format(text)}: {where} goes another way otherwise"
        decision = Decision("size", *shown, _REASON, text, message)
    if asked.read is None:
        record_check(question.shape_env, needed, decision.message, question.location)
    else:
        put_check(*asked.read, asked.answer, str(decision.message))
    _note(asked, decision)


def _shown(question: _Branch, asked: _Asked) -> tuple[str, str, str]:
    """What is asked, the answer, and where."""
    return question.spelled(asked.claim), str(asked.truth).lower(), question.line


def _note(asked: _Asked, decision: Decision) -> None:
    """Remember a decision. (The body of an operation of higher order is read by dynamo in an
    environment of its own.)"""
    trace = trace_in_force()
    if trace is None or asked.read is None:
        note_decision(asked.shape_env, decision)
    else:
        trace.decided.append(decision)


def _the_same(question: _Branch, otherwise: BoolExpr) -> str | None:
    """Why the program would be the same if it went the way for which `otherwise` holds; None
    if it may not be."""
    if untold(question) is not None:
        return "the branch only tells something"
    if makes_no_difference(question):
        return "another operand beside it decides"
    return "the branch changes nothing otherwise" if is_idle(question, otherwise) else None
