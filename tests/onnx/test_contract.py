"""Contracts are exact: sizes inside run, sizes outside fail."""

from __future__ import annotations

import itertools
import random
from math import prod
from typing import Any

import numpy as np
import pytest

import asserts
from asserts.dialects.onnx.answers.describe import is_met
from asserts.errors import InputError
from tests.onnx import selecting_models, small_models
from tests.onnx.build import INT64, model, node, value
from tests.onnx.exact import inputs, runs, session_of
from tests.onnx.models import _array, dimensions
from tests.onnx.small_models import LEAST

MODELS = {**small_models.MODELS, **selecting_models.MODELS}

ort = pytest.importorskip("onnxruntime")

MOST = 300


def _session(proto: Any) -> Any:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(proto.SerializeToString(), options, ["CPUExecutionProvider"])


def _runs(runner: Any, proto: Any, sizes: dict[str, int]) -> bool:
    constants = {t.name for t in proto.graph.initializer}
    rng = random.Random(0)
    inputs = {
        v.name: _array(v, sizes, "", rng) for v in proto.graph.input if v.name not in constants
    }
    return runs(runner, inputs)


def sizes_of(names: list[str]) -> list[dict[str, int]]:
    """Small sizes of all dimensions, boundaries first."""
    few = {1: range(64), 2: range(17), 3: range(7), 4: range(5)}[len(names)]
    every = list(itertools.product(few, repeat=len(names)))
    chosen = every if len(every) <= MOST else random.Random(3).sample(every, MOST)
    return [dict(zip(names, values)) for values in chosen]


def _is_marked(found: Any, sizes: dict[str, int]) -> bool:
    """Whether the contract says that it is only sufficient for all that these sizes break."""
    values = {found.symbols[name]: n for name, n in sizes.items()}
    broken = [one.requirement for one in found.check(sizes)]
    return all(is_met(one.only_sufficient, values) for one in broken)


@pytest.mark.parametrize("name", MODELS)
def test_contract_is_exact(name: str) -> None:
    proto = MODELS[name]()
    found = asserts.contract(proto)
    runner = _session(proto)
    wrong = []
    for sizes in sizes_of(list(dimensions(proto))):
        if min(sizes.values()) < LEAST.get(name, 0):
            continue
        accepted, ran = found.accepts(sizes), _runs(runner, proto, sizes)
        if accepted != ran and not (ran and _is_marked(found, sizes)):
            wrong.append((sizes, accepted, ran))
    assert wrong == [], f"{found}"


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("fpn", ["w_ >= 1", "w_ <= 1 or w_ % 4 == 0"]),
        ("positions", ["seq <= 12"]),
        ("heads", ["n >= 1", "width % 3 == 0"]),
        ("convolution", ["w >= 4", "c == 3"]),
        ("shaped like", ["n == 2 * p"]),
        ("softmax", []),
    ],
)
def test_conditions_are_what_a_person_writes(name: str, texts: list[str]) -> None:
    found = asserts.contract(MODELS[name]()).texts
    assert sorted(found) == sorted(texts)


def test_sizes_that_break_it_name_the_node_and_the_clause() -> None:
    found = asserts.contract(MODELS["positions"]())
    assert found.accepts(batch=2, seq=12)
    [broken] = found.check(batch=2, seq=13)
    assert broken.requirement.operator == "Gather"
    assert "seq <= 12" in broken.text
    assert found.check(batch=2) == []
    assert [one.operator for one in found.undecided(batch=2)] == ["Gather"]
    with pytest.raises(InputError, match="`width` is not a dimension of the model"):
        found.check(width=3)


@pytest.mark.parametrize("name", MODELS)
def test_every_clause_has_a_violation(name: str) -> None:
    """Samples run. What breaks a clause breaks no other, and fails."""
    proto = MODELS[name]()
    found = asserts.contract(proto)
    runner = _session(proto)
    samples = found.sample(5, seed=1)
    assert samples
    assert all(found.accepts(sizes) for sizes in samples)
    drawn = found.violations(5)
    assert {clause for clause, _ in drawn} == set(found.conditions)
    for clause, sizes in drawn:
        assert found.broken(sizes) == [clause]
        assert found.check(sizes)
    for clause in found.conditions:
        own = [_by_dimension(found, proto, sizes) for one, sizes in drawn if one is clause]
        tried = [sizes for sizes in own if prod(sizes.values()) < 10**6]
        tried = [sizes for sizes in tried if min(sizes.values()) >= LEAST.get(name, 0)]
        assert tried or name in LEAST
        for sizes in tried:
            assert not _runs(runner, proto, sizes) or _is_marked(found, sizes), (clause, sizes)


def _by_dimension(found: Any, proto: Any, sizes: dict[str, int]) -> dict[str, int]:
    """The sizes by the names that the file has for them."""
    symbols = {where: name for name, where in found.names.items()}
    return {
        text: next(sizes[symbols[where]] for where in axes if where in symbols)
        for text, axes in dimensions(proto).items()
    }


def test_what_nothing_satisfies_at_random_is_asked_of_the_engine() -> None:
    proto = model(
        [node("MatMul", ["x", "w"], ["y"])],
        [value("x", ["n", "m"])],
        ["y"],
        {"w": np.ones((700, 2))},
    )
    found = asserts.contract(proto)
    assert found.sample(1)
    assert found.violations(1)


def test_requirements_that_depend_on_data_are_apart() -> None:
    proto = model(
        [
            node("NonZero", ["x"], ["at"]),
            node("Transpose", ["at"], ["rows"], perm=[1, 0]),
            node("Concat", ["rows", "z"], ["y"], axis=1),
        ],
        [value("x", ["n", 4]), value("z", ["m", 2], INT64)],
        ["y"],
    )
    found = asserts.contract(proto)
    assert found.requirements == ()
    [one] = found.data
    assert one.operator == "Concat"


def test_values_of_inputs_are_conditions_too() -> None:
    """A size that the caller gives as a number."""
    proto = model(
        [node("Reshape", ["x", "shape"], ["y"])],
        [value("x", ["n", 6]), value("shape", [2], INT64)],
        ["y"],
    )
    found = asserts.contract(proto)
    assert set(found.symbols) == {"n", "shape_0", "shape_1"}


@pytest.mark.parametrize("mode", ["reflect", "edge", "wrap", "constant"])
def test_computed_widths_are_exact(mode: str) -> None:
    """Without elements too."""
    widths = [value("p", [4], INT64)]
    proto = model(
        [node("Pad", ["x", "p"], ["y"], mode=mode)],
        [value("x", ["n", "m"]), *widths],
        ["y"],
        opset=19,
    )
    found, runner = asserts.contract(proto), _session(proto)
    every = list(itertools.product(range(4), range(4), *[range(-2, 3)] * 4))
    for n, m, *pads in random.Random(1).sample(every, 700):
        given = {"x": np.ones((n, m), np.float32), "p": np.array(pads)}
        elements = {f"p_{i}": width for i, width in enumerate(pads)}
        accepted = found.accepts({"n": n, "m": m, **elements})
        assert accepted is runs(runner, given), (n, m, pads)


def test_impossible_models_say_so() -> None:
    proto = model(
        [node("MatMul", ["x", "w"], ["y"], name="layer")],
        [value("x", ["n", 4])],
        ["y"],
        {"w": np.ones((5, 2), np.float32)},
    )
    found = asserts.contract(proto)
    assert [str(c) for c in found.conditions] == ["False"]
    [broken] = found.check(n=1)
    assert broken.requirement.node == "layer"


def test_sizes_to_which_the_file_gives_one_name_though_they_differ() -> None:
    """onnxruntime lets values of one shape, by the names in the file, share their memory."""
    proto = model(
        [
            node("Slice", ["x", "from", "to", "axis", "step"], ["a"]),
            node("Concat", ["a", "a"], ["b"], axis=1),
            node("Concat", ["b"], ["c"], axis=0),
            node("Neg", ["c"], ["y"]),
        ],
        [value("x", ["n", "m"])],
        ["y"],
        {
            name: np.array([n])
            for name, n in {"from": 0, "to": 2**40, "axis": 1, "step": 2}.items()
        },
    )
    assert asserts.contract(proto).texts == []
    for name, size in (("a", "k"), ("b", "2*k"), ("c", "k")):
        proto.graph.value_info.append(value(name, ["n", size]))
    found = asserts.contract(proto)
    assert found.texts == ["m == 0"]
    [one] = found.sufficient
    assert (one.operator, one.result, one.exact) == ("Concat", "c", False)
    words = "has the shape of `a`, but axis 1 has 2 * ((m + 1) // 2) for (m + 1) // 2"
    assert words in str(found)
    assert not asserts.insert(proto).modified
    renamed = found.inferred.annotated()
    assert asserts.contract(renamed).texts == []
    failed = 0
    for m in range(6):
        given = inputs(found, proto, {"n": 3, "m": m})
        assert runs(session_of(renamed.SerializeToString()), given)
        failed += not runs(session_of(proto.SerializeToString()), given)
        assert found.accepts(n=3, m=m) is (m == 0)
    assert failed


def test_what_is_reshaped_to_the_size_of_one_image() -> None:
    """A product of sizes that must be 1 is a condition on each of them."""
    proto = model(
        [
            node("MaxPool", ["x"], ["pooled"], kernel_shape=[2, 2], strides=[4, 4]),
            node("Reshape", ["pooled", "flat"], ["y"]),
        ],
        [value("x", ["b", 4, "h", "w"])],
        ["y"],
        {"flat": np.array([1, 4])},
    )
    found = asserts.contract(proto)
    assert found.texts == ["1 <= h <= 5", "1 <= w <= 5", "b == 1"]
    session = session_of(proto.SerializeToString())
    for b, h, w in itertools.product((1, 2), range(1, 8), range(1, 8)):
        given = {"x": np.ones((b, 4, h, w), np.float32)}
        assert runs(session, given) is found.accepts(b=b, h=h, w=w)
