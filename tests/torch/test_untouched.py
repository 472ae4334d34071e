"""A side of a branch that changes what is not the function's own is not put beside the other:
both sides are traced, and the program would be as if both had been taken."""

from __future__ import annotations

import decimal
import functools
import gc
import io
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
from torch.nn import functional

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


def _setting(change: Callable[[Any], Any]) -> Function:
    def sets(x: Any) -> Any:
        change(x)
        return x * 2

    return sets


class _Silent(io.StringIO):
    pass


def _prints_elsewhere(_: Any) -> None:
    sys.stdout = _Silent()


def _maximises_differently(_: Any) -> None:
    functional.relu6 = functional.relu


def _computes_without_onednn(_: Any) -> None:
    torch.backends.mkldnn.set_flags(not torch.backends.mkldnn.enabled)


def _shows_warnings_differently(_: Any) -> None:
    warnings.showwarning = print


def _orders_products_differently(_: Any) -> None:
    torch.backends.opt_einsum.enabled = not torch.backends.opt_einsum.enabled


SETTING: dict[str, Callable[[Any], Any]] = {
    "wants a gradient": lambda x: x.requires_grad_(),
    "level": lambda _: logger.setLevel(logging.ERROR),
    "level of all": lambda _: logging.disable(logging.ERROR),
    "handler": lambda _: logger.addHandler(logging.NullHandler()),
    "default device": lambda _: torch.set_default_device("meta"),
    "default type": lambda _: torch.set_default_dtype(torch.float64),
    "deterministic": lambda _: torch.use_deterministic_algorithms(True),
    "threads": lambda _: torch.set_num_threads(torch.get_num_threads() + 1),
    "precision": lambda _: torch.set_float32_matmul_precision("medium"),
    "kernels": _computes_without_onednn,
    "products": _orders_products_differently,
    "fast path": lambda _: torch.backends.mha.set_fastpath_enabled(False),
    "attention": lambda _: torch.backends.cuda.enable_math_sdp(False),
    "autocast": lambda _: torch.set_autocast_enabled("cpu", True),
    "autocast's type": lambda _: torch.set_autocast_dtype("cpu", torch.float16),
    "seed": lambda _: torch.manual_seed(3),
    "shown digits": lambda _: torch.set_printoptions(precision=2),
    "warnings": lambda _: warnings.simplefilter("error"),
    "shown warnings": _shows_warnings_differently,
    "environment": lambda _: os.environ.update(SHAPEPROOF_TEST="1"),
    "directory": lambda _: os.chdir(os.sep),
    "output": _prints_elsewhere,
    "function of torch's": _maximises_differently,
    "errors of numpy's": lambda _: np.seterr(all="raise"),
    "decimals": lambda _: setattr(decimal.getcontext(), "prec", 5),
}


@pytest.fixture
def settings_put_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """(Both sides were traced before one of them was given up.)"""
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.setattr(functional, "relu6", functional.relu6)
    monkeypatch.setenv("SHAPEPROOF_TEST", "0")
    threads, device, numbers = torch.get_num_threads(), torch.get_default_device(), np.geterr()
    onednn, places = torch.backends.mkldnn.enabled, os.getcwd()
    einsum = torch.backends.opt_einsum
    monkeypatch.setattr(einsum, "enabled", einsum.enabled)
    handlers = list(logger.handlers)
    with warnings.catch_warnings(), decimal.localcontext():
        yield
    np.seterr(**numbers)
    os.chdir(places)
    logger.handlers[:] = handlers
    logger.setLevel(logging.NOTSET)
    logging.disable(logging.NOTSET)
    torch.set_default_device(None if device == torch.device("cpu") else device)
    torch.set_default_dtype(torch.float32)
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision("highest")
    torch.backends.mkldnn.set_flags(onednn)
    torch.backends.cuda.enable_math_sdp(True)
    torch.backends.mha.set_fastpath_enabled(True)
    torch.set_autocast_enabled("cpu", False)
    torch.set_autocast_dtype("cpu", torch.bfloat16)
    torch.set_printoptions(profile="default")


@pytest.mark.parametrize("name", SETTING)
def test_a_side_that_sets_what_later_code_rests_on_is_no_side(
    name: str, settings_put_back: None
) -> None:
    with pytest.raises(GuardOnDataDependentSymNode):
        export(_setting(SETTING[name]))


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


def _sets_for_itself(x: Any) -> Any:
    with torch.no_grad(), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return (x[:, None] @ x[None]).float().sum(0)


PLAIN: dict[str, Function] = {
    "sets for itself": _sets_for_itself,
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
