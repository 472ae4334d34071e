"""What exporting and verifying leave of a model's state: nothing, or what torch leaves."""

from __future__ import annotations

import sys
import weakref
from collections import deque
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

import asserts
from asserts.dialects.torch import installed, report
from asserts.dialects.torch.export.state import State, unchanged
from asserts.errors import GraphError
from asserts.verify import verify
from tests.torch.test_rungs import rows

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="positions of instructions")


class Moves(nn.Module):
    """Writes to every kind of state."""

    made = 0

    def __init__(self, seen: list[Any]) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.register_buffer("count", torch.zeros(()))
        self.plain = torch.zeros(2)
        self.calls, self.names, self.numbers = 0, {"a": [1]}, np.zeros(2)
        self.seen = seen

    def forward(self, x: Any) -> Any:
        self.count.add_(1)
        self.calls += 1
        Moves.made += 1
        self.names["a"].append(2)
        self.seen.append(3)
        return self.norm(x) + self.count


def _state(model: Any) -> tuple[Any, ...]:
    tensors = {name: value.tolist() for name, value in model.state_dict().items()}
    own = model.calls, Moves.made, str(model.names), list(model.seen)
    return tensors, own, model.plain.tolist(), model.numbers.tolist()


X = torch.linspace(-1, 1, 12).reshape(4, 3)


@pytest.mark.parametrize("training", [True, False])
def test_verifying_leaves_no_trace(training: bool) -> None:
    model = Moves([]).train(training)
    with torch.no_grad():
        torch.export.export(model, (X,))
    before = _state(model)
    made = asserts.export(model, (X,), verify=True)
    after = _state(model)
    assert after[0] == before[0]
    assert verify(made.program, model).equal
    assert _state(model) == after


def test_a_program_that_is_refused_leaves_no_trace() -> None:
    class Differs(Moves):
        def forward(self, x: Any) -> Any:
            return super().forward(x) + (1 if torch.compiler.is_exporting() else 0)

    model = Differs([])
    before = _state(model)[0]
    with pytest.raises(GraphError, match="is not the model"):
        asserts.export(model, (X,), verify=True)
    assert _state(model)[0] == before


class Slotted:
    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 1


def test_whatever_is_reached_is_put_back() -> None:
    items, ordered, some = [1, [2]], {"a": 1, "b": 2}, {1, 2}
    line, text, slotted = deque([1]), bytearray(b"ab"), Slotted()
    random = torch.Generator()
    drawn = random.initial_seed()
    random.manual_seed(5)
    tensor = torch.tensor([1.0, float("nan")])

    def model() -> None:
        nonlocal drawn
        drawn += 1
        items[1].append(3)  # type: ignore[union-attr]
        items.append(4)
        del ordered["a"]
        ordered["a"] = 9
        some.add(3)
        line.append(2)
        text.extend(b"c")
        slotted.value = 2
        tensor.mul_(2)
        torch.rand(2, generator=random)
        if drawn > 10**30:
            raise ValueError

    seed, state = drawn, random.get_state()
    for _ in range(2):
        with unchanged(model):
            model()
    drawn = 10**40
    with pytest.raises(ValueError), unchanged(model):  # noqa: PT011
        model()
    assert (items, list(ordered.items()), some) == ([1, [2]], [("a", 1), ("b", 2)], {1, 2})
    assert (line, text, slotted.value) == (deque([1]), b"ab", 1)
    assert (drawn, seed) == (10**40, seed)
    assert tensor[0] == 1
    assert torch.equal(random.get_state(), state)


class Refers(nn.Module):
    """Has a weak reference, an attribute of which may only be read (as LSTMs have)."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.kept = weakref.ref(self.layer)

    def forward(self, x: Any, n: Any) -> Any:
        return self.layer(x).sum() + x.new_zeros(int(n), 1)


def test_what_can_only_be_read_is_left() -> None:
    model = Refers()
    inputs = (torch.ones(2, 3), torch.tensor(2))
    made = asserts.export(model, inputs)
    assert made.assumptions == ()
    torch.testing.assert_close(made.program.module()(*inputs), model(*inputs))


def test_what_somebody_else_takes_care_of_is_left() -> None:
    one, other = torch.zeros(1), torch.zeros(1)
    state = State([[one, other]], without=[other])
    one.add_(1)
    other.add_(1)
    state.put_back()
    assert (one.item(), other.item()) == (0, 1)


class Restarts(nn.Module):
    """Its trace starts again for `int`."""

    def __init__(self) -> None:
        super().__init__()
        self.plain = torch.zeros(2)
        self.calls: list[int] = []

    def forward(self, x: Any, n: Any) -> Any:
        self.plain.add_(1)
        self.calls.append(1)
        return x.new_zeros(int(n)) + len(self.calls)


def test_a_trace_that_starts_again_writes_once() -> None:
    model = Restarts()
    with installed(decide=True):
        program = torch.export.export(model, (rows(1, 2), torch.tensor(3)))
    assert model.plain.tolist() == [1, 1]
    assert program.module()(rows(1, 2), torch.tensor(2)).tolist() == [1, 1]


# --------------------------------------------------------------------------- read and written


class Ready(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("ready", torch.tensor(True))


class Later(Ready):
    def forward(self, x: Any, n: Any) -> Any:
        y = x * 2 if self.ready else x
        self.ready.logical_not_()
        return y


class Assigned(Ready):
    def forward(self, x: Any, n: Any) -> Any:
        y = x * 2 if self.ready else x
        self.ready = ~self.ready
        return y


class ByView(Ready):
    def forward(self, x: Any, n: Any) -> Any:
        y = x * 2 if self.ready else x
        self.ready.view(1)[0] = n > 2
        return y


class Earlier(Ready):
    def forward(self, x: Any, n: Any) -> Any:
        self.ready.copy_(n > 2)
        return x * 2 if self.ready else x


@pytest.mark.parametrize("kind", [Later, Assigned, ByView, Earlier])
def test_state_that_the_program_writes_answers_nothing(kind: Any) -> None:
    inputs = (rows(1, 2), torch.tensor(3))
    with pytest.raises(GuardOnDataDependentSymNode), installed(decide=True):
        torch.export.export(kind(), inputs)
    with installed(decide="example"):
        program = torch.export.export(kind(), inputs)
    assert [one.rung for one in report(program).decisions][-1] == "example"
    assert torch.equal(program.module()(*inputs), kind()(*inputs))


class Regions(Ready):
    """Read, and passed on, in parts of the program that are graphs of their own."""

    def forward(self, x: Any, n: Any) -> Any:
        with torch.autocast("cpu", enabled=False):
            y = x * 2 if self.ready else x
            seen = self.ready.view(1)
        with torch.no_grad():
            return y + seen


class InARegion(Ready):
    def forward(self, x: Any, n: Any) -> Any:
        with torch.autocast("cpu", enabled=False):
            y = x * 2 if self.ready else x
            self.ready.logical_not_()
        return y


class BehindARegion(Ready):
    def forward(self, x: Any, n: Any) -> Any:
        with torch.autocast("cpu", enabled=False):
            y = x * 2 if self.ready else x
            seen = self.ready.view(1)
        seen.logical_not_()
        return y


def test_state_that_is_only_read_answers_in_regions_too() -> None:
    inputs = (rows(1, 2), torch.tensor(3))
    with installed(decide=True):
        program = torch.export.export(Regions(), inputs)
    assert [one.rung for one in report(program).decisions] == ["state"]
    assert torch.equal(program.module()(*inputs), Regions()(*inputs))


@pytest.mark.parametrize("kind", [InARegion, BehindARegion])
def test_state_that_a_region_writes_answers_nothing(kind: Any) -> None:
    with pytest.raises(GuardOnDataDependentSymNode), installed(decide=True):
        torch.export.export(kind(), (rows(1, 2), torch.tensor(3)))
