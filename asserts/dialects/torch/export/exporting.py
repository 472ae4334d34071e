"""The one call that exports a model, whatever it asks of run-time sizes.

Ways are tried from what assumes nothing to what assumes the most; the first program is the
result, with what was decided for it, and the contract that its callers are held to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import torch
from torch.export import ExportedProgram
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
from torch.utils import _pytree as pytree

from asserts.conditions.report import Report
from asserts.dialects.torch.export.hosts import ExportedAdapter
from asserts.dialects.torch.export.installed import installed
from asserts.dialects.torch.export.rungs import ladder
from asserts.dialects.torch.export.settling import (
    comes_of,
    keep_what_settles,
    tried_later,
)
from asserts.dialects.torch.export.state import unchanged
from asserts.dialects.torch.export.verify import TorchSubject, called
from asserts.errors import GraphError
from asserts.passes.minimise import MinimiseRuntimeAsserts
from asserts.verify.programs import verify as compare
from shapes.base import shown_as_text

__all__ = ["Attempt", "Contract", "Exported", "export", "is_data_dependent"]


@dataclass(frozen=True)
class Attempt:
    """A way that was tried: its name, and why it failed (None: it did not)."""

    way: str
    error: BaseException | None = None

    def __str__(self) -> str:
        if self.error is None:
            return f"{self.way}: exported"
        lines = str(self.error).strip().splitlines() or [""]
        return f"{self.way}: {type(self.error).__name__}: {lines[0]}"


@dataclass(frozen=True)
class Contract:
    """What a program accepts: its `inputs` with their sizes, what has to hold of them at the
    `entry`, and of values at `run_time`."""

    inputs: tuple[str, ...]
    entry: tuple[str, ...]
    run_time: tuple[str, ...]

    def __str__(self) -> str:
        parts = {"inputs": self.inputs, "at entry": self.entry, "at run time": self.run_time}
        lines = []
        for title, items in parts.items():
            lines.append(f"{title}:" if items else f"{title}: nothing")
            lines += [f"    {item}" for item in items]
        return "\n".join(lines)

    _repr_pretty_ = shown_as_text


@dataclass(frozen=True)
class Exported:
    """A program, the `way` by which it was exported, and what there is to say of it."""

    program: ExportedProgram
    way: str
    report: Report
    contract: Contract
    attempts: tuple[Attempt, ...]

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What was assumed of the inputs, and is asserted."""
        found = (one.assumption for one in self.report.decisions)
        return tuple(dict.fromkeys(one for one in found if one is not None))

    def __str__(self) -> str:
        return f"{self.report}\n\n{self.contract}"

    _repr_pretty_ = shown_as_text


Way = tuple[str, Callable[[], AbstractContextManager[None]]]

_ALONE: Final[Way] = ("torch alone", nullcontext)


def export(
    model: torch.nn.Module,
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None = None,
    *,
    dynamic_shapes: Any = None,
    strict: bool = False,
    decide: bool | str = "example",
    verify: bool = False,
    progress: Callable[[Attempt], object] | None = None,
    **options: Any,
) -> Exported:
    """Export a model, first without any assumption, then, as far as `decide` goes (see
    `installed`), with the branches of the example inputs, which are asserted; then as torch
    does it alone. Asserts that others imply are not in the program.

    Between them, both sides of branches on data are put into the program; such a program is
    always run against the model, and is none if it differs.

    `progress` is called for every attempt; `options` are those of `torch.export.export`. With
    `verify`, the program is run against the model, and a difference is an error. Raises what
    the last of our attempts raised, if all fail, and `GraphError` for a difference. A program
    that refuses its own example is returned only if no way has made another. Advice in the
    error is tried: each line that is shown has got the export past the place.
    """
    options.update(dynamic_shapes=dynamic_shapes, strict=strict)
    attempts: list[Attempt] = []
    refusing: tuple[ExportedProgram, str] | None = None
    for way, context in _ways(decide):
        if way in ("branches", "example") and not is_data_dependent(attempts[0].error):
            continue
        made: ExportedProgram | None = None
        error: BaseException | None = None
        try:
            with context(), tried_later():
                made = torch.export.export(model, args, kwargs, **options)
            error = _refusal(made, args, kwargs or {})
            if way == "branches" and error is None:
                _verify(made, model)
        except Exception as raised:  # (a model may raise anything)
            error = raised
        attempts.append(Attempt(way, error))
        if progress is not None:
            progress(attempts[-1])
        if made is not None and error is None:
            return _exported(made, way, attempts, model if verify else None)
        if made is not None and refusing is None:
            refusing = made, way
    if refusing is not None:
        return _exported(*refusing, attempts, model if verify else None)
    raise _with_tried_advice(attempts, decide, model, args, kwargs, options)


def _with_tried_advice(
    attempts: Sequence[Attempt], decide: bool | str, model: Any, args: Any, kwargs: Any,
    options: dict[str, Any],
) -> BaseException:  # fmt: skip
    """The error to raise, whose advice is what settles it when the way is tried again."""
    ours = [one for one in attempts if one.way != _ALONE[0]]
    last = (ours or attempts)[-1]
    assert last.error is not None  # (of each way that made no program)

    def again() -> None:
        with dict(_ways(decide))[last.way]():
            torch.export.export(model, args, kwargs, **options)

    keep_what_settles(last.error, again, model)
    return last.error


def _refusal(program: ExportedProgram, args: Any, kwargs: Any) -> BaseException | None:
    """What the program raises for its own example: torch may have assumed something else of
    it. The program stays as it is."""
    module = program.module()
    constants = [x for x in program.constants.values() if isinstance(x, torch.Tensor)]
    try:
        with unchanged(*module.parameters(), *module.buffers(), *constants):
            called(module, *pytree.tree_map_only(torch.Tensor, torch.clone, (args, kwargs)))
    except Exception as error:
        return error
    return None


def _ways(decide: bool | str) -> list[Way]:
    """From what assumes nothing to what assumes the most."""
    rungs = ladder(decide)
    sure = [rung.name for rung in rungs if not (rung.assumes or rung.by_name)]
    names = sure[-1:]
    if rungs and rungs[-1].name in ("branches", "example"):
        names += ["branches", "example"] if rungs[-1].assumes else ["branches"]
    found: list[Way] = [(name, partial(installed, decide=name)) for name in names]
    return [*found, _ALONE]


def is_data_dependent(error: BaseException | None) -> bool:
    """Whether it comes of a question to which only the data have the answer."""
    return comes_of(error, GuardOnDataDependentSymNode) is not None


def _exported(
    program: ExportedProgram, way: str, attempts: Sequence[Attempt], model: Any
) -> Exported:
    if way != _ALONE[0]:
        program = MinimiseRuntimeAsserts()(program).program
    said = ExportedAdapter(program).report("preserve-user", "default")
    if model is not None:
        _verify(program, model, said)
    return Exported(program, way, said, contract_of(program, said), tuple(attempts))


def _verify(program: ExportedProgram, model: Any, said: Report | None = None) -> None:
    """Run both; that the program stops where an announced assumption does not hold is no
    difference. Raises `GraphError` where they differ, or were not compared."""
    decisions = () if said is None else said.decisions
    announced = [one.message for one in decisions if one.assumption is not None]
    found = compare(program, model, names=("the program", "the model"))
    others = [
        one for one in found.differences
        if not any(text and text in (one.first.rejected or "") for text in announced)
    ]  # fmt: skip
    if others or not found.accepted:
        found = replace(found, differences=tuple(others))
        raise GraphError(f"the exported program is not the model:\n{found}")


def contract_of(program: ExportedProgram, said: Report) -> Contract:
    """What callers of a program are held to, in their names."""
    subject = TorchSubject(program)
    entry = [one.text for one in subject.conditions if one.entry]
    run_time = [row.condition for row in said if row.outcome != "discharged"]
    inputs = tuple(map(str, subject.inputs))
    return Contract(inputs, tuple(dict.fromkeys(entry)), tuple(dict.fromkeys(run_time)))
