"""Waiting for a solver that is at work in another thread, and stopping it.

Python's handlers of signals run in the main thread, between its own operations, so a library
that computes for seconds is called from another one. Whatever a handler raises meanwhile (an
interrupt, an error of the user's own) stops the solver first and is raised then.

Limits: a solver that does not stop soon is left behind, with what it is at work on.
"""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable
from typing import Any, Final

__all__ = ["StoppedError", "interruptible"]

WAITING: Final = 0.2
"""Seconds after which the main thread looks for signals while z3 is at work."""

LEAVING: Final = 0.5
"""Seconds that z3 has to stop after an interrupt."""


class StoppedError(BaseException):
    """What a handler of signals raised while z3 was at work (an interrupt, or an error of the
    user's own), and whether z3 did not answer to it: then its context stays with the thread
    at work."""

    def __init__(self, raised: BaseException, left_behind: bool) -> None:
        self.raised = raised
        self.left_behind = left_behind


def interruptible(solver: object, check: Callable[[], object]) -> Any:
    """What z3 answers. In the main thread, which alone receives signals, z3 runs in another
    one; an interrupt stops it, or leaves it behind where it does not stop soon."""
    if threading.current_thread() is not threading.main_thread():
        return check()
    answers: list[Any] = []
    done = threading.Event()

    def work() -> None:
        try:
            answers.append(check())
        except BaseException as error:  # raised again where it is waited for
            answers.append(error)
        finally:
            done.set()

    # (A thread that is joined counts as ended when the wait is interrupted; and the steps of
    # `Thread.start` raise errors of their own where a handler of signals raises among them.)
    try:
        _thread.start_new_thread(work, ())
        while not done.wait(WAITING):
            pass
    except BaseException as raised:
        raise StoppedError(raised, not _stopped(solver, done)) from None
    if isinstance(answers[0], BaseException):
        raise answers[0]
    return answers[0]


def _stopped(solver: Any, done: threading.Event) -> bool:
    """Stop z3; False if it does not stop soon, or a signal interrupts this wait too."""
    try:
        solver.ctx.interrupt()
        return done.wait(LEAVING)
    except BaseException:  # the first one is raised
        return False
