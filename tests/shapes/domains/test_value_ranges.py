"""`ValueRanges` as a value: kinds, text, equality, membership, intersection and hull."""

from __future__ import annotations

import copy
import itertools
import math
import pickle

import pytest

from shapes.base.infinity import int_oo
from shapes.domains import ValueRanges
from shapes.errors import RangeError

R = ValueRanges
INF, NAN = math.inf, math.nan


def test_kinds_and_text() -> None:
    assert repr(R(1, 513)) == "ValueRanges(lower=1, upper=513)"
    assert repr(R(0, int_oo)) == "ValueRanges(lower=0, upper=int_oo)"
    assert repr(R(0.0, 1.5, nan=True)) == "ValueRanges(lower=0.0, upper=1.5, nan=True)"
    assert [R(0, 1).kind, R(False, True).kind, R(0.0, 1.0).kind] == ["int", "bool", "float"]
    assert R(-int_oo, int_oo) == R.unknown_int()
    assert R(False, True) == R.unknown_bool()
    assert R(-INF, INF, nan=True) == R.unknown_float()
    assert R.singleton(3).is_singleton
    assert not R(1.0, 1.0, nan=True).is_singleton
    assert R(1, 4).int_bounds() == (1, 4)


@pytest.mark.parametrize(
    ("ends", "message"),
    [
        ((2, 1), "above"),
        ((0, 1.0), "one kind"),
        ((0, True), "one kind"),
        ((0, INF), "int_oo"),
        ((NAN, 1.0), "NaN"),
        ((int_oo, int_oo), "int_oo"),
        ((-int_oo, -int_oo), "int_oo"),
        ((0, 1, True), "NaN"),
        (("a", "b"), "'a'"),
        ((True, False), "above"),
    ],
)
def test_bad_ranges_are_refused(ends: tuple, message: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(RangeError, match=message):
        R(*ends)


def test_equality_and_hash_tell_kinds_apart() -> None:
    alike = [R(0, 1), R(False, True), R(0.0, 1.0), R(0.0, 1.0, nan=True)]
    assert len(set(alike)) == 4
    assert R(-0.0, 1.0) == R(0.0, 1.0)
    assert repr(R(-0.0, 1.0)) == repr(R(0.0, 1.0))
    assert R(1, 2) != (1, 2)


def test_ranges_are_immutable_and_can_be_copied() -> None:
    value = R(1, int_oo)
    with pytest.raises(AttributeError, match="changed"):
        value.lower = 0
    with pytest.raises(AttributeError, match="changed"):
        del value.upper
    assert copy.deepcopy(value) == value
    assert pickle.loads(pickle.dumps(R(0.0, 1.0, nan=True))) == R(0.0, 1.0, nan=True)


def test_membership() -> None:
    assert 2**70 in R(0, int_oo)
    assert int_oo not in R.unknown_int()
    assert NAN in R.unknown_float()
    assert NAN not in R(-INF, INF)
    assert NAN not in R.unknown_int()
    assert 1.0 not in R(0, 2)
    assert 1 in R(0.0, 2.0)
    assert True in R(True, True)
    assert 1 not in R(False, True)
    assert "1" not in R(0, 2)


def test_lattice() -> None:
    ends = [-2, 0, 1, 3]
    spans = [(low, high) for low in ends for high in ends if low <= high]
    for a, b in itertools.product(spans, repeat=2):
        both = set(range(a[0], a[1] + 1)) & set(range(b[0], b[1] + 1))
        assert R(*a).meet(R(*b)) == (R(min(both), max(both)) if both else None)
        assert R(*a) | R(*b) == R(min(a[0], b[0]), max(a[1], b[1]))
        assert R(*a).issubset(R(*b)) == (b[0] <= a[0] and a[1] <= b[1])
        if both:
            assert R(*a) & R(*b) == R(min(both), max(both))
    with pytest.raises(RangeError, match=r"no value is in both .*upper=2.*lower=5"):
        R(1, 2) & R(5, 9)
    assert R(1, 64) & R(8, int_oo) == R(8, 64)
    assert not R(0.0, 1.0, nan=True).issubset(R(0.0, 1.0))
    assert not R(0, 1).issubset(R(0.0, 1.0))
    assert R(0.0, 1.0, nan=True).meet(R(2.0, 3.0)) is None
    assert NAN in (R(0.0, 1.0, nan=True) & R(2.0, 3.0, nan=True))
