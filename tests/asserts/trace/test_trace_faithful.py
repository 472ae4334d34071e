"""What a traced function is told, and what it may not ask: types of its values, their text,
random numbers, clocks, files; conditions of checks; specifications of inputs."""

from __future__ import annotations

import builtins
import collections
import copy
import datetime as dt
import enum
import functools
import io
import json
import numbers
import os
import pathlib
import random
import secrets
import string
import sys
import time
import types
import uuid
from collections.abc import Callable
from datetime import date as day
from random import randint
from time import monotonic
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.random import default_rng, normal

import asserts
from asserts.errors import RuntimeAssertionError, TraceError
from asserts.trace import Spec, check, trace
from asserts.trace.outside import _METHODS, _PATCHES, refused
from shapes import And, Dim, ShapeEnv
from shapes.errors import DataDependentError, ShapeproofError, UnknownSymbolError
from shapes.expr.hash_consing import POINTS
from tests.asserts.tracing_help import agree

# --------------------------------------------------------------------------- from outside

GENERATOR = np.random.default_rng(0)
OLD_GENERATOR = np.random.RandomState(0)
DRAW = GENERATOR.normal
TABLE = {"generators": [random.Random(3), np.random.default_rng(4)]}
today = dt.date.today


class Model:
    """An object that holds generators."""

    shared = np.random.default_rng(1)

    def __init__(self) -> None:
        self.own = np.random.default_rng(2)
        self.parts = {"dropout": [np.random.default_rng(3)]}

    def use_own(self, x: Any) -> Any:
        return x * self.own.random(2)

    def use_shared(self, x: Any) -> Any:
        return x * self.shared.random(2)

    def use_part(self, x: Any) -> Any:
        return x * self.parts["dropout"][0].random()

    def __call__(self, x: Any) -> Any:
        return self.use_own(x)


class Slotted:
    """An object without a dict."""

    __slots__ = ("own",)

    def __init__(self) -> None:
        self.own = np.random.default_rng(2)


class Pair(NamedTuple):
    first: Any
    second: int = 0


MODEL = Model()
SLOTTED = Slotted()
NAMESPACE = types.SimpleNamespace(own=np.random.default_rng(2))
PAIR = Pair(np.random.default_rng(2))
TUPLE = (1, (np.random.default_rng(2), 2))
ORDERED = collections.OrderedDict(own=np.random.default_rng(2))


def in_a_closure() -> Callable[[Any], Any]:
    generator = np.random.default_rng(5)
    return lambda x: x + generator.integers(3)


def as_default(x: Any, generator: Any = np.random.default_rng(6)) -> Any:  # noqa: B008
    return x + generator.random()


def imported_inside(x: Any) -> Any:
    import time as clock

    import numpy.random as source

    return x + source.rand() if x.ndim else clock.time()


@functools.cache
def noise() -> Any:
    return np.random.rand()


OUTSIDE: dict[str, Callable[[Any], Any]] = {
    "rand": lambda x: x + np.random.rand(2),
    "size": lambda x: x + np.random.normal(size=x.shape),
    "from_import": lambda x: x + normal(),
    "permutation": lambda x: x[np.random.permutation(2)],
    "choice": lambda x: np.random.choice(x),
    "seeded": lambda x: (np.random.seed(0), x)[1],
    "state": lambda x: x + np.random.RandomState(0).rand(),
    "default_rng": lambda x: x + np.random.default_rng(1).random(2),
    "default_rng_from": lambda x: x + default_rng().random(2),
    "global": lambda x: x + GENERATOR.random(),
    "global_old": lambda x: x + OLD_GENERATOR.rand(),
    "method": lambda x: x + DRAW(),
    "table": lambda x: x + TABLE["generators"][0].random() + TABLE["generators"][1].random(),
    "attribute": MODEL.use_own,
    "class_attribute": MODEL.use_shared,
    "nested_attribute": MODEL.use_part,
    "callable": MODEL,
    "slots": lambda x: x + SLOTTED.own.random(),
    "namespace": lambda x: x + NAMESPACE.own.random(),
    "named_tuple": lambda x: x + PAIR.first.random(),
    "tuple": lambda x: x + TUPLE[1][0].random(),  # type: ignore[index]
    "ordered": lambda x: x + ORDERED["own"].random(),
    "closure": in_a_closure(),
    "default": as_default,
    "inside": imported_inside,
    "cached": lambda x: x + noise(),
    "partial": functools.partial(lambda scale, x: x * scale + np.random.rand(), 2),
    "random": lambda x: x + random.random(),
    "randint": lambda x: x + randint(0, 9),
    "shuffle": lambda x: x + len(random.sample(range(9), 2)),
    "system_random": lambda x: x + random.SystemRandom().random(),
    "secrets": lambda x: x + secrets.randbelow(9),
    "token": lambda x: x + len(secrets.token_hex(2)),
    "urandom": lambda x: x + os.urandom(1)[0],
    "uuid": lambda x: x + uuid.uuid4().int % 3,
    "time": lambda x: x + time.time(),
    "perf_counter": lambda x: x + time.perf_counter(),
    "monotonic": lambda x: x + monotonic(),
    "now": lambda x: x + dt.datetime.now().second,
    "utcnow": lambda x: x + dt.datetime.utcnow().second,
    "today": lambda x: x + day.today().day,
    "today_alias": lambda x: x + today().day,
    "open": lambda x: x + len(open(__file__).read()),  # noqa: SIM115
    "io_open": lambda x: x + len(io.open(__file__).read()),  # noqa: SIM115, UP020
    "read_text": lambda x: x + len(pathlib.Path(__file__).read_text()),
    "exists": lambda x: x + pathlib.Path(__file__).exists(),
    "load": lambda x: x + np.load("weights.npy"),
    "fromfile": lambda x: x + np.fromfile(__file__, np.uint8)[0],
    "loadtxt": lambda x: x + np.loadtxt("weights.txt"),
    "getenv": lambda x: x + len(os.getenv("HOME", "")),
    "environ": lambda x: x + len(os.environ.get("HOME", "")),
    "environ_in": lambda x: x + ("HOME" in os.environ),
    "environ_iter": lambda x: x + len(list(os.environ)),
}


def everything_patched() -> list[Any]:
    found = [getattr(module, name) for module, name, _ in _PATCHES]
    found += [vars(cls).get(name) for cls, name, _ in _METHODS]
    found += [type(SLOTTED.own), type(NAMESPACE.own), PAIR, TUPLE, type(ORDERED["own"])]
    found += [type(GENERATOR), DRAW, type(MODEL.own), type(Model.shared), as_default.__defaults__]
    return [*found, type(MODEL.parts["dropout"][0]), type(TABLE["generators"][1]), today]


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_comes_from_outside_is_refused_with_its_line(name: str) -> None:
    before = everything_patched()
    with pytest.raises(TraceError, match="at every run") as caught:
        trace(OUTSIDE[name], (2,))
    assert f"\n    at {os.path.basename(__file__)}:" in str(caught.value)
    assert all(a is b or a == b for a, b in zip(before, everything_patched()))


def test_variables_are_refused_after_any_number_of_traces() -> None:
    """Python 3.13 finds what a class had before, once it was changed a thousand times."""
    for _ in range(600):
        os.environ.get("HOME")
        with refused():
            os.environ["SHAPEPROOF_TEST"] = "written"
            del os.environ["SHAPEPROOF_TEST"]
    for name in ("environ", "environ_in", "environ_iter"):
        test_what_comes_from_outside_is_refused_with_its_line(name)


def test_a_generator_as_an_argument() -> None:
    with pytest.raises(TraceError, match=r"Generator\.random"):
        trace(lambda x, rng: x + rng.random(), (2,), np.random.default_rng(0))


def test_the_engine_draws_its_own_random_numbers() -> None:
    """Also where they run out while a function is traced, and compiled code has no frame."""

    def function(x: Any) -> Any:
        POINTS._left.clear()
        return x[: x.shape[0] % 7]

    trace(function, ("n",))


def test_what_only_looks_at_the_outside() -> None:
    """Types, arithmetic on dates, logging, warnings, and everything after the trace."""
    import logging
    import warnings

    def fine(x: Any) -> Any:
        assert isinstance(GENERATOR, np.random.Generator)
        assert isinstance(dt.datetime(2020, 1, 1), dt.datetime)
        assert dt.datetime(2020, 1, 2) > dt.datetime(2020, 1, 1)
        assert dt.timedelta(days=1).days == 1
        assert uuid.UUID(int=3).int == 3
        logging.getLogger("test").warning("a line")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.warn("careful", stacklevel=1)
        return x

    trace(fine, (2,))
    assert time.time() > 0
    assert random.Random(0).random() == random.Random(0).random()
    assert np.random.default_rng(0).random() < 1
    assert open is builtins.open
    assert len(os.environ) == len(list(os.environ))


# --------------------------------------------------------------------------- text and hash

SCALES = {"3": 2.0, 3: 2.0}


class Side(enum.Enum):
    NEAR = 3
    FAR = 4


@functools.lru_cache
def scale_of(n: int) -> float:
    return n * 2.0


TEXTS: dict[str, Callable[[Any], Any]] = {
    "str": lambda x: x * SCALES.get(str(x.shape[0]), 1.0),
    "repr": lambda x: (repr(x.shape[0]), x),
    "f_string": lambda x: (f"{x.shape[0]} rows", x),
    "f_string_of_shape": lambda x: (f"{x.shape}", x),
    "f_string_of_array": lambda x: (f"{x}", x),
    "f_string_of_value": lambda x: (f"{float(x.sum())}", x),
    "f_string_with_format": lambda x: (f"{x.shape[0]:3d}", x),
    "format": lambda x: (format(x.shape[0]), x),
    "format_method": lambda x: ("{} rows".format(x.shape[0]), x),  # noqa: UP032
    "percent": lambda x: ("%s rows" % x.shape[0], x),  # noqa: UP031
    "join": lambda x: (",".join(map(str, x.shape)), x),
    "condition": lambda x: (str(x.shape[0] > 2), x),
    "path": lambda x: (str(pathlib.PurePath("a") / str(x.shape[0])), x),
    "array": lambda x: (str(x), x),
    "message": lambda x: (check(x.shape[0] > 1, f"{x.shape[0]} rows"), x)[1],
    "dict": lambda x: x * SCALES.get(x.shape[0], 1.0),
    "dict_item": lambda x: x * SCALES[x.shape[0]],
    "set": lambda x: x * (x.shape[0] in {3, 4}),
    "new_set": lambda x: x * len({x.shape[0], 3}),
    "hash": lambda x: x * (hash(x.shape) % 2),
    "lru_cache": lambda x: x * scale_of(x.shape[0]),
    # through Python's own library, which asks on behalf of its caller
    "template": lambda x: (string.Template("$n rows").substitute(n=x.shape[0]), x),
    "formatter": lambda x: (string.Formatter().format("{} rows", x.shape[0]), x),
    "string_io": lambda x: (collections.UserString(x.shape[0]).data, x),
    "enumeration": lambda x: x * Side(x.shape[0]).value,
    "user_dict": lambda x: x * collections.UserDict(SCALES)[x.shape[0]],  # type: ignore[type-var]
    "chain_map": lambda x: x * collections.ChainMap(SCALES)[x.shape[0]],  # type: ignore[type-var,index]
    "counter": lambda x: x * collections.Counter(x.shape)[3],
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_text_and_the_hash_of_a_size_are_refused(name: str) -> None:
    with pytest.raises(TraceError, match="known only when the program runs") as caught:
        trace(TEXTS[name], ("n",))
    assert f"\n    at {os.path.basename(__file__)}:" in str(caught.value)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: ("%d" % x.shape[0], x),  # noqa: UP031
        lambda x: (json.dumps([x.shape[0]]), x),
        lambda x: x * (x.shape[0] in [3, 4]),
        lambda x: x * "abc".count("a" * x.shape[0]),
    ],
)
def test_other_ways_to_text_need_the_value(function: Any) -> None:
    with pytest.raises((ShapeproofError, TypeError)):
        trace(function, ("n",))


def test_symbolic_values_can_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    import logging
    import pprint

    def shown(x: Any) -> Any:
        print(x, x.shape, [x.shape[0] + 1], {"n": x.shape[0] > 2}, "text", 1.5, sep="; ")
        pprint.pprint(x.shape)
        logging.getLogger("test").warning("size %s", x.shape[0])
        return x

    program = trace(shown, ("n",))
    assert capsys.readouterr().out == (
        "SymArray(x: float64[n]); (SymInt(n),); [SymInt(n + 1)]; {'n': SymBool(n >= 3)}; "
        "text; 1.5\n(SymInt(n),)\n"
    )
    assert str(program.shape_env["n"]) == "n"
    assert {program.shape_env["n"]: 1}


def test_errors_of_a_trace_can_say_what_they_are_about() -> None:
    def foreign(x: Any) -> Any:
        return x.shape[0] + ShapeEnv().size("m")

    with pytest.raises(ShapeproofError, match="`m` belongs to another environment"):
        trace(foreign, ("n",))
    with pytest.raises(DataDependentError, match="cannot decide `n >= 4`"):
        trace(lambda x: x if x.shape[0] > 3 else -x, ("n",))


# --------------------------------------------------------------------------- types


def kinds(x: Any, zero: Any, k: Any) -> Any:
    n, total, first = x.shape[0], x.sum(), x[0]
    types = [x, zero, k, n, n / 2, n > 1, total, first, int(total), x.shape, x.dtype, 3, 2.0, True]
    classes = [
        np.ndarray, int, float, bool, str, tuple, list, object, complex, np.integer, np.floating,
        np.generic, np.float64, np.bool_, numbers.Number, numbers.Integral, numbers.Real,
        (list, np.ndarray), (int, np.integer), int | None, type(None), type,
    ]  # fmt: skip
    found = [[isinstance(value, cls) for cls in classes] for value in types]
    same = [[type(value) is cls for cls in (np.ndarray, int, float, bool)] for value in types]
    equal = [[type(value) == cls for cls in (np.ndarray, int, float)] for value in types]  # noqa: E721
    names = [type(value).__name__ for value in types]
    sub = [issubclass(type(value), np.ndarray) for value in types]
    asked = [
        np.ndim(x), np.isscalar(n), np.isscalar(x), np.isscalar(total), np.iterable(x),
        np.iterable(total), np.isrealobj(x), np.iscomplexobj(x), hasattr(x, "__len__"),
        hasattr(x, "tolist"), hasattr(x, "detach"), getattr(x, "device_type", "no"),
        callable(x), x.__class__ is np.ndarray, isinstance(type(x), type), len(x.shape),
        np.result_type(x, np.complex64) == np.complex128, {int: 1, float: 2}[type(n)],
    ]  # fmt: skip
    match x:
        case np.ndarray():
            asked.append("array")
        case _:
            asked.append("another")
    return found, same, equal, names, sub, asked


def test_traced_values_have_the_types_that_they_stand_for() -> None:
    program = trace(kinds, ("n",), Spec(()), Spec.int("k"))
    inputs = np.ones(3), np.array(1.0), 3
    for a, b in zip(program(*inputs), kinds(*inputs)):
        assert a == b


def branches_by_dispatch(x: Any) -> Any:
    return doubled(x)


@functools.singledispatch
def doubled(value: Any) -> Any:
    return value


@doubled.register
def _(value: np.ndarray) -> Any:
    return value * 2


def test_dispatch_by_type() -> None:
    program = trace(branches_by_dispatch, ("n",))
    assert program(np.ones(2)).tolist() == [2.0, 2.0]


SCALARS: dict[str, Callable[[Any, Any], Any]] = {
    "sum": lambda x, s: x.sum(), "max": lambda x, s: np.max(x), "item": lambda x, s: x[0],
    "ufunc": lambda x, s: np.sin(x[0]), "add": lambda x, s: s + 1, "dot": lambda x, s: x @ x,
    "argmax": lambda x, s: x.argmax(), "where": lambda x, s: np.where(x[0] > 0, 1.0, 2.0),
    "reshape": lambda x, s: x[:1].reshape(()), "squeeze": lambda x, s: np.squeeze(x[:1], 0),
    "asarray": lambda x, s: np.asarray(x[0]), "zeros": lambda x, s: np.zeros(()),
    "full": lambda x, s: np.full((), x.shape[0]), "dots": lambda x, s: x[0, ...],
    "take": lambda x, s: np.take(x, 0), "clip": lambda x, s: np.clip(x[0], 0, 1),
    "round": lambda x, s: np.round(x[0]), "mean": lambda x, s: x.mean(),
    "median": lambda x, s: np.median(x), "trace": lambda x, s: np.trace(x[None]),
    "einsum": lambda x, s: np.einsum("i,i->", x, x), "copy": lambda x, s: np.copy(x[0]),
    "broadcast": lambda x, s: np.broadcast_to(s, ()), "norm": lambda x, s: np.linalg.norm(x),
    "isclose": lambda x, s: np.isclose(x[0], 1.0), "isin": lambda x, s: np.isin(x[0], [1.0]),
    "search": lambda x, s: np.searchsorted(x, 1.0), "input": lambda x, s: s,
    "nan_to_num": lambda x, s: np.nan_to_num(x[0]), "average": lambda x, s: np.average(x),
    "cast": lambda x, s: x[0].astype(int), "cast_array": lambda x, s: s.astype(int),
    "zeros_like": lambda x, s: np.zeros_like(x[0]), "interp": lambda x, s: np.interp(0.5, x, x),
    "set": lambda x, s: _filled(s), "transpose": lambda x, s: np.transpose(s),
    "count": lambda x, s: np.count_nonzero(x, axis=0), "all": lambda x, s: (x > 0).all(),
    "vdot": lambda x, s: np.vdot(x, x), "inner": lambda x, s: np.inner(x, x),
    "det": lambda x, s: np.linalg.det(x[:1][None]), "digitize": lambda x, s: np.digitize(0.5, x),
    "prod": lambda x, s: x.prod(), "ptp": lambda x, s: np.ptp(x), "abs": lambda x, s: abs(x[0]),
    "real": lambda x, s: np.real(x[0]), "array": lambda x, s: np.array(x.shape[0]),
}  # fmt: skip


def _filled(s: Any) -> Any:
    y = s.copy()
    y[()] = 3
    return y


@pytest.mark.parametrize("name", SCALARS)
def test_scalars_and_arrays_without_axes(name: str) -> None:
    """numpy returns scalars, which are no arrays, from most functions."""
    found: list[bool] = []

    def asked(x: Any, s: Any) -> Any:
        value = SCALARS[name](x, s)
        found.append(isinstance(value, np.ndarray))
        return value

    trace(asked, (3,), Spec(()))
    asked(np.ones(3), np.array(1.0))
    assert found[0] == found[1]


def test_copies_are_copies() -> None:
    def copied(x: Any) -> Any:
        y = x * 2
        a, b, c = copy.copy(y), copy.deepcopy(y), np.asarray(y, copy=True)
        y += 1
        a[0] = 5
        b[1:] = 6
        c[0] = 7
        d = np.array(y, copy=None)
        d[1] = 8
        return y, a, b, c, d

    agree(trace(copied, ("n",)), copied, np.arange(3.0))


# --------------------------------------------------------------------------- checks


def run_checked(function: Any, *specs: Any) -> Any:
    return asserts.insert(trace(function, *specs)).graph_module


def test_a_condition_as_text() -> None:
    def checked(x: Any, k: Any) -> Any:
        check("n > 3 and k <= n", "at least four rows")
        return x

    program = run_checked(checked, ("n",), Spec.int())
    assert len(program(np.ones(4), 2)) == 4
    for x, k in ((np.ones(1), 1), (np.ones(4), 5)):
        with pytest.raises(RuntimeAssertionError, match="at least four rows"):
            program(x, k)


def test_text_that_is_not_a_condition() -> None:
    with pytest.raises(UnknownSymbolError, match="unknown symbol `m`"):
        trace(lambda x: check("m > 3"), ("n",))
    with pytest.raises(ShapeproofError, match="n"):
        trace(lambda x: check("n + 1"), ("n",))
    with pytest.raises(TypeError, match="only while a function is traced"):
        check("n > 3")


@pytest.mark.parametrize(
    "condition",
    [None, {}, {"a": False}, object(), len, lambda: False, "", np.array(["no"]), {False},
     np.array([None]), b"", [None], [[len]], range(0), np.ones(2).all],
)  # fmt: skip
def test_what_is_not_a_condition(condition: Any) -> None:
    with pytest.raises(TypeError):
        check(condition)
    with pytest.raises((TypeError, ShapeproofError)):
        trace(lambda x: (check(condition), x)[1], ("n",))


@pytest.mark.parametrize(
    "made",
    [
        lambda x: (x > 0).all,
        lambda x: [x.shape[0] > 1, x.shape[0] > 2],
        lambda x: (x > 0, x < 3),
        lambda x: ["n > 3"],
        lambda x: {"a": x.shape[0] > 3},
    ],
)
def test_what_is_not_a_condition_in_a_trace(made: Any) -> None:
    with pytest.raises(TypeError, match="condition"):
        trace(lambda x: (check(made(x)), x)[1], ("n",))


def test_a_condition_of_another_trace() -> None:
    kept: list[Any] = []

    def keeps(x: Any) -> Any:
        kept.extend((x.shape[0] > 3, x > 0))
        return x

    trace(keeps, ("n",))
    for one in kept:
        with pytest.raises(TraceError, match="another trace"):
            trace(lambda x: (check(one), x)[1], ("m",))  # noqa: B023


def test_conditions_of_other_kinds() -> None:
    check(1)
    check([True, np.True_, 2.5])
    check(np.ones((2, 2)))
    with pytest.raises(RuntimeAssertionError):
        check(0.0)
    with pytest.raises(RuntimeAssertionError):
        check((True, np.array([1, 0])))

    def mixed(x: Any) -> Any:
        n = x.shape[0]
        check(And(n > 1, n < 9))
        check(n)
        check(x.sum())
        check(x)
        return x

    program = run_checked(mixed, ("n",))
    assert len(program(np.ones(3))) == 3
    for bad in (np.ones(1), np.ones(9), np.array([1.0, 0.0]), np.array([1.0, -1.0])):
        with pytest.raises(RuntimeAssertionError):
            program(bad)


# --------------------------------------------------------------------------- specifications


@pytest.mark.parametrize(
    ("function", "specs", "text"),
    [
        (lambda x: x + 1, {"x": "n"}, r"x=\('n',\)"),
        (lambda x: x.sum(), {"x": "n"}, r"x=\('n',\)"),
        (lambda x, y: x + 1, {"x": ("n",), "y": "n"}, r"y=\('n',\)"),
        (lambda x: x, {"x": ("1..5",)}, "Dim"),
        (lambda x: x, {"x": ("n:1..5",)}, "Dim"),
        (lambda x: x, {"x": range(1, 5)}, "Dim"),
        (lambda x: x, {"x": (range(1, 5),)}, "Dim"),
        (lambda x: x, {"x": Dim}, "without a size"),
        (lambda x: x, {"x": Spec}, "without a size"),
    ],
)
def test_specifications_that_are_none(function: Any, specs: Any, text: str) -> None:
    with pytest.raises(TraceError, match=text):
        trace(function, **specs)


def test_constants_stay_constants() -> None:
    def scaled(x: Any, mode: str, options: dict[str, Any], axis: Any) -> Any:
        return x.sum(axis=axis) * options["factor"] if mode == "sum" else x

    program = trace(scaled, ("n",), "sum", {"factor": 2, "names": ("a", "b")}, None)
    assert program(np.ones(3)) == 6


# --------------------------------------------------------------------------- helper modules


@pytest.fixture
def project(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Modules of a project: the first uses the second, which uses the third."""
    (tmp_path / "site-packages").mkdir()
    sources = {
        "first_of_three.py": "import second_of_three\nfrom third_of_three import blank\n"
        "def f(x): return x + second_of_three.index(x.shape[0])\n"
        "def g(x): return blank(x.shape[0])\n"
        "def h(x):\n    from third_of_three import blank\n    return blank(int(x.sum()))\n"
        "def i(x):\n    import installed_one\n    return installed_one.index(x.shape[0])\n",
        "second_of_three.py": "import third_of_three as t\ndef index(n): return t.count(n)\n",
        "third_of_three.py": "import numpy as np\ndef count(n): return np.arange(n)\n"
        "def blank(n): return np.zeros(int(n))\n",
        "site-packages/installed_one.py": "import numpy as np\n"
        "def index(n): return np.arange(n)\n",
    }
    for name, text in sources.items():
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path / "site-packages"))
    import first_of_three  # type: ignore[import-not-found]
    import installed_one  # type: ignore[import-not-found]

    yield first_of_three
    for name in sources:
        sys.modules.pop(pathlib.PurePath(name).stem, None)
    del installed_one


def test_the_modules_of_a_project_are_traced(project: Any) -> None:
    for name in "fg":
        function = getattr(project, name)
        agree(trace(function, ("n",)), function, np.ones(3))
    agree(trace(project.h, Spec(("n",), "int64")), project.h, np.array([1, 2]))
    third = sys.modules["third_of_three"]
    assert third.np is np
    assert "int" not in vars(third)


def test_installed_packages_are_named_in_the_advice(project: Any) -> None:
    with pytest.raises(DataDependentError, match=r"modules=\['installed_one'\]"):
        trace(project.i, ("n",))
    program = trace(project.i, ("n",), modules=["installed_one"])
    assert program(np.ones(3)).tolist() == [0, 1, 2]


# --------------------------------------------------------------------------- names


def names_of_all_kinds(image: Any, box: Any, m: Any) -> Any:
    top = int(box[0])
    height = int(box[1])
    check(top + height <= image.shape[0], "the box leaves the image")
    check((top >= 0) & (height >= 0))
    check(
        (image > 0).all(),
        "positive",
    )
    is_even = height % 2 == 0
    check(is_even)
    for i in range(2):
        check(condition=m[i] > i)
    blank = np.zeros(int(m.max()))
    return m[m > 1].reshape(3, -1), blank, image[top : top + height]


def test_values_have_the_names_of_the_program() -> None:
    specs = ("h", "w"), Spec((2,), "int64"), Spec(("h",), "int64")
    program = trace(names_of_all_kinds, *specs)
    checked = asserts.insert(program)
    conditions = [row.condition for row in checked.report]
    # (Before Python 3.11 only the first line of a call is known.)
    positive = "(image > 0).all()" if sys.version_info >= (3, 11) else "np.all(image > 0)"
    for expected in (
        "top + height <= image.shape[0]", "top >= 0", "height >= 0", positive,
        "height % 2 == 0", "m[i] > i", "np.max(m) >= 0", "np.count_nonzero(m > 1) % 3 == 0",
    ):  # fmt: skip
        assert expected in conditions, (expected, conditions)
    assert not [c for c in conditions if "u0" in c or ".item()" in c]
    with pytest.raises(RuntimeAssertionError) as caught:
        checked.graph_module(np.ones((6, 2)), np.array([4, 4]), np.arange(1, 7))
    first, *values = str(caught.value).splitlines()[:4]
    assert first == "runtime assert failed: top + height <= image.shape[0]"
    assert sorted(values) == [
        "  h = 6        from image.shape[0]",
        "  height = 4   from box[1]",
        "  top = 4      from box[0]",
    ]


def test_names_are_not_mixed_up() -> None:
    """A name that is a size's, or another value's, is not given twice."""

    def mixed(x: Any, m: Any) -> Any:
        n = int(m[0])
        values = [int(m[1]), int(m[2])]
        for k in values:
            check(k < 9)
        check(n < x.shape[0])
        return x

    program = trace(mixed, ("n",), Spec((3,), "int64"))
    names = program.shape_env.names
    assert len(set(names.values())) == len(names)
    assert "n" not in names.values()
    checked = asserts.insert(program).graph_module
    with pytest.raises(RuntimeAssertionError) as caught:
        checked(np.ones(2), np.array([3, 1, 1]))
    assert caught.value.values == {"m[0]": 3, "n": 2}
    with pytest.raises(RuntimeAssertionError, match="k < 9"):
        checked(np.ones(5), np.array([3, 1, 10]))


def test_names_do_not_hold_arrays() -> None:
    """A part that was deleted is not seen by others, although its variable was looked at."""

    def changed(x: Any) -> Any:
        y = x * 2
        part = y[:2]
        check(x[0] > 0)
        del part
        y[0] = 7
        variables = locals()
        check(x[0] > 1)
        assert "y" in variables
        return y

    agree(trace(changed, ("n",)), changed, np.array([2.0, 1.0, 0.0]))


def test_data_dependent_decisions_name_the_variable() -> None:
    def branches(lengths: Any) -> Any:
        longest = int(lengths.max())
        return lengths if longest > 3 else -lengths

    with pytest.raises(DataDependentError, match=r"asserts\.check\(longest >= 4\)"):
        trace(branches, Spec(("n",), "int64"))
