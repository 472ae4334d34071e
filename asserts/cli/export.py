"""The verb that makes an exported program of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from asserts.cli.answers import Answer, respond
from asserts.cli.exits import Exit
from asserts.cli.options import Json, Output, Quiet
from asserts.cli.programs import calm
from asserts.cli.screen import Screen, set_apart, working, write_error
from asserts.errors import GraphError
from asserts.files import require_output_name, save_program, torch_files
from asserts.trace.sources import function_named

if TYPE_CHECKING:
    from asserts.dialects.torch.export.exporting import Exported

__all__ = ["export"]

_PARTS = ("model", "args", "kwargs", "dynamic_shapes")

Factory = Annotated[
    str,
    typer.Argument(
        metavar="FILE.py:FUNCTION",
        help="A function (or MODULE:FUNCTION) that returns the model and its example: (model, "
        "args), (model, args, kwargs, dynamic_shapes), or a dict of these.",
    ),
]
Decide = Annotated[
    str,
    typer.Option(
        "--decide",
        metavar="RUNG",
        help="How far to go where data decide: prove, symbolic, check, general (nothing is "
        "assumed), example (the branches of the example, asserted).",
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Let torch read the Python code.")]
Verify = Annotated[
    bool, typer.Option("--verify", help="Run the program and the model, and compare.")
]


def export(
    factory: Factory,
    output: Output = None,
    decide: Decide = "example",
    strict: Strict = False,
    verify: Verify = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Export a torch model, also one that decides by sizes known only at run time."""

    def answer() -> Answer:
        torch_files()  # (there must be a torch)
        if output is not None:
            require_output_name(output)
        with calm(), set_apart(factory), function_named(factory) as make:
            given = _given(factory, make())
            with working(f"exporting {factory}", quiet):
                made = _exported(given, decide, strict, verify, quiet)
            if output is not None:
                save_program(made.program, output)
        return _answer(factory, made, output)

    respond("export", answer, json, quiet)


def _exported(
    given: dict[str, Any], decide: str, strict: bool, verify: bool, quiet: bool
) -> Exported:
    from asserts.dialects.torch.export.exporting import export as exported

    def progress(attempt: object) -> None:
        if not quiet:
            write_error(str(attempt))

    return exported(
        **given, decide=decide, strict=strict, verify=verify, progress=progress
    )


def _given(factory: str, value: object) -> dict[str, Any]:
    """What the function returns, by name."""
    if isinstance(value, dict):
        unknown = sorted(repr(key) for key in value if key not in _PARTS)
        if unknown:
            known = ", ".join(_PARTS)
            raise GraphError(
                f"{factory} returns a dict with other keys than {known}: {', '.join(unknown)}"
            )
        missing = [part for part in _PARTS[:2] if part not in value]
        if missing:
            raise GraphError(f"{factory} returns a dict without {' and '.join(missing)}")
        return {str(name): part for name, part in value.items()}
    if isinstance(value, tuple) and 2 <= len(value) <= len(_PARTS):
        return dict(zip(_PARTS, value))
    raise GraphError(f"{factory} returns {type(value).__name__}, not (model, args)")


def _answer(factory: str, made: Exported, output: str | None) -> Answer:
    def draw(screen: Screen) -> None:
        from asserts.cli.tables import draw_report

        draw_report(screen, made.report)
        screen.line()
        screen.line(str(made.contract))
        if output is not None:
            screen.line()
            screen.line(f"saved {output}")

    from asserts.cli.documents import of_report

    fields = {
        "program": factory,
        "way": made.way,
        "attempts": [str(one) for one in made.attempts],
        "assumptions": list(made.assumptions),
        "inputs": list(made.contract.inputs),
        "at_entry": list(made.contract.entry),
        "at_run_time": list(made.contract.run_time),
        "output": output,
        "report": of_report(made.report),
    }
    return Answer(Exit.DONE, fields, draw)
