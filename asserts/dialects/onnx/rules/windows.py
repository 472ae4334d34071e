"""Operators that slide a window over spatial axes: convolution, pooling, resizing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from onnx import TensorProto

from asserts.dialects.onnx.model.elements import FACTOR, Quotient
from asserts.dialects.onnx.model.types import Shape
from asserts.dialects.onnx.rules.record import ONE, ZERO, Call, is_empty, operator
from shapes.expr import (
    IntExpr,
    ceiling_division,
    combine,
    conjunction,
    constant,
    disjunction,
    equal,
    floor_division,
    less_equal,
    maximum,
    modulo,
    multiply,
    scale,
    shift,
    truncating_division,
)
from shapes.tensors import product, smaller

__all__: list[str] = []

SAME = ("SAME_UPPER", "SAME_LOWER")


class Window:
    """The attributes of an operator with a window over `rank` axes."""

    def __init__(self, call: Call, rank: int, kernel: Sequence[IntExpr]) -> None:
        self.call = call
        self.kernel = kernel
        self.strides = call.integers("strides") or [1] * rank
        self.dilations = call.integers("dilations") or [1] * rank
        self.auto = call.text("auto_pad", "NOTSET") or "NOTSET"
        pads = call.integers("pads")
        self.pads = pads if pads and self.auto == "NOTSET" else [0] * 2 * rank

    def extent(self, i: int) -> IntExpr:
        """How many elements the window spans."""
        return combine(self.dilations[i], self.kernel[i], 1, constant(1 - self.dilations[i]))

    def slid(self, i: int, size: IntExpr) -> IntExpr:
        """The number of places of the window of a convolution along axis i."""
        stride = constant(self.strides[i])
        if self.auto in SAME:
            if self.dilations[i] != 1:
                raise self.call.walk.fail(f"onnxruntime dilates no window with {self.auto}")
            self.call.need(less_equal(ONE, size), f"a window has no place in {size}")
            return ceiling_division(size, stride)
        free = self._free(i, size)
        self.call.need(less_equal(ZERO, free), lambda: self._no_place(i, size))
        return shift(floor_division(free, stride), 1)

    def pooled(self, i: int, size: IntExpr, ceil: bool) -> IntExpr:
        """The number of places of a pooling window along axis i.

        As in onnxruntime, nothing is pooled from an empty axis, and a window that is less than
        a stride too large has one place.
        """
        stride = constant(self.strides[i])
        self.call.need(less_equal(ONE, size), f"nothing can be pooled from an axis of {size}")
        if self.auto in SAME and self.dilations[i] == 1 and not ceil:
            self._padded(i, size, ceil)
            return ceiling_division(size, stride)
        if self.auto in SAME:
            pads = self._padded(i, size, ceil)
            whole = combine(1, size, 1, pads)
            front, free = self._front(pads), combine(1, whole, -1, self.extent(i))
        else:
            front, free = constant(self.pads[i]), self._free(i, size)
        short = less_equal(scale(-2 * self.strides[i], ONE) + ONE, free)
        self.call.need(short, lambda: self._no_place(i, size))
        if not ceil:
            return shift(_toward_zero(self.call, free, self.strides[i]), 1)
        places = shift(ceiling_division(free, stride), 1)
        # A last window that would begin in the padding behind is left out.
        last = ceiling_division(combine(1, size, 1, front), stride)
        return smaller(places, last, self.call.known)

    def _padded(self, i: int, size: IntExpr, ceil: bool) -> IntExpr:
        """How much `auto_pad` pads axis i of a pool, if the pool accepts that. It is negative
        where a stride passes over the end."""
        places = ceiling_division(size, constant(self.strides[i]))
        moved = scale(self.strides[i], shift(places, -1))
        pads = combine(1, combine(1, moved, 1, self.kernel[i]), -1, size)
        call = self.call
        newer = ceil and call.integer("count_include_pad")  # (is run as that of version 19)
        old = call.node.op_type == "AveragePool" and call.version < 19 and not newer
        dilated = any(d != 1 for d in self.dilations)
        if old or (call.node.op_type == "MaxPool" and not dilated):
            call.need(less_equal(ZERO, pads), f"an axis of {size} would be padded by {pads}")
        return pads

    def _front(self, pads: IntExpr) -> IntExpr:
        """The part of the padding that is in front."""
        pads = shift(pads, 1) if self.auto == "SAME_LOWER" else pads
        return _toward_zero(self.call, pads, 2)

    def _free(self, i: int, size: IntExpr) -> IntExpr:
        """How far the window can move."""
        pads = self.pads[i] + self.pads[i + len(self.kernel)]
        return combine(1, shift(size, pads), -1, self.extent(i))

    def _no_place(self, i: int, size: IntExpr) -> str:
        pads = self.pads[i] + self.pads[i + len(self.kernel)]
        return f"a window of {self.extent(i)} has no place in {shift(size, pads)}"


def _toward_zero(call: Call, a: IntExpr, b: int) -> IntExpr:
    """A quotient that is rounded towards zero."""
    if call.known(less_equal(ZERO, a)):
        return floor_division(a, constant(b))
    if call.known(less_equal(constant(1 - b), a)):
        return floor_division(maximum(a, ZERO), constant(b))
    return truncating_division(a, constant(b))


def _kernel(call: Call, weight: Shape) -> list[IntExpr]:
    given = call.integers("kernel_shape")
    return list(weight[2:]) if given is None else [constant(n) for n in given]


def _convolution(x_at: int = 0, w_at: int = 1) -> Callable[[Call], Sequence[Shape | None]]:
    def shapes(call: Call) -> Sequence[Shape | None]:
        x, w = call.shape(x_at), call.shape(w_at)
        if len(x) < 3 or len(w) != len(x):
            raise call.walk.fail(f"a kernel of {len(w)} axes for an input of {len(x)}")
        group = call.integer("group", 1)
        call.same(x[1], scale(group, w[1]), "the channels of input and kernel differ")
        window = Window(call, len(x) - 2, _kernel(call, w))
        spatial = [window.slid(i, d) for i, d in enumerate(x[2:])]
        return [(x[0], w[0], *spatial)]

    return shapes


def _transposed(call: Call) -> Sequence[Shape | None]:
    x, w = call.shape(0), call.shape(1)
    call.same(x[1], w[0], "the channels of input and kernel differ")
    window = Window(call, len(x) - 2, _kernel(call, w))
    channels = scale(call.integer("group", 1), w[1])
    given = call.integers("output_shape")
    extra = call.integers("output_padding") or [0] * (len(x) - 2)
    for i, size in enumerate(x[2:]):
        if given or extra[i] or window.auto in SAME:
            call.need(less_equal(ONE, size), f"nothing is left of an axis of {size}")
        if extra[i] >= window.strides[i]:
            words = f"an output padding of {extra[i]} is not less than {window.strides[i]}"
            raise call.walk.fail(words)
    if given:
        sizes = [constant(n) for n in given[-(len(x) - 2) :]]
        if min(given) < 1:
            raise call.walk.fail(f"an output shape must be positive: {given}")
        for i, (size, wanted) in enumerate(zip(x[2:], sizes, strict=True)):
            span = combine(1, wanted, -1, window.extent(i))
            least = shift(floor_division(span, constant(window.strides[i])), 1)
            call.need(less_equal(least, size), f"an axis of {size} does not reach {wanted}")
        return [(x[0], channels, *sizes)]
    spatial = [_spread(window, i, d, extra[i]) for i, d in enumerate(x[2:])]
    return [(x[0], channels, *spatial)]


def _spread(window: Window, i: int, size: IntExpr, extra: int) -> IntExpr:
    stride = window.strides[i]
    if window.auto in SAME:
        whole = combine(1, scale(stride, shift(size, -1)), 1, shift(window.extent(i), extra))
        return smaller(scale(stride, size), whole, window.call.known)
    pads = window.pads[i] + window.pads[i + len(window.kernel)]
    spread = combine(
        1, scale(stride, shift(size, -1)), 1, shift(window.extent(i), extra - pads)
    )
    window.call.need(less_equal(ONE, spread), f"nothing is left of an axis of {size}")
    return spread


def _pooling(call: Call) -> Sequence[Shape | None]:
    x = call.shape(0)
    kernel = [constant(n) for n in call.integers("kernel_shape") or ()]
    if len(kernel) != len(x) - 2:
        raise call.walk.fail(f"a window of {len(kernel)} axes for an input of {len(x)}")
    window = Window(call, len(kernel), kernel)
    call.need(less_equal(ONE, x[1]), "nothing can be pooled without channels")
    ceil = bool(call.integer("ceil_mode"))
    result = (*x[:2], *(window.pooled(i, d, ceil) for i, d in enumerate(x[2:])))
    return [result] * len(call.node.output)


def _global(call: Call) -> Sequence[Shape | None]:
    x = call.shape(0)
    for d in x[1:]:
        call.need(less_equal(ONE, d), f"nothing can be pooled from an axis of {d}")
    return [(*x[:2], *[ONE] * (len(x) - 2))]


def _unpooling(call: Call) -> Sequence[Shape | None]:
    x = call.shape(0)
    if call.has(2):
        wanted = call.listed(2) or []
        return [tuple(call.fresh(f"d{i}") if d is None else d for i, d in enumerate(wanted))]
    kernel = [constant(n) for n in call.integers("kernel_shape") or ()]
    window = Window(call, len(kernel), kernel)
    return [(*x[:2], *(_spread(window, i, d, 0) for i, d in enumerate(x[2:])))]


def _column_to_image(call: Call) -> Sequence[Shape | None]:
    x = call.rank_is(0, 3)
    image, block = call.listed(1) or [], call.numbers(2)
    channels = (
        call.fresh("channels", 0, x[1])
        if block is None
        else floor_division(x[1], constant(prod(block)))
    )
    if block is not None:
        size = constant(prod(block))
        call.need(equal(modulo(x[1], size), ZERO), f"{x[1]} is not a multiple of {size}")
        call.need(less_equal(size, x[1]), f"{x[1]} is less than a block of {size}")
        _columns(call, x[2], image, [constant(n) for n in block])
    sizes = (call.fresh(f"d{i}") if d is None else d for i, d in enumerate(image))
    return [(x[0], channels, *sizes)]


def _columns(
    call: Call, columns: IntExpr, image: Sequence[Any], block: Sequence[IntExpr]
) -> None:
    """One column for each place of the block in the image."""
    if None in image or len(image) != len(block):
        return
    window = Window(call, len(block), block)
    places = product(window.slid(i, size) for i, size in enumerate(image))
    call.need(
        equal(columns, places), lambda: f"{columns} columns for {places} places of a block"
    )


def _region(call: Call) -> Sequence[Shape | None]:
    x, regions = call.rank_is(0, 4), call.rank_is(1, 2)
    pooled = call.integers("pooled_shape") or [
        call.integer("output_height", 1),
        call.integer("output_width", 1),
    ]
    if call.has(2) and call.tensor(2).shape is not None:
        call.same(regions[0], call.rank_is(2, 1)[0], "there is not one image for each region")
        if call.elements(2) is not None:
            for e in call.listed(2) or ():
                if e is not None:
                    reason = f"there is no image {e} among {x[0]}"
                    call.need(less_equal(shift(e, 1), x[0]), reason)
    return [(regions[0], x[1], *(constant(n) for n in pooled))]


def _image(call: Call) -> Sequence[Shape | None]:
    channels = 1 if call.text("pixel_format", "RGB") == "Grayscale" else 3
    return [(call.fresh("height"), call.fresh("width"), constant(channels))]


# ------------------------------------------------------------------------ grids, resize


def _grid_sample(call: Call) -> Sequence[Shape | None]:
    x, grid = call.shape(0), call.shape(1)
    batch = call.same(x[0], grid[0], "batch sizes of input and grid differ")
    axes, places = len(x) - 2, grid[-1]
    call.need(equal(places, constant(axes)), f"a place has {places} numbers for {axes} axes")
    for size in x[2:]:
        call.need(less_equal(ONE, size), f"nothing can be sampled of an axis of {size}")
    return [(batch, x[1], *grid[1:-1])]


def _affine_grid(call: Call) -> Sequence[Shape | None]:
    sizes = call.listed(1) or []
    known = [call.fresh(f"d{i}") if d is None else d for i, d in enumerate(sizes)]
    return [(known[0], *known[2:], constant(len(sizes) - 2))]


def _resize(call: Call) -> Sequence[Shape | None]:
    shape = call.shape(0)
    axes = [call.axis(a, len(shape)) for a in call.integers("axes", range(len(shape))) or []]
    result = list(shape)
    if call.has(3):
        for axis, size in zip(axes, _target_sizes(call, axes), strict=True):
            result[axis] = size
        return [tuple(result)]
    scales = call.elements(2)
    for i, axis in enumerate(axes):
        element = None if scales is None or i >= scales.size else scales.reshape(-1)[i]
        result[axis] = scaled(call, axis, shape[axis], element)
    return [tuple(result)]


def _target_sizes(call: Call, axes: list[int]) -> list[IntExpr]:
    wanted = call.listed(3) or []
    policy = call.text("keep_aspect_ratio_policy", "stretch")
    backwards = any(a < 0 for a in call.integers("axes") or ())
    # (Otherwise a size of 0 may give way to that of another axis.)
    exact = policy == "stretch" or (policy == "not_larger" and not backwards)
    for a, d in zip(axes, wanted):
        if d is not None:
            size = call.shape(0)[a]
            some = conjunction(less_equal(ONE, size), less_equal(ONE, d))
            none = conjunction(equal(size, ZERO), equal(d, ZERO))
            reason = f"an axis of {size} cannot be resized to {d}"
            call.need(disjunction(some, none), reason, exact)
    if policy == "stretch":
        return [
            call.fresh(f"d{a}") if d is None else d for a, d in zip(axes, wanted, strict=True)
        ]
    sizes = [call.shape(0)[a] for a in axes]
    numbers = [d for d in (*wanted, *sizes) if d is not None and d.is_constant]
    # (Of axes that are counted from the back, onnxruntime then keeps the sizes.)
    if backwards or len(numbers) < 2 * len(axes):
        return [call.fresh(f"d{a}") for a in axes]
    choose = min if policy == "not_larger" else max
    ratio = choose(
        Fraction(int(w.constant), int(d.constant)) for w, d in zip(wanted, sizes, strict=True)
    )
    half = Fraction(1, 2)
    return [constant(int(ratio * int(d.constant) + half)) for d in sizes]


def scaled(call: Call, axis: int, size: IntExpr, factor: Any) -> IntExpr:
    """A size times a factor, rounded down as onnxruntime does: in single precision."""
    if not isinstance(factor, Quotient):
        return call.fresh(f"d{axis}")
    if size.is_constant and factor.top.is_constant and factor.exact:
        value = np.float32(int(factor.top.constant) / int(factor.bottom.constant))
        return constant(int(np.float32(int(size.constant)) * value))
    if factor.exact and factor.top.is_constant and abs(int(factor.top.constant)) <= FACTOR:
        return floor_division(multiply(size, factor.top), factor.bottom)
    if factor.exact:
        return _scaled_by(call, axis, size, factor)
    top, bottom = factor.top, factor.bottom
    whole = floor_division(multiply(size, top), bottom)
    return call.fresh(f"d{axis}", maximum(ZERO, shift(whole, -1)), shift(whole, 1))


def _scaled_by(call: Call, axis: int, size: IntExpr, factor: Quotient) -> IntExpr:
    """A size times a factor that single precision does not hold exactly (0.6): the fraction
    that gives onnxruntime's size for every size up to `MEASURED`, if there is one."""
    if not factor.top.is_constant:
        return call.fresh(f"d{axis}")
    exact = Fraction(int(factor.top.constant), int(factor.bottom.constant))
    near = exact.limit_denominator(1000)
    sizes = np.arange(MEASURED, dtype=np.int64)
    computed = (sizes.astype(np.float32) * np.float32(exact)).astype(np.int64)
    if not (computed == sizes * near.numerator // near.denominator).all():
        return call.fresh(f"d{axis}")
    return floor_division(scale(near.numerator, size), constant(near.denominator))


MEASURED = 1 << 16


def _upsample(call: Call) -> Sequence[Shape | None]:
    shape = call.shape(0)
    scales = call.elements(1)
    if scales is None:
        return [tuple(call.fresh(f"d{i}") for i in range(len(shape)))]
    flat = scales.reshape(-1)
    return [tuple(scaled(call, i, d, flat[i]) for i, d in enumerate(shape))]


operator("Conv DeformConv", _convolution())
operator("ConvInteger", _convolution(), dtypes=lambda call: [TensorProto.INT32])
operator("QLinearConv", _convolution(0, 3), dtypes=lambda call: [call.tensor(7).dtype])
operator("ConvTranspose", _transposed)
operator("AveragePool LpPool", _pooling, lenient=is_empty)
operator(
    "MaxPool",
    _pooling,
    dtypes=lambda call: [call.tensor(0).dtype, TensorProto.INT64],
    lenient=is_empty,
)
operator("GlobalAveragePool GlobalMaxPool GlobalLpPool", _global, lenient=is_empty)
operator("MaxUnpool", _unpooling)
operator("Col2Im", _column_to_image)
operator("MaxRoiPool RoiAlign", _region)
operator("ImageDecoder", _image)
operator("GridSample", _grid_sample)
operator("AffineGrid", _affine_grid)
operator("Resize", _resize)
operator("Upsample", _upsample)
