"""Programs in files, looked at before anything loads them: a file may be a stranger's.

An archive of torch's is data for `torch.export.load` only in part: besides tensors that would
be unpickled (our loader lets torch load nothing but data), it holds text that torch evaluates
as sympy expressions, names of functions that torch looks up in all of its modules, classes
that it imports, and possibly compiled libraries. So the archive may have the usual entries
only; of the model every operator must be one of torch's own computations, every expression
arithmetic on symbols, and no class may be named. One of our graphs may call numpy's functions
that traced programs call, not those that read and write files. An ONNX model may not refer to
files beside it.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import sys
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, Final

from asserts.errors import GraphError, UnsafeError

__all__ = ["KINDS", "inspect", "kind_of", "rewritten"]

KINDS: Final = {".onnx": "onnx", ".pt2": "pt2", ".json": "json"}
MOST_ENTRIES: Final = 20_000


def kind_of(name: str) -> str:
    """The kind of a program by its name. Raises `GraphError`."""
    kind = next((kind for suffix, kind in KINDS.items() if name.endswith(suffix)), None)
    if kind is None:
        detail = "a program is a file named .onnx, .pt2 (torch) or .json (one of our graphs)"
        raise GraphError(detail)
    return kind


def inspect(path: str, kind: str, unpacked: int) -> None:
    """Raises `GraphError` for a file that is not of its kind, or is larger than `unpacked`
    bytes when unpacked, and `UnsafeError` for one that cannot be loaded safely. No message
    names the file."""
    try:
        _INSPECT[kind](path, unpacked)
    except RecursionError:
        raise GraphError("it is nested too deeply") from None
    except zipfile.BadZipFile as error:
        raise GraphError(f"it is damaged: {error}") from None
    except (ValueError, KeyError, TypeError, AttributeError, OSError, *_UNREADABLE):
        raise GraphError(f"it is damaged, or no {_NAMES[kind]}") from None


_UNREADABLE: Final = (zlib.error, RuntimeError, EOFError)
"""What zipfile raises besides for damaged, encrypted and oddly compressed entries."""

_NAMES: Final = {"onnx": "ONNX model", "pt2": "exported program", "json": "saved graph"}


# --------------------------------------------------------------------------- our graphs


def _inspect_json(path: str, _: int) -> None:
    with open(path, encoding="utf-8-sig") as file:
        document = json.load(file)
    if not isinstance(document, dict):
        raise GraphError("it is not a saved graph: not a JSON object")
    allowed = _numpy_functions()
    for text in _texts(document):
        if text.startswith("numpy.") and text.removeprefix("numpy.") not in allowed:
            raise UnsafeError(f"it names {text[:80]}, which no traced program calls")


def _numpy_functions() -> frozenset[str]:
    """The functions of numpy that traced programs call, by the names of them in files."""
    import numpy as np

    import asserts.trace.rules  # noqa: F401  (fills the registry)
    from asserts.dialects.numpy.codec import functions
    from asserts.trace.registry import RULES

    return frozenset(
        name.removeprefix("numpy.")
        for name, function in functions().items()
        if name.startswith("numpy.") and (isinstance(function, np.ufunc) or function in RULES)
    )


def _texts(data: object) -> Iterator[str]:
    """Every text in a document, keys too."""
    waiting = [data]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            waiting += one


# --------------------------------------------------------------------------- ONNX


def _inspect_onnx(path: str, _: int) -> None:
    from asserts.dialects.onnx.model.reading import load_model

    try:
        model = load_model(path)
    except GraphError as error:
        raise GraphError(str(error).replace(path, "the file")) from None
    for message in _messages(model):
        if getattr(message, "external_data", None) or getattr(message, "data_location", 0):
            raise UnsafeError("it keeps tensors in other files: save it as one file")


def _messages(message: Any) -> Iterator[Any]:
    """A message and all messages in it."""
    waiting = [message]
    while waiting:
        one = waiting.pop()
        yield one
        for field, value in one.ListFields():
            if field.message_type is None:
                continue
            waiting += [value] if hasattr(value, "ListFields") else list(value)


# --------------------------------------------------------------------------- torch


_ENTRY: Final = re.compile(
    r"[^/]+/(?:models/[^/]+\.json|data/(?:weights|constants|sample_inputs)/[^/]+"
    r"|archive_format|archive_version|byteorder|version|\.data/[^/]+|\.format_version"
    r"|\.storage_alignment|extra/[^/]+)"
)
"""What an archive may hold: no compiled libraries."""

_OBJECT: Final = re.compile(
    r"(?:^|/)(?:custom|opaque)_obj_|/constants/(?:custom|opaque)_", re.IGNORECASE
)
"""An object to be unpickled. torch finds entries whatever their case, and takes the beginning
of a path within its folder for the kind."""

_OPERATOR: Final = re.compile(
    r"torch\.ops\.(?:aten|prims)\.(?!(?:from_file|save|load|_print|warn)\b)[a-z_]\w*(?:\.\w+)?"
    r"|torch\.ops\.torchvision\.\w+(?:\.\w+)?"
    r"|torch\.ops\.higher_order\.(?:cond|while_loop|scan|map|map_impl|associative_scan"
    r"|wrap_with_set_grad_enabled|wrap_with_autocast|flex_attention)"
    r"|torch\.sym_(?:int|float|max|min|not|ite|sqrt|sum|fresh_size)|torch\._sym_\w+"
    r"|_operator\.(?:abs|add|and_|eq|floordiv|ge|getitem|gt|index|inv|invert|le|lshift|lt|mod|mul"
    r"|ne|neg|not_|or_|pos|pow|rshift|sub|truediv|truth|xor)"
    r"|math\.(?:acos|asin|atan|atan2|ceil|cos|cosh|exp|floor|log|log2|sin|sinh|sqrt|tan|tanh|trunc)",
    re.ASCII,
)
"""What a graph may call: torch's computations, none of which touches files."""


_IMPORTED: Final = re.compile("__enum__|default_factory")
"""Words by which a saved structure of arguments makes torch import modules."""


def _opened(path: str, unpacked: int) -> zipfile.ZipFile:
    """An archive that is not too large."""
    if not zipfile.is_zipfile(path):
        raise GraphError("it is not an archive, as torch.export.save writes")
    archive = zipfile.ZipFile(path)
    entries = archive.infolist()
    total = sum(entry.file_size for entry in entries)
    if len(entries) > MOST_ENTRIES or total > unpacked:
        archive.close()
        raise GraphError(
            f"it is too large: {len(entries)} entries of {total} bytes, of {MOST_ENTRIES} "
            f"of {unpacked}"
        )
    return archive


def _inspect_pt2(path: str, unpacked: int) -> None:
    with _opened(path, unpacked) as archive:
        entries = archive.infolist()
        models = [e for e in entries if "/models/" in e.filename]
        if not models:
            raise GraphError("it is damaged, or holds no exported program")
        if len({entry.filename.lower() for entry in entries}) < len(entries):
            raise UnsafeError("two of its entries have the same name")
        for entry in entries:
            if _OBJECT.search(entry.filename):
                raise UnsafeError(
                    f"it holds objects that are no data ({entry.filename[:80]}): they are not "
                    "loaded, because that may run any code"
                )
            if not _ENTRY.fullmatch(entry.filename) or ".." in entry.filename.split("/"):
                detail = f"{entry.filename[:80]!r} is not an entry of an exported program"
                raise UnsafeError(detail)
        for entry in models:
            _inspect_model(json.loads(archive.read(entry)))


def rewritten(path: str, target: str, unpacked: int) -> None:
    """Write the entries of an archive into a new one, to be inspected and loaded: readers of
    archives differ in what they take a crafted file for, and a file may be changed meanwhile.
    Raises `GraphError` for one that is larger than `unpacked` bytes then, or damaged."""
    try:
        with (
            _opened(path, unpacked) as archive,
            zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as made,
        ):
            for entry in archive.infolist():
                with archive.open(entry) as source, made.open(entry.filename, "w") as copy:
                    shutil.copyfileobj(source, copy)
    except (zipfile.BadZipFile, *_UNREADABLE) as error:
        raise GraphError(f"it is damaged: {error}") from None


def _inspect_model(model: object) -> None:
    if not isinstance(model, dict):
        raise GraphError("it is damaged: the model is not a JSON object")
    for key, value in _members(model):
        if key == "target" and isinstance(value, str):
            _require_operator(value)
        elif key == "expr_str":
            _require_arithmetic(value)
        elif key == "guards_code":
            for guard in value or ():
                _require_guard(guard)
        elif isinstance(value, str) and _imports(value):
            raise UnsafeError("it names a class that loading it would import")


def _imports(text: str) -> bool:
    """Whether a text, or one that it holds as JSON, has a word of `_IMPORTED`. (Structures are
    JSON in texts of JSON, where any letter may be written as an escape.)"""
    if _IMPORTED.search(text):
        return True
    if "\\" not in text:
        return False
    try:
        inner = json.loads(text)
    except ValueError:  # (then torch does not read it as JSON, either)
        return False
    return any(map(_imports, _texts(inner)))


def _members(data: object) -> Iterator[tuple[str, Any]]:
    """Every member of every object."""
    waiting = [data]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield from one.items()
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _require_operator(name: str) -> None:
    if not _OPERATOR.fullmatch(name) and not _is_users_own(name):
        raise UnsafeError(f"it calls {name[:80]!r}, which is none of torch's computations")


_CUSTOM: Final = re.compile(r"torch\.ops\.([A-Za-z]\w*)\.([A-Za-z_]\w*)(?:\.\w+)?", re.ASCII)
_OF_TORCH: Final = frozenset((
    "_c10d_functional", "_c10d_functional_autograd", "_dtensor", "_native", "_quantized",
    "_test", "aten", "c10d", "debug_mode_ops", "debugprims", "export", "inductor",
    "inductor_prims", "mkl", "mkldnn", "mkldnn_prepacked", "onednn", "prim", "prims",
    "profiler", "quantization", "quantized", "rngprims", "sparse",
    "static_runtime", "symm_mem", "xnnpack",
))  # fmt: skip
"""The libraries of operators that come with torch (`_OPERATOR` says which may be called)."""


def _is_users_own(name: str) -> bool:
    """Whether an operator is one that this process has registered with torch: then whoever
    runs the process has chosen it, not the file. (A worker of the service registers none.)"""
    found = _CUSTOM.fullmatch(name)
    torch = sys.modules.get("torch")
    if found is None or torch is None or found[1] in _OF_TORCH:
        return False
    return f"{found[1]}::{found[2]}" in {
        full.partition(".")[0] for full in torch._C._dispatch_get_all_op_names()
    }


_NAME: Final = re.compile(r"[A-Za-z_]\w{0,80}")
_FUNCTIONS: Final = frozenset((
    "Symbol", "Integer", "Float", "Rational", "Add", "Mul", "Pow", "Mod", "Max", "Min", "Abs",
    "Eq", "Ne", "Lt", "Le", "Gt", "Ge", "Equality", "Unequality", "LessThan", "GreaterThan",
    "StrictLessThan", "StrictGreaterThan", "And", "Or", "Not", "Piecewise", "ExprCondPair",
    "Tuple", "ITE", "floor", "ceiling", "sqrt", "log", "exp", "FloorDiv", "ModularIndexing",
    "Where", "PythonMod", "CleanDiv", "CeilToInt", "FloorToInt", "CeilDiv", "LShift", "RShift",
    "PowByNatural", "FloatPow", "FloatTrueDiv", "IntTrueDiv", "TruncToFloat", "TruncToInt",
    "RoundToInt", "RoundDecimal", "ToFloat", "Identity", "BitwiseFn_bitwise_and",
    "BitwiseFn_bitwise_or", "BitwiseFn_bitwise_xor", "IsNonOverlappingAndDenseIndicator",
    "OpaqueUnaryFn_sqrt", "OpaqueUnaryFn_log2", "OpaqueUnaryFn_exp", "OpaqueUnaryFn_log",
    "OpaqueUnaryFn_cos", "OpaqueUnaryFn_sin", "OpaqueUnaryFn_tan", "OpaqueUnaryFn_tanh",
))  # fmt: skip
_TEXTUAL: Final = frozenset(("Symbol", "Integer", "Float"))
_SYMBOL: Final = re.compile(r"(?:z?s|u|f|zuf|zf|t)_?\d+|[a-zA-Z_]\w{0,60}")
_NODES: Final = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Call, ast.Name,
    ast.Constant, ast.keyword, ast.Load, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
    ast.Tuple,
)  # fmt: skip


def _require_arithmetic(text: object) -> None:
    """Raises `UnsafeError` for an expression that is more than arithmetic on symbols: torch
    hands it to sympy, which evaluates it as Python."""
    if not isinstance(text, str) or len(text) > 100_000:
        raise UnsafeError("an expression in it is not text, or too long")
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise UnsafeError(f"it holds {text[:60]!r} for an expression") from None
    named = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    words = {id(word) for call in named.values() for word in _words(call)}
    for node in ast.walk(tree):
        if not _is_arithmetic(node, named, words):
            raise UnsafeError(f"it holds {text[:60]!r} for an expression")


def _words(call: ast.Call) -> list[ast.expr]:
    """The arguments of a call that may be text: the name of a symbol, digits of a number."""
    plain = isinstance(call.func, ast.Name) and call.func.id in _TEXTUAL
    return call.args[:1] if plain else []


def _is_arithmetic(node: ast.AST, named: dict[int, ast.Call], words: set[int]) -> bool:
    if not isinstance(node, _NODES):
        return False
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name)
    if isinstance(node, ast.Name):
        if id(node) in named:
            return node.id in _FUNCTIONS
        return _SYMBOL.fullmatch(node.id) is not None and "__" not in node.id
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        digits = node.value.lstrip("-").replace(".", "", 1).isdigit()
        return id(node) in words and (digits or _NAME.fullmatch(node.value) is not None)
    return not isinstance(node, ast.Constant) or isinstance(node.value, (int, float))


_GUARD_NODES: Final = (*_NODES, ast.Subscript, ast.Attribute)
_GUARD_NAMES: Final = re.compile(r"L|math|torch|int|float|[su]\d+")
_GUARD_PARTS: Final = frozenset((
    "size", "shape", "stride", "storage_offset", "item", "dtype", "device", "ndim", "isnan",
    "inf", "nan", "trunc", "floor", "ceil", "sym_float", "sym_int", "sym_ite", "sym_max",
    "sym_min", "sym_not", "sqrt",
))  # fmt: skip
_GUARD_CALLS: Final = frozenset((
    "int", "float", "bool", "len", "isinstance", "min", "max", "abs", "round", "Max", "Min",
    "Mod", "PythonMod", "FloorDiv", "IntTrueDiv",
))  # fmt: skip


def _require_guard(text: Any) -> None:
    """A guard becomes code of the loaded module: only sizes of inputs may be compared."""
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        raise UnsafeError("a guard in it is not an expression") from None
    called = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    for node in ast.walk(tree):
        fine = isinstance(node, _GUARD_NODES)
        if isinstance(node, ast.Attribute):
            fine = node.attr in _GUARD_PARTS
        elif isinstance(node, ast.Name):
            called_here = id(node) in called and node.id in _GUARD_CALLS
            fine = called_here or _GUARD_NAMES.fullmatch(node.id) is not None
        if not fine:
            raise UnsafeError(f"a guard in it is {text[:60]!r}")


_INSPECT: Final = {"json": _inspect_json, "onnx": _inspect_onnx, "pt2": _inspect_pt2}
