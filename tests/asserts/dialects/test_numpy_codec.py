"""Saving programs of the numpy dialect: nothing is lost, damage is refused."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import asserts
from asserts.dialects.numpy.codec import NumpyCodec, load, save
from asserts.errors import GraphError
from asserts.graph.equality import explain_difference
from asserts.trace import Spec, trace
from shapes import OPERATORS, Min, SerializationError, ShapeproofError
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


def _doubled(x: Any, times: int) -> Any:
    """Rows by a size of which every step has the one before twice."""
    n = x.shape[0] + x.shape[1]
    for i in range(times):
        n = Min(n // 2 + n, n % (i + 2) + x.shape[1])
    return np.zeros(n)


def test_sizes_that_share_much_are_written_in_parts() -> None:
    """Written out they are exponentially long; short ones are written as ever."""
    texts = []
    for times in (20, 40):
        program = trace(lambda x, times=times: _doubled(x, times), x=("a", "b"))
        texts.append(save(program))
        again = load(texts[-1])
        assert explain_difference(again, program, names=True) is None
        assert save(again) == texts[-1]
        for before, after in zip(program.graph.nodes, again.graph.nodes):
            assert before.meta == after.meta
        np.testing.assert_array_equal(again(np.ones((3, 4))), program(np.ones((3, 4))))
    assert len(texts[1]) < 6 * len(texts[0])
    short = trace(lambda x: _doubled(x, 1), x=("a", "b"))
    assert all(len(e) == 2 for e in _expressions(json.loads(save(short))))


def _expressions(data: Any) -> list[Any]:
    """What is saved of expressions, anywhere in a document."""
    if isinstance(data, list):
        return [e for item in data for e in _expressions(item)]
    if not isinstance(data, dict):
        return []
    found = [data["expr"]] if set(data) == {"expr"} else []
    return found + [e for item in data.values() for e in _expressions(item)]


N = ["n", "int"]


@pytest.mark.parametrize(
    "content",
    [
        ["_0", [N], [["_0"]]],
        ["_0", [N], [["_0", "n +"]]],
        ["_0", [N], [["_0", "_1"], ["_1", "n"]]],
        ["_0", [N], [["n", "n + 1"]]],
        ["_0", [N], [["_0", "n"], ["_0", "n + 1"]]],
        ["_0", [N], [["no name", "n"]]],
        ["_0", [N], [["_0", 5]]],
        ["_0", [N], [[5, "n"]]],
        ["_0", [N], [[["n"], "n"]]],
        ["_0", [N], None],
        ["_0", [N], 5],
        ["_0", [N], [], []],
        ["_0", [N], []],
        ["n", [N, N]],
    ],
)
def test_damaged_parts_are_refused(content: Any) -> None:
    with pytest.raises(SerializationError):
        NumpyCodec().decode_constant({"expr": content})


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


def _with_a_check(x: Any, mask: Any, k: int) -> Any:
    rows = x[mask]
    asserts.check(rows.shape[0] >= k, "enough")
    return np.concatenate([rows[:2], np.zeros((1, 8))]) * np.float64(0.5)


def _saved() -> Any:
    specs = {"x": ("n", 8), "mask": Spec(("n",), "bool"), "k": Spec.int(min=1)}
    return json.loads(save(asserts.insert(trace(_with_a_check, **specs)).graph_module))


def _paths(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = data.items() if isinstance(data, dict) else ()
    items = enumerate(data) if isinstance(data, list) else items
    for key, value in items:
        yield from _paths(value, (*path, key))


OTHERS: tuple[Any, ...] = (
    None, True, -1, 10**30, 0.5, "x", "\ud800", [], {}, [[]], {"node": "x"}, {"const": {"int": "1f"}},
    {"expr": ["n", [["n", "int"]]]}, {"tuple": []}, {"dtype": "{"}, {"array": ["|i1", [1], ["300"]]},
)  # fmt: skip


def _damaged(path: tuple[Any, ...], other: Any, delete: bool) -> str:
    data = copy.deepcopy(SAVED)
    place = data
    for key in path[:-1]:
        place = place[key]
    if delete:
        del place[path[-1]]
    else:
        place[path[-1]] = other
    return json.dumps(data)


SAVED = _saved()
PATHS = [p for p in _paths(SAVED) if p]


@pytest.mark.parametrize("seed", range(8))
def test_damage_anywhere_is_refused_or_makes_a_program(seed: int) -> None:
    """What is accepted can be read, saved and reported on; nothing fails from inside."""
    chosen = random.Random(seed)
    refused = 0
    for _ in range(120):
        path, other = chosen.choice(PATHS), chosen.choice(OTHERS)
        text = _damaged(path, other, chosen.random() < 0.2)
        try:
            made = load(text)
        except (SerializationError, GraphError):
            refused += 1
            continue
        again = save(made)
        assert save(load(again)) == again, path
        assert made.code
        try:
            asserts.report(made)
        except ShapeproofError:
            continue
    assert refused > 60


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda n: n.update(args=[]), "the arguments do not fit assert_holds: missing"),
        (lambda n: n["args"].append(1) or n["args"].append(2) or n.update(kwargs={"zz": 1}), "do not fit"),
        (lambda n: n["args"].__setitem__(1, 5), "'text' of assert_holds should be str, not 5"),
        (lambda n: n["args"].__setitem__(2, 5), "'values' of assert_holds should be .*Mapping"),
        (lambda n: n["kwargs"].update(message=5), "'message' of assert_holds should be str | None"),
        (lambda n: n["kwargs"].update(sources={"dict": [[1, 2]]}), "'sources' of assert_holds"),
        (lambda n: n["meta"].update(bindings=-1), "metadata 'bindings' is damaged: -1"),
        (lambda n: n["meta"].update(stack_trace=5), "metadata 'stack_trace' is damaged"),
    ],
)  # fmt: skip
def test_calls_fit_their_functions(change: Callable[[Any], object], said: str) -> None:
    data = copy.deepcopy(SAVED)
    node = next(n for n in data["modules"][0]["nodes"] if "assert_holds" in n["target"])
    change(node)
    with pytest.raises(SerializationError, match=f"node 'assert_holds': .*{said}"):
        load(json.dumps(data))


def test_the_environment_is_named() -> None:
    for other, said in ((None, "complete JSON"), ("{}", "not a saved shapeproof-env")):
        data = copy.deepcopy(SAVED)
        data["envs"] = [other]
        with pytest.raises(SerializationError, match=rf"envs\[0\]: .*{said}"):
            load(json.dumps(data))
