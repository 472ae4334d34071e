"""The verbs that take an ONNX model: infer, contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from asserts.cli.answers import Answer, respond
from asserts.cli.exits import Exit
from asserts.cli.options import Json, Quiet
from asserts.cli.screen import Screen, working

if TYPE_CHECKING:
    from asserts.dialects.onnx import Inferred

__all__ = ["infer"]

Model = Annotated[str, typer.Argument(metavar="MODEL.onnx", show_default=False)]
Saved = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="FILE", help="Save the model with its shapes."),
]
Overrule = Annotated[
    bool,
    typer.Option("--overrule", help="Replace what the file says where it contradicts this."),
]


def infer(
    model: Model,
    output: Saved = None,
    overrule: Overrule = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show the shape of every value of an ONNX model, in terms of its inputs' dimensions."""

    def answer() -> Answer:
        import asserts

        with working(f"inferring the shapes of {model}", quiet):
            found = asserts.infer_shapes(model)
            if output is not None:
                _save(found.annotated(overrule), output)
        return Answer(_code(found), _fields(found, output), lambda s: _draw(s, found, output))

    respond("infer", answer, json, quiet)


def _save(model: Any, path: str) -> None:
    from asserts.files import write_whole

    write_whole(path, lambda file: file.write(model.SerializeToString()))


def _code(found: Inferred) -> Exit:
    return Exit.REFUTED if found.contradictions else Exit.DONE


def _fields(found: Inferred, output: str | None) -> dict[str, Any]:
    shapes = {name: [str(d) for d in shape] for name, shape in found.shapes.items()}
    return {
        "shapes": shapes,
        "notes": found.notes,
        "contradictions": found.contradictions,
        "output": output,
    }


def _draw(screen: Screen, found: Inferred, output: str | None) -> None:
    for name, shape in found.shapes.items():
        screen.line(f"{name}: [{', '.join(str(d) for d in shape)}]")
    for note in found.notes:
        screen.line(f"note: {note}")
    for text in found.contradictions:
        screen.line(f"contradiction: {text}", "bold yellow")
    if output is not None:
        screen.line(f"saved {output}")
