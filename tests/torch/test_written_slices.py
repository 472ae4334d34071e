"""Slices that are written to, with ends that are tensors: they stay symbolic, as those that
are read do, and the program writes what the model writes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.export import Dim

from asserts.dialects.torch import installed

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="positions of instructions")


def _to(y: Any, a: Any, b: Any) -> None:
    y[:b] = 1


def _from(y: Any, a: Any, b: Any) -> None:
    y[a:] = 2


def _between(y: Any, a: Any, b: Any) -> None:
    y[a:b] = y[a:b] * 3


def _in_place(y: Any, a: Any, b: Any) -> None:
    y[a:b] += 1


def _of_columns(y: Any, a: Any, b: Any) -> None:
    y.view(-1, 2)[..., a:b] = 5


def _of_one_size(y: Any, a: Any, b: Any) -> None:
    y[a:b] = torch.ones(2)


def _computed(y: Any, a: Any, b: Any) -> None:
    y[a : b - a] = y[: b - a - a]


def _with_steps(y: Any, a: Any, b: Any) -> None:
    y[a:b:2] = 7


WRITES: list[Callable[[Any, Any, Any], None]] = [
    _to, _from, _between, _in_place, _of_columns, _of_one_size, _computed, _with_steps,
]  # fmt: skip


class Writes(nn.Module):
    def __init__(self, write: Callable[[Any, Any, Any], None]) -> None:
        super().__init__()
        self.write = write

    def forward(self, x: Any, ends: Any) -> Any:
        y = x.clone()
        self.write(y, ends[0], ends[1])
        self.write(x, ends[0], ends[1])
        return y


def _outcome(run: Callable[..., Any], x: Any, ends: Any) -> Any:
    x = x.clone()
    try:
        return run(x, ends), x
    except (RuntimeError, IndexError):
        return None


@pytest.mark.parametrize("write", WRITES)
def test_nothing_is_assumed_of_the_ends(write: Callable[[Any, Any, Any], None]) -> None:
    model = Writes(write)
    with installed(decide=True):
        program = torch.export.export(
            model, (torch.arange(6.0), torch.tensor([1, 3])), dynamic_shapes=({0: Dim.AUTO}, None)
        )
    run = program.module()

    for size in (6, 8, 4):
        for ends in ([1, 3], [0, 0], [0, size], [3, 1], [-2, size], [1, 9], [-9, 2]):
            inputs = torch.arange(float(size)), torch.tensor(ends)
            expected, got = _outcome(model, *inputs), _outcome(run, *inputs)
            assert (expected is None) is (got is None), ends
            if expected is not None:
                torch.testing.assert_close(got, expected)


def test_a_floating_end_is_refused_as_in_eager_mode() -> None:
    with pytest.raises(TypeError), installed(decide=True):
        torch.export.export(Writes(_to), (torch.arange(6.0), torch.tensor([1.0, 3.0])))
