"""Questions with known answers, by family: what people and compilers ask about shapes.

The questions stand in plain text, one a line, here beside this file::

    b in 1..64; u >= 0; u <= 4*b |- u - 3*b <= 64 : ALWAYS @ linear
        but u - 3*b <= 63 : DEPENDS @ search over b 1..64, u 0..256
        but without u <= 4*b : DEPENDS @ search

`questions` reads them, `verify` judges them by enumeration and with z3, knowing nothing of
the engine, `generate` writes the generated part of each file, and ``python -m tests.corpus``
prints the engine's score.
"""
