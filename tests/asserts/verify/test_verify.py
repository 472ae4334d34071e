"""Comparing two of our own graphs on generated inputs."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import asserts
from asserts.cli import main
from asserts.errors import GraphError
from asserts.files import save_program
from asserts.graph.module import GraphModule
from asserts.trace import Spec, trace
from asserts.trace.sources import traced_from
from asserts.verify.inputs import LIGHT, Generator
from asserts.verify.numpy_programs import NumpySubject
from asserts.verify.programs import compare, verify
from asserts.verify.subject import Trial
from shapes import Dim

EXAMPLES = (
    "asserts.examples.pack_words:pack_words",
    "asserts.examples.route_tokens:route_tokens",
)


def crop(image: Any, box: Any) -> Any:
    top = int(box[0])
    height = int(box[1])
    asserts.check(top >= 0, "above")
    asserts.check(height >= 1, "empty")
    asserts.check(top + height <= image.shape[0], "below")
    return image[top : top + height].sum(axis=0)


def chosen(x: Any, mask: Any, count: Any) -> Any:
    rows = x[mask]
    asserts.check(rows.shape[0] >= 2, "at least two")
    asserts.check(int(count) == rows.shape[0], "as many as stated")
    return rows[:2] - rows[-2:]


def checked(function: Any, **specs: Any) -> GraphModule:
    made = asserts.insert(trace(function, **specs)).graph_module
    assert isinstance(made, GraphModule)
    return made


def cropped() -> GraphModule:
    return checked(crop, image=("h", 3), box=Spec((2,), "int64"))


def selected() -> GraphModule:
    mask, count = Spec(("n",), "bool"), Spec((), "int64")
    return checked(chosen, x=("n", 3), mask=mask, count=count)


def without(module: GraphModule, index: int) -> GraphModule:
    """The graph without one of its asserts."""
    made = module.copy()
    nodes = [n for n in made.graph.nodes if getattr(n.target, "__name__", "") == "assert_holds"]
    made.graph.erase_node(nodes[index])
    made.recompile()
    return made


@pytest.mark.parametrize("make", [cropped, selected])
def test_every_check_is_broken_and_every_lost_one_noticed(make: Any) -> None:
    module = make()
    same = verify(module, module.copy())

    assert same.equal
    assert same
    assert same.unbroken == ()
    assert same.accepted > 10
    assert same.rejected > 10
    lost = 0
    for index in range(same.checks):
        try:
            other = without(module, index)
        except IndexError:
            break
        found = verify(module, other, trials=20)
        # Cropping with a negative height or start may be refused by what follows.
        lost += not found.equal
    assert lost >= 2


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_examples_with_their_asserts(text: str) -> None:
    program = traced_from(text)
    module = asserts.insert(program).graph_module
    again = asserts.minimise(module).graph_module

    assert verify(module, again).equal
    found = verify(module, asserts.remove(module).graph_module)
    assert not found.equal
    assert "rejects them: RuntimeAssertionError" in str(found)


def test_a_program_is_equal_to_itself_for_any_seed() -> None:
    module = selected()
    reports = [verify(module, module, seed=seed, trials=10) for seed in range(3)]

    assert all(report.equal for report in reports)
    assert str(verify(module, module, seed=1, trials=10)) == str(reports[1])


def test_trials_are_the_same_for_a_seed_and_all_different() -> None:
    def keys(seed: int) -> list[Any]:
        return [t.key for t in Generator(NumpySubject(cropped()), seed).trials(30)]

    first = keys(5)
    assert first == keys(5)
    assert first != keys(6)
    assert len(set(first)) == len(first)


def test_sizes_at_the_ends_are_tried() -> None:
    trials = list(Generator(NumpySubject(cropped())).trials(0))
    heights = {trial.inputs[0].shape[0] for trial in trials}

    assert {0, 1, 2} <= heights
    assert any("every check holds" in trial.purpose for trial in trials)


def test_no_random_inputs() -> None:
    report = verify(cropped(), cropped(), trials=0)
    assert report.trials > 5
    assert report.unbroken == ()


def double(x: Any) -> Any:
    return x * 2


def double_in_place() -> GraphModule:
    """The graph of `double`, which writes into its input."""
    made = checked(double, x=("n", 2))
    node = next(n for n in made.graph.nodes if n.target is np.multiply)
    node.kwargs = {"out": node.args[0]}
    made.recompile()
    return made


def almost(x: Any) -> Any:
    return x * 2 + (x.shape[0] == 1) * 1e-3


def as_list(x: Any) -> Any:
    return [x * 2]


@pytest.mark.parametrize(
    ("function", "how"),
    [
        (as_list, "the result is"),
        (almost, "the result is"),
    ],
)
def test_what_is_computed_and_changed_counts(function: Any, how: str) -> None:
    report = verify(checked(double, x=("n", 2)), checked(function, x=("n", 2)))

    assert not report.equal
    assert how in str(report)
    assert "both accept them" in str(report)
    assert "<pre>" in report._repr_html_()


def test_changed_inputs_count() -> None:
    report = verify(checked(double, x=("n", 2)), double_in_place())

    assert "a changed input[0] is" in str(report)
    assert "both accept them" in str(report)


def test_nan_equals_nan() -> None:
    def divided(x: Any) -> Any:
        return (x - x) / (x - x)

    module = checked(divided, x=("n",))
    assert verify(module, module).equal


def test_programs_with_other_inputs_are_refused() -> None:
    one, other = checked(double, x=("n", 2)), checked(double, x=("n",))
    with pytest.raises(GraphError, match="take different inputs"):
        verify(one, other)
    with pytest.raises(GraphError, match="cannot be compared"):
        verify(one, 3)
    with pytest.raises(GraphError, match="int and int cannot be compared"):
        verify(3, 4)


def test_the_core_needs_no_graph() -> None:
    """Two callables and inputs."""

    def root(inputs: Any) -> float:
        return float(inputs[0]) ** 0.5 if inputs[0] >= 0 else [][0]

    def bold(inputs: Any) -> float:
        return abs(inputs[0]) ** 0.5

    trials = [Trial("", (n,)) for n in (-4, 0, 4)]
    count, accepted, rejected, found = compare(
        root, bold, trials, lambda a, b: None if a == b else f"{a} and {b}"
    )
    assert (count, accepted, rejected) == (3, 2, 0)
    assert found[0].trial.inputs == (-4,)
    assert found[0].first.rejected == "IndexError: list index out of range"
    assert found[0].second.value == 2.0


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    program, saved, bare = EXAMPLES[1], tmp_path / "checked.json", tmp_path / "bare.json"
    assert main(["insert", program, "-o", str(saved)]) == 0
    assert main(["minimise", str(saved), "-o", str(saved)]) == 0
    assert main(["remove", str(saved), "-o", str(bare)]) == 0
    capsys.readouterr()

    assert main(["verify", str(saved), str(saved), "--seed", "7"]) == 0
    assert "seed 7" in capsys.readouterr().out
    assert main(["verify", str(saved), str(bare)]) == 1
    assert "they differ on these inputs" in capsys.readouterr().out
    assert main(["verify", str(saved), str(bare), "--trials", "-1"]) == 2
    assert "not negative" in capsys.readouterr().err
    assert main(["verify", str(saved), EXAMPLES[0]]) == 2
    assert "different inputs" in capsys.readouterr().err


def test_inputs_are_not_changed_for_the_next_program() -> None:
    given = np.ones((2, 2))
    subject = NumpySubject(double_in_place())

    subject.run([given])
    subject.run([given])
    assert (given == 1).all()


# --------------------------------------------------------------------------- nothing compared


@pytest.mark.parametrize(
    ("first", "second", "how"),
    [
        (lambda: np.zeros(3), lambda: np.zeros(3), None),
        (lambda: np.zeros(3), lambda: np.ones(3), "float64[3] [0., 0., 0.]"),
        (lambda: np.zeros(3), lambda: np.zeros(4), "float64[3] and float64[4]"),
        (lambda: np.zeros(3), lambda: np.zeros(3, "f4"), "float64[3] and float32[3]"),
        (lambda: 1, lambda: 1.0, "of type int and float"),
        (lambda: 1, lambda: True, "of type int and bool"),
        (lambda: (1, 2), lambda: [1, 2], "of type tuple and list"),
        (lambda: "one", lambda: "other", "'one' and 'other'"),
        (lambda: "one", lambda: "ones", "'one' and 'ones'"),
        (lambda: "one", lambda: None, "of type str and NoneType"),
        (lambda: {"a": 1}, lambda: {"b": 1}, "has other keys"),
        (lambda: np.zeros(()), lambda: 0.0, "of type ndarray and float"),
    ],
)
def test_programs_without_inputs_are_run_once(first: Any, second: Any, how: Any) -> None:
    report = verify(checked(first), checked(second))

    assert report.trials == 1
    assert report.equal == (how is None)
    assert report.verdict == ("equal" if how is None else "different")
    if how is not None:
        assert how in str(report)
        assert "they take no inputs" in str(report)


def test_a_program_without_inputs_is_not_one_with_inputs() -> None:
    none, one = checked(lambda: 1), checked(double, x=("n", 2))
    for pair in ((none, one), (one, none)):
        with pytest.raises(GraphError, match="take different inputs"):
            verify(*pair)


def refusing(k: int) -> GraphModule:
    def program(x: Any) -> Any:
        asserts.check(x.sum() == 12345.678, "magic sum")
        return x + k

    return checked(program, x=("n",))


def always_refusing(k: int) -> GraphModule:
    def program(x: Any) -> Any:
        v = int(x[0] * 0 + 1)
        asserts.check(v == 2, "never")
        return x + k

    return checked(program, x=Spec(("n",), "int64"))


@pytest.mark.parametrize("make", [refusing, always_refusing])
def test_where_both_reject_everything_nothing_is_equal(make: Any) -> None:
    report = verify(make(1), make(2))

    assert not report.equal
    assert not report
    assert report.verdict == "not compared"
    assert report.accepted == 0
    assert report.rejected == report.trials > 1
    assert "nothing was compared: no input was accepted by both" in str(report)


def test_a_minimum_of_accepted_inputs() -> None:
    module = cropped()
    report = verify(module, module, min_accepted=10_000)

    assert report.verdict == "not compared"
    assert "too little was compared: 10000 inputs" in str(report)
    assert verify(module, module, min_accepted=report.accepted).equal
    assert verify(always_refusing(1), always_refusing(1), min_accepted=0).equal


def test_the_command_tells_nothing_compared_from_no_difference(
    capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    paths = [str(tmp_path / f"{k}.json") for k in (1, 2)]
    for k, path in enumerate(paths):
        save_program(refusing(k), path)
    assert main(["verify", *paths]) == 3
    assert "nothing was compared" in capsys.readouterr().out
    save_program(cropped(), paths[0])
    assert main(["verify", paths[0], paths[0], "--min-accepted", "5000"]) == 3
    assert "too little was compared" in capsys.readouterr().out


def test_a_lack_of_memory_is_no_rejection() -> None:
    def short(inputs: Any) -> int:
        if inputs[0] > 2:
            raise MemoryError
        return 1

    def torch_like(inputs: Any) -> int:
        if inputs[0] > 3:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return 1

    trials = [Trial("", (n,)) for n in range(6)]
    assert compare(short, lambda _: 1, trials, lambda a, b: None) == (6, 3, 0, ())
    assert compare(lambda _: 1, torch_like, trials, lambda a, b: None) == (6, 4, 0, ())


def test_large_inputs_are_bounded_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work is counted in elements: one run that needs many, and no more than a few."""
    budget = 1 << 24
    monkeypatch.setattr(sys.modules[Generator.__module__], "WORK", budget)
    n = Dim("n", min=3000)
    module = checked(lambda x: (x[:, None] + x[None])[:1], x=(n,))
    subject = NumpySubject(module)
    trials = list(Generator(subject).trials(200))
    large = [subject.work(t.inputs) for t in trials if t.inputs[0].shape[0] >= 3000]

    assert large
    assert min(large) > LIGHT
    assert sum(large) <= budget + max(large)
    report = verify(module, module)
    assert report.equal
    assert report.left_out
    assert "more were too large" in str(report)


def test_results_are_freed_of_what_they_were_part_of() -> None:
    subject = NumpySubject(checked(lambda x: (x[:, None] + x[None])[:1], x=("n",)))
    (result, _) = subject.run([np.ones(50)])
    assert result.base is None
    assert result.shape == (1, 50)


def positive(x: Any) -> Any:
    total = float(x.sum())
    asserts.check(total > 1000.25, "much")
    return x


def test_floats_are_led_to_what_they_are_compared_with() -> None:
    module = checked(positive, x=("n",))
    assert verify(module, module).accepted > 1
    assert not verify(module, asserts.remove(module).graph_module, trials=0).equal


# --------------------------------------------------------------------------- every check


def at_run_time(kind: str) -> GraphModule:
    """A program whose only check is on a value that it reads."""

    def program(x: Any, m: Any) -> Any:
        values = {
            "element": lambda: int(x[0]),
            "last": lambda: int(x[-1]),
            "sum": lambda: int(x.sum()),
            "largest": lambda: int(x.max()),
            "count": lambda: m.sum(),
            "rows": lambda: x[m].shape[0],
            "nonzero": lambda: np.nonzero(m)[0].shape[0],
            "unique": lambda: np.unique(x).shape[0],
        }
        value = values[kind]()
        asserts.check(int(value) == 3, "three")
        return x + 0

    return checked(program, x=Spec(("n",), "int64"), m=Spec(("n",), "bool"))


@pytest.mark.parametrize(
    "kind", ["element", "last", "sum", "largest", "count", "rows", "nonzero", "unique"]
)
def test_checks_on_run_time_values_are_kept_and_broken_by_construction(kind: str) -> None:
    module = at_run_time(kind)
    report = verify(module, module, trials=0)

    assert report.equal
    assert report.unbroken == ()
    assert report.accepted
    (last,) = [
        n for n in module.graph.nodes
        if getattr(n.target, "__name__", "") == "assert_holds" and n.kwargs["message"] == "three"
    ]  # fmt: skip
    other = module.copy()
    other.graph.erase_node(next(n for n in other.graph.nodes if n.name == last.name))
    other.recompile()
    assert not verify(module, other, trials=0).equal
