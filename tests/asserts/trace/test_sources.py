"""Functions that are named by text: where they are found, and what their inputs are."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from asserts.cli import main
from asserts.errors import TraceError
from asserts.trace.sources import traced_from

SOURCE = """
import sys
import numpy as np
import asserts
import neighbour

class Model:
    @staticmethod
    def static(x): return x * 2
    @classmethod
    def of_class(cls, x): return x * 2
    def method(self, x): return x * 2
    class Inner:
        def method(self, x): return x * 2

class Sized:
    def __init__(self, size): self.size = size
    def method(self, x): return x * self.size

class Called:
    def __call__(self, x): return x * 2

model = Sized(2)
called = Called()
number = 3

def none(): return np.zeros(3)
def defaults(x, k=2): return x * k
def positional(x, /, y): return x + y
def keyword(x, *, y): return x + y
def keywords(**arrays): return arrays["x"] * 2
def like_trace(env, modules): return env + modules
def inner_import(x):
    import neighbour
    return x * neighbour.two()
def range_of(x): return x + neighbour.index(x.shape[0])
def fails(x): return neighbour.fails(x)
def exits(x): sys.exit(4)
"""

NEIGHBOUR = """
import numpy as np
def two(): return 2
def index(n): return np.arange(n)
def fails(x): raise KeyError("no such thing")
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "neighbour.py").write_text(NEIGHBOUR)
    path = tmp_path / "program.py"
    path.write_text(SOURCE)
    return str(path)


@pytest.mark.parametrize(
    "name",
    [
        "Model.static", "Model.of_class", "Model.method", "Model.Inner.method", "model.method",
        "called", "defaults", "inner_import", "keywords",
    ],
)  # fmt: skip
def test_what_can_be_named(file: str, name: str) -> None:
    program = traced_from(f"{file}:{name}", ["x=n"])
    assert np.array_equal(program(np.arange(3.0)), 2 * np.arange(3.0))


@pytest.mark.parametrize("name", ["positional", "keyword"])
def test_kinds_of_parameters(file: str, name: str) -> None:
    program = traced_from(f"{file}:{name}", ["y=n", "x=n"])
    assert np.array_equal(program(np.ones(2), np.ones(2)), 2 * np.ones(2))


def test_parameters_called_like_those_of_trace(file: str) -> None:
    program = traced_from(f"{file}:like_trace", ["env=n", "modules=n"])
    assert [n.name for n in program.graph.nodes if n.op == "placeholder"] == ["env", "modules"]


def test_a_function_without_inputs(file: str) -> None:
    assert np.array_equal(traced_from(f"{file}:none")(), np.zeros(3))


def test_further_modules(file: str) -> None:
    program = traced_from(f"{file}:range_of", ["x=n"], ["neighbour"])
    assert np.array_equal(program(np.zeros(3)), np.arange(3))


def test_a_module_of_the_current_folder(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(file).parent
    (folder / "beside_only_here.py").write_text("def f(x): return x + 1\n")
    monkeypatch.chdir(folder)
    assert traced_from("beside_only_here:f", ["x=n"])(np.zeros(1)) == 1


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("nothing", [], "there is no function 'nothing'"),
        ("positionel", [], "did you mean 'positional'"),
        ("Model.nothing", [], "'Model.nothing'"),
        ("Model", ["x=n"], "is a class; name one of its methods"),
        ("Sized.method", ["x=n"], r"Sized\(...\) needs arguments"),
        ("number", [], "is not a function"),
        ("none", ["x=n"], "has no parameter 'x'; it has none"),
        ("defaults", ["z=n"], "has no parameter 'z'; its parameters are x, k"),
        ("defaults", ["x=n", "x=m"], "--input x=m: the shape of 'x' is given twice"),
        ("defaults", [], r"not known \(x\)"),
        ("positional", ["x=n"], r"not known \(y\)"),
        ("defaults", ["x"], "--input x: expected NAME=DIM,DIM:DTYPE"),
        ("defaults", ["x=n,,3"], "--input x=n,,3"),
        ("defaults", ["x=,"], "--input x=,"),
        ("defaults", ["x=n:float99"], "--input x=n:float99: 'float99'"),
        ("defaults", ["x=n+"], "'n\\+'"),
        ("defaults", ["2=n"], "NAME=DIM"),
        ("exits", ["x=n"], r"calls sys.exit\(4\)"),
    ],
)
def test_what_is_refused(file: str, name: str, options: list[str], says: str) -> None:
    with pytest.raises(TraceError, match=says):
        traced_from(f"{file}:{name}", options)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import sys; sys.exit('bye')", r"calls sys.exit\('bye'\)"),
        ("raise SystemExit", r"calls sys.exit\(None\)"),
        ("def f(:", "SyntaxError"),
        ("1/0", "ZeroDivisionError: division by zero"),
        ("import no_such_module_at_all", "No module named 'no_such_module_at_all'"),
    ],
)
def test_modules_that_cannot_be_loaded(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "broken.py"
    path.write_text(text)
    with pytest.raises(TraceError, match=says):
        traced_from(f"{path}:f", ["x=n"])
    assert "broken" not in sys.modules


def test_what_was_there_before_stays(file: str) -> None:
    path, modules = list(sys.path), set(sys.modules)
    traced_from(f"{file}:range_of", ["x=n"], ["neighbour"])
    with pytest.raises(TraceError):
        traced_from(f"{file}:nothing", ["x=n"])
    assert sys.path == path
    assert {"program", "neighbour"}.isdisjoint(set(sys.modules) - modules)


def test_files_of_packages(tmp_path: Path) -> None:
    inner = tmp_path / "outer_package" / "inner"
    inner.mkdir(parents=True)
    for folder in (inner, inner.parent):
        (folder / "__init__.py").write_text("")
    (inner.parent / "shared.py").write_text("def two(): return 2\n")
    (inner / "absolute.py").write_text("def one(): return 1\n")
    (inner / "main.py").write_text(
        "from ..shared import two\nimport absolute\n"
        "def f(x): return x + two() + absolute.one()\n"
    )
    path = list(sys.path)
    program = traced_from(f"{inner / 'main.py'}:f", ["x=n"])
    assert float(program(np.zeros(1))[0]) == 3
    assert sys.path == path
    assert not any(name.startswith("outer_package") for name in sys.modules)


def test_neighbours_of_the_same_name(tmp_path: Path) -> None:
    programs = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "helper.py").write_text(f"def value(): return {number}\n")
        (folder / "main.py").write_text("import helper\ndef f(x): return x + helper.value()\n")
        programs.append(traced_from(f"{folder / 'main.py'}:f", ["x=n"]))
    assert [float(program(np.zeros(1))[0]) for program in programs] == [1, 2]


@pytest.mark.parametrize("name", ["json", "shapes", "asserts", "numpy", "typing"])
def test_files_called_like_modules_that_are_loaded(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.py"
    path.write_text("def f(x): return x[:x.shape[0] // 2]\n")
    assert len(traced_from(f"{path}:f", ["x=n"])(np.zeros(4))) == 2
    assert sys.modules["json"] is json


def test_input_contracts_name_their_option(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    program = traced_from(f"{file}:positional", ["x=n", "y=n"])
    env = program.shape_env
    assert env is not None
    assert "input contract (from --input)" in [fact.provenance for fact in env.facts]
    assert main(["report", f"{file}:positional", "--input", "x=-1", "--input", "y=n"]) == 2
    assert "from --input" in capsys.readouterr().err


def test_input_contracts_of_a_decorator_name_its_line() -> None:
    program = traced_from("asserts.examples.route_tokens:route_tokens")
    env = program.shape_env
    assert env is not None
    provenance = [fact.provenance for fact in env.facts if fact.origin == "contract"]
    assert provenance
    assert all("route_tokens.py" in text and "@asserts.inputs" in text for text in provenance)
