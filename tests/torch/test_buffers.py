"""What a program decides by its buffers is decided by what they are, and checked when it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

import asserts
from asserts.dialects.torch import installed
from tests.torch.torch_help import asserts_of, reloaded


class Model(nn.Module):
    """Computes with a buffer, or a parameter."""

    def __init__(self, function: Callable[[Tensor, Tensor], Any], held: Tensor) -> None:
        super().__init__()
        self.function = function
        if held.dtype.is_floating_point:
            self.held: Tensor = nn.Parameter(held.clone())
        else:
            self.register_buffer("held", held.clone())

    def forward(self, x: Tensor) -> Any:
        return self.function(x, self.held)


def export(model: nn.Module, decide: bool = True) -> Any:
    with installed(decide=decide):
        return torch.export.export(
            model, (torch.arange(6.0),), dynamic_shapes=({0: torch.export.Dim.AUTO},)
        )


def repeated(x: Tensor, h: Tensor) -> Tensor:
    for _ in range(int(h)):
        x = x * 2
    return x


def counted(x: Tensor, h: Tensor) -> Tensor:
    """The buffer changes behind the branch."""
    out = x + 1 if (h + 1 > 2).all() else x - 1
    return out + h.sum()


CASES: dict[str, tuple[Callable[[Tensor, Tensor], Any], list[Any]]] = {
    # (what is computed; the value while it is traced, then others)
    "flag": (lambda x, h: x * 2 if h else x - x.mean(), [True, False]),
    "not": (lambda x, h: x if not h else x + 1, [False, True]),
    "range": (lambda x, h: x if h > 2 else x + 1, [5, 3, 2, -1]),
    "item": (lambda x, h: x if h.item() % 2 == 0 else x + 1, [4, 6, 5]),
    "number": (lambda x, h: x.view(-1, int(h)), [2, 3]),
    "loop": (repeated, [3, 2, 4]),
    "any": (lambda x, h: x if h.any() else x + 1, [[0, 1], [1, 1], [0, 0]]),
    "grad": (lambda x, h: (x + 1) * h if h.item() > 2 else x + h, [4, 6, 2]),
    "list": (lambda x, h: x.view(1, -1).sum(dim=h.tolist()), [[0, 1], [1, 0], [0, 0]]),
    "counted": (counted, [[2, 3], [4, 5], [0, 9]]),
    "parameter": (lambda x, h: x * h.sum() if (h > 0.5).all() else x, [[1.0, 2.0], [0.6], [0.1]]),
}  # fmt: skip


def result(run: Any, x: Tensor) -> Any:
    try:
        return run(x)
    except (RuntimeError, AssertionError):
        return None


def forms(program: Any) -> list[Any]:
    found = [program, asserts.minimise(program).program]
    try:
        found.append(reloaded(program))
    except AssertionError as error:  # torch's own, where a check fixes a number
        assert "expected no unbacked symbols" in str(error)
    return found


@pytest.mark.parametrize("name", CASES)
def test_a_buffer_decides_and_is_checked(name: str) -> None:
    function, values = CASES[name]
    values = [v for v in values if not isinstance(v, list) or len(v) == len(values[0])]
    program = export(Model(function, torch.tensor(values[0])))

    for made in forms(program):
        for value in values:
            held, x = torch.tensor(value), torch.arange(6.0)
            run = made.module()
            run.held.data.copy_(held)
            got, expected = result(run, x), result(Model(function, held), x)
            if got is not None:  # it may refuse what takes another way, and never computes it
                torch.testing.assert_close(got, expected)
            assert got is not None or value != values[0]
    assert asserts_of(program)


@pytest.mark.parametrize("value", [3, 100])
def test_only_what_was_asked_is_checked(value: int) -> None:
    run = export(Model(CASES["range"][0], torch.tensor(5))).module()
    run.held.data.fill_(value)

    torch.testing.assert_close(run(torch.arange(6.0)), torch.arange(6.0))


def written(x: Tensor, h: Tensor) -> Tensor:
    h.add_(1)
    return x if h > 2 else x + 1


REFUSED: dict[str, Callable[[Tensor, Tensor], Any]] = {
    "data take part": lambda x, h: x if x.sum() + h > 0 else x + 1,
    "an input": lambda x, h: x if x.any() else x + h,
    "written": written,
    "random": lambda x, h: x if torch.rand(1) * h > 0 else x + 1,
}


@pytest.mark.parametrize("function", REFUSED.values(), ids=list(REFUSED))
def test_of_anything_else_nothing_is_taken_for_granted(function: Callable[..., Any]) -> None:
    with pytest.raises(GuardOnDataDependentSymNode):
        export(Model(function, torch.tensor(3)))


def test_without_deciding_torch_raises_its_error() -> None:
    with pytest.raises(GuardOnDataDependentSymNode):
        export(Model(CASES["flag"][0], torch.tensor(True)), decide=False)


def test_what_a_buffer_decided_is_told() -> None:
    program = export(Model(CASES["flag"][0], torch.tensor(True)))

    (row,) = asserts.report(program).rows
    assert row.message is not None
    assert "as for the model's own state" in row.message
    assert "test_buffers.py" in str(row.location)
