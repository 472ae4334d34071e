"""A trace that may have to start again, and what the user's code must not swallow on the way.

While a model is traced, exceptions that eager mode never raises leave its code: the request
to start again with other names in a module, and torch's error for a question without an
answer. A ``try`` of the user's may catch either, and the program would be that of its handler.

Guarantees: a request that is caught is followed all the same; of a trace in which an error was
caught outside of torch the program is what torch alone makes of it, with a warning, if that
does the example as the model does, and else the trace ends with that error. The names are put
back when the trace ends, and the model's state if it fails.
Limits: only `torch.export.export` without `strict`.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from contextvars import ContextVar
from functools import wraps
from typing import Any, Final

import torch

import asserts
from asserts.conditions.report import Decision
from asserts.dialects.torch.export.decisions import note_decision
from asserts.dialects.torch.export.kinds import noticing_types
from asserts.dialects.torch.export.leaving import CONTEXTS
from asserts.dialects.torch.export.seen import kind_of, seen_as_numbers
from asserts.dialects.torch.export.state import State
from asserts.dialects.torch.export.tellers import Places
from asserts.dialects.torch.export.tried import SwallowedWarning, does_the_example
from asserts.dialects.torch.symbols.constant import is_written

__all__ = [
    "Again", "Trace", "is_left_alone", "note_unanswered", "starting_again", "trace_in_force",
]  # fmt: skip

_OTHERS: Final = tuple(
    os.path.join(os.path.dirname(str(one.__file__)), "") for one in (torch, asserts)
)
"""Where what is caught is not caught by the user's code."""


class Again(BaseException):
    """The trace has to start again, with other values of names in a module."""

    def __init__(self, module: dict[str, Any], names: Mapping[str, Any]) -> None:
        super().__init__(f"with {', '.join(names)} of {module.get('__name__')} kept symbolic")
        self.module = module
        self.names = names


class Trace:
    """A call of torch's `_non_strict_export`."""

    def __init__(self, model: torch.nn.Module) -> None:
        self.model = model
        self._state = State([model], without=[*model.parameters(), *model.buffers()])
        self.wanted: Again | None = None
        self.unanswered: list[BaseException] = []
        self.converted: set[Any] = set()
        """torch's symbols in the numbers that the user's code takes for Python's."""
        self.restarts = 0
        self.read_state: set[int] = set()
        """Parameters and buffers, by their places among the arguments, whose values are taken
        for the answer of a question."""
        self.without_state = False
        self.converts = False
        """Whether numbers may stay symbolic that the user's code takes for Python's."""
        self.places = Places()
        self.checks: list[Callable[[], object]] = []
        """What is asked when an attempt has come to its end; may want another one."""
        self.alone: BaseException | None = None
        """The error for which torch traces by itself, since the user's code has caught it."""
        self.decided: list[Decision] = []
        """What was decided in environments other than the program's."""
        self.closing: list[Callable[[], object]] = []
        """What is to be done when the trace ends."""
        self._replaced: list[tuple[dict[str, Any], str]] = []

    def has(self, module: dict[str, Any], name: str) -> bool:
        """Whether the module's name has the other value in this trace."""
        return any(one is module and known == name for one, known in self._replaced)

    def forget_changes(self) -> None:
        """Give the model the state that it had."""
        self._state.put_back()  # (of parameters and buffers torch traces fakes)

    def start_again(self) -> None:
        """Do what is wanted before the next attempt."""
        self.forget_changes()
        wanted, self.wanted = self.wanted, None
        self.restarts += 1
        self.unanswered.clear()
        self.converted.clear()
        self.decided.clear()
        self.read_state.clear()
        if wanted is not None:
            for name, value in wanted.names.items():
                self.replace(wanted.module, name, value)

    def replace(self, module: dict[str, Any], name: str, value: Any) -> None:
        """Give a module's name another value as long as the trace lasts."""
        if not self.has(module, name):
            _replace(module, name, value)
            self._replaced.append((module, name))

    def writes_what_it_read(self, made: Any) -> bool:
        """Whether the finished program writes to state that answers rest on."""
        if not self.read_state:
            return False
        places = list(made.aten.gm.graph.find_nodes(op="placeholder"))
        return any(at >= len(places) or is_written(places[at]) for at in self.read_state)

    def leave_to_torch(self) -> None:
        """Ask no rung from here on, and trace with the names as they were."""
        self.alone = self.swallowed()
        self.put_back()
        self.checks.clear()

    def put_back(self) -> None:
        """Give the names the meaning that they had."""
        while self._replaced:
            _put_back(*self._replaced.pop())
        while self.closing:
            self.closing.pop()()

    def swallowed(self) -> BaseException | None:
        """An error that was caught outside of torch."""
        for error in self.unanswered:
            outermost = error.__traceback__
            if outermost is None:
                continue
            file = outermost.tb_frame.f_code.co_filename
            if file in CONTEXTS or not file.startswith(("<", *_OTHERS)):
                return error
        return None


_TRACE: ContextVar[Trace | None] = ContextVar("_TRACE", default=None)


def trace_in_force() -> Trace | None:
    """The trace that can start again; None if there is none."""
    return _TRACE.get()


def is_left_alone() -> bool:
    """Whether torch traces by itself."""
    trace = _TRACE.get()
    return trace is not None and trace.alone is not None


def note_unanswered(error: BaseException) -> None:
    """Remember an error that is about to be raised where torch asks."""
    trace = _TRACE.get()
    if trace is not None:
        trace.unanswered.append(error)


def starting_again(original: Callable[..., Any]) -> Callable[..., Any]:
    """torch's `_non_strict_export`, which is called again as often as a trace wants it."""

    @wraps(original)
    def _non_strict_export(*args: Any, **options: Any) -> Any:
        trace = Trace(args[0] if args else options["mod"])
        token = _TRACE.set(trace)
        with ExitStack() as stack:
            stack.callback(trace.unanswered.clear)
            stack.callback(trace.put_back)
            stack.callback(_TRACE.reset, token)
            while True:
                try:
                    result = _attempt(trace, original, args, options)
                except Exception:
                    trace.forget_changes()
                    raise
                if trace.wanted is None:
                    if trace.swallowed() is not None:
                        trace.leave_to_torch()
                    elif not trace.writes_what_it_read(result):
                        return result
                    trace.without_state = True
                elif not trace.converts:
                    trace.converts = True
                    stack.enter_context(seen_as_numbers(trace.converted))
                    stack.enter_context(noticing_types(kind_of, trace.replace))
                trace.start_again()

    return _non_strict_export


def _attempt(
    trace: Trace, original: Callable[..., Any], args: Any, options: dict[str, Any]
) -> Any:
    """The result, which means nothing if the trace is wanted again."""
    try:
        result = original(*args, **options)
        for check in trace.checks:
            check()
        for one in trace.decided:
            note_decision(result.fake_mode.shape_env, one)
    except Again:
        return None
    except Exception:
        if trace.wanted is not None:
            return None
        if trace.alone is not None:
            raise trace.alone from None
        raise
    if trace.alone is not None and not _is_right(trace, result, args, options):
        raise trace.alone
    return result


def _is_right(trace: Trace, made: Any, args: Any, options: dict[str, Any]) -> bool:
    """Whether torch's own trace does the example as the model does; it is told that the
    program is torch's."""
    inputs, keywords = (_given(args, options, *one) for one in ((1, "args"), (2, "kwargs")))
    if not does_the_example(trace.model, made, inputs, keywords or {}):
        return False
    lines = str(trace.alone).strip().splitlines() or [""]
    text = f"the program's code catches torch's own error; what torch made of it: {lines[0]}"
    warnings.warn(text, SwallowedWarning, stacklevel=2)
    return True


def _given(args: Any, options: dict[str, Any], at: int, name: str) -> Any:
    return args[at] if len(args) > at else options[name]


# --------------------------------------------------------------------------- names in modules

_LOCK: Final = threading.Lock()
_USES: Final[Counter[tuple[int, str]]] = Counter()
"""How many traces need another value of a name: they may run in several threads."""


def _replace(module: dict[str, Any], name: str, value: Any) -> None:
    with _LOCK:
        _USES[id(module), name] += 1
        module[name] = value


def _put_back(module: dict[str, Any], name: str) -> None:
    with _LOCK:
        _USES[id(module), name] -= 1
        if not _USES[id(module), name]:
            del _USES[id(module), name]
            module.pop(name, None)
