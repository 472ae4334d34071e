"""Whether the advice that is shown settles what it is given for, on programs that are refused.

    python -m tests.torch.real.advised [NAME ...]

Each program of the corpus is exported with `installed(decide=True)`. Where that ends in a
question, each advised line is put before its statement, as the user would, and the program is
exported again: it may end anywhere but at the place that the line is for.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence

import torch

from asserts.dialects.torch import installed
from asserts.dialects.torch.export.advice import AdvisedError
from asserts.dialects.torch.export.settling import comes_of, tried, tried_later
from tests.torch.real import REAL
from tests.torch.real.base import Made, Real
from tests.torch.real.running import quietly

__all__ = ["outcomes"]


def _export(made: Made) -> None:
    with quietly(), installed(decide=True), tried_later():
        torch.export.export(
            made.model, made.args, made.kwargs, dynamic_shapes=made.dynamic_shapes
        )


def outcomes(real: Real) -> Iterator[tuple[str, str]]:
    """Each line that is shown, and what comes of it; nothing if the program exports, or if it
    is refused for another reason than a question."""
    made = real.made()
    try:
        _export(made)
    except Exception as error:  # (a model may raise anything)
        found = comes_of(error, AdvisedError)
        if found is None:
            return
        if not found.lines:
            yield "", "no line"
        for line, ends_there in tried(found, lambda: _export(made), made.model):
            named = {None: "not tried", True: "ends there again", False: "settles"}
            yield line, named[ends_there]


def main(names: Sequence[str]) -> None:
    """Try, and print a line for each line, and how many there are of each kind."""
    kinds: Counter[str] = Counter()
    for real in REAL:
        if not real.installed or (names and real.name not in names):
            continue
        for line, kind in outcomes(real):
            kinds[kind] += 1
            print(f"{real.name}: {kind}: {line}", flush=True)
    print(", ".join(f"{kind}: {count}" for kind, count in sorted(kinds.items())))


if __name__ == "__main__":
    main(sys.argv[1:])
