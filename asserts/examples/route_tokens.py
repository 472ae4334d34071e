"""Tokens routed to experts with a capacity: data-dependent sizes, and a bound on each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import asserts
from asserts.trace import Spec

__all__ = ["route_tokens"]

EXPERTS = 4
CAPACITY = 32

Floats = NDArray[np.float64]


@asserts.inputs(tokens=Spec(("t", "d")), scores=Spec(("t", EXPERTS)))
def route_tokens(tokens: Floats, scores: Floats) -> tuple[Any, Any]:
    """Each token goes to the expert with its highest score.

    Returns the tokens by expert, ``(EXPERTS, CAPACITY, d)`` with rows of zeros where an
    expert has fewer tokens than its capacity, and how many each expert got.
    """
    expert = np.argmax(scores, axis=1)
    groups = []
    counts = []
    for index in range(EXPERTS):
        (chosen,) = np.nonzero(expert == index)
        count = chosen.shape[0]
        asserts.check(count <= CAPACITY, f"expert {index} is over its capacity")
        asserts.check(count <= tokens.shape[0], "an expert has more tokens than there are")
        groups.append(np.pad(tokens[chosen], ((0, CAPACITY - count), (0, 0))))
        counts.append(count)
    return np.stack(groups), np.array(counts)
