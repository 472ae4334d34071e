"""`SymArray`: what a traced program computes with, an array of which only shape and dtype
are known.

It answers numpy's protocols (``__array_ufunc__``, ``__array_function__``), so the program
calls numpy as ever and the tracer records what it does. A SymArray is a variable: changes in
place (``x[i] = v``, ``x += y``) put a new node in place of the old one, which is right as
long as no other array that the program still holds shares the memory. `Memory` keeps account
of that; for inputs, and while there are views, a change in place is refused.
"""

from __future__ import annotations

import operator
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from asserts.errors import TraceError
from asserts.trace.context import current_tracer
from shapes.env import ANSWERS, SymBool, SymFloat, SymInt
from shapes.expr import IntExpr, multiply

if TYPE_CHECKING:
    from asserts.graph.graph import Node
    from asserts.trace.tracer import Tracer

__all__ = ["Elements", "Memory", "SymArray", "Total", "count_key", "is_symbolic", "sum_key"]

Elements: TypeAlias = "tuple[IntExpr | None, IntExpr | None]"
"""Bounds that every element satisfies, each None where there is none."""

ANY: Final[Elements] = (None, None)

Total: TypeAlias = "tuple[Node, str]"
"""What an array adds up to: its node, and whether its elements other than 0 are counted, or
summed. The two are one quantity for truth values only."""

_FUNCTION_OF_METHOD: Final[dict[str, str]] = {
    name: name
    for name in (
        "sum", "prod", "mean", "std", "var", "max", "min", "any", "all", "argmax", "argmin",
        "argsort", "cumsum", "cumprod", "reshape", "transpose", "ravel", "squeeze",
        "swapaxes", "take", "repeat", "clip", "dot", "nonzero", "round", "diagonal", "trace",
        "searchsorted", "argpartition", "conj", "conjugate", "choose",
    )
}  # fmt: skip

_GONE: Final = frozenset(
    name for name in ("itemset", "newbyteorder", "ptp") if not hasattr(np.empty(0), name)
)
"""Methods that numpy 2.0 to 2.2 lists although they are gone: asking for one is an
AttributeError there, too."""


class Memory:
    """The arrays that share one block of memory, as far as they are still held."""

    __slots__ = ("_arrays", "shared")

    def __init__(self) -> None:
        self._arrays: list[weakref.ref[SymArray]] = []
        self.shared = False
        """Whether there are views that are not recorded."""

    def add(self, array: SymArray) -> None:
        """One more array in this memory."""
        self._arrays.append(weakref.ref(array))

    def is_seen_by_others(self, *known: SymArray | None) -> bool:
        """Whether an array other than these still sees the memory."""
        held = [array for ref in self._arrays if (array := ref()) is not None]
        return self.shared or any(all(a is not k for k in known) for a in held)


class SymArray(NDArrayOperatorsMixin):
    """An array of a traced program; made by the tracer."""

    __slots__ = ("__weakref__", "_dims", "_dtype", "_elements", "_memory", "_node", "_part_of",
                 "_total_of", "_tracer")  # fmt: skip
    __array_priority__ = 1000.0
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self,
        tracer: Tracer,
        node: Node,
        dims: tuple[IntExpr, ...],
        dtype: np.dtype[Any],
        elements: Elements = ANY,
        fresh: bool = False,
    ) -> None:
        self._tracer = tracer
        self._node = node
        self._dims = dims
        self._dtype = dtype
        self._elements = elements if dtype.kind in "iu" else ANY
        self._total_of: Total | None = None
        """The total of another array that this one holds."""
        self._part_of: tuple[SymArray, Any, Any] | None = None
        """The array that a slice was taken of, the index, and the index as it is recorded."""
        self._memory: Memory | None = Memory() if fresh else None
        if self._memory is not None:
            self._memory.add(self)

    def share(self, view: SymArray | None = None) -> None:
        """The view sees this array's memory (None: an unknown view does)."""
        if self._memory is None:
            return
        if view is None:
            self._memory.shared = True
        else:
            view._memory = self._memory
            self._memory.add(view)

    # -- what is known ---------------------------------------------------------------------

    @property
    def shape(self) -> tuple[Any, ...]:
        """The sizes: integers, and symbolic ones where they are not known."""
        return tuple(self._tracer.env.wrap(size) for size in self._dims)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._dims)

    @property
    def size(self) -> Any:
        """The number of elements."""
        total: IntExpr | None = None
        for size in self._dims:
            total = size if total is None else multiply(total, size)
        return 1 if total is None else self._tracer.env.wrap(total)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype."""
        return self._dtype

    @property
    def itemsize(self) -> int:
        """Bytes per element."""
        return self._dtype.itemsize

    @property
    def nbytes(self) -> Any:
        """Bytes of all elements."""
        return self.size * self.itemsize

    def display(self) -> str:
        """Name, dtype and shape as text."""
        sizes = ", ".join(map(str, self._dims))
        return f"SymArray({self._node.name}: {self._dtype}[{sizes}])"

    def __repr__(self) -> str:
        watch = self._tracer.env.watch
        if watch is not None:
            watch(self, "text")
        return self.display()

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """The type that the program sees (``isinstance(x, np.ndarray)``)."""
        return SymArray if self._is_scalar else np.ndarray

    @property
    def _is_scalar(self) -> bool:
        """Whether numpy would hand out a scalar, which never changes in place."""
        return not self._dims and self._part_of is None and _makes_scalar(self._node)

    # -- numpy's protocols -----------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        from asserts.trace.rules.elementwise import apply_ufunc

        return apply_ufunc(self._tracer, ufunc, method, args, kwargs)

    def __array_function__(
        self, function: Any, types: Any, args: Any, kwargs: dict[str, Any]
    ) -> Any:
        from asserts.trace.registry import apply_rule

        return apply_rule(self._tracer, function, args, kwargs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        raise TraceError(
            f"the values of a traced array ({self._node.name}) are needed where only its "
            "shape is known; use numpy functions on it (np.take(table, x) instead of "
            "table[x], x.astype(np.int8) instead of np.int8(x)), and call them through the "
            "module's `np`"
        )

    # -- indexing and changing -------------------------------------------------------------

    def __getitem__(self, key: Any) -> Any:
        from asserts.trace.rules.index import get_item

        return get_item(self._tracer, self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        from asserts.trace.rules.index import set_item

        set_item(self._tracer, self, key, value)

    def __iter__(self) -> Iterator[Any]:
        if not self._dims:
            raise TypeError("iteration over a 0-d array")
        count = operator.index(self.shape[0])
        return (self[i] for i in range(count))

    def __len__(self) -> int:
        if not self._dims:
            raise TypeError("len() of unsized object")
        return operator.index(self.shape[0])

    # -- values ----------------------------------------------------------------------------

    def item(self, *index: Any) -> Any:
        """The only element (or the one at an index) as a symbolic number."""
        if len(index) == 1 and isinstance(index[0], tuple):
            (index,) = index
        flat = self.reshape(-1) if len(index) == 1 and self.ndim != 1 else self
        chosen = flat[index] if index else self
        return self._tracer.read(chosen)

    def __bool__(self) -> bool:
        return bool(self._tracer.read(self))

    def __index__(self) -> int:
        if self._dtype.kind not in "iu" or self._dims:
            raise TypeError("only integer scalar arrays can be converted to a scalar index")
        return operator.index(self._tracer.read(self))

    def __int__(self) -> int:
        raise TraceError(_outside("int", self._node.name))

    def __float__(self) -> float:
        raise TraceError(_outside("float", self._node.name))

    def __complex__(self) -> complex:
        raise TraceError("complex() of an array cannot be traced")

    def __pow__(self, other: Any) -> Any:
        from asserts.trace.rules.elementwise import power

        return power(self._tracer, self, other)

    # -- methods ---------------------------------------------------------------------------

    @property
    def T(self) -> SymArray:  # noqa: N802
        """The transpose."""
        transposed: SymArray = self._call("transpose")
        return transposed

    @property
    def real(self) -> Any:
        """The real part."""
        return self._call("real")

    @property
    def imag(self) -> Any:
        """The imaginary part."""
        return self._call("imag")

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return self._call_on(name, self, *args, **kwargs)

    def _call_on(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return self.__array_function__(getattr(np, name), (), args, kwargs)

    def reshape(self, *shape: Any, **options: Any) -> Any:
        """`numpy.reshape`, the sizes in a tuple or one by one."""
        return self._call("reshape", shape[0] if len(shape) == 1 else shape, **options)

    def transpose(self, *axes: Any) -> Any:
        """`numpy.transpose`, the axes in a tuple or one by one."""
        return self._call("transpose", axes[0] if len(axes) == 1 else (axes or None))

    def astype(
        self, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True,
        copy: bool = True,
    ) -> Any:  # fmt: skip
        """Another dtype (the order is one of memory alone)."""
        from asserts.trace.rules.elementwise import cast

        return cast(self._tracer, self, dtype, casting, copy)

    def copy(self, order: str = "C") -> Any:
        """A copy (the order is one of memory alone)."""
        return self._call("copy")

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: object) -> Any:
        return self.copy()

    def flatten(self, order: str = "C") -> Any:
        """A flat copy."""
        return self._call("ravel", order=order).copy()

    def compress(self, condition: Any, *args: Any, **options: Any) -> Any:
        """`numpy.compress`, whose array comes second."""
        return self._call_on("compress", condition, self, *args, **options)

    def sort(self, axis: int = -1, *args: Any, **options: Any) -> None:
        """Sorts in place."""
        self._tracer.changed(self, "x.sort()", self._call("sort", axis, *args, **options))

    def fill(self, value: Any) -> None:
        """Sets all elements."""
        self[...] = value

    def __getattr__(self, name: str) -> Any:
        kind = self._dtype.type if self._is_scalar else np.ndarray
        found = None if name.startswith("__") else getattr(kind, name, None)
        if found is None or name in _GONE:
            shown = f"numpy.{kind.__name__}"
            raise AttributeError(f"'{shown}' object has no attribute '{name}'")
        target = _FUNCTION_OF_METHOD.get(name)
        if target is not None:
            return partial(self._call, target)
        refuse = partial(self._refuse, name)
        return refuse if callable(found) else refuse()

    def _refuse(self, name: str, *args: Any, **options: Any) -> NoReturn:
        """A method or attribute that arrays have, but not while tracing."""
        kind = self._dtype.type if self._is_scalar else np.ndarray
        raise TraceError(
            f"{kind.__name__}.{name} is not supported while tracing (array "
            f"'{self._node.name}')"
        )


def count_key(x: SymArray) -> Total:
    """How many elements are not 0."""
    return x._node, "count"


def sum_key(x: SymArray) -> Total:
    """The sum of all elements as an int64; of truth values: how many are true."""
    return x._node, "count" if x.dtype.kind == "b" else "sum"


def _outside(name: str, array: str) -> str:
    return (
        f"{name}() of the traced array '{array}' was called in a module that is not part of "
        f"the trace; use .item(), or name the module in trace(..., modules=[...])"
    )


_ZERO_D_ARRAYS: Final = frozenset(
    ("placeholder", "get_attr", "zeros", "ones", "empty", "full", "zeros_like", "ones_like",
     "empty_like", "full_like", "array", "asarray", "reshape", "squeeze", "copy", "set_item",
     "update", "at_with", "written_with", "broadcast_to", "transpose", "where", "isin",
     "select")
)  # fmt: skip
"""What makes arrays, if they have no axes: all else makes scalars."""


def _makes_scalar(node: Any) -> bool:
    made_by = node.op if node.op != "call_function" else node.target
    name = getattr(made_by, "__name__", made_by)
    if name == "astype":  # what it was
        return _makes_scalar(node.args[0])
    if name == "getitem":
        key = node.args[1]
        return Ellipsis not in (key if isinstance(key, (tuple, list)) else (key,))
    return name not in _ZERO_D_ARRAYS


def _in_place(symbol: str, ufunc: np.ufunc) -> Callable[[SymArray, Any], Any]:
    def method(self: SymArray, other: Any) -> Any:
        from asserts.trace.rules.elementwise import update

        if self._is_scalar:
            return ufunc(self, other)
        update(self._tracer, self, ufunc, other, f"x {symbol}= ...")
        return self

    return method


for _name, _symbol, _ufunc in (
    ("add", "+", np.add), ("sub", "-", np.subtract), ("mul", "*", np.multiply),
    ("truediv", "/", np.true_divide), ("floordiv", "//", np.floor_divide),
    ("mod", "%", np.remainder), ("pow", "**", np.power), ("and", "&", np.bitwise_and),
    ("or", "|", np.bitwise_or), ("xor", "^", np.bitwise_xor),
    ("lshift", "<<", np.left_shift), ("rshift", ">>", np.right_shift),
):  # fmt: skip
    setattr(SymArray, f"__i{_name}__", _in_place(_symbol, _ufunc))


def is_symbolic(value: Any) -> bool:
    """Whether a traced value is in it, in lists and tuples too."""
    if isinstance(value, (SymArray, SymInt, SymBool, SymFloat)):
        return True
    if isinstance(value, (list, tuple)):
        return any(is_symbolic(v) for v in value)
    if isinstance(value, dict):
        return any(is_symbolic(v) for v in value.values())
    if isinstance(value, slice):
        return any(is_symbolic(v) for v in (value.start, value.stop, value.step))
    return False


def _beside_number(ufunc: np.ufunc, method: str, args: tuple[Any, ...], kwargs: Any) -> Any:
    """Record what is computed with a plain array and a symbolic number."""
    from asserts.trace.rules.elementwise import apply_ufunc

    tracer = current_tracer()
    if tracer is None or any(isinstance(a, SymArray) for a in args):
        return NotImplemented
    if ufunc is np.power and any(isinstance(a, np.inexact) for a in args):
        raise TraceError(
            "numpy computes ** of a single number by other means than np.power, with another "
            "last digit; make it Python's (float(...)), or call np.power"
        )
    return apply_ufunc(tracer, ufunc, method, args, kwargs)


ANSWERS.append(_beside_number)
