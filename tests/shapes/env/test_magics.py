"""Cells of notebooks, run by a real IPython shell."""

import os

import pytest

from shapes import ContradictionError, ExpressionSyntaxError, ShapeEnv
from shapes.env import magics

if os.environ.get("CI"):
    import IPython
else:
    IPython = pytest.importorskip("IPython")

CELL = """
size b hint=8 min=1 max=64   # the batch
unbacked u size_like max=512
u <= 4*b
check u % 8 == 0
"""


def test_a_notebook() -> None:
    shell = IPython.core.interactiveshell.InteractiveShell.instance()
    shell.run_line_magic("load_ext", "shapes")
    shell.run_cell_magic("facts", "", CELL)
    env = shell.user_ns["env"]
    assert isinstance(env, ShapeEnv)
    assert env.prove(shell.user_ns["u"] <= 256)
    assert "line 4 of %%facts" in str(env)
    with IPython.utils.capture.capture_output() as shown:
        shell.run_cell_magic("prove", "", "u <= 256\nu <= 8 given b <= 2; u >= 1")
    told = [output.data["text/plain"] for output in shown.outputs]
    assert told[0].startswith("`u <= 256` always holds")
    assert told[1].startswith("`u <= 8` always holds")
    shell.clear_instance()


def test_statements_of_one_cell() -> None:
    env = ShapeEnv()
    assert magics.facts(env, CELL) == ["b", "u"]
    assert [len(env.checks), env.bounds("u").upper] == [1, 256]
    assert [v.status.name for v in magics.prove(env, "u == 3\nu >= 0")] == ["NEVER", "ALWAYS"]


@pytest.mark.parametrize(
    ("line", "error", "said"),
    [
        ("size n hint=x", ExpressionSyntaxError, "expected hint=NUMBER"),
        ("unbacked n hint=3", ExpressionSyntaxError, "expected min=NUMBER, max=NUMBER"),
        ("b > 64", ContradictionError, "b"),
    ],
)
def test_what_is_refused(line: str, error: type[Exception], said: str) -> None:
    env = ShapeEnv()
    magics.facts(env, CELL)
    before = str(env)
    with pytest.raises(error, match=said):
        magics.facts(env, line)
    assert str(env) == before
