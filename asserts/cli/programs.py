"""The verbs that take a program: insert, remove, minimise, report."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from asserts.cli.answers import Answer, respond
from asserts.cli.changes import REPORT_TITLE, graph_text, minimised
from asserts.cli.exits import Exit
from asserts.cli.options import (
    Input,
    Json,
    Module,
    Output,
    Policy,
    PolicyOption,
    Program,
    Quiet,
)
from asserts.cli.screen import Screen, set_apart, working
from asserts.files import load_program, require_output, save_program

if TYPE_CHECKING:
    from asserts.conditions.report import Report

__all__ = ["calm", "insert", "loaded", "minimise", "remove", "report"]


def insert(
    program: Program,
    input: Input = None,
    module: Module = None,
    output: Output = None,
    policy: PolicyOption = Policy.PRESERVE_USER,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Put the checks that cannot be proved into a program."""
    import asserts

    def change(given: object) -> Any:
        return asserts.insert(given, policy=policy.value)

    source = (program, input or (), module or ())
    respond(
        "insert", lambda: _changed("inserting", source, change, output, quiet), json, quiet
    )


def remove(
    program: Program,
    input: Input = None,
    module: Module = None,
    output: Output = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Remove the runtime asserts from a program."""
    import asserts

    source = (program, input or (), module or ())
    respond(
        "remove",
        lambda: _changed("removing", source, asserts.remove, output, quiet),
        json,
        quiet,
    )


def minimise(
    program: Program,
    input: Input = None,
    module: Module = None,
    output: Output = None,
    policy: PolicyOption = Policy.PRESERVE_USER,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Remove runtime asserts that others imply."""

    def change(given: object) -> Any:
        return minimised(given, policy.value)

    source = (program, input or (), module or ())
    respond(
        "minimise", lambda: _changed("minimising", source, change, output, quiet), json, quiet
    )


def report(
    program: Program,
    input: Input = None,
    module: Module = None,
    policy: PolicyOption = Policy.PRESERVE_USER,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show, for each check, whether it is proved or must run."""
    import asserts

    def answer() -> Answer:
        with calm(), working(f"proving the checks of {program}", quiet):
            given = loaded(program, input or (), module or ())
            found = replace(asserts.report(given, policy=policy.value), title=REPORT_TITLE)
        fields = {"program": program, "report": _report_fields(found)}
        return Answer(Exit.DONE, fields, lambda screen: _draw_report(screen, found))

    respond("report", answer, json, quiet)


# --------------------------------------------------------------------------- how


@contextmanager
def calm() -> Iterator[None]:
    """What torch deprecates in its own code does not concern the command's user."""
    with warnings.catch_warnings():
        for category in (FutureWarning, DeprecationWarning):
            warnings.simplefilter("ignore", category)
        yield


def loaded(program: str, inputs: Sequence[str], modules: Sequence[str]) -> Any:
    """The program of that name; what it prints meanwhile is not part of the answer."""
    with set_apart(program):
        return load_program(program, inputs, modules)


Source = tuple[str, Sequence[str], Sequence[str]]


def _changed(
    doing: str, source: Source, change: Callable[[Any], Any], output: str | None, quiet: bool
) -> Answer:
    """Load, change and save a program; what there is to say of that."""
    with calm(), working(f"{doing} asserts: {source[0]}", quiet):
        given = loaded(*source)
        if output is not None:
            require_output(given, output)
        result = change(given)
        if output is not None:
            save_program(result.program, output)
    graph = graph_text(result.program) if output is None else None

    def draw(screen: Screen) -> None:
        _draw_report(screen, result.report)
        screen.line()
        if graph is None:
            screen.line(f"saved {output}")
        else:
            screen.code(graph)

    fields = {
        "program": source[0],
        "modified": bool(result.modified),
        "output": output,
        "report": _report_fields(result.report),
        "graph": graph,
    }
    return Answer(Exit.DONE, fields, draw)


def _report_fields(found: Report) -> dict[str, Any]:
    from asserts.cli.documents import of_report

    return of_report(found)


def _draw_report(screen: Screen, found: Report) -> None:
    from asserts.cli.tables import draw_report

    draw_report(screen, found)
