"""Random models of a few operators, with names for the sizes of their inputs.

A model grows by a node (or a small group of nodes) at a time. What a step adds is kept if
onnxruntime runs the model at the sizes of a sample; now and then it is kept although it fails
there, so that some models accept few sizes or none.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

from tests.onnx.build import BOOL, FLOAT, INT64, node, value
from tests.onnx.exact import session_of

__all__ = ["OPERATORS", "Draft", "drawn"]

SIZES = {"n": (1, 2, 3, 4, 6), "m": (2, 3, 4, 5, 8), "k": (1, 2, 4, 7)}
"""The names of sizes, with what they are in a sample."""


@dataclass
class Draft:
    """A model in the making: its nodes, and each value's array at the sample."""

    rng: random.Random
    sample: dict[str, int]
    inputs: list[Any] = field(default_factory=list)
    given: dict[str, Any] = field(default_factory=dict)
    nodes: list[Any] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    """Results and inputs by name, with their arrays at the sample (None if there is none)."""
    opset: int = 18
    count: int = 0

    # ---------------------------------------------------------------- names

    def name(self, stem: str = "v") -> str:
        """A new name."""
        self.count += 1
        return f"{stem}{self.count}"

    def constant(self, array: Any, dtype: Any = None) -> str:
        """A new initializer."""
        name = self.name("c")
        self.constants[name] = np.asarray(array, dtype)
        return name

    def weights(self, *shape: int) -> str:
        """Random numbers that a model has learnt."""
        content = np.random.default_rng(self.rng.randint(0, 99)).standard_normal(shape)
        return self.constant(content.astype(np.float32))

    def integers(self, *numbers: int) -> str:
        """A vector of integers."""
        return self.constant(np.array(numbers, np.int64))

    def add(self, op: str, inputs: list[str], results: int = 1, **attributes: Any) -> Any:
        """A node; its result's name, or the list of them."""
        names = [self.name() for _ in range(results)]
        self.nodes.append(node(op, inputs, names, **attributes))
        return names[0] if results == 1 else names

    # ---------------------------------------------------------------- values

    def pick(self, kinds: str = "f", rank: range = range(1, 5), some: bool = False) -> str:
        """A value of such an element type (numpy's letters) and rank, late ones more often; one
        that has elements, for operators that may end onnxruntime's process (`some`). Raises
        `IndexError` if there is none."""
        fitting = [
            name
            for name, array in self.values.items()
            if array is not None and array.dtype.kind in kinds and array.ndim in rank
            if array.size or not some
        ]
        late = fitting[-2:] if self.rng.random() < 0.75 else fitting
        return self.rng.choice(late)

    def shape(self, name: str) -> tuple[int, ...]:
        """A value's shape at the sample."""
        found: tuple[int, ...] = self.values[name].shape
        return found

    def axis(self, name: str) -> int:
        """An axis of a value, from the front or the back."""
        rank = len(self.shape(name))
        return self.rng.randrange(-rank, rank)

    def size(self, name: str, axis: int) -> str:
        """One size of a value, computed as exporters do, as a vector of one."""
        shape = self.add("Shape", [name])
        if self.rng.random() < 0.5:
            return str(self.add("Gather", [shape, self.integers(axis)]))
        rank = len(self.shape(name))
        start, end = axis % rank, axis % rank + 1
        return str(self.add("Slice", [shape, self.integers(start), self.integers(end)]))

    def changed(self, size: str) -> str:
        """A size with some arithmetic."""
        op, number = self.rng.choice(
            (("Mul", 2), ("Div", 2), ("Add", 1), ("Sub", 1), ("Mul", 3))
        )
        return str(self.add(op, [size, self.integers(number)]))

    # ---------------------------------------------------------------- the model

    def model(self) -> ModelProto:
        """The model so far; what nothing uses is a result."""
        used = {name for one in self.nodes for name in one.input}
        for one in self.nodes:
            for attribute in one.attribute:
                used |= {name for inner in attribute.g.node for name in inner.input}
        made = [name for one in self.nodes for name in one.output]
        outputs = [helper.make_empty_tensor_value_info(n) for n in made if n not in used]
        tensors = [numpy_helper.from_array(a, n) for n, a in self.constants.items()]
        graph = helper.make_graph(self.nodes, "random", self.inputs, outputs, tensors)
        imports = [
            helper.make_opsetid("", self.opset),
            helper.make_opsetid("com.microsoft", 1),
        ]
        return helper.make_model(graph, opset_imports=imports, ir_version=10)


def drawn(seed: int, steps: int | None = None) -> ModelProto:
    """A random model, the same for the same seed."""
    rng = random.Random(seed)
    draft = Draft(rng, {name: rng.choice(sizes) for name, sizes in SIZES.items()})
    draft.opset = rng.choice((13, 14, 15, 16, 17, 18, 19, 20, 21, 22))
    for i in range(rng.randint(1, 3)):
        _input(draft, f"x{i}")
    wanted = steps or rng.randint(3, 6)
    for _ in range(12 * wanted):
        if wanted and _step(draft):
            wanted -= 1
    return draft.model() if draft.nodes else drawn(seed + 1_000_003, steps)


def _input(draft: Draft, name: str) -> None:
    rng = draft.rng
    kind = rng.choices((FLOAT, INT64, BOOL), (8, 1, 1))[0] if draft.inputs else FLOAT
    rank = rng.choice((1, 2, 2, 3, 3, 4)) if kind == FLOAT else 1
    dims: list[Any] = [rng.choice(("n", "m", "k", "n", "m", 2, 3, 4)) for _ in range(rank)]
    if kind == FLOAT and rank >= 3 and rng.random() < 0.6:
        dims[1] = rng.choice((2, 3, 4))
    draft.inputs.append(value(name, dims, kind))
    shape = [draft.sample.get(d, d) if isinstance(d, str) else d for d in dims]
    draft.given[name] = filled(shape, helper.tensor_dtype_to_np_dtype(kind), 1)
    draft.values[name] = draft.given[name]


def filled(shape: Any, dtype: Any, seed: int) -> Any:
    """An array of typical contents: numbers around 0, indices, truths."""
    generator = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return generator.standard_normal(shape).astype(dtype)
    return generator.integers(0, 2, shape).astype(dtype)


def _step(draft: Draft) -> bool:
    """Add what one of the operators makes; whether it is kept."""
    rng = draft.rng
    before = len(draft.nodes), dict(draft.constants), dict(draft.values)
    try:
        rng.choices(list(OPERATORS.values()), _WEIGHTS)[0](draft)
        steps = [one for one in draft.nodes[before[0] :] if one.op_type not in SEQUENCES]
        made = [name for one in steps for name in one.output if name]
        arrays = _computed(draft, made)
        sound = all(a.size <= 4096 for a in arrays)
        if sound:
            draft.values.update(zip(made, arrays, strict=True))
            return True
    except (IndexError, ValueError):
        pass
    except Exception:  # onnxruntime refuses the model or the sample
        if rng.random() < 0.08 and _is_loaded(draft):
            draft.values.update(dict.fromkeys(made))
            return True
    del draft.nodes[before[0] :]
    draft.constants, draft.values = before[1], before[2]
    return False


def _computed(draft: Draft, names: list[str]) -> list[Any]:
    """The arrays of values at the sample."""
    proto = draft.model()
    del proto.graph.output[:]
    proto.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    found: list[Any] = session_of(proto.SerializeToString()).run(None, draft.given)
    if any(not isinstance(array, np.ndarray) for array in found):
        raise ValueError("not a tensor")
    return found


def _is_loaded(draft: Draft) -> bool:
    """Whether onnxruntime loads the model, which then fails at the sample only."""
    try:
        session_of(draft.model().SerializeToString())
    except Exception:
        return False
    return True


# ------------------------------------------------------------------------ operators

SEQUENCES = ("SequenceConstruct", "SequenceErase", "SequenceInsert", "SplitToSequence")
"""Operators whose results are no tensors, which only their own step uses."""

OPERATORS: dict[str, Callable[[Draft], Any]] = {}
"""What a step may add, by name."""
_WEIGHTS: list[int] = []


def entered(weight: int = 2) -> Callable[[Callable[[Draft], Any]], Callable[[Draft], Any]]:
    """Enter what adds an operator; heavier ones are chosen more often."""

    def enter(function: Callable[[Draft], Any]) -> Callable[[Draft], Any]:
        OPERATORS[function.__name__] = function
        _WEIGHTS.append(weight)
        return function

    return enter


@entered()
def unary(d: Draft) -> None:
    d.add(d.rng.choice(("Relu", "Neg", "Abs", "Sigmoid", "Identity", "Exp")), [d.pick()])


@entered(4)
def binary(d: Draft) -> None:
    d.add(d.rng.choice(("Add", "Mul", "Sub", "Max")), [d.pick(), d.pick()])


@entered()
def binary_constant(d: Draft) -> None:
    x = d.pick()
    shape = [s if d.rng.random() < 0.5 else 1 for s in d.shape(x)]
    weights = d.weights(*shape[d.rng.randrange(len(shape)) :])
    d.add(d.rng.choice(("Add", "Mul", "Sub")), d.rng.sample([x, weights], 2))


@entered()
def where(d: Draft) -> None:
    x = d.pick()
    mask = d.add("Greater", [x, d.constant(np.float32(0))])
    d.add("Where", [mask, x, d.rng.choice((d.pick(), d.constant(np.float32(1))))])


@entered()
def softmax(d: Draft) -> None:
    x = d.pick()
    d.add("Softmax", [x], axis=d.axis(x))


@entered(3)
def matmul(d: Draft) -> None:
    d.add("MatMul", [d.pick(), d.pick()])


@entered(3)
def matmul_weights(d: Draft) -> None:
    x = d.pick(rank=range(2, 5))
    d.add("MatMul", [x, d.weights(d.shape(x)[-1], d.rng.randint(1, 4))])


@entered()
def gemm(d: Draft) -> None:
    x, transposed = d.pick(rank=range(2, 3)), d.rng.randint(0, 1)
    k, n = d.shape(x)[1], d.rng.randint(1, 4)
    weights = d.weights(n, k) if transposed else d.weights(k, n)
    d.add("Gemm", [x, weights, d.weights(n)], transB=transposed)


def _window(d: Draft, axes: int) -> dict[str, Any]:
    """Attributes of a window."""
    found: dict[str, Any] = {}
    if d.rng.random() < 0.5:
        found["strides"] = [d.rng.randint(1, 3) for _ in range(axes)]
    if d.rng.random() < 0.2:
        found["auto_pad"] = d.rng.choice(("SAME_UPPER", "SAME_LOWER", "VALID"))
    elif d.rng.random() < 0.5:
        found["pads"] = [d.rng.randint(0, 1) for _ in range(2 * axes)]
    return found


@entered(5)
def conv(d: Draft) -> None:
    x = d.pick(rank=range(3, 5))
    axes, channels = len(d.shape(x)) - 2, d.shape(x)[1]
    group = channels if d.rng.random() < 0.2 else 1
    kernel = [d.rng.randint(1, 3) for _ in range(axes)]
    attributes = _window(d, axes)
    if "auto_pad" not in attributes and d.rng.random() < 0.3:
        attributes["dilations"] = [d.rng.randint(1, 2) for _ in range(axes)]
    out = group * d.rng.randint(1, 2)
    d.add("Conv", [x, d.weights(out, channels // group, *kernel)], group=group, **attributes)


@entered()
def conv_transpose(d: Draft) -> None:
    x = d.pick(rank=range(3, 5))
    axes = len(d.shape(x)) - 2
    kernel = [d.rng.randint(1, 3) for _ in range(axes)]
    strides = [d.rng.randint(1, 2) for _ in range(axes)]
    d.add("ConvTranspose", [x, d.weights(d.shape(x)[1], 2, *kernel)], strides=strides)


@entered(3)
def pool(d: Draft) -> None:
    x = d.pick(rank=range(3, 5))
    axes = len(d.shape(x)) - 2
    kernel = [d.rng.randint(2, 3) for _ in range(axes)]
    attributes = _window(d, axes)
    if d.rng.random() < 0.4:
        attributes["ceil_mode"] = 1
    op = d.rng.choice(("MaxPool", "AveragePool"))
    d.add(op, [x], kernel_shape=kernel, **attributes)


@entered(1)
def global_pool(d: Draft) -> None:
    d.add(d.rng.choice(("GlobalAveragePool", "GlobalMaxPool")), [d.pick(rank=range(3, 5))])


@entered(3)
def reshape(d: Draft) -> None:
    x = d.pick()
    shape = d.shape(x)
    choices: list[list[int]] = [[-1], [0, -1], [-1, shape[-1]], [1, -1], [2, -1]]
    if len(shape) > 2:
        choices += [[0, 0, -1], [0, -1, shape[-1]], [-1, *shape[1:]], [0, shape[1], -1, 1]]
    d.add("Reshape", [x, d.integers(*d.rng.choice(choices))])


@entered(4)
def computed_reshape(d: Draft) -> None:
    x = d.pick(rank=range(2, 5))
    rank = len(d.shape(x))
    parts = [d.size(x, i) for i in d.rng.sample(range(rank), d.rng.randint(1, rank))]
    if d.rng.random() < 0.3:
        parts[0] = d.changed(parts[0])
    if d.rng.random() < 0.8:
        parts.insert(d.rng.randint(0, len(parts)), d.integers(-1))
    d.add("Reshape", [x, d.add("Concat", parts, axis=0)])


@entered()
def reshape_like(d: Draft) -> None:
    d.add("Reshape", [d.pick(), d.add("Shape", [d.pick()])])


@entered(3)
def slice_constant(d: Draft) -> None:
    x = d.pick()
    start, end = d.rng.randint(-3, 3), d.rng.choice((-1, 1, 2, 3, 5, 1 << 62, -(1 << 62)))
    step = d.rng.choice((1, 1, 2, 3, -1, -2))
    arguments = [d.integers(number) for number in (start, end, d.axis(x), step)]
    d.add("Slice", [x, *arguments])


@entered(3)
def slice_computed(d: Draft) -> None:
    x = d.pick()
    axis = d.axis(x)
    bound, zero = d.changed(d.size(d.pick(), 0)), d.integers(0)
    both = [zero, bound] if d.rng.random() < 0.6 else [bound, d.integers(1 << 62)]
    d.add("Slice", [x, *both, d.integers(axis)])


@entered(3)
def gather(d: Draft) -> None:
    x = d.pick()
    indices = d.rng.choice(([0], [1, 0], [-1], [[0, 1]], 0, 2, [3, -2]))
    d.add("Gather", [x, d.constant(np.array(indices, np.int64))], axis=d.axis(x))


@entered()
def gather_computed(d: Draft) -> None:
    x = d.pick()
    d.add("Gather", [x, d.pick("i")], axis=d.axis(x))


@entered()
def table(d: Draft) -> None:
    size = d.size(d.pick(), 0)
    number = d.add("Squeeze", [size, d.integers(0)])
    zero, one = (d.constant(np.int64(i)) for i in (0, 1))
    at = d.add("Range", [zero, number, one])
    d.add("Gather", [d.weights(d.rng.randint(2, 8), 2), at])


@entered(4)
def concat(d: Draft) -> None:
    x = d.pick()
    y = d.rng.choice((x, d.pick(), d.weights(*d.shape(x))))
    d.add("Concat", [x, y], axis=d.axis(x))


@entered()
def concat_channels(d: Draft) -> None:
    d.add("Concat", [d.pick(rank=range(2, 5)), d.pick(rank=range(2, 5))], axis=1)


@entered(3)
def split(d: Draft) -> None:
    x = d.pick()
    axis = d.axis(x)
    size = d.shape(x)[axis]
    if d.rng.random() < 0.5:
        first = d.rng.randint(0, size)
        d.add("Split", [x, d.integers(first, size - first)], 2, axis=axis)
    elif d.opset >= 18:
        count = d.rng.randint(2, 3)
        d.add("Split", [x], count, axis=axis, num_outputs=count)
    else:
        d.add("Split", [x], d.rng.choice([i for i in (2, 3) if size % i == 0]), axis=axis)


@entered()
def expand(d: Draft) -> None:
    x = d.pick()
    target = [s if d.rng.random() < 0.5 else 1 for s in d.shape(x)]
    d.add("Expand", [x, d.integers(*[2] * d.rng.randint(0, 1), *target)])


@entered(3)
def expand_like(d: Draft) -> None:
    d.add("Expand", [d.pick(), d.add("Shape", [d.pick()])])


@entered(3)
def pad(d: Draft) -> None:
    x = d.pick()
    widths = [d.rng.choice((0, 0, 1, 2, -1)) for _ in range(2 * len(d.shape(x)))]
    d.add("Pad", [x, d.integers(*widths)], mode=d.rng.choice(("constant", "reflect", "edge")))


@entered()
def pad_computed(d: Draft) -> None:
    x = d.pick(rank=range(1, 2))
    width = d.changed(d.size(x, 0))
    d.add("Pad", [x, d.add("Concat", [d.integers(0), width], axis=0)])


@entered(3)
def resize(d: Draft) -> None:
    x = d.pick(rank=range(3, 5))
    axes = len(d.shape(x)) - 2
    if d.rng.random() < 0.5:
        scales = [1, 1, *[d.rng.choice((2, 0.5, 1.5, 3)) for _ in range(axes)]]
        d.add("Resize", [x, "", d.constant(np.array(scales, np.float32))])
        return
    fixed = [d.size(x, i) for i in (0, 1)]
    rest = [d.changed(d.size(x, 2 + i)) for i in range(axes)]
    d.add("Resize", [x, "", "", d.add("Concat", [*fixed, *rest], axis=0)])


@entered()
def tile(d: Draft) -> None:
    x = d.pick()
    d.add("Tile", [x, d.integers(*[d.rng.choice((1, 1, 2, 0)) for _ in d.shape(x)])])


@entered()
def tile_computed(d: Draft) -> None:
    x = d.pick(rank=range(1, 2))
    d.add("Tile", [x, d.size(d.pick(), 0)])


@entered(3)
def reduce(d: Draft) -> None:
    x, axis = d.pick(), None
    axis = d.axis(x)
    op, keep = d.rng.choice(("ReduceMax", "ReduceMean", "ReduceSum")), d.rng.randint(0, 1)
    if op == "ReduceSum" or d.opset >= 18:
        d.add(op, [x, d.integers(axis)], keepdims=keep)
    else:
        d.add(op, [x], keepdims=keep, axes=[axis])


@entered(3)
def transpose(d: Draft) -> None:
    x = d.pick(rank=range(2, 5))
    rank = len(d.shape(x))
    d.add("Transpose", [x], perm=d.rng.sample(range(rank), rank))


@entered()
def unsqueeze(d: Draft) -> None:
    x = d.pick(rank=range(1, 4))
    d.add("Unsqueeze", [x, d.integers(d.rng.randint(-1, len(d.shape(x))))])


@entered()
def squeeze(d: Draft) -> None:
    x = d.pick(rank=range(2, 5))
    d.add("Squeeze", [x, d.integers(d.axis(x))])


@entered(1)
def flatten(d: Draft) -> None:
    x = d.pick()
    d.add("Flatten", [x], axis=d.rng.randint(0, len(d.shape(x))))


@entered()
def non_zero(d: Draft) -> None:
    x = d.pick(rank=range(1, 3))
    at = d.add("NonZero", [d.add("Relu", [x])])
    if d.rng.random() < 0.6:
        flat = d.add("Reshape", [x, d.integers(-1)])
        rows = d.add("Transpose", [at], perm=[1, 0])
        d.add("Gather", [flat, d.add("Reshape", [rows, d.integers(-1)])])


@entered()
def compress(d: Draft) -> None:
    x = d.pick(rank=range(1, 2))
    mask = d.add("Greater", [x, d.constant(np.float32(0))])
    d.add("Compress", [x, mask], axis=0)


@entered()
def top(d: Draft) -> None:
    x = d.pick()
    axis = d.axis(x)
    k = d.changed(d.size(x, axis)) if d.rng.random() < 0.5 else d.integers(d.rng.randint(0, 3))
    d.add("TopK", [x, k], 2, axis=axis)


@entered()
def counted(d: Draft) -> None:
    number = d.add("Squeeze", [d.size(d.pick(), 0), d.integers(0)])
    one = d.constant(np.int64(d.rng.randint(1, 2)))
    at = d.add("Range", [d.constant(np.int64(d.rng.randint(0, 1))), number, one])
    d.add("Cast", [at], to=TensorProto.FLOAT)


@entered()
def constant_of_shape(d: Draft) -> None:
    x = d.pick(rank=range(1, 3))
    parts = [d.changed(d.size(x, i)) for i in range(len(d.shape(x)))]
    d.add("ConstantOfShape", [d.add("Concat", parts, axis=0)])


@entered()
def arg_max(d: Draft) -> None:
    x = d.pick()
    d.add("ArgMax", [x], axis=d.axis(x), keepdims=d.rng.randint(0, 1))


@entered()
def einsum(d: Draft) -> None:
    x, y = d.pick(rank=range(2, 3), some=True), d.pick(rank=range(2, 3), some=True)
    d.add("Einsum", [x, y], equation=d.rng.choice(("ij,jk->ik", "ij,ij->i", "ij,kj->ik")))


@entered()
def rearrange(d: Draft) -> None:
    x = d.pick(rank=range(4, 5))
    d.add(d.rng.choice(("SpaceToDepth", "DepthToSpace")), [x], blocksize=2)


@entered()
def layer_norm(d: Draft) -> None:
    x = d.pick(rank=range(2, 5))
    if d.opset < 17:
        raise ValueError("it is newer")
    d.add("LayerNormalization", [x, d.weights(d.shape(x)[-1])])


@entered(1)
def instance_norm(d: Draft) -> None:
    x = d.pick(rank=range(3, 5), some=True)
    channels = d.shape(x)[1]
    d.add("InstanceNormalization", [x, d.weights(channels), d.weights(channels)])


@entered(1)
def scatter_rows(d: Draft) -> None:
    x = d.pick(rank=range(2, 3))
    d.add("ScatterND", [x, _rows(d), d.weights(2, d.shape(x)[1])])


def _rows(d: Draft) -> str:
    return d.constant(np.array([[0], [d.rng.choice((1, 2, -2))]], np.int64))


@entered(1)
def recurrent(d: Draft) -> None:
    x = d.pick(rank=range(3, 4), some=True)
    size = d.shape(x)[2]
    d.add("GRU", [x, d.weights(1, 6, size), d.weights(1, 6, 2)], hidden_size=2)


# ------------------------------------------------------------------------ indices, sequences


@entered()
def gather_nd(d: Draft) -> None:
    x = d.pick(rank=range(2, 5))
    rows = d.rng.choice(([[0], [1]], [[0, 1]], [[-1, 0], [1, 1]], [[2, 0]]))
    d.add("GatherND", [x, d.constant(np.array(rows, np.int64))])


@entered()
def elements(d: Draft) -> None:
    """Elements by indices along an axis, taken or put."""
    x = d.pick(rank=range(1, 4))
    at = d.axis(x)
    shape = [d.rng.randint(1, max(1, size)) for size in d.shape(x)]
    indices = d.constant(np.full(shape, d.rng.choice((0, 1, -1)), np.int64))
    if d.rng.random() < 0.5:
        d.add("GatherElements", [x, indices], axis=at)
    else:
        d.add("ScatterElements", [x, indices, d.weights(*shape)], axis=at)


@entered()
def unique(d: Draft) -> None:
    x = d.pick(rank=range(1, 3), some=True)
    if d.rng.random() < 0.5:
        d.add("Unique", [x], 4)
    else:
        d.add("Unique", [x], 2, axis=d.axis(x))


@entered()
def sequence(d: Draft) -> None:
    """A value of a sequence that was made by splitting or of values."""
    x = d.pick(rank=range(1, 4))
    axis = d.axis(x)
    kind = d.rng.randrange(3)
    if kind == 0:
        made = d.add("SequenceConstruct", [x, d.pick()])
    elif kind == 1:
        made = d.add("SplitToSequence", [x], axis=axis, keepdims=d.rng.randint(0, 1))
    else:
        parts = d.constant(np.int64(d.rng.randint(1, 3)))
        made = d.add("SplitToSequence", [x, parts], axis=axis)
    if d.rng.random() < 0.6:
        d.add("SequenceAt", [made, d.constant(np.int64(d.rng.choice((0, 1, -1, 2))))])
    else:
        d.add("ConcatFromSequence", [made], axis=d.axis(x), new_axis=0)


@entered()
def one_hot(d: Draft) -> None:
    x = d.pick("i", rank=range(1, 3))
    depth = d.rng.choice((d.integers(3), d.size(d.pick(), 0)))
    d.add(
        "OneHot",
        [x, depth, d.constant(np.array([0, 1], np.float32))],
        axis=d.rng.choice((0, -1)),
    )


@entered()
def along(d: Draft) -> None:
    """What keeps a shape, with an axis or of matrices."""
    x = d.pick(rank=range(2, 5))
    axis = d.axis(x)
    kind = d.rng.randrange(5)
    if kind == 0:
        d.add("CumSum", [x, d.constant(np.int64(axis))])
    elif kind == 1:
        d.add(
            "Trilu", [x, d.constant(np.int64(d.rng.randint(-1, 1)))], upper=d.rng.randint(0, 1)
        )
    elif kind == 2:
        d.add("LpNormalization", [x], axis=axis)
    elif kind == 3:
        d.add(
            "ReverseSequence", [x, d.constant(np.ones(d.shape(x)[1], np.int64))], time_axis=0
        )
    else:
        d.add("Hardmax", [x], axis=axis)


@entered()
def batch_norm(d: Draft) -> None:
    x = d.pick(rank=range(2, 5))
    channels = d.shape(x)[1]
    d.add(
        "BatchNormalization",
        [
            x,
            *(d.weights(channels) for _ in range(3)),
            d.constant(np.ones(channels, np.float32)),
        ],
    )


@entered(3)
def transposed_window(d: Draft) -> None:
    """A transposed convolution with pads, chosen by it or not."""
    x = d.pick(rank=range(3, 5))
    axes, channels = len(d.shape(x)) - 2, d.shape(x)[1]
    kernel = [d.rng.randint(1, 3) for _ in range(axes)]
    attributes = _window(d, axes)
    if "strides" in attributes and d.rng.random() < 0.4:
        extra = [d.rng.randrange(s) for s in attributes["strides"]]
        # (Of both, onnxruntime infers another size than it computes.)
        if not attributes.get("auto_pad", "").startswith("SAME"):
            attributes["output_padding"] = extra
    d.add("ConvTranspose", [x, d.weights(channels, 2, *kernel)], **attributes)


@entered(2)
def lp_pool(d: Draft) -> None:
    x = d.pick(rank=range(3, 5))
    axes = len(d.shape(x)) - 2
    d.add(
        "LpPool",
        [x],
        kernel_shape=[d.rng.randint(1, 3) for _ in range(axes)],
        **_window(d, axes),
    )


@entered(2)
def resize_axes(d: Draft) -> None:
    """To sizes of some axes, that are kept in proportion or not."""
    x = d.pick(rank=range(3, 5))
    if d.opset < 18:
        raise ValueError("it is newer")
    axis = d.axis(x)
    if d.rng.random() < 0.5:
        policy = d.rng.choice(("stretch", "not_larger", "not_smaller"))
        sizes = d.changed(d.size(x, axis))
        d.add("Resize", [x, "", "", sizes], axes=[axis], keep_aspect_ratio_policy=policy)
    else:
        scale = d.constant(np.array([d.rng.choice((2, 0.5, 1.25))], np.float32))
        d.add("Resize", [x, "", scale], axes=[axis], mode=d.rng.choice(("nearest", "linear")))


@entered()
def products(d: Draft) -> None:
    """Sums of products over some letters."""
    x, y = d.pick(rank=range(2, 4), some=True), d.pick(rank=range(2, 4), some=True)
    equation = d.rng.choice(
        ("bij,bjk->bik", "bij,bkj->bik", "ij,jk", "bij,jk->bik", "...i,...i->...")
    )
    d.add("Einsum", [x, y], equation=equation)


@entered(3)
def scan(d: Draft) -> None:
    """A scan that carries a value, and stacks one."""
    x = d.pick(rank=range(2, 4), some=True)
    axis = d.axis(x)
    shape = [size for i, size in enumerate(d.shape(x)) if i != axis % len(d.shape(x))]
    state, row, after, each = (d.name() for _ in range(4))
    op = d.rng.choice(("Add", "Max", "Mul"))
    steps = [node(op, [state, row], [after]), node("Relu", [row], [each])]
    if d.rng.random() < 0.3:
        steps[1] = node("Concat", [row, state], [each], axis=0)
    results = [value(after, None), value(each, None)]
    body = helper.make_graph(steps, d.name("g"), [value(state), value(row)], results)
    first = d.rng.choice((d.weights(*shape), d.weights(*(1 for _ in shape)), d.pick()))
    ways = {"scan_input_axes": [axis], "scan_output_axes": [d.rng.choice((0, -1))]}
    d.add("Scan", [first, x], 2, body=body, num_scan_inputs=1, **ways)


# ------------------------------------------------------------------------ contributed


@entered()
def attention(d: Draft) -> None:
    """Attention of several heads, as onnxruntime has it."""
    q = d.pick(rank=range(3, 4), some=True)
    k = d.rng.choice((q, d.pick(rank=range(3, 4), some=True)))
    heads = d.rng.choice([i for i in (1, 2, 3) if d.shape(q)[2] % i == 0])
    d.add("MultiHeadAttention", [q, k, k], num_heads=heads, domain="com.microsoft")


@entered(1)
def skip_norm(d: Draft) -> None:
    x, y = d.pick(rank=range(3, 4), some=True), d.pick(rank=range(3, 4), some=True)
    weights = d.weights(d.shape(x)[2])
    d.add("SkipLayerNormalization", [x, y, weights], domain="com.microsoft")


@entered(1)
def bias_gelu(d: Draft) -> None:
    x = d.pick(rank=range(2, 4))
    d.add("BiasGelu", [x, d.weights(d.shape(x)[-1])], domain="com.microsoft")


@entered(1)
def fused_matmul(d: Draft) -> None:
    d.add(
        "FusedMatMul", [d.pick(rank=range(2, 4)), d.pick(rank=range(2, 4))], transB=1,
        domain="com.microsoft",
    )  # fmt: skip


# ------------------------------------------------------------------------ subgraphs


def _branch(d: Draft, x: str, other: str) -> Any:
    """A graph without inputs that computes something of values from around it."""
    result = d.name()
    kind = d.rng.randrange(5)
    if kind == 0:
        nodes = [node("Relu", [x], [result])]
    elif kind == 1:
        nodes = [node("Add", [x, other], [result])]
    elif kind == 2:
        nodes = [node("MatMul", [x, d.weights(d.shape(x)[-1], 2)], [result])]
    elif kind == 3:
        nodes = [
            node("Slice", [x, d.integers(1), d.integers(d.rng.choice((-1, 3)))], [result])
        ]
    else:
        nodes = [node("Gather", [x, d.integers(d.rng.randint(0, 2))], [result])]
    return helper.make_graph(
        nodes, d.name("g"), [], [helper.make_empty_tensor_value_info(result)]
    )


@entered(4)
def conditional(d: Draft) -> None:
    """A branch on a size, or on data."""
    x, other = d.pick(), d.pick()
    if d.rng.random() < 0.7:
        number = d.add("Squeeze", [d.size(d.pick(), 0), d.integers(0)])
        truth = d.add("Greater", [number, d.constant(np.int64(d.rng.randint(1, 3)))])
    else:
        total = d.add("ReduceSum", [d.pick()], keepdims=0)
        truth = d.add("Greater", [total, d.constant(np.float32(0))])
    then, otherwise = _branch(d, x, other), _branch(d, x, other)
    d.add("If", [truth], then_branch=then, else_branch=otherwise)


@entered(4)
def loop(d: Draft) -> None:
    """A loop that carries a value, and stacks one."""
    x = d.pick(rank=range(1, 4))
    trips = d.constant(np.int64(d.rng.randint(0, 3)))
    if d.rng.random() < 0.5:
        trips = d.add("Squeeze", [d.size(d.pick(), 0), d.integers(0)])
    turn, go, state, on, after, each = (d.name() for _ in range(6))
    kind = d.rng.randrange(4)
    if kind == 0:
        step = node("Relu", [state], [after])
    elif kind == 1:
        step = node("Add", [state, d.pick()], [after])
    elif kind == 2:
        step = node("Concat", [state, x], [after], axis=0)
    else:
        step = node("Slice", [state, d.integers(1), d.integers(1 << 62)], [after])
    if d.rng.random() < 0.3:  # (of what may have another size in each turn)
        stacked = node(d.rng.choice(("Abs", "Shape")), [after], [each])
    else:
        stacked = node("Gather", [x, turn], [each])
    integer = stacked.op_type == "Shape"
    body = helper.make_graph(
        [node("Identity", [go], [on]), step, stacked],
        d.name("g"),
        [value(turn, [], INT64), value(go, [], BOOL), value(state)],
        [value(on, [], BOOL), value(after), value(each, None, INT64 if integer else FLOAT)],
    )
    d.add("Loop", [trips, d.constant(np.bool_(True)), x], 2, body=body)


# ------------------------------------------------------------------------ less usual ones


@entered(3)
def several(d: Draft) -> None:
    """An operator that broadcasts several values."""
    op = d.rng.choice(("Sum", "Mean", "Min", "PRelu", "Clip", "Mod"))
    values = [d.pick() for _ in range(d.rng.randint(2, 3))]
    if op == "PRelu":
        values = values[:2]
    elif op == "Clip":
        values = [values[0], d.constant(np.float32(-1)), d.constant(np.float32(1))]
    elif op == "Mod":
        values = values[:2]
    d.add(op, values, **({"fmod": 1} if op == "Mod" else {}))


@entered(3)
def normalized(d: Draft) -> None:
    """What is normalized over channels, or over axes."""
    x = d.pick(rank=range(3, 5))
    channels = d.shape(x)[1]
    op = d.rng.choice(("GroupNormalization", "MeanVarianceNormalization", "LRN", "GlobalLpPool"))
    if op == "GroupNormalization":
        old = d.opset < 21
        groups = d.rng.choice((1, 2, channels))
        each = groups if old else channels
        scale, bias = d.weights(each), d.weights(each)
        d.add(op, [x, scale, bias], num_groups=groups)
    elif op == "MeanVarianceNormalization":
        d.add(op, [x], axes=d.rng.choice(([0, 2], [-1], [1])))
    elif op == "LRN":
        d.add(op, [x], size=d.rng.choice((1, 3)))
    else:
        d.add(op, [x])


@entered(3)
def pictures(d: Draft) -> None:
    """Samples, crops and columns of images."""
    x = d.pick(rank=range(3, 5))
    kind = d.rng.randrange(3)
    if kind == 0:
        axes = d.rng.sample(range(len(d.shape(x))), d.rng.randint(1, 2))
        target = [d.rng.choice((d.integers(3), d.size(d.pick(), 0))) for _ in axes]
        d.add("CenterCropPad", [x, d.add("Concat", target, axis=0)], axes=axes)
    elif kind == 1:
        grid = d.pick(rank=range(4, 5))
        two = d.add("Slice", [grid, d.integers(0), d.integers(2), d.integers(3)])
        d.add("GridSample", [d.pick(rank=range(4, 5)), two])
    else:
        flat = d.pick(rank=range(3, 4))
        block = d.rng.choice(((1, 1), (1, 2), (2, 2)))
        image = d.rng.choice(((2, 2), (3, 2), (4, 4)))
        d.add("Col2Im", [flat, d.integers(*image), d.integers(*block)])


@entered(3)
def quantized(d: Draft) -> None:
    """Numbers of 8 bits and back, for all or along an axis."""
    x = d.pick(rank=range(1, 5))
    axis = d.axis(x)
    each = d.rng.random() < 0.5
    shape = (d.shape(x)[axis],) if each else ()
    scale, zero = np.full(shape, 0.5, np.float32), np.zeros(shape, np.uint8)
    given = [d.constant(scale), d.constant(zero)]
    small = d.add("QuantizeLinear", [x, *given], axis=axis)
    if d.rng.random() < 0.7:
        d.add("DequantizeLinear", [small, *given], axis=axis)


@entered(3)
def of_sizes(d: Draft) -> None:
    """What only sizes decide."""
    x = d.pick(rank=range(1, 5))
    kind = d.rng.randrange(3)
    if kind == 0:
        d.add("Size", [x])
    elif kind == 1:
        d.add("EyeLike", [d.pick(rank=range(2, 3))], k=d.rng.randint(-1, 1))
    else:
        d.add("Shape", [d.add("Shape", [x])])


@entered(2)
def sequence_of_parts(d: Draft) -> None:
    """Parts of a tensor that are joined again, or of which one is inserted or erased."""
    x = d.pick(rank=range(1, 4))
    wide = d.rng.choice((d.integers(1), d.integers(2), d.size(d.pick(), 0)))
    axis = d.axis(x)
    made = d.add(
        "SplitToSequence", [x, d.add("Squeeze", [wide, d.integers(0)])], axis=axis
    )
    kind = d.rng.randrange(3)
    if kind == 0:
        made = d.add("SequenceErase", [made])
    elif kind == 1:
        made = d.add("SequenceInsert", [made, x])
    new = d.rng.randint(0, 1)
    d.add("ConcatFromSequence", [made], axis=d.axis(x), new_axis=new)
