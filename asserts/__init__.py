"""Shapeproof's graph passes: insert deferred runtime asserts, and remove them again.

    program = trace(function, x=("n", 8))        # `asserts.trace`: a numpy function as a graph
    checked = insert(program)                    # also torch modules and exported programs
    print(checked.report)                        # what is checked, what was proved instead
    checked.graph_module(x)                      # runs, or raises RuntimeAssertionError

`report`, `minimise` and `remove` take what `insert` takes; `verify` runs two programs against
each other; `export` exports torch models that decide by run-time sizes; `contract` checks
functions by their annotations and says which sizes an ONNX model accepts.
"""

# The folders, from the bottom; a folder imports only folders to its left (``FOLDERS`` in
# ``tests/house.py`` has all of them):
#
#     graph < dialects.base < conditions < trace < dialects.numpy, dialects.torch.symbols,
#     dialects.torch.answers < passes < verify < dialects.torch.export < cli

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from asserts.conditions.report import Report
from asserts.dialects.hosts import adapter_of, is_onnx
from asserts.errors import (
    AnnotationError,
    ContractError,
    GraphError,
    InputError,
    RuntimeAssertionError,
    TraceError,
)
from asserts.graph.module import GraphModule
from asserts.passes.base import Pass, PassResult, Pipeline
from asserts.passes.discharge import Policy
from asserts.passes.insert import InsertRuntimeAsserts
from asserts.passes.minimise import MinimiseRuntimeAsserts
from asserts.passes.remove import RemoveRuntimeAsserts
from asserts.trace.checks import check
from asserts.trace.sources import inputs
from asserts.verify.programs import VerifyReport, verify

if TYPE_CHECKING:
    from asserts.dialects.torch.export.exporting import Exported
    from asserts.drawing import Drawing

F = TypeVar("F", bound=Callable[..., Any])

__all__ = [
    "AnnotationError",
    "ContractError",
    "GraphError",
    "GraphModule",
    "InputError",
    "InsertRuntimeAsserts",
    "MinimiseRuntimeAsserts",
    "Pass",
    "PassResult",
    "Pipeline",
    "Policy",
    "RemoveRuntimeAsserts",
    "Report",
    "RuntimeAssertionError",
    "TraceError",
    "VerifyReport",
    "check",
    "contract",
    "draw",
    "export",
    "infer_shapes",
    "inputs",
    "insert",
    "minimise",
    "minimize",
    "remove",
    "report",
    "verify",
]


def export(
    model: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None = None,
    **options: Any,
) -> Exported:
    """A torch module as an exported program, whatever it asks of run-time sizes, with what was
    decided for it and what it accepts.

    Ways are tried in order: without any assumption first, then with the branches of the
    example inputs, which are asserted, then as torch does it alone. `options` are
    ``dynamic_shapes``, ``strict``, ``decide``, ``verify``, ``progress`` (see
    `asserts.dialects.torch.export.exporting.export`) and those of `torch.export.export`.
    """
    from asserts.dialects.torch.export.exporting import export as exported

    return exported(model, args, kwargs, **options)


def insert(
    program: object,
    policy: Policy = "preserve-user",
    effort: str = "default",
    in_place: bool = False,
    like: object = None,
) -> PassResult:
    """The program with every check that could not be proved (see `InsertRuntimeAsserts`).

    For an `ExportedProgram` that includes what is declared of its run-time values and not
    checked yet: their ranges and, if it was exported in this process with our passes, every
    check that was recorded. (What callers are held to the program checks itself. Checks that
    were removed before it was saved are not in the file.)

    For an ONNX model (a path or bytes too, as for `contract`) these are its input contract and
    what operations require of run-time values. If it was exported from a torch program, `like`
    is that `ExportedProgram`: what it checks is asserted too (see
    `asserts.dialects.onnx.insert_like`). The result's `program` is an ``onnx.ModelProto``.
    Raises `GraphError` for an option that does not apply.
    """
    onnx = _onnx_of(program)
    if onnx is not None:
        found = onnx.insert_like if like is not None else onnx.insert
        first = (program,) if like is None else (program, like)
        return cast(
            PassResult, found(*first, policy=policy, effort=effort, in_place=in_place)
        )
    if like is not None:
        raise GraphError(f"`like` is for ONNX models, but this is a {type(program).__name__}")
    return InsertRuntimeAsserts(policy=policy, effort=effort)(program, in_place)


def remove(program: object, sweep: bool = True, in_place: bool = False) -> PassResult:
    """The program without runtime asserts (see `RemoveRuntimeAsserts`). What an
    `ExportedProgram` checks at its entry stays. Of an ONNX model, which may be given as a path
    or bytes, the result is an ``onnx.ModelProto``."""
    onnx = _onnx_of(program)
    if onnx is not None:
        return cast(PassResult, onnx.remove(program, sweep=sweep, in_place=in_place))
    return RemoveRuntimeAsserts(sweep=sweep)(program, in_place)


def minimise(
    program: object, policy: Policy = "preserve-user", effort: str = "default"
) -> PassResult:
    """The program without the asserts that others imply (see `MinimiseRuntimeAsserts`).

    Takes our graph modules, and torch's `ExportedProgram` and `GraphModule`; the result's
    `program` is of the same kind. An ONNX model may be given as a path or bytes, and the
    result is an ``onnx.ModelProto``. Raises `GraphError` for anything else.
    """
    onnx = _onnx_of(program)
    if onnx is not None:
        return cast(PassResult, onnx.minimise(program, policy=policy, effort=effort))
    return MinimiseRuntimeAsserts(policy=policy, effort=effort)(program)


minimize = minimise
"""The same, in American spelling."""


def draw(program: object, report: Report | None = None) -> Drawing:
    """The program's graph as a picture (SVG) that notebooks show, asserts coloured by what
    became of them; also of ONNX models. See `asserts.drawing.draw`."""
    from asserts.drawing import draw as drawn

    return drawn(program, report)


def report(
    program: object, policy: Policy = "preserve-user", effort: str = "default"
) -> Report:
    """What there is to say of the program's checks, one by one; the program stays as it is.

    For one of our graph modules: what insertion would do, and which checks stand in the graph
    already. For torch's `ExportedProgram` and
    `GraphModule`: of every assert whether it must stay or follows, and from what, with its
    line of code and the nodes that are there for it alone. For an ONNX model, a path of one or
    its bytes: what insertion would do. Raises `GraphError` for anything else.
    """
    onnx = _onnx_of(program)
    if onnx is not None:
        return cast(Report, onnx.report(program, policy=policy, effort=effort))
    adapter = adapter_of(program)
    if adapter is None:
        raise GraphError(f"{type(program).__name__} is not a program with asserts")
    found = adapter.report(policy, effort)
    if found is None:
        found = InsertRuntimeAsserts(policy=policy, effort=effort).on(adapter).report
    return replace(found, title="runtime asserts")


def infer_shapes(model: object) -> Any:
    """The shape of every value of an ONNX model, in terms of its dimension names.

    `model` is a path, bytes, an ``onnx.ModelProto`` or an ``onnx_ir.Model``; the result is an
    `asserts.dialects.onnx.Inferred`: `shapes` by name, `requirements`, and `model`, a copy
    with everything in its ``value_info``. Raises `GraphError` for what is not a model.
    """
    from asserts.dialects.onnx import infer_shapes as infer

    return infer(model)


@overload
def contract(*, where: str | Sequence[str] = ()) -> Callable[[F], F]: ...


@overload
def contract(model: F, *, where: str | Sequence[str] = ()) -> F: ...


@overload
def contract(model: Any) -> Any: ...


def contract(model: Any = None, *, where: str | Sequence[str] = ()) -> Any:
    """The contract of a function, from its annotations; or of an ONNX model.

    As a decorator (``@contract`` or ``@contract(where="n % 8 == 0")``) it guards a function:
    dtype, rank and sizes of its arrays are what the annotations say (jaxtyping's, or
    ``Annotated[np.ndarray, "f4[n, 2*m]"]``), with names that are solved for in any order, and
    the conditions `where` hold. A call that breaks it raises `ContractError`. The attribute
    ``contract`` of the function has `check`, `inputs()` and `violations()`. Raises
    `AnnotationError` where the annotations make no contract.

    For a model (a path, bytes, what `infer_shapes` takes, or its result) it answers which
    input sizes the model accepts: an `asserts.dialects.onnx.Contract` with `conditions`,
    `check(sizes)`, `sample`, `violations`. Raises `GraphError` for what is not a model.
    """
    conditions = (where,) if isinstance(where, str) else tuple(where)
    if model is None or _is_function(model):
        from asserts.contracts import contracted

        if model is None:
            return lambda function: contracted(function, conditions)
        return contracted(model, conditions)
    if conditions:
        raise AnnotationError("where= is for functions; the contract of a model is its own")
    from asserts.dialects.onnx import contract as of_model

    return of_model(model)


def _is_function(value: object) -> bool:
    """Whether a contract is asked of a function (or of what a class has in its place)."""
    return inspect.isroutine(value) or isinstance(value, (staticmethod, classmethod))


def _onnx_of(program: object) -> Any:
    """The dialect of ONNX if the program is a model of it, or where one is read from."""
    if not is_onnx(program):
        return None
    from asserts.dialects import onnx

    return onnx
