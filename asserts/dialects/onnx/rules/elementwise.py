"""Elementwise operators: one operand, or operands that broadcast together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from onnx import TensorProto

from asserts.dialects.onnx.model.types import Elements, Shape, Span, Tensor
from asserts.dialects.onnx.rules.record import ONE, Call, operator, same_shape
from shapes.expr import IntExpr, combine, less_equal, scale
from shapes.tensors import broadcast, broadcast_to

__all__ = ["FLOATING", "cast"]

FLOATING = frozenset(
    getattr(TensorProto, name)
    for name in dir(TensorProto)
    if name.startswith(("FLOAT", "DOUBLE", "BFLOAT"))
    and isinstance(getattr(TensorProto, name), int)
)


def broadcasting(call: Call) -> Sequence[Shape | None]:
    """The common shape of all inputs."""
    shapes = [call.shape(i) for i in range(len(call.inputs)) if call.has(i)]
    plain = _without_conditions(shapes)
    if plain is not None:
        return [plain]
    return [call.checked(broadcast(*shapes, known=call.known))]


def _without_conditions(shapes: Sequence[Shape]) -> Shape | None:
    """The common shape where every size is 1 or the same as the others: most of them are."""
    rank = max(map(len, shapes))
    result = next(list(shape) for shape in shapes if len(shape) == rank)
    for shape in shapes:
        for i in range(-len(shape), 0):
            size = shape[i]
            if result[i] is ONE:
                result[i] = size
            elif size is not ONE and size is not result[i]:
                return None
    return tuple(result)


def _folded(name: str) -> Callable[[Call], Elements | None]:
    """Elements of an operator that takes any number of operands, two at a time."""

    def elements(call: Call) -> Elements | None:
        result = call.elements(0)
        for i in range(1, len(call.inputs)):
            other = call.elements(i)
            if result is None or other is None:
                return None
            result = call.operation(name, result, other)
        return result

    return elements


def _mapped(name: str, *extra: int) -> Callable[[Call], Elements | None]:
    def elements(call: Call) -> Elements | None:
        found = call.elements(0)
        return None if found is None else call.operation(name, found)

    return elements


def _modulo(call: Call) -> Elements | None:
    return _folded("CMod" if call.integer("fmod") else "Mod")(call)


def _choice(call: Call) -> Elements | None:
    arrays = [call.elements(i) for i in range(3)]
    if any(a is None for a in arrays):
        return None
    return call.operation("Where", *arrays)


# ------------------------------------------------------------------------ spans


Spanning: TypeAlias = Callable[[Call], Span | None]


def _span(tensor: Tensor) -> Span | None:
    """Bounds of a tensor's elements: its span, or its only element."""
    if tensor.span is not None:
        return tensor.span
    if tensor.elements is not None and tensor.elements.size == 1:
        only = tensor.elements.reshape(-1)[0]
        if isinstance(only, IntExpr):
            return Span(only, only)
    return None


def _sum_span(sign: int) -> Spanning:
    def span(call: Call) -> Span | None:
        a, b = _span(call.tensor(0)), _span(call.tensor(1))
        if a is None or b is None:
            return None
        low, high = (b.least, b.greatest) if sign > 0 else (b.greatest, b.least)
        alone = a.least is a.greatest or b.least is b.greatest
        ends = combine(1, a.least, sign, low), combine(1, a.greatest, sign, high)
        return Span(*ends, a.reached and b.reached and alone)

    return span


def _scaled_span(call: Call) -> Span | None:
    a, b = _span(call.tensor(0)), _span(call.tensor(1))
    if a is None or b is None or b.least is not b.greatest or not b.least.is_constant:
        return None
    factor = int(b.least.constant)
    low, high = scale(factor, a.least), scale(factor, a.greatest)
    return Span(low, high, a.reached) if factor >= 0 else Span(high, low, a.reached)


def same_span(call: Call) -> Span | None:
    """Elements are those of the first input."""
    return _span(call.tensor(0))


def picked_span(call: Call) -> Span | None:
    """Elements are some of the first input's."""
    found = _span(call.tensor(0))
    return None if found is None else found._replace(reached=found.least is found.greatest)


def either_span(first: int, second: int) -> Spanning:
    """Elements come from one of two inputs."""

    def span(call: Call) -> Span | None:
        a, b = _span(call.tensor(first)), _span(call.tensor(second))
        if a is None or b is None:
            return None
        (least, most, _), (low, high, _) = a, b
        below = least if call.known(less_equal(least, low)) else low
        above = high if call.known(less_equal(most, high)) else most
        holds = all(call.known(less_equal(below, e)) for e in (least, low))
        holds = holds and all(call.known(less_equal(e, above)) for e in (most, high))
        return Span(below, above, reached=False) if holds else None

    return span


# ------------------------------------------------------------------------ casts


def cast(call: Call, dtype: int, found: Elements | None) -> Elements | None:
    """Elements of another type."""
    if found is None:
        return None
    if dtype in FLOATING:
        return call.operation("float", found)
    return call.operation("condition" if dtype == TensorProto.BOOL else "integer", found)


def _cast_dtype(call: Call) -> Sequence[int]:
    return [call.integer("to")]


def _cast_like_dtype(call: Call) -> Sequence[int]:
    return [call.tensor(1).dtype]


# ------------------------------------------------------------------------ parameters


def _clipped(call: Call) -> Elements | None:
    found = call.elements(0)
    for i, name in ((1, "Max"), (2, "Min")):
        if found is not None and call.has(i):
            bound = call.elements(i)
            found = None if bound is None else call.operation(name, found, bound)
    return found


def _slope(call: Call) -> Sequence[Shape | None]:
    """`PRelu`: the slope broadcasts into the operand."""
    x = call.shape(0)
    call.checked(broadcast_to(call.shape(1), x, known=call.known))
    return [x]


def _dropout(call: Call) -> Sequence[Shape | None]:
    return [call.shape(0)] * len(call.node.output)


def _dropout_dtypes(call: Call) -> Sequence[int]:
    return [call.tensor(0).dtype, TensorProto.BOOL]


operator(
    "Acos Acosh Asin Asinh Atan Atanh Cos Cosh Sin Sinh Tan Tanh Erf Exp Log Reciprocal "
    "Sigmoid HardSigmoid Softplus Softsign Elu Celu Selu LeakyRelu ThresholdedRelu HardSwish "
    "Mish Gelu Swish Shrink IsNaN IsInf BitwiseNot Bernoulli Hardmax Softmax LogSoftmax "
    "LpNormalization MeanVarianceNormalization CumProd StringNormalizer_ "
    "RegexFullMatch",
    same_shape,
)
for _name in ("Neg", "Abs", "Sign", "Not", "Floor", "Ceil", "Round", "Sqrt"):
    operator(_name, same_shape, elements=_mapped(_name))
operator(
    "Relu",
    same_shape,
    elements=lambda call: (
        None
        if (found := call.elements(0)) is None or call.tensor(0).dtype in FLOATING
        else call.operation("Max", found, call.operation("Sub", found, found))
    ),
)
operator("BitCast", same_shape, dtypes=_cast_dtype)
operator("Identity", types=lambda call: [call.inputs[0] or Tensor(0)])
operator("Dropout", _dropout, dtypes=_dropout_dtypes, elements=lambda call: call.elements(0))
operator("PRelu", _slope)
operator("Clip", same_shape, elements=_clipped)
operator(
    "Cast",
    same_shape,
    dtypes=_cast_dtype,
    elements=lambda call: cast(call, call.integer("to"), call.elements(0)),
    span=same_span,
)
operator(
    "CastLike",
    same_shape,
    dtypes=_cast_like_dtype,
    elements=lambda call: cast(call, call.tensor(1).dtype, call.elements(0)),
    span=same_span,
)

operator("BitShift BitwiseAnd BitwiseOr BitwiseXor StringConcat", broadcasting)
for _name in ("Div", "Pow", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"):
    operator(_name, broadcasting, elements=_folded(_name))
for _name in ("And", "Or", "Xor"):
    operator(_name, broadcasting, elements=_folded(_name))
operator("Add", broadcasting, elements=_folded("Add"), span=_sum_span(1))
operator("Sub", broadcasting, elements=_folded("Sub"), span=_sum_span(-1))
operator("Mul", broadcasting, elements=_folded("Mul"), span=_scaled_span)
operator("Mod", broadcasting, elements=_modulo)
operator("Max", broadcasting, elements=_folded("Max"))
operator("Min", broadcasting, elements=_folded("Min"))
operator("Sum", broadcasting, elements=_folded("Add"))
operator("Mean", broadcasting)
operator("Where", broadcasting, elements=_choice, span=either_span(1, 2))
