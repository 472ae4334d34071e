"""Side-effecting asserts to functional ones, chained by tokens; and back.

Before::

    def program(x):
        assert_holds(x.shape[0] <= 8)
        return x + 1

After::

    def program(x):
        make_token = runtime.make_token()
        assert_holds = runtime.functional_assert(x.shape[0] <= 8, token=make_token)
        return x + 1, assert_holds

An assert becomes a function from a token to a token. The chain of tokens keeps the order of
the asserts, and the last token is one more output, so nothing needs to know about effects to
keep them all. A nested graph that is called as a module takes the token as its last input,
and returns a pair of its result and the token.

Guarantees: the nodes stay the same objects with the same names; `Defunctionalize` restores
the graph exactly; nothing changes if there is nothing to do. Limits: an assert whose result
is used stays, and so do those in graphs that are handed to a function as a value (their
calling convention is the function's); the report says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from asserts.conditions.report import Report, Row
from asserts.dialects.base import Dialect
from asserts.dialects.interfaces import TOKENS, TokenAt, TokenPlace, having
from asserts.errors import GraphError
from asserts.graph.graph import Graph, Node
from asserts.graph.module import KEPT_META, GraphModule, attribute_at
from asserts.passes.base import Pass, PassResult

__all__ = ["Defunctionalize", "Functionalize", "TokenSignature", "token_signature",
           "without_token"]  # fmt: skip

_META = TOKENS
_PLACES = ("appended", "first", "paired")


@dataclass(frozen=True)
class TokenSignature:
    """What functionalizing changed about how a graph is called.

    `output` says where the token is in what the graph returns: "appended" to the tuple that
    was returned, "first" in it, or "paired" with whatever was. `result` says the same of what
    a caller gets, who may see a structure made of the graph's results. `input` names the
    parameter of a nested graph that takes the token (None for the program itself).
    """

    output: TokenAt
    input: str | None = None
    result: TokenAt = "paired"

    @property
    def place(self) -> TokenPlace:
        """The same as the dialect says it."""
        return TokenPlace(self.output, self.result)


def token_signature(program: Any) -> TokenSignature | None:
    """The signature that `Functionalize` recorded in the program's metadata, if it did.

    Raises `GraphError` for a record that is damaged.
    """
    found = getattr(program, "graph_module", program).meta.get(_META)
    if found is None:
        return None
    if not isinstance(found, dict) or found.get("output") not in _PLACES:
        raise GraphError(f"the recorded token signature is damaged: {found!r}")
    result = found.get("result", found["output"])
    if result not in _PLACES:
        raise GraphError(f"the recorded token signature is damaged: {found!r}")
    return TokenSignature(found["output"], found.get("input"), result)


def without_token(program: Any, result: Any) -> Any:
    """What the program returned, without the token that `Functionalize` added."""
    signature = token_signature(program)
    if signature is None:
        return result
    if signature.result == "appended":
        return result[:-1]
    return result[1] if signature.result == "first" else result[0]


@dataclass(frozen=True)
class Functionalize(Pass):
    """Make every side-effecting assert functional, and return the last token besides."""

    name: ClassVar[str] = "functionalize"
    needs = ("effects",)

    def run(self, graph_module: GraphModule) -> PassResult:
        calls = _Calls(self.dialect, graph_module)
        rows = tuple(calls.rows())
        if not calls.is_effectful(graph_module):
            return PassResult(graph_module, False, Report(self.name, rows))
        if token_signature(graph_module) is not None:
            # Asserts came after functionalizing; they belong into the one chain.
            _undo_all(self.dialect, graph_module)
            calls = _Calls(self.dialect, graph_module)
        chosen = [m for m in self.dialect.modules(graph_module) if calls.is_effectful(m)]
        for module in chosen:
            if module is not graph_module:
                module.meta[_META] = {"output": "paired", "input": _free_name(module.graph)}
        for module in chosen:
            _Threading(self.dialect, calls, module).run(is_program=module is graph_module)
            module.recompile()
        return PassResult(graph_module, True, Report(self.name, rows))

    def ensures(self, graph_module: GraphModule) -> None:
        """A valid graph with no side-effecting assert that could be functional."""
        super().ensures(graph_module)
        calls = _Calls(self.dialect, graph_module)
        for module in self.dialect.modules(graph_module):
            if calls.is_effectful(module):
                left = calls.effects(module)
                name = left[0].name if left else "a nested graph"
                raise GraphError(f"node '{name}' still has an effect")


@dataclass(frozen=True)
class Defunctionalize(Pass):
    """The inverse of `Functionalize`: side-effecting asserts again, no tokens."""

    name: ClassVar[str] = "defunctionalize"
    needs = ("effects",)

    def run(self, graph_module: GraphModule) -> PassResult:
        count = _undo_all(self.dialect, graph_module)
        rows = tuple(
            Row("a token chain", "functionalize", "removed", nodes=nodes) for nodes in count
        )
        return PassResult(graph_module, bool(count), Report(self.name, rows))

    def ensures(self, graph_module: GraphModule) -> None:
        """A valid graph without recorded tokens."""
        super().ensures(graph_module)
        if any(_META in module.meta for module in self.dialect.modules(graph_module)):
            raise GraphError("a graph still has a token signature")


# --------------------------------------------------------------------------- who calls whom


class _Calls:
    """Which graphs have an effect that can be made functional, and which call which."""

    def __init__(self, dialect: Dialect, graph_module: GraphModule) -> None:
        self._dialect = dialect
        self._effects = having(dialect.effects)
        self._modules = list(dialect.modules(graph_module))
        self._called: dict[int, list[GraphModule]] = {}
        self._effectful: dict[int, bool] = {}
        self._frozen: set[int] = set()
        values: list[GraphModule] = []
        for module in self._modules:
            called = [self.callee(module, node) for node in module.graph.nodes]
            self._called[id(module)] = [callee for callee in called if callee is not None]
            values += _graphs_as_values(module)
        self._freeze(values)

    def callee(self, module: GraphModule, node: Node) -> GraphModule | None:
        """The graph module that a node calls."""
        if node.op != "call_module":
            return None
        found = attribute_at(module, node.target)
        return found if self._dialect.accepts(found) else None

    def _freeze(self, worklist: list[GraphModule]) -> None:
        """Graphs that a function calls as it likes, and all that they call, stay."""
        while worklist:
            module = worklist.pop()
            if id(module) not in self._frozen:
                self._frozen.add(id(module))
                worklist += self._called.get(id(module), [])
                worklist += _graphs_as_values(module)

    def effects(self, module: GraphModule) -> list[Node]:
        """The nodes to be made functional."""
        return [] if id(module) in self._frozen else _effects(self._dialect, module)

    def is_effectful(self, module: GraphModule) -> bool:
        """Whether the graph, or one that it calls, has such a node."""
        known = self._effectful.get(id(module))
        if known is None:
            called = self._called.get(id(module), [])
            known = bool(self.effects(module)) or (
                id(module) not in self._frozen and any(map(self.is_effectful, called))
            )
            self._effectful[id(module)] = known
        return known

    def rows(self) -> Iterable[Row]:
        """What becomes of every assert."""
        for module in self._modules:
            for node in module.graph.nodes:
                is_assert = self._dialect.is_assert(node)
                has_form = self._effects.functional_target(node) is not None
                is_done = self._effects.effectful_target(node) is not None
                if is_done or not (is_assert or has_form):
                    continue
                note = "made functional"
                if not has_form:
                    note = "not functional: there is no functional form of it"
                elif node.users:
                    note = "not functional: its result is used"
                elif id(module) in self._frozen:
                    note = "not functional: a function calls the graph that it is in"
                text = self._dialect.info_of(node).condition if is_assert else node.name
                yield Row(text, "assert in the graph", "kept", place=node.name, note=note)


def _effects(dialect: Dialect, module: GraphModule) -> list[Node]:
    return [
        node
        for node in module.graph.nodes
        if not node.users and having(dialect.effects).functional_target(node) is not None
    ]


def _graphs_as_values(module: GraphModule) -> list[GraphModule]:
    found = [
        attribute_at(module, node.target)
        for node in module.graph.nodes
        if node.op == "get_attr"
    ]
    return [value for value in found if hasattr(value, "graph")]


def _free_name(graph: Graph) -> str:
    """A name for the token's parameter that nothing in the graph has."""
    taken = {node.name for node in graph.nodes}
    taken |= {str(node.target) for node in graph.nodes if node.op == "placeholder"}
    name, number = "token", 0
    while name in taken:
        number += 1
        name = f"token_{number}"
    return name


# --------------------------------------------------------------------------- there


class _Threading:
    """The token's way through one graph."""

    def __init__(self, dialect: Dialect, calls: _Calls, module: GraphModule) -> None:
        self._dialect = dialect
        self._effects = having(dialect.effects)
        self._calls = calls
        self._module = module
        self._graph = module.graph
        self._token: Node | None = None

    def run(self, is_program: bool) -> None:
        effects = set(_effects(self._dialect, self._module))
        nodes = list(self._graph.nodes)
        if not is_program:
            self._take_token(nodes)
        for node in nodes:
            callee = self._calls.callee(self._module, node)
            if node in effects:
                self._make_functional(node)
            elif callee is not None and self._calls.is_effectful(callee):
                self._pass_through(node, callee)
            elif node.op == "output":
                self._return_token(node, is_program)

    def _take_token(self, nodes: list[Node]) -> None:
        signature = token_signature(self._module)
        assert signature is not None
        assert signature.input is not None
        first = next(node for node in nodes if node.op != "placeholder")
        with self._graph.inserting_before(first):
            self._token = self._graph.placeholder(signature.input)
        self._effects.state_token(self._token)

    def _token_before(self, node: Node) -> Node:
        if self._token is None:
            with self._graph.inserting_before(node):
                self._token = self._effects.create_token(self._graph)
            for key in KEPT_META:
                if key in node.meta:
                    self._token.meta[key] = node.meta[key]
        return self._token

    def _make_functional(self, node: Node) -> None:
        self._effects.make_functional(node, self._token_before(node))
        self._token = node

    def _pass_through(self, node: Node, callee: GraphModule) -> None:
        """A call of a nested graph: ``(result, token) = call(..., token)``."""
        signature = token_signature(callee)
        assert signature is not None
        assert signature.input is not None
        node.kwargs = {**node.kwargs, signature.input: self._token_before(node)}
        with self._graph.inserting_before(node.next):
            value = self._dialect.create_read(self._graph, node, ("item", 0))
            token = self._dialect.create_read(self._graph, node, ("item", 1))
        node.replace_all_uses_with(value, lambda user: user not in (value, token))
        # The result is now the first item; what is known of it moves there.
        value.meta = dict(node.meta)
        node.meta = {key: value.meta[key] for key in KEPT_META if key in value.meta}
        token.meta = dict(node.meta)
        self._effects.state_token(token)
        node.meta["val"] = (value.meta.get("val"), token.meta.get("val"))
        self._token = token

    def _return_token(self, output: Node, is_program: bool) -> None:
        result = output.args[0]
        assert self._token is not None
        place = TokenPlace("paired", "paired")
        if is_program:
            place = self._effects.token_place(self._module, result)
        output.args = (_with(result, self._token, place),)
        if "val" in output.meta:
            value = output.meta["val"]
            known = place if isinstance(value, tuple) else TokenPlace("paired", "paired")
            output.meta["val"] = _with(value, self._token.meta.get("val"), known)
        if is_program:
            self._module.meta[_META] = {"output": place.output, "result": place.result}
            self._effects.token_returned(self._module, place, True)


def _with(result: Any, token: Any, place: TokenPlace) -> tuple[Any, ...]:
    """A result and a token."""
    if place.output == "first":
        return (token, *result)
    return (*result, token) if place.output == "appended" else (result, token)


def _without(result: Any, place: TokenPlace) -> tuple[Any, Any]:
    """The result and the token, the inverse of `_with`."""
    if place.output == "first":
        return tuple(result[1:]), result[0]
    if place.output == "appended":
        return tuple(result[:-1]), result[-1]
    return result[0], result[-1]


# --------------------------------------------------------------------------- and back


def _undo_all(dialect: Dialect, graph_module: GraphModule) -> list[int]:
    """Take the tokens out of all graphs; the length of each chain."""
    modules = [m for m in dialect.modules(graph_module) if token_signature(m) is not None]
    signatures = {id(m): token_signature(m) for m in modules}
    lengths = [_Unthreading(dialect, module, signatures).run() for module in modules]
    for module in modules:
        del module.meta[_META]
        module.recompile()
    return lengths


class _Unthreading:
    """The token's way back from the output of one graph."""

    def __init__(
        self,
        dialect: Dialect,
        module: GraphModule,
        signatures: dict[int, TokenSignature | None],
    ) -> None:
        self._dialect = dialect
        self._effects = having(dialect.effects)
        self._module = module
        self._signatures = signatures

    def run(self) -> int:
        token: Node | None = self._from_output()
        length = 0
        while token is not None:
            length += 1
            if token.users:
                user = next(iter(token.users))
                raise GraphError(
                    f"the token '{token.name}' is used by '{user.name}', which is not part "
                    "of the chain"
                )
            token = self._undone(token)
        return length

    def _from_output(self) -> Node:
        output = next(n for n in reversed(self._module.graph.nodes) if n.op == "output")
        signature = self._signatures[id(self._module)]
        assert signature is not None
        result = output.args[0]
        if not isinstance(result, (tuple, list)) or not result:
            raise GraphError(f"node '{output.name}' does not return a token")
        kept, token = _without(result, signature.place)
        if not self._dialect.is_node(token):
            raise GraphError(f"node '{output.name}' does not return a token, but {token!r}")
        output.args = (kept,)
        value = output.meta.get("val")
        if isinstance(value, tuple) and value:
            output.meta["val"] = _without(value, signature.place)[0]
        if signature.input is None:
            self._effects.token_returned(self._module, signature.place, False)
        return token  # type: ignore[no-any-return]

    def _undone(self, token: Node) -> Node | None:
        """The token before this one, after which nothing of this one is left."""
        if self._effects.effectful_target(token) is not None:
            before = self._effects.make_effectful(token)
            if not self._dialect.is_node(before):
                raise GraphError(f"node '{token.name}' has no token")
            return before  # type: ignore[no-any-return]
        read = self._dialect.read_of(token)
        if read is not None:
            return self._without_pair(token, read[0])
        self._module.graph.erase_node(token)
        return None

    def _without_pair(self, token: Node, call: Node) -> Node:
        """A nested call returns its result alone again."""
        callee = attribute_at(self._module, call.target)
        signature = self._signatures.get(id(callee))
        if call.op != "call_module" or signature is None or signature.input is None:
            raise GraphError(f"the token '{token.name}' does not come from a nested graph")
        self._module.graph.erase_node(token)
        before = call.kwargs[signature.input]
        call.kwargs = {k: v for k, v in call.kwargs.items() if k != signature.input}
        call.meta["val"] = call.meta.get("val", (None,))[0]
        for value in list(call.users):
            if self._dialect.read_of(value) != (call, ("item", 0)):
                raise GraphError(f"node '{value.name}' uses a result together with its token")
            value.replace_all_uses_with(call)
            call.meta = dict(value.meta)
            self._module.graph.erase_node(value)
        return before  # type: ignore[return-value]
