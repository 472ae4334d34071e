"""Programs that are written against the ladder: whatever it answers, an exported program gives
the result that eager mode gives, or stops."""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import Any

import pytest
import torch
from torch import nn
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

import asserts
from tests.torch import attacked_help
from tests.torch.test_rungs import Function, Of, exported, rows, rungs_of

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="positions of instructions")

EXAMPLE = (rows(1, 2, -3, 4), torch.tensor(3))
OTHERS = [
    (rows(), torch.tensor(0)), (rows(5.5), torch.tensor(9)), (rows(-1, -1), torch.tensor(2)),
    (rows(1, 2, 3, 4), torch.tensor(-1)), (rows(-1, 2, 3, 4, 5), torch.tensor(6)),
    (rows(1), torch.tensor(3)), (rows(2, 3, 4, 5), torch.tensor(5)),
]  # fmt: skip


def outcome(run: Function, inputs: Any) -> Any:
    """What comes out; None if it raises."""
    try:
        return run(*(x.clone() for x in inputs))
    except Exception:
        return None


def compare(function: Function, decide: bool | str, exactly: bool = False) -> list[str]:
    """Export, and compare with eager mode; `exactly`: nothing else is refused. The rungs."""
    program = exported(function, EXAMPLE, decide)
    module = program.module()
    for inputs in [EXAMPLE, *OTHERS]:
        expected, got = outcome(function, inputs), outcome(module, inputs)
        if got is not None:
            assert expected is not None, inputs
            torch.testing.assert_close(got, expected)
        else:
            assert expected is None or not exactly, inputs
    return rungs_of(program)


# --------------------------------------------------------------------------- seen as numbers

KEYS = {3: 5.0, 2: 7.0, 9: 11.0}
NAMES = {"w3": 5.0, "w2": 7.0}


class Named(nn.Module):
    w3 = 5.0
    w2 = 7.0

    def forward(self, x: Any, n: Any) -> Any:
        return x * getattr(self, f"w{int(n)}", 9.0)


SHOWN: dict[str, Any] = {
    "f-string": lambda x, n: x * NAMES.get(f"w{int(n)}", 9.0),
    "conversion": lambda x, n: x * NAMES.get(f"w{int(n)!r}", 9.0),
    "format": lambda x, n: x * NAMES.get("w{}".format(int(n)), 9.0),  # noqa: UP032
    "format specification": lambda x, n: x * (2 if f"{int(n):02d}" == "03" else 5),
    "percent": lambda x, n: x * NAMES.get("w%s" % int(n), 9.0),  # noqa: UP031
    "str": lambda x, n: x * (2 if str(int(n)) == "3" else 5),
    "repr": lambda x, n: x * (2 if repr([int(n)]) == "[3]" else 5),
    "str of a sum": lambda x, n: x * (2 if str(int(n) + 1) == "4" else 5),
    "str of a length": lambda x, n: x * (2 if str(len(x[x > 0])) == "3" else 5),
    "join": lambda x, n: x * (2 if "-".join(map(str, [int(n), 1])) == "3-1" else 5),
    "key": lambda x, n: x * KEYS[int(n)],
    "key, or a default": lambda x, n: x * KEYS.get(int(n), 1.0),
    "key in a tuple": lambda x, n: x * {(3, 1): 2}.get((int(n), 1), 5),
    "set": lambda x, n: x * (2 if int(n) in {1, 3} else 5),
    "hash": lambda x, n: x * (2 if hash(int(n)) == 3 else 5),
    "remembered": lambda x, n: x * attacked_help.remembered(int(n)),
    "attribute": Named(),
}


@pytest.mark.parametrize("name", SHOWN)
def test_whoever_asks_for_a_text_or_a_hash_asks_for_the_number(name: str) -> None:
    with pytest.raises(GuardOnDataDependentSymNode):
        exported(SHOWN[name], EXAMPLE, decide=True)
    assert "example" in compare(SHOWN[name], "example")


def test_of_a_float_there_is_no_text() -> None:
    with pytest.raises(GuardOnDataDependentSymNode):
        exported(lambda x, n: x * (2 if str(float(n) / 2) == "1.5" else 5), EXAMPLE)


def _asserted_with_text(x: Any, n: Any) -> Any:
    k = int(n)
    torch._check(k < 8, lambda: f"{k} is too large")
    torch._assert(k > -5, f"{k} is too small")
    assert k != 7, f"{k} is 7"
    if k == 6:
        raise ValueError(f"{k} is 6")
    return x * k


def _told(x: Any, n: Any) -> Any:
    k = int(n)
    print(f"with {k}", k)
    return x * k


CLASSES: dict[str, Function] = {
    "here": lambda x, n: x * (2 if isinstance(int(n), int) else 3),
    "elsewhere": lambda x, n: x * attacked_help.by_class(int(n)),
    "of a sum": lambda x, n: x * attacked_help.by_class(int(n) * 2 + 1),
    "of a length": lambda x, n: x * attacked_help.by_class(len(x[x > 0])),
    "abstract": lambda x, n: x * attacked_help.by_abstract_class(int(n)),
    "real": lambda x, n: x * attacked_help.by_real(float(n)),
    "not real": lambda x, n: x * attacked_help.by_real(int(n)),
    "dispatch": lambda x, n: x * attacked_help.by_dispatch(int(n)),
    "torch's own": lambda x, n: x * (2 if isinstance(int(n), torch.Tensor) else int(n)),
    "a message": _asserted_with_text,
    "told": _told,
}


@pytest.mark.parametrize("name", CLASSES)
def test_a_number_that_stays_symbolic_is_one_of_pythons(name: str) -> None:
    assert "symbolic" in compare(CLASSES[name], True, exactly=True)


def test_torchs_numbers_are_as_they_were() -> None:
    kinds = (torch.SymInt, torch.SymFloat)
    before = [dict(vars(kind)) for kind in kinds]
    exported(CLASSES["elsewhere"], EXAMPLE, decide=True)
    with pytest.raises(ZeroDivisionError):
        exported(lambda x, n: x * int(n) / (1 // 0), EXAMPLE, decide=True)
    assert [dict(vars(kind)) for kind in kinds] == before


# --------------------------------------------------------------------------- swallowed


def _bare(x: Any, n: Any) -> Any:
    try:
        k = int(n)
    except:  # noqa: E722
        k = 0
    return x * k


def _finally(x: Any, n: Any) -> Any:
    k = 0
    try:
        k = int(n)
    finally:
        return x * k  # noqa: B012


def _raises_another(x: Any, n: Any) -> Any:
    try:
        k = int(n)
    except BaseException:
        raise KeyError(1) from None
    return x * k


def _in_a_generator(x: Any, n: Any) -> Any:
    def numbers() -> Any:
        try:
            k = int(n)
        except BaseException:
            k = 0
        yield k

    return x * next(numbers())


@pytest.mark.parametrize(
    "function", [_bare, _finally, _raises_another, _in_a_generator],
    ids=lambda f: f.__name__.strip("_"),
)  # fmt: skip
def test_a_trace_starts_again_whoever_catches_the_request(function: Function) -> None:
    assert compare(function, True, exactly=True) == ["symbolic"]


def _branch(x: Any, n: Any) -> Any:
    return x * 3 if n > 5 else x * 2


def _handled(x: Any, n: Any) -> Any:
    try:
        return _branch(x, n)
    except Exception:
        return x


def _suppressed(x: Any, n: Any) -> Any:
    with contextlib.suppress(RuntimeError):
        x = _branch(x, n)
    return x


@contextlib.contextmanager
def _forgiving() -> Any:
    with contextlib.suppress(RuntimeError):
        yield


@_forgiving()
def _forgiven(x: Any, n: Any) -> Any:
    return _branch(x, n)


def _decorated(x: Any, n: Any) -> Any:
    found = _forgiven(x, n)
    return x if found is None else found


@pytest.mark.parametrize(
    "function", [_handled, _suppressed, _decorated], ids=lambda f: f.__name__.strip("_")
)
def test_a_question_without_an_answer_is_an_error_whoever_catches_it(
    function: Function,
) -> None:
    with pytest.raises(GuardOnDataDependentSymNode):
        exported(function, EXAMPLE, decide=True)
    assert compare(function, "example") == ["example"]
    made = asserts.export(Of(function), EXAMPLE)
    assert made.way == "branches"  # (which was run against the model)


# --------------------------------------------------------------------------- names


def test_a_name_stays_replaced_as_long_as_another_thread_needs_it() -> None:
    from asserts.dialects.torch.export import traces

    module: dict[str, Any] = {"__name__": "somewhere"}
    one, other = traces.Trace(nn.Identity()), traces.Trace(nn.Identity())
    for trace in (one, other):
        trace.wanted = traces.Again(module, {"int": 7})
        trace.start_again()
    one.put_back()
    assert module["int"] == 7
    done = threading.Thread(target=other.put_back)
    done.start()
    done.join()
    assert "int" not in module


# --------------------------------------------------------------------------- types, and errors

TYPES: dict[str, Function] = {
    "is": lambda x, n: x * attacked_help.by_type(int(n)),
    "equals": lambda x, n: x * attacked_help.by_equal_type(int(n) + 1),
    "in": lambda x, n: x * attacked_help.by_some_type(len(x[x > 0])),
    "float": lambda x, n: x * attacked_help.by_some_type(float(n)),
    "constant": lambda x, n: x * attacked_help.by_type(7) * int(n),
}


@pytest.mark.parametrize("name", TYPES)
def test_the_type_of_a_number_that_stays_symbolic_is_pythons(name: str) -> None:
    assert set(compare(TYPES[name], True, exactly=True)) == {"symbolic"}
    assert "type" not in vars(attacked_help)
    assert sys.getprofile() is None


def _unused(function: Any) -> Function:
    def run(x: Any, n: Any) -> Any:
        function(x, n)
        return x * 2

    return run


ERRORS: dict[str, Function] = {
    "int": _unused(lambda x, n: int(10 / (n * 1.0))),
    "floor division": _unused(lambda x, n: 10 // int(n)),
    "division": _unused(lambda x, n: 10 / int(n)),
    "remainder": _unused(lambda x, n: 10 % (int(n) - 3 + 3)),
    "of floats": _unused(lambda x, n: 1.0 / float(n)),
    "by a symbol": _unused(lambda x, n: len(x) // int(n)),
    "used": lambda x, n: x * (10 // int(n)),
    "shift": _unused(lambda x, n: 1 << int(n)),
    "power": _unused(lambda x, n: 0.0 ** (float(n) + 1)),
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_raises_raises_used_or_not(name: str) -> None:
    assert set(compare(ERRORS[name], True, exactly=True)) == {"symbolic"}


def _handles_zero(x: Any, n: Any) -> Any:
    try:
        k = 10 // int(n)
    except ZeroDivisionError:
        k = 7
    return x * k


def _has_an_attribute(x: Any, n: Any) -> Any:
    return x * (2 if hasattr(int(n), "to_bytes") else 3)


def _handles_infinity(x: Any, n: Any) -> Any:
    try:
        k = int(10 / (n * 1.0))
    except (ValueError, OverflowError):
        k = 7
    return x * k


@pytest.mark.parametrize(
    "function", [_handles_zero, _handles_infinity, _has_an_attribute],
    ids=lambda f: f.__name__.strip("_"),
)  # fmt: skip
def test_what_is_handled_needs_the_number(function: Function) -> None:
    with pytest.raises(GuardOnDataDependentSymNode):
        exported(function, EXAMPLE, decide=True)
    assert "example" in compare(function, "example")
