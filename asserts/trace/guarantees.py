"""What operations guarantee of values that are known only when a program runs, and why.

Proofs rest on these facts, and they are not checked when the program runs: so each must hold
whatever the operation is given, also for arguments that break a promise of the caller
(`assume_unique=True`, an array that is to be sorted, indices in range). Every fact that a
rule states belongs to a row of this table, by the function of the node that makes it true;
the tests attack every row by running numpy.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from asserts.graph import runtime
from asserts.graph.graph import Node
from asserts.trace.registry import numpy_functions

__all__ = ["ELEMENTS", "ENTRY", "GUARANTEES", "EnforcedBy", "Guarantee", "guarantee_of"]


class EnforcedBy(Enum):
    """Who sees to it that a fact holds in every run."""

    OPERATION = "numpy computes no other result, whatever the arguments are"
    OPERANDS = "numpy computes no other result from elements within their own bounds"
    DTYPE = "a dtype holds no other numbers, and the dtypes of inputs are compared at entry"
    COMPUTATION = "the node computes just this"
    ARRAY = "no array has another size"
    INPUT_CHECK = "`check_inputs` compares it before the program runs"
    ENTRY_ASSERT = "an assert at entry"
    GUARDS = "the guards are checked before the program runs"
    PROGRAM = "the operations of the nested program guarantee it"


@dataclass(frozen=True)
class Guarantee:
    """A kind of fact: what is said, and who enforces it; `unless` says when it is not said."""

    says: str
    enforced_by: EnforcedBy
    unless: str = ""


_COUNT: Final = Guarantee("0 <= count <= size of the mask", EnforcedBy.OPERATION)
_OPERATION: Final = EnforcedBy.OPERATION


def _rows(rows: dict[str, Guarantee]) -> dict[Any, Guarantee]:
    return {f: row for name, row in rows.items() for f in numpy_functions(name)}


GUARANTEES: Final[dict[Any, Guarantee]] = {
    runtime.count_nonzero: _COUNT,
    **_rows(
        {
            "nonzero": _COUNT,
            "flatnonzero": _COUNT,
            "argwhere": _COUNT,
            "extract": _COUNT,
            "compress": _COUNT,
            "count_nonzero": _COUNT,
            "unique": Guarantee("Min(size, 1) <= count <= size", _OPERATION),
            "union1d": Guarantee("Min(both sizes, 1) <= count <= both sizes", _OPERATION),
            "setxor1d": Guarantee("count <= both sizes", _OPERATION),
            "setdiff1d": Guarantee("count <= first size", _OPERATION),
            "intersect1d": Guarantee(
                "count <= either size", _OPERATION,
                "with assume_unique=True, which is not checked: then count <= both sizes",
            ),
            "repeat": Guarantee(
                "total <= number of counts * largest count", EnforcedBy.OPERANDS,
                "nothing is known of the counts, or there is one for all",
            ),
            "bincount": Guarantee(
                "minlength <= count <= Max(largest element + 1, minlength)",
                EnforcedBy.OPERANDS, "(the upper bound) nothing is known of the elements",
            ),
        }
    ),
    operator.getitem: _COUNT,
    runtime.math_of: Guarantee(
        "root*root <= n <= root*root + 2*root, 1 <= factorial, 0 <= combinations", _OPERATION,
        "(any of it) the function has a result of another kind",
    ),
    runtime.item: Guarantee(
        "the value is within the dtype's range, and within the bounds of the elements",
        EnforcedBy.DTYPE,
    ),
}  # fmt: skip
"""The facts that rules state of sizes and values, by the function of the node."""

DERIVED: Final = Guarantee(
    "a derived name is computed from sizes of inputs", EnforcedBy.COMPUTATION
)
NESTED: Final = Guarantee(
    "what its own operations guarantee of the results of a nested program", EnforcedBy.PROGRAM
)

ELEMENTS: Final[dict[Any, Guarantee]] = _rows(
    {
        "nonzero": Guarantee("0 <= index < axis", _OPERATION),
        "flatnonzero": Guarantee("0 <= index < size", _OPERATION),
        "argmax": Guarantee("0 <= index < axis", _OPERATION),
        "argmin": Guarantee("0 <= index < axis", _OPERATION),
        "nanargmax": Guarantee("0 <= index < axis", _OPERATION),
        "nanargmin": Guarantee("0 <= index < axis", _OPERATION),
        "argsort": Guarantee("0 <= index < axis", _OPERATION),
        "argpartition": Guarantee("0 <= index < axis", _OPERATION),
        "lexsort": Guarantee("0 <= index < size", _OPERATION),
        "searchsorted": Guarantee("0 <= place <= number of edges, sorted or not", _OPERATION),
        "unravel_index": Guarantee(
            "0 <= index < axis", _OPERATION, "an axis may be given a negative size"
        ),
        "ravel_multi_index": Guarantee(
            "0 <= number < product of the axes, in any mode", _OPERATION,
            "an axis may be given a negative size",
        ),
        "tril_indices": Guarantee("0 <= index < axis", _OPERATION),
        "triu_indices": Guarantee("0 <= index < axis", _OPERATION),
        "tril_indices_from": Guarantee("0 <= index < axis", _OPERATION),
        "triu_indices_from": Guarantee("0 <= index < axis", _OPERATION),
        "digitize": Guarantee("0 <= place <= number of edges", _OPERATION),
        "unique": Guarantee(
            "0 <= index < size, 0 <= inverse < count, 1 <= number <= size", _OPERATION
        ),
        "bincount": Guarantee("0 <= number <= size", _OPERATION, "there are weights"),
        "count_nonzero": Guarantee("0 <= number <= axes", _OPERATION),
        "sum": Guarantee("0 <= number of true elements <= axes", EnforcedBy.DTYPE),
        "cumsum": Guarantee("0 <= number of true elements <= axis", EnforcedBy.DTYPE),
        "zeros": Guarantee("0 <= element <= 0", _OPERATION),
        "ones": Guarantee("1 <= element <= 1", _OPERATION),
        "array": Guarantee("number <= element <= number", _OPERATION, "it is made of a list"),
        "full": Guarantee("fill <= element <= fill", _OPERATION, "a dtype is given"),
        "minimum": Guarantee("the bounds that the operands share", EnforcedBy.OPERANDS),
        "maximum": Guarantee("the bounds that the operands share", EnforcedBy.OPERANDS),
        "arange": Guarantee("start <= element < stop (for a step > 0)", _OPERATION),
        "take": Guarantee("an element of the array, for any mode", EnforcedBy.OPERANDS),
        "take_along_axis": Guarantee("an element of the array", EnforcedBy.OPERANDS),
        "sort": Guarantee("an element of the array", EnforcedBy.OPERANDS),
        "partition": Guarantee("an element of the array", EnforcedBy.OPERANDS),
        "clip": Guarantee("between the ends", _OPERATION, "an end may not fit the dtype"),
    }
)
"""The bounds that rules state of elements. (Those of operations that only arrange elements
are not listed one by one: what they make are elements of their operands.)"""

ENTRY: Final[dict[str, Guarantee]] = {
    "size": Guarantee("every size is at least 0", EnforcedBy.ARRAY),
    "rank": Guarantee("the number of axes", EnforcedBy.INPUT_CHECK),
    "dtype": Guarantee("the exact dtype", EnforcedBy.INPUT_CHECK),
    "integer": Guarantee("an integer input is an integer", EnforcedBy.INPUT_CHECK),
    "declared": Guarantee("the range of a size or an integer", EnforcedBy.ENTRY_ASSERT),
    "contract": Guarantee("equal, constant and derived sizes", EnforcedBy.ENTRY_ASSERT),
    "guard": Guarantee("a branch that was taken by an example", EnforcedBy.GUARDS),
}
"""What is known of inputs when a program begins."""


def guarantee_of(node: Node) -> Guarantee | None:
    """The row of what is stated of a node's results; None if there is none."""
    if node.op == "call_module":
        return NESTED
    if "derived" in node.meta:
        return DERIVED
    return GUARANTEES.get(node.target)
