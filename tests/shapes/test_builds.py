"""What must hold in both builds, where a compiled one could easily differ."""

from __future__ import annotations

import gc
import operator
import pickle
import subprocess
import sys
import weakref
from typing import Any

import numpy as np
import pytest

import shapes
from shapes import COMPILED, ShapeEnv, make, substitute, symbol
from shapes.errors import DataDependentError
from shapes.expr import nodes as kernel

x = symbol("x")


def test_the_flag_tells_the_build() -> None:
    assert kernel.__file__.endswith(".py") is not COMPILED


@pytest.mark.parametrize("make_one", [lambda: x * 7 + 1, lambda: ShapeEnv().size("n") // 3])
def test_weak_references_are_told(make_one: Any) -> None:
    told: list[object] = []
    one = make_one()
    first, second = weakref.ref(one), weakref.ref(one, told.append)
    assert first() is one
    del one
    assert first() is None
    assert told == [second]
    assert not hasattr(make_one(), "_weakrefs")


@pytest.mark.skipif(not COMPILED, reason="of a module in C")
def test_what_is_no_node_stays_followed_by_the_collector() -> None:
    """A module in C that is left beside interpreted sources meets classes it does not know."""
    from shapes._native import entry

    class Other:
        parts: object = ()

    one = Other()
    one.parts = (one,)
    assert entry(one)() is one
    assert gc.is_tracked(one.parts)
    assert gc.is_tracked(entry(one))


def test_deep_nodes_go_without_recursion() -> None:
    deep = x
    for _ in range(50_000):
        deep = (deep + 1) // 3
    held = weakref.ref(deep)
    del deep
    assert held() is None


def test_what_is_weakly_referenced_can_be_saved() -> None:
    n = ShapeEnv().size("n", hint=4)
    held = weakref.ref(n)
    again = pickle.loads(pickle.dumps(n))
    assert held() is n
    assert again.env["n"].expr is again.expr
    assert again.expr is n.expr


def test_a_value_that_is_known_is_an_index() -> None:
    env = ShapeEnv()
    n, u = env.size("n", hint=2), env.unbacked("u")
    assert "abc"[operator.index(n)] == "c"
    with pytest.raises(DataDependentError):
        operator.index(u)


class Odd(int):
    """An integer with an operator of its own."""

    def __mul__(self, other: object) -> Any:
        raise AssertionError("asked")

    __rmul__ = __add__ = __radd__ = __mul__


@pytest.mark.parametrize("value", [3, 1 << 62, -(1 << 62) - 1, 1 << 200])
def test_integers_of_other_classes_are_plain_ones(value: int) -> None:
    assert x + Odd(value) is x + value
    assert make("Mul", x, Odd(value)) is x * value
    assert type((x + Odd(value)).constant) is int


def test_doubles_of_other_classes_are_plain_ones() -> None:
    f = symbol("f", "float")
    assert f + np.float64(2.5) is f + 2.5
    assert str(f + np.float64(2.5)) == "f + 2.5"


def test_numbers_can_be_put_in() -> None:
    y = symbol("y")
    assert substitute(3 * x + 1, {x: 5}).value == 16
    assert substitute((x * y) // 7, {x: 5, y: 3}).value == 2


_INTERRUPTED = """
import signal
from shapes import ShapeEnv
signal.signal(signal.SIGALRM, signal.default_int_handler)
env = ShapeEnv()
n, m = env.size("n"), env.size("m")
for _ in range(60):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.002)
        while True:
            (n * 3 + m * 5) * 7 - n * 2
    except KeyboardInterrupt:
        pass
assert n * 3 - n - n - n == 0
assert env.prove(n + m >= n).proved
"""

_INTERRUPTED_SOLVER = """
import os, signal, threading, time
from shapes import ShapeEnv
from shapes.witness import smt
import z3
check = z3.Solver.check
def interrupted(self, *arguments):
    timer = threading.Timer(0.003, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    answer = check(self, *arguments)
    timer.join()
    return answer
z3.Solver.check = interrupted
env = ShapeEnv()
a, b, c, d = (env.integer(name) for name in "abcd")
env.assume(a * a * a + b * b * b == c * c * c + 7)
try:
    env.prove(a * b * c > d * d + c * a % 7, effort="quick")
except KeyboardInterrupt:
    print("interrupted")
z3.Solver.check = check
time.sleep(0.01)
assert env.prove(a * a >= 0).proved
"""

_TIMED_OUT = """
import signal, time
from shapes import ShapeEnv
from shapes.witness import smt
import z3
waiting, check = [], z3.Solver.check
def timed_out(*_):
    if waiting:
        waiting.clear()
        raise TimeoutError("the user's own")
def slow(self, *arguments):
    waiting.append(1)
    time.sleep(0.05)
    return check(self, *arguments)
z3.Solver.check = slow
signal.signal(signal.SIGALRM, timed_out)
env = ShapeEnv()
a, b, c, d = (env.integer(name) for name in "abcd")
env.assume(a * a * a + b * b * b == c * c * c + 7)
for i in range(8):
    signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
    try:
        env.prove(a * b * c > d * d + c * a % (7 + i), effort="default")
        print("answered")
    except TimeoutError:
        pass
    signal.setitimer(signal.ITIMER_REAL, 0)
    waiting.clear()
z3.Solver.check = check
assert env.prove(a * a >= 0).proved
print("timed out")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no interval timers")
@pytest.mark.parametrize(
    ("program", "printed"),
    [
        (_INTERRUPTED, ""),
        (_INTERRUPTED_SOLVER, "interrupted"),
        (_TIMED_OUT, "timed out"),
    ],
    ids=["products", "solver", "errors of a handler's own"],
)
def test_an_interrupt_is_raised_and_nothing_breaks(program: str, printed: str) -> None:
    root = shapes.__file__.rsplit("shapes", 1)[0]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, printed), done.stderr
