"""A side of a branch that goes on with an iterator, draws a random number, or writes to an
array or a buffer of Python's is not put beside the other: what comes later would be as if it
had been taken in any case."""

from __future__ import annotations

import array
import hashlib
import io
import itertools
import mmap
import operator
import os
import queue
import random
import re
import sys
import threading
import types
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

from asserts.dialects.torch import installed

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="positions of instructions")

NUMBERS = [1.0, 2.0, 3.0]
PAIRS = dict(zip(NUMBERS, NUMBERS))


def _yields() -> Iterator[float]:
    yield from NUMBERS


def _yields_the_same() -> Iterator[float]:
    for _ in "aaa":
        yield 1.0


def _begun() -> Iterator[float]:
    found = _yields_the_same()
    next(found)
    return found


def _first(pairs: Iterator[tuple[Any, Any]]) -> float:
    return float(next(pairs)[0])


def _sets(index: int) -> Callable[[Any], float]:
    def use(held: Any) -> float:
        held[index] += 1
        return float(held[index])

    return use


def _writes(held: io.StringIO) -> float:
    held.write("a")
    return float(held.tell())


MADE: dict[str, tuple[Callable[[], Any], Callable[[Any], float]]] = {
    "list": (lambda: iter(NUMBERS), next),
    "tuple": (lambda: iter((1.0, 2.0, 3.0)), next),
    "range": (lambda: iter(range(3)), next),
    "reversed": (lambda: reversed(NUMBERS), next),
    "keys": (lambda: iter(PAIRS), next),
    "items": (lambda: iter(PAIRS.items()), _first),
    "set": (lambda: iter({1.0, 2.0, 3.0}), next),
    "text": (lambda: map(ord, "abc"), next),
    "map": (lambda: map(float, NUMBERS), next),
    "filter": (lambda: filter(None, NUMBERS), next),
    "zip": (lambda: zip(NUMBERS, NUMBERS), _first),
    "enumerate": (lambda: enumerate(NUMBERS), _first),
    "generator": (_yields, next),
    "generator that has begun": (_begun, next),
    "expression": (lambda: (one for one in NUMBERS), next),
    "generator in map": (lambda: map(float, _yields()), next),
    "deque": (lambda: deque(NUMBERS), deque.popleft),
    "bytearray": (lambda: bytearray(b"abc"), _sets(0)),
    "array of Python": (lambda: array.array("d", NUMBERS), _sets(1)),
    "array": (lambda: np.zeros(3), _sets(2)),
    "array of objects": (lambda: np.array([1, None]), _sets(0)),
    "view of an array": (lambda: np.zeros((3, 3))[1:, 1:].reshape(-1)[:3], _sets(2)),
    "text buffer": (io.StringIO, _writes),
    "random": (lambda: random.Random(0), random.Random.random),
    "random of all": (lambda: random.seed(0), lambda _: random.random()),
    "numpy's random": (lambda: np.random.default_rng(0), lambda g: float(g.random())),
    "numpy's old random": (lambda: np.random.RandomState(0), lambda g: float(g.random())),
    "numpy's random of all": (lambda: np.random.seed(0), lambda _: float(np.random.random())),
}


class Items(list[float]):
    count = 0.0


class Table(dict[str, float]):
    count = 0.0


class Queue(deque[float]):
    count = 0.0


class Members(set[float]):
    count = 0.0


class Draws(random.Random):
    pass


class Numbers(np.ndarray):
    pass


class Raw(bytearray):
    pass


class Text(io.StringIO):
    pass


class Chain(itertools.chain[float]):
    pass


def _counts(held: Any) -> float:
    held.count += 1
    return float(held.count)


def _filled() -> queue.SimpleQueue[float]:
    found = queue.SimpleQueue[float]()
    for one in NUMBERS:
        found.put(one)
    return found


OF_OTHER_CLASSES: dict[str, tuple[Callable[[], Any], Callable[[Any], float]]] = {
    "attribute of a list": (Items, _counts),
    "attribute of a dict": (Table, _counts),
    "attribute of a deque": (Queue, _counts),
    "attribute of a set": (Members, _counts),
    "derived random": (lambda: Draws(0), random.Random.random),
    "derived array": (lambda: np.zeros(3).view(Numbers), _sets(2)),
    "derived bytearray": (lambda: Raw(b"abc"), _sets(0)),
    "derived text buffer": (Text, _writes),
    "derived chain": (lambda: Chain(NUMBERS, NUMBERS), next),
}
"""Of classes that are derived from Python's and numpy's."""

NOT_COPIED: dict[str, tuple[Callable[[], Any], Callable[[Any], float]]] = {
    "pairwise": (lambda: itertools.pairwise(NUMBERS), _first),
    "view of bytes": (lambda: memoryview(bytearray(b"abc")), _sets(0)),
    "elements": (lambda: np.arange(3.0).flat, next),
    "places": (lambda: np.ndenumerate(np.arange(3.0)), lambda pairs: float(next(pairs)[1])),
    "queue": (_filled, queue.SimpleQueue.get),
}
"""What cannot be copied, but followed."""


def _line(held: Any) -> float:
    return float(len(held.readline()))


_OPEN: list[Any] = []


def _opened(*how: Any) -> Callable[[], Any]:
    def made() -> Any:
        _OPEN.append(open(__file__, *how))  # noqa: SIM115
        return _OPEN[-1]

    return made


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    yield
    while _OPEN:
        _OPEN.pop().close()


def _mapped() -> mmap.mmap:
    return mmap.mmap(-1, 8)


def _seeds(held: torch.Generator) -> float:
    return float(held.manual_seed(held.initial_seed() % 1000 + 1).initial_seed() % 7)


def _piped() -> Any:
    read, write = os.pipe()
    with os.fdopen(write, "wb") as file:
        file.write(b"1\n22\n")
    _OPEN.append(os.fdopen(read, "rb"))
    return _OPEN[-1]


def _hashes(held: Any) -> float:
    held.update(b"a")
    return float(held.digest()[0])


def _switches(held: ContextVar[float]) -> float:
    held.set(held.get(1.0) * 2)
    return held.get()


def _locks(held: Any) -> float:
    return float(held.acquire(blocking=False))


class Lines(io.BufferedReader):
    pass


HANDLES: dict[str, tuple[Callable[[], Any], Callable[[Any], float]]] = {
    "reader": (_opened("rb"), _line),
    "raw file": (_opened("rb", 0), _line),
    "text file": (_opened(), _line),
    "lines of text": (_opened(), lambda file: float(len(next(file)))),
    "derived reader": (lambda: Lines(io.BytesIO(b"1\n22\n")), _line),
    "closed file": (_opened(), lambda file: float(file.close() is None)),
    "pipe": (_piped, _line),
    "map of memory": (_mapped, _sets(1)),
    "place in memory": (_mapped, lambda held: float(held.read(1)[0])),
    "torch's random": (lambda: torch.Generator().manual_seed(1), _seeds),
    "torch's random of all": (lambda: torch.manual_seed(1), lambda _: _seeds(torch)),
    "torch's dtype of all": (
        lambda: None,
        lambda _: float(torch.set_grad_enabled(False).prev),
    ),
    "context": (lambda: ContextVar("a"), _switches),
    "lock": (threading.Lock, _locks),
    "hash": (hashlib.sha256, _hashes),
    "matches": (lambda: re.finditer("a", "aaa"), lambda held: float(next(held).start())),
}
"""Of C, and asked for what they keep."""


def _through(lead: Callable[[Any], Any], item: Callable[[Any], Any]) -> Any:
    def use(held: Any) -> float:
        item(held[1]).append(1.0)
        return float(len(held[0]))

    def made() -> Any:
        kept = Items()
        return kept, lead(kept)

    return made, use


LEADING = {
    "mapping": _through(
        lambda kept: types.MappingProxyType({1: kept}), operator.itemgetter(1)
    ),
    "values": _through(lambda kept: {1: kept}.values(), lambda held: next(iter(held))),
    "reference": _through(weakref.ref, lambda held: held()),
    "proxy": _through(weakref.proxy, lambda held: held),
}
"""What leads to a list."""

MADE |= OF_OTHER_CLASSES | NOT_COPIED | HANDLES | LEADING

if sys.version_info < (3, 14):  # (copied no more from then on)
    MADE["count"] = (itertools.count, next)
    MADE["cycle"] = (lambda: itertools.cycle(NUMBERS), next)
    MADE["islice"] = (lambda: itertools.islice(NUMBERS, 3), next)
    MADE["chain"] = (lambda: itertools.chain(NUMBERS, NUMBERS), next)


class Uses(nn.Module):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.made, self.use = MADE[name]

    def forward(self, x: Any) -> Any:
        held, use, y = self.made(), self.use, x
        if x.sum() > 2:
            y = y + use(held)
        return y * use(held)


class HasItsOwn(Uses):
    def forward(self, x: Any) -> Any:
        other, y = self.made(), x
        if x.sum() > 2:
            y = y + self.use(self.made())
        return y * self.use(other)


def export(model: nn.Module) -> Any:
    with installed(decide="branches"):
        return torch.export.export(model, (torch.ones(3),))


@pytest.mark.parametrize("name", MADE)
def test_a_side_that_goes_on_with_something_is_no_side(name: str) -> None:
    with pytest.raises(GuardOnDataDependentSymNode):
        export(Uses(name))


BY_ITSELF = [name for name, (made, _) in MADE.items() if "_opened" in made.__qualname__]
BY_ITSELF += ["pipe", "matches"]
"""To make one changes a list, or its place cannot be seen at all."""

OF_ALL = [name for name in MADE if name.endswith("of all")]


@pytest.mark.parametrize("name", [one for one in MADE if one not in (*OF_ALL, *BY_ITSELF)])
def test_one_that_has_its_own_is(name: str) -> None:
    model = HasItsOwn(name)
    program = export(model)
    for x in (torch.ones(3), torch.zeros(3)):
        torch.testing.assert_close(program.module()(x), model(x))


class Reads(nn.Module):
    def forward(self, x: Any) -> Any:
        table, names, y = np.arange(3.0), {"scale": operator.itemgetter(1)}, x
        if x.sum() > 2:
            y = y * float(names["scale"](table))
        return y + float(table[0])


def test_one_that_reads_an_array_is() -> None:
    program = export(Reads())
    for x in (torch.ones(3), torch.zeros(3)):
        torch.testing.assert_close(program.module()(x), Reads()(x))
