"""Classical machine learning (``ai.onnx.ml``), and steps of training."""

from __future__ import annotations

from collections.abc import Sequence

from onnx import TensorProto, TypeProto

from asserts.dialects.onnx.model.types import Opaque, Shape, Tensor, Type
from asserts.dialects.onnx.model.types import Sequence as Listed
from asserts.dialects.onnx.rules.record import ONE, Call, operator, same_shape
from shapes.expr import constant

__all__: list[str] = []

DOMAIN = "ai.onnx.ml"
FLOAT, INT64, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING


def _rows(call: Call) -> Shape:
    """The rows of the input: one for a vector."""
    x = call.shape(0)
    return (ONE,) if len(x) == 1 else x[:1]


def _classes(call: Call) -> Sequence[int]:
    """The element type of a classifier's labels."""
    return [STRING if call.attributes.get("classlabels_strings") else INT64, FLOAT]


def _class_count(call: Call) -> int:
    for name in ("classlabels_strings", "classlabels_ints", "classlabels_int64s"):
        if call.attributes.get(name):
            return len(call.attributes[name])
    return 0


def _classified(call: Call) -> Sequence[Shape | None]:
    count = _class_count(call)
    scores = constant(count) if count else call.fresh("classes")
    return [_rows(call), (*_rows(call), scores)]


def _linear_classified(call: Call) -> Sequence[Shape | None]:
    count = max(_class_count(call), len(call.attributes.get("intercepts", ())), 2)
    return [_rows(call), (*_rows(call), constant(count))]


def _regressed(call: Call) -> Sequence[Shape | None]:
    return [(*_rows(call), constant(call.integer("n_targets", 1)))]


def _linear_regressed(call: Call) -> Sequence[Shape | None]:
    return [(*_rows(call), constant(call.integer("targets", 1)))]


def _one_column(call: Call) -> Sequence[Shape | None]:
    return [(*_rows(call), ONE)]


def _one_hot(call: Call) -> Sequence[Shape | None]:
    names = call.attributes.get("cats_int64s") or call.attributes.get("cats_strings") or ()
    return [(*call.shape(0), constant(len(names)))]


def _extracted(call: Call) -> Sequence[Shape | None]:
    x, at = call.shape(0), call.shape(1)
    if len(x) == 1:
        return [(ONE, at[-1])]
    return [(*x[:-1], at[-1])]


def _joined(call: Call) -> Sequence[Shape | None]:
    total = constant(sum(call.integers("inputdimensions") or ()))
    return [(*_rows(call), total)]


def _ensemble(call: Call) -> Sequence[Shape | None]:
    return [(*_rows(call), constant(call.integer("n_targets", 1)))]


def _label_dtype(call: Call) -> Sequence[int]:
    for names, dtype in (
        (("values_strings",), STRING),
        (("values_int64s",), INT64),
        (("values_floats",), FLOAT),
    ):
        if any(call.attributes.get(name) for name in names):
            return [dtype]
    values = call.attributes.get("values_tensor")
    if values is not None:
        return [values.data_type]
    return [INT64 if call.tensor(0).dtype == STRING else STRING]


def _zipped(call: Call) -> Sequence[Type]:
    """`ZipMap`: a map from classes to scores for each row."""
    proto = TypeProto()
    by_text = bool(call.attributes.get("classlabels_strings"))
    proto.map_type.key_type = STRING if by_text else INT64
    proto.map_type.value_type.tensor_type.elem_type = FLOAT
    return [Listed(Opaque(proto), _rows(call)[0])]


def _cast_map(call: Call) -> Sequence[Type]:
    """`CastMap`: the values of a map, one row of them."""
    dtype = {"TO_STRING": STRING, "TO_INT64": INT64}.get(
        call.text("cast_to", "TO_FLOAT"), FLOAT
    )
    return [Tensor(dtype, (ONE, call.fresh("columns")))]


def _dictionary(call: Call) -> Sequence[Type]:
    """`DictVectorizer`: a column for each word of the vocabulary."""
    names = call.attributes.get("string_vocabulary") or call.attributes.get("int64_vocabulary")
    found = call.inputs[0]
    value = found.proto.map_type.value_type if isinstance(found, Opaque) else None
    dtype = 0 if value is None else int(value.tensor_type.elem_type)
    return [Tensor(dtype, (ONE, constant(len(names or ()))))]


def _floats(call: Call) -> Sequence[int]:
    return [FLOAT] * len(call.node.output)


def _updated(step: int) -> object:
    """An optimizer: new values, each of the shape of an old one; rate and time are first."""

    def types(call: Call) -> Sequence[Type]:
        count = (len(call.inputs) - 2) // step
        order = [i for i in range(step) if i != 1]
        found = [call.tensor(2 + i * count + j) for i in order for j in range(count)]
        return [Tensor(t.dtype, t.shape) for t in found]

    return types


for _names, _shapes, _dtypes in (
    ("Binarizer", same_shape, None),
    ("Normalizer Scaler", same_shape, _floats),
    ("Imputer", same_shape, None),
    ("LabelEncoder CategoryMapper", same_shape, _label_dtype),
    ("OneHotEncoder", _one_hot, _floats),
    ("ArrayFeatureExtractor", _extracted, None),
    ("FeatureVectorizer", _joined, _floats),
    ("LinearClassifier", _linear_classified, _classes),
    ("SVMClassifier TreeEnsembleClassifier", _classified, _classes),
    ("LinearRegressor", _linear_regressed, _floats),
    ("SVMRegressor", _one_column, _floats),
    ("TreeEnsembleRegressor", _regressed, _floats),
    ("TreeEnsemble", _ensemble, None),
):
    operator(_names, _shapes, dtypes=_dtypes, domain=DOMAIN)
operator("CastMap", types=_cast_map, domain=DOMAIN)
operator("DictVectorizer", types=_dictionary, domain=DOMAIN)
operator("ZipMap", types=_zipped, domain=DOMAIN)
for _name, _step in (("Adagrad", 3), ("Adam", 4), ("Momentum", 3)):
    operator(_name, types=_updated(_step), domain="ai.onnx.preview.training")
