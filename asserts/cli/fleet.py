"""The verb for many models: fleet."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from asserts.cli.answers import Answer, respond
from asserts.cli.exits import Exit
from asserts.cli.options import Json, Policy, PolicyOption, Quiet
from asserts.cli.screen import Screen, counting

if TYPE_CHECKING:
    from asserts.fleet.run import Fleet

__all__ = ["fleet"]

_ENGINE: Final = "Engine"
_LIMITS: Final = "Limits of one model"


class EngineName(str, Enum):
    """Where the work is done."""

    LOCAL = "local"
    DASK = "dask"
    RAY = "ray"


class Verb(str, Enum):
    """What is asked of every model."""

    REPORT = "report"
    MINIMISE = "minimise"
    CONTRACT = "contract"
    VERIFY = "verify"


Paths = Annotated[
    list[str],
    typer.Argument(
        metavar="PATHS...",
        help="Files .onnx, .pt2 or .json (our graphs), and folders of them.",
        show_default=False,
    ),
]
Folder = Annotated[
    Path,
    typer.Option(
        "--output", "-o", metavar="DIR", help="The folder for tables, results and the journal."
    ),
]
VerbOption = Annotated[
    Verb,
    typer.Option("--verb", help="verify: compare each model with its minimised form."),
]
EngineOption = Annotated[
    EngineName,
    typer.Option("--engine", help="Where the work is done.", rich_help_panel=_ENGINE),
]
Address = Annotated[
    str | None,
    typer.Option(
        "--address", help="The address of the scheduler.", rich_help_panel=_ENGINE
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", min=1, help="Processes of the engine local.", rich_help_panel=_ENGINE
    ),
]
Seconds = Annotated[
    float,
    typer.Option("--seconds", min=0.1, help="Seconds.", rich_help_panel=_LIMITS),
]
Memory = Annotated[
    int,
    typer.Option(
        "--memory", min=256, help="MiB of memory (Linux).", rich_help_panel=_LIMITS
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="verify: seed for the random inputs.")]
Trials = Annotated[int, typer.Option("--trials", min=1, help="verify: inputs per model.")]
Again = Annotated[
    bool, typer.Option("--again", help="Work once more on models that have failed.")
]


def fleet(
    paths: Paths,
    output: Folder,
    verb: VerbOption = Verb.REPORT,
    engine: EngineOption = EngineName.LOCAL,
    address: Address = None,
    workers: Workers = None,
    policy: PolicyOption = Policy.PRESERVE_USER,
    seconds: Seconds = 300.0,
    memory: Memory = 4096,
    seed: Seed = 0,
    trials: Trials = 50,
    again: Again = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Work on many models at once, and go on where the last run ended."""

    def answer() -> Answer:
        from asserts.fleet.engines import engine_of
        from asserts.fleet.plan import Plan
        from asserts.fleet.run import run

        folder = output.absolute()
        plan = Plan(
            verb.value,
            str(folder / "results"),
            policy=policy.value,
            seed=seed,
            trials=trials,
            seconds=seconds,
            memory=memory << 20,
        )
        where = engine_of(engine.value, address, workers)
        with counting(quiet) as tell:
            found = run(paths, plan, where, folder, tell, again)
        return Answer(_code(found), _fields(found, verb), lambda s: _draw(s, found, verb))

    respond("fleet", answer, json, quiet)


def _code(found: Fleet) -> Exit:
    if found.different:
        return Exit.REFUTED
    return Exit.UNKNOWN if found.failures or found.undecided else Exit.DONE


def _fields(found: Fleet, verb: Verb) -> dict[str, Any]:
    failed = sum(found.failures.values())
    return {
        "work": verb.value,
        "models": len(found.records),
        "distinct": found.distinct,
        "known": found.known,
        "done": len(found.records) - failed,
        "failed": failed,
        "failures": found.failures,
        "different": found.different,
        "not_compared": found.undecided,
        "table": found.table,
        "overview": found.page,
    }


def _draw(screen: Screen, found: Fleet, verb: Verb) -> None:
    failed = sum(found.failures.values())
    total = len(found.records)
    style = "bold red" if found.different else "bold yellow" if failed else "bold green"
    screen.line(f"{verb.value}: {total - failed} of {total} models done", style)
    if found.known:
        screen.line(f"{found.known} of {found.distinct} contents were done before")
    for kind, count in found.failures.items():
        screen.line(f"failed, {kind}: {count}")
    if found.different:
        screen.line(f"different after minimising: {found.different}")
    if found.undecided:
        screen.line(f"not compared: {found.undecided}")
    screen.line(f"saved {found.table}")
    screen.line(f"saved {found.page}")
