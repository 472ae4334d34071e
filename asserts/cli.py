"""The command ``shapeproof``: prove, bound, trace, insert, remove, report, and a demo."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from shapes.env import ShapeEnv
from shapes.errors import ShapeproofError
from shapes.infinity import Bound, int_oo
from shapes.verdict import Status

if TYPE_CHECKING:
    from asserts.graph_module import GraphModule

__all__ = ["main"]

_EXIT = {Status.ALWAYS: 0, Status.NEVER: 1, Status.DEPENDS: 1, Status.UNKNOWN: 2}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code (0: done or proved, 1: refuted, 2: not decided, or an
    error that was printed)."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except ShapeproofError as error:
        print(f"shapeproof: {error}", file=sys.stderr)
    except OSError as error:
        print(f"shapeproof: {error.filename or ''}: {error.strerror}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="shapeproof", description="symbolic shapes: proofs, ranges and runtime asserts"
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    demo = verbs.add_parser("demo", help="pack a text into batches, with its checks")
    demo.add_argument("text", nargs="?", help="a text file (one comes with the package)")
    demo.set_defaults(run=_demo)

    prove = verbs.add_parser("prove", help="prove or refute a claim about sizes")
    prove.add_argument("claim")
    prove.add_argument("--effort", default="default", help="quick, default or thorough")
    prove.set_defaults(run=_prove)
    bounds = verbs.add_parser("bounds", help="the range and the congruence of an expression")
    bounds.add_argument("expression")
    bounds.set_defaults(run=_bounds)
    for verb in (prove, bounds):
        _environment_options(verb)

    program = "a saved graph (.json), or FILE.py:FUNCTION or MODULE:FUNCTION to be traced"
    for name, run, help_text in (
        ("insert", _insert, "put the checks that cannot be proved into a program"),
        ("remove", _remove, "take the runtime asserts out of a program"),
        ("report", _report, "tell of every check whether it is proved or must be made"),
    ):
        verb = verbs.add_parser(name, help=help_text)
        verb.add_argument("program", help=program)
        verb.add_argument(
            "--input",
            action="append",
            default=[],
            metavar="NAME=DIM,DIM:DTYPE",
            help="shape and dtype of a parameter of the function to be traced",
        )
        if name != "report":
            verb.add_argument("-o", "--output", help="where to save the graph (.json)")
        if name != "remove":
            verb.add_argument("--policy", default="preserve-user", help=(
                "what may be proved instead: strict, preserve-user or keep-all"
            ))  # fmt: skip
        verb.set_defaults(run=run)
    return parser


def _environment_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--size", action="append", default=[], metavar="NAME[:MIN..MAX]",
        help="an input's size (MAX may be missing)",
    )  # fmt: skip
    verb.add_argument(
        "--int", action="append", default=[], metavar="NAME[:MIN..MAX]", dest="integer",
        help="any integer input",
    )  # fmt: skip
    verb.add_argument(
        "--unbacked", action="append", default=[], metavar="NAME[:MIN..MAX]",
        help="a size that is known only at run time",
    )  # fmt: skip
    verb.add_argument("--assume", action="append", default=[], metavar="FACT")


# --------------------------------------------------------------------------- questions


def _environment(options: argparse.Namespace) -> ShapeEnv:
    env = ShapeEnv()
    for text in options.size:
        name, lower, upper = _ranged(text, 0)
        env.size(name, min=lower, max=upper)  # type: ignore[arg-type]
    for text in options.integer:
        name, lower, upper = _ranged(text, -int_oo)
        env.integer(name, min=lower, max=upper)
    for text in options.unbacked:
        name, lower, upper = _ranged(text, 0)
        env.unbacked(name, size_like=lower >= 0, min=lower, max=upper)
    for fact in options.assume:
        env.assume(fact)
    return env


def _ranged(text: str, default: Bound) -> tuple[str, Bound, Bound]:
    """``NAME``, ``NAME:MIN..MAX``, ``NAME:MIN..`` or ``NAME:..MAX``."""
    name, colon, ends = text.partition(":")
    if not colon:
        return name, default, int_oo
    lower, dots, upper = ends.partition("..")
    try:
        if not dots:
            raise ValueError
        return name, int(lower) if lower else default, int(upper) if upper else int_oo
    except ValueError:
        raise ShapeproofError(f"{text!r} is not NAME:MIN..MAX") from None


def _prove(options: argparse.Namespace) -> int:
    env = _environment(options)
    if options.effort not in ("quick", "default", "thorough"):
        raise ShapeproofError(f"no effort {options.effort!r}; quick, default or thorough")
    verdict = env.prove(options.claim, effort=options.effort)
    print(f"{verdict.status.name}: {verdict.explain()}")
    return _EXIT[verdict.status]


def _bounds(options: argparse.Namespace) -> int:
    env = _environment(options)
    expr = env.spelled(options.expression).expr
    known = env.bounds(expr)
    print(f"{expr} in [{known.lower}, {known.upper}]")
    if expr.kind == "int":
        modulus, residue = env.congruence(expr)
        if modulus > 1:
            print(f"{expr} = {residue} modulo {modulus}")
    return 0


# --------------------------------------------------------------------------- programs


def _program(options: argparse.Namespace) -> GraphModule:
    if options.program.endswith(".json"):
        from asserts.dialects.numpy_codec import load

        return load(Path(options.program).read_text(encoding="utf-8"))
    from asserts.sources import traced_from

    return traced_from(options.program, options.input)


def _save(graph_module: GraphModule, options: argparse.Namespace) -> None:
    if options.output is None:
        print(graph_module.print_readable(print_output=False))
        return
    from asserts.dialects.numpy_codec import save

    text = save(graph_module)
    Path(options.output).write_text(text, encoding="utf-8")
    print(f"saved {options.output}")


def _insert(options: argparse.Namespace) -> int:
    result = _inserted(options)
    print(result.report)
    print()
    _save(result.graph_module, options)
    return 0


def _inserted(options: argparse.Namespace):  # type: ignore[no-untyped-def]
    import asserts
    from asserts.passes.discharge import POLICIES

    if options.policy not in POLICIES:
        raise ShapeproofError(f"no policy {options.policy!r}; {', '.join(POLICIES)}")
    return asserts.insert(_program(options), policy=options.policy)


def _remove(options: argparse.Namespace) -> int:
    import asserts

    result = asserts.remove(_program(options))
    print(result.report)
    print()
    _save(result.graph_module, options)
    return 0


def _report(options: argparse.Namespace) -> int:
    print(_inserted(options).report)
    return 0


def _demo(options: argparse.Namespace) -> int:
    from asserts.examples.demo import run_demo

    return run_demo(options.text)


if __name__ == "__main__":
    sys.exit(main())
