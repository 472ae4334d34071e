"""A graph compared with the plain function that it was traced from."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import asserts
from asserts.errors import GraphError
from asserts.graph.module import GraphModule
from asserts.trace import Spec, trace
from asserts.verify.programs import verify
from shapes import Dim
from tests.asserts.trace.test_structures import DICT, Batch, of_dict, of_record


def halves(x: Any, k: Any) -> Any:
    asserts.check(k >= 1, "at least one")
    return x.reshape(2, -1)[:, :k].sum(axis=1)


def other_halves(x: Any, k: Any) -> Any:
    found = halves(x, k)
    return found + (1 if k == 2 else 0)


def lenient(x: Any, k: Any) -> Any:
    return x.reshape(2, -1)[:, :k].sum(axis=1)


def program() -> GraphModule:
    return checked(halves, ("n",), Spec.int("k", min=-3, max=9))


def checked(function: Any, *specs: Any, **named: Any) -> GraphModule:
    made = asserts.insert(trace(function, *specs, **named)).graph_module
    assert isinstance(made, GraphModule)
    return made


def test_a_program_is_its_function() -> None:
    found = verify(program(), halves)
    assert found.verdict == "equal", found
    assert found.accepted >= 5
    assert found.rejected >= 2
    assert not found.unbroken


def test_another_function_is_told_apart() -> None:
    found = verify(program(), other_halves, names=("the graph", "the function"))
    assert found.verdict == "different"
    assert "both accept them, but the result is" in str(found)
    found = verify(program(), lenient, names=("the graph", "the function"))
    assert found.verdict == "different"
    assert "the graph rejects them" in str(found)
    assert "the function accepts them" in str(found)


def test_what_callers_satisfy_is_not_asked_of_the_function() -> None:
    made = checked(lambda x: x + 1, (Dim("n", min=2, max=6),))
    assert verify(made, lambda x: x + 1).equal
    doubled = checked(lambda x: x.sum(), ("2*n",))
    found = verify(doubled, lambda x: x.sum())
    assert found.equal, found
    assert not found.rejected


def test_too_few_accepted_inputs_are_no_comparison() -> None:
    def never(x: Any) -> Any:
        asserts.check(x.shape[0] > 10**9)
        return x

    found = verify(checked(never, ("n",)), never)
    assert found.verdict == "not compared"
    assert not found
    assert verify(program(), halves, min_accepted=10**4).verdict == "not compared"


def test_dtypes_and_changes_of_inputs_are_compared() -> None:
    made = checked(lambda x: x * 2, Spec(("n",), "int32"))
    assert verify(made, lambda x: (x * 2).astype(np.int64)).verdict == "different"

    def changes(x: Any) -> Any:
        found = x * 2
        x[:1] = 7
        return found

    assert "a changed input" in str(verify(made, changes))


def test_parameters_are_found_by_name() -> None:
    def scaled(x: Any, factor: float, *, k: int) -> Any:
        return x * factor + k

    made = checked(scaled, ("n",), 2.5, k=Spec.int("k"))
    assert verify(made, partial(scaled, factor=2.5)).equal

    def many(first: Any, *rest: Any) -> Any:
        return sum(rest, first)

    assert verify(checked(many, ("n",), ("n",), ("n",)), many).equal


def test_structures_are_put_together() -> None:
    assert verify(checked(of_dict, DICT), of_dict).equal
    assert verify(checked(of_record, Batch(Spec(("n", 3)), ("n",))), of_record).equal


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(GraphError, match="cannot be compared"):
        verify(program(), 3)
