"""The verbs that take an ONNX model: infer, contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asserts.cli.answers import Answer, respond
from asserts.cli.documents import of_check, of_contract
from asserts.cli.exits import Exit
from asserts.cli.options import Json, Quiet
from asserts.cli.screen import Screen, working

if TYPE_CHECKING:
    from asserts.dialects.onnx import Contract, Inferred

__all__ = ["contract", "infer"]

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
        from asserts.files import require_model_name

        if output is not None:
            require_model_name(output)
        with working(f"inferring the shapes of {model}", quiet):
            found = asserts.infer_shapes(model)
            if output is not None:
                _save(found.annotated(overrule), output)
        return Answer(_code(found), _fields(found, output), lambda s: _draw(s, found, output))

    respond("infer", answer, json, quiet)


Sizes = Annotated[
    list[str] | None,
    typer.Option(
        "--check",
        metavar="NAME=SIZE,...",
        help="Whether the model accepts these sizes, and otherwise which node refuses them.",
    ),
]


def contract(
    model: Model, check: Sizes = None, json: Json = False, quiet: Quiet = False
) -> None:
    """Show which input sizes an ONNX model accepts."""

    def answer() -> Answer:
        import asserts

        with working(f"finding what {model} requires", quiet):
            found = asserts.contract(model)
        if not check:
            return Answer(Exit.DONE, of_contract(found), lambda s: s.line(str(found)))
        return _checked(found, _sizes(check))

    respond("contract", answer, json, quiet)


def _sizes(texts: Sequence[str]) -> dict[str, int]:
    from shapes.errors import ShapeproofError

    sizes: dict[str, int] = {}
    for part in ",".join(texts).split(","):
        name, equals, number = (word.strip() for word in part.rpartition("="))
        if not equals or not number.removeprefix("-").isdecimal():
            raise ShapeproofError(f"--check {part}: expected NAME=SIZE")
        if sizes.setdefault(name, int(number)) != int(number):
            raise ShapeproofError(f"--check: `{name}` is {sizes[name]} and {number}")
    return sizes


def _checked(found: Contract, sizes: dict[str, int]) -> Answer:
    broken, undecided = found.check(sizes), found.undecided(sizes)
    code = Exit.REFUTED if broken else Exit.UNKNOWN if undecided else Exit.DONE

    def draw(screen: Screen) -> None:
        for clause in found.broken(sizes):
            screen.line(f"{clause} does not hold", "bold yellow")
        for one in broken:
            screen.line(one.text)
        for left in undecided:
            screen.line(f"not decided by these sizes: {left.whole} at {left.node}")
        if code is Exit.DONE:
            screen.line("accepted", "bold green")

    return Answer(code, of_check(found, sizes), draw)


def _save(model: object, path: str) -> None:
    from asserts.files import save_program

    save_program(model, path)


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
