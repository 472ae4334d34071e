"""Graph modules: attributes, execution, input binding, errors, copies."""

from __future__ import annotations

import copy
import operator
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from asserts.errors import GraphError, InputError, RuntimeAssertionError, TraceError
from asserts.graph.equality import graphs_equal
from asserts.graph.graph import Graph
from asserts.graph.module import GraphModule, Module
from shapes.errors import ShapeproofError
from tests.asserts.graph_strategies import Example, examples


def unary(function: Callable[..., Any] = operator.neg, *more: object) -> GraphModule:
    graph = Graph()
    graph.output(graph.call_function(function, (graph.placeholder("x"), *more)))
    return GraphModule(None, graph)


# -- attributes -------------------------------------------------------------------------------


def test_attributes_by_path_and_by_name() -> None:
    module = GraphModule({"weight": 3, "block.bias": 4}, Graph())
    inner = unary()
    assert module.add_submodule("layers.0", inner)
    module.scale = 5
    assert module.get_attr("scale") == module.scale == 5
    assert module.get_attr("block.bias") == 4
    assert module.get_submodule("layers.0") is inner
    assert module.get_graph_module("layers.0") is inner
    assert module.get_submodule("") is module
    assert [path for path, _ in module.named_modules()] == ["", "layers.0"]
    assert list(module.modules()) == [module, inner]
    assert [name for name, _ in module.named_children()] == ["block", "layers"]
    assert "scale" in dir(module)
    del module.scale
    assert not hasattr(module, "scale")
    with pytest.raises(AttributeError, match="scale"):
        del module.scale
    module.del_attr("block.bias")
    assert module.find_attr("block.bias", "none") == "none"


def test_wrong_paths_are_named() -> None:
    module = GraphModule({"weight": 3}, Graph())
    with pytest.raises(GraphError, match=r"no attribute 'a.b' \(it has 'weight'\)"):
        module.get_attr("a.b")
    with pytest.raises(GraphError, match="'weight' is a int, not a module"):
        module.get_submodule("weight")
    with pytest.raises(GraphError, match="leads through 'weight', which is not a module"):
        module.set_attr("weight.x", 1)
    with pytest.raises(GraphError, match="is not a module"):
        module.add_submodule("a", 3)  # type: ignore[arg-type]
    with pytest.raises(GraphError, match="'modules' is taken"):
        module.set_attr("modules", 1)
    with pytest.raises(GraphError, match="is not the name"):
        module.set_attr("a..b", 1)
    module.add_submodule("names", Module())
    with pytest.raises(GraphError, match="has no graph"):
        module.get_graph_module("names")
    with pytest.raises(GraphError, match="needs a Graph"):
        module.graph = 3  # type: ignore[assignment]


def test_a_module_cannot_contain_itself() -> None:
    outer, inner = GraphModule(), GraphModule()
    outer.add_submodule("a.b", inner)
    with pytest.raises(GraphError, match="cannot contain itself"):
        inner.add_submodule("up", outer)
    with pytest.raises(GraphError, match="cannot contain itself"):
        outer.add_submodule("a.c", outer)
    assert [path for path, _ in outer.named_modules()] == ["", "a.b"]


def test_a_shared_module_is_seen_once() -> None:
    inner = unary()
    module = GraphModule({"a": inner, "b": inner, "c.d": unary()}, Graph())
    assert [path for path, _ in module.named_modules()] == ["", "a", "c.d"]


def test_root_gives_the_attributes() -> None:
    first = GraphModule({"weight": [1]}, Graph())
    second = GraphModule(first, Graph(), "Second")
    assert second.weight is first.weight
    assert second.class_name == "Second"


def test_unused_submodules_go() -> None:
    graph = Graph()
    graph.output(graph.call_module("a.used", (graph.placeholder("x"),)))
    names = ["a.used", "a.unused", "unused", "b.c"]
    module = GraphModule({name: unary() for name in names}, graph)
    module.delete_all_unused_submodules()
    assert [path for path, _ in module.named_modules()] == ["", "a.used"]
    assert module(3) == -3


# -- execution --------------------------------------------------------------------------------


@given(examples())
def test_execution_is_direct_evaluation(example: Example) -> None:
    example.module.graph.lint()
    assert example.module(*example.inputs) == example.expected
    names = [n.name for n in example.module.graph.nodes if n.op == "placeholder"]
    assert example.module(**dict(zip(names, example.inputs))) == example.expected


def test_every_op_runs() -> None:
    graph = Graph()
    x = graph.placeholder("x")
    weight = graph.get_attr("weight")
    called = graph.call_module("inner", (x,))
    upper = graph.call_method("upper", ("abc",))
    split = graph.call_method("split", (upper,), {"sep": "B"})
    graph.output({"all": [weight, called, split], "slice": slice(x, None)})
    module = GraphModule({"weight": 2.5, "inner": unary(operator.add, 1)}, graph)
    assert module(4) == {"all": [2.5, 5, ["A", "C"]], "slice": slice(4, None)}


def test_called_functions_get_lists_of_their_own() -> None:
    seen: list[list[int]] = []
    graph = Graph()
    x = graph.placeholder("x", default_value=[1])

    def keep(items: list[int]) -> list[int]:
        seen.append(items)
        return items

    made = graph.call_function(keep, ([x, 2],))
    graph.output((x, made))
    module = GraphModule(None, graph)
    first, second = module(), module()
    first[0].append(9)
    first[1].append(9)
    assert second == ([1], [[1], 2])
    assert type(second[1]) is list
    assert module() == second


def test_changes_are_seen_without_recompiling() -> None:
    module = unary()
    assert module(3) == -3
    node = module.graph.find_nodes(op="call_function")[0]
    node.target = abs
    assert module(-3) == 3
    with module.graph.inserting_before(node):
        new = module.graph.call_function(operator.mul, (node.args[0], 10))
    node.args = (new,)
    assert module(-3) == 30
    module.recompile()
    assert module(-3) == 30
    module.graph = unary().graph
    assert module(3) == -3


class Value:
    """Something that a weak reference can point to."""


def test_values_are_freed_after_their_last_use() -> None:
    alive: list[weakref.ref[Value]] = []

    def make(previous: object) -> Value:
        value = Value()
        alive.append(weakref.ref(value))
        return value

    def living(previous: object) -> int:
        return sum(1 for ref in alive if ref() is not None)

    graph = Graph()
    node = graph.placeholder("x")
    for _ in range(5):
        node = graph.call_function(make, (node,))
    graph.call_function(make, (node,))
    count = graph.call_function(living, (0,))
    graph.output((count, node))
    assert GraphModule(None, graph)(0)[0] == 1


def test_a_graph_without_output_does_not_run() -> None:
    graph = Graph()
    graph.placeholder("x")
    with pytest.raises(GraphError, match="no output"):
        GraphModule(None, graph)(1)


# -- inputs -----------------------------------------------------------------------------------


def with_inputs() -> GraphModule:
    graph = Graph()
    x, y = graph.placeholder("x"), graph.placeholder("max")
    z = graph.placeholder("z", default_value=(1, 2))
    graph.output((x, y, z))
    return GraphModule(None, graph)


def test_inputs_are_bound_by_position_and_name() -> None:
    module = with_inputs()
    assert module(1, 2) == (1, 2, (1, 2))
    assert module(1, max=2, z=3) == (1, 2, 3)
    assert module(1, max_1=2) == (1, 2, (1, 2))


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((1,), {}, "missing input 'max'; the graph's parameters are: x, max, z"),
        ((), {}, "missing inputs 'x', 'max'"),
        ((1, 2, 3, 4), {}, "4 positional inputs given, but the graph has 3 parameters"),
        ((1, 2), {"w": 1}, "unknown input 'w'; the graph's parameters are: x, max, z"),
        ((1, 2), {"x": 1}, "input 'x' is given twice"),
        ((1,), {"max": 1, "max_1": 1}, "input 'max' is given twice"),
    ],
)
def test_inputs_that_do_not_fit(args: Any, kwargs: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        with_inputs()(*args, **kwargs)
    assert message in str(caught.value)


def test_two_placeholders_with_one_target_are_told_apart_by_name() -> None:
    graph = Graph()
    graph.output((graph.placeholder("x"), graph.placeholder("x")))
    assert GraphModule(None, graph)(x_1=2, x=1) == (1, 2)


def test_input_check_sees_the_bound_inputs_first() -> None:
    seen: list[tuple[object, ...]] = []

    def check(module: GraphModule, values: tuple[Any, ...]) -> None:
        seen.append(values)
        if values[0] < 0:
            raise InputError("x is negative")

    module = with_inputs()
    module.input_check = check
    assert module(1, max=2) == (1, 2, (1, 2))
    with pytest.raises(InputError, match="x is negative"):
        module(-1, 2)
    assert seen == [(1, 2, (1, 2)), (-1, 2, (1, 2))]


# -- errors -----------------------------------------------------------------------------------


def test_errors_carry_the_node_and_the_users_line() -> None:
    module = unary(operator.floordiv, 0)
    node = module.graph.find_nodes(op="call_function")[0]
    node.meta["stack_trace"] = 'File "m.py", line 7, in f\n    y = x // 0'
    graph = Graph()
    graph.output(graph.call_module("inner", (graph.placeholder("x"),)))
    outer = GraphModule({"inner": module}, graph)
    with pytest.raises(ZeroDivisionError) as caught:
        outer(1)
    assert caught.value.__notes__ == [  # type: ignore[attr-defined]
        "while executing node 'floordiv': floordiv = x // 0\n  from m.py:7 in f: y = x // 0",
        "while executing node 'inner': inner = self.inner(x)",
    ]


def test_an_exception_that_takes_no_notes_still_comes_through() -> None:
    class FrozenError(Exception):
        def __setattr__(self, name: str, value: object) -> None:
            if name == "__notes__":
                raise AttributeError(name)
            super().__setattr__(name, value)

    def fail(x: object) -> None:
        raise FrozenError

    with pytest.raises(FrozenError):
        unary(fail)(1)


def test_runtime_assertions_pass_untouched() -> None:
    error = RuntimeAssertionError("u <= 4")

    def fail(x: object) -> None:
        raise error

    with pytest.raises(RuntimeAssertionError) as caught:
        unary(fail)(1)
    assert caught.value is error
    assert not hasattr(error, "__notes__")


def test_the_message_of_a_runtime_assertion() -> None:
    error = RuntimeAssertionError(
        "u <= 4*b",
        {"b": 8, "u": 40},
        {"b": "tokens.shape[0]", "u": "the result of nonzero", "k": "k"},
        "packed by eights\nsecond line",
        "model.py:12 in f: check(u <= 4 * b)",
    )
    assert str(error) == (
        "runtime assert failed: u <= 4*b\n"
        "  b = 8            from tokens.shape[0]\n"
        "  u = 40           from the result of nonzero\n"
        "  k is not known   from k\n"
        "  message: packed by eights\n"
        "           second line\n"
        "  at: model.py:12 in f: check(u <= 4 * b)"
    )
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert again.values == {"b": 8, "u": 40}
    unwritable = RuntimeAssertionError("u < 1", {"u": 10**5000})
    assert f"u = {hex(10**5000)}" in str(unwritable)
    assert str(RuntimeAssertionError("x")) == "runtime assert failed: x"
    assert isinstance(error, AssertionError)
    for kind in (GraphError, InputError, RuntimeAssertionError, TraceError):
        assert issubclass(kind, ShapeproofError)


def test_what_cannot_be_executed_is_named() -> None:
    module = GraphModule({"c": 1}, Graph())
    module.graph.output(module.graph.call_module("c"))
    with pytest.raises(GraphError, match=r"node 'c' .*cannot be executed"):
        module()


# -- copies -----------------------------------------------------------------------------------


@given(examples())
def test_a_copy_is_equal_and_independent(example: Example) -> None:
    module = example.module
    copied = copy.deepcopy(module)
    assert graphs_equal(module, copied, names=True)
    assert not set(module.graph.nodes) & set(copied.graph.nodes)
    assert not {id(m) for m in module.modules()} & {id(m) for m in copied.modules()}
    for nested in copied.modules():
        nested.graph.lint()
        assert nested.graph.owning_module is nested
        nested.graph.output_node().args = (None,)
    assert module(*example.inputs) == example.expected


def test_what_a_copy_shares() -> None:
    inner = unary()
    constant, env, value = [1], object(), object()
    module = with_inputs()
    for path, attribute in {"a": inner, "n.b": inner, "c": constant}.items():
        module.set_attr(path, attribute)
    module.shape_env = env
    module.meta["key"] = value
    first = next(iter(module.graph.nodes))
    first.meta["val"] = value
    module.input_check = lambda module, values: None
    for copied in (module.copy(), copy.copy(module), copy.deepcopy(module)):
        assert isinstance(copied, GraphModule)
        assert copied.a is copied.get_attr("n.b")
        assert copied.a is not inner
        assert copied.c is constant
        assert copied.shape_env is env
        assert copied.input_check is module.input_check
        assert copied.meta == module.meta
        assert copied.meta is not module.meta
        copied_first = next(iter(copied.graph.nodes))
        assert copied_first.meta["val"] is value
        assert copied_first.meta is not first.meta
    pair = copy.deepcopy([module, module])
    assert pair[0] is pair[1]
