"""torch solves the equations that it is given, and puts the solutions into later checks.

It solves with what it assumes: ``s*u == 3*s`` makes 3 of every ``u``, also where the size ``s``
is 0, and then ``k <= u`` a check of ``k <= 3``. Pairs of checks, the first of which teaches torch
something of the second: the exported program, and what becomes of it, accepts and rejects what
eager does.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

import asserts
from asserts.dialects.torch import installed
from tests.torch.torch_help import accepts, reloaded

Check = Callable[[Any, Any, Any], Any]
"""What is said of a count ``u``, a size ``s`` and a number ``k``."""

TEACHING: dict[str, Check] = {
    "s*u == 3*s": lambda u, s, k: s * u == 3 * s,
    "s*u + s == 4*s": lambda u, s, k: s * u + s == 4 * s,
    "s*s*u == 3*s*s": lambda u, s, k: s * s * u == 3 * s * s,
    "s*u == s*k": lambda u, s, k: s * u == s * k,
    "s*u == s*s": lambda u, s, k: s * u == s * s,
    "u // s == 1": lambda u, s, k: u // s == 1,
    "s*u >= 3*s": lambda u, s, k: s * u >= 3 * s,
    "u >= 2*s": lambda u, s, k: u >= 2 * s,
    "k == s": lambda u, s, k: k == s,
    "k == s - 2": lambda u, s, k: k == s - 2,
    "s*u == 6": lambda u, s, k: s * u == 6,
}

TAUGHT: dict[str, Check] = {
    "u >= 3": lambda u, s, k: u >= 3,
    "u % 3 == 0": lambda u, s, k: u % 3 == 0,
    "k <= u": lambda u, s, k: k <= u,
    "u <= k + 1": lambda u, s, k: u <= k + 1,
    "u + k <= 6": lambda u, s, k: u + k <= 6,
    "u == k": lambda u, s, k: u == k,
    "u != k": lambda u, s, k: u != k,
    "s <= u": lambda u, s, k: s <= u,
    "u * k <= 9": lambda u, s, k: u * k <= 9,
    "(k + 6) % (u + 1) <= 2": lambda u, s, k: (k + 6) % (u + 1) <= 2,
    "Min(u, k) >= 2": lambda u, s, k: torch.sym_min(u, k) >= 2,
    "k >= 0": lambda u, s, k: k >= 0,
    "k >= 1": lambda u, s, k: k >= 1,
    "k >= 2": lambda u, s, k: k >= 2,
    "u >= 2": lambda u, s, k: u >= 2,
    "u >= 4": lambda u, s, k: u >= 4,
    "u <= 4": lambda u, s, k: u <= 4,
}

SOLVING = ("s*u == 3*s", "s*u + s == 4*s", "s*s*u == 3*s*s")
PAIRS = [
    *((SOLVING[i % 3], taught) for i, taught in enumerate([*TAUGHT][:12])),
    ("s*u == s*k", "u == k"), ("s*u == s*k", "k <= u"), ("s*u == s*k", "Min(u, k) >= 2"),
    ("s*u == s*s", "s <= u"), ("u // s == 1", "u >= 2"), ("u // s == 1", "k <= u"),
    ("s*u >= 3*s", "u >= 3"), ("s*u >= 3*s", "u + k <= 6"), ("u >= 2*s", "u >= 4"),
    ("k == s", "k >= 2"), ("k == s - 2", "k >= 0"), ("s*u == 6", "u <= 4"),
]  # fmt: skip
WAYS = [*itertools.product((False, True), (True, True, False))]
"""Strict or not, with symbolic sizes (more often) or numbers."""

INPUTS = tuple(
    (torch.arange(6) < u, torch.ones(s), torch.tensor(k))
    for u, s, k in itertools.product((0, 1, 2, 3, 4, 6), (0, 1, 2, 3, 6), (-1, 0, 1, 2, 3, 4))
)

TORCHS_OWN = "expected no unbacked symbols"
"""torch's error for files that it cannot read, whosever asserts are in them."""


class Pair(nn.Module):
    """Makes one check after the other."""

    def __init__(self, teaching: Check, taught: Check) -> None:
        super().__init__()
        self.checks = (teaching, taught)

    def forward(self, m: Tensor, y: Tensor, n: Tensor) -> Any:
        u, s, k = m.nonzero().shape[0], y.shape[0], n.item()
        for check in self.checks:
            torch._check(check(u, s, k))
        return y + 1


def forms(program: ExportedProgram) -> dict[str, ExportedProgram]:
    found = {"as it is": program, "minimised": asserts.minimise(program).program}
    try:
        loaded = reloaded(program)
    except AssertionError as error:
        assert TORCHS_OWN in str(error)
        return found
    with installed():
        found["traced again"] = program.run_decompositions()
    found["loaded and minimised"] = asserts.minimise(loaded).program
    found["loaded and inserted"] = asserts.insert(loaded).program
    return found


@pytest.mark.parametrize(
    ("names", "way"), [*zip(PAIRS, itertools.cycle(WAYS))], ids=lambda one: str(one)
)
def test_a_later_check_is_made_as_it_was_written(
    names: tuple[str, str], way: tuple[bool, bool]
) -> None:
    strict, dynamic = way
    model = Pair(TEACHING[names[0]], TAUGHT[names[1]])
    example = max(
        (i for i in INPUTS if i[1].shape[0] >= 2 and accepts(model, i)),
        key=lambda i: i[1].shape[0],
    )
    sizes = ({}, {0: torch.export.Dim.AUTO}, None)
    with installed():
        program = torch.export.export(
            model, example, dynamic_shapes=sizes if dynamic else None, strict=strict
        )
    tried = [i for i in INPUTS if dynamic or i[1].shape == example[1].shape]
    expected = [accepts(model, i) for i in tried]

    for form, made in forms(program).items():
        run = made.module()
        assert [accepts(run, i) for i in tried] == expected, form
