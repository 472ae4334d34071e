"""The compiled build: with ``SHAPEPROOF_COMPILE=1`` mypyc makes C extensions of the modules in
`COMPILED`, from the same sources, which behave alike; the sources are installed beside them.
What compiled code copies must not be compared with ``is``: numbers, and tuples with a fixed
number of items (a `NamedTuple` is an object).

Whoever installs or makes a wheel need not set the variable: ``build_backend.py`` does, where
there is a compiler. Everything else about the package is in ``pyproject.toml``.
"""

import os
import sys

from setuptools import Extension, setup

COMPILED = [
    f"shapes/{name}.py"
    for name in (
        "arith/constraint",
        "arith/difference_logic",
        "arith/interval_premises",
        "arith/simplex",
        "arith/system",
        "base/budget",
        "base/logs",
        "base/persistent",
        "domains/int_ranges",
        "env/functions",
        "env/statements",
        "env/symints",
        "expr/booleans",
        "expr/combinations",
        "expr/expression",
        "expr/floats",
        "expr/hash_consing",
        "expr/integers",
        "expr/linear",
        "expr/nodes",
        "expr/optable",
        "expr/operators",
        "expr/quotients",
        "expr/remainders",
        "facts/bounds",
        "facts/cache",
        "facts/directions",
        "facts/exactness",
        "facts/intervals",
        "facts/justification",
        "facts/knowledge",
        "facts/narrowing",
        "facts/propagation",
        "facts/relational_bounds",
        "facts/solved",
        "facts/store",
        "prove/consistency",
        "prove/choice_forms",
        "prove/choice_proofs",
        "prove/choices",
        "prove/extrema",
        "prove/inner_choices",
        "prove/lattices",
        "prove/quick",
        "prove/quotient_forms",
        "prove/selections",
        "prove/settled",
        "prove/tactics",
        "traversal/definedness",
        "traversal/interpret",
        "traversal/tape",
        "witness/enumeration",
        "witness/extremes",
        "witness/local_search",
        "witness/search",
    )
]

TYPES = ["--config-file=", "--ignore-missing-imports", "--no-warn-unused-ignores"]
"""How mypy reads the sources here; what must be so is checked with the tests."""

SIGNALS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "shapes", "_signals.h")

INCLUDED = ["/FI" + SIGNALS] if sys.platform == "win32" else ["-include", SIGNALS]
"""How a C compiler is told to read a header before everything else."""

QUESTIONS = {"egg_info", "dist_info", "sdist", "editable_wheel"}
"""What compiles nothing."""


def extensions() -> list[Extension]:
    """The extensions to build: none, unless they were asked for."""
    if os.environ.get("SHAPEPROOF_COMPILE") != "1" or {*sys.argv[1:2]} & QUESTIONS:
        return []
    from mypyc.build import mypycify

    compiled = mypycify(
        [*TYPES, *COMPILED], opt_level="3", debug_level="0", group_name="shapeproof"
    )
    for one in compiled:  # (the list of arguments may be shared)
        one.extra_compile_args = [*one.extra_compile_args, *INCLUDED]
    return [Extension("shapes._native", ["shapes/_native.c"]), *compiled]


setup(ext_modules=extensions())
