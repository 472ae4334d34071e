"""Readable text of graphs."""

from __future__ import annotations

import ast
import functools
import operator
from typing import Any

import pytest
from hypothesis import given

from asserts.graph.graph import Graph
from asserts.graph.module import GraphModule
from asserts.graph.printing import describe_value, format_node, format_target, user_line
from tests.asserts.graph_strategies import Example, examples


class Described:
    def __init__(self, text: str) -> None:
        self.text = text

    def describe(self) -> str:
        return self.text


class Array:
    def __init__(self, dtype: str, *shape: object) -> None:
        self.dtype = dtype
        self.shape = shape


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


def test_a_module_reads_like_python(capsys: pytest.CaptureFixture[str]) -> None:
    inner_graph = Graph()
    inner_graph.output(inner_graph.call_method("sum", (inner_graph.placeholder("v"),)))
    inner = GraphModule(None, inner_graph, "Inner")

    graph = Graph()
    x, n = graph.placeholder("x"), graph.placeholder("n", default_value=2)
    x.meta["val"] = Described("f64[b, 128]")
    n.meta["val"] = "int"
    k = graph.placeholder("k", default_value=None)
    add = graph.call_function(operator.add, (x, n))
    add.meta["val"] = Array("float64", "b", 128)
    add.meta["stack_trace"] = 'File "model.py", line 12, in f\n    y = x + n'
    part = graph.call_function(operator.getitem, (add, (slice(None, 3), ..., k)))
    part.meta["stack_trace"] = add.meta["stack_trace"]
    weight = graph.get_attr("layers.0.weight")
    called = graph.call_module("inner", (part,))
    best = graph.call_function(max, ([called, weight],), {"default": -1})
    graph.output((best, called))
    attributes = {"layers.0.weight": 3.5, "inner": inner, "again": inner}
    module = GraphModule(attributes, graph, "Model")

    expected = """\
class Model:
    def forward(self, x: f64[b, 128], n: int = 2, k=None):
        # model.py:12 in f: y = x + n
        add: f64[b, 128] = x + n
        getitem = add[:3, ..., k]
        layers_0_weight = getattr(self.layers, "0").weight
        inner = self.inner(getitem)
        max_1 = max([inner, layers_0_weight], default=-1)
        return (max_1, inner)

    class inner(Inner):
        def forward(self, v):
            sum_1 = v.sum()
            return sum_1"""
    assert module.print_readable(print_output=False) == expected
    assert capsys.readouterr().out == ""
    assert module.print_readable() == str(module) == expected
    assert capsys.readouterr().out == expected + "\n"
    assert module.code == str(graph)
    assert module.code.startswith("def forward(self, x: f64[b, 128], n: int = 2, k=None):\n")
    assert repr(module) == "<Model with 9 nodes>"


@pytest.mark.parametrize(
    ("function", "args", "text"),
    [
        (operator.neg, ("x",), "-x"),
        (operator.not_, ("x",), "not x"),
        (operator.pow, (-2, "x"), "(-2) ** x"),
        (operator.is_not, ("x", None), "x is not None"),
        (operator.getitem, ("x", slice(None, None, 2)), "x[::2]"),
        (operator.getitem, ("x", (1,)), "x[1,]"),
        (operator.getitem, ("x", ()), "x[()]"),
        (operator.getitem, ("x", slice(1, "x")), "x[1:x]"),
        (max, ((1,), {"a": "x"}, slice(1, "x")), "max((1,), {'a': x}, slice(1, x, None))"),
        (operator.concat, ("x", "x"), "operator.concat(x, x)"),
        (ast.parse, ("x",), "ast.parse(x)"),
        (max, (Broken(), abs), "max(<Broken: RuntimeError>, abs)"),
    ],
)
def test_calls(function: Any, args: tuple[Any, ...], text: str) -> None:
    graph = Graph()
    x = graph.placeholder("x")

    def put(a: object) -> Any:
        if isinstance(a, tuple):
            return tuple(map(put, a))
        if isinstance(a, dict):
            return {key: put(value) for key, value in a.items()}
        if isinstance(a, slice):
            return slice(put(a.start), put(a.stop), put(a.step))
        return x if isinstance(a, str) else a

    node = graph.call_function(function, put(args), name="node")
    assert format_node(node) == f"node = {text}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Described("u0"), "u0"),
        (Described("two\nlines"), "two lines"),
        (Array("torch.bfloat16", 2), "bf16[2]"),
        (Array("bool"), "bool[]"),
        (Array("uint8", 0, "s0"), "u8[0, s0]"),
        ((Array("int32", 1), 3), "(i32[1], 3)"),
        ([(True,)], "[(True,)]"),
        (None, "None"),
        (Broken(), "<Broken: RuntimeError>"),
        ("x" * 500, "x" * 197 + "..."),
    ],
)
def test_described_values(value: object, text: str) -> None:
    assert describe_value(value) == text


def test_integers_too_long_for_decimal_text() -> None:
    value = 10**5000
    assert describe_value(value) == hex(value)
    node = Graph().call_function(max, (value,))
    assert format_node(node) == f"max_1 = max({hex(value)})"


def test_long_signatures_are_broken() -> None:
    graph = Graph()
    for i in range(20):
        graph.placeholder(f"parameter_{i}")
    graph.output(None)
    lines = str(graph).splitlines()
    assert lines[:3] == ["def forward(", "    self,", "    parameter_0,"]
    assert lines[-2:] == ["):", "    return None"]


@pytest.mark.parametrize(
    ("trace", "line"),
    [
        (None, None),
        (" \n", None),
        ("plain words", "plain words"),
        ('File "a", line 1, in f\n  g()\nFile "b", line 2, in g\n  h()', "b:2 in g: h()"),
        ('File "a.py", line 1', "a.py:1"),
    ],
)
def test_user_lines(trace: str | None, line: str | None) -> None:
    node = Graph().placeholder("x")
    node.meta["stack_trace"] = trace
    assert user_line(node) == line


def test_unusual_targets() -> None:
    partial = functools.partial(max, 1)
    assert format_target(partial) == "functools.partial(<built-in function max>, 1)"
    graph = Graph()
    assert format_node(graph.create_node("call_function", "text", (1,))) == "text = 'text'(1)"
    assert str(Graph()) == "def forward(self):\n    pass"


@given(examples())
def test_the_text_is_python_when_nothing_is_annotated(example: Example) -> None:
    tree = ast.parse(example.module.code)
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    placeholders = example.module.graph.find_nodes(op="placeholder")
    assert len(function.body) == len(example.module.graph.nodes) - len(placeholders)
