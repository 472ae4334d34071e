"""The verb that compares two programs: verify."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from asserts.cli.answers import Answer, respond
from asserts.cli.exits import Exit
from asserts.cli.options import PROGRAM, Input, Json, Module, Quiet
from asserts.cli.programs import calm, loaded
from asserts.cli.screen import Screen, set_apart, working
from asserts.errors import GraphError
from asserts.files import is_saved

if TYPE_CHECKING:
    from asserts.verify.programs import VerifyReport

__all__ = ["verify"]

First = Annotated[str, typer.Argument(metavar="A", help=PROGRAM, show_default=False)]
Second = Annotated[
    str, typer.Argument(metavar="B", help="Another with the same inputs.", show_default=False)
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Seed for the random inputs.")]
Trials = Annotated[
    int,
    typer.Option(
        "--trials",
        metavar="N",
        help="Random inputs to draw, besides those that aim at every single check.",
    ),
]
MinAccepted = Annotated[
    int,
    typer.Option(
        "--min-accepted",
        metavar="N",
        help="Inputs that both must accept for the comparison to count.",
    ),
]


def verify(
    first: First,
    second: Second,
    input: Input = None,
    module: Module = None,
    seed: Seed = 0,
    trials: Trials = 50,
    min_accepted: MinAccepted = 1,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run two programs on valid and invalid inputs, and compare what they do.

    The first difference is shown with its inputs. No difference is not a proof.
    """

    def answer() -> Answer:
        from asserts.cli.documents import of_comparison
        from asserts.verify.programs import verify as compare

        if trials < 0:
            raise GraphError(f"--trials {trials}: expected a number that is not negative")
        with calm(), working(f"comparing {first} and {second}", quiet):
            a, b = (_loaded(text, (first, second), input, module) for text in (first, second))
            with set_apart(first):
                found = compare(
                    a,
                    b,
                    seed=seed,
                    trials=trials,
                    names=(first, second),
                    min_accepted=min_accepted,
                )
        fields = {"programs": [first, second], **of_comparison(found)}
        return Answer(_code(found), fields, lambda screen: _draw(screen, found))

    respond("verify", answer, json, quiet)


def _loaded(
    text: str,
    both: tuple[str, str],
    inputs: list[str] | None,
    modules: list[str] | None,
) -> object:
    """One of the two; the options are for those of them that are traced."""
    if not is_saved(text):
        return loaded(text, inputs or (), modules or ())
    if all(map(is_saved, both)) and (inputs or modules):
        option, given = ("--input", inputs) if inputs else ("--module", modules)
        raise GraphError(
            f"{option} {(given or [''])[0]}: this applies to functions to be traced, but both "
            "programs are saved ones"
        )
    if text.endswith(".onnx"):
        return text  # (its external data lies beside it)
    return loaded(text, (), ())


def _code(found: VerifyReport) -> Exit:
    return _CODES[found.verdict]


_CODES = {
    "equal": Exit.DONE,
    "different": Exit.REFUTED,
    "not compared": Exit.UNKNOWN,
}
_STYLES = {Exit.DONE: "bold green", Exit.REFUTED: "bold red", Exit.UNKNOWN: "bold magenta"}


def _draw(screen: Screen, found: VerifyReport) -> None:
    head, *rest = str(found).splitlines()
    screen.line(head, _STYLES[_code(found)])
    for line in rest:
        screen.line(line)
