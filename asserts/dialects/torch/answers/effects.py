"""torch's asserts as functions from a token to a token.

Every scalar assert and range of an exported program has a functional twin in aten, which
takes a token (a tensor without a meaning) and returns one. torch's own pass knows two of the
four. `_assert_tensor_metadata` and an `_assert_async` without a message have none.

Where the last token goes: to the end of what a plain graph returns; in an exported program
to the front, for torch's verifier wants tokens before the mutated values and the results.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Final

import torch
from torch import fx
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.fx.graph import _PyTreeCodeGen
from torch.utils import _pytree as pytree

from asserts.dialects.interfaces import TokenPlace
from asserts.dialects.torch.answers.calls import EFFECTFUL, TOKEN

__all__ = ["TorchEffects", "fake_mode_of"]

_ATEN: Final = torch.ops.aten

_FUNCTIONAL: Final = {plain: functional for functional, plain in EFFECTFUL.items()}


class TorchEffects:
    """What `functionalize` asks of torch's graphs."""

    def __init__(self, key: str, exported: bool) -> None:
        self._key = key
        self._exported = exported

    def functional_target(self, node: fx.Node) -> Callable[..., Any] | None:
        return _FUNCTIONAL.get(node.target) if node.op == "call_function" else None

    def effectful_target(self, node: fx.Node) -> Callable[..., Any] | None:
        return EFFECTFUL.get(node.target) if node.op == "call_function" else None

    def make_functional(self, node: fx.Node, token: object) -> None:
        kwargs = dict(node.kwargs)
        target = _FUNCTIONAL[node.target]
        for argument in target._schema.arguments[len(node.args) :]:
            # What may be left out of the plain assert has no default in the functional one.
            kwargs.setdefault(argument.name, None)
        kwargs[TOKEN] = token
        node.target, node.kwargs = target, kwargs
        self.state_token(node)

    def make_effectful(self, node: fx.Node) -> Any:
        kwargs = dict(node.kwargs)
        token = kwargs.pop(TOKEN, None)
        target = EFFECTFUL[node.target]
        args = node.args
        if token is None and len(args) == len(node.target._schema.arguments):
            token, args = args[-1], args[:-1]  # (torch's loader writes positional arguments)
        parameters = {a.name: a for a in target._schema.arguments}
        positional = [a.name for a in target._schema.arguments if not a.kwarg_only]
        named = zip((a.name for a in node.target._schema.arguments), args)
        given = {**dict(named), **kwargs}
        node.args = tuple(given[name] for name in positional if name in given)
        node.kwargs = {
            name: value
            for name, value in given.items()
            if name in parameters and name not in positional and value is not None
        }
        node.target = target
        node.meta[self._key] = None
        return token

    def create_token(self, graph: fx.Graph) -> Any:
        node = graph.call_function(_ATEN._make_dep_token.default)
        node.meta["torch_fn"] = ("_make_dep_token_0", "OpOverload._make_dep_token.default")
        self.state_token(node)
        return node

    def state_token(self, node: fx.Node) -> None:
        mode = fake_mode_of(node.graph, self._key)
        with mode if mode is not None else nullcontext():
            # A token is a tensor without axes (on the meta device where nothing is known).
            device = "cpu" if mode is not None else "meta"
            node.meta[self._key] = torch.empty((), device=device)

    def token_place(self, graph_module: fx.GraphModule, result: object) -> TokenPlace:
        if self._exported:
            return TokenPlace("first", "first")
        codegen = graph_module.graph._codegen
        structured = isinstance(codegen, _PyTreeCodeGen)
        if structured and codegen.pytree_info.out_spec is not None:
            return TokenPlace("appended", "paired")
        return TokenPlace("appended", "appended") if type(result) is tuple else _PAIRED

    def token_returned(
        self, graph_module: fx.GraphModule, place: TokenPlace, returned: bool
    ) -> None:
        """A graph that builds a structure of its flat results gets one for its pair."""
        codegen = graph_module.graph._codegen
        if place.result != "paired" or not isinstance(codegen, _PyTreeCodeGen):
            return
        info = codegen.pytree_info
        if place.output != "appended" or info.out_spec is None:
            return
        if returned:
            spec = pytree.treespec_tuple([info.out_spec, pytree.treespec_leaf()])
        else:
            spec = info.out_spec.children()[0]
        codegen.pytree_info = info._replace(out_spec=spec)


_PAIRED: Final = TokenPlace("paired", "paired")


def fake_mode_of(graph: fx.Graph, key: str = "val") -> FakeTensorMode | None:
    """The mode of the first fake tensor among the values of a graph's nodes."""
    for node in graph.nodes:
        for value in pytree.tree_leaves(node.meta.get(key)):
            if isinstance(value, FakeTensor):
                return value.fake_mode
    return None
