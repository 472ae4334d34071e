"""A second opinion just before torch gives up on a condition that depends on data.

torch decides by syntax and by one range for each symbol. Where that is not enough it raises
an error, although what the program has checked may well decide the condition. Here our
prover is asked first. It knows what callers are held to and the checks so far, all of which
are enforced at entry or in the graph before this point; it is not told what torch's tracer
merely assumes. What it cannot prove stays torch's error, with the checks that would settle
it (see `advice`).
"""

from __future__ import annotations

import dis
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
from torch.fx.experimental.symbolic_shapes import ShapeEnv as TorchShapeEnv

from asserts.conditions.report import Decision
from asserts.dialects.torch.export.advice import AdvisedError, UndecidedError
from asserts.dialects.torch.export.decisions import note_decision
from asserts.dialects.torch.export.forced import ForcedError, is_forced
from asserts.dialects.torch.export.general import is_left_to_torch
from asserts.dialects.torch.export.leaving import is_tried, leaves
from asserts.dialects.torch.export.questions import Question
from asserts.dialects.torch.export.traces import is_left_alone, note_unanswered
from asserts.dialects.torch.symbols.growing import GrowingEnv, tracer_in_force
from asserts.dialects.torch.symbols.record import count_of_recorded
from shapes.expr import BoolExpr

if TYPE_CHECKING:
    from asserts.dialects.torch.export.rungs import Rung

__all__ = ["asserting", "count_of_answers", "deciding", "forget_known", "known"]

Evaluate = Callable[..., Any]

_ANSWERS: ContextVar[int] = ContextVar("_ANSWERS", default=0)


def count_of_answers() -> int:
    """How many questions the rungs have answered."""
    return _ANSWERS.get()


def deciding(
    original: Evaluate, wanted: Callable[[], Sequence[Rung]], check_guards: Callable[[], bool]
) -> Evaluate:
    """torch's `ShapeEnv.evaluate_expr`, which asks the rungs that are `wanted` before it
    fails; guards are facts where callers `check_guards`.

    (What a kernel is answered is not the answer for everybody: torch's cache of answers lies
    below, and must not see them.)
    """

    def evaluate_expr(self: TorchShapeEnv, orig_expr: Any, *args: Any, **options: Any) -> Any:
        try:
            return original(self, orig_expr, *args, **options)
        except GuardOnDataDependentSymNode as error:
            rungs = () if is_left_alone() else wanted()
            if not rungs or isinstance(error, AdvisedError):
                raise
            question = Question(self, orig_expr, known(self, check_guards()))
            if is_left_to_torch(question):
                raise
            found = _answered(question, rungs)
            if found is None:
                advised = _advised(error, question, rungs)
                note_unanswered(advised)
                raise advised from None
            return found

    return evaluate_expr


def asserting(
    original: Callable[[TorchShapeEnv], bool], decides: Callable[[], object]
) -> Callable[[TorchShapeEnv], bool]:
    """torch's `ShapeEnv._is_python_assert`, for which the condition is checked at run time and
    taken to hold: not where what is asserted is ``not`` the condition, nor, if something
    `decides`, where the program may handle the error."""

    def _is_python_assert(self: TorchShapeEnv) -> bool:
        if not original(self):
            return False
        frame = self._get_user_frame()
        jump = next(
            (one.opname for one in dis.get_instructions(frame.f_code)
             if one.offset >= frame.f_lasti and "JUMP" in one.opname),
            "",
        )  # fmt: skip
        if "TRUE" not in jump:
            return False
        # (If nothing decides, the error of torch's would be handled in the other one's place.)
        return not (decides() and is_tried(frame)) or leaves(frame, AssertionError)

    return _is_python_assert


def _answered(question: Question, rungs: Sequence[Rung]) -> Any:
    """The answer of the first rung that has one."""
    for rung in rungs:
        answer = rung.ask(question)
        if answer is not None:
            asked = _asked(question)
            shown = str(answer.value).lower()
            decision = Decision(
                rung.name, asked, shown, question.line, answer.reason, answer.assumption,
                answer.message,
            )  # fmt: skip
            note_decision(question.shape_env, decision)
            _ANSWERS.set(_ANSWERS.get() + 1)
            return answer.value
    return None


def _asked(question: Question) -> str:
    """What is asked for, in the user's names."""
    claim = question.claim
    if claim is None:
        return str(question.asked)
    return question.spelled(claim) if isinstance(claim, BoolExpr) else question.named(claim)


def _advised(
    error: GuardOnDataDependentSymNode, question: Question, rungs: Sequence[Rung]
) -> GuardOnDataDependentSymNode:
    """The error with what would settle it."""
    claim, asker = question.claim, question.asker
    if claim is None:
        return error
    kind = ForcedError if is_forced(claim, asker) else UndecidedError
    advised = kind(error, question.symbols, claim, question.places, asker)
    asked = any(rung.assumes for rung in rungs)
    advised.example_is_left = not asked and tracer_in_force() is not None
    return advised.with_traceback(error.__traceback__)


_READ: WeakKeyDictionary[TorchShapeEnv, tuple[object, GrowingEnv]] = WeakKeyDictionary()


def forget_known(shape_env: TorchShapeEnv) -> None:
    """Read anew, at the next question, what is enforced: something is no longer."""
    _READ.pop(shape_env, None)


def known(shape_env: TorchShapeEnv, check_guards: bool) -> GrowingEnv:
    """The environment with all that is enforced so far; what is new is read when there is
    something new."""
    version = (
        check_guards,
        count_of_recorded(shape_env),
        shape_env.num_deferred_runtime_asserts,
        len(shape_env.guards),
        dict(shape_env.var_to_range),  # (torch narrows a range in place)
        dict(shape_env.replacements),
    )
    found = _READ.get(shape_env)
    if found is not None and found[0] == version:
        return found[1]
    if found is not None and found[1].takes(shape_env, check_guards):
        symbols = found[1]
    else:
        symbols = GrowingEnv(shape_env, check_guards)
    symbols.take(shape_env)
    _READ[shape_env] = (version, symbols)
    return symbols
