"""The command put together: its verbs in groups, with their examples."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

import typer

from asserts.cli.answers import reported
from asserts.cli.check import check
from asserts.cli.compare import verify
from asserts.cli.exits import Exit, in_help
from asserts.cli.export import export
from asserts.cli.expressions import ExpressionCommand
from asserts.cli.failures import Failure, failure_of
from asserts.cli.fleet import fleet
from asserts.cli.models import contract, infer
from asserts.cli.programs import insert, minimise, remove, report
from asserts.cli.questions import bounds, prove
from asserts.cli.serve import serve
from asserts.cli.shell import shell
from asserts.cli.tour import demo

__all__ = ["app", "run"]

NAME: Final = "shapeproof"

app = typer.Typer(
    name=NAME,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
    epilog=in_help(),
)

_QUESTIONS: Final = "Questions about sizes"
_PROGRAMS: Final = "Programs and their checks"
_CONTRACTS: Final = "Functions with contracts"
_MODELS: Final = "ONNX models"
_SERVICE: Final = "Service"
_START: Final = "First look"

EXAMPLES: Final[dict[str, tuple[str, ...]]] = {
    "prove": (
        "shapeproof prove 'u//8*8 == u' --unbacked u --assume 'u % 8 == 0'",
        "shapeproof prove 'u < b' --size b:1..64 --unbacked u",
    ),
    "bounds": (
        "shapeproof bounds '2*u + 1' --size b:1..64 --unbacked u --assume 'u <= 4*b'",
    ),
    "shell": (
        "shapeproof shell",
        "printf 'size n 2..64\\n? n//2*2 <= n\\n' | shapeproof shell",
    ),
    "export": (
        "shapeproof export model.py:example -o model.pt2",
        "shapeproof export model.py:example --decide general --verify",
    ),
    "insert": (
        "shapeproof insert model.py:forward --input x=n,8 --input mask=n:bool",
        "shapeproof insert model.py:forward -o checked.json",
    ),
    "remove": ("shapeproof remove checked.json -o plain.json",),
    "minimise": ("shapeproof minimise model.pt2 -o fewer.pt2",),
    "report": (
        "shapeproof report model.pt2",
        "shapeproof report model.py:Model.forward --input x=n,8 --json",
    ),
    "verify": (
        "shapeproof verify model.pt2 fewer.pt2",
        "shapeproof verify checked.json plain.json --seed 7 --trials 200",
    ),
    "check": (
        "shapeproof check layers.py",
        "shapeproof check layers.py heads.py --sarif shapes.sarif",
    ),
    "contract": (
        "shapeproof contract model.onnx",
        "shapeproof contract model.onnx --check batch=3,height=640",
    ),
    "infer": (
        "shapeproof infer model.onnx",
        "shapeproof infer model.onnx -o shaped.onnx",
    ),
    "fleet": (
        "shapeproof fleet models/ -o reports",
        "shapeproof fleet models/ -o reports --engine dask --address tcp://host:8786",
    ),
    "serve": ("shapeproof serve", "shapeproof serve --host 0.0.0.0 --store postgresql://..."),
    "demo": ("shapeproof demo", "shapeproof demo letter.txt"),
}
"""What to try, by verb; the tests run what needs no file."""


def _add(panel: str, function: Callable[..., None], cls: type[Any] | None = None) -> None:
    name = function.__name__
    examples = "\n".join(["\b", "Examples:", *(f"  {line}" for line in EXAMPLES[name])])
    text = _paragraphs(function)
    app.command(name, rich_help_panel=panel, help=text, epilog=examples, cls=cls)(function)


def _paragraphs(function: Callable[..., None]) -> str:
    """The docstring with one line for each paragraph: typer keeps the ends of lines, which
    then stand in the middle of the terminal's."""
    text = inspect.cleandoc(function.__doc__ or "")
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


_add(_QUESTIONS, prove, ExpressionCommand)
_add(_QUESTIONS, bounds, ExpressionCommand)
_add(_QUESTIONS, shell)
for _function in (export, insert, remove, minimise, report, verify):
    _add(_PROGRAMS, _function)
_add(_CONTRACTS, check)
_add(_MODELS, infer)
_add(_MODELS, contract)
_add(_PROGRAMS, fleet)
_add(_SERVICE, serve)
_add(_START, demo)
app.command("minimize", hidden=True)(minimise)


def _show_version(wanted: bool) -> None:
    if wanted:
        from shapeproof import __version__

        typer.echo(f"{NAME} {__version__}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version", help="Show the version and exit.", callback=_show_version, is_eager=True
    ),
]


@app.callback()
def _command(version: Version = False) -> None:
    """Symbolic shapes: proofs, ranges and runtime asserts."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    args = list(sys.argv[1:] if arguments is None else arguments)
    command = typer.main.get_command(app)
    try:
        code = command.main(args or ["--help"], prog_name=NAME, standalone_mode=False)
        return int(code or 0) if args else Exit.BAD_INPUT
    except typer.Abort:
        return Exit.INTERRUPTED
    except SystemExit as error:
        if f"_{NAME.upper()}_COMPLETE" in os.environ:
            raise
        # (a reader of the help that has gone away)
        return Exit.DONE if error.code == 1 else int(error.code or 0)
    except Exception as error:
        return reported(_misused(error) or failure_of(error), _verb(error), "--json" in args)


def _verb(error: Exception) -> str | None:
    """The verb whose arguments are not understood, if it came to that."""
    context = getattr(error, "ctx", None)
    verb = None if context is None or context.parent is None else context.info_name
    return None if verb is None else str(verb)


def _misused(error: Exception) -> Failure | None:
    """What typer has to say of arguments that it does not understand."""
    if not hasattr(error, "format_message"):
        return None
    message = str(error.format_message()).replace("Value error, ", "")
    context = getattr(error, "ctx", None)
    path = NAME if context is None else str(context.command_path)
    text = f"{path}: {message}\nTry '{path} --help' for help."
    return Failure(Exit.BAD_INPUT, type(error).__name__, message, text)
