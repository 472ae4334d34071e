"""What is known while a program is traced grows with it: each check is read once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from asserts.dialects.torch import installed
from asserts.dialects.torch.export import decide
from asserts.dialects.torch.symbols.growing import GrowingEnv
from asserts.dialects.torch.symbols.shape_env import TorchEnv
from shapes.facts import bounds

DYNAMIC = torch.export.Dim.AUTO


class Asked(nn.Module):
    """Each turn has a check, and a question that it answers."""

    def __init__(self, turns: int) -> None:
        super().__init__()
        self.turns = turns

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        total = x.sum()
        for i in range(self.turns):
            a, b = (x > i).sum().item(), (x < -i).sum().item()
            torch._check(a + b <= 10)
            if a + b <= 12:
                total = total + 1
        return total


class Narrowed(nn.Module):
    """Checks of one value, ranges that meet, replaced values, and questions between."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a, b = (x > 0).sum().item(), (x > 1).sum().item()
        torch._check(a + 2 * b <= 10)
        if a + 2 * b <= 12:
            x = x + 1
        torch._check(a >= 1)
        torch._check(b >= a)
        if 3 * b - a >= 1:
            x = x * 2
        torch._check(a == b)
        torch._check(x.shape[0] >= 4)
        c = (x > 2).sum().item()
        torch._check(c <= b)
        if c - b <= 1:
            x = x * 3
        y = x[x > 1]
        torch._check(y.shape[0] * 2 <= x.shape[0])
        return y if y.shape[0] * 2 <= x.shape[0] + 1 else y + 1


def export(model: nn.Module) -> None:
    with installed(decide=True):
        torch.export.export(model, (torch.randn(9),), dynamic_shapes=({0: DYNAMIC},))


def counted(monkeypatch: pytest.MonkeyPatch, turns: int) -> tuple[int, int]:
    """How many questions were asked, and how many checks were read for them."""
    found = [0, 0]
    known, recorded = decide.known, GrowingEnv.state_recorded
    deferred = GrowingEnv.state_deferred

    def count(place: int, original: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*args: Any) -> Any:
            found[place] += 1
            return original(*args)

        return counting

    with monkeypatch.context() as patched:
        patched.setattr(decide, "known", count(0, known))
        patched.setattr(GrowingEnv, "state_recorded", count(1, recorded))
        patched.setattr(GrowingEnv, "state_deferred", count(1, deferred))
        export(Asked(turns))
    return found[0], found[1]


def test_each_check_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    (few, read_for_few), (many, read_for_many) = (
        counted(monkeypatch, 3),
        counted(monkeypatch, 12),
    )

    assert few >= 3
    assert many >= 12
    assert read_for_many <= 4 * read_for_few


@pytest.mark.parametrize("model", [Asked(3), Narrowed()], ids=["asked", "narrowed"])
def test_it_is_what_a_new_environment_knows(
    model: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = decide.known
    asked: list[TorchEnv] = []

    def compared(shape_env: Any, check_guards: bool) -> TorchEnv:
        found = known(shape_env, check_guards)
        fresh = GrowingEnv(shape_env, check_guards)
        fresh.take(shape_env)
        assert {c.claim for c in found.env.checks} == {c.claim for c in fresh.env.checks}
        assert found.env.symbols.keys() == fresh.env.symbols.keys()
        for info in fresh.env.symbols.values():
            if info.symbol.kind == "int":
                ends = [bounds(one.env.facts, info.symbol) for one in (found, fresh)]  # type: ignore[arg-type]
                assert ends[0].int_bounds() == ends[1].int_bounds()
        asked.append(found)
        return found

    monkeypatch.setattr(decide, "known", compared)
    export(model)

    assert len(asked) >= 3
    assert len(set(map(id, asked))) <= 2  # (a new one where a symbol got another name)
