"""Inference held against other tools on real models: ``python -m tests.onnx.score``.

For every tensor that a node of the main graph makes: *closed* (every dimension an integer or an
expression over inputs), *fresh* (every dimension known, some by an invented symbol), *open*
(some dimension without a name); *wrong*, per dimension, where the value at the sizes of a real
run is not what onnxruntime computed.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto

from shapes.errors import ShapeproofError
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import free_symbols
from shapes.traversal.parsing import parse
from tests.onnx.models import drawn, installed, session
from tests.onnx.running import anonymous, seeded

RUNS = 3


@dataclass
class Score:
    """One tool on one model, or on all of them."""

    ranked: int = 0
    closed: int = 0
    fresh: int = 0
    open: int = 0
    checked: int = 0
    wrong: int = 0
    seconds: float = 0.0

    def add(self, other: Score) -> None:
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def named(model: ModelProto) -> ModelProto:
    """The model with a name for every unnamed input dimension, and nothing else said."""
    bare = anonymous(model)
    constants = {t.name for t in bare.graph.initializer}
    for value in bare.graph.input:
        if value.name in constants:
            continue
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if not dim.HasField("dim_value") or dim.dim_value < 0:
                text = dim.dim_param or f"{value.name}_d{axis}"
                dim.dim_param = re.sub(r"\W", "_", text)
    return bare


def ours(model: ModelProto) -> ModelProto:
    import asserts

    return asserts.infer_shapes(model).annotated(overrule=True)


def onnx_plain(model: ModelProto) -> ModelProto:
    return onnx.shape_inference.infer_shapes(model, strict_mode=False)


def onnx_data(model: ModelProto) -> ModelProto:
    return onnx.shape_inference.infer_shapes(model, strict_mode=False, data_prop=True)


def ort_symbolic(auto_merge: bool) -> Callable[[ModelProto], ModelProto]:
    def run(model: ModelProto) -> ModelProto:
        import logging

        from onnxruntime.tools.symbolic_shape_infer import SymbolicShapeInference

        logging.disable(logging.CRITICAL)
        here = os.getcwd()
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)  # it leaves files of intermediate models where it runs
            try:
                return SymbolicShapeInference.infer_shapes(model, auto_merge=auto_merge)
            finally:
                os.chdir(here)

    return run


TOOLS: Mapping[str, Callable[[ModelProto], ModelProto]] = {
    "Shapeproof": ours,
    "onnx.shape_inference": onnx_plain,
    "… with data propagation": onnx_data,
    "onnxruntime symbolic_shape_infer": ort_symbolic(False),
    "… with auto-merge": ort_symbolic(True),
}


def dims_of(model: ModelProto) -> dict[str, list[Any] | None]:
    """The dimensions of every value, as numbers, text, or None."""
    found: dict[str, list[Any] | None] = {}
    for value in (*model.graph.value_info, *model.graph.output):
        if value.type.WhichOneof("value") == "tensor_type":
            tensor = value.type.tensor_type
            if tensor.HasField("shape"):
                found[value.name] = [
                    d.dim_value if d.HasField("dim_value") else d.dim_param or None
                    for d in tensor.shape.dim
                ]
    return found


def scored(
    model: ModelProto, tool: Callable[[ModelProto], ModelProto], runs: list[dict[str, Any]]
) -> Score:
    """What a tool makes of a model, held against real runs."""
    bare = named(model)
    started = time.perf_counter()
    try:
        found = dims_of(tool(bare))
    except Exception as error:
        sys.stderr.write(f"  {type(error).__name__}: {str(error)[:200]}\n")
        found = {}
    score = Score(seconds=time.perf_counter() - started)
    known = _input_symbols(bare)
    for node in bare.graph.node:
        for name in node.output:
            if name:
                _count(found.get(name), known, score)
    for values in runs:
        _check(found, values, bare, score)
    return score


def _input_symbols(model: ModelProto) -> set[str]:
    names = set()
    for value in model.graph.input:
        names.add(re.sub(r"\W", "_", value.name))
        names |= {f"{re.sub(r'[^0-9a-zA-Z_]', '_', value.name)}_{i}" for i in range(9)}
        for dim in value.type.tensor_type.shape.dim:
            names.add(dim.dim_param)
    return names


def _read(dim: Any) -> Any:
    if isinstance(dim, int) or dim is None:
        return dim
    try:
        return parse(re.sub(r"floor\((.*)\)$", r"floor(\1)", dim))
    except ShapeproofError:
        return dim


def _count(dims: list[Any] | None, known: set[str], score: Score) -> None:
    if dims is None:
        score.open += 1
        return
    score.ranked += 1
    if None in dims:
        score.open += 1
        return
    words = {w for d in dims if isinstance(d, str) for w in re.findall(r"[A-Za-z_]\w*", d)}
    invented = words - known - _FUNCTIONS
    if invented:
        score.fresh += 1
    else:
        score.closed += 1


_FUNCTIONS = {
    "Min", "Max", "Where", "floor", "ceiling", "FloorDiv", "Mod", "And", "Or", "Not", "abs",
    "CeilDiv", "TruncDiv", "and", "or", "not", "Implies", "min", "max", "Eq", "Ne",
}  # fmt: skip


def _check(
    found: Mapping[str, Any], values: dict[str, Any], bare: ModelProto, score: Score
) -> None:
    sizes: dict[str, int] = {}
    for value in bare.graph.input:
        if value.name in values:
            array = np.asarray(values[value.name])
            for dim, n in zip(value.type.tensor_type.shape.dim, array.shape):
                if dim.dim_param:
                    sizes[dim.dim_param] = n
            if array.dtype.kind in "iu" and array.size <= 8:
                word = re.sub(r"\W", "_", value.name)
                for i, e in enumerate(array.flat):
                    sizes[word if array.size == 1 else f"{word}_{i}"] = int(e)
    for node in bare.graph.node:
        for name in node.output:
            if found.get(name) is not None and name in values:
                shape = np.asarray(values[name]).shape
                if len(shape) != len(found[name]):
                    score.wrong += len(shape)
                    continue
                for dim, n in zip(found[name], shape):
                    _check_dim(dim, n, sizes, score)


def _check_dim(dim: Any, n: int, sizes: dict[str, int], score: Score) -> None:
    expected = _value(dim, n, sizes)
    if expected is None:
        return
    score.checked += 1
    score.wrong += expected != n


def _value(dim: Any, n: int, sizes: dict[str, int]) -> Any:
    """What a dimension says that the size is; a name that is new says that it is `n`."""
    if isinstance(dim, int) or dim is None:
        return dim
    read = _read(dim)
    if isinstance(read, str):
        return _by_sympy(read, n, sizes)
    bound = {}
    for symbol in free_symbols(read):
        if symbol.name not in sizes:
            if symbol is not read:
                return None
            sizes[symbol.name] = n
        bound[symbol] = sizes[symbol.name]
    return evaluate(read, bound)


def _by_sympy(text: str, n: int, sizes: dict[str, int]) -> Any:
    """Text of other tools' own grammar (sympy's), evaluated by a small interpreter."""
    if text in sizes:
        return sizes[text]
    if re.fullmatch(r"[\w.]+", text):
        sizes[text] = n
        return n
    from tests.onnx.sympy_text import value_of

    return value_of(text, sizes)


def main() -> None:
    total = {name: Score() for name in TOOLS}
    for path in installed():
        model = onnx.load(path, load_external_data=False)
        if any(len(v.type.tensor_type.shape.dim) == 0 and False for v in model.graph.input):
            continue
        try:
            runs = real_runs(model, path)
        except Exception as error:
            sys.stderr.write(f"{path.name}: does not run: {str(error)[:200]}\n")
            continue
        sys.stderr.write(f"{path.name}: {len(runs)} runs\n")
        for name, tool in TOOLS.items():
            score = scored(model, tool, runs)
            sys.stderr.write(f"  {name}: {score}\n")
            total[name].add(score)
    sys.stdout.write(table(total))


def real_runs(model: ModelProto, path: Path) -> list[dict[str, Any]]:
    """All values of a model at some random sizes that it accepts."""
    runner, names = session(model)
    rng = seeded(7)
    runs: list[dict[str, Any]] = []
    for _ in range(40):
        inputs = drawn(model, path.name, rng)
        try:
            results = runner.run(names, inputs)
        except Exception:
            continue
        runs.append({**inputs, **dict(zip(names, results, strict=True))})
        if len(runs) == RUNS:
            break
    return runs


def table(total: Mapping[str, Score]) -> str:
    """The scores as a table of docs/onnx.md."""
    lines = [
        "| tool | rank known | closed | fresh | open | wrong of dimensions checked | seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, s in total.items():
        wrong = f"{s.wrong} of {s.checked:,}"
        lines.append(
            f"| {name} | {s.ranked:,} | {s.closed:,} | {s.fresh:,} | {s.open:,} | {wrong} "
            f"| {s.seconds:.1f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
