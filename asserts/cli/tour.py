"""The verb that shows it all on one program: demo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from asserts.cli.answers import Answer, respond
from asserts.cli.exits import Exit
from asserts.cli.options import Json, Quiet
from asserts.cli.screen import Screen, working

if TYPE_CHECKING:
    from asserts.examples.demo import Demo

__all__ = ["demo"]

Text = Annotated[
    str | None,
    typer.Argument(metavar="TEXT", help="A text file (default: one of our own)."),
]


def demo(text: Text = None, json: Json = False, quiet: Quiet = False) -> None:
    """Pack a text into batches, with its checks: trace, insert, run, remove."""

    def answer() -> Answer:
        from asserts.cli.documents import of_report
        from asserts.examples.demo import run_demo

        with working("tracing, inserting, running", quiet):
            found = run_demo(text)
        fields = {
            "text": found.source,
            "words": found.words,
            "characters": found.characters,
            "report": of_report(found.checked.report),
            "equal": found.same,
            "shape": list(found.shape),
            "removed": found.removed,
            "stopped": found.stopped,
        }
        code = Exit.DONE if found.same and found.stopped else Exit.REFUTED
        return Answer(code, fields, lambda screen: _draw(screen, found))

    respond("demo", answer, json, quiet)


def _draw(screen: Screen, found: Demo) -> None:
    from asserts.cli.tables import draw_report

    screen.line(f"{found.words} words, {found.characters} characters from {found.source}\n")
    draw_report(screen, found.checked.report)
    screen.line("\nthe graph with what was inserted:\n")
    screen.code(found.checked.graph_module.print_readable(print_output=False))
    shape = " x ".join(map(str, found.shape))
    screen.line(f"\non the real text: batches of {shape}, equal to plain numpy: {found.same}")
    screen.line(f"the first batch begins: {found.begin}")
    screen.line(f"removed again: {found.removed} asserts, {found.left} nodes left")
    screen.line(f"\nwith the first {found.glued} words glued together:")
    screen.line(found.stopped or "nothing stopped it")
