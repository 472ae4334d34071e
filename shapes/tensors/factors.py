"""Shapes of matrix factorisations, and of what square matrices alone have."""

from __future__ import annotations

from shapes.tensors.core import (
    Dims,
    Known,
    Needs,
    Shape,
    ShapeResult,
    as_shape,
    never,
    smaller,
)

__all__ = ["qr", "square", "svd"]


def _matrices(dims: Dims) -> Shape:
    shape = as_shape(dims)
    if len(shape) < 2:
        raise never(
            f"{len(shape)}-dimensional array given. Array must be at least two-dimensional"
        )
    return shape


def square(dims: Dims) -> ShapeResult:
    """Square matrices, alone or in a batch. Raises `ShapeError` for fewer than two axes."""
    shape = _matrices(dims)
    needs = Needs()
    needs.equal(shape[-1], shape[-2], "Last 2 dimensions of the array must be square")
    return needs.result(shape)


def svd(dims: Dims, full: bool, known: Known | None = None) -> tuple[Shape, Shape, Shape]:
    """The shapes of U, S and Vh in ``U @ diag(S) @ Vh``; `full` for square U and Vh."""
    *batch, m, n = _matrices(dims)
    k = smaller(m, n, known)
    return (*batch, m, m if full else k), (*batch, k), (*batch, n if full else k, n)


def qr(dims: Dims, complete: bool, known: Known | None = None) -> tuple[Shape, Shape]:
    """The shapes of Q and R in ``Q @ R``; `complete` for a square Q."""
    *batch, m, n = _matrices(dims)
    k = m if complete else smaller(m, n, known)
    return (*batch, m, k), (*batch, k, n)
