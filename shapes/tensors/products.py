"""Products of tensors: the contracted sizes are equal, the batch sizes broadcast."""

from __future__ import annotations

import re
from collections.abc import Sequence

from shapes.expr.booleans import equal
from shapes.expr.linear import multiply
from shapes.expr.nodes import IntConstant, IntExpr, constant
from shapes.tensors.broadcasting import broadcast, broadcast_dim
from shapes.tensors.core import (
    ONE,
    Dims,
    Known,
    Needs,
    Shape,
    ShapeResult,
    UndecidedRankError,
    as_shape,
    axis_of,
    never,
    show_shape,
)

__all__ = ["cross", "dot", "einsum", "inner", "kron", "matmul", "outer", "tensordot"]


def matmul(a: Dims, b: Dims, known: Known | None = None) -> ShapeResult:
    """``a @ b``: vectors are rows on the left and columns on the right, batches broadcast.

    Raises `ShapeError` for a scalar operand.
    """
    left, right = as_shape(a), as_shape(b)
    if not left or not right:
        raise never("matmul: an operand does not have enough dimensions (0 given, 1 needed)")
    needs = Needs()
    inner_size = right[-2] if len(right) > 1 else right[-1]
    needs.add(equal(left[-1], inner_size), _mismatch("matmul", left, right))
    batch = broadcast(left[:-2], right[:-2], known=known)
    needs.extend(batch.needs)
    rows = left[-2:-1] if len(left) > 1 else ()
    columns = right[-1:] if len(right) > 1 else ()
    return needs.result((*batch.shape, *rows, *columns))


def _mismatch(name: str, a: Shape, b: Shape) -> str:
    return f"{name}: shapes {show_shape(a)} and {show_shape(b)} do not match"


def dot(a: Dims, b: Dims, known: Known | None = None) -> ShapeResult:
    """`numpy.dot`: the last axis of `a` with the last but one (or only) axis of `b`."""
    left, right = as_shape(a), as_shape(b)
    if not left or not right:
        return ShapeResult((*left, *right))
    needs = Needs()
    split = max(len(right) - 2, 0)
    needs.add(equal(left[-1], right[split]), _mismatch("dot", left, right))
    return needs.result((*left[:-1], *right[:split], *right[split + 1 :]))


def inner(a: Dims, b: Dims, known: Known | None = None) -> ShapeResult:
    """`numpy.inner`: the last axes of both."""
    left, right = as_shape(a), as_shape(b)
    if not left or not right:
        return ShapeResult((*left, *right))
    needs = Needs()
    needs.add(equal(left[-1], right[-1]), _mismatch("inner", left, right))
    return needs.result((*left[:-1], *right[:-1]))


def outer(a: IntExpr, b: IntExpr) -> ShapeResult:
    """`numpy.outer` of two (flattened) operands with that many elements."""
    return ShapeResult((a, b))


def kron(a: Dims, b: Dims) -> ShapeResult:
    """`numpy.kron`: the product of the sizes of each axis, counted from the last one."""
    left, right = as_shape(a), as_shape(b)
    rank = max(len(left), len(right))
    padded = ([*[ONE] * (rank - len(s)), *s] for s in (left, right))
    return ShapeResult(tuple(multiply(x, y) for x, y in zip(*padded)))


def cross(a: Dims, b: Dims, axes: tuple[int, int, int], known: Known | None) -> ShapeResult:
    """`numpy.cross` of vectors along the first two axes, the result's along the third.

    Vectors have 2 or 3 numbers, and the product of two with 2 is one number. Raises
    `UndecidedRankError` where no constant says how many, `ShapeError` for other constants.
    """
    rest: list[Shape] = []
    sizes: list[int] = []
    for dims, axis in zip((as_shape(a), as_shape(b)), axes):
        at = axis_of(axis, len(dims))
        size = dims[at]
        if not isinstance(size, IntConstant):
            raise UndecidedRankError(
                f"cross of shape {show_shape(as_shape(dims))}: the number of axes of the result "
                f"depends on whether {size} is 2 or 3"
            )
        if size.constant not in (2, 3):
            raise never("incompatible dimensions for cross product (must be 2 or 3)")
        sizes.append(size.constant)
        rest.append((*dims[:at], *dims[at + 1 :]))
    common = broadcast(*rest, known=known)
    if sizes == [2, 2]:
        return common
    place = axis_of(axes[2], len(common.shape) + 1)
    shape = (*common.shape[:place], constant(3), *common.shape[place:])
    return ShapeResult(shape, common.needs)


def tensordot(
    a: Dims, b: Dims, axes: int | tuple[int | Sequence[int], int | Sequence[int]] = 2
) -> ShapeResult:
    """`numpy.tensordot`: the sum over pairs of axes. Raises `ShapeError` for bad axes."""
    left, right = as_shape(a), as_shape(b)
    if isinstance(axes, int):
        if axes > min(len(left), len(right)):
            raise never(_mismatch("tensordot", left, right))
        over_a = tuple(range(len(left) - axes, len(left)))
        over_b = tuple(range(axes))
    else:
        over_a, over_b = (
            tuple(axis_of(axis, len(s)) for axis in ((x,) if isinstance(x, int) else x))
            for x, s in zip(axes, (left, right))
        )
    if len(over_a) != len(over_b):
        raise never(_mismatch("tensordot", left, right))
    needs = Needs()
    for i, j in zip(over_a, over_b):
        needs.add(equal(left[i], right[j]), _mismatch("tensordot", left, right))
    kept_a = [d for i, d in enumerate(left) if i not in over_a]
    kept_b = [d for j, d in enumerate(right) if j not in over_b]
    return needs.result((*kept_a, *kept_b))


# --------------------------------------------------------------------------- einsum

_TERM = re.compile(r"[A-Za-z]*(?:\.\.\.[A-Za-z]*)?")


def einsum(
    subscripts: str, operands: Sequence[Dims], known: Known | None = None
) -> ShapeResult:
    """`numpy.einsum` for subscripts in text, ellipsis included.

    A label's sizes broadcast between operands; within one operand they are equal. Raises
    `ShapeError` for subscripts that don't fit the operands' ranks.
    """
    shapes = [as_shape(dims) for dims in operands]
    inputs, output = _parsed(subscripts, len(shapes))
    shown = " ".join(show_shape(s) for s in shapes)
    reason = f"einsum '{subscripts}': operands could not be broadcast together: {shown}"
    needs = Needs()
    sizes: dict[str, IntExpr] = {}
    batch: Shape = ()
    for term, shape in zip(inputs, shapes):
        labelled, rest = _assigned(term, shape, subscripts)
        for label, size in _collapsed(labelled, reason, needs).items():
            held = sizes.get(label, ONE)
            sizes[label] = broadcast_dim(held, size, reason, needs, known)
        common = broadcast(batch, rest, known=known)
        needs.extend(common.needs)
        batch = common.shape
    if output is None:
        output = _implicit_output(inputs, bool(batch))
    if batch and "..." not in output:
        raise never(f"einsum '{subscripts}': the output has no '...' for broadcast axes")
    return needs.result(_output_shape(output, sizes, batch, subscripts))


def _parsed(subscripts: str, count: int) -> tuple[list[str], str | None]:
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    inputs = left.split(",")
    for term in (*inputs, right):
        if not _TERM.fullmatch(term):
            raise never(f"einsum '{subscripts}': '{term}' is not a list of labels")
    if len(inputs) != count:
        raise never(f"einsum '{subscripts}' has {len(inputs)} terms for {count} operands")
    return inputs, right if arrow else None


def _assigned(
    term: str, shape: Shape, subscripts: str
) -> tuple[list[tuple[str, IntExpr]], Shape]:
    """The labels with their sizes, and the sizes under the ellipsis."""
    before, dots, after = term.partition("...")
    named = len(before) + len(after)
    if named > len(shape) or (not dots and named != len(shape)):
        raise never(
            f"einsum '{subscripts}': the labels '{term}' do not fit an operand with "
            f"{len(shape)} axes, {show_shape(shape)}"
        )
    end = len(shape) - len(after)
    labelled = [*zip(before, shape), *zip(after, shape[end:])]
    return labelled, shape[len(before) : end]


def _collapsed(
    labelled: list[tuple[str, IntExpr]], reason: str, needs: Needs
) -> dict[str, IntExpr]:
    sizes: dict[str, IntExpr] = {}
    for label, size in labelled:
        held = sizes.get(label)
        sizes[label] = size if held is None else needs.equal(held, size, reason)
    return sizes


def _implicit_output(inputs: list[str], has_batch: bool) -> str:
    """The labels that occur once, in alphabetical order, behind the broadcast axes."""
    labels = "".join(inputs).replace(".", "")
    once = sorted(label for label in set(labels) if labels.count(label) == 1)
    return ("..." if has_batch else "") + "".join(once)


def _output_shape(
    output: str, sizes: dict[str, IntExpr], batch: Shape, subscripts: str
) -> Shape:
    before, _, after = output.partition("...")
    labels = before + after
    if len(set(labels)) != len(labels) or any(label not in sizes for label in labels):
        raise never(f"einsum '{subscripts}': '{output}' is not a valid output")
    return (*(sizes[x] for x in before), *batch, *(sizes[x] for x in after))
