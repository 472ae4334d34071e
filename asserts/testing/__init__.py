"""Strategies of hypothesis for sizes, shapes, arrays and inputs of programs.

    env = ShapeEnv(); env.size("n", min=1); env.size("b"); env.assume("n % 8 == 0")
    @given(arrays(env, ("b", "2*n"), "float32"))   # sizes that satisfy all that is known

`sizes`, `shapes` and `arrays` draw from an environment, `inputs` from a traced program;
`asserts.contract` draws the arguments of a function from its annotations. What is drawn was
checked by evaluation. Needs hypothesis (extra `contracts`). Imports `trace`, `graph` and
folders before them.
"""

from __future__ import annotations

from asserts.testing.arrays import array_of, filled
from asserts.testing.pool import Pool
from asserts.testing.strategies import arrays, drawn_from, inputs, shapes, sizes

__all__ = ["Pool", "array_of", "arrays", "drawn_from", "filled", "inputs", "shapes", "sizes"]
