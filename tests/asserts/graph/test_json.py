"""Graphs as JSON: round trips, and damage of every kind."""

from __future__ import annotations

import json
import math
import operator
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asserts.errors import GraphError, InputError
from asserts.graph.equality import explain_difference
from asserts.graph.graph import Graph
from asserts.graph.json import BasicCodec, from_json, to_json
from asserts.graph.module import GraphModule, Module
from shapes.errors import SerializationError, ShapeproofError
from tests.asserts.graph_strategies import Example, examples, pack

CODEC = BasicCodec({"pack": pack})


def sample() -> GraphModule:
    graph = Graph()
    x, y = graph.placeholder("x"), graph.placeholder("y", default_value=2**60)
    add = graph.call_function(operator.add, (x, y))
    weight = graph.get_attr("w.c")
    inner_graph = Graph()
    inner_graph.output(inner_graph.call_method("bit_length", (inner_graph.placeholder("v"),)))
    inner = GraphModule(None, inner_graph, "Inner")
    called = graph.call_module("inner", (add,))
    again = graph.call_module("n.again", (called,))
    graph.output((again, [weight, {"k": add}], slice(None, called)))
    return GraphModule({"w.c": (1, None), "inner": inner, "n.again": inner}, graph, "Sample")


def same(a: object, b: object) -> bool:
    """Same type and value, nan included."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float) and isinstance(b, float):
        return math.isnan(a) == math.isnan(b) and (math.isnan(a) or repr(a) == repr(b))
    if isinstance(a, (tuple, list)) and isinstance(b, (tuple, list)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return same(list(a.items()), list(b.items()))
    return a == b


# -- round trips ------------------------------------------------------------------------------


@given(examples())
def test_round_trip_is_equal(example: Example) -> None:
    text = to_json(example.module, CODEC)
    module = from_json(text, CODEC)
    assert explain_difference(example.module, module, names=True) is None
    assert module(*example.inputs) == example.expected
    assert to_json(module, CODEC) == text


def test_everything_of_a_module_comes_back() -> None:
    module = sample()
    module.meta["note"] = "kept"
    nodes = list(module.graph.nodes)
    nodes[2].meta |= {"stack_trace": "line", "val": object(), "impure": object()}
    again = from_json(to_json(module, indent=1))
    assert explain_difference(module, again, names=True) is None
    assert again.class_name == "Sample"
    assert again.meta == {"note": "kept"}
    assert again.inner is again.get_attr("n.again")
    assert again.get_graph_module("inner").class_name == "Inner"
    assert type(again.get_submodule("n")) is Module
    read = list(again.graph.nodes)[2].meta
    assert read == {"stack_trace": "line", "impure": True}
    assert again(1) == module(1)


constants = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.sampled_from([2**53, 2**53 + 1, -(2**53) - 1, 3**200, -(3**200), -0.0]),
        st.floats(),
        st.text(),
        st.just(...),
        st.builds(slice, st.integers(), st.none(), st.integers()),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(st.text(), st.integers(), st.none()), inner, max_size=3),
    ),
    max_leaves=6,
)


@given(constants)
def test_constants_come_back_with_type_and_value(value: Any) -> None:
    graph = Graph()
    node = graph.call_function(max, ([value],), {"default": value})
    graph.output(graph.get_attr("constant"))
    node.meta["value"] = value
    module = GraphModule({"constant": value}, graph)
    again = from_json(to_json(module))
    read = next(iter(again.graph.nodes))
    assert same(again.constant, value)
    assert same(read.meta["value"], value)
    assert explain_difference(module, again) is None


def test_integers_too_long_for_decimal_text() -> None:
    for value in (10**5000, -(10**5000)):
        module = with_attribute(value)
        assert from_json(to_json(module)).a == value
        other = with_attribute(value + 1)
        for graph in (module.graph, other.graph):
            graph.output_node().args = (graph.owning_module.a,)  # type: ignore[union-attr]
        assert "args[0] is" in str(explain_difference(module, other))


def test_special_names_come_back() -> None:
    graph = Graph()
    x = graph.placeholder("x")
    graph.placeholder("max_1").name = "max_2"
    x.name = "max"
    graph.output((x,))
    again = from_json(to_json(GraphModule(None, graph)))
    assert [node.name for node in again.graph.nodes] == ["max", "max_2", "output"]


def test_shared_environments_and_input_checks() -> None:
    class Env:
        pass

    class WithEnv(BasicCodec):
        def encode_env(self, shape_env: object) -> object:
            assert isinstance(shape_env, Env)
            return {"kind": "env"}

        def decode_env(self, data: object) -> object:
            assert data == {"kind": "env"}
            return Env()

    def check(module: GraphModule, values: tuple[Any, ...]) -> None:
        raise InputError("refused")

    codec = WithEnv({"check": check})
    module = sample()
    inner = module.get_graph_module("inner")
    module.shape_env = inner.shape_env = Env()
    module.input_check = check
    again = from_json(to_json(module, codec), codec)
    assert isinstance(again.shape_env, Env)
    assert again.get_graph_module("inner").shape_env is again.shape_env
    with pytest.raises(InputError, match="refused"):
        again(1)
    with pytest.raises(SerializationError, match="cannot save an environment"):
        to_json(module, BasicCodec({"check": check}))
    module.shape_env = inner.shape_env = None
    with pytest.raises(SerializationError, match="has no registered name"):
        to_json(module)


def test_long_chains() -> None:
    graph = Graph()
    node = graph.placeholder("x")
    for _ in range(20_000):
        node = graph.call_function(operator.add, (node, 1))
    graph.output(node)
    assert from_json(to_json(GraphModule(None, graph)))(5) == 20_005


# -- what cannot be saved ---------------------------------------------------------------------


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", True.__class__, range(3)])
def test_unknown_constants_are_refused_by_name(value: object) -> None:
    graph = Graph()
    graph.output(graph.call_function(max, (value,)))
    kind = type(value).__name__
    with pytest.raises(SerializationError, match=f"'max_1': a constant of type {kind}"):
        to_json(GraphModule(None, graph))
    with pytest.raises(SerializationError, match=f"attribute 'a': a constant of type {kind}"):
        to_json(with_attribute(value))


@pytest.mark.parametrize("value", [1j, -0.0 - 2.5j, complex(float("nan"), float("inf"))])
def test_complex_numbers_come_back(value: complex) -> None:
    found = from_json(to_json(with_attribute(value))).get_attr("a")
    assert repr(found) == repr(value)


@pytest.mark.parametrize("parts", ["[1.0]", "[1.0, true]", '[1.0, "2"]', "2.0"])
def test_damaged_complex_numbers_are_refused(parts: str) -> None:
    text = to_json(with_attribute(1.5j)).replace("[0.0, 1.5]", parts)
    assert parts in text
    with pytest.raises(SerializationError):
        from_json(text)


def with_attribute(value: object) -> GraphModule:
    graph = Graph()
    graph.output(None)
    return GraphModule({"a": value}, graph)


def test_subclasses_of_plain_values_are_refused() -> None:
    pair = namedtuple("pair", "a b")
    for value in (pair(1, 2), type("MyInt", (int,), {})(3), type("MyStr", (str,), {})("x")):
        with pytest.raises(SerializationError):
            to_json(with_attribute(value))
    graph = Graph()
    x = graph.placeholder("x")
    graph.output(pair(x, [x]))
    with pytest.raises(SerializationError, match="a pair of nodes cannot be saved"):
        to_json(GraphModule(None, graph))


def test_unknown_functions_are_refused_by_node() -> None:
    graph = Graph()
    graph.output(graph.call_function(lambda: 1, name="mine"))
    with pytest.raises(SerializationError, match=r"'mine': function .* no registered name"):
        to_json(GraphModule(None, graph))


def test_a_broken_graph_is_not_saved() -> None:
    with pytest.raises(GraphError, match="no output"):
        to_json(GraphModule())


def test_strict_metadata() -> None:
    module = sample()
    next(iter(module.graph.nodes)).meta["val"] = object()
    with pytest.raises(SerializationError, match="node 'x': metadata 'val'"):
        to_json(module, BasicCodec(strict_meta=True))
    next(iter(module.graph.nodes)).meta = {3: 1}  # type: ignore[dict-item]
    with pytest.raises(SerializationError, match="key 3 is not a string"):
        to_json(module)


def test_a_codec_that_makes_no_json() -> None:
    class Wrong(BasicCodec):
        def encode_constant(self, value: object) -> object:
            return value

    with pytest.raises(SerializationError, match="is not JSON"):
        to_json(with_attribute(object()), Wrong())
    with pytest.raises(SerializationError, match="is not JSON"):
        to_json(with_attribute(math.nan), Wrong())


def test_names_of_functions() -> None:
    class Unhashable:
        __hash__ = None  # type: ignore[assignment]

        def __call__(self) -> int:
            return 1

        def method(self) -> int:
            return 2

    function = Unhashable()
    codec = BasicCodec({"one": function, "upper": "x".upper})
    assert codec.encode_target(function) == "one"
    assert codec.decode_target("one") is function
    assert codec.encode_target(operator.add) == "operator.add"
    assert codec.encode_target(min) == "builtins.min"
    codec.register("one", function)
    with pytest.raises(ValueError, match="another function already"):
        codec.register("one", max)
    with pytest.raises(SerializationError, match="unknown function"):
        codec.decode_target("os.system")


# -- damage -----------------------------------------------------------------------------------


def damaged(change: Callable[[dict[str, Any]], object]) -> str:
    document = json.loads(to_json(sample()))
    change(document)
    return json.dumps(document)


def node_of(document: dict[str, Any], index: int) -> dict[str, Any]:
    node = document["modules"][0]["nodes"][index]
    assert isinstance(node, dict)
    return node


Damaged, NoGraph = SerializationError, GraphError

DAMAGES: list[tuple[str, type[ShapeproofError], Callable[[dict[str, Any]], object]]] = [
    ("not a saved shapeproof-graph", Damaged, lambda d: d.update(format="other")),
    ("version 2", Damaged, lambda d: d.update(version=2)),
    ("version True", Damaged, lambda d: d.update(version=True)),
    ("envs is missing", Damaged, lambda d: d.pop("envs")),
    ("cannot read an env", Damaged, lambda d: d.update(envs=[1])),
    ("modules should be a list", Damaged, lambda d: d.update(modules={})),
    ("first module should", Damaged, lambda d: d.update(modules=[])),
    ("no environment 3", Damaged, lambda d: d["modules"][0].update(env=3)),
    ("module of kind graph or", Damaged, lambda d: d["modules"][0].update(kind="x")),
    ("modules[0].class_name should be text", Damaged, lambda d: d["modules"][0].update(class_name=1)),
    ("modules[0].meta should be an object", Damaged, lambda d: d["modules"][0].update(meta=[])),
    ("unknown function 'f'", Damaged, lambda d: d["modules"][0].update(input_check="f")),
    (
        "there is no module 17",
        Damaged,
        lambda d: d["modules"][0]["attributes"].update(inner={"module": 17}),
    ),
    (
        "cannot contain itself",
        NoGraph,
        lambda d: d["modules"][0]["attributes"].update(inner={"module": 0}),
    ),
    (
        "'graph' is taken",
        NoGraph,
        lambda d: d["modules"][0]["attributes"].update(graph={"const": 1}),
    ),
    (
        "is neither a module nor a constant",
        Damaged,
        lambda d: d["modules"][0]["attributes"].update(inner={}),
    ),
    (
        "not reached from the first",
        Damaged,
        lambda d: d["modules"].append({"kind": "namespace", "attributes": {}}),
    ),
    (
        "the module has no attribute 'inner'",
        NoGraph,
        lambda d: d["modules"][0]["attributes"].pop("inner"),
    ),
    ("nodes[7] should be an object", Damaged, lambda d: d["modules"][0]["nodes"].append(3)),
    ("no output", NoGraph, lambda d: d["modules"][0]["nodes"].pop()),
    ("nodes[0].name is missing", Damaged, lambda d: node_of(d, 0).pop("name")),
    ("'x': another node has the", NoGraph, lambda d: node_of(d, 1).update(name="x")),
    ("valid identifier", NoGraph, lambda d: node_of(d, 6).update(name="a b")),
    ("unknown op 'jump'", NoGraph, lambda d: node_of(d, 2).update(op="jump")),
    ("'add': unknown function", Damaged, lambda d: node_of(d, 2).update(target="eval")),
    ("nodes[2].target is missing", Damaged, lambda d: node_of(d, 2).pop("target")),
    ("nodes[2].args should be a list", Damaged, lambda d: node_of(d, 2).update(args=1)),
    ("'add' uses 'zz', which is not", NoGraph, lambda d: arg(d, {"node": "zz"})),
    ("'add' uses 'w_c' before its def", NoGraph, lambda d: arg(d, {"node": "w_c"})),
    ("'add' uses itself", NoGraph, lambda d: arg(d, {"node": "add"})),
    ("a node's name should be", Damaged, lambda d: arg(d, {"node": 1})),
    ("unknown kind of argument", Damaged, lambda d: arg(d, {"set": []})),
    ("not an argument", Damaged, lambda d: arg(d, {"tuple": [], "list": []})),
    ("not an argument", Damaged, lambda d: arg(d, [1])),
    ("content of a tuple", Damaged, lambda d: arg(d, {"tuple": 1})),
    ("a slice of 2 parts", Damaged, lambda d: arg(d, {"slice": [1, 2]})),
    ("should be a pair", Damaged, lambda d: arg(d, {"dict": [[1]]})),
    ("should be a constant", Damaged, lambda d: arg(d, {"dict": [[{"node": "x"}, 1]]})),
    ("not a key", Damaged, lambda d: arg(d, {"dict": [[{"const": {"list": []}}, 1]]})),
    ("not a constant", Damaged, lambda d: arg(d, {"const": [1]})),
    ("not a constant", Damaged, lambda d: arg(d, {"const": {"float": "1.0"}})),
    ("not a constant", Damaged, lambda d: arg(d, {"const": {"slice": [1]}})),
    ("not a long integer", Damaged, lambda d: arg(d, {"const": {"int": "12z"}})),
    ("a long integer should", Damaged, lambda d: arg(d, {"const": {"int": 12}})),
    ("not a key", Damaged, lambda d: arg(d, {"const": {"dict": [[{"list": []}, 1]]}})),
    ("nested more than", Damaged, lambda d: arg(d, deep({}, "tuple"))),
    ("nested more than", Damaged, lambda d: arg(d, {"const": deep({}, "list")})),
]


def arg(document: dict[str, Any], value: object) -> None:
    node_of(document, 2)["args"][0] = value


def deep(inner: object, kind: str) -> object:
    for _ in range(200):
        inner = {kind: [inner]}
    return inner


@pytest.mark.parametrize(("message", "kind", "change"), DAMAGES, ids=[d[0] for d in DAMAGES])
def test_damage_is_named(
    message: str, kind: type[ShapeproofError], change: Callable[[dict[str, Any]], object]
) -> None:
    with pytest.raises(kind) as caught:
        from_json(damaged(change))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{",
        '{"format": "shapeproof-graph"}',
        "\x00",
        "[" * 100_000,
        "1" * 5000,
        '{"format": NaN}',
        '{"version": 1, "version": 1}',
    ],
    ids=range(10),
)
def test_text_that_is_no_graph(text: str) -> None:
    with pytest.raises(SerializationError):
        from_json(text)


def test_truncated_text() -> None:
    text = to_json(sample())
    for end in range(0, len(text), 7):
        with pytest.raises(SerializationError, match="this is not complete JSON"):
            from_json(text[:end])


@given(st.data())
def test_any_damage_is_one_of_our_errors(data: st.DataObject) -> None:
    """Cut or replaced anywhere, the text is refused by us or is a graph that lints."""
    document = json.loads(to_json(sample()))
    places: list[tuple[Any, Any]] = []
    waiting: list[Any] = [document]
    while waiting:
        container = waiting.pop()
        keys = container if isinstance(container, dict) else range(len(container))
        for key in keys:
            places.append((container, key))
            if isinstance(container[key], (dict, list)):
                waiting.append(container[key])
    container, key = data.draw(st.sampled_from(places))
    container[key] = data.draw(
        st.sampled_from([None, 1, -1, "x", "", [], {}, True, 1.5, {"node": "x"}, [[]], "add"])
    )
    try:
        module = from_json(json.dumps(document))
    except (SerializationError, GraphError):
        return
    for nested in module.modules():
        nested.graph.lint()
