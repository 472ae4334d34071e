"""The verbs of the command that take programs: insert, remove, minimise, report, verify."""

from __future__ import annotations

import argparse
import sys
import warnings
from dataclasses import replace
from typing import Any

from asserts.files import load_program, save_program
from asserts.graph.module import GraphModule
from shapes.errors import ShapeproofError

__all__ = ["add_verbs"]

_PROGRAM = (
    "a torch program (.pt2), a saved graph (.json), or FILE.py:FUNCTION or MODULE:FUNCTION "
    "to be traced"
)


def add_verbs(verbs: Any) -> None:
    """Add the verbs to the command's parser."""
    for name, run, help_text in (
        ("insert", _insert, "put the checks that cannot be proved into a program"),
        ("remove", _remove, "take the runtime asserts out of a program"),
        ("minimise", _minimise, "take those runtime asserts out that others imply"),
        ("report", _report, "tell of every check whether it is proved or must be made"),
    ):
        verb = verbs.add_parser(name, help=help_text)
        verb.add_argument("program", help=_PROGRAM)
        _input_option(verb)
        if name != "report":
            verb.add_argument("-o", "--output", help="where to save it (.pt2 or .json)")
        if name != "remove":
            verb.add_argument("--policy", default="preserve-user", help=(
                "what may be proved instead: strict, preserve-user or keep-all"
            ))  # fmt: skip
        verb.set_defaults(run=_quietly(run))
    _add_verify(verbs)


def _add_verify(verbs: Any) -> None:
    verb = verbs.add_parser(
        "verify",
        help="run two programs on valid and invalid inputs, and compare what they do",
        description=(
            "Exit status: 0 no difference, 1 a difference (the first one is shown), 2 too few "
            "inputs were accepted by both to compare them, or an error."
        ),
    )
    verb.add_argument("first", metavar="A", help=_PROGRAM)
    verb.add_argument("second", metavar="B", help="another one with the same inputs")
    _input_option(verb)
    verb.add_argument("--seed", type=int, default=0, help="of the random inputs (0)")
    verb.add_argument(
        "--trials", type=int, default=50, metavar="N",
        help="random inputs, besides those that aim at every single check (50)",
    )  # fmt: skip
    verb.add_argument(
        "--min-accepted", type=int, default=1, metavar="N",
        help="inputs that both must accept for the comparison to count (1)",
    )  # fmt: skip
    verb.set_defaults(run=_quietly(_verify))


def _input_option(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="NAME=DIM,DIM:DTYPE",
        help="shape and dtype of a parameter of the function to be traced",
    )


def _quietly(run: Any) -> Any:
    """What torch deprecates in its own code is no news for who runs the command."""

    def quiet(options: argparse.Namespace) -> int:
        with warnings.catch_warnings():
            for category in (FutureWarning, DeprecationWarning):
                warnings.simplefilter("ignore", category)
            return int(run(options))

    return quiet


def _policy(options: argparse.Namespace) -> Any:
    from asserts.passes.discharge import POLICIES

    if options.policy not in POLICIES:
        raise ShapeproofError(f"no policy {options.policy!r}; {', '.join(POLICIES)}")
    return options.policy


def _program(options: argparse.Namespace) -> Any:
    return load_program(options.program, options.input)


def _insert(options: argparse.Namespace) -> int:
    import asserts

    policy = _policy(options)
    return _done(asserts.insert(_program(options), policy=policy), options)


def _remove(options: argparse.Namespace) -> int:
    import asserts

    return _done(asserts.remove(_program(options)), options)


def _minimise(options: argparse.Namespace) -> int:
    import asserts

    policy = _policy(options)
    program = _program(options)
    result = asserts.minimise(program, policy=policy)
    if not isinstance(program, GraphModule):  # in source names, and with the nodes
        said = asserts.report(program, policy=policy)
        result = replace(result, report=replace(said, title=result.report.title))
    return _done(result, options)


def _done(result: Any, options: argparse.Namespace) -> int:
    print(result.report)
    print()
    program = result.program
    if options.output is not None:
        save_program(program, options.output)
        print(f"saved {options.output}")
        return 0
    module = program if isinstance(program, GraphModule) else program.graph_module
    print(module.print_readable(print_output=False))
    return 0


def _report(options: argparse.Namespace) -> int:
    import asserts

    policy = _policy(options)
    print(asserts.report(_program(options), policy=policy))
    return 0


def _verify(options: argparse.Namespace) -> int:
    from asserts.verify.programs import verify

    if options.trials < 0:
        raise ShapeproofError(f"--trials {options.trials}: a number of inputs is not negative")
    first = load_program(options.first, options.input)
    second = load_program(options.second, options.input)
    found = verify(
        first,
        second,
        seed=options.seed,
        trials=options.trials,
        names=(options.first, options.second),
        min_accepted=options.min_accepted,
    )
    print(found)
    sys.stdout.flush()
    return {"equal": 0, "different": 1, "not compared": 2}[found.verdict]
