"""Every parameter of every supported numpy function, given by name and by position: the graph
computes what numpy does, on arrays of several shapes and layouts, or the trace is refused."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import pytest

from asserts.errors import TraceError
from asserts.trace import Spec, trace
from asserts.trace.registry import RULES, name_of
from shapes.errors import DataDependentError
from tests.asserts.tracing_help import agree

MASK = np.array([True, False])

VALUES: Final[dict[str, list[Any]]] = {
    "axis": [None, 0, 1, -1, (0, 1)],
    "dtype": [None, "int8", "float32", "complex64", bool],
    "out": [None, np.zeros((2, 2))],
    "keepdims": [False, True],
    "initial": [5],
    "where": [True, False, MASK],
    "order": [None, "C", "F", "A", "K"],
    "casting": ["unsafe", "same_kind", "safe", "no"],
    "subok": [True, False],
    "copy": [None, True, False],
    "mode": ["raise", "clip", "wrap", "edge", "reflect", "same", "valid", "full"],
    "kind": [None, "stable", "heapsort", "sort"],
    "stable": [None, True, False],
    "side": ["left", "right"],
    "sorter": [None, np.array([1, 0])],
    "right": [False, True],
    "ddof": [0, 1],
    "correction": [0, 1],
    "mean": [1.0],
    "decimals": [0, 1, -1],
    "n": [0, 1, 2],
    "prepend": [0],
    "append": [0],
    "k": [0, 1, -1],
    "offset": [0, 1, -1],
    "axis1": [0, 1],
    "axis2": [0, 1],
    "ndmin": [0, 1, 2, 3],
    "equal_nan": [True, False],
    "rtol": [0.1],
    "atol": [0.1],
    "invert": [False, True],
    "assume_unique": [False],
    "return_index": [False, True],
    "return_inverse": [False, True],
    "return_counts": [False, True],
    "return_indices": [False, True],
    "returned": [False, True],
    "sorted": [True, False],
    "indexing": ["xy", "ij"],
    "sparse": [False, True],
    "minlength": [0, 4],
    "weights": [None, np.array([1.0, 2.0])],
    "density": [None, False, True],
    "range": [None, (0.0, 2.0)],
    "bins": [3, "auto", np.array([0.0, 1.0, 2.0])],
    "like": [None, np.zeros(1)],
    "device": [None, "cpu"],
    "optimize": [False, True],
    "overwrite_input": [False, True],
    "endpoint": [True, False],
    "retstep": [False, True],
    "num": [3],
    "nan": [7.0],
    "posinf": [7.0],
    "neginf": [-7.0],
    "left": [None, -1.0],
    "period": [None, 2.0],
    "tol": [100, 1e20],
    "deg": [False, True],
    "ord": [None, 1, 2, "fro"],
    "signature": ["dd->d"],
    "sizes": [0],
    "shape": [(2, 2), 3],
    "fill_value": [7],
    "shift": [1, (1, 1)],
    "step": [1, 2],
    "to_end": [None, [1]],
    "to_begin": [None, [1]],
    "axes": [None, (1, 0), 1],
    "M": [None, 3],
    "ndmax": [0],
    "hermitian": [False, True],
    "newshape": [(-1,)],
}
"""Values for parameters, by name."""


class Call(NamedTuple):
    """A function, the arguments that it needs, and one more."""

    function: Any
    needed: tuple[Any, ...]
    name: str
    value: Any
    by_position: bool

    def __call__(self, x: Any) -> Any:
        needed = tuple(x if v is X else [x, x] if v is XX else v for v in self.needed)
        needed = tuple(x[0] if v is ROW else x.shape[0] if v is SIZE else v for v in needed)
        if not self.by_position:
            return self.function(*needed, **{self.name: self.value})
        return self.function(*needed, *self.before(), self.value)

    def before(self) -> tuple[Any, ...]:
        """The defaults of the parameters between those that are needed and this one."""
        names = positional(self.function)[len(self.needed) :]
        parameters = inspect.signature(self.function).parameters
        return tuple(parameters[n].default for n in names[: names.index(self.name)])

    @property
    def id(self) -> str:
        """What is called."""
        how = "position" if self.by_position else "name"
        value = str(self.value).replace("\n", "")
        return f"{name_of(self.function)}-{self.name}-{value}-{how}"


X, XX, ROW, SIZE = object(), object(), object(), object()

NEEDED: Final[dict[str, tuple[Any, ...]]] = {
    "np.broadcast_to": (X, (3, 2, 2)), "np.compress": (MASK, X), "np.extract": (X, X),
    "np.searchsorted": (np.array([0.0, 1.0]), X), "np.digitize": (X, np.array([0.0, 1.0])),
    "np.take": (X, np.array([1, 0, 0])), "np.repeat": (X, 2), "np.tile": (X, 2),
    "np.pad": (X, 1), "np.roll": (X, 1), "np.reshape": (X, (-1,)), "np.full": (SIZE, 2),
    "np.full_like": (X, 3), "np.zeros": (SIZE,), "np.ones": (SIZE,), "np.empty": (SIZE,),
    "np.arange": (SIZE,), "np.linspace": (0, 1, SIZE), "np.eye": (SIZE,), "np.tri": (SIZE,),
    "np.identity": (SIZE,), "np.swapaxes": (X, 0, 1), "np.moveaxis": (X, 0, 1),
    "np.expand_dims": (X, 0), "np.partition": (X, 0), "np.argpartition": (X, 0),
    "np.split": (X, 1), "np.array_split": (X, 2), "np.hsplit": (X, 1), "np.vsplit": (X, 1),
    "np.isin": (X, [1, 2]), "np.in1d": (X, [1, 2]), "np.clip": (X, 0, 2),
    "np.concatenate": (XX,), "np.stack": (XX,), "np.vstack": (XX,), "np.hstack": (XX,),
    "np.dstack": (XX,), "np.column_stack": (XX,), "np.lexsort": (XX,), "np.block": (XX,),
    "np.interp": (X, [0.0, 1.0], [1.0, 2.0]), "np.where": (X, X, 0), "np.bincount": (ROW,),
    "np.einsum": ("ij->ji", X), "np.convolve": (ROW, ROW), "np.correlate": (ROW, ROW),
    "np.take_along_axis": (X, np.array([[0], [0]])), "np.unique": (X,), "np.diag": (X,),
    "np.append": (X, X), "np.delete": (X, 0), "np.insert": (X, 1, 2), "np.isclose": (X, X), "np.allclose": (X, X), "np.dot": (X, X),
    "np.array_equal": (X, X), "np.matmul": (X, X), "np.inner": (X, X), "np.vdot": (X, X),
    "np.outer": (X, X), "np.tensordot": (X, X), "np.union1d": (X, X), "np.setdiff1d": (X, X),
    "np.intersect1d": (X, X), "np.setxor1d": (X, X), "np.linalg.solve": (X, X),
    "np.histogram": (X,), "np.meshgrid": (ROW, ROW), "np.squeeze": (X,),
    "np.quantile": (X, 0.5), "np.percentile": (X, 50), "np.nanquantile": (X, 0.5),
    "np.nanpercentile": (X, 50), "np.sliding_window_view": (X, 1), "np.fft.fftfreq": (SIZE,),
    "np.fft.rfftfreq": (SIZE,), "np.choose": (np.array([[0, 1], [1, 0]]), XX),
}  # fmt: skip
UFUNCS: Final[list[Any]] = [np.add, np.exp, np.maximum, np.true_divide, np.bitwise_or]


LEFT_OUT: Final = (
    (np.bincount, "weights"), (np.matmul, "keepdims"), (np.fft.irfft, "n"), (np.fft.hfft, "n"),
    (np.fft.fftfreq, "device"), (np.fft.rfftfreq, "device"),
)  # fmt: skip
"""numpy forgets its own rules where there is nothing to count, refuses its own default,
computes from memory that nobody has written where there is nothing to transform, and asks for
an integer of Python's own where it is called by another name."""

OLDER: Final = ((np.take, "mode"),) if np.lib.NumpyVersion(np.__version__) < "2.4.0" else ()
"""Older versions of numpy read only the first letter of a mode."""


def parameters_of(function: Any) -> Mapping[str, inspect.Parameter]:
    """None of what tells no signature (`lexsort`, in versions of numpy)."""
    try:
        return inspect.signature(function).parameters
    except ValueError:
        return {}


def positional(function: Any) -> list[str]:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters_of(function).values() if p.kind in kinds]


def calls() -> Iterator[Call]:
    for function in [*RULES, *UFUNCS]:
        needed = NEEDED.get(name_of(function), (X,))
        if isinstance(function, np.ufunc):
            needed = (X,) * function.nin
        known = positional(function)
        for name in parameters_of(function):
            if name in known[: len(needed)] or (function, name) in LEFT_OUT + OLDER:
                continue
            for value in VALUES.get(name, ()):
                yield Call(function, needed, name, value, False)
                if name in known:
                    yield Call(function, needed, name, value, True)


ALL: Final = list({call.id: call for call in calls()}.values())


FUNCTIONS: Final = list({id(call.function): call.function for call in ALL}.values())


def inputs(dtype: str) -> list[Any]:
    """Arrays of several sizes and layouts."""
    rng = np.random.default_rng(7)
    shapes = ((2, 2), (3, 2), (2, 3), (0, 2), (2, 0))
    made = [rng.integers(0, 5, shape).astype(dtype) for shape in shapes]
    return [*made, *map(np.asfortranarray, made[:3]), made[2][::-1]]


def fails(function: Callable[[Any], Any], arrays: list[Any]) -> bool:
    """Whether numpy raises for all of them."""
    for array in arrays:
        try:
            with np.errstate(all="ignore"):
                function(array)
        except Exception:
            continue
        return False
    return True


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("function", FUNCTIONS, ids=name_of)
def test_parameters_are_honoured_or_refused(function: Any) -> None:
    if function in (np.empty, np.empty_like):
        return  # nobody knows what they contain
    wrong = []
    for call in (one for one in ALL if one.function is function):
        for dtype in ("float64",) if call.by_position else ("float64", "int32", "bool"):
            try:
                honours(call, dtype)
            except AssertionError as error:
                wrong.append(f"{call.id} of {dtype}: {error}")
    assert not wrong, "\n".join(wrong)


def honours(call: Call, dtype: str) -> None:
    """Raises `AssertionError` where the traced call is neither refused nor what numpy does."""
    arrays = inputs(dtype)
    try:
        program = trace(call, Spec(("n", "m"), dtype))
    except (TraceError, DataDependentError):
        return
    except Exception:
        assert fails(call, arrays)
        return
    for array in arrays:
        agree(program, call, array)
