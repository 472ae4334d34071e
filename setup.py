"""The compiled build, for those who ask: ``SHAPEPROOF_COMPILE=1 pip install .``

Everything else about the package is in ``pyproject.toml``. Without the variable nothing is
compiled, and no compiler is needed. With it, mypyc makes C extensions of the modules in
`COMPILED`, from the same sources, which behave alike; the sources are installed beside them.
"""

import os
import sys

from setuptools import Extension, setup

MYPYC = "mypy[mypyc]==2.4.1"
"""Pinned: what is compiled depends on it."""

COMPILED = [
    f"shapes/{name}.py"
    for name in (
        "arith/constraint",
        "arith/difference_logic",
        "arith/interval_premises",
        "arith/simplex",
        "arith/system",
        "base/persistent",
        "domains/int_ranges",
        "env/functions",
        "env/symints",
        "expr/booleans",
        "expr/combinations",
        "expr/expression",
        "expr/floats",
        "expr/hash_consing",
        "expr/integers",
        "expr/linear",
        "expr/nodes",
        "expr/operators",
        "expr/quotients",
        "expr/remainders",
        "facts/bounds",
        "facts/cache",
        "facts/directions",
        "facts/intervals",
        "facts/narrowing",
        "facts/propagation",
        "facts/relational_bounds",
        "facts/store",
        "prove/consistency",
        "prove/quick",
        "traversal/definedness",
        "traversal/interpret",
        "witness/local_search",
    )
]

TYPES = ["--config-file=", "--ignore-missing-imports", "--no-warn-unused-ignores"]
"""How mypy reads the sources here; what must be so is checked with the tests."""

SIGNALS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "shapes", "_signals.h")

ASKED = os.environ.get("SHAPEPROOF_COMPILE", "0") not in ("", "0")


def extensions() -> list[Extension]:
    """The extensions to build: none, unless they were asked for."""
    if not ASKED:
        return []
    try:
        from mypyc.build import mypycify
    except ImportError:
        if sys.argv[1:2] in (["egg_info"], ["dist_info"]):
            return []  # only what this needs is being asked
        raise
    compiled = mypycify(
        [*TYPES, *COMPILED], opt_level="3", debug_level="0", group_name="shapeproof"
    )
    for one in compiled:  # (the list of arguments may be shared)
        one.extra_compile_args = [*one.extra_compile_args, "-include", SIGNALS]
    return [Extension("shapes._native", ["shapes/_native.c"]), *compiled]


setup(ext_modules=extensions(), setup_requires=[MYPYC] if ASKED else [])
