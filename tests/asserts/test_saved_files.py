"""Graphs and environments that earlier versions have saved stay readable."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import asserts
from asserts import RuntimeAssertionError
from asserts.dialects.numpy.codec import load, save
from asserts.graph.module import GraphModule
from shapes import ShapeEnv

SAVED = Path(__file__).parent / "saved"


def loaded(name: str) -> GraphModule:
    return load((SAVED / f"{name}.json").read_text())


def test_a_saved_graph_runs_and_checks() -> None:
    graph = loaded("first_rows")
    x = np.arange(24.0).reshape(3, 8)
    np.testing.assert_array_equal(graph(x, np.array([True, False, True])), x[[0, 2]] * 2)
    with pytest.raises(RuntimeAssertionError, match="two rows"):
        graph(x, np.array([True, False, False]))


def test_a_saved_graph_computes_sizes_as_before() -> None:
    graph = loaded("mixed")
    x = np.arange(24.0).reshape(8, 3)[::-1]
    padded, ordered, flat = graph(x, np.array([1, 1, 1]))
    np.testing.assert_array_equal(padded, np.pad(x[:3], ((0, 1), (0, 0))))
    np.testing.assert_array_equal(ordered, np.sort(x[:3], axis=0))
    np.testing.assert_array_equal(flat, x.reshape(-1))
    with pytest.raises(RuntimeAssertionError, match="half"):
        graph(x, np.array([1, 2, 2]))


@pytest.mark.parametrize("name", ["first_rows", "mixed"])
def test_a_saved_graph_can_be_worked_on_and_saved_again(name: str) -> None:
    graph = loaded(name)
    removed = asserts.remove(graph)
    assert removed.modified
    again = load(save(graph))
    assert str(again.graph) == str(graph.graph)
    names = set((SAVED / f"{name}.json").read_text().split('"'))
    assert {n for n in save(graph).split('"') if n.startswith("asserts.")} <= names


def test_a_saved_environment_answers() -> None:
    env = ShapeEnv.from_json((SAVED / "environment.json").read_text())
    assert env.prove("u // 8 * 8 == u").proved
    assert str(env.bounds("2*u + 1")) == "ValueRanges(lower=1, upper=513)"
    assert [str(guard) for guard in env.guards] == ["b >= 5"]
