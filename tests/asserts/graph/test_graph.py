"""Graphs: bookkeeping, positions, lint, dead code, equality."""

from __future__ import annotations

import copy
import keyword
import operator
from collections import namedtuple
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import asserts
from asserts.errors import GraphError
from asserts.graph.equality import explain_difference, graphs_equal
from asserts.graph.graph import Graph, ImmutableList, Node, map_aggregate, map_arg
from asserts.graph.module import GraphModule
from tests.asserts.graph_strategies import Example, check_users, examples
from tests.counting import steps


def check(condition: object) -> None:
    assert condition


check.__shapeproof_impure__ = True  # type: ignore[attr-defined]


def chain(length: int = 3) -> tuple[Graph, list[Node]]:
    graph = Graph()
    nodes = [graph.placeholder("x")]
    for i in range(length):
        nodes.append(graph.call_function(operator.add, (nodes[-1], i)))
    nodes.append(graph.output(nodes[-1]))
    return graph, nodes


# -- arguments and users ----------------------------------------------------------------------


def test_users_follow_nested_arguments() -> None:
    graph = Graph()
    x, y, z = (graph.placeholder(name) for name in "xyz")
    node = graph.call_function(max, ([x, (y, {"k": slice(None, z)})],), {"key": x})
    assert node.all_input_nodes == [x, y, z]
    assert list(x.users) == list(y.users) == list(z.users) == [node]
    node.args = (x,)
    assert (list(x.users), list(y.users), list(z.users)) == ([node], [], [])
    node.kwargs = {}
    node.update_arg(0, 3)
    assert not x.users
    node.update_kwarg("default", [y])
    assert list(y.users) == [node]
    check_users(graph)


def test_arguments_are_frozen() -> None:
    graph = Graph()
    x = graph.placeholder("x")
    given_list = [x]
    node = graph.call_function(max, (given_list,), {"default": {"a": x}})
    given_list.append(x)
    assert node.args == ([x],)
    argument: Any = node.args[0]
    keyword_argument: Any = node.kwargs["default"]
    with pytest.raises(TypeError, match="cannot be changed in place"):
        argument.append(x)
    with pytest.raises(TypeError, match="cannot be changed in place"):
        argument += [x]
    with pytest.raises(TypeError, match="cannot be changed in place"):
        keyword_argument["b"] = x
    with pytest.raises(TypeError, match="cannot be changed in place"):
        del node.kwargs["default"]
    assert type(copy.deepcopy(ImmutableList([1]))) is list


def test_map_arg_keeps_structure() -> None:
    graph = Graph()
    x, y = graph.placeholder("x"), graph.placeholder("y")
    pair = namedtuple("pair", "first second")
    argument = (pair(x, 1), [x, {"k": slice(x, None, 2)}], "x")
    mapped = map_arg(argument, lambda node: y)
    assert mapped == (pair(y, 1), [y, {"k": slice(y, None, 2)}], "x")
    assert type(mapped[0]) is pair
    assert map_aggregate((1, [2.5, None]), repr) == ("1", ["2.5", "None"])


def test_arguments_from_elsewhere_are_refused_and_change_nothing() -> None:
    graph, nodes = chain()
    other = Graph().placeholder("other")
    with pytest.raises(GraphError, match=r"'other' belongs to another graph than 'add'"):
        nodes[1].args = (nodes[0], other)
    assert nodes[1].args == (nodes[0], 0)
    assert not other.users
    dead = graph.call_function(abs, (nodes[0],))
    graph.erase_node(dead)
    with pytest.raises(GraphError, match=r"'abs_1' was erased"):
        nodes[1].update_arg(0, dead)
    with pytest.raises(GraphError, match="has 2 arguments, none at 5"):
        nodes[1].update_arg(5, 0)
    with pytest.raises(GraphError, match="key of a dict"):
        nodes[1].args = ({nodes[0]: 1},)
    with pytest.raises(GraphError, match="member of a set"):
        nodes[1].args = ({(nodes[0], 1)},)
    check_users(graph)


def test_a_list_that_contains_itself_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(GraphError, match="nested more than"):
        Graph().call_function(max, (endless,))


class ForeignNode:
    """What a node of another framework looks like from here."""

    all_input_nodes = ()


def test_modules_and_foreign_nodes_are_no_constants() -> None:
    graph = Graph()
    foreign = ForeignNode()
    with pytest.raises(GraphError, match="make it an attribute"):
        graph.call_function(max, ([GraphModule()],))
    with pytest.raises(GraphError, match="another kind of node"):
        graph.call_function(max, (foreign,))
    assert map_arg([foreign, 1], lambda node: "mapped") == ["mapped", 1]
    assert len(graph.nodes) == 0


def test_the_root_marker_is_no_value() -> None:
    graph, nodes = chain()
    root = nodes[-1].next
    assert root is nodes[0].prev
    assert root not in graph.nodes
    with pytest.raises(GraphError, match="root marker"):
        nodes[1].args = (root,)
    with pytest.raises(GraphError, match="root marker"):
        assert nodes[0] < root


def test_insert_arg() -> None:
    _, nodes = chain(1)
    nodes[1].insert_arg(1, nodes[0])
    assert nodes[1].args == (nodes[0], nodes[0], 0)
    with pytest.raises(GraphError, match="no position 9"):
        nodes[1].insert_arg(9, 0)


def test_replace_all_uses_with() -> None:
    graph = Graph()
    x = graph.placeholder("x")
    a = graph.call_function(operator.neg, (x,))
    b = graph.call_function(max, ([x, 1],), {"default": x})
    out = graph.output((x, a, b))
    with graph.inserting_after(x):
        y = graph.call_function(operator.pos, (x,))
    replaced = x.replace_all_uses_with(y, delete_user_cb=lambda user: user is not y)
    assert replaced == [a, b, out, y]
    assert list(x.users) == [y]
    assert b.args == ([y, 1],)
    assert b.kwargs == {"default": y}
    graph.lint()
    out.replace_input_with(a, b)
    assert out.args == ((y, b, b),)
    assert not a.users
    check_users(graph)


def test_propagate_meta() -> None:
    graph, nodes = chain()
    nodes[1].meta["val"] = "v"
    with graph.inserting_after(nodes[1]):
        new = graph.call_function(abs, (nodes[0],))
    nodes[1].replace_all_uses_with(new, propagate_meta=True)
    assert new.meta == {"val": "v"}
    assert new.meta is not nodes[1].meta
    with pytest.raises(GraphError, match="has metadata already"):
        nodes[1].replace_all_uses_with(new, propagate_meta=True)


# -- positions --------------------------------------------------------------------------------


def test_insertion_points_nest_and_end() -> None:
    graph, (x, a, b, c, _) = chain()
    with graph.inserting_before(b):
        before_b = graph.call_function(abs, (a,))
        with graph.inserting_after(x):
            second = graph.call_function(abs, (x,))
            first = graph.call_function(abs, (x,))
        also_before_b = graph.call_function(abs, (a,))
    with graph.inserting_before():
        start = graph.get_attr("w")
    end = graph.call_function(abs, (c,))
    names = [start, x, first, second, a, before_b, also_before_b, b, c]
    assert list(graph.nodes)[:9] == names
    assert list(graph.nodes)[-1] is end
    check_users(graph)


def test_insertion_point_without_with_stays() -> None:
    graph, nodes = chain()
    graph.inserting_before(nodes[-1])
    made = graph.call_function(abs, (nodes[0],))
    assert made.next is nodes[-1]


def test_insertion_at_an_erased_node_is_refused() -> None:
    graph, nodes = chain()
    dead = graph.call_function(abs, (nodes[0],))
    with graph.inserting_before(dead):
        graph.erase_node(dead)
        with pytest.raises(GraphError, match="insertion point is at node 'abs_1'"):
            graph.call_function(abs, (nodes[0],))
    check_users(graph)
    with pytest.raises(GraphError, match="was erased"):
        graph.inserting_after(dead)


def test_append_and_prepend_move() -> None:
    graph, (x, a, b, c, out) = chain()
    x.append(c)
    assert list(graph.nodes) == [x, c, a, b, out]
    b.prepend(x)
    assert list(graph.nodes) == [c, a, x, b, out]
    b.prepend(b)
    c.prepend(c)
    x.prepend(a)
    assert list(graph.nodes) == [c, a, x, b, out]
    with pytest.raises(GraphError, match="another graph"):
        x.append(Graph().placeholder("y"))
    check_users(graph)
    c.prepend(x)
    with pytest.raises(GraphError, match=r"'add_2' uses 'add_1' before its definition.*cycle"):
        graph.lint()


@given(st.data())
def test_positions_under_random_edits(data: st.DataObject) -> None:
    graph = Graph()
    nodes = [graph.get_attr("a")]
    for _ in range(data.draw(st.integers(0, 60))):
        anchor = data.draw(st.sampled_from(nodes))
        kind = data.draw(st.sampled_from(["before", "after", "move", "erase"]))
        if kind == "erase" and len(nodes) > 1:
            graph.erase_node(anchor)
            nodes.remove(anchor)
        elif kind == "move":
            data.draw(st.sampled_from(nodes)).append(anchor)
        else:
            inserting = graph.inserting_before if kind == "before" else graph.inserting_after
            with inserting(anchor):
                nodes.append(graph.get_attr("a"))
    check_users(graph)
    assert sorted(nodes) == list(graph.nodes)


@pytest.mark.parametrize("place", ["before", "after"])
def test_tags_survive_crowding(place: str) -> None:
    graph, nodes = chain()
    anchor = nodes[1]
    inserting = graph.inserting_before if place == "before" else graph.inserting_after
    with inserting(anchor):
        made = [graph.call_function(abs, (nodes[0],)) for _ in range(3000)]
    assert sorted(made) == (made if place == "before" else made[::-1])
    graph.lint()


def test_comparisons() -> None:
    graph, (x, a, *_) = chain()
    assert x < a
    assert a > x
    assert x <= x
    assert a >= x
    assert graph.order()[a] == 1
    with pytest.raises(GraphError, match="another graph"):
        assert x < Graph().placeholder("y")
    dead = graph.call_function(abs, (x,))
    graph.erase_node(dead)
    with pytest.raises(GraphError, match="was erased and has no position"):
        assert x < dead


def test_erasing_while_iterating() -> None:
    graph, nodes = chain(10)
    dead = [graph.call_function(abs, (nodes[0],)) for _ in range(5)]
    seen = []
    for node in graph.nodes:
        seen.append(node)
        if node is dead[0]:
            graph.erase_node(dead[0])
            graph.erase_node(dead[1])
            graph.erase_node(dead[2])
    assert seen == [*nodes, dead[0], dead[3], dead[4]]
    for node in reversed(graph.nodes):
        if not node.users and node.op != "output":
            graph.erase_node(node)
    assert list(graph.nodes) == nodes
    assert nodes[0] in graph.nodes
    assert dead[0] not in graph.nodes


def test_erase_refuses_used_nodes_by_name() -> None:
    graph, nodes = chain()
    with pytest.raises(GraphError, match=r"'x' cannot be erased: it is still used by 'add'"):
        graph.erase_node(nodes[0])
    dead = graph.call_function(abs, (nodes[0],))
    graph.erase_node(dead)
    assert dead not in nodes[0].users
    with pytest.raises(GraphError, match="'abs_1' was erased"):
        graph.erase_node(dead)
    with pytest.raises(GraphError, match="root marker"):
        graph.erase_node(nodes[-1].next)


# -- names ------------------------------------------------------------------------------------


@given(st.lists(st.one_of(st.text(max_size=6), st.sampled_from(["if", "x", "x_1", "max"]))))
def test_names_are_unique_identifiers(wanted: list[str]) -> None:
    graph = Graph()
    names = [graph.create_node("get_attr", "a", name=name).name for name in wanted]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and not keyword.iskeyword(name) for name in names)


def test_names_from_targets() -> None:
    graph = Graph()
    names = [
        graph.placeholder("class").name,
        graph.call_function(operator.add, (1, 2)).name,
        graph.call_function(operator.add, (1, 2)).name,
        graph.call_function(max, (1, 2)).name,
        graph.call_function(lambda: 1).name,
        graph.call_module("layers.0").name,
        graph.call_method("__len__", ("x",)).name,
        graph.call_function(operator.add, (1, 2), name="add").name,
    ]
    wanted = ["class_1", "add", "add_1", "max_1", "_lambda_", "layers_0", "__len__", "add_2"]
    assert names == wanted


# -- lint -------------------------------------------------------------------------------------


def test_lint_accepts_a_good_graph() -> None:
    chain()[0].lint()


def broken_graphs() -> list[tuple[str, Graph]]:
    """A graph for each invariant, broken, and a part of the message."""
    cases: list[tuple[str, Graph]] = []

    graph, nodes = chain()
    nodes[1].op = "call"
    cases.append(("'add': unknown op 'call'", graph))

    graph, nodes = chain()
    nodes[1].target = "add"
    cases.append(("'add': call_function needs a function", graph))

    graph, nodes = chain()
    nodes[0].target = max
    cases.append(("'x': placeholder needs a name", graph))

    graph, nodes = chain()
    nodes[2].name = "add"
    cases.append(("'add': another node has the same name", graph))

    graph, nodes = chain()
    nodes[2].name = "for"
    cases.append(("'for': the name is not a valid identifier", graph))

    graph, nodes = chain()
    nodes[1].args = (nodes[2],)
    cases.append(("'add' uses 'add_1' before its definition", graph))

    graph, nodes = chain()
    nodes[1].args = (nodes[1],)
    cases.append(("'add' uses itself", graph))

    graph, nodes = chain()
    nodes[0].users[nodes[3]] = None
    cases.append(("'x': its users are out of step for 'add_2'", graph))

    graph, nodes = chain()
    nodes[1].users.clear()
    cases.append(("'add': its users are out of step for 'add_1'", graph))

    graph, nodes = chain()
    nodes[1]._args = ()
    cases.append(("'add': its inputs are not those of its arguments", graph))

    graph, nodes = chain()
    graph.erase_node(nodes[-1])
    cases.append(("no output; its last node is 'add_2'", graph))

    graph, nodes = chain()
    graph.output(nodes[0])
    cases.append(("'output_1' is a second output", graph))

    graph, nodes = chain()
    graph.call_function(abs, (nodes[0],))
    cases.append(("'abs_1' is behind the output", graph))

    graph, nodes = chain()
    with graph.inserting_after(nodes[1]):
        graph.placeholder("late")
    cases.append(("'late': the placeholder comes after 'add'", graph))

    graph, nodes = chain()
    with graph.inserting_before(nodes[-1]):
        graph.create_node("placeholder", "y", (1, 2))
    cases.append(("'y': a placeholder has a constant default", graph))

    graph, nodes = chain()
    nodes[-1].args = ()
    cases.append(("'output': an output has one argument", graph))

    graph, nodes = chain()
    with graph.inserting_before(nodes[-1]):
        graph.create_node("call_method", "sum")
    cases.append(("'sum_1': call_method needs the object", graph))

    graph, nodes = chain()
    with graph.inserting_before(nodes[-1]):
        graph.create_node("get_attr", "w", (nodes[0],))
    cases.append(("'w': get_attr has no arguments", graph))

    graph, nodes = chain()
    nodes[2]._prev = nodes[0]
    cases.append(("'add_1': the links of the list are out of step", graph))

    graph, nodes = chain()
    nodes[3]._next = nodes[2]
    cases.append(("'add_1': the links of the list are out of step", graph))

    graph, nodes = chain()
    nodes[2]._tag = -1
    cases.append(("'add_1': its position is out of step", graph))

    for op in ("get_attr", "call_module"):
        graph, nodes = chain()
        GraphModule({"constant": 1}, graph)
        with graph.inserting_before(nodes[-1]):
            graph.create_node(op, "a.missing")
        cases.append(("'a_missing': the module has no attribute 'a.missing'", graph))

    graph, nodes = chain()
    GraphModule({"constant": 1}, graph)
    with graph.inserting_before(nodes[-1]):
        graph.call_module("constant")
    cases.append(("'constant' is a int, not a module", graph))
    return cases


BROKEN = broken_graphs()


@pytest.mark.parametrize(("message", "graph"), BROKEN, ids=[message for message, _ in BROKEN])
def test_lint_names_what_is_broken(message: str, graph: Graph) -> None:
    with pytest.raises(GraphError) as caught:
        graph.lint()
    assert message in str(caught.value)


def test_unknown_op_is_refused_at_once() -> None:
    with pytest.raises(GraphError, match="unknown op 'call'"):
        Graph().create_node("call", "x")


# -- dead code and effects --------------------------------------------------------------------


def test_dead_code_goes_and_effects_stay() -> None:
    graph = Graph()
    x = graph.placeholder("x")
    unused = graph.placeholder("unused")
    dead = graph.call_function(operator.neg, (x,))
    graph.call_function(operator.neg, (dead,))
    condition = graph.call_function(operator.gt, (x, 0))
    asserted = graph.call_function(check, (condition,))
    marked = graph.call_method("append", (x, 1))
    marked.meta["impure"] = True
    out = graph.output(x)
    assert graph.eliminate_dead_code()
    assert list(graph.nodes) == [x, unused, condition, asserted, marked, out]
    assert not graph.eliminate_dead_code()
    assert graph.eliminate_dead_code(lambda node: node is marked)
    assert list(graph.nodes) == [x, unused, marked, out]
    graph.lint()


def module_with(effect: bool) -> GraphModule:
    graph = Graph()
    x = graph.placeholder("x")
    if effect:
        graph.call_function(check, (x,))
    graph.output(x)
    return GraphModule(None, graph)


@pytest.mark.parametrize("effect", [True, False])
@pytest.mark.parametrize("how", ["call", "branch", "nested"])
def test_effects_of_nested_modules(effect: bool, how: str) -> None:
    inner = module_with(effect)
    graph = Graph()
    module = GraphModule({"inner": inner}, graph)
    x = graph.placeholder("x")
    if how == "branch":
        branch = graph.get_attr("inner")
        made = graph.call_function(lambda pred, f: f(pred), (x, branch))
        assert not branch.is_impure()
    else:
        if how == "nested":
            outer_graph = Graph()
            y = outer_graph.placeholder("y")
            outer_graph.output(outer_graph.call_module("inner", (y,)))
            module.inner = GraphModule({"inner": inner}, outer_graph)
        made = graph.call_module("inner", (x,))
    graph.output(x)
    assert made.is_impure() == effect
    assert graph.eliminate_dead_code() == (not effect)
    assert (made in graph.nodes) == effect


def test_what_cannot_be_looked_into_is_impure() -> None:
    graph = Graph()
    called = graph.call_module("anything")
    with_branch = graph.call_function(max, (graph.get_attr("anything"),))
    assert called.is_impure()
    assert with_branch.is_impure()
    GraphModule({"anything": print}, graph)
    assert called.is_impure()
    assert not with_branch.is_impure()


@given(examples())
def test_dead_code_keeps_results(example: Example) -> None:
    before = [node.name for node in example.module.graph.nodes if node.op == "placeholder"]
    example.module.graph.eliminate_dead_code()
    check_users(example.module.graph)
    example.module.graph.lint()
    after = [node.name for node in example.module.graph.nodes if node.op == "placeholder"]
    assert before == after
    assert example.module(*example.inputs) == example.expected
    used = [n for n in example.module.graph.nodes if n.op not in ("placeholder", "output")]
    assert all(node.users for node in used)


# -- random edits -----------------------------------------------------------------------------


@given(examples(), st.data())
def test_users_stay_true_under_random_edits(example: Example, data: st.DataObject) -> None:
    graph = example.module.graph
    for _ in range(data.draw(st.integers(0, 8))):
        node, other = (data.draw(st.sampled_from(list(graph.nodes))) for _ in "ab")
        kind = data.draw(st.sampled_from(["replace", "input", "args", "erase", "copy"]))
        if kind == "replace":
            node.replace_all_uses_with(other)
        elif kind == "input" and node.all_input_nodes:
            node.replace_input_with(data.draw(st.sampled_from(node.all_input_nodes)), other)
        elif kind == "args":
            node.args = (other, [node, {"k": other}])
        elif kind == "erase" and not node.users and len(graph.nodes) > 1:
            graph.erase_node(node)
        elif kind == "copy":
            graph.node_copy(node)
        check_users(graph)


# -- copies -----------------------------------------------------------------------------------


def test_node_copy_and_graph_copy() -> None:
    graph, nodes = chain(2)
    nodes[1].meta["val"] = 5
    into = Graph()
    y = into.placeholder("y")
    mapping = {nodes[0]: y}
    result = into.graph_copy(graph, mapping)
    assert result is mapping[nodes[2]]
    assert mapping[nodes[1]].args == (y, 0)
    assert mapping[nodes[1]].meta == {"val": 5}
    assert mapping[nodes[1]].meta is not nodes[1].meta
    into.output(result)
    into.lint()
    assert GraphModule(None, into)(10) == 11
    assert Graph().graph_copy(Graph(), {}) is None


def test_graph_deepcopy_keeps_names() -> None:
    graph, nodes = chain()
    nodes[1].name = "max"
    graph.call_function(max, (nodes[0],), name="max_1")
    copied = copy.deepcopy(graph)
    assert [n.name for n in copied.nodes] == [n.name for n in graph.nodes]
    assert all(a is not b and a.graph is copied for a, b in zip(copied.nodes, graph.nodes))
    with pytest.raises(GraphError, match="copied with its graph"):
        copy.deepcopy(nodes[0])


def test_find_nodes_and_output_node() -> None:
    graph, nodes = chain()
    assert graph.find_nodes(op="call_function", target=operator.add) == nodes[1:4]
    assert graph.find_nodes(op="placeholder") == nodes[:1]
    assert graph.find_nodes(op="call_function", target=max) == []
    assert graph.output_node() is nodes[-1]
    with pytest.raises(GraphError, match="has no output"):
        Graph().output_node()


# -- growth -----------------------------------------------------------------------------------


def test_deep_chains() -> None:
    graph, nodes = chain(20_000)
    graph.lint()
    module = GraphModule(None, graph)
    assert module(0) == sum(range(20_000))
    copied = module.copy()
    assert graphs_equal(module, copied, names=True)
    assert len(module.code.splitlines()) == 20_002
    nodes[-1].args = (nodes[0],)
    assert graph.eliminate_dead_code()
    assert len(graph.nodes) == 2


def test_building_is_linear() -> None:
    chain(10)
    small, large = (steps(lambda n=n: chain(n), asserts) for n in (1000, 2000))  # type: ignore[misc]
    assert 1000 < small < large < 2.1 * small


# -- equality ---------------------------------------------------------------------------------


@given(examples())
def test_copies_are_equal(example: Example) -> None:
    assert explain_difference(example.module, example.module.copy(), names=True) is None


def test_differences_are_explained() -> None:
    def made(function: Any = operator.add, constant: object = 1, swap: bool = False) -> Graph:
        graph = Graph()
        x, y = graph.placeholder("x"), graph.placeholder("y")
        graph.output(graph.call_function(function, ([y, x] if swap else [x, y], constant)))
        return graph

    assert graphs_equal(made(), made())
    explained = explain_difference(made(), made(operator.sub))
    assert explained is not None
    assert "node 2 ('add' and 'sub'): target" in explained
    assert explain_difference(made(), made(swap=True)) == (
        "node 2 ('add' and 'add'): args[0][0] is x and y"
    )
    for constant in (True, 1.0, 2, [1], None):
        assert not graphs_equal(made(), made(constant=constant)), constant
    assert graphs_equal(made(constant=float("nan")), made(constant=float("nan")))
    assert not graphs_equal(made(constant=0.0), made(constant=-0.0))
    assert not graphs_equal(made(constant=(1,)), made(constant=[1]))
    assert not graphs_equal(made(constant={"a": 1}), made(constant={"a": 2}))
    assert graphs_equal(made(constant=slice(1, 2)), made(constant=slice(1, 2)))
    longer = made()
    longer.output_node().prepend(longer.create_node("get_attr", "w"))
    assert explain_difference(made(), longer) is not None
    renamed = made()
    next(iter(renamed.nodes)).name = "z"
    assert graphs_equal(made(), renamed)
    assert not graphs_equal(made(), renamed, names=True)


def test_nested_differences_and_sharing() -> None:
    def outer(first: GraphModule, second: GraphModule) -> GraphModule:
        graph = Graph()
        module = GraphModule({"a": first, "b": second}, graph)
        x = graph.placeholder("x")
        graph.output(graph.call_module("b", (graph.call_module("a", (x,)),)))
        return module

    shared = module_with(False)
    assert graphs_equal(outer(shared, shared), outer(shared.copy(), shared.copy())) is False
    plain = outer(module_with(False), module_with(False))
    assert graphs_equal(plain, outer(module_with(False), module_with(False)))
    difference = explain_difference(plain, outer(module_with(False), module_with(True)))
    assert difference is not None
    assert difference.startswith("in 'b': node 1")
