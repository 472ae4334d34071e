"""Models of public packages: exported whatever they ask of run-time sizes, and never wrong.

The quickest run with all tests, where their packages are there; ``pytest -m real`` runs all.
"""

from __future__ import annotations

import sys

import pytest

from tests.torch.real import REAL, Real
from tests.torch.real.running import exported, result_of

pytestmark = [
    pytest.mark.skipif(sys.version_info < (3, 11), reason="positions of instructions"),
    pytest.mark.filterwarnings("ignore"),
]

NOT_YET = {
    "tf_switch": "its loss asks for hidden states that are not there when torch traces",
    "tf_vilt_masks": "torch assumes that two run-time sizes are equal, which are not",
    "kornia_random_crop": "`isinstance(size, int)` is false for a symbolic size of an input",
}
"""What does not export, or not for its own example, and why."""

CASES = [
    pytest.param(one, id=one.name, marks=() if one.quick else pytest.mark.real) for one in REAL
]


@pytest.mark.parametrize("real", CASES)
def test_a_real_program_is_exported_and_never_wrong(real: Real) -> None:
    if not real.installed:
        pytest.skip(f"needs {', '.join(real.packages)}")
    if real.name in NOT_YET:
        pytest.xfail(NOT_YET[real.name])
    made = real.made()
    found = exported(made)
    result = result_of(found.program, made, found.way)

    assert result.example
    assert not result.wrong
    assert not result.unannounced
    assert result.right + result.stopped <= len(made.others)
    assert (found.way == "example") is bool(found.assumptions)


def test_there_are_programs_of_many_kinds() -> None:
    assert len(REAL) >= 60
    assert len({one.topic for one in REAL}) >= 8
    assert len({one.name for one in REAL}) == len(REAL)
    assert len({name for one in REAL for name in one.packages}) >= 8
    assert sum(one.quick for one in REAL) >= 10
