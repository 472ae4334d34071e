"""Symbols that are read in unusual ways: by a method of a result, from the inner tensor of a
subclass, as a converted condition."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, fx, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import (
    CallMethodKey,
    ConvertIntKey,
    InnerTensorKey,
)
from torch.fx.experimental.symbolic_shapes import ShapeEnv as TorchShapeEnv
from torch.testing._internal.two_tensor import TwoTensor
from torch.utils._pytree import SequenceKey

from asserts.dialects.torch import insert_deferred_runtime_asserts, installed
from tests.torch.programs import DYNAMIC, Program, rows
from tests.torch.torch_help import decomposed, disagreements, exported


class Sliced(nn.Module):
    """A slice whose ends may count from the back: its size and its offset are read."""

    def forward(self, x: Tensor, ends: Tensor) -> Tensor:
        start, stop = ends.tolist()
        part = x[start:stop]
        torch._check(part.shape[0] <= 3, lambda: "a short part")
        torch._check(part.storage_offset() <= 6, lambda: "not far behind")
        return part * 2


SLICED = Program(
    Sliced,
    (rows(6), torch.tensor([1, 3])),
    ({0: DYNAMIC}, None),
    (
        (rows(6), torch.tensor([-6, -4])),
        (rows(6), torch.tensor([2, 5])),
        (rows(2), torch.tensor([0, 9])),
    ),
    ((rows(6), torch.tensor([0, 4])), (rows(6), torch.tensor([3, 4])),
     (rows(6), torch.tensor([-2, 6]))),
)  # fmt: skip


def test_sizes_and_offsets_are_read_from_the_result() -> None:
    with installed(decide=True):
        made = exported(SLICED)

    paths = [p for n in made.graph.nodes for p in n.meta.get("unbacked_bindings", {}).values()]
    assert {key.name for p in paths for key in p if isinstance(key, CallMethodKey)} == {
        "size",
        "storage_offset",
    }
    assert disagreements(SLICED, made) == []
    assert disagreements(SLICED, decomposed(made)) == []


def found_twice(x: Tensor) -> TwoTensor:
    """Where a tensor is not zero, as a tensor of a class that has inner ones."""
    found = torch.nonzero(x).squeeze(1)
    return TwoTensor(found, found + 1)


def is_long(x: Tensor) -> bool:
    """A condition that is known only when the program runs."""
    return x.shape[0] > 3


def graph_of(function: Any, value: Any, symbol: Any, path: tuple[Any, ...]) -> fx.GraphModule:
    graph = fx.Graph()
    x = graph.placeholder("x")
    node = graph.call_function(function, (x,))
    node.meta["val"] = value
    node.meta["unbacked_bindings"] = {symbol.node.expr: path}
    graph.output(node)
    return fx.GraphModule({}, graph)


def test_a_size_of_an_inner_tensor_of_a_subclass_is_read_from_it() -> None:
    shape_env = TorchShapeEnv()
    with installed(), FakeTensorMode(shape_env=shape_env):
        length = shape_env.create_unbacked_symint()
        torch._check(length >= 0)
        torch._check(length <= 3)
        inner = torch.empty(length, dtype=torch.int64)
        value = TwoTensor(inner, inner)
    path = (InnerTensorKey("b"), CallMethodKey("size"), SequenceKey(0))
    module = graph_of(found_twice, value, length, path)

    insert_deferred_runtime_asserts(module, shape_env, "by hand")
    module.recompile()

    assert [n.target for n in module.graph.nodes if n.target is getattr] == [getattr]
    module(torch.tensor([1, 0, 1, 1]))
    with pytest.raises(RuntimeError, match="<= 3"):
        module(torch.ones(4))


def test_a_condition_that_is_read_as_a_number_is_converted() -> None:
    shape_env = TorchShapeEnv()
    with installed(), FakeTensorMode(shape_env=shape_env):
        truth = shape_env.create_unbacked_symbool()
        number = truth.node.expr.args[0]
        torch._check(truth)
    graph = fx.Graph()
    x = graph.placeholder("x")
    node = graph.call_function(is_long, (x,))
    node.meta["val"] = truth
    node.meta["unbacked_bindings"] = {number: (ConvertIntKey(),)}
    graph.output(node)
    module = fx.GraphModule({}, graph)

    insert_deferred_runtime_asserts(module, shape_env, "by hand")
    module.recompile()

    assert module(torch.ones(4)) is True
    with pytest.raises(RuntimeError):
        module(torch.ones(3))
