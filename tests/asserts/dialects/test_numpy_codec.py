"""Saving programs of the numpy dialect: nothing is lost, damage is refused."""

from __future__ import annotations

import numpy as np
import pytest

import asserts
from asserts.dialects.numpy.codec import NumpyCodec, load, save
from asserts.graph.equality import explain_difference
from asserts.trace import trace
from shapes import OPERATORS, SerializationError, ShapeproofError
from tests.asserts.programs import PROGRAMS, Program


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.function.__name__)
def test_round_trip(program: Program) -> None:
    checked = asserts.insert(trace(program.function, **program.specs)).graph_module

    again = load(save(checked))

    assert explain_difference(again, checked, names=True) is None
    assert save(again) == save(checked)
    for before, after in zip(checked.graph.nodes, again.graph.nodes):
        assert before.meta == after.meta
    random = np.random.default_rng(1)
    for _ in range(10):
        inputs = program.inputs(random)
        assert _run(again, inputs) == _run(checked, inputs)
    assert not asserts.insert(again).modified


def _run(program: object, inputs: tuple[object, ...]) -> str:
    try:
        return repr(program(*inputs))  # type: ignore[operator]
    except (ShapeproofError, ValueError) as error:
        return repr(error)


def test_truncated_text_is_refused() -> None:
    text = save(asserts.insert(trace(PROGRAMS[0].function, **PROGRAMS[0].specs)).graph_module)
    for end in range(0, len(text) - 2, 997):
        with pytest.raises(SerializationError):
            load(text[:end])


def test_an_unknown_function_is_refused() -> None:
    text = save(trace(PROGRAMS[0].function, **PROGRAMS[0].specs))
    assert '"numpy.sum"' in text

    with pytest.raises(ShapeproofError, match=r"numpy\.evil"):
        load(text.replace('"numpy.sum"', '"numpy.evil"'))


@pytest.mark.parametrize(
    "value",
    [
        np.dtype("float32"),
        np.array([[1.5, np.inf], [-0.0, 2.0]]),
        np.array([2**62, -1]),
        np.array([True, False]),
        np.float32(0.1),
        float,
        (1, [2.5, None], slice(None, 3), {"a": ...}),
    ],
    ids=repr,
)
def test_constants(value: object) -> None:
    codec = NumpyCodec()
    back = codec.decode_constant(codec.encode_constant(value))
    assert type(back) is type(value)
    assert np.array_equal(back, value) if isinstance(value, np.ndarray) else back == value


def test_every_operator_can_be_saved() -> None:
    """What the emitter may write, the format has a name for."""
    codec = NumpyCodec()
    for op in OPERATORS.values():
        if op.python is not None:
            assert codec.decode_target(codec.encode_target(op.python)) is op.python
