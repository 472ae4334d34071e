"""The verb that looks at the contracts of a module: check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from asserts.cli.answers import Answer, respond
from asserts.cli.exits import Exit
from asserts.cli.options import Json, Quiet
from asserts.cli.screen import Screen, set_apart, working
from asserts.files import write_whole
from shapes.base import shown_file

if TYPE_CHECKING:
    from asserts.contracts.static import Finding, Outcome, Traced

__all__ = ["check"]

Files = Annotated[
    list[str],
    typer.Argument(metavar="FILE.py...", help="FILE.py or MODULE.", show_default=False),
]
Sarif = Annotated[
    str | None,
    typer.Option("--sarif", metavar="FILE", help="Write the findings as SARIF, too."),
]

_WORDS: Final[dict[Outcome, str]] = {
    "wrong": "certainly wrong",
    "unknown": "not analysed",
    "asserted": "will be asserted",
    "proved": "proved",
}
_STYLES: Final[dict[Outcome, str]] = {
    "wrong": "bold red",
    "unknown": "magenta",
    "asserted": "yellow",
    "proved": "green",
}


IfAny = Annotated[
    bool,
    typer.Option("--if-any", help="Pass over files that do not mention contracts."),
]


def check(
    files: Files,
    sarif: Sarif = None,
    if_any: IfAny = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check the functions with contracts of Python files, without calling them."""

    def answer() -> Answer:
        from asserts.contracts.sarif import document
        from asserts.contracts.static import check_file

        found: list[tuple[str, list[Traced]]] = []
        for file in files:
            if if_any and not _mentions_contracts(file):
                continue
            with working(f"tracing the functions of {file}", quiet), set_apart(file):
                found.append((file, check_file(file, if_any)))
        every = [one for _, functions in found for one in functions]
        if sarif is not None:
            text = dumps(document(every), indent=2) + "\n"
            write_whole(sarif, lambda output: output.write(text.encode()))
        shown = [_fields(file, functions) for file, functions in found]
        fields = {"files": shown, "sarif": sarif}
        return Answer(_code(every), fields, lambda screen: _draw(screen, every))

    respond("check", answer, json, quiet)


def _mentions_contracts(file: str) -> bool:
    """Whether the text of a file has the word; what is not a file of Python's may have any."""
    path = Path(file)
    return path.suffix != ".py" or "contract" in path.read_text(encoding="utf-8")


def _code(functions: Sequence[Traced]) -> Exit:
    outcomes = {one.outcome for one in functions}
    if "wrong" in outcomes:
        return Exit.REFUTED
    return Exit.UNKNOWN if "unknown" in outcomes else Exit.DONE


def _fields(file: str, functions: Sequence[Traced]) -> dict[str, Any]:
    return {"file": file, "functions": [_function(one) for one in functions]}


def _function(one: Traced) -> dict[str, Any]:
    return {
        "name": one.name,
        "line": one.line,
        "outcome": one.outcome,
        "traces": one.traces,
        "notes": one.notes,
        "checks": [_finding(finding) for finding in one.findings],
    }


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "outcome": one.outcome,
        "file": shown_file(one.file),
        "line": one.line,
        "condition": one.condition,
        "stated_by": one.stated_by,
        "why": one.why or None,
        "message": one.message,
    }


# --------------------------------------------------------------------------- for people


def _draw(screen: Screen, functions: Sequence[Traced]) -> None:
    for one in functions:
        where = f"{shown_file(one.file)}:{one.line}"
        screen.line(f"{one.name} ({where}): {_summary(one)}", _STYLES[one.outcome])
        for finding in one.findings:
            for text in _lines(finding):
                screen.line(text)
        for note in one.notes:
            screen.line(f"    note: {note}")


def _summary(one: Traced) -> str:
    counts = {
        word: sum(finding.outcome == outcome for finding in one.findings)
        for outcome, word in _WORDS.items()
    }
    shown = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return shown or "nothing to check"


def _lines(one: Finding) -> Iterator[str]:
    where = f"{shown_file(one.file)}:{one.line}"
    yield f"    {where}: {_WORDS[one.outcome]}: {one.condition}"
    if one.message:
        yield f"        {one.message}"
    if one.why:
        yield f"        {one.why}"
