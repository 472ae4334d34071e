"""The command ``shapeproof``: questions and a demo; programs are in `cli_programs`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from asserts.cli_programs import add_verbs
from shapes.base import Bound, int_oo
from shapes.env import ShapeEnv
from shapes.errors import ShapeproofError
from shapes.facts import Status

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

    add_verbs(verbs)
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


def _demo(options: argparse.Namespace) -> int:
    from asserts.examples.demo import run_demo

    return run_demo(options.text)


if __name__ == "__main__":
    sys.exit(main())
