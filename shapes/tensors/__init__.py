"""Shape functions: the shape of an operation's result, and what its operands must satisfy.

Every function takes shapes (sequences of expressions or integers) and returns a
`ShapeResult`: the result's shape, and the `Need`s under which numpy accepts the operands.
What depends on ranks and axes only is decided at once and raises `ShapeError`; what depends
on sizes is a condition, the constant False if it can never hold (`ShapeResult.checked`
raises then). A function with a `known` argument may ask it to write the result more simply.

Guarantees: for all sizes, the needs hold exactly where numpy accepts, and then the shape is
numpy's. Limits: a symbolic size given to `reshape` must not be negative (numpy takes it for
an unknown size), a count given to `tile` neither (numpy does not look where there is nothing
to repeat), and the diagonal of an operand of `einsum` needs equal sizes even where one is 0.

No graph and no numpy here.
"""

from shapes.tensors.broadcasting import broadcast, broadcast_dim, broadcast_to
from shapes.tensors.core import (
    Dims,
    Known,
    Need,
    Needs,
    Shape,
    ShapeError,
    ShapeResult,
    UndecidedRankError,
    as_shape,
    axes_of,
    axis_of,
    dim,
    larger,
    product,
    show_shape,
    smaller,
)
from shapes.tensors.factors import qr, square, svd
from shapes.tensors.joining import (
    array_split,
    concatenate,
    pad,
    repeat,
    repeat_each,
    split,
    stack,
    tile,
)
from shapes.tensors.layout import (
    expand_dims,
    moveaxis,
    ravel,
    reshape,
    squeeze,
    swapaxes,
    transpose,
)
from shapes.tensors.products import (
    cross,
    dot,
    einsum,
    inner,
    kron,
    matmul,
    outer,
    tensordot,
)
from shapes.tensors.reductions import (
    accumulate,
    arg_reduce,
    diagonal,
    diff,
    gradient,
    reduce,
    trapezoid,
)
from shapes.tensors.selecting import (
    arange,
    created,
    gather,
    gathered_inside,
    index,
    slice_length,
    take,
    triangle,
)
from shapes.tensors.spectra import Transform, spectrum
from shapes.tensors.windows import sliding_windows

__all__ = [
    "Dims",
    "Known",
    "Need",
    "Needs",
    "Shape",
    "ShapeError",
    "ShapeResult",
    "Transform",
    "UndecidedRankError",
    "accumulate",
    "arange",
    "arg_reduce",
    "array_split",
    "as_shape",
    "axes_of",
    "axis_of",
    "broadcast",
    "broadcast_dim",
    "broadcast_to",
    "concatenate",
    "created",
    "cross",
    "diagonal",
    "diff",
    "dim",
    "dot",
    "einsum",
    "expand_dims",
    "gather",
    "gathered_inside",
    "gradient",
    "index",
    "inner",
    "kron",
    "larger",
    "matmul",
    "moveaxis",
    "outer",
    "pad",
    "product",
    "qr",
    "ravel",
    "reduce",
    "repeat",
    "repeat_each",
    "reshape",
    "show_shape",
    "slice_length",
    "sliding_windows",
    "smaller",
    "spectrum",
    "split",
    "square",
    "squeeze",
    "stack",
    "svd",
    "swapaxes",
    "take",
    "tensordot",
    "tile",
    "transpose",
    "trapezoid",
    "triangle",
]
