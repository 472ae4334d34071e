"""`trace`: a numpy function, unchanged, as a graph with symbolic shapes.

    program = trace(pack_ragged, tokens=("b", 128), lengths=Spec(("b",), "int64"))

The function runs once on arrays of which only shape and dtype are known. Sizes are symbols
of the inputs; what depends on values (the length of ``np.nonzero(x)``, ``int(x.sum())``) is
an unbacked symbol with the bounds that the operation guarantees. What an operation needs of
its operands' sizes becomes a check of the program's environment, unless it is certain.

Guarantees: on inputs that fit the specification, and for which the checks hold, the graph
computes what the function does. An unsupported function raises at once and names itself.
What would be another at every run (random numbers, the time, files) raises, too, and so do
the text and the hash of a size; the function may not catch such an error and go on.
Limits: a branch on a value is decided once (from the example sizes, with a guard) or raises
`DataDependentError`; functions of installed packages see numpy as it is (see `modules`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

import numpy as np

from asserts.errors import TraceError
from asserts.graph.module import GraphModule
from asserts.graph.structure import STRUCTURE
from asserts.graph.values import ArrayValue
from asserts.trace.advice import advised
from asserts.trace.annotated import subject_of
from asserts.trace.builtins_patch import patched
from asserts.trace.checks import check
from asserts.trace.context import activated
from asserts.trace.inputs import Spec, bound_specs, check_inputs, make_inputs
from asserts.trace.names import name_the_rest
from asserts.trace.rules import (
    calculus,
    choosing,
    create,
    dynamic,
    editing,
    elementwise,
    factors,
    fourier,
    grids,
    index,
    join,
    linalg,
    quantiles,
    reduce,
    shape,
    tapers,
    windows,
    writing,
)
from asserts.trace.swallowed import nothing_swallowed
from asserts.trace.symarray import SymArray
from asserts.trace.tracer import Tracer
from shapes.env import ShapeEnv, Symbolic

__all__ = ["RULE_MODULES", "ArrayValue", "Spec", "SymArray", "check", "trace"]

RULE_MODULES = (
    calculus,
    choosing,
    create,
    dynamic,
    editing,
    elementwise,
    factors,
    fourier,
    grids,
    index,
    join,
    linalg,
    quantiles,
    reduce,
    shape,
    tapers,
    windows,
    writing,
)
"""The families of rules; importing one enters its rules into the registry."""


def trace(
    fn: Callable[..., Any],
    /,
    *specs: Any,
    env: ShapeEnv | None = None,
    modules: Iterable[ModuleType | str] = (),
    **named: Any,
) -> GraphModule:
    """The graph of a function for inputs of these specifications.

    An array input is specified by a tuple of sizes (names, numbers, `Dim`s, or text such as
    ``"2*b"``; float64), by `Spec(shape, dtype)`, or by an example array; a symbolic integer by
    a `Dim` or `Spec.int(...)`. A list, tuple, dict or dataclass with specifications in it
    stands for several inputs: the program is called with such a one, or with the arrays one by
    one. Anything else is a constant, passed as it is. A name that is nowhere a size by itself
    is computed from the sizes that are made of it. A parameter that is given no specification
    has the one that its annotation says (jaxtyping's, or ``Annotated[np.ndarray, "f4[n,
    2*m]"]``). The modules of your project that the function refers to belong to the program;
    `modules` names further ones, of installed packages.

    Raises `TraceError` for what cannot be traced, and for a name that no dimension determines,
    `ShapeError` for a certain mismatch of shapes, `DataDependentError` for a decision on a
    value that is not known.
    """
    if not callable(fn):
        raise TraceError(f"{fn!r} is not a function")
    name = getattr(fn, "__name__", None) or type(fn).__name__
    tracer = Tracer(ShapeEnv() if env is None else env, name)
    subject = subject_of(fn, specs, named)
    fn = subject.function
    bound = bound_specs(fn, subject.specs, subject.named)
    if bound.structure is not None:
        tracer.module.meta[STRUCTURE] = bound.structure
    with activated(tracer):
        values = make_inputs(tracer, bound.flat)
        contract = subject.contract
        stated = None if contract is None else contract.traced(tracer, bound.arguments(values))
        with (
            nothing_swallowed(tracer.env),
            patched(fn, modules) as spaces,
            advised(tracer.env, spaces, bound.flat),
        ):
            result = bound.call(values)
        if stated is not None:
            stated.returned(result)
        tracer.require_computed()
        tracer.returned()
        output = tracer.graph.output(_as_argument(tracer, result))
        output.meta["val"] = _described(result)
    return _finished(tracer)


def _finished(tracer: Tracer) -> GraphModule:
    name_the_rest(tracer.env)
    module = tracer.module
    module.shape_env = tracer.env
    module.meta["name"] = tracer.name
    module.meta["contract"] = tuple(tracer.contracts)
    module.meta["guarantees"] = tuple(tracer.guarantees)
    module.input_check = check_inputs
    module.graph.lint()
    return module


def _as_argument(tracer: Tracer, result: Any) -> Any:
    """A result as the argument of the output node. Raises `TraceError` for other objects."""
    if isinstance(result, (tuple, list)):
        items = [_as_argument(tracer, r) for r in result]
        if hasattr(result, "_fields"):
            raise TraceError("a named tuple cannot be returned from a traced function")
        return tuple(items) if isinstance(result, tuple) else items
    if isinstance(result, dict):
        return {key: _as_argument(tracer, r) for key, r in result.items()}
    if isinstance(result, np.generic):
        return result  # (as an attribute of the module it would be an array)
    supported = (SymArray, Symbolic, np.ndarray, int, float, complex, str)
    if result is None or isinstance(result, supported):
        return tracer.argument(result)
    raise TraceError(
        f"a traced function returns arrays, numbers, and tuples, lists and dicts of these, "
        f"not {type(result).__name__}"
    )


def _described(result: Any) -> Any:
    if isinstance(result, (tuple, list)):
        items = [_described(r) for r in result]
        return tuple(items) if isinstance(result, tuple) else items
    if isinstance(result, dict):
        return {key: _described(r) for key, r in result.items()}
    if isinstance(result, SymArray):
        return ArrayValue(result._dims, result.dtype)
    return result.expr if isinstance(result, Symbolic) else result
