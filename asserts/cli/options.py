"""The options and arguments that several verbs share."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

__all__ = [
    "PROGRAM", "Assumed", "Effort", "EffortOption", "Input", "Integer", "Json", "Module",
    "Output", "Policy", "PolicyOption", "Program", "Quiet", "Size", "Unbacked",
]  # fmt: skip


class Effort(str, Enum):
    """How much a question may cost."""

    QUICK = "quick"
    DEFAULT = "default"
    THOROUGH = "thorough"


class Policy(str, Enum):
    """Which checks may be proved instead of made."""

    STRICT = "strict"
    PRESERVE_USER = "preserve-user"
    KEEP_ALL = "keep-all"


_RANGED = "NAME:MIN..MAX"
_FACTS = "What is known"
_TRACING = "Functions to be traced"
_OUTPUT = "Output"

PROGRAM = "MODEL.pt2, MODEL.onnx, GRAPH.json, FILE.py:FUNCTION or MODULE:FUNCTION."

Json = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON object.", rich_help_panel=_OUTPUT),
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        help="Print errors only; rely on the exit code.",
        rich_help_panel=_OUTPUT,
    ),
]
Size = Annotated[
    list[str] | None,
    typer.Option(
        "--size",
        metavar=_RANGED,
        help="A size of an input, at least 0; the range, or either end, may be left out.",
        rich_help_panel=_FACTS,
    ),
]
Integer = Annotated[
    list[str] | None,
    typer.Option(
        "--int",
        metavar=_RANGED,
        help="An input that is any integer.",
        rich_help_panel=_FACTS,
    ),
]
Unbacked = Annotated[
    list[str] | None,
    typer.Option(
        "--unbacked",
        metavar=_RANGED,
        help="A size known only at run time; with a negative MIN, any such integer.",
        rich_help_panel=_FACTS,
    ),
]
Assumed = Annotated[
    list[str] | None,
    typer.Option(
        "--assume",
        metavar="FACT",
        help="A fact about them, such as 'u <= 4*b'.",
        rich_help_panel=_FACTS,
    ),
]
EffortOption = Annotated[Effort, typer.Option("--effort", help="How hard to try.")]
Program = Annotated[str, typer.Argument(metavar="PROGRAM", help=PROGRAM, show_default=False)]
Input = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        metavar="NAME=DIM,DIM:DTYPE",
        help="Shape and dtype (default: float64) of a parameter; a DIM is a name, a number "
        "or an expression.",
        rich_help_panel=_TRACING,
    ),
]
Module = Annotated[
    list[str] | None,
    typer.Option(
        "--module",
        metavar="NAME",
        help="Trace into the functions of this module, too.",
        rich_help_panel=_TRACING,
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Save the program as this file (.json, .pt2 or .onnx) instead of printing it.",
        rich_help_panel=_OUTPUT,
    ),
]
PolicyOption = Annotated[
    Policy, typer.Option("--policy", help="Which checks may be proved instead of made.")
]
