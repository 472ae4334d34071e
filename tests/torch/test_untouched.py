"""A side of a branch that changes what is not the function's own is not put beside the other:
both sides are traced, and the program would be as if both had been taken."""

from __future__ import annotations

import functools
import gc
import logging
import re
import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, ClassVar

import pytest
import torch
from torch import nn
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

from asserts.dialects.torch import installed
from asserts.dialects.torch.export.bodies import InfeasibleError
from asserts.dialects.torch.export.untouched import Objects, watching
from tests.torch import untouched_help
from tests.torch.untouched_help import keeps

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="positions of instructions")

Function = Callable[[Any], Any]

LOG: list[int] = []
TABLE: dict[str, int] = {}
NUMBER = 0
FACTORS = {"two": 2}
logger = logging.getLogger(__name__)


class Box:
    total = 0
    kept: ClassVar[list[int]] = []

    def __init__(self) -> None:
        self.value = 0

    def adds(self, x: Any) -> Any:
        self.value += 1
        return x * 2

    @classmethod
    def counts(cls, x: Any) -> Any:
        cls.total += 1
        return x * 2

    def only_reads(self, x: Any) -> Any:
        return x * (2 + self.value)


BOX = Box()


def appends(x: Any) -> Any:
    LOG.append(1)
    return x * 2


def sets_a_global(x: Any) -> Any:
    global NUMBER
    NUMBER += 1
    return x * 2


def sets_by_a_function(x: Any) -> Any:
    globals()["NUMBER"] = 3
    return x * 2


def sets_an_item(x: Any) -> Any:
    TABLE["k"] = 1  # (the same each time)
    return x * 2


def sets_an_attribute(x: Any) -> Any:
    BOX.value = 3
    return x * 2


def sets_one_of_a_class(x: Any) -> Any:
    Box.total = 5
    return x * 2


def calls_another(x: Any) -> Any:
    return appends(x)


def sets_one_of_a_module(x: Any) -> Any:
    untouched_help.count = 4
    return x * 2


def keeps_in_a_class(x: Any) -> Any:
    Box.kept.append(1)
    return x * 2


def _closures() -> tuple[Function, Function]:
    count, seen = 0, []

    def counting(x: Any) -> Any:
        nonlocal count
        count += 1
        return x * 2

    def appending(x: Any) -> Any:
        seen.append(1)
        return x * 2

    return counting, appending


counting, appending = _closures()


def by_default(x: Any, seen: list[int] = []) -> Any:  # noqa: B006
    seen.append(1)
    return x * 2


class Layer(nn.Module):
    def __init__(self, keeps: bool) -> None:
        super().__init__()
        self.seen: list[int] = []
        self.keeps = keeps

    def forward(self, x: Any) -> Any:
        if self.keeps:
            self.seen.append(1)
        return x * 2


CHANGING: dict[str, Function] = {
    "global list": appends, "global": sets_a_global, "globals()": sets_by_a_function,
    "global dictionary": sets_an_item, "attribute": sets_an_attribute,
    "attribute of a class": sets_one_of_a_class, "list of a class": keeps_in_a_class,
    "method": BOX.adds, "class method": Box.counts, "through another": calls_another,
    "through a lambda": lambda x: appends(x), "attribute of a module": sets_one_of_a_module,
    "list of a module": keeps, "closure": counting, "list of a closure": appending,
    "default": by_default, "partial": functools.partial(by_default), "module": Layer(True),
}  # fmt: skip


def _owns(x: Any) -> Any:
    found, made = [], Box()
    found.append(x)
    made.value = 2
    return found[0] * made.value


def _reads(x: Any) -> Any:
    logger.debug("seen")
    return x * FACTORS["two"]


LETTERS = re.compile("[a-z]+")


def _matches(x: Any) -> Any:
    return x * 2 if LETTERS.fullmatch("abc") else x


PLAIN: dict[str, Function] = {
    "own objects": _owns, "reads": _reads, "method": BOX.only_reads, "module": Layer(False),
    "linear": nn.Linear(3, 3), "pattern": _matches, "partial": functools.partial(torch.mul, other=2),
}  # fmt: skip


class Model(nn.Module):
    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Any) -> Any:
        function = self.function
        return function(x) if x.sum() > 2 else x - 1


def export(function: Function) -> tuple[nn.Module, Any]:
    model = Model(function)
    with installed(decide="branches"):
        return model, torch.export.export(model, (torch.ones(3),))


@pytest.mark.parametrize("name", CHANGING)
def test_a_side_that_changes_something_is_no_side(name: str) -> None:
    with pytest.raises(GuardOnDataDependentSymNode):
        export(CHANGING[name])


@pytest.mark.parametrize("name", PLAIN)
def test_one_that_only_reads_or_has_its_own_is(name: str) -> None:
    model, program = export(PLAIN[name])
    for x in (torch.ones(3), torch.zeros(3)):
        torch.testing.assert_close(program.module()(x), model(x))


collections_seen = 0


def _collects(x: Any) -> Any:
    gc.collect()
    return x + 1


def test_what_the_garbage_collector_calls_is_not_the_sides() -> None:
    def notice(phase: str, _: Any) -> None:
        global collections_seen
        collections_seen += phase == "start"

    gc.callbacks.append(notice)
    try:
        model, program = export(_collects)
    finally:
        gc.callbacks.remove(notice)
    assert collections_seen > 0
    torch.testing.assert_close(program.module()(torch.ones(3)), model(torch.ones(3)))


found_by_ours = 0


class _Finder:
    """Like that of pytest, or of an editable installation."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:
        global found_by_ours
        found_by_ours += name == "colorsys"


@pytest.mark.parametrize(("importer", "is_same"), [(torch.__file__, True), (__file__, False)])
def test_what_finds_a_module_that_torch_imports_is_not_the_sides(
    importer: str, is_same: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = found_by_ours
    scope: dict[str, Any] = {}
    exec(compile("def f():\n    import colorsys", importer, "exec"), scope)
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    monkeypatch.setattr(sys, "meta_path", [_Finder, *sys.meta_path])
    outcome = nullcontext() if is_same else pytest.raises(InfeasibleError, match="found_by_ours")
    with outcome, watching(Objects([]), sys._getframe()):
        scope["f"]()
    assert found_by_ours == seen + 1


def test_whoever_watches_goes_on_watching() -> None:
    """(A profiler of the program's own.)"""
    seen: list[str] = []

    def notice(frame: Any, event: str, _: Any) -> None:
        seen.append(frame.f_code.co_name)

    sys.setprofile(notice)
    try:
        export(_reads)
        assert sys.getprofile() is notice
    finally:
        sys.setprofile(None)
    assert "_reads" in seen
