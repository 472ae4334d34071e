"""Who enforces the facts that proofs about torch's programs rest on.

Every fact that is not itself an assert of the graph is stated by `TorchEnv.guarantee` under
one of these names, and under no other. What torch assumes while it traces is not among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shapes.facts import EVERY_SIZE, Fact

__all__ = ["CLAMPED", "ENFORCED", "ENTRY", "at_entry"]

ENTRY: Final = "the caller's inputs"
"""Who enforces what callers are held to; stands in reports."""

CLAMPED: Final = "an element of a clamped tensor"
"""The name under which ends of what is read from tensors are stated."""


def at_entry(fact: Fact) -> bool:
    """Whether the check at the program's entry enforces a fact."""
    return fact.operation == ENTRY


_CHOSEN: Final = "the operation chooses among the elements of its operand, each at most once"

ENFORCED: Final[Mapping[str, str]] = {
    ENTRY: "the check at the program's entry (ranges from 3 on, upper ends, equal and fixed "
           "sizes, guards); a size is a count",
    EVERY_SIZE: "a size is a count",
    "a conversion of a condition": "torch converts a condition to 0 or 1",
    "how the symbol is read": "the node that reads the symbol divides",
    "64-bit integers": "torch's integers have 64 bits",
    "a number computed from sizes": "the nodes that compute it from sizes, in 64-bit integers "
                                    "that the result cannot leave",
    CLAMPED: "the operation that clamps puts every element between its ends, but NaN",
    "aten.nonzero.default": _CHOSEN,
    "aten._unique2.default": _CHOSEN,
    "aten.unique_consecutive.default": _CHOSEN,
    "aten.index.Tensor": "a mask has the sizes of what it selects from, else torch raises; "
                         "it selects each element at most once",
    "aten.index.Tensor_hacked_twin": "as for `aten.index.Tensor`",
    "aten.masked_select.default": _CHOSEN,
    "aten.narrow.default": "the result has the length that was asked for, else torch raises",
    "aten.narrow_copy.default": "as for `aten.narrow.default`",
    "aten.slice.Tensor": "the ends are cut to the operand's size",
}  # fmt: skip
"""For every name under which facts are stated, what enforces them."""
