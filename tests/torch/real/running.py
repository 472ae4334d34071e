"""How a program of the corpus is exported, and what the exported program does."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.utils import _pytree as pytree

import asserts
from asserts.dialects.torch import installed, minimise, report
from asserts.dialects.torch.export.exporting import is_data_dependent
from tests.torch.real.base import Made, Real

__all__ = ["WAYS", "Result", "exported", "result_of", "ways_of"]


@dataclass
class Result:
    """What one way has made of a program: why it did not export, or what the program does.

    `example`: whether it gives the model's result for the example; of the other inputs that
    the model accepts, how many gave the same (`right`), were stopped for a reason that the
    report announced (`stopped`), or for another (`unannounced`), and what else (`wrong`).
    """

    way: str
    error: str = ""
    data_dependent: bool = False
    example: bool = False
    right: int = 0
    stopped: int = 0
    unannounced: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    asserts: int = 0
    rungs: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def exported(self) -> bool:
        return not self.error


def _alone(made: Made) -> ExportedProgram:
    return torch.export.export(
        made.model, made.args, made.kwargs, dynamic_shapes=made.dynamic_shapes
    )


def _draft(made: Made) -> ExportedProgram:
    return torch.export.draft_export(
        made.model, made.args, made.kwargs, dynamic_shapes=made.dynamic_shapes
    )


def _by(decide: bool | str) -> Callable[[Made], ExportedProgram]:
    def run(made: Made) -> ExportedProgram:
        with installed(decide=decide):
            return minimise(_alone(made)).program

    return run


WAYS: dict[str, Callable[[Made], ExportedProgram]] = {
    "torch": _alone,
    "draft": _draft,
    "general": _by(True),
    "branches": _by("branches"),
    "example": _by("example"),
}


@contextmanager
def quietly() -> Iterator[None]:
    """Without what packages say while they are traced."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def exported(made: Made) -> Any:
    """The program by the one call (see `asserts.export`)."""
    with quietly():
        return asserts.export(
            made.model, made.args, made.kwargs, dynamic_shapes=made.dynamic_shapes
        )


def ways_of(real: Real, ways: Sequence[str] = tuple(WAYS)) -> list[Result]:
    """What each of the ways makes of a program."""
    found = []
    for way in ways:
        made = real.made()
        begin = time.process_time()
        try:
            with quietly():
                program = WAYS[way](made)
        except Exception as error:  # (a model may raise anything)
            lines = str(error).strip().splitlines() or [""]
            text = f"{type(error).__name__}: {lines[0][:160]}"
            found.append(Result(way, text, is_data_dependent(error)))
            continue
        result = result_of(program, made, way)
        result.seconds = round(time.process_time() - begin, 2)
        found.append(result)
    return found


def result_of(program: ExportedProgram, made: Made, way: str = "example") -> Result:
    """Run the program and the model on all inputs."""
    result = Result(way)
    said = report(program)
    result.asserts = _scalar_asserts(program)
    result.rungs = sorted({one.rung for one in said.decisions})
    announced = [one.message for one in said.decisions if one.message]
    announced += [row.message.splitlines()[0] for row in said if row.message]
    module = program.module()
    with quietly():
        got = _outcome(module, made.args)
        wanted = _outcome(made.model, made.args)
        result.example = not isinstance(got, Exception) and not _difference(got, wanted)
        for inputs in made.others:
            _compare(result, _outcome(module, inputs), _outcome(made.model, inputs), announced)
    return result


def _scalar_asserts(program: ExportedProgram) -> int:
    graphs = [m for m in program.graph_module.modules() if isinstance(m, torch.fx.GraphModule)]
    target = torch.ops.aten._assert_scalar.default
    return sum(node.target is target for graph in graphs for node in graph.graph.nodes)


def _outcome(function: Callable[..., Any], inputs: tuple[Any, ...]) -> Any:
    """What comes out, or the error."""
    torch.manual_seed(0)
    try:
        return function(*(x.clone() if isinstance(x, torch.Tensor) else x for x in inputs))
    except Exception as error:  # (a model may raise anything)
        return error


def _compare(result: Result, got: Any, wanted: Any, announced: Sequence[str]) -> None:
    if isinstance(wanted, Exception):
        if not isinstance(got, Exception):
            result.wrong.append(f"accepts what the model refuses: {wanted}")
    elif isinstance(got, Exception):
        text = str(got)
        if any(one in text for one in announced) or _is_of_entry(text):
            result.stopped += 1
        else:
            result.unannounced.append(text[:200])
    else:
        difference = _difference(got, wanted)
        if difference:
            result.wrong.append(difference)
        else:
            result.right += 1


def _is_of_entry(text: str) -> bool:
    """Whether the check of the inputs says so, which the contract has."""
    return text.startswith(("Guard failed", "Expected input"))


def _difference(got: Any, wanted: Any) -> str:
    one, other = pytree.tree_leaves(got), pytree.tree_leaves(wanted)
    if len(one) != len(other):
        return f"{len(one)} results, not {len(other)}"
    for a, b in zip(one, other):
        if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
            try:
                torch.testing.assert_close(a, b, equal_nan=True, rtol=1e-4, atol=1e-5)
            except AssertionError as error:
                return str(error).splitlines()[0]
        elif a != b:
            return f"{a!r}, not {b!r}"
    return ""
