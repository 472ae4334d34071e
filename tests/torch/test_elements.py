"""Ends of elements: checks that a clamp implies go, and programs stop where eager does."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import asserts
from asserts.dialects.torch import installed
from asserts.dialects.torch.answers.elements import claims_of_read
from shapes.expr.nodes import symbol
from shapes.traversal.evaluate import evaluate

VALUES = (-3.0, -0.5, 0.0, 0.3, 0.7, 1.0, 1.5, 2.0, 9.5, math.nan, math.inf, -math.inf)


def traced(function: Any, dtype: torch.dtype) -> Any:
    """The graph of a function of three elements that reads one."""

    class Reads(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + function(x).item()

    made = torch.export.export(Reads(), (torch.ones(3, dtype=dtype),))
    reads = made.graph.find_nodes(op="call_function", target=torch.ops.aten.item.default)
    return next(iter(reads))


def written(x: Tensor) -> Tensor:
    y = x.clamp(min=1)
    y[0] = -7
    return y[0]


FUNCTIONS = {
    "least": (lambda x: x.clamp(min=1)[0], 1),
    "least, rounded": (lambda x: x.clamp(min=1).ceil().flip(0).view(3, 1)[2, 0], 0),
    "least of a part": (lambda x: x.clamp(min=1).ceil().view(3, 1)[:2].unbind(0)[0][0], 1),
    "most": (lambda x: x.clamp(max=2.0).round()[0], 1),
    "both": (lambda x: x.clamp(0, 2)[0], 2),
    "not in order": (lambda x: x.clamp(2, 0)[0], 0),
    "half": (lambda x: x.clamp(min=0.5)[0], 1),
    "half, rounded": (lambda x: x.clamp(min=0.5).floor()[0], 0),
    "inexact": (lambda x: x.clamp(min=0.7)[0], 0),
    "relu": (lambda x: torch.relu(x)[0], 1),
    "computed": (lambda x: (x.clamp(min=1) - 2)[0], 0),
    "written": (written, 0),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_ends_hold_of_every_element(name: str) -> None:
    function, many = FUNCTIONS[name]
    node, read = traced(function, torch.float32), symbol("f", "float")

    claims = list(claims_of_read(node, read, "val"))

    assert len(claims) == many
    for value in VALUES:
        found = function(torch.full((3,), value)).item()
        assert all(evaluate(claim, {read: found}) for claim in claims)


def test_integers_too() -> None:
    node = traced(lambda x: x.clamp(1, 5)[0], torch.int64)
    k = symbol("k")

    claims = list(claims_of_read(node, k, "val"))

    assert [[evaluate(c, {k: v}) for v in (0, 1, 5, 6)] for c in claims] == [
        [False, True, True, True], [True, True, True, False],
    ]  # fmt: skip


class Resized(nn.Module):
    """As keypoint detection makes its maps: of a size that is at least 1."""

    def forward(self, x: Tensor, widths: Tensor) -> Tensor:
        rounded = widths.clamp(min=1).ceil()
        width = int(rounded[0].item())
        return x.new_zeros(width).sum() + x


def test_what_a_clamp_implies_goes() -> None:
    model = Resized()
    with installed(decide=True):
        made = torch.export.export(model, (torch.ones(2), torch.tensor([2.5, 3.5])))

    fewer = asserts.minimise(made).program

    before, after = (
        [str(n.args[1]) for n in one.graph.nodes if "_assert_scalar" in str(n.target)]
        for one in (made, fewer)
    )
    assert len(before) == 3
    assert len(after) == 2
    assert sum("not a finite number" in text for text in after) == 1  # (not too large, or NaN)
    for value in VALUES:
        inputs = (torch.ones(2), torch.full((2,), min(value, 50.0)))
        assert_alike(model, fewer.module(), inputs)


def assert_alike(model: Any, program: Any, inputs: Any) -> None:
    try:
        wanted = model(*inputs)
    except (ValueError, OverflowError):
        with pytest.raises((RuntimeError, ValueError, OverflowError)):
            program(*inputs)
        return
    assert torch.equal(program(*inputs), wanted)
